"""Reading data sets from files that are there already. Nothing is downloaded.

The IDX format (LeCun, Cortes & Burges, "The MNIST database"): two zero bytes, a byte for the type, a byte
for the number of axes, a big-endian 32-bit size an axis, then the numbers, big-endian, the last axis fastest.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnfast import _checks

__all__ = ["mnist", "read_idx"]

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in an IDX file, compressed with gzip or not.

    Parameters
    ----------
    path : path

    Returns
    -------
    array of the shape and type the file states, in the machine's byte order

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no IDX file, is cut off, or holds more than it states.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "a-idx1-ubyte")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]))
    ...     read_idx(path)
    array([5, 7], dtype=uint8)
    """
    name = os.fspath(path)
    with open(name, "rb") as file:
        content = file.read()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"read_idx: {name}: the gzip data are damaged: {error}") from None
    head = content[:4]
    if len(head) < 4 or head[:2] != bytes(2) or head[2] not in _IDX_TYPES or head[3] == 0:
        raise ValueError(f"read_idx: {name}: expected an IDX file (00 00 type axes), got {head.hex(' ')!r}")
    dtype, ndim = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(
            f"read_idx: {name}: expected {ndim} sizes, but the file ends after {len(content)} bytes"
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", ndim, 4))
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(f"read_idx: {name}: shape {shape} takes {expected} bytes, got {len(content)}")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def mnist(folder: str | os.PathLike[str], part: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels of MNIST, or of any data set with its file names (Fashion-MNIST, KMNIST).

    Parameters
    ----------
    folder : path
        Holds train-images-idx3-ubyte and train-labels-idx1-ubyte (t10k-... for the test part), with or
        without .gz.
    part : {"train", "test"}

    Returns
    -------
    images : uint8 array (n, 28, 28)
        0 is the background, 255 full ink.
    labels : uint8 array (n,)

    Raises
    ------
    FileNotFoundError
        If the folder or a file is not there; the message names what was looked for.
    ValueError
        If a file is damaged, or the two do not fit together.
    """
    prefix = {"train": "train", "test": "t10k"}[_checks.choice("mnist", "part", part, ("train", "test"))]
    images = read_idx(_find(folder, f"{prefix}-images-idx3-ubyte"))
    labels = read_idx(_find(folder, f"{prefix}-labels-idx1-ubyte"))
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"mnist: images: expected uint8 (n, height, width), got {images.dtype} {images.shape}"
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"mnist: labels: expected uint8 (n,), got {labels.dtype} {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(f"mnist: labels: expected {len(images)} like the images, got {len(labels)}")
    return images, labels


def _find(folder: str | os.PathLike[str], name: str) -> str:
    """The file of that name, compressed or not."""
    where = os.fspath(folder)
    if not os.path.isdir(where):
        raise FileNotFoundError(f"mnist: folder: expected an existing folder, got {where!r}")
    for candidate in (name, name + ".gz"):
        path = os.path.join(where, candidate)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"mnist: folder: {where!r} holds neither {name} nor {name}.gz")
