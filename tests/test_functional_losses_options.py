"""The losses that go element by element against the reference, and every loss's weights and options.

Labels, shapes, views and reductions of the oldest three are in test_functional_losses.py; errors in
test_functional_errors.py.
"""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, normal, rng, views
from .differences import check_gradients
from .test_functional_losses import cross_entropy_terms, every_reduction, gradient_bound, reduce, upstream
from .tolerances import EXP_ULP, LOG_ULP, assert_close, both, exact, tiny

EXP, LOG = 2 * EXP_ULP, 2 * LOG_ULP  # of a function's value, in unit roundoffs


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# name: what draws target and input from standard normal numbers; then for numbers in float64
# (roundings, sum of the absolute values of the terms) of the loss, and the same of its derivative. A sum of
# terms each of which takes part in k roundings errs by gamma(k) times the sum of their absolute values; an
# argument of log with a rounding of its own adds 1 to |log|, the derivative of log y by log-relative y.
def plain(x, t):
    return x, t


def probabilities(x, t):
    return 1 / (1 + np.exp(-x)), np.abs(t) % 1


def log_probabilities(x, t):
    return -np.abs(x), np.abs(t) % 1


def classes(x, t):
    return x, np.where(t < 0, -1.0, 1.0)


def bits(x, t):
    return x, np.where(t < 0, 0.0, 1.0)


def counts(x, t):
    return x, np.round(np.abs(3 * t))


def rates(x, t):
    return np.abs(x) + 0.1, np.round(np.abs(3 * t))


BCE_SLOPE = (6, lambda x, t: np.abs(x - t) / np.maximum(x * (1 - x), 1e-12))
CASES = {
    "l1_loss": (plain, {}, (1, lambda x, t: np.abs(x - t)), (1, lambda x, t: 1 + 0 * x)),
    "quadratic_cost": (plain, {}, (4, lambda x, t: (x - t) ** 2), (1, lambda x, t: np.abs(x - t))),
    "smooth_l1_loss": (
        plain,
        {"beta": 0.75},
        (6, lambda x, t: np.abs(x - t) * 2 + 1),
        (3, lambda x, t: 1 + 0 * x),
    ),
    "smooth_l1_loss-0": (plain, {"beta": 0.0}, (1, lambda x, t: np.abs(x - t)), (1, lambda x, t: 1 + 0 * x)),
    "huber_loss": (
        plain,
        {"delta": 1.5},
        (6, lambda x, t: 2 * np.abs(x - t) + 3),
        (2, lambda x, t: 2 + 0 * x),
    ),
    "perceptron_loss": (bits, {}, (2, lambda x, t: np.abs(x)), (0, lambda x, t: 1 + 0 * x)),
    "hinge_loss": (classes, {}, (2, lambda x, t: 1 + np.abs(x)), (0, lambda x, t: 1 + 0 * x)),
    "binary_cross_entropy": (
        probabilities,
        {},
        (LOG + 4, lambda x, t: -(1 - t) * np.log1p(-x) - t * np.log(x)),
        BCE_SLOPE,
    ),
    "binary_cross_entropy_with_logits": (
        lambda x, t: (3 * x, np.abs(t) % 1),
        {},
        (EXP + LOG + 6, lambda x, t: (1 - t) * softplus(x) + t * softplus(-x)),
        (EXP + 8, lambda x, t: (1 - t) / (1 + np.exp(-x)) + t / (1 + np.exp(x))),
    ),
    "kl_div": (
        log_probabilities,
        {},
        (LOG + 3, lambda x, t: t * (np.abs(np.log(np.where(t == 0, 1, t))) + np.abs(x))),
        (1, lambda x, t: t),
    ),
    "kl_div-log": (
        lambda x, t: (-np.abs(x), -np.abs(t)),
        {"log_target": True},
        (EXP + 3, lambda x, t: np.exp(t) * (np.abs(t) + np.abs(x))),
        (EXP, lambda x, t: np.exp(t)),
    ),
    "poisson_nll_loss": (
        counts,
        {},
        (EXP + 3, lambda x, t: np.exp(x) + np.abs(t * x)),
        (EXP + 1, lambda x, t: np.exp(x) + t),
    ),
    "poisson_nll_loss-full": (
        rates,
        {"log_input": False, "full": True, "eps": 0.125},
        (
            2 * LOG + 8,
            lambda x, t: (
                x + t * (np.abs(np.log(x + 0.125)) + 1 + np.log(np.maximum(t, 1)) + 1) + np.log(8 + t)
            ),
        ),
        (4, lambda x, t: 1 + t / (x + 0.125)),
    ),
}
every_loss = pytest.mark.parametrize("case", CASES)
NAMES = sorted({case.split("-")[0] for case in CASES} | {"mse_loss"})
CLASS_LOSSES = ["cross_entropy", "nll_loss"]


def functions(case):
    name = case.split("-")[0]
    return (
        getattr(nf, name),
        getattr(nf, name + "_backward"),
        getattr(ref, name),
        getattr(ref, name + "_backward"),
    )


def drawn(case, shape, dtype, *key):
    x, t = CASES[case][0](exact(normal(shape, dtype, *key, 0)), exact(normal(shape, dtype, *key, 1)))
    return x.astype(dtype), t.astype(dtype)


@both_floats
@every_reduction
@every_loss
def test_against_the_reference(isa, dtype, reduction, case):
    _, options, (value_roundings, value_terms), (slope_roundings, slope_terms) = CASES[case]
    loss, back, twin, twin_back = functions(case)
    for n in [*SIZES[1:], 5000]:
        x, t = drawn(case, n, dtype, n)
        terms = value_terms(exact(x), exact(t))
        got = loss(x, t, reduction=reduction, **options)
        assert got.dtype == dtype
        expected = twin(exact(x), exact(t), reduction=reduction, **options)
        bound = both(value_roundings, dtype) * terms + tiny(dtype, 3)
        assert_close(got, expected, reduce((bound, terms), reduction, n + 1, dtype))

        g, per_term = upstream(reduction, n, dtype)
        got = back(g, x, t, reduction=reduction, **options)
        assert got.dtype == dtype
        expected = twin_back(exact(g), exact(x), exact(t), reduction=reduction, **options)
        # 3: the factor is rounded, times the constant before the derivative, times the derivative
        slopes = np.abs(per_term) * slope_terms(exact(x), exact(t))
        assert_close(got, expected, both(slope_roundings + 3, dtype) * slopes + tiny(dtype, 3))


@both_floats
@every_loss
def test_sample_weights_against_the_reference(isa, dtype, case):
    """The weights' products, their sum, in double, and what it is rounded to: three more roundings."""
    _, options, (value_roundings, value_terms), (slope_roundings, slope_terms) = CASES[case]
    loss, back, twin, twin_back = functions(case)
    for shape in ((5,), (7, 3), (33, 16), (9, 2, 5), (1100, 17)):
        x, t = drawn(case, shape, dtype, *shape)
        w = np.abs(normal(shape[0], dtype, 9)) + dtype(0.25)
        wide = np.broadcast_to(exact(w).reshape(-1, *[1] * (x.ndim - 1)), shape)
        terms = wide * value_terms(exact(x), exact(t))
        divisor = exact(w).sum() * (1 if case == "quadratic_cost" else x[0].size)
        expected = twin(exact(x), exact(t), sample_weight=exact(w), **options)
        got = loss(x, t, sample_weight=w, **options)
        bound = both(value_roundings + 3, dtype) * terms.sum() + both(x.size + 1, dtype) * terms.sum()
        assert_close(got, expected, bound / divisor + tiny(dtype))
        got = back(1.5, x, t, sample_weight=w, **options)
        expected = twin_back(1.5, exact(x), exact(t), sample_weight=exact(w), **options)
        slopes = 1.5 / divisor * wide * slope_terms(exact(x), exact(t))
        assert_close(got, expected, both(slope_roundings + 6, dtype) * slopes + tiny(dtype, 3))


def repeated_case(name, dtype):
    """Input and target of five samples."""
    if name in CLASS_LOSSES:
        return normal((5, 3), dtype, 1), np.array([0, 2, 1, 1, 0])
    return drawn(name if name in CASES else "l1_loss", (5, 3), dtype, 1)


@both_floats
@pytest.mark.parametrize("name", [*NAMES, *CLASS_LOSSES])
def test_a_weight_of_two_is_the_sample_twice(name, dtype):
    x, t = repeated_case(name, dtype)
    loss, back = getattr(nf, name), getattr(nf, name + "_backward")
    times = np.array([1, 2, 0, 3, 1])
    for reduction in ("mean", "sum"):
        once = loss(x, t, reduction=reduction, sample_weight=times)
        twice = loss(np.repeat(x, times, axis=0), np.repeat(t, times, axis=0), reduction=reduction)
        # The same terms, but for their factors, in another order: 21 of them at most.
        np.testing.assert_allclose(once, twice, rtol=60 * np.finfo(dtype).eps)
        gradient = back(1.0, x, t, reduction=reduction, sample_weight=times)
        many = back(1.0, np.repeat(x, times, axis=0), np.repeat(t, times, axis=0), reduction=reduction)
        sums = np.add.reduceat(np.concatenate([many, 0 * many[:1]]), np.cumsum([0, *times])[:-1])
        sums[times == 0] = 0
        np.testing.assert_allclose(gradient, sums, rtol=60 * np.finfo(dtype).eps)
    ones = loss(x, t, sample_weight=np.ones(5, dtype))
    np.testing.assert_allclose(ones, loss(x, t), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", [*NAMES, *CLASS_LOSSES])
def test_weights_that_sum_to_nothing(name):
    """The mean is NaN, its gradient 0; the sum is 0."""
    x, t = repeated_case(name, np.float32)
    loss, back = getattr(nf, name), getattr(nf, name + "_backward")
    nothing = np.zeros(5)
    assert np.isnan(loss(x, t, sample_weight=nothing))
    assert loss(x, t, sample_weight=nothing, reduction="sum") == 0
    assert not back(1.0, x, t, sample_weight=nothing).any()


# ---------------------------------------------------------------- weights and options of single losses

WEIGHT_SHAPES = [(), (1,), (3,), (4, 1), (4, 3)]


@both_floats
@every_reduction
@pytest.mark.parametrize("weight", WEIGHT_SHAPES)
@pytest.mark.parametrize("pos_weight", [None, *WEIGHT_SHAPES])
def test_binary_weights(isa, dtype, reduction, weight, pos_weight):
    x, t = drawn("binary_cross_entropy_with_logits", (4, 3), dtype, 1)
    w = np.abs(normal(weight, dtype, 2)) + dtype(0.5)
    p = None if pos_weight is None else np.abs(normal(pos_weight, dtype, 3)) + dtype(0.5)
    q = None if p is None else exact(p)
    options = {"reduction": reduction, "weight": w, "pos_weight": p}
    twin_options = {"reduction": reduction, "weight": exact(w), "pos_weight": q}
    got = nf.binary_cross_entropy_with_logits(x, t, **options)
    factor = 1 if q is None else q
    terms = exact(w) * ((1 - exact(t)) * softplus(exact(x)) + factor * exact(t) * softplus(-exact(x)))
    bound = both(EXP + LOG + 8, dtype) * terms
    expected = ref.binary_cross_entropy_with_logits(exact(x), exact(t), **twin_options)
    assert_close(got, expected, reduce((bound, terms), reduction, 13, dtype))
    g, per_term = upstream(reduction, 12, dtype)
    g = g.reshape(4, 3) if reduction == "none" else g
    per_term = np.reshape(per_term, (4, 3)) if reduction == "none" else per_term
    got = nf.binary_cross_entropy_with_logits_backward(g, x, t, **options)
    expected = ref.binary_cross_entropy_with_logits_backward(exact(g), exact(x), exact(t), **twin_options)
    s = 1 / (1 + np.exp(-exact(x)))
    terms = np.abs(per_term) * exact(w) * ((1 - exact(t)) * s + factor * exact(t) * (1 - s))
    assert_close(got, expected, both(EXP + 14, dtype) * terms)
    if pos_weight is None:
        y = nf.sigmoid(x)
        expected = ref.binary_cross_entropy(exact(y), exact(t), weight=exact(w), reduction="none")
        got = nf.binary_cross_entropy(y, t, w, reduction="none")
        assert_close(got, expected, both(LOG + 7, dtype) * np.abs(expected))


CLASS_OPTIONS = [
    {"weight": True},
    {"ignore_index": -100},
    {"ignore_index": 1},
    {"label_smoothing": 0.25},
    {"label_smoothing": 1.0},
    {"weight": True, "label_smoothing": 0.125, "ignore_index": 0, "sample_weight": True},
    {"weight": True, "ignore_index": -7, "sample_weight": True},
]


@both_floats
@every_reduction
@pytest.mark.parametrize("options", CLASS_OPTIONS, ids=lambda o: "-".join(o))
@pytest.mark.parametrize("name", ["labels", "probabilities", "nll_loss"])
def test_class_options(isa, dtype, reduction, options, name):
    options = dict(options)
    if name == "nll_loss":
        options.pop("label_smoothing", None)
    if name == "probabilities":
        options.pop("ignore_index", None)
    smoothing = options.get("label_smoothing", 0.0)
    for n, classes in ((1, 2), (6, 3), (70, 10), (9, 40), (1500, 17)):
        x = 3 * normal((n, classes), dtype, n, classes)
        labels = rng(n, classes).integers(0, classes, n)
        ignore = options.get("ignore_index", -100)
        labels[rng(n).random(n) < 0.3] = ignore
        counted = np.ones(n) * (labels != ignore)
        t = np.eye(classes)[np.where(labels == ignore, 0, labels)]
        target = labels
        if name == "probabilities":
            target, counted = rng(n, classes).random((n, classes)).astype(dtype), np.ones(n)
            t = exact(target)
        given = dict(options)
        factors = np.ones(classes)
        if "weight" in options:
            given["weight"] = np.abs(normal(classes, dtype, 5)) + dtype(0.5)
            factors = exact(given["weight"])
        if "sample_weight" in options:
            given["sample_weight"] = np.abs(normal(n, dtype, 6)) + dtype(0.5)
            counted = counted * exact(given["sample_weight"])
        divisor = counted.sum() if name == "probabilities" else (counted * (t @ factors)).sum()
        t = counted[:, None] * factors * ((1 - smoothing) * t + smoothing / classes)
        loss = nf.nll_loss if name == "nll_loss" else nf.cross_entropy
        back = nf.nll_loss_backward if name == "nll_loss" else nf.cross_entropy_backward
        twin, twin_back = getattr(ref, loss.__name__), getattr(ref, back.__name__)
        twin_given = {k: exact(v) if isinstance(v, np.ndarray) else v for k, v in given.items()}
        twin_target = exact(target) if name == "probabilities" else target
        got = loss(x, target, reduction=reduction, **given)
        expected = twin(exact(x), twin_target, reduction=reduction, **twin_given)
        # Besides the terms' own errors the target's: smoothing, both weights, the row's factor.
        rows, sizes = cross_entropy_terms(x, t, dtype)
        if name == "nll_loss":
            sizes = (t * np.abs(exact(x))).sum(axis=-1)
            rows = 0 * sizes
        bound, magnitude = rows + both(6, dtype) * sizes, sizes
        limit = bound if reduction == "none" else bound.sum() + both(n + 1, dtype) * magnitude.sum()
        if reduction == "mean" and divisor:
            limit = limit / divisor
        assert_close(got, expected, limit)

        g = normal(n, dtype, 5) if reduction == "none" else float(dtype(0.7))
        per_row = np.abs(exact(g)) / (divisor if reduction == "mean" and divisor else 1)
        got = back(g, x, target, reduction=reduction, **given)
        expected = twin_back(exact(g), exact(x), twin_target, reduction=reduction, **twin_given)
        scale = np.broadcast_to(per_row, (n,))[:, None]
        limit = gradient_bound(x, t, per_row, dtype) + both(6, dtype) * scale * (t + t.sum(-1, keepdims=True))
        assert_close(got, expected, limit + tiny(dtype, 3))


def test_all_ignored():
    """As in PyTorch: the mean of nothing is NaN, its gradient 0; what is ignored may be NaN."""
    x, labels = np.full((2, 3), np.nan), np.array([-100, -100])
    for name in CLASS_LOSSES:
        loss, back = getattr(nf, name), getattr(nf, name + "_backward")
        assert np.isnan(loss(x, labels))
        assert loss(x, labels, reduction="sum") == 0
        np.testing.assert_array_equal(loss(x, labels, reduction="none"), [0, 0])
        np.testing.assert_array_equal(back(1.0, x, labels), np.zeros((2, 3)))


# Made with torch.nn.functional of PyTorch 2 in float64: the mean, of the arrays below.
X = np.array([[0.5, -1.0, 2.0], [0.1, 0.3, -0.2], [-3.0, 1.5, 0.7], [0.9, -0.4, 0.6]])
T = np.array([[0.2, 0.9, 0.0], [1.0, 0.0, 0.5], [0.3, 0.3, 0.4], [0.0, 1.0, 0.7]])
Q, LABELS, W = 1 / (1 + np.exp(-X)), np.array([2, 0, 1, 2]), np.array([0.5, 2.0, 1.25])
PYTORCH = [
    ("mse_loss", X, T, {}, 2.0241666666666664),
    ("l1_loss", X, T, {}, 1.1083333333333332),
    ("smooth_l1_loss", X, T, {}, 0.7079166666666666),
    ("smooth_l1_loss", X, T, {"beta": 0.5}, 0.8816666666666665),
    ("huber_loss", X, T, {"delta": 0.7}, 0.5658333333333333),
    ("binary_cross_entropy", Q, T, {}, 1.0171667677270724),
    ("binary_cross_entropy", Q, T, {"weight": W}, 1.3041978716469622),
    ("binary_cross_entropy_with_logits", X, T, {"weight": W, "pos_weight": W[::-1]}, 1.635519301203578),
    ("kl_div", np.log(Q), T, {}, 0.21449086363056832),
    ("kl_div", np.log(Q), T, {"log_target": True}, 2.315467396513712),
    ("poisson_nll_loss", X, 3 * T, {}, 2.2522240077742794),
    ("poisson_nll_loss", X, 3 * T, {"full": True}, 2.746577078824292),
    ("poisson_nll_loss", Q, 3 * T, {"log_input": False, "full": True}, 2.2143644536228293),
    ("cross_entropy", X, LABELS, {}, 0.6764467465792658),
    ("cross_entropy", X, LABELS, {"weight": W}, 0.5703663034973493),
    ("cross_entropy", X, LABELS, {"ignore_index": 0}, 0.5399492228828692),
    (
        "cross_entropy",
        X,
        LABELS,
        {"weight": W, "label_smoothing": 0.3, "ignore_index": 0},
        0.7574769281777757,
    ),
    ("cross_entropy", X, T, {"weight": W, "label_smoothing": 0.3}, 2.971383297977405),
    ("nll_loss", np.log(Q), LABELS, {"weight": W, "ignore_index": 2}, 0.29000995440091615),
]


@pytest.mark.parametrize(("name", "x", "t", "options", "expected"), PYTORCH)
def test_pytorch_values(name, x, t, options, expected):
    for module in (nf, ref):
        # 12 terms of some ten roundings
        assert getattr(module, name)(x, t, **options) == pytest.approx(expected, rel=1e-14, abs=1e-14)


# ---------------------------------------------------------------- gradients, edges


@every_reduction
@every_loss
def test_gradients_of_the_reference(case, reduction):
    """Away from the bends, which the numbers drawn are."""
    _, options, *_ = CASES[case]
    _, _, twin, twin_back = functions(case)
    x, t = drawn(case, (4, 3), np.float64, 7)
    weights = {"sample_weight": np.array([1.0, 0.5, 2.0, 0.0])}
    if "entropy" in case:
        weights["weight"] = W
    f = lambda x: twin(x, t, reduction=reduction, **weights, **options)  # noqa: E731
    g = normal(f(x).shape, np.float64, 8) if reduction == "none" else np.float64(1.7)
    gradient = twin_back(g, x, t, reduction=reduction, **weights, **options)
    check_gradients(f, [x], [gradient], g)


@pytest.mark.parametrize("name", ["labels", "probabilities", "nll_loss"])
def test_gradients_of_the_weighted_class_losses(name):
    x = normal((4, 3), np.float64, 1)
    options = {"weight": W, "sample_weight": np.array([1.0, 0.5, 2.0, 0.25])}
    if name != "nll_loss":
        options["label_smoothing"] = 0.2
    if name != "probabilities":
        options["ignore_index"] = 0
    target = T if name == "probabilities" else LABELS
    function = "nll_loss" if name == "nll_loss" else "cross_entropy"
    gradient = getattr(ref, function + "_backward")(1.7, x, target, **options)
    check_gradients(lambda x: getattr(ref, function)(x, target, **options), [x], [gradient], np.float64(1.7))


@both_floats
@every_loss
def test_shapes_and_views(dtype, case):
    _, options, *_ = CASES[case]
    loss, back, *_ = functions(case)
    x, t = drawn(case, (4, 3, 5), dtype, 1)
    per_row = case == "quadratic_cost"
    each = loss(x, t, reduction="none", **options)
    assert each.shape == ((4,) if per_row else x.shape)
    g = normal(each.shape, dtype, 2)
    gradient = back(g, x, t, reduction="none", **options)
    for _, view in views(x):
        np.testing.assert_array_equal(loss(view, t, reduction="none", **options), each)
        np.testing.assert_array_equal(back(g, view, t, reduction="none", **options), gradient)
    number = loss(x[0, 0, 0], t[0, 0, 0], reduction="none", **options)
    assert np.shape(number) == () and number == loss(x[0, 0, :1], t[0, 0, :1], reduction="sum", **options)
    weighted = loss(x[0, 0, 0], t[0, 0, 0], reduction="sum", sample_weight=2, **options)
    assert weighted == 2 * number


@both_floats
@every_loss
def test_empty_and_nan(isa, dtype, case):
    _, options, *_ = CASES[case]
    loss, back, *_ = functions(case)
    none = np.zeros((0, 4), dtype)
    assert np.isnan(loss(none, none, **options))
    assert loss(none, none, reduction="sum", **options) == 0
    assert loss(none, none, reduction="none", **options).size == 0
    assert back(1.0, none, none, **options).shape == (0, 4)
    x, t = drawn(case, (3, 20), dtype, 1)
    x[1, 7] = np.nan
    each = loss(x, t, reduction="none", **options)
    assert np.isnan(each).sum() == 1
    assert np.isnan(loss(x, t, **options))


@both_floats
def test_huge_values(isa, dtype):
    big = dtype(np.finfo(dtype).max / 4)
    x, t = np.array([big, -big, big, -big], dtype), np.array([1, 0, 0, 1], dtype)
    got = nf.binary_cross_entropy_with_logits(x, t, reduction="none")
    np.testing.assert_array_equal(got, [0, 0, big, big])
    np.testing.assert_array_equal(
        nf.binary_cross_entropy_with_logits_backward(1.0, x, t, reduction="sum"), [0, 0, 1, -1]
    )
    np.testing.assert_array_equal(nf.huber_loss(x, 0 * x, reduction="none", delta=2.0), 2 * np.abs(x))
    np.testing.assert_array_equal(nf.smooth_l1_loss(x, 0 * x, reduction="none"), np.abs(x))
    np.testing.assert_array_equal(nf.hinge_loss(x, np.ones_like(x), reduction="none"), [0, big, 0, big])
    # PyTorch's bound of the logarithms, and of the derivative's denominator.
    y, t = np.array([0, 1, 0, 1], dtype), np.array([1, 0, 0, 1], dtype)
    np.testing.assert_array_equal(nf.binary_cross_entropy(y, t, reduction="none"), [100, 100, 0, 0])
    slopes = nf.binary_cross_entropy_backward(1.0, y, t, reduction="sum")
    np.testing.assert_allclose(slopes, [-1e12, 1e12, 0, 0], rtol=4 * np.finfo(dtype).eps)
    # A loss of e^-30 is not lost in a difference of larger numbers.
    tail = nf.binary_cross_entropy_with_logits(np.array([-30], dtype), np.zeros(1, dtype))
    assert_close(tail, np.log1p(np.exp(-30.0)), both(EXP + LOG + 6, dtype) * np.exp(-30.0))


@both_floats
def test_kl_div_batchmean(dtype):
    x, t = drawn("kl_div", (5, 7), dtype, 1)
    t[2, 3] = 0
    total = nf.kl_div(x, t, reduction="sum")
    assert nf.kl_div(x, t, reduction="batchmean") == pytest.approx(
        total / 5, rel=2 * float(np.finfo(dtype).eps)
    )
    gradient = nf.kl_div_backward(1.0, x, t, reduction="batchmean")
    np.testing.assert_allclose(gradient, -t / 5, rtol=4 * np.finfo(dtype).eps)


@every_loss
def test_threads_give_the_same_bits(case):
    _, options, *_ = CASES[case]
    loss, back, *_ = functions(case)
    x, t = drawn(case, (700, 300), np.float32, 1)
    w = np.abs(normal(700, np.float32, 2))
    before = nf.get_num_threads()
    nf.set_num_threads(4)
    results = []
    for n in (1, 4):
        with nf.num_threads(n):
            results.append(
                (loss(x, t, sample_weight=w, **options), back(1.0, x, t, sample_weight=w, **options))
            )
    nf.set_num_threads(before)
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_weighted_cross_entropy_at_any_thread_count():
    x, labels = normal((3000, 90), np.float32, 1), rng(2).integers(-1, 90, 3000)
    options = {"ignore_index": -1, "label_smoothing": 0.1, "weight": np.linspace(0.5, 2, 90)}
    before = nf.get_num_threads()
    nf.set_num_threads(4)
    results = []
    for n in (1, 4):
        with nf.num_threads(n):
            results.append(
                (nf.cross_entropy(x, labels, **options), nf.cross_entropy_backward(1.0, x, labels, **options))
            )
    nf.set_num_threads(before)
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


@both_floats
def test_an_infinite_logit_of_a_class_without_a_share(isa, dtype):
    """0 * -log(0) is NaN for probabilities, as in PyTorch; a label does not look at other classes' logits."""
    logits = np.array([[-np.inf, 0.5, 1.0], [0.0, 1.0, 2.0]], dtype)
    shares = np.array([[0.0, 0.5, 0.5], [0.2, 0.3, 0.5]], dtype)
    for module in (nf, ref):
        losses = module.cross_entropy(logits, shares, reduction="none")
        np.testing.assert_array_equal(np.isnan(losses), [True, False])
        assert np.isfinite(module.cross_entropy(logits, np.array([1, 0])))
        assert module.cross_entropy(logits, np.array([0, 0])) == np.inf


# ---------------------------------------------------------------- classes at every position

PIXELS = (np.arange(24.0) % 7 - 3).reshape(2, 3, 2, 2) / 2  # (n, classes, d1, d2)
PIXEL_LABELS = np.array([[[0, 2], [1, -100]], [[2, 2], [0, 1]]])
PIXEL_WEIGHTS = [1.0, 2.0, 0.5]
MODULES = pytest.mark.parametrize("module", [nf, ref], ids=["native", "reference"])


@MODULES
@both_floats
def test_losses_of_classes_at_positions(module, dtype):
    """Stored values of torch.nn.functional 2.13 in float64."""
    x, near = PIXELS.astype(dtype), {"rtol": 1e-5 if dtype == np.float32 else 1e-12}
    options = {"weight": PIXEL_WEIGHTS, "label_smoothing": 0.1}
    loss = module.cross_entropy(x, PIXEL_LABELS, **options)
    assert loss.dtype == dtype
    np.testing.assert_allclose(loss, 1.1740587206102704, **near)
    slope = module.cross_entropy_backward(1.0, x, PIXEL_LABELS, **options)
    assert slope.shape == x.shape and slope.dtype == dtype and slope.flags.c_contiguous
    rows = [[-0.11094, 0.003083, 0.021015, 0], [0.090897, 0.046729, -0.060768, 0]]
    np.testing.assert_allclose(slope[0, :2].reshape(2, 4), rows, atol=1e-6)
    shares = np.moveaxis(np.eye(3)[np.where(PIXEL_LABELS < 0, 1, PIXEL_LABELS)] * 0.8 + 0.05, -1, 1)
    loss = module.cross_entropy(x, shares.astype(dtype), PIXEL_WEIGHTS)
    np.testing.assert_allclose(loss, 1.6083142135660764, **near)
    losses = module.nll_loss(x, PIXEL_LABELS, PIXEL_WEIGHTS, reduction="none")
    np.testing.assert_array_equal(losses, [[[1.5, 0.25], [-3.0, 0.0]], [[-0.75, 0.75], [1.5, -2.0]]])
    samples = module.nll_loss(x, PIXEL_LABELS, PIXEL_WEIGHTS, reduction="sum", sample_weight=[2.0, 1.0])
    assert samples == 2 * losses[0].sum() + losses[1].sum()
    g = np.arange(8, dtype=dtype).reshape(2, 2, 2)
    each = module.nll_loss_backward(g, x, PIXEL_LABELS, PIXEL_WEIGHTS, reduction="none")
    np.testing.assert_array_equal(each[0, 2], [[0, -0.5], [0, 0]])
    np.testing.assert_array_equal(each[0, 1], [[0, 0], [-4, 0]])
    assert module.cross_entropy(x[:0], PIXEL_LABELS[:0], reduction="none").shape == (0, 2, 2)


@MODULES
def test_losses_of_classes_at_positions_refuse(module):
    for name, arguments in [
        ("target", (PIXELS, PIXEL_LABELS[:, :1])),
        ("target", (PIXELS, PIXELS[:, :2])),
        ("target", (PIXELS, PIXEL_LABELS + 3)),
        ("weight", (PIXELS, PIXEL_LABELS, [1.0, 2.0])),
        ("input", (PIXELS[:, :0], PIXEL_LABELS)),
    ]:
        with pytest.raises(ValueError, match=f"^cross_entropy: {name}: expected"):
            module.cross_entropy(*arguments)
    with pytest.raises(ValueError, match=r"^cross_entropy: sample_weight: expected.*\(2,\)"):
        module.cross_entropy(PIXELS, PIXEL_LABELS, sample_weight=np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match=r"^nll_loss_backward: grad_output: expected"):
        module.nll_loss_backward(np.ones(8), PIXELS, PIXEL_LABELS, reduction="none")
