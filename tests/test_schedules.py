"""Schedules: values stored from the formulas, training that follows them step by step, and resumption."""

import copy
import math
import pickle

import numpy as np
import pytest

import nnfast as nf

BACKENDS = pytest.mark.parametrize("backend", ["native", "reference"])

# From torch.optim.lr_scheduler 2.13, but InverseScaling (scikit-learn's formula).
STORED = [
    (nf.StepLR(0.1, 3, 0.5), [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]),
    (nf.MultiStepLR(0.1, [2, 5], 0.1), [0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001]),
    (nf.MultiStepLR(0.1, [2, 2], 0.5), [0.1, 0.1, 0.025, 0.025]),
    (nf.MultiStepLR(0.1, np.array([3, 1]), 0.5), [0.1, 0.05, 0.05, 0.025]),
    (nf.MultiStepLR(0.1, range(1, 4, 2), 0.5), [0.1, 0.05, 0.05, 0.025]),
    (nf.ExponentialLR(0.2, 0.5), [0.2, 0.1, 0.05, 0.025]),
    (nf.InverseScaling(0.3, 0.5), [0.3, 0.3 / math.sqrt(2), 0.3 / math.sqrt(3), 0.15]),
    (nf.CosineAnnealingLR(1.0, 4, 0.2), [1.0, 0.8828427, 0.6, 0.3171573, 0.2, 0.3171573]),
    (nf.LinearWarmup(0.4, 4, 0.25), [0.1, 0.175, 0.25, 0.325, 0.4, 0.4]),
    (nf.LinearWarmup(nf.ExponentialLR(0.8, 0.5, per="step"), 2, 0.0), [0.0, 0.2, 0.2, 0.1]),
]


@pytest.mark.parametrize(("schedule", "values"), STORED, ids=lambda v: repr(v) if callable(v) else "")
def test_stored_values(schedule, values):
    np.testing.assert_allclose([schedule(t) for t in range(len(values))], values, rtol=1e-6)


def test_one_cycle():
    schedule = nf.OneCycleLR(1.0, total_steps=10, pct_start=0.3, anneal_strategy="cos")
    up, last = [schedule(t) for t in range(3)], schedule(9)
    # The rise ends at step pct_start * total_steps - 1 = 2.
    np.testing.assert_allclose(up, [0.04, (0.04 + 1) / 2, 1.0], rtol=1e-12)
    np.testing.assert_allclose(last, 0.04 / 1e4, rtol=1e-9)
    assert schedule(10) == schedule(1000) == last
    falls = [schedule(t) for t in range(2, 10)]
    expected = [last + (1 - last) / 2 * (1 + math.cos(math.pi * (t - 2) / 7)) for t in range(2, 10)]
    np.testing.assert_allclose(falls, expected, rtol=1e-9)
    three = nf.OneCycleLR(1.0, 11, pct_start=0.4, anneal_strategy="linear", three_phase=True)
    ends = [(0.0, 0.04), (3.4, 1.0), (6.8, 0.04), (10.0, 0.04 / 1e4)]
    expected = np.interp(range(11), [t for t, _ in ends], [v for _, v in ends])
    np.testing.assert_allclose([three(t) for t in range(11)], expected, rtol=1e-9)
    assert nf.OneCycleLR(1.0, 1)(0) >= 0


def data():
    rng = np.random.default_rng(5)
    return rng.normal(size=(40, 3)), rng.normal(size=(40, 2))


def network(optimizer, backend="native"):
    model = nf.Sequential(nf.Linear(3, 2), dtype="float64", seed=1)
    model.compile(optimizer, "mse_loss", backend=backend)
    return model


def by_hand(rate, epochs, batch, per_epoch):
    """Plain SGD with the reference's pieces and the learning rate of each step."""
    x, y = data()
    model = network(nf.SGD(lr=0.0))
    step = 0
    for epoch in range(epochs):
        for first in range(0, len(x), batch):
            out = model.forward(x[first : first + batch], training=True)
            target = y[first : first + batch]
            model.backward(2 * (out - target) / out.size)
            model.optimizer.lr = rate(epoch if per_epoch else step)
            model.step()
            step += 1
    return model.state_dict()


SCHEDULES = [
    nf.StepLR(0.2, 1, 0.5),
    nf.CosineAnnealingLR(0.2, 4),
    nf.InverseScaling(0.2),
    nf.OneCycleLR(0.3, 20),
    nf.LinearWarmup(0.2, 6),
    nf.StepLR(0.2, 3, 0.7, per="step"),
]


@BACKENDS
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_training_follows_the_schedule(schedule, backend):
    x, y = data()
    model = network(nf.SGD(lr=schedule), backend)
    model.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0)
    for name, expected in by_hand(schedule, 4, 8, schedule.per == "epoch").items():
        np.testing.assert_allclose(model.state_dict()[name], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_training_in_parts_is_the_same(schedule):
    """Two fits, a pickle between them, and tables of learning rates that end within an epoch."""
    x, y = data()
    whole = network(nf.Adam(lr=schedule))
    whole.fit(x, y, batch_size=8, epochs=4, verbose=0)
    part = network(nf.Adam(lr=schedule))
    part.fit(x, y, batch_size=8, epochs=3, verbose=0)
    part = pickle.loads(pickle.dumps(part))
    part.fit(x, y, batch_size=8, epochs=1, verbose=0)
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(part.state_dict()[name], value)


def test_short_tables(monkeypatch):
    from nnfast import _network

    x, y = data()
    monkeypatch.setattr(_network, "RATES", 3)
    model = network(nf.SGD(lr=nf.InverseScaling(0.2)))
    model.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0)
    for name, expected in by_hand(nf.InverseScaling(0.2), 4, 8, False).items():
        np.testing.assert_allclose(model.state_dict()[name], expected, rtol=1e-10, atol=1e-12)


def test_single_steps_and_functions():
    x, y = data()
    model = network(nf.SGD(lr=lambda step: 0.2 / (step + 1)))
    for _ in range(4):
        for first in range(0, 40, 8):
            model.train_batch(x[first : first + 8], y[first : first + 8])
    for name, expected in by_hand(lambda t: 0.2 / (t + 1), 4, 8, False).items():
        np.testing.assert_allclose(model.state_dict()[name], expected, rtol=1e-10, atol=1e-12)
    model.optimizer.lr = lambda step: -1.0
    with pytest.raises(ValueError, match=r"SGD: lr: expected a finite number >= 0"):
        model.train_batch(x, y)


def test_compile_and_assignment_start_anew():
    x, y = data()
    model = network(nf.SGD(lr=nf.StepLR(0.2, 1, 0.5)))
    model.fit(x, y, epochs=3, verbose=0)
    assert model.optimizer.rate(0, model._epochs_trained) == 0.025
    model.optimizer.lr = 0.0  # a number again
    before = model.state_dict()
    model.fit(x, y, epochs=1, verbose=0)
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before["0.weight"])
    model.compile(nf.SGD(lr=nf.StepLR(0.2, 1, 0.5)), "mse_loss")
    assert model._epochs_trained == 0


def test_plateau():
    # Values by hand from torch.optim.lr_scheduler.ReduceLROnPlateau's rule.
    schedule = nf.ReduceLROnPlateau(1.0, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    seen = []
    for loss in [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]:
        schedule.observe({"loss": loss})
        seen.append(schedule(0))
    assert seen == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2]
    best = nf.ReduceLROnPlateau(1.0, mode="max", factor=0.5, patience=0, threshold=0.1, threshold_mode="abs")
    rates = []
    for value in (0.5, 0.55, 0.7, math.nan):
        best.observe({"val_accuracy": value, "loss": 0.0} | {"val_loss": -value})
        rates.append(best(0))
    assert rates[0] == 1.0
    with pytest.raises(ValueError, match="ReduceLROnPlateau: monitor: expected one of"):
        nf.ReduceLROnPlateau(1.0, monitor="f1").observe({"loss": 1.0})


def test_plateau_in_training():
    x, y = data()
    model = network(
        nf.SGD(lr=nf.ReduceLROnPlateau(0.2, factor=0.5, patience=0, threshold=1e9, threshold_mode="abs"))
    )
    model.fit(x, y, epochs=4, verbose=0)  # only the first epoch is a new best
    assert model.optimizer.lr(0) == 0.2 / 8
    other = copy.deepcopy(model)
    other.fit(x, y, epochs=1, verbose=0)
    assert (other.optimizer.lr(0), model.optimizer.lr(0)) == (0.2 / 16, 0.2 / 8)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: nf.StepLR(-1.0, 2), ValueError, "StepLR: lr"),
        (lambda: nf.StepLR(1.0, 0), ValueError, "StepLR: step_size"),
        (lambda: nf.StepLR(1.0, 2, 0.0), ValueError, "StepLR: gamma"),
        (lambda: nf.StepLR(1.0, 2, per="batch"), ValueError, "StepLR: per"),
        (lambda: nf.MultiStepLR(1.0, [3, -2]), ValueError, "MultiStepLR: milestones"),
        (lambda: nf.MultiStepLR(1.0, [3, 2.0]), TypeError, "MultiStepLR: milestones"),
        (lambda: nf.MultiStepLR(1.0, "32"), TypeError, "MultiStepLR: milestones"),
        (lambda: nf.MultiStepLR(1.0, 3), TypeError, "MultiStepLR: milestones"),
        (lambda: nf.ExponentialLR("fast", 0.5), TypeError, "ExponentialLR: lr"),
        (lambda: nf.InverseScaling(1.0, math.nan), ValueError, "InverseScaling: power"),
        (lambda: nf.CosineAnnealingLR(1.0, 0), ValueError, "CosineAnnealingLR: T_max"),
        (lambda: nf.OneCycleLR(1.0, 10, pct_start=1.5), ValueError, "OneCycleLR: pct_start"),
        (lambda: nf.OneCycleLR(1.0, 10, anneal_strategy="sin"), ValueError, "OneCycleLR: anneal_strategy"),
        (
            lambda: nf.LinearWarmup(nf.StepLR(1.0, 2), 3),
            ValueError,
            "LinearWarmup: lr: expected a schedule per",
        ),
        (lambda: nf.LinearWarmup(nf.ReduceLROnPlateau(1.0), 3), TypeError, "LinearWarmup: lr"),
        (lambda: nf.ReduceLROnPlateau(1.0, factor=1.0), ValueError, "ReduceLROnPlateau: factor"),
        (lambda: nf.StepLR(1.0, 2)(-1), ValueError, "StepLR: t"),
        (lambda: nf.Adam(lr=nf.StepLR), TypeError, "Adam: lr"),
    ],
)
def test_refusals(make, error, match):
    with pytest.raises(error, match=match):
        make()
