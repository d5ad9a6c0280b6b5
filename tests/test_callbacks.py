"""Callbacks: when they are called, what they see, what they may do, and the ready-made ones."""

import csv
import doctest
import itertools
import os
import signal
import threading
import time

import numpy as np
import pytest

import nnfast as nf
from nnfast import callbacks as cb

RNG = np.random.default_rng(2)
X, Y = RNG.standard_normal((40, 4)), RNG.integers(0, 3, 40)


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


def network(backend="native", optimizer="adam", metrics=("accuracy",)):
    model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
    model.compile(optimizer, "cross_entropy", list(metrics), backend)
    return model


def fit(model, callbacks, **given):
    return model.fit(X, Y, **{"batch_size": 16, "epochs": 3, "verbose": 0, "callbacks": callbacks, **given})


class Recorder(cb.Callback):
    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs):
        self.calls.append(("train begin", dict(logs)))

    def on_train_end(self, logs):
        self.calls.append(("train end", dict(logs)))

    def on_epoch_begin(self, epoch, logs):
        self.calls.append(("epoch begin", epoch))

    def on_epoch_end(self, epoch, logs):
        self.calls.append(("epoch end", epoch, dict(logs)))


class BatchRecorder(Recorder):
    def on_batch_begin(self, batch, logs):
        self.calls.append(("batch begin", batch))

    def on_batch_end(self, batch, logs):
        self.calls.append(("batch end", batch, dict(logs)))


@pytest.mark.parametrize("stream", [False, True])
def test_order_and_logs(backend, stream):
    model, record = network(backend), BatchRecorder()
    if stream:
        batches = itertools.cycle([(X[i : i + 16], Y[i : i + 16]) for i in (0, 16, 32)])
        history = model.fit(batches, steps_per_epoch=3, epochs=2, verbose=0, callbacks=record)
    else:
        history = fit(model, [record], epochs=2, shuffle=False)
    steps = [name for batch in range(3) for name in (("batch begin", batch), ("batch end", batch))]
    epochs = [c for e in range(2) for c in [("epoch begin", e), *steps, ("epoch end", e)]]
    assert [c[:2] for c in record.calls[1:-1]] == epochs
    ends = [c[2] for c in record.calls if c[0] == "epoch end"]
    assert record.calls[0] == ("train begin", {}) and record.calls[-1] == ("train end", ends[-1])
    for name, values in history.history.items():
        assert values == [logs[name] for logs in ends]
    # The last batch's logs are those of the whole epoch.
    assert [c[2] for c in record.calls if c[:2] == ("batch end", 2)] == ends


def test_listening_changes_no_bits(backend):
    plain, with_epochs, with_batches = network(backend), network(backend), network(backend)
    expected = fit(plain, None, validation_split=0.25)
    assert fit(with_epochs, [Recorder()], validation_split=0.25) == expected
    assert fit(with_batches, [BatchRecorder()], validation_split=0.25) == expected
    for name, array in plain.state_dict().items():
        np.testing.assert_array_equal(array, with_batches.state_dict()[name])
        np.testing.assert_array_equal(array, with_epochs.state_dict()[name])


def test_without_batch_methods_the_engine_is_called_as_often_as_before(monkeypatch):
    model, counted = network(), []
    sync = nf.Model._sync_optimizer
    monkeypatch.setattr(nf.Model, "_sync_optimizer", lambda *a: counted.append(1) or sync(*a))
    fit(model, [Recorder()], batch_size=1, epochs=1)
    few = len(counted)
    fit(model, [BatchRecorder()], batch_size=1, epochs=1)
    assert few < 10 < 40 <= len(counted) - few


def test_functions_stand_for_the_end_of_an_epoch():
    seen = []
    history = fit(network(), [lambda epoch, logs: seen.append((epoch, logs["loss"]))])
    assert seen == list(enumerate(history["loss"]))
    fit(network(), lambda epoch, logs: seen.append(epoch), epochs=1)
    assert seen[-1] == 0


@pytest.mark.parametrize("moment", ["on_batch_end", "on_epoch_end", "on_epoch_begin", "on_train_begin"])
def test_weights_and_rates_may_be_changed(backend, moment):
    def change(self, *_):
        self.model.layers[0].weight = np.zeros((8, 4))
        self.model.layers[2].bias[...] = 1
        self.model.optimizer.lr = 0.0

    kind = type("Change", (cb.Callback,), {moment: change})
    model = network(backend)
    fit(model, [kind()])
    assert (model.layers[0].weight == 0).all() and (model.layers[2].bias == 1).all()


def test_additions_to_the_logs_are_in_the_history():
    def rate(epoch, logs):
        logs["lr"] = 0.5 / (epoch + 1)

    assert fit(network(), [rate])["lr"] == [0.5, 0.25, 0.5 / 3]


@pytest.mark.parametrize("moment", ["on_batch_end", "on_epoch_end", "on_train_begin"])
def test_stop_training(moment):
    def stop(self, *_):
        self.model.stop_training = True

    kind = type("Stop", (cb.Callback,), {moment: stop})
    model = network()
    history = fit(model, [kind()])
    assert history.epochs == ([] if moment == "on_train_begin" else [1])
    assert not history.interrupted
    assert len(fit(model, [])) == 3  # the flag is of one run


def test_initial_epoch(capsys):
    whole, parts, record = network(), network(), Recorder()
    expected = fit(whole, [], epochs=5)
    first = fit(parts, [], epochs=2)
    second = fit(parts, [record], epochs=5, initial_epoch=2, verbose=2)
    assert first["loss"] + second["loss"] == expected["loss"]
    assert second.epochs == [3, 4, 5] and [c[1] for c in record.calls if c[0] == "epoch begin"] == [2, 3, 4]
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["3/5", "4/5", "5/5"]
    assert fit(parts, [], epochs=2, initial_epoch=2).epochs == []
    with pytest.raises(ValueError, match=r"fit: initial_epoch: expected 0..3, got 4"):
        fit(parts, [], initial_epoch=4)


def test_bad_callbacks_are_refused():
    model = network()
    before = model.state_dict()["0.weight"]
    with pytest.raises(TypeError, match=r"fit: callbacks\[0\]: expected an object, got the class"):
        fit(model, [cb.TerminateOnNaN])
    with pytest.raises(TypeError, match=r"fit: callbacks\[1\]: expected a Callback or a function, got 3"):
        fit(model, [print, 3])
    with pytest.raises(TypeError, match="fit: callbacks: expected a list"):
        fit(model, "stop")
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before)


def test_errors_leave_the_history_on_the_model():
    def fail(epoch, logs):
        if epoch == 1:
            raise LookupError("mine")

    model = network()
    with pytest.raises(LookupError, match="mine"):
        fit(model, [fail])
    assert model.history.epochs == [1, 2]


def test_ctrl_c_leaves_the_history_and_ends_the_callbacks():
    model, record = network(), Recorder()

    def interrupt(epoch, logs):
        if epoch == 2:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(10)  # the user's code is interrupted at once

    began = time.perf_counter()
    history = fit(model, [record, interrupt], epochs=100)
    assert time.perf_counter() - began < 5
    assert history.interrupted and history.epochs == [1, 2, 3] and model.history is history
    assert record.calls[-1][0] == "train end"


# ---------------------------------------------------------------- the ready-made ones


class Scripted(cb.Callback):
    """Puts given values into the logs, and the epoch's number into a weight."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs):
        logs[self.name] = self.values[epoch]
        self.model.layers[0].weight = np.full((8, 4), epoch)


NAN = float("nan")


@pytest.mark.parametrize(
    ("settings", "values", "stopped", "best"),
    [
        ({"patience": 2}, [3, 2, 2, 2, 1], 3, 1),
        ({"patience": 2}, [3, 2, 2, 1, 1], None, 3),
        ({}, [3, 2, 2, 1, 1], 2, 1),
        ({"patience": 1, "min_delta": 0.5}, [3, 2, 1.6, 1, 1], 2, 1),
        ({"patience": 1, "mode": "max"}, [1, 2, 3, 3, 4], 3, 2),
        ({"patience": 2}, [NAN, 2, NAN, NAN, 1], 3, 1),
    ],
)
@pytest.mark.parametrize("restore", [False, True])
def test_early_stopping(settings, values, stopped, best, restore):
    model = network()
    stop = cb.EarlyStopping("score", restore_best=restore, **settings)
    for _ in range(2):  # a second run starts anew
        history = fit(model, [Scripted("score", values), stop], epochs=5)
        last = 4 if stopped is None else stopped
        assert (stop.stopped_epoch, stop.best_epoch, stop.best) == (stopped, best, values[best])
        assert history.epochs == list(range(1, last + 2))
        assert model.layers[0].weight[0, 0] == (best if restore else last)


def test_what_is_monitored():
    model, stop = network(), cb.EarlyStopping(patience=9)
    history = fit(model, [stop], validation_split=0.5)
    assert stop.best == min(history["val_loss"])
    stop = cb.EarlyStopping("val_accuracy", patience=9)
    history = fit(model, [stop], validation_split=0.5)
    assert stop.best == max(history["val_accuracy"])
    with pytest.raises(ValueError, match="EarlyStopping: monitor: expected one of loss, accuracy, got 'auc'"):
        fit(model, [cb.EarlyStopping("auc")])
    for settings in ({"mode": "up"}, {"patience": -1}, {"min_delta": -1}):
        with pytest.raises(ValueError, match=f"EarlyStopping: {next(iter(settings))}"):
            cb.EarlyStopping(**settings)
    with pytest.raises(TypeError, match="EarlyStopping: monitor"):
        cb.EarlyStopping(3)


def test_checkpoints_go_on_with_the_same_bits(tmp_path):
    model = network()
    expected = fit(model, [cb.ModelCheckpoint(tmp_path / "{epoch:02d}-{loss:.2f}")], epochs=4)
    names = sorted(os.listdir(tmp_path))
    assert names == [f"{i + 1:02d}-{loss:.2f}" for i, loss in enumerate(expected["loss"])]
    for i, name in enumerate(names[:-1]):
        other = nf.load(tmp_path / name)
        assert fit(other, [], epochs=4, initial_epoch=i + 1)["loss"] == expected["loss"][i + 1 :]
        np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_checkpoints_of_the_best(tmp_path):
    path = tmp_path / "best"
    save = cb.ModelCheckpoint(path, "score", save_best_only=True)
    model = network()
    fit(model, [Scripted("score", [3, 1, 2, NAN]), save], epochs=4)
    assert nf.load(path).layers[0].weight[0, 0] == 1
    fit(model, [Scripted("score", [2, 1.5]), save], epochs=2)  # not better than the first run
    assert nf.load(path).layers[0].weight[0, 0] == 1
    with pytest.raises(FileNotFoundError, match="ModelCheckpoint: path: there is no folder"):
        fit(model, [cb.ModelCheckpoint(tmp_path / "none" / "x")])
    with pytest.raises(
        ValueError, match=r"ModelCheckpoint: path: expected only \{epoch\}, \{step\} and loss, accuracy"
    ):
        fit(model, [cb.ModelCheckpoint(tmp_path / "{nothing}")])
    model.optimizer.lr = lambda step: 0.1
    with pytest.raises(ValueError, match="save: optimizer: lr"):  # before any training
        fit(model, [cb.ModelCheckpoint(path)])


def test_learning_rate_scheduler():
    seen = []

    class See(cb.Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(self.model.optimizer.lr)

    fit(network(), [cb.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), See()])
    assert seen == [0.1, 0.05, 0.1 / 3]
    seen.clear()
    fit(network(optimizer=nf.SGD(1.0)), [cb.LearningRateScheduler(lambda epoch, lr: lr / 2), See()])
    assert seen == [0.5, 0.25, 0.125]
    seen.clear()
    fit(network(), [cb.LearningRateScheduler(nf.StepLR(1.0, 2, 0.5)), See()])
    assert seen == [1.0, 1.0, 0.5]
    with pytest.raises(ValueError, match="LearningRateScheduler: schedule: expected a finite number >= 0"):
        fit(network(), [cb.LearningRateScheduler(lambda epoch: -1.0)])
    with pytest.raises(TypeError, match="LearningRateScheduler: schedule: expected a function"):
        cb.LearningRateScheduler(0.1)


def test_reduce_on_plateau_is_the_schedule(backend):
    values = [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]
    settings = {"factor": 0.5, "patience": 1, "cooldown": 1, "monitor": "score"}
    schedule, rates = nf.ReduceLROnPlateau(0.5, **settings), []
    reduce = cb.ReduceLROnPlateau(**settings)
    model = network(backend, nf.SGD(0.5))
    script = Scripted("score", values)
    fit(model, [script, reduce, lambda epoch, logs: rates.append(model.optimizer.lr)], epochs=8)
    expected = []
    for value in values:
        schedule.observe({"score": value})
        expected.append(schedule(0))
    assert rates == expected and len(set(rates)) > 2
    with pytest.raises(ValueError, match="ReduceLROnPlateau: expected an optimizer whose lr is a number"):
        fit(network(optimizer=nf.SGD(nf.StepLR(0.1, 2))), [reduce])


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    model = network()
    one = fit(model, [cb.CSVLogger(path)], epochs=2)
    two = fit(model, [cb.CSVLogger(path, append=True)], epochs=3, initial_epoch=2, validation_split=0.5)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"] and list(rows[0]) == [
        "epoch",
        "loss",
        "accuracy",
    ]
    assert [float(row["loss"]) for row in rows] == one["loss"] + two["loss"]  # every digit
    fit(model, [cb.CSVLogger(path, separator=";")], epochs=1)
    assert path.read_text().splitlines()[0] == "epoch;loss;accuracy"
    with pytest.raises(OSError):
        fit(model, [cb.CSVLogger(tmp_path / "none" / "log.csv")])
    with pytest.raises(ValueError, match="CSVLogger: separator"):
        cb.CSVLogger(path, separator="")
    for kind in (cb.CSVLogger, cb.ModelCheckpoint):
        with pytest.raises(TypeError, match=f"{kind.__name__}: path"):
            kind(3)


def test_terminate_on_nan(backend):
    model, record = network(backend), Recorder()

    def poison(epoch, logs):
        if epoch == 1:
            model.layers[0].weight = np.full((8, 4), np.nan)

    with pytest.warns(UserWarning, match="TerminateOnNaN: fit: epoch 3: loss is nan"):
        history = fit(model, [poison, record, cb.TerminateOnNaN()], epochs=9)
    assert history.epochs == [1, 2] and record.calls[-1][0] == "train end"
    with pytest.raises(FloatingPointError, match="fit: epoch 1"):
        fit(model, [])
    with pytest.warns(UserWarning, match="epoch 2: score is inf"):
        history = fit(network(backend), [Scripted("score", [0, np.inf, 0]), cb.TerminateOnNaN()])
    assert history.epochs == [1, 2]


# ---------------------------------------------------------------- gradient norms


def test_gradient_norms_by_layer(backend):
    model = nf.Sequential(nf.Linear(4, 8), nf.Tanh(), nf.Linear(8, 3, name="head"), seed=0)
    model.compile("sgd", "cross_entropy", backend=backend)
    assert model.gradient_norms() == {"0": 0.0, "head": 0.0}
    history = fit(model, cb.GradientNorms())
    gradients = model.gradients()
    for key, norm in model.gradient_norms().items():
        arrays = [gradients[f"{key}.{name}"].ravel() for name in ("weight", "bias")]
        assert norm == pytest.approx(np.linalg.norm(np.concatenate(arrays)), rel=1e-6)
        assert norm > 0 and history[f"gradient_norm_{key}"][-1] == norm
    assert len(history["gradient_norm_head"]) == 3


@pytest.mark.parametrize("name", cb.__all__)
def test_examples_of_the_docstrings_run(name):
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(getattr(cb, name), name, globs={**vars(cb)}):
        runner.run(test)
    assert runner.tries > 0 and runner.failures == 0
