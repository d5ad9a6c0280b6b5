"""Training: the engine beside its twin, equal bits with any threads, fit's bookkeeping, Ctrl-C, learning."""

import functools
import math
import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

import nnfast as nf
from nnfast import _fit

STEPS = 50


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


def mlp(dtype="float32", last=(), outputs=3, seed=1):
    return nf.Sequential(
        nf.Linear(6, 20),
        nf.Tanh(),
        nf.Dropout(0.2),
        nf.Linear(20, 16),
        nf.ReLU(),
        nf.Linear(16, outputs),
        *last,
        dtype=dtype,
        seed=seed,
    )


def cnn(dtype="float32", last=(), outputs=3, seed=1):
    return nf.Sequential(
        nf.Conv2d(2, 6, 3, padding=1),
        nf.LeakyReLU(0.1),
        nf.MaxPool2d(2),
        nf.Dropout(0.3),
        nf.Conv2d(6, 8, 3, groups=2),
        nf.Sigmoid(),
        nf.AvgPool2d(2),
        nf.Flatten(),
        nf.Linear(8, outputs),
        *last,
        input_shape=(2, 8, 8),
        dtype=dtype,
        seed=seed,
    )


OPTIMIZERS = {
    "sgd": lambda: nf.SGD(lr=0.05),
    "sgd momentum": lambda: nf.SGD(lr=0.02, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "sgd nesterov": lambda: nf.SGD(lr=0.02, momentum=0.9, nesterov=True),
    "rmsprop": lambda: nf.RMSprop(lr=0.003, alpha=0.9, weight_decay=0.01),
    "adam": lambda: nf.Adam(lr=0.01, betas=(0.85, 0.99), weight_decay=0.01),
}
LOSSES = {
    "mse": (nf.MSELoss(), ()),
    "mse sum": (nf.MSELoss("sum"), ()),
    "cross_entropy": (nf.CrossEntropyLoss(), ()),
    "cross_entropy probabilities": (nf.CrossEntropyLoss(), ()),
    "nll": (nf.NLLLoss(), (nf.LogSoftmax,)),
}


def problem(name, loss, rng):
    """(x, y) of 80 samples: batches of 16."""
    shape = {"mlp": (6,), "cnn": (2, 8, 8)}[name]
    x = rng.normal(size=(80, *shape))
    y = rng.integers(0, 3, 80)
    if loss.startswith("mse"):
        y = rng.normal(size=(80, 3)) / 4
    elif "probabilities" in loss:
        y = rng.dirichlet(np.ones(3), 80)
    return x, y


def run_steps(name, loss, optimizer, dtype, backend, x, y, nudge=0.0, pattern=0):
    """Losses of STEPS steps and the weights after them.

    `nudge`: relative change of every initial weight, its sign by the pattern of that number.
    """
    objective, last = LOSSES[loss]
    model = {"mlp": mlp, "cnn": cnn}[name](dtype, [layer() for layer in last])
    model.compile(OPTIMIZERS[optimizer](), objective, backend=backend)
    signs = np.random.default_rng(pattern)
    for layer in model.layers:
        if hasattr(layer, "weight"):
            for view in (layer.weight, layer.bias):
                view *= 1 + nudge * signs.choice([-1.0, 1.0], view.shape)
    losses = []
    for step in range(STEPS):
        rows = slice(step % 5 * 16, step % 5 * 16 + 16)
        losses.append(model.train_batch(x[rows], y[rows])["loss"])
    return np.array(losses), model.state_dict()


@functools.cache
def twin_steps(name, loss, optimizer, dtype):
    """(x, y), the reference's losses and weights, how far roundings may move both; once for all ISAs."""
    key = f"{name}, {loss}, {optimizer}, {dtype}"
    x, y = problem(name, loss, np.random.default_rng(zlib.crc32(key.encode())))
    arguments = (name, loss, optimizer, dtype, "reference", x, y)
    losses, weights = run_steps(*arguments)
    k = {"mlp": 20, "cnn": 16 * 64}[name]
    nudge = 2 * (1 + OPTIMIZERS[optimizer]().lr * k) * np.finfo(dtype).eps / 2
    loss_spread = spread = nudge
    for pattern in range(3):  # several: one may miss that two cells of a maximum change places
        near_losses, near_weights = run_steps(*arguments, nudge, pattern)
        loss_spread = max(loss_spread, np.abs(near_losses - losses).max())
        spread = max(spread, *(np.abs(near_weights[key] - weights[key]).max() for key in weights))
    return (x, y), losses, weights, loss_spread, spread


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [(loss, "adam") for loss in LOSSES] + [("cross_entropy", name) for name in OPTIMIZERS if name != "adam"],
)
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_the_engine_trains_like_the_reference(name, loss, optimizer, dtype, isa):
    """50 steps, dropout included: the same losses and the same weights, as far as rounding allows.

    How far that is, the reference tells. A step rounds each weight (u) and moves it by about lr times a sum
    of k products whose relative error is k u, k the longest sum (a weight gradient over 16 samples of 64
    pixels): like a relative nudge of (1 + lr k) u, twice that for the states. Nudging all weights once shows
    how training amplifies it; each of 50 steps may add one, in both engines.
    """
    arguments = (name, loss, optimizer, dtype)
    data, twin_losses, twin_weights, loss_spread, spread = twin_steps(*arguments)
    losses, weights = run_steps(*arguments, "native", *data)
    loss_bound, weight_bound = 2 * STEPS * loss_spread, 2 * STEPS * spread
    # Bounds that say something; other data where a maximum's cells change places within rounding.
    small = {"float32": 2e-2, "float64": 1e-9}[dtype]
    assert loss_bound < small * np.abs(twin_losses).max() and weight_bound < small
    np.testing.assert_allclose(losses, twin_losses, rtol=0, atol=loss_bound)
    for key, array in weights.items():
        np.testing.assert_allclose(array, twin_weights[key], rtol=0, atol=weight_bound)
    # And training did something, so that equality of untouched weights cannot pass.
    assert twin_losses[-5:].mean() < twin_losses[:5].mean()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_fit_is_the_same_on_both_backends(name, dtype, isa, rng):
    """Shuffles, partial batches, validation, running metrics: all as the reference does them."""
    x, y = problem(name, "cross_entropy", rng)
    x = x[:70]
    histories = {}
    for engine in ("native", "reference"):
        model = {"mlp": mlp, "cnn": cnn}[name](dtype)
        model.compile(nf.Adam(lr=0.003), "cross_entropy", ["accuracy"], backend=engine)
        histories[engine] = model.fit(x, y[:70], batch_size=16, epochs=3, validation_split=0.2, verbose=0)
    native, twin = histories["native"], histories["reference"]
    assert list(native.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    for key, values in twin.history.items():
        # 12 steps: by the test above, roundings grow to less than 1e-4 in float32 and far less in float64.
        tolerance = {"float32": 1e-3, "float64": 1e-10}[dtype] if "loss" in key else 1e-15
        np.testing.assert_allclose(native[key], values, rtol=0, atol=tolerance)


# ---------------------------------------------------------------- same bits


def wide(name, seed=0):
    """Networks large enough that every step is cut between threads."""
    if name == "mlp":
        return nf.Sequential(
            nf.Linear(300, 512),
            nf.ReLU(),
            nf.Dropout(0.5),
            nf.Linear(512, 256),
            nf.Tanh(),
            nf.Linear(256, 10),
            seed=seed,
        )
    return nf.Sequential(
        nf.Conv2d(3, 16, 3, padding="same"),
        nf.ReLU(),
        nf.Conv2d(16, 32, 3),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Dropout(0.3),
        nf.Flatten(),
        nf.Linear(None, 64),
        nf.Sigmoid(),
        nf.Linear(64, 10),
        input_shape=(3, 16, 16),
        seed=seed,
    )


def bits(name, threads, x, y):
    with nf.num_threads(threads):
        assert nf.get_num_threads() == threads
        model = wide(name)
        model.compile("adam", "cross_entropy")
        history = model.fit(x, y, batch_size=100, epochs=2, verbose=0)
        return model.state_dict(), model.predict(x), history["loss"]


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_same_seed_same_bits_at_any_number_of_threads(name, rng):
    shape = {"mlp": (300,), "cnn": (3, 16, 16)}[name]
    x = rng.normal(size=(230, *shape)).astype(np.float32)
    y = rng.integers(0, 10, 230)
    before = nf.get_num_threads()
    nf.set_num_threads(4)  # num_threads limits, it never raises
    try:
        weights, outputs, losses = bits(name, 1, x, y)
        for threads in (1, 2, 4):
            other_weights, other_outputs, other_losses = bits(name, threads, x, y)
            assert other_losses == losses
            np.testing.assert_array_equal(other_outputs, outputs)
            for key, array in weights.items():
                np.testing.assert_array_equal(other_weights[key], array)
    finally:
        nf.set_num_threads(before)


def test_dropout_masks_follow_the_seed(rng):
    x = np.ones((64, 300), np.float32)

    def masks(seed):
        model = nf.Sequential(nf.Dropout(0.5), nf.Dropout(0.5), input_shape=300, seed=seed)
        return model.forward(x, training=True) == 0

    np.testing.assert_array_equal(masks(1), masks(1))
    assert (masks(1) != masks(2)).mean() > 0.2
    # Two independent masks of 1/2: 3/4 of the elements are 0, give or take five standard errors.
    assert abs(masks(1).mean() - 0.75) < 5 * math.sqrt(0.75 * 0.25 / x.size)


# ---------------------------------------------------------------- fit


def scaler(backend="native", lr=0.1):
    """y = w x, from w = 1."""
    model = nf.Sequential(nf.Linear(1, 1, bias=False, weight_init="ones"), dtype="float64", seed=3)
    model.compile(nf.SGD(lr=lr), nf.MSELoss("sum"), backend=backend)
    return model


def test_every_epoch_sees_every_sample_once_in_the_documented_order(backend):
    """With targets 0 each step multiplies w by 1 - 2 lr x^2: the order is left in the losses."""
    model = scaler(backend)
    x = np.array([[0.1], [0.2], [0.3], [0.5], [0.7]])
    expected, w = [], 1.0
    for epoch in range(3):
        total = 0.0
        for i in np.random.default_rng([3, 1, epoch]).permutation(5):
            total += (w * x[i, 0]) ** 2
            w -= 0.1 * 2 * w * x[i, 0] ** 2
        expected.append(total)
    found = model.fit(x, np.zeros(5), batch_size=1, epochs=2, verbose=0)["loss"]
    found += model.fit(x, np.zeros(5), batch_size=1, epochs=1, verbose=0)["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert model.layers[0].weight.item() == pytest.approx(w, rel=1e-13)


def test_without_shuffling_the_order_is_the_datas(backend):
    model, w, total = scaler(backend), 1.0, 0.0
    x = np.array([[0.1], [0.2], [0.3], [0.5], [0.7]])
    for start in (0, 2, 4):
        batch = x[start : start + 2, 0]
        total += ((w * batch) ** 2).sum()
        w -= 0.1 * 2 * w * (batch**2).sum()
    history = model.fit(x, np.zeros(5), batch_size=2, shuffle=False, verbose=0)
    assert history["loss"][0] == pytest.approx(total, rel=1e-13)
    assert model.layers[0].weight.item() == pytest.approx(w, rel=1e-13)


def test_the_last_batch_may_be_partial_or_the_only_one(backend, rng):
    """A mean over a partial batch counts its samples: the epoch's loss is the mean over all samples."""
    model = mlp("float64")
    model.compile(nf.SGD(lr=0.0), "cross_entropy", backend=backend)
    x, y = rng.normal(size=(10, 6)), rng.integers(0, 3, 10)
    dry = nf.Sequential(*[nf.Linear(6, 3)], dtype="float64", seed=1)
    dry.compile(nf.SGD(lr=0.0), "cross_entropy", backend=backend)
    expected = dry.evaluate(x, y)["loss"]
    for batch in (1, 3, 4, 10, 1000):
        assert dry.fit(x, y, batch_size=batch, verbose=0)["loss"][0] == pytest.approx(expected, rel=1e-13)
    assert dry._core.step_count == 10 + 4 + 3 + 1 + 1


def test_validation_split_takes_the_end(backend, rng):
    x, y = rng.normal(size=(10, 6)), rng.integers(0, 3, 10)

    def fitted(**options):
        model = mlp("float64")
        model.compile("sgd", "cross_entropy", ["accuracy"], backend=backend)
        return model.fit(*options.pop("data"), batch_size=4, epochs=2, verbose=0, **options)

    split = fitted(data=(x, y), validation_split=0.3)
    given = fitted(data=(x[:7], y[:7]), validation_data=(x[7:], y[7:]))
    assert split == given
    assert set(split.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_slices_do_not_change_the_result(monkeypatch, rng, backend):
    x, y = rng.normal(size=(64, 6)), rng.integers(0, 3, 64)

    def weights():
        model = mlp()
        model.compile("adam", "cross_entropy", backend=backend)
        history = model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        return history["loss"], model.state_dict()

    losses, whole = weights()
    monkeypatch.setattr(_fit, "SLICE", 1e-9)  # one step a call
    other_losses, sliced = weights()
    assert losses == other_losses
    for key, array in whole.items():
        np.testing.assert_array_equal(sliced[key], array)


def test_history(backend, rng):
    x, y = rng.normal(size=(20, 6)), rng.integers(0, 3, 20)
    model = mlp()
    model.compile("adam", "cross_entropy", ["accuracy", worst], backend=backend)
    history = model.fit(x, y, epochs=3, validation_data=(x, y), verbose=0)
    assert history.epochs == [1, 2, 3] and len(history) == 3 and not history.interrupted
    assert set(history.history) == {"loss", "accuracy", "worst", "val_loss", "val_accuracy", "val_worst"}
    assert all(len(values) == 3 for values in history.history.values())
    assert all(seconds > 0 for seconds in history.time)
    # Callables see the outputs after the epoch, and so do those of the same data as validation.
    assert history["worst"] == history["val_worst"]
    assert repr(history).startswith("<History: 3 epochs, ") and "val_loss" in repr(history)
    with pytest.raises(KeyError, match=r"history has loss, .* not 'recall'"):
        history["recall"]
    assert "loss" in history and "recall" not in history
    empty = model.fit(x, y, epochs=0, verbose=0)
    assert len(empty) == 0 and repr(empty) == "<History: no epochs>"


def worst(y_true, y_pred):
    return float(np.abs(y_pred).max())


def test_progress(capsys, rng):
    x, y = rng.normal(size=(20, 6)), rng.integers(0, 3, 20)
    model = mlp()
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")
    model.fit(x, y, epochs=10, verbose=2, validation_data=(x, y))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10 ") and "val_accuracy" in lines[0]
    assert lines[9].startswith("epoch 10/10 ")
    model.fit(x, y, epochs=2, verbose=1)
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown and "100%" in shown and "accuracy" in shown
    model.evaluate(x, y, verbose=1)
    assert "100%" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_before_the_step(backend):
    model = nf.Sequential(nf.Linear(1, 1, weight_init="ones", bias_init="zeros"), dtype="float64", seed=0)
    model.compile(nf.SGD(lr=1e200), "mse", backend=backend)
    x, y = np.array([[1.0], [2.0]]), np.zeros(2)
    # Step 0 throws the weight to -1e200, step 1 sees a loss of infinity.
    with pytest.raises(FloatingPointError, match=r"^fit: epoch 2: loss is inf at step 1 .* was not applied"):
        model.fit(x, y, batch_size=2, epochs=5, verbose=0)
    assert np.isfinite(model.layers[0].weight).all()
    before = model.state_dict()
    with pytest.raises(FloatingPointError, match=r"not applied"):
        model.train_batch(x, y)
    with pytest.raises(FloatingPointError, match="nan"):
        model.train_batch([[math.nan]], [0.0])
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[key])
    assert model._core.step_count == 1


def test_samples_are_never_converted_as_a_whole():
    """uint8 images go to the engine as they are."""
    import tracemalloc

    model = nf.Sequential(nf.Linear(1000, 4), seed=0)
    model.compile("sgd", "cross_entropy", ["accuracy"])
    x = np.zeros((20_000, 1000), np.uint8)
    y = np.zeros(20_000, np.int64)
    model.fit(x[:100], y[:100], batch_size=100, verbose=0)
    tracemalloc.start()
    model.fit(x, y, batch_size=1000, verbose=0, validation_split=0.5)
    model.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 4


# ---------------------------------------------------------------- Ctrl-C


def interrupt_after(seconds, pressed):
    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, press)
    timer.start()
    return timer


@pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
def test_ctrl_c_ends_a_prediction_of_one_large_batch():
    model = nf.Sequential(*(nf.Linear(400, 400) for _ in range(4)), nf.Linear(400, 1), seed=0)
    x = np.broadcast_to(np.ones(400, np.float32), (300_000, 400))
    model.predict(x[:256])
    pressed = []
    timer = interrupt_after(0.3, pressed)
    with pytest.raises(KeyboardInterrupt):
        while not pressed:
            model.predict(x, batch_size=len(x))
    took = time.monotonic() - pressed[0]
    timer.join()
    assert took < 0.2 + 0.8  # the promise, and what a busy machine may add


@pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
def test_ctrl_c_ends_fit_with_the_history_so_far(backend, rng):
    x, y = rng.normal(size=(4000, 6)).astype(np.float32), rng.integers(0, 3, 4000)
    model = mlp()
    model.compile("adam", "cross_entropy", ["accuracy"], backend=backend)
    pressed = []
    timer = interrupt_after(0.5, pressed)
    history = model.fit(x, y, epochs=10**6, validation_split=0.1, verbose=0)
    took = time.monotonic() - pressed[0]
    timer.join()
    assert history.interrupted
    assert took < 0.2 + 0.8  # the promise, and what a busy machine may add
    assert {len(values) for values in history.history.values()} <= {len(history)}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert all(np.isfinite(array).all() for array in model.state_dict().values())
    # Consistent: training goes on, and on a copy in the same way.
    import copy

    twin = copy.deepcopy(model)
    for m in (model, twin):
        m.fit(x[:100], y[:100], verbose=0)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(twin.state_dict()[key], array)


@pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
def test_ctrl_c_in_a_metric_ends_at_once(rng):
    def slow(y_true, y_pred):
        time.sleep(30)
        return 0.0

    model = mlp()
    model.compile("adam", "cross_entropy", [slow])
    pressed = []
    timer = interrupt_after(0.5, pressed)
    history = model.fit(rng.normal(size=(10, 6)), rng.integers(0, 3, 10), verbose=0)
    timer.join()
    assert time.monotonic() - pressed[0] < 5
    assert history.interrupted and len(history) == 0


def test_a_metric_cannot_change_the_labels():
    def greedy(y_true, y_pred):
        y_true[:] = 0
        return 0.0

    model = mlp()
    model.compile("adam", "cross_entropy", [greedy])
    y = np.array([0, 1, 2, 0])
    for call in (
        lambda: model.fit(np.zeros((4, 6)), y, verbose=0),
        lambda: model.evaluate(np.zeros((4, 6)), y),
    ):
        with pytest.raises(ValueError, match="read-only"):
            call()
    assert y.tolist() == [0, 1, 2, 0]
    y += 0  # still the caller's to write


def test_errors_in_metrics_come_through():
    def broken(y_true, y_pred):
        raise LookupError("mine")

    model = mlp()
    model.compile("adam", "cross_entropy", [broken])
    with pytest.raises(LookupError, match="mine"):
        model.fit(np.zeros((4, 6)), [0, 1, 2, 0], verbose=0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_fit_works_outside_the_main_thread(rng):
    x, y = rng.normal(size=(40, 6)), rng.integers(0, 3, 40)
    found = []

    def work():
        model = mlp()
        model.compile("adam", "cross_entropy")
        found.append(model.fit(x, y, epochs=3, verbose=0)["loss"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(losses == found[0] for losses in found)


# ---------------------------------------------------------------- learning


@pytest.mark.parametrize(
    "optimizer", [nf.SGD(lr=0.5, momentum=0.9), nf.RMSprop(lr=0.02), nf.Adam(lr=0.05)], ids=repr
)
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_xor_is_learned(optimizer, loss, backend):
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    model = nf.Sequential(nf.Linear(2, 16), nf.Tanh(), nf.Linear(16, 2), seed=0)
    model.compile(optimizer, loss, ["accuracy"], backend=backend)
    target = y if loss == "cross_entropy" else nf.one_hot(y, 2)
    history = model.fit(x, target, batch_size=4, epochs=300, verbose=0)
    assert history["accuracy"][-1] == 1.0
    assert model.evaluate(x, target)["accuracy"] == 1.0
    assert history["loss"][-1] < 0.05
    assert model.predict(x).argmax(axis=1).tolist() == y.tolist()


def test_a_line_is_fitted_exactly(backend):
    """Least squares has a closed form: full-batch gradient descent must find it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    y = x @ [1.0, -2.0, 0.5] + 3.0 + 0.1 * rng.normal(size=50)
    model = nf.Sequential(nf.Linear(3, 1), dtype="float64", seed=0)
    model.compile(nf.SGD(lr=0.1), "mse", backend=backend)
    model.fit(x, y, batch_size=50, epochs=1000, verbose=0)
    best, *_ = np.linalg.lstsq(np.column_stack([x, np.ones(50)]), y, rcond=None)
    found = [*model.layers[0].weight[0], model.layers[0].bias[0]]
    np.testing.assert_allclose(found, best, rtol=1e-10)


def test_oriented_bars_are_learned_by_a_convolution():
    """Horizontal or vertical bars at random places: only the shape tells the classes apart."""
    rng = np.random.default_rng(0)
    n = 600
    x, y = np.zeros((n, 1, 8, 8), np.float32), rng.integers(0, 2, n)
    for image, label in zip(x, y, strict=True):
        i, j = rng.integers(0, 5, 2)
        image[0, i : i + (4 if label else 1), j : j + (1 if label else 4)] = 1
    model = nf.Sequential(
        nf.Conv2d(1, 6, 3),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Flatten(),
        nf.Linear(None, 2),
        input_shape=(1, 8, 8),
        seed=0,
    )
    model.compile(nf.Adam(lr=0.01), "cross_entropy", ["accuracy"])
    history = model.fit(x, y, epochs=10, validation_split=0.25, verbose=0)
    assert history["val_accuracy"][-1] >= 0.99


def mnist_folder():
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("NNFAST_DATA", root.parent / "shared" / "data")) / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no MNIST in {folder}: set NNFAST_DATA to the folder that holds mnist/")
    return folder


def test_mnist_in_one_epoch():
    from nnfast.examples import mnist

    images, labels = mnist.load(str(mnist_folder()))
    model = mnist.make_mlp(0)
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(images[:-10_000], labels[:-10_000], batch_size=64, verbose=0)
    # One epoch gives 0.94 with this network; 0.92 is a linear classifier's best.
    assert model.evaluate(images[-10_000:], labels[-10_000:])["accuracy"] > 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("mlp", 0.972), ("cnn", 0.988)])
def test_mnist_reaches_the_published_accuracy(name, accuracy, capsys):
    from nnfast.examples import mnist

    folder = str(mnist_folder())
    assert mnist.main(["--data", folder, "--model", name]) == 0
    last = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name}: 0.")]
    assert float(last[0].split()[1]) >= accuracy
