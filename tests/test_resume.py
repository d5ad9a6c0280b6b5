"""Runs that are broken off, at any step, and go on with the bits of an unbroken one."""

import copy
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import nnfast as nf
from nnfast import _container, _fit, data
from nnfast.callbacks import Callback, ModelCheckpoint

SAME_PACKAGE = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
RNG = np.random.default_rng(6)
X, Y = RNG.standard_normal((50, 4)).astype(np.float32), RNG.integers(0, 3, 50)
FIT = {"batch_size": 8, "epochs": 3, "verbose": 0}  # 7 steps an epoch, the last one partial


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


def network(backend="native", lr=0.01):
    model = nf.Sequential(
        nf.Linear(4, 8, l2=0.01), nf.BatchNorm1d(8), nf.ReLU(), nf.Dropout(0.3), nf.Linear(8, 3), seed=1
    )
    model.compile(nf.Adam(lr), "cross_entropy", ["accuracy"], backend)
    return model


def same(a, b):
    for key, array in a.state_dict().items():
        np.testing.assert_array_equal(array, b.state_dict()[key], err_msg=key)


def tail(history, count):
    """The values of the last epochs."""
    return {name: values[-count:] for name, values in history.history.items() if count}


RATES = {
    "number": lambda: 0.01,
    "by step": lambda: nf.OneCycleLR(0.05, 21),
    "by epoch": lambda: nf.StepLR(0.01, 1, 0.5),
    "plateau": lambda: nf.ReduceLROnPlateau(0.01, factor=0.5, patience=0, threshold=0.5),
}


@pytest.mark.parametrize("rate", RATES)
def test_every_step_of_a_fit_can_be_gone_on_from(rate, backend, tmp_path):
    unbroken = network(backend, RATES[rate]())
    validated = {"validation_data": (X, Y), **FIT}
    save = ModelCheckpoint(tmp_path / "{epoch}-{step}", save_freq=1)
    whole = unbroken.fit(X, Y, callbacks=save, **validated)
    names = sorted(os.listdir(tmp_path), key=lambda name: int(name.split("-")[1]))
    assert names == [f"{step // 7 + 1}-{step + 1}" for step in range(21)]
    for name in names:
        model = nf.load(tmp_path / name)
        assert model.epochs_done == int(name.split("-")[0]) - 1
        rest = model.fit(X, Y, initial_epoch=model.epochs_done, **validated)
        assert rest.epochs == list(range(model.epochs_done - len(rest) + 1, 4))
        # Also the loss of the epoch that was broken off, which is the mean over all its steps.
        assert rest.history == tail(whole, len(rest)), name
        same(model, unbroken)


def test_saving_changes_nothing_and_costs_no_stops_between(monkeypatch, tmp_path):
    plain = network()
    expected = plain.fit(X, Y, **FIT)
    slices = []
    train = _fit.train_epoch

    class Core:
        def __init__(self, core):
            self._inner = core

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def train(self, x, y, order, batch, first, last, *rest):
            slices.append((first, last))
            return self._inner.train(x, y, order, batch, first, last, *rest)

    monkeypatch.setattr(_fit, "train_epoch", lambda model, core, *rest: train(model, Core(core), *rest))
    saved = network()
    save = ModelCheckpoint(tmp_path / "{step}", save_freq=5)
    assert saved.fit(X, Y, callbacks=save, **FIT).history == expected.history
    same(plain, saved)
    assert sorted(map(int, os.listdir(tmp_path))) == [5, 10, 15, 20]
    assert slices == [(0, 5), (5, 7), (0, 3), (3, 7), (0, 1), (1, 6), (6, 7)]


@pytest.mark.parametrize("way", ["file", "pickle", "deepcopy", "same model"])
@pytest.mark.parametrize("stop", [0, 3, 6, 7, 12])
def test_after_an_interruption(stop, way, backend, tmp_path):
    """As Ctrl-C does it: the run ends in the middle of the user's code after a step."""

    class Interrupt(Callback):
        def on_batch_end(self, batch, logs):
            if self.model._ensure_model("test").step_count == stop + 1:
                raise KeyboardInterrupt

    unbroken, model = network(backend), network(backend)
    whole = unbroken.fit(X, Y, **FIT)
    history = model.fit(X, Y, callbacks=Interrupt(), **FIT)
    assert history.interrupted and model.epochs_done == len(history) == stop // 7
    if way == "file":
        model.save(tmp_path / "model")
        model = nf.load(tmp_path / "model")
    elif way != "same model":
        model = copy.deepcopy(model) if way == "deepcopy" else pickle.loads(pickle.dumps(model))
    rest = model.fit(X, Y, initial_epoch=model.epochs_done, **FIT)
    assert rest.history == tail(whole, len(rest)) and len(history) + len(rest) == 3
    same(model, unbroken)


SOURCES = {
    "batches": lambda: data.Batches(X, Y, 8, seed=3),
    "with draws": lambda: data.Batches(
        X, Y, 8, seed=3, transform=lambda x, y, rng: (x + rng.random(x.shape), y)
    ),
    "list": lambda: list(data.Batches(X, Y, 8, seed=3)),
    "own": lambda: Own(),
}


class Own:
    """Of another order in each pass, which it counts."""

    passes = 0

    def __iter__(self):
        self.passes += 1
        return iter(data.Batches(X, Y, 8, seed=self.passes))


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("steps", [None, 5, 9])
@pytest.mark.parametrize("kind", SOURCES)
def test_iterables_go_on_where_they_stood(kind, steps, prefetch, backend, tmp_path):
    """Without being told where: 7 batches a pass, in epochs of as many or not; the validation's, too."""
    source, held = SOURCES[kind](), data.Batches(X, Y, 16, seed=4)
    for _ in source:  # gone through before: what counts is the pass of its own
        pass
    given = {"epochs": 3, "verbose": 0, "steps_per_epoch": steps, "prefetch": prefetch}
    unbroken = network(backend)
    saves = ModelCheckpoint(tmp_path / "{step}", save_freq=2), ModelCheckpoint(tmp_path / "{epoch}-")
    whole = unbroken.fit(source, validation_data=held, callbacks=saves, **given)
    for name in os.listdir(tmp_path):
        model = nf.load(tmp_path / name)
        again = {"x": SOURCES[kind](), "validation_data": data.Batches(X, Y, 16, seed=4)}
        rest = model.fit(**again, initial_epoch=model.epochs_done, **given)
        assert rest.history == tail(whole, len(rest)), name
        same(model, unbroken)


@pytest.mark.parametrize("steps", [None, 5])
@pytest.mark.parametrize("stop", [1, 5, 7, 8, 13])
def test_iterables_go_on_after_an_interruption(stop, steps):
    """In the same process, with the same object, of which more was prefetched than used."""

    class Interrupt(Callback):
        def on_batch_end(self, batch, logs):
            if self.model._ensure_model("test").step_count == stop:
                raise KeyboardInterrupt

    given = {"epochs": 3, "verbose": 0, "steps_per_epoch": steps, "prefetch": 3}
    unbroken, model, source = network(), network(), SOURCES["with draws"]()
    whole = unbroken.fit(SOURCES["with draws"](), **given)
    assert model.fit(source, callbacks=Interrupt(), **given).interrupted
    model = copy.deepcopy(model)
    rest = model.fit(source, initial_epoch=model.epochs_done, **given)
    assert rest.history == tail(whole, len(rest))
    same(model, unbroken)


def test_an_iterator_goes_on_from_the_epochs_first_batch(tmp_path):
    batches = list(data.Batches(X, Y, 8, seed=3)) * 3
    given = {"epochs": 3, "verbose": 0, "steps_per_epoch": 5}
    unbroken, save = network(), ModelCheckpoint(tmp_path / "{step}", save_freq=4)
    whole = unbroken.fit(iter(batches), callbacks=save, **given)
    for name in os.listdir(tmp_path):
        model = nf.load(tmp_path / name)
        again = iter(batches[5 * model.epochs_done :])
        rest = model.fit(again, initial_epoch=model.epochs_done, **given)
        assert rest.history == tail(whole, len(rest)), name
        same(model, unbroken)


def test_shorter_iterables_are_refused(tmp_path):
    save = ModelCheckpoint(tmp_path / "{step}", save_freq=6)
    network().fit(data.Batches(X, Y, 8, seed=3), callbacks=save, **{**FIT, "batch_size": 32})
    for source in (data.Batches(X, Y, 25), [(X, Y)] * 3, iter([(X, Y)] * 3)):
        model = nf.load(tmp_path / "6")
        with pytest.raises(ValueError, match="fit: x: the run that goes on stands after 6 batches, got only"):
            model.fit(source, initial_epoch=0, epochs=1, verbose=0)


def test_without_being_asked_a_run_begins_anew(tmp_path):
    save = ModelCheckpoint(tmp_path / "{step}", save_freq=3)
    network().fit(X, Y, callbacks=save, **FIT)
    one, two = nf.load(tmp_path / "9"), nf.load(tmp_path / "9")
    two._position = None
    other = RNG.standard_normal((20, 4)), RNG.integers(0, 3, 20)
    for model in (one, two):
        assert len(model.fit(*other, **FIT)) == 3  # other data: nothing stands in the way
    same(one, two)
    assert one.epochs_done == 3
    one.compile("sgd", "cross_entropy")
    assert one.epochs_done == 0


def test_other_data_or_settings_are_refused_before_anything_changes(tmp_path):
    save = ModelCheckpoint(tmp_path / "{step}", save_freq=3)
    network().fit(X, Y, callbacks=save, **FIT)
    model = nf.load(tmp_path / "9")
    before = model.state_dict()
    standing = "the model stands at step 2 of epoch 2 of 50 samples in batches of 8, shuffled"
    for x, y, settings, got in [
        (X[:40], Y[:40], {}, "40 samples in batches of 8, shuffled"),
        (X, Y, {"batch_size": 9}, "50 samples in batches of 9, shuffled"),
        (X, Y, {"shuffle": False}, "50 samples in batches of 8, not shuffled"),
        (data.Batches(X, Y, 8), None, {}, "an iterable"),
    ]:
        with pytest.raises(ValueError, match=f"fit: initial_epoch: {standing}, .* not with {got}"):
            model.fit(x, y, **{**FIT, **settings, "initial_epoch": 1})
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[key])
    assert len(model.fit(X, Y, initial_epoch=2, **FIT)) == 1  # another epoch begins at its first step


def test_bad_frequencies_are_refused():
    for value, error in [(0, ValueError), ("batch", ValueError), (1.5, TypeError), (None, TypeError)]:
        with pytest.raises(error, match="ModelCheckpoint: save_freq"):
            ModelCheckpoint("x", save_freq=value)
    with pytest.raises(ValueError, match="save_freq: expected 'epoch' with save_best_only"):
        ModelCheckpoint("x", save_best_only=True, save_freq=5)


@pytest.mark.parametrize(
    "change",
    [
        {"position": 3},
        {"position": {"epoch": -1}},
        {"totals": []},
        {"totals": [[1.0] * 8]},
        {"totals": [[1.0] * 8 + [True]]},
        {"samples": 1.5},
        {"batch_size": "8"},
        {"shuffle": 1},
        {"epochs_done": -1},
        {"epochs_done": "many"},
        {"places": [None]},
        {"places": [[1], None]},
        {"places": [None, [0, -1]]},
    ],
)
def test_bad_positions_in_files_are_refused(change, tmp_path):
    network().fit(X, Y, callbacks=ModelCheckpoint(tmp_path / "{step}", save_freq=9), **FIT)
    with _container.opened(str(tmp_path / "9")) as saved:
        given, arrays = json.loads(saved.text), {name: saved.array(name) for name in saved.entries}
    name, value = next(iter(change.items()))
    (given if name in given else given["position"])[name] = value
    with open(tmp_path / "9", "wb") as file:
        _container.write(file, json.dumps(given), arrays)
    with pytest.raises(ValueError, match=r"load: .*(position|model): "):
        nf.load(tmp_path / "9")


TRAINER = """
import os, sys, numpy as np, nnfast as nf
path = sys.argv[1]
rng = np.random.default_rng(0)
x, y = rng.standard_normal((600, 20)).astype(np.float32), rng.integers(0, 3, 600)
if os.path.exists(path):
    model = nf.load(path)
else:
    model = nf.Sequential(nf.Linear(20, 30), nf.Dropout(0.2), nf.Linear(30, 3), seed=0)
    model.compile("adam", "cross_entropy")

class Die(nf.callbacks.Callback):
    def on_batch_end(self, batch, logs):
        if self.model._ensure_model("fit").step_count == int(sys.argv[2]):
            os.kill(os.getpid(), 9)

save = nf.callbacks.ModelCheckpoint(path, save_freq=3)
history = model.fit(
    x, y, batch_size=40, epochs=4, verbose=0, callbacks=[save, Die()], initial_epoch=model.epochs_done
)
np.savez(sys.argv[3], loss=history["loss"], **model.state_dict())
"""


def test_killed_again_and_again(tmp_path):
    """A process that dies, whatever it does, and is started again until it is through: 60 steps."""

    def run(path, die, out):
        command = [sys.executable, "-c", TRAINER, str(path), str(die), str(out)]
        return subprocess.run(command, env=SAME_PACKAGE, timeout=120, check=False).returncode

    assert run(tmp_path / "whole", 0, tmp_path / "whole.npz") == 0
    for die in (2, 4, 11, 17, 31, 45, 59):
        assert run(tmp_path / "broken", die, tmp_path / "broken.npz") == -9
    assert run(tmp_path / "broken", 0, tmp_path / "broken.npz") == 0
    whole, broken = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "broken.npz")
    assert broken["loss"][-1] == whole["loss"][-1]
    for name in whole.files[1:]:
        np.testing.assert_array_equal(whole[name], broken[name], err_msg=name)
    assert sorted(os.listdir(tmp_path)) == ["broken", "broken.npz", "whole", "whole.npz"]
