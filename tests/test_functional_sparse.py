"""sparse_linear and its gradients against the reference: shapes at vector edges, index types, rows in any
order, matrices that are none; the same bits at any number of threads.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

import nnfast as nf
from nnfast import reference as ref
from nnfast.reference.fused import ACTIVATIONS, FROM_OUTPUT

from .arrays import both_floats, normal, rng
from .tolerances import assert_close, both, exact, product_bound

# Columns of a result: vectors of 4 to 16 numbers, eight of them a panel.
WIDTHS = [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 160, 257]


def matrix(rows, columns, share, dtype, *key):
    """A random matrix in compressed rows."""
    return sparse.random_array(
        (rows, columns),
        density=share,
        format="csr",
        dtype=dtype,
        rng=rng(*key),
        data_sampler=rng(*key).normal,
    )


def parts(x, **changed):
    """The same as an object of no library, some of it changed."""
    given = {"data": x.data, "indices": x.indices, "indptr": x.indptr, "shape": x.shape}
    return SimpleNamespace(**{**given, **changed})


def wide(x):
    """The same numbers in float64, where the reference computes."""
    return parts(x, data=exact(x.data))


def backward(module, sparse_grad, *arguments, **options):
    """gdata, gweight (with its columns before it), gbias."""
    gdata, gweight, gbias = module.sparse_linear_backward(*arguments, sparse_grad=sparse_grad, **options)
    return [gdata, *(gweight if sparse_grad else (gweight,)), gbias]


def check(x, weight, bias):
    """Forward and backward within the bounds of their sums."""
    dtype, dense = weight.dtype, x.toarray()
    got = nf.sparse_linear(x, weight, bias)
    assert got.dtype == dtype and got.shape == (x.shape[0], len(weight))
    columns, row = np.hstack([dense, np.ones((len(dense), 1))]), np.hstack([weight, bias[:, np.newaxis]])
    assert_close(
        got, ref.sparse_linear(wide(x), exact(weight), exact(bias)), product_bound(columns, row.T, dtype)
    )
    g = normal(got.shape, dtype, 7)
    for sparse_grad in (False, True):
        mine = backward(nf, sparse_grad, g, x, weight)
        twin = backward(ref, sparse_grad, exact(g), wide(x), exact(weight))
        rows = np.repeat(np.arange(len(g)), np.diff(x.indptr))
        assert_close(mine[0], twin[0], product_bound(g, weight, dtype)[rows, x.indices])
        if sparse_grad:
            np.testing.assert_array_equal(mine[1], twin[1])
            assert mine[1].dtype == np.int64
            dense = dense[:, twin[1]]
        assert_close(mine[-2], twin[-2], product_bound(g.T, dense, dtype))
        assert_close(mine[-1], twin[-1], both(len(g), dtype) * np.abs(exact(g)).sum(axis=0))
    return got


@both_floats
@pytest.mark.parametrize("out", WIDTHS)
def test_shapes(isa, dtype, out):
    for rows, columns, share in [(0, 5, 0.0), (1, 1, 1.0), (5, 9, 0.3), (3, 700, 0.6), (17, 40, 0.1)]:
        x = matrix(rows, columns, share, dtype, rows, out)
        check(x, normal((out, columns), dtype, 1), normal(out, dtype, 2))


@both_floats
def test_no_numbers_and_no_columns(isa, dtype):
    for shape in [(3, 0), (3, 4), (0, 0)]:
        x = sparse.csr_array(shape, dtype=dtype)
        bias = normal(5, dtype, 1)
        np.testing.assert_array_equal(
            check(x, normal((5, shape[1]), dtype, 2), bias), np.tile(bias, (shape[0], 1))
        )


@both_floats
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_activations(isa, dtype, activation):
    """Those of `linear` on the same numbers, with their derivatives."""
    x, weight, bias = matrix(9, 20, 0.2, dtype, 3), normal((21, 20), dtype, 4), normal(21, dtype, 5)
    y = nf.sparse_linear(x, weight, bias, activation=activation)
    dense = nf.linear(x.toarray(), weight, bias, activation=activation)
    tolerance = 64 * np.finfo(dtype).eps * max(1.0, np.abs(dense).max())
    if activation != "step":
        np.testing.assert_allclose(y, dense, rtol=0, atol=tolerance)
    g = normal(y.shape, dtype, 6)
    gx, gweight, gbias = nf.linear_backward(g, x.toarray(), weight, bias, activation=activation)
    ways = [{"bias": bias}] + ([{"output": y}] if activation in FROM_OUTPUT else [])
    for way in ways:
        mine = nf.sparse_linear_backward(g, x, weight, activation=activation, **way)
        for got, expected in zip(mine, (gx[x.nonzero()], gweight, gbias), strict=True):
            np.testing.assert_allclose(got, expected, rtol=0, atol=40 * tolerance)


@both_floats
def test_any_order_and_more_than_once(isa, dtype):
    """Numbers of a row in any order, some columns twice: they are added."""
    x = SimpleNamespace(
        data=np.array([1, 2, 3, 4, 5, -6], dtype),
        indices=np.array([3, 0, 3, 2, 2, 2]),
        indptr=np.array([0, 3, 3, 6]),
        shape=(3, 4),
    )
    dense = np.array([[2, 0, 0, 4], [0, 0, 0, 0], [0, 0, 3, 0]], dtype)
    weight, g = np.round(4 * normal((5, 4), dtype, 1)), np.round(4 * normal((3, 5), dtype, 2))
    np.testing.assert_array_equal(nf.sparse_linear(x, weight), dense @ weight.T)  # small integers: exact
    gdata, gweight, _ = nf.sparse_linear_backward(g, x, weight)
    np.testing.assert_array_equal(gweight, g.T @ dense)
    np.testing.assert_array_equal(gdata, (g @ weight)[[0, 0, 0, 2, 2, 2], x.indices])
    columns, values = nf.sparse_linear_backward(g, x, weight, sparse_grad=True)[1]
    np.testing.assert_array_equal(columns, [0, 2, 3])
    np.testing.assert_array_equal(values, (g.T @ dense)[:, [0, 2, 3]])


def test_numbers_outside_the_rows():
    """indptr need not begin at 0 nor end with the last number: the others are nobody's."""
    x = SimpleNamespace(data=np.arange(1.0, 6.0), indices=[0, 1, 0, 1, 1], indptr=[1, 2, 4], shape=(2, 2))
    weight = np.array([[1.0, 10.0]])
    np.testing.assert_array_equal(nf.sparse_linear(x, weight), [[20.0], [43.0]])
    for module in (nf, ref):
        gdata, gweight, _ = module.sparse_linear_backward(np.array([[1.0], [2.0]]), x, weight)
        np.testing.assert_array_equal(gdata, [0, 10, 2, 20, 0])
        np.testing.assert_array_equal(gweight, [[6, 10]])


@pytest.mark.parametrize("indices", ["int32", "int64", "int16", "uint8", "uint32", ">i4"])
@pytest.mark.parametrize("indptr", ["int32", "int64", "uint16"])
def test_index_types(indices, indptr):
    x, weight = matrix(9, 20, 0.2, np.float64, 3), normal((7, 20), np.float64, 4)
    other = parts(x, indices=x.indices.astype(indices), indptr=x.indptr.astype(indptr))
    strided = parts(x, indices=np.repeat(x.indices, 2)[::2], data=np.repeat(x.data, 2)[::2])
    expected = nf.sparse_linear(x, weight)
    np.testing.assert_array_equal(nf.sparse_linear(other, weight), expected)
    np.testing.assert_array_equal(nf.sparse_linear(strided, weight), expected)
    np.testing.assert_array_equal(nf.sparse_linear(sparse.csr_matrix(x), weight), expected)
    # Transposed, as engines keep it, or any view.
    for layout in (
        np.asfortranarray(weight),
        np.repeat(weight, 2, axis=0)[::2],
        weight[:, ::-1].copy()[:, ::-1],
    ):
        np.testing.assert_array_equal(nf.sparse_linear(x, layout), expected)


def test_out():
    x, weight = matrix(9, 20, 0.2, np.float32, 3), normal((7, 20), np.float32, 4)
    out = np.full((9, 7), np.nan, np.float32)
    assert nf.sparse_linear(x, weight, out=out) is out
    np.testing.assert_array_equal(out, nf.sparse_linear(x, weight))
    for bad, error in (
        (np.zeros((9, 7)), TypeError),
        (np.zeros((9, 6), np.float32), ValueError),
        (np.zeros((9, 7), np.float32, "F"), ValueError),
        ([], TypeError),
    ):
        with pytest.raises(error, match=r"^sparse_linear: out: "):
            nf.sparse_linear(x, weight, out=bad)
    room = np.zeros(63 + x.nnz, np.float32)
    room[: x.nnz] = x.data
    with pytest.raises(ValueError, match=r"^sparse_linear: out: expected memory apart from x"):
        nf.sparse_linear(parts(x, data=room[: x.nnz]), weight, out=room[x.nnz - 1 : x.nnz + 62].reshape(9, 7))


GOOD = SimpleNamespace(data=np.ones(3), indices=np.array([0, 3, 1]), indptr=np.array([0, 2, 3]), shape=(2, 4))
HUGE = 2**62


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"indices": np.array([0, 4, 1])}, ValueError, "indices"),
        ({"indices": np.array([0, -1, 1])}, ValueError, "indices"),
        ({"indices": np.array([0, HUGE, 1])}, ValueError, "indices"),
        ({"indices": np.array([0, 2**31 - 1, 1], np.int32)}, ValueError, "indices"),
        ({"indices": np.array([0, 1])}, ValueError, "indices"),
        ({"indices": np.array([[0, 1, 2]])}, ValueError, "(indices|x)"),
        ({"indices": np.array([0.0, 1.0, 2.0])}, TypeError, "(indices|x)"),
        ({"indptr": np.array([0, 2])}, ValueError, "indptr"),
        ({"indptr": np.array([0, 2, 4])}, ValueError, "indptr"),
        ({"indptr": np.array([0, 3, 2])}, ValueError, "indptr"),
        ({"indptr": np.array([-1, 2, 3])}, ValueError, "indptr"),
        ({"indptr": np.array([0, HUGE, 3])}, ValueError, "indptr"),
        ({"indptr": np.array([0, 2, 3]) / 2}, TypeError, "(indptr|x)"),
        ({"shape": (3, 4)}, ValueError, "indptr"),
        ({"shape": (2, 3)}, ValueError, "(weight|indices)"),
        ({"shape": (2, 5)}, ValueError, "weight"),
        ({"shape": (-1, 4)}, ValueError, "(x|indptr)"),
        ({"shape": (2, 4, 1)}, ValueError, "x"),
        ({"data": np.ones(2)}, ValueError, "(indices|x)"),
        ({"data": np.ones((3, 1))}, ValueError, "x"),
        ({"data": np.ones(3, complex)}, TypeError, "x"),
        ({"data": np.ones(3, np.float32)}, TypeError, "weight"),
    ],
    ids=str,
)  # fmt: skip
def test_matrices_that_are_none(changed, error, words):
    x, weight, out = parts(GOOD, **changed), np.ones((5, 4)), np.full((2, 5), np.nan)
    for module in (nf, ref):
        with pytest.raises(error, match=rf"^sparse_linear: .*{words}"):
            module.sparse_linear(x, weight, out=out)
        assert np.isnan(out).all()
        with pytest.raises(error, match=words):
            module.sparse_linear_backward(np.ones((2, 5)), x, weight)


def test_other_formats_say_what_to_do():
    x = sparse.csr_array(np.eye(3))
    for other in (x.tocsc(), x.tocoo(), x.tolil(), x.todok(), x.todia(), x.tobsr()):
        for module in (nf, ref):
            with pytest.raises(TypeError, match=r"compressed rows, got format \w+: call its tocsr"):
                module.sparse_linear(other, np.eye(3))
    for other in (np.eye(3), None, [[1.0]], "text", object()):
        with pytest.raises(
            TypeError, match=r"^sparse_linear: x: expected a sparse matrix in compressed rows"
        ):
            nf.sparse_linear(other, np.eye(3))


def test_other_arguments():
    x, weight = GOOD, np.ones((5, 4))
    for options, error, name in (
        ({"bias": np.ones(4)}, ValueError, "bias"),
        ({"bias": np.ones(5, np.float32)}, TypeError, "bias"),
        ({"activation": "swish"}, ValueError, "activation"),
        ({"activation": 3}, TypeError, "activation"),
    ):
        with pytest.raises(error, match=f"^sparse_linear: {name}: "):
            nf.sparse_linear(x, weight, **options)
        with pytest.raises(error, match=f"^sparse_linear_backward: {name}: "):
            nf.sparse_linear_backward(np.ones((2, 5)), x, weight, **{"bias": None, **options})
    for g, error in ((np.ones((2, 4)), ValueError), (np.ones((2, 5), np.float32), TypeError)):
        with pytest.raises(error, match=r"^sparse_linear_backward: grad_output: "):
            nf.sparse_linear_backward(g, x, weight)
    for module in (nf, ref):
        with pytest.raises(TypeError, match=r"^sparse_linear_backward: bias: "):
            module.sparse_linear_backward(np.ones((2, 5)), x, weight, activation="relu")
    with pytest.raises(ValueError, match=r"^sparse_linear_backward: output: "):
        nf.sparse_linear_backward(np.ones((2, 5)), x, weight, activation="relu", output=np.ones((2, 4)))


@both_floats
def test_same_bits(isa, threads, dtype):
    x = matrix(700, 3000, 0.02, dtype, 1)
    weight, bias, g = normal((70, 3000), dtype, 2), normal(70, dtype, 3), normal((700, 70), dtype, 4)

    def bits():
        results = [nf.sparse_linear(x, weight, bias, activation="tanh"), *backward(nf, False, g, x, weight)]
        results += backward(nf, True, g, x, weight)
        return [array.tobytes() for array in results]

    with nf.num_threads(1):
        expected = bits()
    assert bits() == expected
