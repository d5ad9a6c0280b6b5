"""The losses against the reference: sizes, reductions, labels of every integer dtype, probabilities."""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, guarded, normal, rng, views
from .tolerances import (
    assert_close,
    both,
    exact,
    flushed,
    log_softmax_bound,
    softmax_parts,
    softmax_relative,
    tiny,
)

REDUCTIONS = ["none", "mean", "sum"]
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def reduce(values, reduction, roundings, dtype):
    """The bound of a reduced loss from the bounds and the sizes of its terms: (bound of terms, |terms|)."""
    bound, size = values
    if reduction == "none":
        return bound
    total = bound.sum() + both(roundings, dtype) * size.sum()
    return total / max(size.size, 1) if reduction == "mean" else total


def upstream(reduction, n, dtype):
    """A gradient to send into a loss of n terms, and its value for each of them."""
    g = normal(n, dtype, 5) if reduction == "none" else float(dtype(0.7))
    per_term = exact(g) / (max(n, 1) if reduction == "mean" else 1)
    return g, per_term


# ---------------------------------------------------------------- mean squared error


@both_floats
@every_reduction
def test_mse_loss(isa, dtype, reduction):
    for n in [*SIZES[1:], 5000]:
        x, t = normal(n, dtype, n), normal(n, dtype, n, 1)
        expected = ref.mse_loss(exact(x), exact(t), reduction=reduction)
        got = nf.mse_loss(x, t, reduction=reduction)
        assert got.dtype == dtype
        # A difference is rounded once, which squares to two roundings of the square, itself rounded.
        square = (exact(x) - exact(t)) ** 2
        assert_close(
            got, expected, reduce((both(3, dtype) * square + tiny(dtype), square), reduction, n + 1, dtype)
        )

        g, per_term = upstream(reduction, n, dtype)
        back = nf.mse_loss_backward(g, x, t, reduction=reduction)
        twin = ref.mse_loss_backward(exact(g), exact(x), exact(t), reduction=reduction)
        assert back.dtype == dtype
        assert_close(
            back, twin, both(6, dtype) * np.abs(2 * per_term * (exact(x) - exact(t))) + tiny(dtype, 2)
        )


@both_floats
def test_mse_loss_shapes(dtype):
    x, t = normal((3, 4, 5), dtype, 1), normal((3, 4, 5), dtype, 2)
    whole = nf.mse_loss(x, t)
    assert isinstance(whole, dtype)
    assert nf.mse_loss(x, t, reduction="none").shape == (3, 4, 5)
    g = normal((3, 4, 5), dtype, 3)
    back = nf.mse_loss_backward(g, x, t, reduction="none")
    for _, view in views(x):
        assert nf.mse_loss(view, t) == whole
        np.testing.assert_array_equal(nf.mse_loss_backward(g, view, t, reduction="none"), back)
    for _, view in views(t):
        assert nf.mse_loss(x, view) == whole
    for _, view in views(g):
        np.testing.assert_array_equal(nf.mse_loss_backward(view, x, t, reduction="none"), back)
    assert nf.mse_loss(x.T, t.T, reduction="none").shape == (5, 4, 3)


@both_floats
def test_mse_loss_long_sum(dtype):
    """A float32 mean of many terms loses nothing to the length of the sum: terms are added in a tree."""
    n = 1 << 20
    got = nf.mse_loss(np.full(n, 1.1, dtype), np.full(n, 1.0, dtype))
    term = exact(dtype(1.1) - dtype(1.0)) ** 2
    assert_close(got, term, both(3 + 20, dtype) * term)  # 20 = log2(n): the depth of the tree


# ---------------------------------------------------------------- cross-entropy


def cross_entropy_terms(x, t, dtype):
    """Bound and size of each row's loss, the sum over j of t_j (-log_softmax_j), in any order."""
    bound = log_softmax_bound(x, -1, dtype)
    logp = np.abs(ref.log_softmax(exact(x)))
    magnitude = (t * (logp + np.abs(exact(x)))).sum(axis=-1)
    rows = (t * bound).sum(axis=-1) + both(x.shape[-1] + 4, dtype) * magnitude
    return rows + tiny(dtype), (t * logp).sum(axis=-1)


def gradient_bound(x, t, per_term, dtype):
    """Of per_term (softmax(x) sum(t) - t): the error of softmax, of the sum of t, and five roundings."""
    _, y = softmax_parts(x, -1)
    r = softmax_relative(x, -1, dtype)
    total = t.sum(axis=-1, keepdims=True)
    n = x.shape[-1]
    scale = np.abs(np.broadcast_to(per_term, x.shape[:1]))[:, None]
    return scale * ((r + both(n + 5, dtype)) * y * total + both(5, dtype) * t + flushed(dtype, n) * total)


def check_cross_entropy(x, target, reduction):
    dtype = x.dtype.type
    n, classes = x.shape
    twin_target = target if target.dtype.kind in "iu" else exact(target)
    t = np.eye(classes)[target] if target.dtype.kind in "iu" else exact(target)
    got = nf.cross_entropy(x, target, reduction=reduction)
    assert got.dtype == dtype
    expected = ref.cross_entropy(exact(x), twin_target, reduction=reduction)
    assert_close(got, expected, reduce(cross_entropy_terms(x, t, dtype), reduction, n + 1, dtype))
    g, per_term = upstream(reduction, n, dtype)
    back = nf.cross_entropy_backward(g, x, target, reduction=reduction)
    assert back.dtype == dtype
    twin = ref.cross_entropy_backward(exact(g), exact(x), twin_target, reduction=reduction)
    assert_close(back, twin, gradient_bound(x, t, per_term, dtype))


@both_floats
@every_reduction
def test_cross_entropy_labels(isa, dtype, reduction):
    for classes in SIZES[1:]:
        for n in (1, 2, 9):
            labels = rng(n, classes).integers(0, classes, n)
            check_cross_entropy(3 * normal((n, classes), dtype, n, classes), labels, reduction)


@both_floats
@every_reduction
def test_cross_entropy_probabilities(isa, dtype, reduction):
    for classes in SIZES[1:]:
        for n in (1, 3, 8):
            probs = rng(n, classes).random((n, classes)).astype(dtype)  # they need not sum to 1
            check_cross_entropy(3 * normal((n, classes), dtype, n, classes), probs, reduction)


@both_floats
def test_cross_entropy_large_logits(isa, dtype):
    x = normal((5, 20), dtype, 1) * dtype(200)
    check_cross_entropy(x, np.arange(5), "none")
    sure = nf.cross_entropy(np.array([[1e4, 0], [0, 1e4]], dtype), np.array([0, 0]), reduction="none")
    np.testing.assert_array_equal(sure, [0, 1e4])


# ---------------------------------------------------------------- negative log-likelihood


@both_floats
@every_reduction
def test_nll_loss(isa, dtype, reduction):
    for classes in (1, 2, 10, 33):
        for n in (1, 5, 100):
            x = -np.abs(normal((n, classes), dtype, n, classes))
            labels = rng(n, classes).integers(0, classes, n)
            got = nf.nll_loss(x, labels, reduction=reduction)
            assert got.dtype == dtype
            expected = ref.nll_loss(exact(x), labels, reduction=reduction)
            size = np.abs(exact(x)[np.arange(n), labels])
            assert_close(got, expected, reduce((0 * size, size), reduction, n + 1, dtype))
            g, _ = upstream(reduction, n, dtype)
            back = nf.nll_loss_backward(g, x, labels, reduction=reduction)
            twin = ref.nll_loss_backward(exact(g), exact(x), labels, reduction=reduction)
            assert back.dtype == dtype
            assert_close(back, twin, both(3, dtype) * np.abs(twin))


@both_floats
def test_nll_is_cross_entropy_of_logarithms(dtype):
    x, labels = normal((7, 6), dtype, 1), rng(1).integers(0, 6, 7)
    nll = nf.nll_loss(nf.log_softmax(x), labels, reduction="none")
    terms, _ = cross_entropy_terms(x, np.eye(6)[labels], dtype)
    assert_close(nll, exact(nf.cross_entropy(x, labels, reduction="none")), 2 * terms)


# ---------------------------------------------------------------- both class losses

CLASS_LOSSES = ["cross_entropy", "nll_loss"]
every_class_loss = pytest.mark.parametrize("name", CLASS_LOSSES)


@every_class_loss
@both_floats
def test_label_dtypes(name, dtype):
    x, labels = normal((6, 5), dtype, 1), np.array([0, 4, 2, 1, 3, 0])
    loss, back = getattr(nf, name), getattr(nf, name + "_backward")
    expected, gradient = loss(x, labels), back(1.0, x, labels)
    for kind in "bBhHiIlLqQ":
        assert loss(x, labels.astype(kind)) == expected
        np.testing.assert_array_equal(back(1.0, x, labels.astype(kind)), gradient)
    assert loss(x, labels.tolist()) == expected
    assert loss(x, labels[::-1][::-1]) == expected
    assert loss(x, np.repeat(labels, 3)[::3]) == expected
    assert loss(x, labels.astype(">i4")) == expected


@every_class_loss
@both_floats
def test_one_sample(name, dtype):
    x = normal(5, dtype, 1)
    loss, back = getattr(nf, name), getattr(nf, name + "_backward")
    for reduction in REDUCTIONS:
        got = loss(x, 3, reduction=reduction)
        assert got == loss(x[None], np.array([3]), reduction="sum")
        assert np.shape(got) == ()
        gradient = back(2.0, x, np.int32(3), reduction=reduction)
        np.testing.assert_array_equal(gradient, back(2.0, x[None], [3], reduction="sum")[0])


@every_class_loss
@both_floats
def test_class_loss_views(name, dtype):
    x, labels = normal((9, 13), dtype, 1), rng(2).integers(0, 13, 9)
    loss, back = getattr(nf, name), getattr(nf, name + "_backward")
    g = normal(9, dtype, 3)
    for _, view in views(x):
        np.testing.assert_array_equal(loss(view, labels, reduction="none"), loss(x, labels, reduction="none"))
        np.testing.assert_array_equal(
            back(g, view, labels, reduction="none"), back(g, x, labels, reduction="none")
        )
    for _, view in views(g):
        np.testing.assert_array_equal(
            back(view, x, labels, reduction="none"), back(g, x, labels, reduction="none")
        )
    guard, targets = guarded(x), guarded(labels)
    assert loss(guard, targets) == loss(x, labels)
    np.testing.assert_array_equal(back(1.0, guard, targets), back(1.0, x, labels))


@both_floats
def test_special_values(isa, dtype):
    """NaN and infinity reach the loss of their own row only."""
    x = normal((3, 20), dtype, 1)
    x[1, 7] = np.nan
    loss = nf.cross_entropy(x, [0, 1, 2], reduction="none")
    assert np.isnan(loss[1])
    assert np.isfinite(loss[[0, 2]]).all()
    assert np.isnan(nf.cross_entropy(x, [0, 1, 2]))
    assert np.isnan(nf.mse_loss(x, np.zeros_like(x)))
    assert np.isposinf(nf.mse_loss(np.array([np.inf], dtype), np.zeros(1, dtype)))


@both_floats
def test_empty(dtype):
    """A sum of nothing is 0, a mean of nothing NaN."""
    none = np.zeros((0, 4), dtype)
    for loss, target in (
        (nf.mse_loss, none),
        (nf.cross_entropy, np.zeros(0, int)),
        (nf.nll_loss, np.zeros(0, int)),
    ):
        assert np.isnan(loss(none, target))
        assert loss(none, target, reduction="sum") == 0
        assert loss(none, target, reduction="none").size == 0
    assert nf.mse_loss_backward(1.0, none, none).shape == (0, 4)
    assert nf.cross_entropy_backward(1.0, none, np.zeros(0, int)).shape == (0, 4)
    assert nf.nll_loss_backward(1.0, none, np.zeros(0, int)).shape == (0, 4)


@both_floats
def test_upstream_numbers(dtype):
    """grad_output of a reduced loss: any real number, a loss as the functions return it included."""
    x, t = normal(6, dtype, 1), normal(6, dtype, 2)
    expected = nf.mse_loss_backward(2.0, x, t)
    for g in (2, np.float32(2), np.float64(2), np.array(2.0), np.array(2.0, np.float32), np.int64(2)):
        np.testing.assert_array_equal(nf.mse_loss_backward(g, x, t), expected)
