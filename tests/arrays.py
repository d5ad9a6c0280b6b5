"""Arrays to test with: sizes at vector edges, views of every kind, memory that ends at a guard page."""

import ctypes
import mmap
import sys

import numpy as np
import pytest

# Vectors hold 4 (AVX2 double), 8 (AVX2 float, AVX-512 double) or 16 elements (AVX-512 float), loops take up
# to four.
SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 257]
FLOATS = [np.float32, np.float64]

both_floats = pytest.mark.parametrize("dtype", FLOATS, ids=["float32", "float64"])


def rng(*key):
    """A generator of its own for every test case."""
    return np.random.default_rng([20240917, *key])


def normal(shape, dtype, *key):
    """Standard normal numbers."""
    return np.asarray(rng(*key).standard_normal(shape), dtype)


def views(array):
    """(name, view) pairs: the same numbers in memory laid out in different ways."""
    array = np.ascontiguousarray(array)
    yield "dense", array
    wide = np.full((*array.shape[:-1], 3 * array.shape[-1] + 1), np.nan, array.dtype) if array.ndim else None
    if wide is None:
        return
    wide[..., 1::3] = array
    yield "strided", wide[..., 1::3]
    yield "negative", np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    yield "fortran", np.asfortranarray(array)
    padded = np.full((array.size + 1) * array.itemsize, 255, np.uint8)
    shifted = padded[1 : 1 + array.nbytes].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    yield "misaligned", shifted
    yield "swapped", array.astype(array.dtype.newbyteorder())
    frozen = array.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen


_KEPT = []  # mappings must outlive the arrays over them


def guarded(array):
    """A copy whose last byte lies just before a page that must not be touched."""
    array = np.ascontiguousarray(array)
    if sys.platform != "linux" or array.size == 0:
        return array.copy()
    page = mmap.PAGESIZE
    pages = -(-array.nbytes // page)
    memory = mmap.mmap(-1, (pages + 1) * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(start + pages * page), ctypes.c_size_t(page), 0) == 0
    _KEPT.append(memory)
    copy = np.frombuffer(memory, array.dtype, array.size, pages * page - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy
