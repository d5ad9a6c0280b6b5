"""Stacks of products: each way the core takes them, the same bits on any number of threads, no memory beyond.

Shapes and layouts of single products, and NumPy's rules, are tests/test_functional_dense.py.
"""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, guarded, normal
from .tolerances import assert_close, both, exact, product_bound

# Small products go to the microkernel, rows to the vectors' kernel, others to the blocks; the threads share
# the stack, or each product of a few large ones (kernels/gemm/gemm_batched.cpp).
STACKS = [
    ((300, 8, 8), (300, 8, 8)),  # small, enough for two threads
    ((70, 33, 29), (70, 29, 70)),  # more columns than a panel
    ((400, 1, 40), (400, 40, 33)),  # rows
    ((90, 40, 41), (90, 41, 2)),  # few columns
    ((20, 65, 90), (20, 90, 65)),  # beyond small
    ((2, 260, 130), (2, 130, 280)),  # large and few
    ((6, 1, 32, 20), (1, 50, 20, 32)),  # both broadcast
    ((31, 17), (90, 17, 40)),  # a repeated
    ((3, 1, 7, 9), (3, 60, 9, 4)),
]


@both_floats
@pytest.mark.parametrize(("a", "b"), STACKS)
def test_stacks(isa, dtype, a, b):
    a, b = normal(a, dtype, 1), normal(b, dtype, 2)
    transposed = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)
    turned = np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)
    expected = ref.matmul(exact(a), exact(b))
    for left, right in [(a, b), (a, transposed), (turned, b), (turned[..., ::-1], transposed[..., ::-1, :])]:
        assert_close(nf.matmul(left, right), expected, product_bound(a, b, dtype))
    g = normal(expected.shape, dtype, 3)
    twins = ref.matmul_backward(exact(g), exact(a), exact(b))
    sizes = ref.matmul_backward(*(np.abs(exact(v)) for v in (g, a, b)))
    for got, twin, size in zip(nf.matmul_backward(g, a, b), twins, sizes, strict=True):
        # An element is a sum over at most all of g's elements.
        assert_close(got, twin, both(g.size, dtype) * size)


@both_floats
@pytest.mark.parametrize(("a", "b"), STACKS)
def test_stacks_and_threads(dtype, a, b):
    a, b = normal(a, dtype, 1), normal(b, dtype, 2)
    before = nf.get_num_threads()
    nf.set_num_threads(max(before, 4))
    results = []
    for threads in (1, 2, 4):
        with nf.num_threads(threads):
            y = nf.matmul(a, b)
            results.append((y, *nf.matmul_backward(y, a, b)))
    nf.set_num_threads(before)
    for other in results[1:]:
        for mine, first in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(mine, first)


@both_floats
def test_stacks_touch_nothing_else(isa, dtype):
    for a, b in [
        ((3, 5, 7), (3, 7, 9)),
        ((2, 17, 3), (2, 3, 65)),
        ((4, 1, 9), (4, 9, 5)),
        ((2, 2, 33), (33, 1)),
    ]:
        x, y = guarded(normal(a, dtype, 1)), guarded(normal(b, dtype, 2))
        expected = ref.matmul(exact(x), exact(y))
        out = guarded(np.full(expected.shape, np.nan, dtype))
        assert_close(nf.matmul(x, y, out=out), expected, product_bound(x, y, dtype))
        turned = guarded(np.ascontiguousarray(y.swapaxes(-1, -2))).swapaxes(-1, -2)
        out[...] = np.nan
        assert_close(nf.matmul(x, turned, out=out), expected, product_bound(x, y, dtype))


@both_floats
@pytest.mark.parametrize(("a", "b"), [((0, 4, 5), (1, 5, 3)), ((0, 4, 5), (5, 3)), ((3, 0, 4, 5), (5, 3)),
                                      ((0, 2, 1, 4, 5), (2, 3, 5, 3)), ((2, 4, 0), (1, 0, 3))])  # fmt: skip
def test_empty_stacks(dtype, a, b):
    """Nothing is added: gradients of operands that serve no place are zeros, whatever lay in their memory."""
    a, b = normal(a, dtype, 1), normal(b, dtype, 2)
    y = nf.matmul(a, b)
    assert y.shape == np.matmul(a, b).shape
    assert not y.any()
    for gradient, operand in zip(nf.matmul_backward(y, a, b), (a, b), strict=True):
        assert gradient.shape == operand.shape
        assert not gradient.any()
    # An empty `out` may have any strides, 0 too.
    if y.size == 0:
        out = np.lib.stride_tricks.as_strided(np.zeros(1, dtype), y.shape, (0,) * y.ndim)
        kept = np.lib.stride_tricks.as_strided(out, (1,), (dtype().itemsize,))
        kept[0] = 7
        assert nf.matmul(a, b, out=out) is out
        assert kept[0] == 7
