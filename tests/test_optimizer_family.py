"""Adaptive optimizers, perceptron rule, clipping: stored values, native against reference, edges."""

import math

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, normal, rng
from .tolerances import exact

MODULES = pytest.mark.parametrize("module", [nf, ref], ids=["native", "reference"])

GRADIENTS = [[0.5, -1.0, 2.0], [-0.25, 0.75, 1.0], [1.5, 0.0, -3.0], [0.125, 0.5, 0.25], [-2.0, 1.0, 0.5]]

# Parameters after five steps from [0.5, -1, 2] on GRADIENTS in float64, by torch.optim 2.13
# (its default dtype set to float64, in which NAdam keeps its product of momenta).
STORED = [
    ("adagrad", {"lr": 0.1}, [0.421211341603088, -1.05676754703429, 1.91557397435335]),
    (
        "adagrad",
        {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3},
        [0.431137822508619, -0.993722386420111, 1.9021754114549],
    ),
    ("adadelta", {}, [0.498944746675782, -1.00518780393232, 1.9974054774611]),
    (
        "adadelta",
        {"lr": 0.5, "rho": 0.7, "eps": 0.01, "weight_decay": 0.1},
        [0.451786617943705, -1.1253083114512, 1.8851708876829],
    ),
    (
        "rmsprop",
        {"lr": 0.05, "alpha": 0.8, "momentum": 0.7},
        [0.171712063761176, -1.04280060063623, 1.72613379268117],
    ),
    (
        "rmsprop",
        {"lr": 0.05, "alpha": 0.8, "centered": True, "weight_decay": 0.1},
        [0.379420271478165, -1.05567190054793, 1.85270849464395],
    ),
    (
        "rmsprop",
        {"lr": 0.05, "alpha": 0.9, "momentum": 0.5, "centered": True, "eps": 0.01},
        [0.163062358913967, -1.07023595748177, 1.71952661339626],
    ),
    (
        "adam",
        {"lr": 0.1, "betas": (0.8, 0.5), "amsgrad": True, "weight_decay": 0.1},
        [0.281263957811599, -0.922197283826037, 1.80607299896109],
    ),
    ("adamw", {"lr": 0.1}, [0.256417448309233, -0.939605823060559, 1.80362810383981]),
    (
        "adamw",
        {"lr": 0.1, "betas": (0.8, 0.5), "weight_decay": 0.3, "amsgrad": True},
        [0.243141124378828, -0.836384913189665, 1.56802000398354],
    ),
    ("nadam", {}, [0.498203604465505, -1.00158234928002, 1.99804695873433]),
    (
        "nadam",
        {"lr": 0.1, "betas": (0.7, 0.6), "weight_decay": 0.1, "momentum_decay": 0.5},
        [0.379289975634867, -1.0818253165888, 1.84952990707366],
    ),
    (
        "nadam",
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
        [0.390922769608129, -1.032123085385, 1.8084266529958],
    ),
]
STATES = {
    "adagrad": ["sum"],
    "adadelta": ["square_avg", "acc_delta"],
    "rmsprop": ["square_avg", "grad_avg", "momentum_buffer"],
    "adam": ["m", "v", "max_v"],
    "adamw": ["m", "v", "max_v"],
    "nadam": ["m", "v"],
}
COUNTED = ("adagrad", "adam", "adamw", "nadam")
every_case = pytest.mark.parametrize(("name", "options", "stored"), STORED, ids=lambda v: str(v)[:40])


@MODULES
@every_case
def test_stored_values(module, isa, name, options, stored):
    options = dict(options)
    first = options.pop("initial_accumulator_value", 0.0)
    param = np.array([0.5, -1.0, 2.0])
    states = {state: np.full(3, first) for state in STATES[name]}
    for step, gradient in enumerate(GRADIENTS, 1):
        count = {"step": step} if name in COUNTED else {}
        getattr(module, f"{name}_update")(param, np.array(gradient), **states, **count, **options)
    np.testing.assert_allclose(param, stored, rtol=1e-12)


@both_floats
@every_case
def test_native_against_reference(isa, dtype, name, options, stored):
    """One step from states that keep every divisor above 1/2 and every moment below 8.

    Each formula rounds fewer than 32 times, on numbers that are at most |p| + 32 lr (|g'| + 8) in sum, so
    64 u of that bounds both sides' errors.
    """
    options = {k: v for k, v in options.items() if k != "initial_accumulator_value"}
    u = np.finfo(dtype).eps / 2
    for n in SIZES:
        param, grad = normal(n, dtype, n, 0), normal(n, dtype, n, 1)
        positive = [(1 + rng(n, 2 + i).random(n)).astype(dtype) for i in range(3)]
        states = dict(zip(STATES[name], positive, strict=False))
        for small in ("m", "grad_avg", "momentum_buffer"):
            if small in states:
                states[small] = states[small] * dtype(0.25)
        count = {"step": 7} if name in COUNTED else {}
        twins = {k: exact(v).copy() for k, v in states.items()}
        p, g = exact(param).copy(), exact(grad)
        start = np.abs(p)
        getattr(nf, f"{name}_update")(param, grad, **states, **count, **options)
        getattr(ref, f"{name}_update")(p, g, **twins, **count, **options)
        lr = options.get("lr", 1.0)
        size = start + 32 * lr * (np.abs(g) + options.get("weight_decay", 0) * start + 8)
        assert (np.abs(exact(param) - p) <= 64 * u * size).all()
        for key, twin in twins.items():
            assert (
                np.abs(exact(states[key]) - twin) <= 64 * u * (np.abs(twin) + (np.abs(g) + start + 8) ** 2)
            ).all()


@MODULES
def test_steps_far_out(module):
    """Bias corrections vanish: no overflow, and NAdam's product of momenta ends early."""
    for name in ("adam_update", "nadam_update"):
        w, m, v = np.ones(1), np.ones(1), np.ones(1)
        getattr(module, name)(w, np.ones(1), m, v, step=10**6, lr=0.1, eps=0.0)
        np.testing.assert_allclose(w, 0.9, rtol=1e-12)
    a, b = np.ones(1), np.ones(1)
    options = {"step": 3000, "lr": 0.1, "betas": (0.999, 0.9), "momentum_decay": 2.0}
    nf.nadam_update(a, np.ones(1), np.ones(1), np.ones(1), **options)
    ref.nadam_update(b, np.ones(1), np.ones(1), np.ones(1), **options)
    np.testing.assert_allclose(a, b, rtol=1e-13)


@MODULES
@both_floats
def test_centered_rmsprop_of_a_constant_gradient(module, dtype):
    """s and a^2 become equal: where a rounding leaves less than nothing, the root is of 0, not NaN."""
    w, s, a = np.ones(50, dtype), np.zeros(50, dtype), np.zeros(50, dtype)
    g = np.linspace(0.1, 3, 50).astype(dtype)
    for _ in range(300):
        module.rmsprop_update(w, g, s, a, lr=1e-9, alpha=0.5, centered=True)
    assert np.isfinite(w).all()


# ---------------------------------------------------------------- perceptron


@MODULES
@both_floats
def test_perceptron_by_hand(module, dtype):
    w, b = np.zeros(2, dtype), np.zeros(1, dtype)
    x, y = np.array([[1, 2], [3, -1], [-1, -1]], dtype), np.array([1, 0, 1], dtype)
    assert module.perceptron_update(w, b, x, y, lr=0.5) == 3
    # Sample 0: 0 -> missed, w = (0.5, 1), b = 0.5. Sample 1: 1.5 - 1 + 0.5 > 0 -> missed, w = (-1, 1.5),
    # b = 0.
    # Sample 2: 1 - 1.5 < 0 -> missed, w = (-1.5, 1), b = 0.5.
    np.testing.assert_array_equal(w, np.array([-1.5, 1], dtype))
    np.testing.assert_array_equal(b, np.array([0.5], dtype))


@both_floats
def test_perceptron_converges_and_agrees(isa, dtype):
    """Integers are exact, so both are the same bits; separable samples end in no mistake (Novikoff 1962)."""
    for features in (1, 3, 8, 17, 40):
        g = rng(features)
        x = g.integers(-4, 5, (60, features)).astype(dtype)
        truth = g.integers(-3, 4, features)
        y = (x @ truth > 1).astype(dtype)
        w, b, w2, b2 = (
            np.zeros(features, dtype),
            np.zeros(1, dtype),
            np.zeros(features, dtype),
            np.zeros(1, dtype),
        )
        for _ in range(500):
            errors = nf.perceptron_update(w, b, x[:, ::-1][:, ::-1], y)
            assert errors == ref.perceptron_update(w2, b2, x, y)
            np.testing.assert_array_equal(w, w2)
            np.testing.assert_array_equal(b, b2)
        np.testing.assert_array_equal((x @ w + b > 0).astype(dtype), y)
    assert nf.perceptron_update(w, b, np.zeros((0, 40), dtype), np.zeros(0, dtype)) == 0


@MODULES
def test_perceptron_refusals(module):
    w, b, x, y = np.zeros(2), np.zeros(1), np.ones((3, 2)), np.ones(3)
    for error, name, arguments in [
        (ValueError, "weight", (np.zeros((1, 2)), b, x, y)),
        (ValueError, "bias", (w, np.zeros(2), x, y)),
        (ValueError, "x", (w, b, np.ones((3, 3)), y)),
        (ValueError, "target", (w, b, x, np.ones(4))),
        (TypeError, "x", (w, b, x.astype(np.float32), y)),
    ]:
        with pytest.raises(error, match=rf"^perceptron_update: {name}\b"):
            module.perceptron_update(*arguments)
    for bad in (-1.0, 0.5, np.nan):
        with pytest.raises(
            ValueError, match=r"^perceptron_update: target: expected 0 or 1 for every sample, got"
        ):
            module.perceptron_update(w, b, x, np.array([1.0, 0.0, bad]))
    with pytest.raises(ValueError, match="perceptron_update: lr"):
        module.perceptron_update(w, b, x, y, lr=-1.0)
    with pytest.raises(ValueError, match="expected memory apart"):
        nf.perceptron_update(x[0], b, x, y)
    assert not w.any() and not b.any()


# ---------------------------------------------------------------- clipping


@MODULES
@both_floats
def test_clip_value(module, dtype):
    for n in SIZES:
        g = 3 * normal(n, dtype, n)
        expected = np.clip(g, -1.5, 1.5)
        module.clip_grad_value_([g, g[:0].copy()], 1.5)
        np.testing.assert_array_equal(g, expected)
    g = np.array([np.nan, np.inf, -np.inf, -0.5], dtype)
    module.clip_grad_value_(g, 2.0)
    np.testing.assert_array_equal(g, np.array([np.nan, 2, -2, -0.5], dtype))


@MODULES
@both_floats
@pytest.mark.parametrize("p", [2.0, 1.0, 3.0, math.inf])
def test_clip_norm(module, dtype, p):
    for n in [*SIZES, 20000]:
        grads = [normal(n, dtype, n, 0), normal((2, 3), dtype, n, 1)]
        flat = np.concatenate([exact(g).ravel() for g in grads])
        norm = np.linalg.norm(flat, p)
        kept = [g.copy() for g in grads]
        assert math.isclose(module.clip_grad_norm_(grads, 1e9, p), norm, rel_tol=1e-12)
        for a, b in zip(grads, kept, strict=True):
            np.testing.assert_array_equal(a, b)  # below the limit nothing changes
        module.clip_grad_norm_(grads, 0.5, p)
        clipped = np.concatenate([exact(g).ravel() for g in grads])
        # The factor and the product are rounded: two of dtype, and sums in double.
        np.testing.assert_allclose(clipped, flat * (0.5 / (norm + 1e-6)), rtol=3 * np.finfo(dtype).eps)
    assert module.clip_grad_norm_([], 1.0) == 0.0


@MODULES
def test_clip_norm_edges(module):
    large = np.full(4, 3e38, np.float32)  # its square overflows in float32
    assert math.isclose(module.clip_grad_norm_(large, 1.0), 6e38, rel_tol=1e-6)
    np.testing.assert_allclose(large, 0.5, rtol=1e-6)
    g = [np.array([1.0, np.inf])]
    with pytest.raises(ValueError, match="clip_grad_norm_: grads: expected a finite norm"):
        module.clip_grad_norm_(g, 1.0, error_if_nonfinite=True)
    assert g[0][0] == 1.0
    for options, error in [
        (({"max_norm": -1.0}), ValueError),
        (({"max_norm": 1.0, "norm_type": 0.0}), ValueError),
    ]:
        with pytest.raises(error, match=r"^clip_grad_norm_: "):
            module.clip_grad_norm_([np.ones(2)], **options)
    with pytest.raises(TypeError, match="clip_grad_value_: grads"):
        module.clip_grad_value_([np.ones(2), np.ones(2, np.float32)], 1.0)
    with pytest.raises(ValueError, match="clip_grad_value_: clip_value"):
        module.clip_grad_value_(np.ones(2), -1.0)


@both_floats
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_perceptron_class_is_the_rule(backend, outputs, dtype):
    """fit, one sample at a time and in order, makes the very corrections of `perceptron_update`."""
    g = rng(outputs)
    x = g.integers(-4, 5, (200, 6)).astype(dtype)
    scores = x @ g.integers(-3, 4, (6, outputs))
    x, scores = (a[np.abs(scores).min(axis=1) > 3] for a in (x, scores))  # a gap: it ends soon
    y = (scores > 0).astype(dtype)
    w, b = g.integers(-2, 3, (outputs, 6)).astype(dtype), g.integers(-2, 3, (outputs, 1)).astype(dtype)
    model = nf.Sequential(nf.Linear(6, outputs), dtype=np.dtype(dtype).name)
    model.compile(nf.Perceptron(lr=0.5), metrics=["accuracy"], backend=backend)
    model.layers[0].weight[:], model.layers[0].bias[:] = w, b[:, 0]
    for _ in range(60):
        history = model.fit(x, y, epochs=1, batch_size=1, shuffle=False, verbose=0)
        for k in range(outputs):
            nf.perceptron_update(w[k], b[k], x, y[:, k].copy(), lr=0.5)
        np.testing.assert_array_equal(model.layers[0].weight, w)
        np.testing.assert_array_equal(model.layers[0].bias, b[:, 0])
    assert history["loss"] == [0.0] and history["accuracy"] == [1.0]


def test_perceptron_class_and_its_loss():
    model = nf.Sequential(nf.Linear(2, 1))
    model.compile("perceptron")
    assert repr(model.optimizer) == "Perceptron(lr=1)"
    assert repr(model.loss) == "PerceptronLoss(reduction='sum')"
    model.compile("perceptron", "perceptron")
    assert repr(model.loss) == "PerceptronLoss()"
    for loss in ("mse", nf.HingeLoss(), ["perceptron", "mse"]):
        with pytest.raises(ValueError, match="compile: loss: expected PerceptronLoss with"):
            model.compile("perceptron", loss)
    assert isinstance(model.optimizer, nf.Perceptron) and repr(model.loss) == "PerceptronLoss()"
    model.compile("sgd", "perceptron")


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("loss", ["perceptron", "hinge"])
def test_losses_of_two_sides_refuse_other_targets(backend, loss):
    """By every way into training, before anything is changed; and the message says what to do."""
    x, bits = rng(0).normal(size=(6, 2)), np.array([0, 1, 1, 0, 1, 0])
    right, wrong = (bits, 2 * bits - 1) if loss == "perceptron" else (2 * bits - 1, bits)
    hint = r"\(y \+ 1\) / 2" if loss == "perceptron" else r"2 \* y - 1"
    model = nf.Sequential(nf.Linear(2, 1), seed=0, dtype="float64")
    model.compile("sgd", loss, backend=backend)
    model.train_batch(x, right[:, None].astype(float))
    before = model.layers[0].weight.copy()
    for y in (wrong, wrong[:, None].astype(float), wrong.astype(np.float32)):
        for use in (model.train_batch, model.evaluate, lambda x, y: model.fit(x, y, verbose=0)):
            with pytest.raises(
                ValueError, match=rf"y: expected targets -?\d and 1 for {loss}_loss, .*{hint}"
            ):
                use(x, y)
        with pytest.raises(ValueError, match="expected targets"):
            model.fit(iter([(x, y)]), verbose=0)
        with pytest.raises(ValueError, match=r"validation_data\[1\]: expected targets"):
            model.fit(x, right, validation_data=(x, y), verbose=0)
    with pytest.raises(ValueError, match=r"got -?0.5$"):
        model.fit(x, right * 0.5 + (right == 0), verbose=0)
    np.testing.assert_array_equal(model.layers[0].weight, before)
    for y in (right, right.astype(np.int8), right.astype(float)):
        model.fit(x, y, verbose=0)
    if loss == "perceptron":
        model.fit(x, bits.astype(bool), verbose=0)
        model.fit(x, bits.astype(np.uint8), verbose=0)
    else:
        with pytest.raises(ValueError, match="expected targets -1 and 1 for hinge_loss, got 0"):
            model.fit(x, bits.astype(bool), verbose=0)


@pytest.mark.parametrize("last", [nf.Step, nf.Sigmoid, nf.ReLU])
def test_perceptrons_end_with_their_scores(last):
    for optimizer, loss in [("perceptron", None), ("sgd", "perceptron_loss")]:
        model = nf.Sequential(nf.Linear(2, 1), last(), seed=0)
        with pytest.warns(
            UserWarning, match=rf"^compile: the model ends with {last.__name__}, but perceptron_loss"
        ):
            model.compile(optimizer, loss)


@MODULES
@both_floats
def test_perceptron_loss_at_infinity_and_nan(module, dtype):
    x = np.array([np.inf, np.inf, -np.inf, -np.inf, np.nan, np.nan, 0, 0], dtype)
    t = np.array([1, 0, 0, 1, 0, 1, 0, 1], dtype)
    losses = module.perceptron_loss(x, t, reduction="none")
    np.testing.assert_array_equal(losses, [0, np.inf, 0, np.inf, np.nan, np.nan, 0, 0])
