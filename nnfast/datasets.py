"""Reading data sets from files that are there already. Nothing is downloaded.

The IDX format (LeCun, Cortes & Burges, "The MNIST database"): two zero bytes, a byte for the type, a byte
for the number of axes, a big-endian 32-bit size an axis, then the numbers, big-endian, the last axis fastest.

CIFAR-10's binary version (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): records
of a label's byte and 3072 bytes of an image, its red, green and blue plane.
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

__all__ = ["cifar10", "mnist", "read_idx"]

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
    content = _content("read_idx", name)
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


def _content(owner: str, name: str) -> bytes:
    """A file's bytes, unpacked when they are compressed with gzip."""
    with open(name, "rb") as file:
        content = file.read()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{owner}: {name}: the gzip data are damaged: {error}") from None
    return content


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
    images = read_idx(_find("mnist", folder, f"{prefix}-images-idx3-ubyte"))
    labels = read_idx(_find("mnist", folder, f"{prefix}-labels-idx1-ubyte"))
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"mnist: images: expected uint8 (n, height, width), got {images.dtype} {images.shape}"
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"mnist: labels: expected uint8 (n,), got {labels.dtype} {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(f"mnist: labels: expected {len(images)} like the images, got {len(labels)}")
    return images, labels


def cifar10(
    folder: str | os.PathLike[str], part: str = "train"
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels of CIFAR-10 from its binary version.

    Parameters
    ----------
    folder : path
        Holds data_batch_1.bin to data_batch_5.bin (test_batch.bin for the test part), with or without .gz. Of
        the five those that are there are read, at least the first.
    part : {"train", "test"}

    Returns
    -------
    images : uint8 array (n, 3, 32, 32)
        Red, green, blue.
    labels : uint8 array (n,)
        airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Raises
    ------
    FileNotFoundError
        If the folder or the file is not there; the message names what was looked for.
    ValueError
        If a file is damaged.
    """
    if _checks.choice("cifar10", "part", part, ("train", "test")) == "test":
        names = [_find("cifar10", folder, "test_batch.bin")]
    else:
        names = [_find("cifar10", folder, "data_batch_1.bin")]
        for i in range(2, 6):
            found = _candidates(folder, f"data_batch_{i}.bin")
            names += found[:1]
    record = 1 + 3 * 32 * 32
    parts = []
    for name in names:
        content = _content("cifar10", name)
        if not content or len(content) % record:
            raise ValueError(f"cifar10: {name}: expected records of {record} bytes, got {len(content)} bytes")
        parts.append(np.frombuffer(content, np.uint8).reshape(-1, record))
    records = np.concatenate(parts)
    labels = records[:, 0].copy()
    if labels.max() > 9:
        raise ValueError(f"cifar10: {names[0]}: expected labels 0..9, got {labels.max()}")
    return records[:, 1:].reshape(-1, 3, 32, 32).copy(), labels


def _candidates(folder: str | os.PathLike[str], name: str) -> list[str]:
    """The files of that name, compressed or not, that are there."""
    paths = [os.path.join(os.fspath(folder), candidate) for candidate in (name, name + ".gz")]
    return [path for path in paths if os.path.exists(path)]


def _find(owner: str, folder: str | os.PathLike[str], name: str) -> str:
    """The file of that name, compressed or not."""
    where = os.fspath(folder)
    if not os.path.isdir(where):
        raise FileNotFoundError(f"{owner}: folder: expected an existing folder, got {where!r}")
    found = _candidates(folder, name)
    if not found:
        raise FileNotFoundError(f"{owner}: folder: {where!r} holds neither {name} nor {name}.gz")
    return found[0]
