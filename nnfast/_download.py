"""Fetching a file from an address, so that what is kept is whole and is what was meant.

What this is: download to a temporary file, size limit, SHA-256, rename. What this is not: which files there
are and where they lie, which is in `nnfast.datasets`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass

PIECE = 1 << 20
TIMEOUT = 60.0  # seconds without a byte


@dataclass(frozen=True)
class Source:
    """A file on the network."""

    address: str
    sha256: str
    size: int  # bytes; no more than these are read

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]


def fetch(owner: str, source: Source, path: str) -> None:
    """Write the file of this source to `path`, in a folder that is made when it is missing.

    What was at `path` before is replaced at the very end; after an error it is as it was.

    Raises
    ------
    OSError
        If the address does not answer, or the file cannot be written.
    ValueError
        If what came is not the file with this checksum.
    """
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    partial = f"{path}.{secrets.token_hex(4)}.part"
    try:
        found, size = _copy(owner, source, partial)
        if found != source.sha256:
            raise ValueError(
                f"{owner}: {source.address}: expected {source.size:,} bytes with SHA-256 {source.sha256}, "
                f"got {size:,} bytes with {found}"
            )
        os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)


def _copy(owner: str, source: Source, path: str) -> tuple[str, int]:
    """(SHA-256, bytes) of what came and is now at `path`: at most one byte more than there should be."""
    import hashlib
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    sha256, size = hashlib.sha256(), 0
    request = Request(source.address, headers={"User-Agent": "nnfast"})  # some hosts refuse urllib's own
    try:
        with urlopen(request, timeout=TIMEOUT) as answer, open(path, "xb") as file:
            while piece := answer.read(min(PIECE, source.size + 1 - size)):
                sha256.update(piece)
                size += file.write(piece)
    except (URLError, HTTPException) as error:
        raise OSError(f"{owner}: {source.address}: {error}") from None
    return sha256.hexdigest(), size
