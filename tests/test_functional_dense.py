"""matmul and linear against the reference: shapes at vector edges, strides, stacks, dtypes, ISAs."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref
from nnfast.reference.fused import FROM_OUTPUT

from .arrays import FLOATS, SIZES, both_floats, guarded, normal, views
from .tolerances import TANH_ULP, assert_close, both, exact, gamma, product_bound

EDGES = [0, 1, 2, 3, 5, 8, 9, 16, 17, 31, 33, 65]


def check_matmul(a, b, **options):
    got = nf.matmul(a, b, **options)
    assert np.asarray(got).dtype == a.dtype
    expected = ref.matmul(exact(a), exact(b))
    assert_close(got, expected, product_bound(a, b, a.dtype.newbyteorder("=")))
    return got


@both_floats
@pytest.mark.parametrize("m", EDGES)
def test_matmul_shapes(isa, dtype, m):
    for n in EDGES:
        for k in (0, 1, 7, 16, 33):
            check_matmul(normal((m, k), dtype, m, n, k), normal((k, n), dtype, n, k, m))


@both_floats
def test_matmul_blocks(isa, dtype):
    """Sizes beyond one cache block in each direction."""
    for m, n, k in [(700, 5, 9), (3, 1500, 20), (13, 29, 1100), (150, 210, 530)]:
        check_matmul(normal((m, k), dtype, 1), normal((k, n), dtype, 2))


@both_floats
def test_matmul_beyond_the_caches(isa, dtype):
    """Blocks of columns, rows fetched ahead: the values, and the same bits with any number of threads."""
    threads = nf.get_num_threads()
    try:
        for m, n, k in [(13, 3001, 500), (40, 1500, 400), (1, 1500, 700), (1500, 1, 700), (700, 20, 900)]:
            for turned in (False, True):
                a = normal((k, m), dtype, 1).T if turned else normal((m, k), dtype, 1)
                b = normal((n, k), dtype, 2).T if m <= 40 else normal((k, n), dtype, 2)
                nf.set_num_threads(1)
                alone = check_matmul(a, b)
                for count in (2, 4):
                    nf.set_num_threads(count)
                    np.testing.assert_array_equal(nf.matmul(a, b), alone)
    finally:
        nf.set_num_threads(threads)


@both_floats
def test_matmul_one_column_and_one_term(isa, dtype):
    x = normal((8, 6), dtype, 1)
    check_matmul(x[::2, :1], np.full((1, 1), 2, dtype))
    check_matmul(x[::-2, ::3], normal((4, 3), dtype, 2)[::2, 1:2])
    check_matmul(x.T[::2], normal((8, 2), dtype, 3)[:, 1:])


@both_floats
@pytest.mark.parametrize("columns", [0, 3])
def test_matmul_rows_whole_pages_apart(isa, dtype, columns):
    """Rows of 4096 bytes, of which all or all but `columns` are taken: copies and panels of their own."""
    page = 4096 // np.dtype(dtype).itemsize

    def matrix(rows, seed):
        return guarded(normal((rows, page), dtype, seed))[:, columns:]

    width = page - columns
    for m, n, k in [(20, width, 90), (200, width, 35), (67, 2, width), (33, 300, width), (140, 300, width)]:
        a = matrix(m, 1) if k == width else normal((m, k), dtype, 1)
        b = matrix(k, 2) if n == width else normal((k, n), dtype, 2)
        check_matmul(a, b)
        check_matmul(b.T, a.T)
    for n, k in [(1, 40), (2, 17), (10, 130), (70, 20)]:
        check_matmul(matrix(k, 3).T, normal((k, n), dtype, 4))
        check_matmul(normal((n, k), dtype, 4), matrix(k, 3))


@both_floats
def test_matmul_layouts(isa, dtype):
    a, b = normal((19, 23), dtype, 1), normal((23, 17), dtype, 2)
    for _, left in views(a):
        for _, right in views(b):
            expected = ref.matmul(exact(a), exact(b))
            assert_close(nf.matmul(left, right), expected, product_bound(a, b, dtype))
    check_matmul(b.T, a.T)
    check_matmul(a[::-2, ::3], b[::-1][::3, 1::2])


@both_floats
def test_matmul_repeated_rows(isa, dtype):
    """Strides of 0: one row, or one number, read over and over."""
    a = np.broadcast_to(normal((1, 21), dtype, 1), (18, 21))
    b = np.broadcast_to(normal((21, 1), dtype, 2), (21, 35))
    check_matmul(a, b)
    check_matmul(np.broadcast_to(dtype(0.5), (5, 21)), np.broadcast_to(dtype(3), (21, 6)))


@both_floats
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5,), (5,)), ((5,), (5, 3)), ((4, 5), (5,)), ((2, 4, 5), (5,)), ((5,), (2, 5, 3)),
        ((2, 4, 5), (5, 3)), ((4, 5), (2, 5, 3)), ((2, 4, 5), (2, 5, 3)), ((2, 1, 4, 5), (3, 5, 2)),
        ((2, 3, 4, 5), (2, 3, 5, 6)), ((1, 4, 5), (7, 5, 2)), ((7, 4, 5), (1, 5, 2)), ((0, 4, 5), (5, 3)),
        ((0, 4, 5), (1, 5, 3)), ((2, 0, 5), (2, 5, 3)), ((2, 4, 0), (2, 0, 3)), ((1, 1, 1), (1, 1, 1)),
        ((3, 1, 1, 5), (1, 2, 5, 1)), ((0,), (0,)), ((2, 3, 0), (0, 4)),
    ],
)  # fmt: skip
def test_matmul_stacks(isa, dtype, a, b):
    x, y = normal(a, dtype, 1), normal(b, dtype, 2)
    got = check_matmul(x, y)
    assert type(got) is type(np.matmul(x, y))
    if np.ndim(got):
        out = np.full_like(got, np.nan)
        assert nf.matmul(x, y, out=out) is out
        np.testing.assert_array_equal(out, got)

    g = normal(np.shape(got), dtype, 3)
    for mine, twin, magnitude, terms in zip(
        nf.matmul_backward(g, x, y),
        ref.matmul_backward(exact(g), exact(x), exact(y)),
        ref.matmul_backward(*(np.abs(exact(v)) for v in (g, x, y))),
        # Sums over the other matrix dimension, and over the stack.
        (g.size, g.size),
        strict=True,
    ):
        assert mine.dtype == dtype
        assert mine.flags.c_contiguous
        assert_close(mine, twin, both(terms + 1, dtype) * magnitude)


@both_floats
def test_matmul_strided_stacks(isa, dtype):
    a, b = normal((3, 4, 6, 5), dtype, 1), normal((3, 4, 5, 7), dtype, 2)
    check_matmul(a[::-1, ::2], b[::-1, ::2])
    check_matmul(a.transpose(1, 0, 2, 3), b.transpose(1, 0, 2, 3))
    check_matmul(a.swapaxes(0, 2), b[0, 0])
    g, a, b = normal((4, 3, 6, 7), dtype, 3), a.swapaxes(0, 1), b.swapaxes(0, 1)
    sizes = ref.matmul_backward(*(np.abs(exact(v)) for v in (g, a, b)))
    twins = ref.matmul_backward(exact(g), exact(a), exact(b))
    for got, twin, size, terms in zip(nf.matmul_backward(g, a, b), twins, sizes, (7, 6), strict=True):
        assert_close(got, twin, both(terms, dtype) * size)


@both_floats
def test_matmul_guard_pages(isa, dtype):
    for m, n, k in [(1, 1, 1), (5, 7, 9), (17, 33, 15), (31, 1, 3), (1, 65, 8)]:
        a, b = guarded(normal((m, k), dtype, 1)), guarded(normal((k, n), dtype, 2))
        out = guarded(np.full((m, n), np.nan, dtype))
        check_matmul(a, b, out=out)
        check_matmul(guarded(a.T).T, guarded(b.T).T, out=out)


@both_floats
def test_matmul_special_values(isa, dtype):
    """out is never read; NaN and infinity in one row or column stay there."""
    a, b = normal((9, 20), dtype, 1), normal((20, 11), dtype, 2)
    a[3, 4], b[5, 6] = np.nan, np.inf
    got = nf.matmul(a, b, out=np.full((9, 11), np.nan, dtype))
    assert np.isnan(got[3]).all()
    rest = np.delete(got, 3, axis=0)
    assert np.isinf(rest[:, 6]).all()
    assert np.isfinite(np.delete(rest, 6, axis=1)).all()


@both_floats
def test_matmul_denormals(isa, dtype):
    small = np.full((3, 4), np.finfo(dtype).smallest_subnormal, dtype)
    np.testing.assert_array_equal(
        nf.matmul(small, np.ones((4, 5), dtype)), np.full((3, 5), 4 * small[0, 0], dtype)
    )


# ---------------------------------------------------------------- linear


@both_floats
@pytest.mark.parametrize("n_out", [0, 1, 7, 16, 33])
def test_linear_shapes(isa, dtype, n_out):
    for m in (0, 1, 2, 8, 17, 65):
        for n_in in (0, 1, 5, 16, 33, 100):
            x, weight = normal((m, n_in), dtype, m, n_in), normal((n_out, n_in), dtype, n_out)
            bias = normal(n_out, dtype, 5)
            size = product_bound(x, weight.T, dtype, extra=1)
            assert_close(nf.linear(x, weight), ref.linear(exact(x), exact(weight)), size)
            expected = ref.linear(exact(x), exact(weight), exact(bias))
            size = size + both(n_in + 1, dtype) * np.abs(exact(bias))
            assert_close(nf.linear(x, weight, bias), expected, size)
            g = normal((m, n_out), dtype, 7)
            twins = ref.linear_backward(exact(g), exact(x), exact(weight))
            sizes = ref.linear_backward(*(np.abs(exact(v)) for v in (g, x, weight)))
            for mine, twin, size, terms in zip(
                nf.linear_backward(g, x, weight), twins, sizes, (n_out, m, m), strict=True
            ):
                assert_close(mine, twin, both(terms + 1, dtype) * size)


# |f'| is at most this, and f itself adds this many roundings of a value of at most |f|.
SLOPES = {
    "sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "leaky_relu": 1.0, "hard_sigmoid": 0.25, "relu6": 1.0,
    "elu": 1.0, "selu": 1.8, "gelu": 1.2, "gelu_tanh": 1.2, "silu": 1.2, "mish": 1.2, "softplus": 1.0,
    "softsign": 1.0,
}  # fmt: skip


@both_floats
@pytest.mark.parametrize("activation", SLOPES)
def test_linear_activation(isa, dtype, activation):
    for m, n_in, n_out in [(1, 5, 3), (4, 16, 16), (33, 20, 35)]:
        x, weight, bias = (
            normal((m, n_in), dtype, 1),
            normal((n_out, n_in), dtype, 2),
            normal(n_out, dtype, 3),
        )
        got = nf.linear(x, weight, bias, activation=activation)
        expected = ref.linear(exact(x), exact(weight), exact(bias), activation=activation)
        before = product_bound(x, weight.T, dtype, extra=1) + both(n_in + 1, dtype) * np.abs(exact(bias))
        bound = SLOPES[activation] * before + gamma(2 * TANH_ULP, dtype) * np.abs(expected)
        bound = bound + both(2, dtype) * np.abs(expected)
        if activation not in ("sigmoid", "tanh", "relu", "leaky_relu"):
            # As tests/test_functional_elementwise.py: at most 14 roundings of the result (softplus), and one
            # or two of what goes in (gelu) or of 1 (hard_sigmoid).
            size = np.abs(ref.linear(exact(x), exact(weight), exact(bias)))
            bound = bound + both(14, dtype) * np.abs(expected) + both(2, dtype) * (1 + size)
        assert_close(got, expected, bound)
        out = np.full_like(got, np.nan)
        assert nf.linear(x, weight, bias, activation=activation, out=out) is out
        np.testing.assert_array_equal(out, got)


@both_floats
@pytest.mark.parametrize("activation", [*SLOPES, "step"])
def test_linear_backward_activation(isa, dtype, activation):
    """From the forward's arguments and from its result; against the twin, and either way the same thing."""
    x, weight, bias = normal((33, 20), dtype, 1), normal((35, 20), dtype, 2), normal(35, dtype, 3)
    g, y = normal((33, 35), dtype, 4), nf.linear(x, weight, bias, activation=activation)
    twins = ref.linear_backward(exact(g), exact(x), exact(weight), exact(bias), activation=activation)
    # The gradient before the activation: its slope is off by |f''| <= 3 times what x @ weight.T is off by and
    # by 14 roundings of numbers up to 1, or of the result's size where that is kept; none is near a kink.
    before = product_bound(x, weight.T, dtype, extra=1) + both(21, dtype) * np.abs(exact(bias))
    slack = np.abs(exact(g)) * (3 * before + both(32, dtype) * (2 + np.abs(exact(y))))
    size = np.abs(exact(g)) * SLOPES.get(activation, 0.0)
    sizes, slacks = (
        ref.linear_backward(part, np.abs(exact(x)), np.abs(exact(weight))) for part in (size, slack)
    )
    ways = [
        {"bias": bias}, {"output": y}, {"bias": bias, "output": y},
        {"bias": bias[::-1].copy()[::-1], "output": y.T.copy().T},
    ]  # fmt: skip
    if activation not in FROM_OUTPUT:
        with pytest.raises(TypeError, match=r"^linear_backward: bias: expected the forward's"):
            nf.linear_backward(g, x, weight, activation=activation, output=y)
        ways.remove({"output": y})
    for way in ways:
        for got, twin, size, slack, terms in zip(
            nf.linear_backward(g, x, weight, activation=activation, **way),
            twins, sizes, slacks, (35, 33, 33), strict=True,
        ):  # fmt: skip
            assert_close(got, twin, both(terms + 1, dtype) * size + 2 * slack)


@pytest.mark.parametrize("module", [nf, ref])
def test_linear_backward_wants_its_bias(module):
    """Left out by mistake it would give a wrong gradient: None is to be said."""
    g, x, weight, bias = np.ones((2, 3)), normal((2, 4), "f8", 1), normal((3, 4), "f8", 2), np.full(3, 0.5)
    for activation in [*SLOPES, "step"]:
        with pytest.raises(TypeError, match=r"^linear_backward: bias: expected the forward's, None where"):
            module.linear_backward(g, x, weight, activation=activation)
    none = module.linear_backward(g, x, weight, None, activation="silu")
    assert not np.allclose(none[0], module.linear_backward(g, x, weight, bias, activation="silu")[0])
    for plain in ({}, {"bias": bias}, {"output": np.ones((2, 3))}):  # without activation neither is needed
        np.testing.assert_array_equal(module.linear_backward(g, x, weight, **plain)[0], g @ weight)


@both_floats
def test_linear_backward_activation_edges(isa, dtype):
    for shapes in [((0, 4), (3, 4)), ((2, 0), (3, 0)), ((2, 4), (0, 4)), ((4,), (3, 4))]:
        x, weight = (normal(shape, dtype, 1) for shape in shapes)
        y = nf.linear(x, weight, activation="gelu")
        got = nf.linear_backward(np.ones_like(y), x, weight, None, activation="gelu")
        for mine, like in zip(got, (x, weight, weight[:, 0] if weight.shape[1] else np.ones(3)), strict=True):
            assert mine.shape == like.shape and np.isfinite(mine).all()


@both_floats
def test_linear_step(isa, dtype):
    """The perceptron's units, on integers: the sums are exact, and 0 is not above 0."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype)
    nand = nf.linear(x, np.array([[-2, -2]], dtype), np.array([3], dtype), activation="step")
    np.testing.assert_array_equal(nand, [[1], [1], [1], [0]])
    both_on = nf.linear(x, np.array([[1, 1]], dtype), np.array([-1], dtype), activation="step")
    np.testing.assert_array_equal(both_on, [[0], [0], [0], [1]])


@both_floats
def test_linear_layouts(isa, dtype):
    x, weight, bias = normal((6, 4, 18), dtype, 1), normal((13, 18), dtype, 2), normal(13, dtype, 3)
    expected = ref.linear(exact(x), exact(weight), exact(bias))
    bound = product_bound(x, weight.T, dtype, extra=1) + both(20, dtype) * np.abs(exact(bias))
    for _, vx in views(x):
        for _, vw in views(weight):
            assert_close(nf.linear(vx, vw, bias), expected, bound)
    for _, vb in views(bias):
        assert_close(nf.linear(x, weight, vb), expected, bound)
    swapped = x.transpose(1, 0, 2)
    assert_close(nf.linear(swapped, weight, bias), expected.transpose(1, 0, 2), bound.transpose(1, 0, 2))
    assert_close(nf.linear(x[2, 1], weight, bias), expected[2, 1], bound[2, 1])
    g = normal((4, 6, 13), dtype, 4)
    flipped = weight[:, ::-1]
    sizes = ref.linear_backward(*(np.abs(exact(v)) for v in (g, swapped, flipped)))
    twins = ref.linear_backward(exact(g), exact(swapped), exact(flipped))
    for got, twin, size, terms in zip(
        nf.linear_backward(g, swapped, flipped), twins, sizes, (13, 24, 24), strict=True
    ):
        assert_close(got, twin, both(terms + 1, dtype) * size)


@pytest.mark.parametrize("dtype", FLOATS)
def test_linear_guard_pages(isa, dtype):
    for m, n_in, n_out in [(1, 3, 5), (9, 17, 31), (2, 64, 1), (16, 16, 16)]:
        x, weight = guarded(normal((m, n_in), dtype, 1)), guarded(normal((n_out, n_in), dtype, 2))
        bias, out = guarded(normal(n_out, dtype, 3)), guarded(np.zeros((m, n_out), dtype))
        nf.linear(x, weight, bias, out=out)
        nf.linear_backward(out, x, weight)
        bound = product_bound(x, weight.T, dtype, extra=1) + both(n_in + 1, dtype) * np.abs(exact(bias))
        assert_close(out, ref.linear(exact(x), exact(weight), exact(bias)), bound)


def test_sizes_cover_vectors():
    """The sizes of these tests reach one below and above every vector width."""
    assert {w + d for w in (4, 8, 16, 32, 64) for d in (-1, 0, 1)} <= set(SIZES)
