"""The order of an epoch: the documented numbers, little memory, and Ctrl-C while it is made."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import nnfast as nf
from nnfast import _arrays, _order, data, metrics
from nnfast._samples import Data

SAME_PACKAGE = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@pytest.mark.parametrize("n", [1, 2, 100, 65537, _order.LARGE - 1, _order.LARGE, 3 * _order.LARGE + 5])
def test_it_is_the_documented_one(n):
    expected = np.random.default_rng([7, 1, 3]).permutation(n)
    for dtype in (None, np.int32, np.int64):
        found = _order.shuffled(7, 3, n, dtype)
        assert found.dtype == (dtype or np.int32)
        np.testing.assert_array_equal(found, expected)


def test_what_lies_in_a_file_takes_four_bytes_a_row(tmp_path):
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(50, 2))
    assert Data(x, np.zeros(50)).order(1, 0).dtype == np.int32
    assert Data(np.array(x), np.zeros(50)).order(1, 0).dtype == np.int64  # as the engine takes it


@pytest.fixture
def stuck(monkeypatch):
    """A shuffle that does not end while the test runs."""
    begun, free = threading.Event(), threading.Event()
    make = _order._make

    def slow(*given):
        begun.set()
        free.wait(60)
        return make(*given)

    monkeypatch.setattr(_order, "_make", slow)
    monkeypatch.setattr(_order, "LARGE", 10)
    yield begun
    free.set()


def press_after(event):
    def press():
        assert event.wait(60)
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def network():
    model = nf.Sequential(nf.Linear(2, 1), seed=0)
    model.compile("sgd", "mse")
    return model


@pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
@pytest.mark.parametrize("kind", ["arrays", "memmap", "Batches"])
def test_nobody_waits_for_it_after_ctrl_c(kind, stuck, tmp_path):
    x, y = np.ones((50, 2), np.float32), np.zeros(50)
    if kind == "memmap":
        mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
        mapped[:] = x
        x = mapped
    model = network()
    thread = press_after(stuck)
    given = (data.Batches(x, y, seed=0),) if kind == "Batches" else (x, y)
    history = model.fit(*given, epochs=3, verbose=0)
    thread.join()
    assert history.interrupted and len(history) == 0 and model.history is history


@pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
@pytest.mark.parametrize("where", ["a score", "a copy"])
def test_nobody_waits_for_other_long_calls_of_numpy(where, monkeypatch):
    begun, free = threading.Event(), threading.Event()

    def slow(*given, **options):
        begun.set()
        free.wait(60)
        return 0.0

    model = nf.Sequential(nf.Linear(2, 1), seed=0)
    x = np.ones((50, 4), np.float32)[:, ::2]
    if where == "a score":
        monkeypatch.setattr(metrics, "LARGE", 10)
        monkeypatch.setitem(metrics._SCORES, "r2", slow)
    else:
        monkeypatch.setattr(_arrays, "LARGE", 10)
        monkeypatch.setattr(_arrays.np, "ascontiguousarray", slow)
    model.compile("sgd", "mse", ["r2"])
    thread = press_after(begun)
    history = model.fit(x, np.zeros(50), epochs=3, verbose=0)
    monkeypatch.undo()
    free.set()
    thread.join()
    assert history.interrupted and len(history) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
def test_ctrl_c_before_the_first_step_gives_a_history_too():
    """While the first batch of an iterable is waited for, or arguments are looked at; nothing has changed."""
    asked = threading.Event()

    def source():
        asked.set()
        time.sleep(60)
        yield np.ones((4, 2)), np.zeros(4)

    model = nf.Sequential(nf.Linear(None, 1), seed=0)
    model.compile("sgd", "mse")
    thread = press_after(asked)
    history = model.fit(source(), verbose=0)
    thread.join()
    assert history.interrupted and len(history) == 0 and model.history is history
    assert model.input_shape is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    class Slow:
        def __array__(self, dtype=None, copy=None):
            asked.set()
            time.sleep(60)

    asked.clear()
    thread = press_after(asked)
    history = model.fit(np.ones((4, 5)), Slow(), verbose=0)
    thread.join()
    assert history.interrupted and model.input_shape is None
    assert len(model.fit(np.ones((4, 2)), np.zeros(4), verbose=0)) == 1


def test_labels_in_files_stay_there(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((300, 4)).astype(np.float32), rng.integers(0, 3, 300)
    y[::7] = -100
    mapped = []
    for name, array in (("x", x), ("y", y.astype(np.int8))):
        file = np.memmap(tmp_path / name, array.dtype, "w+", shape=array.shape)
        file[:] = array
        mapped.append(file)
    models = []
    for given in ((x, y), mapped):
        model = nf.Sequential(nf.Linear(4, 3), seed=0)
        model.compile("adam", "cross_entropy", ["accuracy", "f1"])
        assert model._data("fit", *given).y.dtype == given[1].dtype
        history = model.fit(*given, epochs=2, verbose=0, validation_split=0.2, class_weight="balanced")
        models.append((history.history, model.evaluate(*given), model.state_dict()))
    assert models[0][:2] == models[1][:2]
    for key, array in models[0][2].items():
        np.testing.assert_array_equal(array, models[1][2][key])
    mapped[1][250] = 3
    for labels in (mapped[1], np.array(mapped[1])):
        with pytest.raises(ValueError, match=r"fit: y: expected labels in 0\.\.2 for 3 outputs, got 3"):
            model.fit(x, labels, verbose=0)


ROWS = """
import numpy as np, nnfast as nf, os
n = 20 * 10**6
for name in ("x", "y"):
    with open(name, "wb") as file:
        os.truncate(name, n)
x, y = np.memmap("x", np.uint8, "r", shape=(n, 1)), np.memmap("y", np.uint8, "r", shape=(n,))
model = nf.Sequential(nf.Linear(1, 2), seed=0)
model.compile("sgd", "cross_entropy")

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

class Watch(nf.callbacks.Callback):
    most = 0
    def on_batch_end(self, batch, logs):
        self.most = max(self.most, resident())

few, many = Watch(), Watch()
for rows, watch in ((2 * 10**6, few), (n, many)):
    model.fit(x[:rows], y[:rows], batch_size=10**5, epochs=2, verbose=0, callbacks=watch, steps_per_epoch=20)
print((many.most - few.most) * 1024 / (n - 2 * 10**6))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_row_in_a_file_costs_its_place_in_the_order(run_python):
    assert float(run_python(ROWS, env=SAME_PACKAGE).stdout) < 6  # 4, and what the allocator keeps
