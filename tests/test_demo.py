"""What runs from the command line, and the pictures it draws."""

import os
import subprocess
import sys

import numpy as np
import pytest

import nnfast as nf
from nnfast import plot

PNG = b"\x89PNG\r\n\x1a\n"


def run_module(module, *arguments, cwd, timeout=120):
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    # The package under test, wherever this process found it; no display, no writable home needed.
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env=environment,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )


def history_of(*losses):
    history = nf.History()
    for loss in losses:
        history.append({"loss": loss, "accuracy": 1 - loss, "val_loss": loss * 2}, 0.1)
    return history


# ---------------------------------------------------------------- python -m nnfast


def test_help(tmp_path):
    result = run_module("nnfast", "--help", cwd=tmp_path)
    assert result.returncode == 0
    for option in ("--seed", "--epochs", "--threads", "--output", "--quick", "nnfast[demo]"):
        assert option in result.stdout


@pytest.mark.parametrize(
    "arguments", [["--epochs", "0"], ["--seed", "-1"], ["--threads", "no"], ["--nonsense"]]
)
def test_bad_options(arguments, tmp_path):
    result = run_module("nnfast", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert arguments[0] in result.stderr and "Traceback" not in result.stderr


def test_quick_run(tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    result = run_module("nnfast", "--quick", "--threads", "1", "--output", "picture.png", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "picture.png").read_bytes()[:8] == PNG
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if " nnfast  " in line}
    # Two epochs are enough to be far above the 0.1 of guessing.
    assert float(rows["MLP"][2]) > 0.7 and float(rows["CNN"][2]) > 0.5
    assert "picture.png" in result.stdout and "threads       1" in result.stdout
    assert "epoch 2/2" in result.stderr


def test_the_held_out_accuracy_is_what_it_should_be():
    """The demonstration's own networks, epochs and split."""
    pytest.importorskip("sklearn")
    from nnfast import demo

    data, held_out = demo.load()
    assert len(data[0]) == 1348 and len(held_out[0]) == 449
    assert np.bincount(held_out[1]).min() >= 42  # stratified: every digit is a tenth
    for make, epochs, least in ((demo.make_mlp, 40, 0.965), (demo.make_cnn, 25, 0.98)):
        history, _ = demo.train(make(0), data, held_out, epochs, "native", 0)
        assert history["val_accuracy"][-1] >= least


def test_the_comparison_trains_the_same_network():
    """The NumPy row is the same training: with all epochs run, the same accuracy."""
    pytest.importorskip("sklearn")
    from nnfast import demo

    data, held_out = demo.load()
    own, _ = demo.train(demo.make_mlp(1), data, held_out, 2, "native", 0)
    row = demo.reference_row(demo.make_mlp, data, held_out, 2, 1, budget=1e6)
    assert row.note == "" and abs(row.accuracy - own["val_accuracy"][-1]) <= 1 / 449
    scaled = demo.reference_row(demo.make_mlp, data, held_out, 20, 1, budget=0.0)
    assert scaled.note == "time of 1 epoch x 20" and np.isnan(scaled.accuracy)
    peer = demo.sklearn_row(data, held_out, 2, 0)
    text = demo.table([demo.Row("MLP", "nnfast", 0.9, 2, 0.5), row, scaled, peer])
    assert "plain NumPy" in text and "time of 1 epoch x 20" in text and "scikit-learn" in text


def test_without_matplotlib_there_is_no_picture_but_a_hint(monkeypatch, capsys, tmp_path):
    pytest.importorskip("sklearn")
    from nnfast import demo

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = tmp_path / "none.png"
    assert demo.main(["--quick", "--output", str(path)]) == 0
    assert 'pip install "nnfast[plot]"' in capsys.readouterr().out
    assert not path.exists()


def test_without_scikit_learn_the_demonstration_says_so(monkeypatch):
    from nnfast import demo

    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match=r'pip install "nnfast\[demo\]"'):
        demo.main(["--quick"])


# ---------------------------------------------------------------- python -m nnfast.examples.mnist


def test_mnist_example(tmp_path, monkeypatch, capsys):
    """On a small file of its own making: digits that are easy to tell apart."""
    from nnfast.examples import mnist

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 600).astype(np.uint8)
    images = np.zeros((600, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 6, 4:24] = rng.integers(128, 256, (6, 20))
    head = bytes([0, 0, 8])
    (tmp_path / "train-images-idx3-ubyte").write_bytes(
        head + bytes([3]) + np.array(images.shape, ">u4").tobytes() + images.tobytes()
    )
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(
        head + bytes([1]) + np.array([600], ">u4").tobytes() + labels.tobytes()
    )
    monkeypatch.setattr(mnist, "HELD_OUT", 100)
    arguments = ["--data", str(tmp_path), "--epochs", "3", "--batch-size", "10", "--out", str(tmp_path)]
    assert mnist.main(arguments) == 0
    for name in ("mnist_mlp", "mnist_cnn", "mnist_mlp_weights", "mnist_cnn_weights"):
        assert (tmp_path / f"{name}.png").read_bytes()[:8] == PNG
    lines = [line for line in capsys.readouterr().out.splitlines() if "held-out" in line]
    assert [line.split(":")[0] for line in lines] == ["mlp", "cnn"]
    assert all(float(line.split()[1]) > 0.95 for line in lines)


def test_mnist_example_without_data(tmp_path):
    result = run_module("nnfast.examples.mnist", "--data", str(tmp_path), cwd=tmp_path)
    assert result.returncode == 1
    assert "train-images-idx3-ubyte" in result.stderr and "Traceback" not in result.stderr
    result = run_module("nnfast.examples.mnist", "--help", cwd=tmp_path)
    assert result.returncode == 0 and "--model" in result.stdout


# ---------------------------------------------------------------- pictures


def test_learning_curves(tmp_path):
    pytest.importorskip("matplotlib")
    figure = plot.learning_curves({"a": history_of(0.9, 0.5), "b": history_of(0.8)}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:8] == PNG
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert [line.get_label() for line in loss.lines] == [
        "a: training",
        "a: held out",
        "b: training",
        "b: held out",
    ]
    assert loss.lines[0].get_ydata().tolist() == [0.9, 0.5]
    with pytest.raises(ValueError, match="at least one epoch"):
        plot.learning_curves(nf.History())


def test_misclassified(tmp_path):
    pytest.importorskip("matplotlib")
    images = np.random.default_rng(0).random((5, 1, 8, 8))
    figure = plot.misclassified(images, [0, 1, 2, 3, 4], [0, 2, 2, 0, 4], tmp_path / "wrong.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["2, not 1", "0, not 3"]
    assert (tmp_path / "wrong.png").read_bytes()[:8] == PNG
    logits = np.eye(5)[[0, 1, 2, 3, 4]]
    right = plot.misclassified(np.zeros((5, 3, 8, 8)), [0, 1, 2, 3, 4], logits)
    assert right.get_suptitle() == "0 of 5 wrong"
    limited = plot.misclassified(images[:, 0], np.zeros(5, int), np.ones(5, int), limit=3)
    assert len([a for a in limited.axes if a.get_title()]) == 3
    with pytest.raises(ValueError, match="images: expected"):
        plot.misclassified(np.zeros((5, 64)), np.zeros(5), np.zeros(5))
    with pytest.raises(ValueError, match="labels and predictions: expected 5 of each"):
        plot.misclassified(images, np.zeros(4), np.zeros(5))


def test_pictures_leave_pyplot_alone(run_python):
    pytest.importorskip("matplotlib")
    code = (
        "import sys, nnfast as nf\n"
        "history = nf.History(); history.append({'loss': 1.0}, 0.1)\n"
        "nf.plot.learning_curves(history, 'curves.png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    run_python(code)


def test_without_matplotlib_pictures_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "nnfast\[plot\]"'):
        plot.learning_curves(history_of(0.5))
