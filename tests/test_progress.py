"""What `fit` and `evaluate` show: nothing, a bar, a line an epoch; in a terminal and in a notebook."""

import os
import re
import select
import sys
import types

import numpy as np
import pytest

import nnfast as nf
from nnfast import progress

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((50, 4)), RNG.integers(0, 3, 50)
SPEED = r"\d[\d.e+]*[kMG]? samples/s"


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


def network(backend="native"):
    model = nf.Sequential(nf.Linear(4, 3), seed=0)
    model.compile("adam", "cross_entropy", ["accuracy"], backend)
    return model


def sources():
    return {
        "arrays": {"x": X, "y": Y, "batch_size": 8},
        "stream": {"x": nf.data.Batches(X, Y, 8, seed=0)},
        "unknown length": {"x": iter([(X, Y)] * 4)},
    }


@pytest.mark.parametrize("source", sources())
def test_a_bar_has_speed_loss_metrics_and_time_left(source, backend, capsys):
    given = sources()[source]
    epochs = 1 if source == "unknown length" else 2
    network(backend).fit(**given, epochs=epochs, validation_data=(X, Y))
    out, shown = capsys.readouterr()
    assert out == ""
    last = shown.rstrip().split("\r")[-1]
    # What moves first: a narrow terminal cuts the end of the line.
    of = "epoch 2: " if epochs == 2 else ""
    values = r"loss \d\.\d+, accuracy 0\.\d+, " + SPEED + f"; {of}" + r"val_loss \d\.\d+, val_accuracy 0\.\d+"
    assert re.search(values, last), last
    if epochs == 2:
        assert "epoch 2/2: 100%" in last and "00:00<00:00" in last
    network(backend).evaluate(X, Y, verbose=1)
    assert re.search(r"loss \d.*, " + SPEED, capsys.readouterr().err)


@pytest.mark.parametrize("source", sources())
def test_lines_have_the_speed(source, backend, capsys):
    network(backend).fit(**sources()[source], verbose=2)
    out, shown = capsys.readouterr()
    assert shown == ""
    assert re.fullmatch(rf"epoch 1/1 +\d+\.\d\d s  {SPEED}  loss \d\.\d+  accuracy 0\.\d+\n", out), out


@pytest.mark.parametrize("verbose", [3, -1, 1.0, "auto", True])
def test_verbose_is_0_1_or_2(verbose):
    with pytest.raises((ValueError, TypeError), match="fit: verbose"):
        network().fit(X, Y, verbose=verbose)


def test_silence(backend, capsys):
    network(backend).fit(X, Y, epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("samples", "seconds", "text"),
    [
        (0, 1.0, "0 samples/s"),
        (5, 2.0, "2.5 samples/s"),
        (999, 1.0, "999 samples/s"),
        (9996, 10.0, "1k samples/s"),
        (123456, 1.0, "123k samples/s"),
        (1.5e9, 1000.0, "1.5M samples/s"),
        (10**12, 100.0, "10G samples/s"),
        (1, 0.0, "1G samples/s"),
    ],
)
def test_speeds_are_short(samples, seconds, text):
    assert progress.format_speed(samples, seconds) == text


def test_a_notebook_gets_its_own_bar(monkeypatch):
    """`tqdm.auto` decides which; all of it is asked for there, and the bar is closed."""
    bars = []

    class Bar:
        def __init__(self, **given):
            self.given, self.done, self.texts, self.closed = given, 0, [], False
            bars.append(self)

        def set_description(self, text, refresh=True):
            self.description = text

        def set_postfix_str(self, text, refresh=True):
            self.texts.append(text)

        def update(self, steps):
            self.done += steps

        def refresh(self):
            pass

        def close(self):
            self.closed = True

    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    network().fit(X, Y, batch_size=8, epochs=3, initial_epoch=1)
    (bar,) = bars
    assert bar.given["total"] == bar.done == 14 and bar.closed
    assert bar.description == "epoch 3/3" and re.match(r"loss \d.*, " + SPEED, bar.texts[-1])

    def broken(epoch, logs):
        raise ValueError("the user's own")

    with pytest.raises(ValueError, match="the user's own"):
        network().fit(X, Y, callbacks=broken)
    assert bars[-1].closed


def test_a_run_that_goes_on_in_an_epoch_shows_what_is_left(tmp_path, capsys):
    save = nf.callbacks.ModelCheckpoint(tmp_path / "{step}", save_freq=9)
    network().fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=save)
    model = nf.load(tmp_path / "9")
    model.fit(X, Y, batch_size=8, epochs=2, initial_epoch=model.epochs_done)
    assert "epoch 2/2: 100%" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of this kind")
@pytest.mark.parametrize("size", [(0, 0), (24, 100), (0, 100), (24, 0)])
def test_a_terminal_of_no_size_shows_a_bar_too(size, monkeypatch):
    import fcntl
    import pty
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    monkeypatch.delenv("COLUMNS", raising=False)
    with open(slave, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        network().fit(X, Y)
        stderr.flush()
        shown = ""
        while select.select([master], [], [], 0.2)[0]:  # it comes in pieces
            shown += os.read(master, 10**4).decode(errors="replace")
        monkeypatch.undo()
    os.close(master)
    assert "100%" in shown and "loss" in shown


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    model = network()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model")
    for name in ("tqdm", "tqdm.auto", "safetensors"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: model.fit(X, Y), lambda: model.evaluate(X, Y, verbose=1)):
        with pytest.raises(
            ImportError, match="the progress bar needs tqdm: pip install tqdm, or choose verbose=0"
        ):
            call()
    model.fit(X, Y, verbose=2)
    for call in (nf.load, model.load_weights):
        with pytest.raises(ImportError, match="reading models needs safetensors: pip install safetensors"):
            call(tmp_path / "model")
