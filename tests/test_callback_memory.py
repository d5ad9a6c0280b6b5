"""What callbacks remember is the model's: a run that is continued is the unbroken one, bit for bit."""

import copy
import csv
import json
import os
import pickle

import numpy as np
import pytest

import nnfast as nf
from nnfast import _container
from nnfast import callbacks as cb

RNG = np.random.default_rng(12)
X, Y = RNG.standard_normal((60, 4)).astype(np.float32), RNG.integers(0, 3, 60)
HELD = RNG.standard_normal((30, 4)).astype(np.float32), RNG.integers(0, 3, 30)
FIT = {"batch_size": 10, "epochs": 12, "verbose": 0, "validation_data": HELD}  # 6 steps an epoch


def network(backend="native"):
    model = nf.Sequential(nf.Linear(4, 8), nf.Dropout(0.2), nf.Tanh(), nf.Linear(8, 3), seed=0)
    model.compile(nf.Adam(0.05), "cross_entropy", ["accuracy"], backend)
    return model


def same(a, b):
    for key, array in a.state_dict().items():
        np.testing.assert_array_equal(array, b.state_dict()[key], err_msg=key)


def same_tail(rest, whole):
    assert rest.history == {name: v[len(v) - len(rest) :] for name, v in whole.history.items() if len(rest)}
    assert rest.epochs == whole.epochs[len(whole) - len(rest) :]


class Slowing(cb.Callback):
    """One of the user's: divides the learning rate after each two epochs of a higher loss."""

    def on_train_begin(self, logs):
        self.seen = []

    def on_epoch_end(self, epoch, logs):
        self.seen.append(np.float32(logs["val_loss"]))
        if len(self.seen) > 2 and self.seen[-3] < min(self.seen[-2:]):
            self.model.optimizer.lr *= 0.7

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = list(map(np.float32, state["seen"]))


CALLBACKS = {
    "plateau": lambda: [cb.ReduceLROnPlateau(factor=0.5, patience=1, cooldown=1)],
    "stop": lambda: [cb.EarlyStopping(patience=4)],
    "stop at the best": lambda: [cb.EarlyStopping(patience=4, restore_best=True)],
    "never stopped, at the best": lambda: [cb.EarlyStopping(patience=50, restore_best=True)],
    "two": lambda: [cb.EarlyStopping("loss", patience=50), cb.EarlyStopping("val_accuracy", patience=3)],
    "all": lambda: [
        cb.ReduceLROnPlateau("loss", patience=0, factor=0.8),
        Slowing(),
        cb.EarlyStopping("val_accuracy", patience=3),
        cb.LearningRateScheduler(lambda epoch, lr: lr * 0.95),
    ],
}


@pytest.mark.parametrize("first", [True, False], ids=["saved first", "saved last"])
@pytest.mark.parametrize("name", CALLBACKS)
def test_a_run_goes_on_from_every_file(name, first, tmp_path):
    def listed(*saving):
        others = CALLBACKS[name]()
        return [*saving, *others] if first else [*others, *saving]

    unbroken = network()
    saves = cb.ModelCheckpoint(tmp_path / "{epoch}"), cb.ModelCheckpoint(tmp_path / "{step}-", save_freq=10)
    whole = unbroken.fit(X, Y, callbacks=listed(*saves), **FIT)
    assert len(os.listdir(tmp_path)) > 5
    for file in os.listdir(tmp_path):
        model = nf.load(tmp_path / file)
        rest = model.fit(X, Y, callbacks=listed(), initial_epoch=model.epochs_done, **FIT)
        same_tail(rest, whole)
        done = int(file) if "-" not in file else (int(file[:-1]) - 1) // 6
        assert len(rest) == len(whole) - done, file
        same(model, unbroken)
        assert model.optimizer.lr == unbroken.optimizer.lr


@pytest.mark.parametrize("way", ["same model", "pickle", "deepcopy", "file"])
@pytest.mark.parametrize("stop", [3, 27, 29, 40])
@pytest.mark.parametrize("name", ["plateau", "stop at the best", "never stopped, at the best", "all"])
def test_after_an_interruption(name, stop, way, tmp_path):
    """Also where the best weights were put back when it ended."""

    class Interrupt(cb.Callback):
        def on_batch_end(self, batch, logs):
            if self.model._ensure_model("test").step_count == stop:
                raise KeyboardInterrupt

    unbroken, model = network(), network()
    whole = unbroken.fit(X, Y, callbacks=CALLBACKS[name](), **FIT)
    callbacks = CALLBACKS[name]()
    begun = model.fit(X, Y, callbacks=[*callbacks, Interrupt()], **FIT)
    if way == "file":
        model.save(tmp_path / "model")
        model = nf.load(tmp_path / "model")
    elif way != "same model":
        model = copy.deepcopy(model) if way == "deepcopy" else pickle.loads(pickle.dumps(model))
    rest = model.fit(X, Y, callbacks=callbacks, initial_epoch=model.epochs_done, **FIT)
    same_tail(rest, whole)
    assert len(begun) + len(rest) == len(whole)
    same(model, unbroken)


def test_what_was_stopped_stays_so_until_a_run_begins_anew(tmp_path):
    model = network()
    stop = cb.EarlyStopping(patience=2, restore_best=True)
    history = model.fit(X, Y, callbacks=stop, **FIT)
    assert len(history) < 12
    model.save(tmp_path / "model")
    with _container.opened(str(tmp_path / "model")) as saved:
        assert not [name for name in saved.entries if name.startswith("callback")]
    again = nf.load(tmp_path / "model")
    assert len(again.fit(X, Y, callbacks=stop, initial_epoch=again.epochs_done, **FIT)) == 0
    same(again, model)
    assert len(again.fit(X, Y, callbacks=stop, **FIT)) > 0


def test_the_best_of_before_is_not_forgotten(tmp_path):
    """Only what is better than before the break is saved."""
    values = iter([3.0, 1.0, 2.0, 1.5, 0.5])

    class Script(cb.Callback):
        def on_epoch_end(self, epoch, logs):
            logs["score"] = next(values)

    def callbacks(name):
        return [Script(), cb.ModelCheckpoint(tmp_path / name, "score", save_best_only=True, mode="min")]

    model = network()
    model.fit(X, Y, callbacks=callbacks("{epoch}"), **{**FIT, "epochs": 2})
    model.save(tmp_path / "model")
    model = nf.load(tmp_path / "model")
    model.fit(X, Y, callbacks=callbacks("again-{epoch}"), initial_epoch=2, **{**FIT, "epochs": 5})
    assert sorted(os.listdir(tmp_path)) == ["1", "2", "again-5", "model"]


def test_a_table_is_continued_after_the_last_line_of_before(tmp_path):
    def rows(path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))

    log = tmp_path / "log.csv"
    save = cb.ModelCheckpoint(tmp_path / "{step}", save_freq=9)
    network().fit(X, Y, callbacks=[cb.CSVLogger(log), save], **FIT)
    whole = rows(log)
    assert [int(row["epoch"]) for row in whole] == list(range(1, 13))
    for name in ("9", "36", "45", "63"):
        model = nf.load(tmp_path / name)
        model.fit(X, Y, callbacks=cb.CSVLogger(log), initial_epoch=model.epochs_done, **FIT)
        assert rows(log) == whole, name
    other = tmp_path / "other.csv"
    other.write_text("not,of\nthis,run\n")
    model = nf.load(tmp_path / "63")
    model.fit(X, Y, callbacks=cb.CSVLogger(other), initial_epoch=model.epochs_done, **FIT)
    assert [row["epoch"] for row in rows(other)] == ["11", "12"] and rows(log) == whole
    network().fit(X, Y, callbacks=cb.CSVLogger(log), **{**FIT, "epochs": 2})
    assert len(rows(log)) == 2  # a new run


def test_what_no_file_can_hold_is_told_when_fit_begins(tmp_path):
    class Odd(cb.Callback):
        def state_dict(self):
            return {"odd": {1, 2}}

    save = cb.ModelCheckpoint(tmp_path / "model")
    with pytest.raises(ValueError, match=r"save: callbacks: Odd\.state_dict: expected what JSON has"):
        network().fit(X, Y, callbacks=[Odd(), save], **FIT)
    model = network()
    model.fit(X, Y, callbacks=Odd(), **{**FIT, "epochs": 1})  # without a file anything may be kept
    with pytest.raises(ValueError, match=r"Odd\.state_dict"):
        model.save(tmp_path / "model")
    model.compile("adam", "cross_entropy")
    model.save(tmp_path / "model")


def test_arrays_like_the_weights_go_into_the_file(tmp_path):
    class Average(cb.Callback):
        def on_train_begin(self, logs):
            self.average, self.count = self.model.state_dict(), np.int64(0)

        def on_batch_end(self, batch, logs):
            for key, array in self.model.state_dict().items():
                self.average[key] += (array - self.average[key]) / 10
            self.count += 1

        def state_dict(self):
            return {"average": {k: v.copy() for k, v in self.average.items()}, "count": self.count}

        def load_state_dict(self, state):
            self.average, self.count = state["average"], state["count"]

    whole, part = Average(), Average()
    network().fit(X, Y, callbacks=whole, **FIT)
    network().fit(X, Y, callbacks=[Average(), cb.ModelCheckpoint(tmp_path / "{step}", save_freq=33)], **FIT)
    model = nf.load(tmp_path / "33")
    model.fit(X, Y, callbacks=part, initial_epoch=model.epochs_done, **FIT)
    assert part.count == whole.count == 72
    for key, array in whole.average.items():
        np.testing.assert_array_equal(array, part.average[key])
    assert network().load_weights(tmp_path / "33").complete  # they are no parameters


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(state=3),
        lambda c: c.update({"class": None}),
        lambda c: c["arrays"].update(weights=["0.weight", "7.weight"]),
        lambda c: c["arrays"].update(weights=3),
        lambda c: c["state"].update(best="low"),
        lambda c: c["state"].update(wait=-1),
        lambda c: c["state"].update(best_epoch=1.5),
        lambda c: (c["arrays"].clear(), c["state"].update(weights=3)),
    ],
)
def test_forged_memories_are_refused(change, tmp_path):
    path = tmp_path / "1"
    stop = cb.EarlyStopping(restore_best=True, patience=9)
    network().fit(X, Y, callbacks=[stop, cb.ModelCheckpoint(tmp_path / "{epoch}")], **FIT)
    with _container.opened(str(path)) as saved:
        given, arrays = json.loads(saved.text), {name: saved.array(name) for name in saved.entries}
    change(given["callbacks"][0])
    if not given["callbacks"][0].get("arrays"):
        arrays = {name: array for name, array in arrays.items() if not name.startswith("callback")}
    with open(path, "wb") as file:
        _container.write(file, json.dumps(given), arrays)
    with pytest.raises((ValueError, TypeError)):
        model = nf.load(path)
        model.fit(X, Y, callbacks=stop, initial_epoch=1, **FIT)


def test_running_statistics_are_kept_with_the_best_weights(tmp_path):
    """Their counter has no axes, and comes back so."""
    model = nf.Sequential(nf.Linear(6, 8), nf.BatchNorm1d(8), nf.ReLU(), nf.Linear(8, 2), seed=0)
    model.compile("adam", "cross_entropy")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 6)), rng.integers(0, 2, 60)
    stop = nf.callbacks.EarlyStopping(patience=5, restore_best=True)
    model.fit(x, y, epochs=3, verbose=0, validation_split=0.2, callbacks=[stop])
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(nf.load(tmp_path / "model").predict(x), model.predict(x))


def test_gradient_norms_of_a_step_before_the_file(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 4)), rng.integers(0, 3, 64)

    def run(model, *more):
        norms = nf.callbacks.GradientNorms()
        options = {"epochs": 2, "batch_size": 32, "verbose": 0, "initial_epoch": model.epochs_done}
        return model.fit(x, y, **options, callbacks=[norms, *more]).history["gradient_norm_0"]

    model = nf.Sequential(nf.Linear(4, 3), seed=0)
    model.compile("adam", "cross_entropy")
    unbroken = run(model, nf.callbacks.ModelCheckpoint(tmp_path / "{step}", save_freq=2))
    assert run(nf.load(tmp_path / "2")) == unbroken
