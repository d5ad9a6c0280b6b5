"""batch_norm, group_norm, layer_norm and embedding against their twins, by differences, and at the edges."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats, normal, views

SHAPES = [
    (2, 3),
    (7, 1),
    (5, 17),
    (3, 4, 9),
    (2, 6, 5, 7),
    (600, 64),
    (300, 70),
    (2, 33, 20, 20),
    (1, 8, 3, 3),
]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def close(got, exact, dtype, size, scale=1.0):
    """Within 8 (log2(size) + 8) units in the last place of `scale` times the largest number.

    Sums of `size` terms are cut into pieces, so their error grows like the depth of a tree over runs of at
    most 256 terms whose errors average out; each formula has fewer than 8 further roundings of such terms.
    """
    assert got.dtype == dtype and got.shape == exact.shape
    bound = 8 * (np.log2(size + 2) + 8) * np.finfo(dtype).eps * scale * max(np.abs(exact).max(initial=0), 1)
    np.testing.assert_allclose(got, exact, rtol=0, atol=bound)


def wide(*arrays):
    return [None if a is None else np.asarray(a, np.float64) for a in arrays]


def calls(shape, dtype):
    """(name, forward's arguments without bias, bias) of every normalisation that takes this shape."""
    x = normal(shape, dtype, 1) * dtype(3) + dtype(2)
    c = shape[1]
    weight, bias = normal((c,), dtype, 2), normal((c,), dtype, 3)
    mean, var = normal((c,), dtype, 4), np.abs(normal((c,), dtype, 5)) + dtype(0.5)
    yield "batch_norm", {"x": x, "running_mean": mean, "running_var": var, "weight": weight}, bias
    plain = {"x": x, "running_mean": None, "running_var": None}
    yield "batch_norm", {**plain, "weight": weight, "training": True}, bias
    yield "batch_norm", {**plain, "weight": None, "training": True}, None
    for groups in {1, c, c // 2 if c % 2 == 0 else c}:
        yield "group_norm", {"x": x, "num_groups": groups, "weight": weight}, bias
    yield "group_norm", {"x": x, "num_groups": 1}, None
    for axes in range(1, len(shape)):
        last = shape[-axes:]
        w, b = normal(last, dtype, 6), normal(last, dtype, 7)
        yield "layer_norm", {"x": x, "normalized_shape": last, "weight": w}, b
    yield "layer_norm", {"x": x, "normalized_shape": shape[-1]}, None


@both_floats
@every_shape
def test_against_the_twins(isa, dtype, shape):
    eps = 0.1  # groups of a single value have no deviation: 1 / sqrt(eps) must not blow their roundings up
    for name, arguments, bias in calls(shape, dtype):
        exact = {k: wide(v)[0] if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
        got = getattr(nf, name)(**arguments, bias=bias, eps=eps)
        twin = getattr(ref, name)(**exact, bias=wide(bias)[0], eps=eps)
        size = np.prod(shape)
        close(got, twin, dtype, size, scale=4)
        g = normal(shape, dtype, 9)
        gradients = getattr(nf, name + "_backward")(g, **arguments, eps=eps)
        twins = getattr(ref, name + "_backward")(wide(g)[0], **exact, eps=eps)
        scales = 40, 4 * np.sqrt(size), 4 * np.sqrt(size)
        for a, b, scale in zip(gradients, twins, scales, strict=True):
            close(a, b, dtype, size, scale)


@pytest.mark.parametrize("shape", [(4, 6), (3, 4, 5), (2, 4, 3, 3)], ids=str)
def test_gradients_by_differences(shape):
    for name, arguments, bias in calls(shape, np.float64):
        g = normal(shape, np.float64, 9)
        forward = getattr(nf, name)
        gx, gweight, gbias = getattr(nf, name + "_backward")(g, **arguments)
        every = {**arguments, "bias": bias}
        for key, gradient in (("x", gx), ("weight", gweight), ("bias", gbias)):
            if every.get(key) is None:
                continue
            array = every[key]
            for i in range(array.size):
                sides = []
                for step in (1e-5, -1e-5):
                    moved = array.copy()
                    moved.flat[i] += step
                    sides.append((forward(**{**every, key: moved}) * g).sum())
                assert gradient.flat[i] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=2e-5, abs=2e-7)


@both_floats
def test_running_statistics(isa, dtype):
    """PyTorch's rule, by hand: the unbiased variance, weighted by momentum."""
    x = normal((6, 3, 4, 5), dtype, 1) + dtype(1)
    mean, var = normal((3,), dtype, 2), np.abs(normal((3,), dtype, 3))
    flat = np.moveaxis(wide(x)[0], 1, -1).reshape(-1, 3)
    expected = 0.7 * wide(mean)[0] + 0.3 * flat.mean(0), 0.7 * wide(var)[0] + 0.3 * flat.var(0, ddof=1)
    twins = wide(mean.copy(), var.copy())
    nf.batch_norm(x, mean, var, training=True, momentum=0.3)
    ref.batch_norm(wide(x)[0], *twins, training=True, momentum=0.3)
    for got, twin, by_hand in zip((mean, var), twins, expected, strict=True):
        np.testing.assert_allclose(got, by_hand, rtol=20 * np.finfo(dtype).eps)
        np.testing.assert_allclose(twin, by_hand, rtol=1e-14)


def test_stored_values():
    """From PyTorch: x = (1, 2, 4, 8) as two samples of two channels and the like, eps = 1e-5."""
    x = np.array([[1.0, 2.0], [4.0, 8.0]])
    np.testing.assert_allclose(
        nf.batch_norm(x, None, None, training=True),
        [[-0.9999977777851852, -0.9999994444449073], [0.9999977777851852, 0.9999994444449073]],
        rtol=1e-14,
    )
    np.testing.assert_allclose(
        nf.layer_norm(x, 2),
        [[-0.9999800005999801, 0.9999800005999801], [-0.9999987500023438, 0.9999987500023438]],
        rtol=1e-14,
    )
    assert_array_equal(nf.layer_norm(x, 2), nf.group_norm(x, 1))


@both_floats
def test_a_mean_far_from_zero(isa, dtype):
    """Two passes keep the digits that a mean of squares would lose."""
    offset = dtype(2**12)
    x = np.round(normal((512, 32), dtype, 1) * 8) / 8 + offset  # exact
    for got, twin in (
        (nf.batch_norm(x, None, None, training=True), ref.batch_norm(wide(x)[0], None, None, training=True)),
        (nf.layer_norm(x, 32), ref.layer_norm(wide(x)[0], 32)),
        (nf.group_norm(x, 2), ref.group_norm(wide(x)[0], 2)),
    ):
        # the mean is rounded to a unit in the last place of the offset, some of them for sums
        np.testing.assert_allclose(got, twin, rtol=0, atol=16 * float(offset) * np.finfo(dtype).eps)


def test_layouts():
    x = normal((3, 4, 5, 6), np.float32, 1)
    for call in (
        lambda v: nf.batch_norm(v, None, None, training=True),
        lambda v: nf.group_norm(v, 2),
        lambda v: nf.layer_norm(v, (5, 6)),
    ):
        expected = call(x)
        for kind, view in views(x):
            assert_array_equal(call(view), expected, err_msg=kind)
        mine = x.copy()
        out = call(mine)
        assert_array_equal(out, expected)
    in_place = x.copy()
    assert nf.layer_norm(in_place, 6, out=in_place) is in_place
    assert_array_equal(in_place, nf.layer_norm(x, 6))
    in_place = x.copy()
    nf.batch_norm(in_place, None, None, training=True, out=in_place)
    assert_array_equal(in_place, nf.batch_norm(x, None, None, training=True))


def test_same_bits_at_any_thread_count():
    x, g = normal((64, 24, 20, 20), np.float32, 1), normal((64, 24, 20, 20), np.float32, 2)
    indices, weight = np.arange(5000) * 7919 % 97, normal((97, 64), np.float32, 3)
    rows = normal((5000, 64), np.float32, 4)
    results = []
    for threads in (1, 2, 5):
        with nf.num_threads(threads):
            results.append(
                [
                    nf.batch_norm(x, None, None, training=True),
                    *nf.batch_norm_backward(g, x, None, None, None, True),
                    nf.group_norm(x, 4),
                    *nf.group_norm_backward(g, x, 4),
                    nf.layer_norm(x, 20),
                    *nf.layer_norm_backward(g, x, 20),
                    nf.embedding_backward(rows, indices, weight),
                ]
            )
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert_array_equal(a, b)


def test_empty_and_single():
    empty = np.zeros((0, 3, 4, 4), np.float32)
    mean, var = np.ones(3, np.float32), np.ones(3, np.float32)
    for y in (
        nf.batch_norm(empty, mean, var, training=True),
        nf.batch_norm(empty, mean, var),
        nf.group_norm(empty, 3),
        nf.layer_norm(empty, (4, 4)),
    ):
        assert y.shape == empty.shape and y.dtype == np.float32
    assert_array_equal(mean, 1)
    for gx, gweight, gbias in (
        nf.batch_norm_backward(empty, empty, None, None, None, True),
        nf.group_norm_backward(empty, empty, 3),
        nf.layer_norm_backward(empty, empty, (4, 4)),
    ):
        assert gx.shape == empty.shape
        assert_array_equal(gweight, 0)
        assert_array_equal(gbias, 0)
    for module in (nf, ref):
        with pytest.raises(ValueError, match="batch_norm: x: expected more than 1 value per channel"):
            module.batch_norm(np.ones((1, 3)), None, None, training=True)
        with pytest.raises(ValueError, match="batch_norm: running_mean: expected an array when not"):
            module.batch_norm(np.ones((2, 3)), None, None)
        with pytest.raises(ValueError, match="batch_norm: running_var: expected running_mean and"):
            module.batch_norm(np.ones((2, 3)), np.ones(3), None)
    assert_array_equal(nf.layer_norm(np.full((2, 1), 7.0), 1), 0)


def test_not_finite():
    x = np.ones((4, 3))
    x[1, 2] = np.nan
    y = nf.batch_norm(x, None, None, training=True)
    assert np.isnan(y[:, 2]).all() and (y[:, :2] == 0).all()
    y = nf.layer_norm(x, 3)
    assert np.isnan(y[1]).all() and (y[[0, 2, 3]] == 0).all()
    x[1, 2] = np.inf
    assert np.isnan(nf.layer_norm(x, 3)[1]).all()


def test_running_arrays_are_checked_before_anything_is_written():
    x = normal((4, 3), np.float32, 1)
    mean, var = np.zeros(3, np.float32), np.ones(3, np.float32)
    frozen = var.copy()
    frozen.flags.writeable = False
    for bad, error in ((np.ones(3), TypeError), (np.ones(4, np.float32), ValueError), (frozen, ValueError)):
        with pytest.raises(error, match=r"^batch_norm: running_var: "):
            nf.batch_norm(x, mean, bad, training=True)
    with pytest.raises(ValueError, match="running_var: expected memory apart"):
        nf.batch_norm(x, mean, mean, training=True)
    assert_array_equal(mean, 0)


# ---------------------------------------------------------------- embedding


@both_floats
@pytest.mark.parametrize("shape", [(), (0,), (1,), (9,), (4, 5), (2, 3, 4)], ids=str)
def test_embedding(isa, dtype, shape):
    for dim in (1, 3, 16, 33):
        weight = normal((11, dim), dtype, dim)
        indices = (np.arange(np.prod(shape, dtype=int)) * 7 % 11).reshape(shape)
        assert_array_equal(nf.embedding(indices, weight), weight[indices])
        assert_array_equal(ref.embedding(indices, weight), weight[indices])
        g = normal((*shape, dim), dtype, 2)
        for padding in (None, 3, -1):
            got = nf.embedding_backward(g, indices, weight, padding)
            # both add in the order of the indices: the same bits
            assert_array_equal(got, ref.embedding_backward(g, indices, weight, padding))


def test_embedding_repeats():
    indices = np.array([2, 2, 0, 2], np.uint8)
    g = np.arange(8.0).reshape(4, 2)
    assert_array_equal(nf.embedding_backward(g, indices, np.zeros((3, 2))), [[4, 5], [0, 0], [8, 11]])
    assert_array_equal(nf.embedding_backward(g, indices, np.zeros((3, 2)), 2), [[4, 5], [0, 0], [0, 0]])


@pytest.mark.parametrize("module", [nf, ref], ids=["nnfast", "reference"])
def test_embedding_refuses(module):
    weight = np.zeros((3, 2))
    out = np.full((2, 2), 7.0)
    for bad in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=r"^embedding: indices: expected 0..2, got"):
            module.embedding(np.array(bad), weight, out=out)
    assert_array_equal(out, 7.0)
    with pytest.raises(TypeError, match=r"^embedding: indices: "):
        module.embedding(np.array([0.0]), weight)
    with pytest.raises(ValueError, match=r"^embedding: padding_idx: "):
        module.embedding(np.array([0]), weight, 3)
    with pytest.raises(ValueError, match=r"^embedding: weight: "):
        module.embedding(np.array([0]), weight[0])
    with pytest.raises(ValueError, match=r"^embedding_backward: grad_output: "):
        module.embedding_backward(np.zeros((2, 2)), np.array([0]), weight)


@both_floats
@pytest.mark.parametrize("module", [nf, ref])
def test_equal_numbers_have_no_deviation(isa, dtype, module):
    """Exactly 0 comes out, times the weight plus the bias, of numbers whose sums round."""
    for value in (0.1, -1.7, 123.456, 1e-30, 3e30):
        for shape in [(2, 3), (7, 9), (33, 100), (300, 70), (5, 6, 31), (3, 4, 17, 9), (1, 2, 600, 3)]:
            x = np.full(shape, value, dtype)
            c, last = shape[1], shape[-1]
            for y, bias in [
                (module.layer_norm(x, last, normal((last,), dtype, 1), normal((last,), dtype, 2)),
                 normal((last,), dtype, 2)),
                (module.group_norm(x, 1, normal((c,), dtype, 1), normal((c,), dtype, 2)),
                 normal((c,), dtype, 2).reshape(c, *[1] * (len(shape) - 2))),
                (module.batch_norm(x, None, None, None, normal((c,), dtype, 2), training=True),
                 normal((c,), dtype, 2).reshape(c, *[1] * (len(shape) - 2))),
            ]:  # fmt: skip
                assert_array_equal(y, np.broadcast_to(bias, shape))
            mean, var = np.zeros(c, dtype), np.ones(c, dtype)
            module.batch_norm(x, mean, var, training=True, momentum=1.0)
            assert_array_equal(mean, np.full(c, value, dtype))
            assert_array_equal(var, np.zeros(c, dtype))
