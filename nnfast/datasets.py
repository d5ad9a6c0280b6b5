"""Reading data sets from files, which are downloaded only when that is asked for.

What was downloaded is kept in the folder given and checked against the SHA-256 it is known by.

The IDX format (LeCun, Cortes & Burges, "The MNIST database"): two zero bytes, a byte for the type, a byte
for the number of axes, a big-endian 32-bit size an axis, then the numbers, big-endian, the last axis fastest.

CIFAR-10's binary version (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): records
of a label's byte and 3072 bytes of an image, its red, green and blue plane.

Bike sharing: hour.csv of Fanaee-T and Gama, "Event labeling combining ensemble detectors and background
knowledge", Progress in Artificial Intelligence, 2013 (to be cited in publications).
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
from nnfast._download import Source, fetch

__all__ = ["bike_sharing", "cifar10", "mnist", "read_cifar", "read_idx"]

# The authors' own page no longer serves them reliably; torchvision reads the same files, byte for byte, here.
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_SOURCES = {
    "train-images-idx3-ubyte": Source(
        _MNIST + "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
    ),
    "train-labels-idx1-ubyte": Source(
        _MNIST + "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
    ),
    "t10k-images-idx3-ubyte": Source(
        _MNIST + "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        1_648_877,
    ),
    "t10k-labels-idx1-ubyte": Source(
        _MNIST + "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        4_542,
    ),
    "cifar10": Source(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170_052_171,
    ),
    "bike_sharing": Source(
        "https://archive.ics.uci.edu/static/public/275/bike+sharing+dataset.zip",
        "b70182d0d0508e9abbb79306ce5c0cec34869000f8220175ac83d11dbe845401",
        279_992,
    ),
}

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
    name = _checks.path("read_idx", "path", path)
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


def mnist(
    folder: str | os.PathLike[str], part: str = "train", *, download: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels of MNIST, or of any data set with its file names (Fashion-MNIST, KMNIST).

    Parameters
    ----------
    folder : path
        Holds train-images-idx3-ubyte and train-labels-idx1-ubyte (t10k-... for the test part), with or
        without .gz.
    part : {"train", "test"}
    download : bool
        Whether files of MNIST that are not in the folder are fetched into it, 11 MB in all.

    Returns
    -------
    images : uint8 array (n, 28, 28)
        0 is the background, 255 full ink.
    labels : uint8 array (n,)

    Raises
    ------
    FileNotFoundError
        If the folder or a file is not there; the message names what was looked for.
    OSError
        If a download fails.
    ValueError
        If a file is damaged, the two do not fit together, or what was downloaded is not MNIST.
    """
    folder = _checks.path("mnist", "folder", folder)
    prefix = {"train": "train", "test": "t10k"}[_checks.choice("mnist", "part", part, ("train", "test"))]
    names = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
    if _checks.flag("mnist", "download", download):
        for name in names:
            if not _candidates(folder, name):
                fetch("mnist", _SOURCES[name], os.path.join(os.fspath(folder), name + ".gz"))
    images, labels = (read_idx(_find("mnist", folder, name)) for name in names)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"mnist: images: expected uint8 (n, height, width), got {images.dtype} {images.shape}"
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"mnist: labels: expected uint8 (n,), got {labels.dtype} {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(f"mnist: labels: expected {len(images)} like the images, got {len(labels)}")
    return images, labels


def read_cifar(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels in one file of CIFAR-10's binary version, compressed with gzip or not.

    Parameters
    ----------
    path : path

    Returns
    -------
    images : uint8 array (n, 3, 32, 32)
        Red, green, blue.
    labels : uint8 array (n,)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no such file, or is damaged.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "two.bin")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(2 * bytes([3, *(3072 * [255])]))
    ...     images, labels = read_cifar(path)
    >>> images.shape, labels
    ((2, 3, 32, 32), array([3, 3], dtype=uint8))
    """
    return _cifar_records("read_cifar", _checks.path("read_cifar", "path", path))


def _cifar_records(owner: str, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    content, record = _content(owner, name), 1 + 3 * 32 * 32
    if not content or len(content) % record:
        raise ValueError(f"{owner}: {name}: expected records of {record} bytes, got {len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    labels = records[:, 0].copy()
    if labels.max() > 9:
        raise ValueError(f"{owner}: {name}: expected labels 0..9, got {labels.max()}")
    return records[:, 1:].reshape(-1, 3, 32, 32).copy(), labels


def cifar10(
    folder: str | os.PathLike[str], part: str = "train", *, download: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels of CIFAR-10 from its binary version.

    Parameters
    ----------
    folder : path
        Holds data_batch_1.bin to data_batch_5.bin (test_batch.bin for the test part), with or without .gz. Of
        the five those that are there are read, at least the first.
    part : {"train", "test"}
    download : bool
        Whether the archive (170 MB) is fetched and its files put into the folder, when not all of the part's
        are there.

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
    OSError
        If a download fails.
    ValueError
        If a file is damaged, or what was downloaded is not CIFAR-10.
    """
    folder = _checks.path("cifar10", "folder", folder)
    training = [f"data_batch_{i}.bin" for i in range(1, 6)]
    names = training if _checks.choice("cifar10", "part", part, ("train", "test")) == "train" else []
    names = names or ["test_batch.bin"]
    if _checks.flag("cifar10", "download", download) and not all(_candidates(folder, n) for n in names):
        _fetch_archive("cifar10", folder, [*training, "test_batch.bin"])
    found = [_find("cifar10", folder, names[0])]
    for name in names[1:]:
        found += _candidates(folder, name)[:1]
    images, labels = zip(*(_cifar_records("cifar10", name) for name in found), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def bike_sharing(folder: str | os.PathLike[str], *, download: bool = False) -> dict[str, NDArray[Any]]:
    """The columns of the bike sharing data set: 17,379 hours of a rental scheme in Washington, 2011 and 2012.

    Parameters
    ----------
    folder : path
        Holds hour.csv, with or without .gz.
    download : bool
        Whether it is fetched (280 kB) when it is not there.

    Returns
    -------
    dict of str to array (n,)
        By the names in the file's first line; "dteday" as datetime64[D], all others as float64. "cnt" is the
        number of rentals, the sum of "casual" and "registered".

    Raises
    ------
    FileNotFoundError
        If the folder or the file is not there.
    OSError
        If a download fails.
    ValueError
        If the file is damaged, or what was downloaded is not this data set.
    """
    folder = _checks.path("bike_sharing", "folder", folder)
    if _checks.flag("bike_sharing", "download", download) and not _candidates(folder, "hour.csv"):
        _fetch_archive("bike_sharing", folder, ["hour.csv"])
    name = _find("bike_sharing", folder, "hour.csv")
    try:
        head, *lines = _content("bike_sharing", name).decode("ascii").splitlines()
        rows = [line.split(",") for line in lines]
        columns = dict(zip(head.split(","), zip(*rows, strict=True), strict=True))
        return {
            key: np.array(values, "datetime64[D]") if key == "dteday" else np.array(values).astype(np.float64)
            for key, values in columns.items()
        }
    except ValueError as error:
        raise ValueError(
            f"bike_sharing: {name}: expected lines of numbers under their names: {error}"
        ) from None


def _fetch_archive(owner: str, folder: str | os.PathLike[str], names: list[str]) -> None:
    """Download the data set's archive and put the files of these names, wherever in it, into the folder."""
    source = _SOURCES[owner]
    archive = os.path.join(os.fspath(folder), source.name)
    fetch(owner, source, archive)
    try:
        if source.name.endswith(".zip"):
            from zipfile import ZipFile

            with ZipFile(archive) as packed:
                for member in packed.namelist():
                    if (name := os.path.basename(member)) in names:
                        with packed.open(member) as file:
                            _keep(file, os.path.join(os.fspath(folder), name))
        else:
            import tarfile

            with tarfile.open(archive) as tar:
                for entry in tar:
                    content = tar.extractfile(entry)
                    if content is not None and (name := os.path.basename(entry.name)) in names:
                        _keep(content, os.path.join(os.fspath(folder), name))
    finally:
        os.remove(archive)


def _keep(content: Any, path: str) -> None:
    """Write what the file object holds, under its final name only when it is whole."""
    import shutil

    partial = path + ".part"
    with open(partial, "wb") as file:
        shutil.copyfileobj(content, file)
    os.replace(partial, path)


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
