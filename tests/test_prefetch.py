"""Data made ready by a thread: the same bits, errors that come through, threads that end, flat memory."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import nnfast as nf
from nnfast import _mapped, _prefetch, data

SAME_PACKAGE = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
RNG = np.random.default_rng(8)
X, Y = RNG.integers(0, 256, (60, 6)).astype(np.uint8), RNG.integers(0, 3, 60)


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    assert not [t for t in threading.enumerate() if t.name == _prefetch.NAME]


def network(backend="native", dtype="float32"):
    model = nf.Sequential(
        nf.Normalize(0.0, 255.0),
        nf.Linear(6, 8),
        nf.BatchNorm1d(8),
        nf.Dropout(0.2),
        nf.Linear(8, 3),
        input_shape=6,
        seed=4,
        dtype=dtype,
    )
    model.compile(nf.Adam(0.01), "cross_entropy", ["accuracy", nf.metrics.f1], backend)
    return model


def same(a, b):
    for key, array in a.state_dict().items():
        np.testing.assert_array_equal(array, b.state_dict()[key], err_msg=key)


def trained(x, y=None, backend="native", dtype="float32", **given):
    model = network(backend, dtype)
    history = model.fit(x, y, **{"verbose": 0, "epochs": 2, **given})
    return model, history.history


def reusing(x, y, size=8):
    """A generator that puts every batch into the same arrays, which a thread that is ahead would spoil."""
    room = np.empty((size, *x.shape[1:]), x.dtype), np.empty(size, y.dtype)
    while True:
        for i in range(0, len(x) - size + 1, size):
            room[0][...], room[1][...] = x[i : i + size], y[i : i + size]
            yield room


# ---------------------------------------------------------------- the same bits


@pytest.mark.parametrize("kind", ["uint8", "int64", "float16", "float64", "big-endian", "fortran"])
def test_streams_train_alike_with_and_without(kind, backend):
    kinds = {
        "big-endian": lambda: X.astype(">f4"),
        "fortran": lambda: np.asfortranarray(X.astype(np.float32)),
    }
    x = kinds[kind]() if kind in kinds else X.astype(kind)
    found = []
    for prefetch in (0, 1, 2, 7):
        given = {"backend": backend, "prefetch": prefetch}
        validation = data.Batches(x, Y, seed=2)
        found.append(trained(data.Batches(x, Y, 8, seed=1), validation_data=validation, **given))
        found.append(trained(reusing(x, Y), steps_per_epoch=5, **given))
    for i in (0, 1):
        for model, history in found[i + 2 :: 2]:
            assert history == found[i][1]
            same(model, found[i][0])


@pytest.fixture
def mapped(tmp_path):
    def make(array, mode="r", name="x"):
        path = tmp_path / f"{name}.npy"
        np.save(path, array)
        return np.load(path, mmap_mode=mode)

    return make


@pytest.mark.parametrize("piece", [1, 2**9, 2**23])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", ["mapping", "file", "mapping handed back"])
def test_mapped_files_train_as_arrays_do(mapped, way, dtype, shuffle, piece, backend, monkeypatch):
    monkeypatch.setattr(_mapped, "PIECE", piece)
    if way != "mapping":
        monkeypatch.setattr(_mapped, "KEEP", 0)
    if way == "mapping handed back":
        monkeypatch.setattr(_mapped, "_region", lambda address, size: None)
    weights = RNG.random(60)
    given = {"batch_size": 8, "shuffle": shuffle, "validation_split": 0.2, "sample_weight": weights}
    expected, history = trained(X, Y, backend, dtype, **given)
    x, y = mapped(X), mapped(Y, name="y")
    for prefetch in (0, 2):
        model, found = trained(x, y, backend, dtype, prefetch=prefetch, **given)
        assert found == history
        same(model, expected)
        assert model.evaluate(x, y, batch_size=8) == expected.evaluate(X, Y, batch_size=8)
        np.testing.assert_array_equal(model.predict(x, batch_size=8), expected.predict(X, batch_size=8))
    # Of a file that is written to, or has changes of its own, nothing is lost.
    for mode in ("r+", "c"):
        own = mapped(np.zeros_like(X), mode, name=mode)
        own[...] = X  # of "c" in this process's memory alone, of "r+" not yet on the disk
        same(trained(own, Y, backend, dtype, **given)[0], expected)
        np.testing.assert_array_equal(own, X)


@pytest.mark.parametrize("keep", [0, 2**30])
def test_mapped_images_of_any_layout(mapped, keep, backend, monkeypatch):
    """Rows that are not dense, or of the other byte order, are turned piece by piece."""
    monkeypatch.setattr(_mapped, "KEEP", keep)
    images = RNG.integers(0, 255, (20, 5, 5, 3)).astype(np.uint8)
    views = {
        "last": mapped(images, name="a").transpose(0, 3, 1, 2),
        "swapped": mapped(images.transpose(0, 3, 1, 2).astype(">u2"), name="b"),
        "skipping": mapped(np.repeat(images.transpose(0, 3, 1, 2), 2, axis=0), name="c")[::2],
    }
    y = RNG.integers(0, 2, 20)
    models = []
    for x in [np.ascontiguousarray(images.transpose(0, 3, 1, 2)), *views.values()]:
        model = nf.Sequential(
            nf.Conv2d(3, 4, 3), nf.Flatten(), nf.Linear(36, 2), input_shape=(3, 5, 5), seed=0
        )
        model.compile("sgd", "cross_entropy", backend=backend)
        model.fit(x, y, batch_size=8, verbose=0)
        model.train_batch(x, y)
        model.evaluate(x, y)
        np.testing.assert_array_equal(model.forward(x[:4]), model.predict(x[:4]))
        models.append(model)
        same(model, models[0])


def test_rows_are_read_from_the_very_file(mapped, tmp_path, monkeypatch):
    """Views at any place and distance; and never from another file that has taken the name."""
    monkeypatch.setattr(_mapped, "KEEP", 0)
    array = RNG.integers(0, 1000, (30, 5, 3)).astype(np.int32)
    opened = mapped(array)
    by_hand = np.memmap(tmp_path / "x.npy", np.int32, "r", offset=128 + 60, shape=(20, 5, 3))
    order = RNG.permutation(9)
    for given, whole in [
        (opened, array),
        (np.asarray(opened)[3:], array[3:]),
        (opened[4:28:2], array[4:28:2]),
        (by_hand, array[1:21]),
        (opened[:, 2:], array[:, 2:]),
    ]:
        with _mapped.Files([given]) as files:
            assert len(files._files) == 1
            for rows in (order, slice(0, 4), slice(2, 99), np.array([], int), np.arange(3, 7)):
                np.testing.assert_array_equal(files.copy(given, rows), whole[rows])
        assert not files._files
    for given in (opened[::-1], opened[:, ::2], mapped(array, "c", name="c"), array):
        with _mapped.Files([given]) as files:
            assert not files._files
            np.testing.assert_array_equal(files.copy(given, order), np.asarray(given)[order])
    np.save(tmp_path / "new.npy", array + 1)
    os.replace(tmp_path / "new.npy", tmp_path / "x.npy")
    with _mapped.Files([opened]) as files:
        assert not files._files
        np.testing.assert_array_equal(files.copy(opened, order), array[order])


def test_a_file_that_shrinks_is_an_error_and_no_crash(mapped, tmp_path, monkeypatch):
    monkeypatch.setattr(_mapped, "KEEP", 0)
    x = mapped(np.zeros((2000, 6), np.float32))
    os.truncate(tmp_path / "x.npy", 4096)
    model = nf.Sequential(nf.Linear(6, 3), seed=0)
    model.compile("sgd", "cross_entropy")
    with pytest.raises(OSError, match="the file of a mapped array has become shorter"):
        model.fit(x, np.zeros(2000, int), verbose=0)


def test_several_inputs_and_outputs_from_files(mapped, backend):
    one, two = nf.Input(6), nf.Input(2)
    both = nf.ReLU()(nf.Linear(8, 8)(nf.Concat()(one, two)))
    models = []
    other, value = RNG.standard_normal((60, 2)), RNG.standard_normal((60, 1))
    for x in ([X, other], [mapped(X), mapped(other, name="o")]):
        one, two = nf.Input(6), nf.Input(2)
        both = nf.ReLU()(nf.Linear(8, 8)(nf.Concat()(one, two)))
        model = nf.Model([one, two], [nf.Linear(8, 3)(both), nf.Linear(8, 1)(both)], seed=1)
        model.compile("adam", ["cross_entropy", "mse"], backend=backend)
        model.fit(x, [Y, value], batch_size=16, verbose=0)
        model.outputs = model.predict(x)
        models.append(model)
    same(*models)
    for mine, theirs in zip(models[0].outputs, models[1].outputs, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_targets_may_be_the_mapped_samples_themselves(mapped):
    x = RNG.standard_normal((40, 6)).astype(np.float32)
    states = []
    for given in (x, mapped(x)):
        model = nf.Sequential(nf.Linear(6, 2), nf.Linear(2, 6), seed=0)
        model.compile("adam", "mse")
        model.fit(given, given, batch_size=8, verbose=0)
        states.append(model)
    same(*states)


def test_a_step_that_is_not_finite_names_the_sample_of_the_epoch(mapped, monkeypatch):
    monkeypatch.setattr(_mapped, "PIECE", 1)
    x = np.ones((60, 6), np.float32)
    x[41] = np.nan
    model = nf.Sequential(nf.Linear(6, 3), seed=0)
    model.compile("sgd", "cross_entropy")
    with pytest.raises(FloatingPointError, match=r"epoch 1: loss is nan at step 5 \(sample 40 of the epoch"):
        model.fit(mapped(x), Y, batch_size=8, shuffle=False, verbose=0)


# ---------------------------------------------------------------- ahead, and no further


def test_batches_are_made_while_the_engine_computes():
    """The next is asked for while the batch before is held back: by a callback here, by the engine else."""
    asked = [threading.Event() for _ in range(4)]

    def batches():
        for event in asked:
            event.set()
            yield X, Y

    class Wait(nf.callbacks.Callback):
        def on_batch_begin(self, batch, logs):
            following = asked[min(batch + 2, 3)]
            assert following.wait(10), "nobody made the batch after the next"

    assert len(network().fit(batches(), verbose=0, callbacks=Wait(), prefetch=2)) == 1


@pytest.mark.parametrize(("samples", "threads"), [(10, 0), (2000, 0), (3000, 1)])
def test_small_batches_are_made_in_the_calling_thread(samples, threads):
    """Of 24 bytes a sample here."""
    names = []

    def batches():
        for _ in range(3):
            names.append(threading.current_thread().name)
            yield np.zeros((samples, 6), np.uint8), np.zeros(samples, int)

    model = nf.Sequential(nf.Linear(6, 3), seed=0)
    model.compile("sgd", "cross_entropy")
    model.fit(batches(), verbose=0)
    assert names[1:] == [_prefetch.NAME if threads else threading.main_thread().name] * 2


@pytest.mark.parametrize("prefetch", [0, 3])
def test_nothing_of_the_next_epoch_is_taken(prefetch):
    taken, at_the_end = [], []

    class Source:
        def __iter__(self):
            taken.append("pass")
            for i in range(4):
                taken.append(i)
                yield X, Y

    network().fit(
        Source(),
        epochs=2,
        verbose=0,
        prefetch=prefetch,
        callbacks=lambda epoch, logs: at_the_end.append(list(taken)),
    )
    one = ["pass", 0, 1, 2, 3]
    assert at_the_end == [one, one * 2]


def test_ending_early_ends_the_thread():
    made = []

    def forever():
        while True:
            made.append(len(made))
            yield X, Y

    class Stop(nf.callbacks.Callback):
        def on_batch_end(self, batch, logs):
            self.model.stop_training = batch == 2

    network().fit(forever(), verbose=0, callbacks=Stop(), prefetch=2)
    assert 3 <= len(made) <= 3 + 2 + 1


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("where", ["x", "validation_data"])
def test_errors_of_the_users_code_come_through(prefetch, where):
    class Mine(Exception):
        pass

    error = Mine("in the generator")

    class Source:
        def __iter__(self):
            for i in range(5):
                if i == 3:
                    raise error
                yield X, Y

    model = network()
    given = {"x": data.Batches(X, Y), "verbose": 0, "prefetch": prefetch, where: Source()}
    with pytest.raises(Mine) as caught:
        model.fit(**given)
    assert caught.value is error
    assert any(entry.name == "__iter__" for entry in caught.traceback)  # where in the user's code
    if sys.version_info >= (3, 11):
        assert ("with prefetch=0" in "".join(getattr(error, "__notes__", []))) == (prefetch > 0)
    # The batches before it were trained on.
    assert model._ensure_model("test").step_count == (3 if where == "x" else 2)


def test_bad_batches_are_named():
    def source():
        yield X, Y
        yield X[:, :5], Y

    with pytest.raises(ValueError, match=r"fit: x: batch\[0\]: expected shape \(n, 6\)"):
        network().fit(source(), verbose=0)


def test_an_iterable_that_uses_the_model():
    """A replay buffer, say: its batches follow from the weights, so none may be made ahead."""
    model = nf.Sequential(nf.Linear(6, 3), seed=0)
    model.compile("sgd", "mse")
    x = RNG.standard_normal((32, 6)).astype(np.float32)

    def source(model):
        for _ in range(20):
            yield x, model.predict(x) * 0.5

    model.fit(source(model), verbose=0, prefetch=0)
    twin = nf.Sequential(nf.Linear(6, 3), seed=0)
    twin.compile("sgd", "mse")
    for _ in range(20):
        twin.train_batch(x, twin.predict(x) * 0.5)
    same(model, twin)


def test_a_model_in_use_by_the_iterables_thread_says_what_to_do(monkeypatch):
    model = network()
    core = model._ensure_model("test")

    class Busy:
        def __getattr__(self, name):
            return getattr(core, name)

        def train(self, *args):
            raise RuntimeError("model is in use by another thread")

    model._core = Busy()
    with pytest.raises(RuntimeError, match="an iterable that uses the model needs prefetch=0"):
        model.fit(iter([(X, Y)]), verbose=0, prefetch=1)


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_bad_prefetch_is_refused(value, error):
    with pytest.raises(error, match="fit: prefetch"):
        network().fit(X, Y, prefetch=value)


# ---------------------------------------------------------------- Ctrl-C in a process of its own

INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np, nnfast as nf
kind, verbose = sys.argv[1], int(sys.argv[2])
x, y = np.random.default_rng(0).standard_normal((4096, 64)).astype(np.float32), np.arange(4096) % 3
np.save("x.npy", x)

def slow():
    i = 0
    while True:
        yield x[:64], y[:64]
        i += 1
        if i == 3:
            print("waiting", flush=True)
        if i >= 3:
            time.sleep(30)

def endless():
    while True:
        yield x, y

given = {
    "arrays": dict(x=x, y=y),
    "file": dict(x=np.load("x.npy", mmap_mode="r"), y=y),
    "stream": dict(x=endless(), steps_per_epoch=50),
    "slow stream": dict(x=slow(), steps_per_epoch=2, prefetch=2),
}[kind]
model = nf.Sequential(nf.Linear(64, 256), nf.ReLU(), nf.Linear(256, 3), seed=0)
model.compile("adam", "cross_entropy")

def note(epoch, logs):
    if epoch == 0 and kind != "slow stream":
        print("waiting", flush=True)

history = model.fit(**given, epochs=10**6, verbose=verbose, callbacks=note)
ended = time.monotonic()
assert history.interrupted and model.history is history and history.epochs == list(range(1, len(history) + 1))
assert len(history) >= 1 and all(len(v) == len(history) for v in history.history.values())
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert all(np.isfinite(a).all() for a in model.state_dict().values())
working = [t for t in threading.enumerate() if t.name == "nnfast-prefetch"]
assert len(working) == (kind == "slow stream"), working
model.fit(x, y, verbose=0)  # goes on
print("ended", ended, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a process")
@pytest.mark.parametrize("verbose", [0, 1, 2])
@pytest.mark.parametrize("kind", ["arrays", "file", "stream", "slow stream"])
def test_ctrl_c_returns_with_the_history_so_far(kind, verbose, tmp_path):
    if verbose and kind != "arrays":
        pytest.skip("the display does not depend on the data")
    command = [sys.executable, "-c", INTERRUPTED, kind, str(verbose)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=SAME_PACKAGE, cwd=tmp_path
    ) as process:
        for line in process.stdout:
            if "waiting" in line:
                break
        time.sleep(0.1)
        pressed = time.monotonic()
        process.send_signal(2)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    took = float(out.split()[-1]) - pressed
    assert took < 0.2 + 0.8  # the promise, and what a busy machine may add


# ---------------------------------------------------------------- memory

MEMORY = """
import os, sys
import numpy as np, nnfast as nf
from nnfast import _mapped
_mapped.KEEP, size, row = 0, int(sys.argv[1]), 16384
if sys.argv[2] == "mapping":
    _mapped._region = lambda address, size: None
with open("sparse", "wb") as file:
    file.truncate(size)
x = np.memmap("sparse", np.uint8, "r", shape=(size // row, row))
y = (np.arange(len(x)) % 2).astype(np.int64)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

model = nf.Sequential(nf.Normalize(0.0, 255.0), nf.Linear(row, 4), nf.ReLU(), nf.Linear(4, 2))
model.compile("sgd", "cross_entropy")
model.fit(x[:2048], y[:2048], batch_size=128, verbose=0, validation_data=(x[:2048], y[:2048]))
model.predict(x[:2048])
before, peak = resident(), 0

class Watch(nf.callbacks.Callback):
    def on_batch_end(self, batch, logs):
        global peak
        if batch % 16 == 0:
            peak = max(peak, resident())

few = slice(0, len(x) // 10)
model.fit(x, y, batch_size=128, verbose=0, callbacks=Watch())
model.evaluate(x[few], y[few])
model.predict(x[few])
peak = max(peak, resident())
print(peak - before)
"""


def grown(size, way, tmp_path):
    command = [sys.executable, "-c", MEMORY, str(size), way]
    process = subprocess.run(
        command, capture_output=True, text=True, env=SAME_PACKAGE, cwd=tmp_path, timeout=1800, check=False
    )
    (tmp_path / "sparse").unlink(missing_ok=True)
    assert process.returncode == 0, process.stderr
    return int(process.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("way", ["file", "mapping"])
def test_memory_stays_flat(way, tmp_path):
    """A file of 256 MB: the process grows by pieces, not by what was read."""
    assert grown(2**28, way, tmp_path) < 2**26


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_file_of_20_gb_trains_with_flat_memory(tmp_path):
    assert grown(20 * 10**9, "file", tmp_path) < 2**27
