"""Pictures: what is in the figures, what is refused, and that pyplot is left alone.

Learning curves and misclassified images are in tests/test_demo.py.
"""

import copy
import doctest
import sys

import numpy as np
import pytest

import nnfast as nf
from nnfast import plot
from nnfast.plot import _graph, _inside

pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"


def mlp(*sizes, act=nf.ReLU, seed=0, **options):
    layers = []
    for n, m in zip(sizes, sizes[1:], strict=False):
        layers += [nf.Linear(n, m), act()]
    return nf.Sequential(*layers[:-1], seed=seed, **options)


@pytest.fixture
def cnn():
    return nf.Sequential(
        nf.Conv2d(1, 4, 3),
        nf.ReLU(),
        nf.Conv2d(4, 6, 3),
        nf.Flatten(),
        nf.Linear(out_features=3),
        input_shape=(1, 8, 8),
        seed=0,
    )


def images_of(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


@pytest.mark.parametrize("name", plot.__all__)
def test_examples_in_the_documentation_run(name):
    function = getattr(plot, name)
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(function, name, globs={name: function, "np": np}):
        runner.run(test)
    assert runner.failures == 0
    if name != "misclassified":
        assert runner.tries > 0


def test_all_of_them_name_the_extra_without_matplotlib(monkeypatch, cnn):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    two = mlp(2, 2)
    history = nf.History()
    history.append({"loss": 1.0}, 0.1)
    cnn.compile("sgd", "cross_entropy")
    x, y = np.zeros((1, 1, 8, 8)), [0]
    for draw in (
        history.plot,
        lambda: plot.confusion_matrix([0], [0]),
        lambda: plot.decision_boundary(two, [[0, 0]]),
        lambda: plot.weights(cnn),
        lambda: plot.activations(cnn, x, 0),
        lambda: plot.network(cnn),
        lambda: plot.gradient_norms(cnn, x, y),
        lambda: plot.misclassified(x, [0], [1]),
    ):
        with pytest.raises(ImportError, match=r'pip install "nnfast\[plot\]"'):
            draw()


def test_pyplot_is_left_alone(run_python):
    run_python(
        "import sys, numpy as np, nnfast as nf\n"
        "m = nf.Sequential(nf.Linear(2, 2), seed=0); m.compile('sgd', 'cross_entropy')\n"
        "x = np.eye(2); h = m.fit(x, [0, 1], verbose=0)\n"
        "h.plot('a.png'); nf.plot.network(m, 'b.png'); nf.plot.weights(m, path='c.png')\n"
        "nf.plot.decision_boundary(m, x, [0, 1], 'd.png')\n"
        "nf.plot.confusion_matrix([0, 1], m.predict(x), 'e.png')\n"
        "nf.plot.activations(m, x, 0, 'f.png'); nf.plot.gradient_norms(m, x, [0, 1], 'g.png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )


# ---------------------------------------------------------------- learning curves


def test_history_plot(tmp_path):
    history = nf.History()
    for loss in (0.9, 0.5):
        history.append({"loss": loss, "accuracy": 1 - loss, "gradient_norm_0": 2.0}, 0.1)
    history.append({"loss": 0.1, "accuracy": 0.9, "gradient_norm_0": 2.0, "lr": 0.5}, 0.1)
    figure = history.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:8] == PNG
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy", "lr"]
    rate = figure.axes[2].lines[0]
    assert (rate.get_xdata().tolist(), rate.get_ydata().tolist()) == ([3], [0.5])
    both = figure.axes[0]
    assert history.plot(metrics="accuracy", ax=both) is figure
    assert both.get_ylabel() == "accuracy" and len(both.lines) == 2
    with pytest.raises(ValueError, match=r"metrics: expected some of loss, accuracy, .*got 'auc'"):
        history.plot(metrics=["auc"])
    with pytest.raises(ValueError, match="ax: expected a single metric"):
        history.plot(metrics=["loss", "lr"], ax=both)
    with pytest.raises(TypeError, match="history: expected a History, got dict"):
        plot.learning_curves({"a": {"loss": [1.0]}})
    with pytest.raises(TypeError, match="ax: expected a matplotlib Axes, got int"):
        history.plot(ax=3)


# ---------------------------------------------------------------- confusion matrix


def test_confusion_matrix(tmp_path):
    true, guess = [0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 0, 2]
    figure = plot.confusion_matrix(true, guess, tmp_path / "c.png")
    np.testing.assert_array_equal(images_of(figure)[0], [[1, 1, 0], [0, 1, 0], [1, 0, 2]])
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [text.get_text() for text in axes.texts] == ["1", "1", "0", "0", "1", "0", "1", "0", "2"]
    shares = images_of(plot.confusion_matrix(true, np.eye(4)[guess], normalize="true"))[0]
    assert shares.shape == (4, 4)  # the model knows a class that did not occur
    np.testing.assert_allclose(shares.sum(axis=1), [1, 1, 1, 0])
    shares = images_of(plot.confusion_matrix(true, guess, normalize="pred"))[0]
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    assert images_of(plot.confusion_matrix(true, guess, normalize="all"))[0].sum() == pytest.approx(1)
    named = plot.confusion_matrix([0, 1], [0, 1], display_labels=["cat", "dog"]).axes[0]
    assert [label.get_text() for label in named.get_xticklabels()] == ["cat", "dog"]
    many = plot.confusion_matrix(np.arange(40), np.arange(40))
    assert len(many.axes[0].texts) == 0  # too small to be read


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 1], [0]), ValueError, "y_pred: expected as many samples as y_true"),
        (([], []), ValueError, "at least one"),
        (([0.5], [0]), TypeError, "y_true: expected integer classes"),
        (([-1], [0]), ValueError, "y_true: expected classes from 0, got -1"),
        ((["a"], [0]), TypeError, "y_true: expected integer classes"),
        (([0], np.zeros((1, 2, 2))), ValueError, r"y_pred: expected \(n,\) classes or \(n, classes\)"),
    ],
)
def test_bad_classes(arguments, error, message):
    with pytest.raises(error, match=f"confusion_matrix: .*{message}"):
        plot.confusion_matrix(*arguments)


def test_bad_options_of_the_confusion_matrix():
    with pytest.raises(ValueError, match="normalize: expected one of"):
        plot.confusion_matrix([0], [0], normalize="rows")
    with pytest.raises(ValueError, match="display_labels: expected 2 names, got 1"):
        plot.confusion_matrix([0], [1], display_labels=["a"])


# ---------------------------------------------------------------- decision boundary


def line_of(figure):
    """Points of the black line, the one contour that has no filling."""
    lines = [c for c in figure.axes[0].collections if "ContourSet" in type(c).__name__ and not c.filled]
    return np.concatenate([c.get_paths()[0].vertices for c in lines])


@pytest.mark.parametrize("last", [[], [nf.Sigmoid]])
def test_the_line_is_where_the_threshold_is_reached(last):
    model = nf.Sequential(nf.Linear(2, 1), *(kind() for kind in last), seed=0)
    model.layers[0].weight, model.layers[0].bias = [[1.0, 0.0]], [-0.25]
    x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    figure = plot.decision_boundary(model, x, [0, 1, 1])
    np.testing.assert_allclose(line_of(figure)[:, 0], 0.25, atol=1e-5)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["class 0", "class 1"]
    shift = 0.5 if not last else 1 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(
        line_of(plot.decision_boundary(model, x, threshold=shift))[:, 0], 0.75, atol=1e-2
    )


def test_regions_of_several_classes():
    model = nf.Sequential(nf.Linear(2, 3), seed=0)
    model.layers[0].weight, model.layers[0].bias = [[0, 0], [1.0, 0.0], [2.0, 0.0]], [0, 0, -1.0]
    figure = plot.decision_boundary(model, [[-1.0, 0.0], [3.0, 1.0]], resolution=50)
    assert set(np.round(line_of(figure)[:, 0], 2)) == {0.0, 1.0}

    class Classes:
        def predict(self, x):
            return (x[:, 0] > 0).astype(int)

    edges = np.abs(line_of(plot.decision_boundary(Classes(), [[-1.0, 0.0], [1.0, 1.0]], [0, 1]))[:, 0])
    assert edges.max() < 0.02


def test_bad_samples_of_the_decision_boundary():
    model = mlp(2, 1)
    for arguments, message in [
        (([[0, 0, 0]],), r"x: expected shape \(n, 2\)"),
        ((np.zeros((0, 2)),), "x: expected .* with n at least 1"),
        (([[0, 0]], [0, 1]), "y: expected 1 classes like x, got 2"),
    ]:
        with pytest.raises(ValueError, match=f"decision_boundary: {message}"):
            plot.decision_boundary(model, *arguments)
    with pytest.raises(ValueError, match="resolution"):
        plot.decision_boundary(model, [[0, 0]], resolution=1)
    constant = nf.Sequential(nf.Linear(2, 1), seed=0)
    constant.layers[0].weight = [[0, 0]]
    plot.decision_boundary(constant, [[0, 0]])  # no line, and no error


# ---------------------------------------------------------------- weights and activations


def test_filters(cnn, tmp_path):
    figure = plot.weights(cnn, path=tmp_path / "w.png")
    assert (tmp_path / "w.png").read_bytes()[:8] == PNG
    np.testing.assert_array_equal(np.stack(images_of(figure)), cnn.layers[0].weight[:, 0])
    assert figure.get_suptitle() == "0 Conv2d: weight 4 × 1 × 3 × 3"
    by_channel = images_of(plot.weights(cnn, "2"))
    np.testing.assert_array_equal(np.stack(by_channel), cnn.layers[2].weight.reshape(24, 3, 3))
    few = plot.weights(cnn, cnn.layers[2], limit=9)
    assert len(images_of(few)) == 8 and few.get_suptitle().endswith(", the first 2")
    assert len(images_of(plot.weights(cnn, 2, limit=3))) == 3
    colours = nf.Sequential(nf.Conv2d(3, 5, 3), input_shape=(3, 8, 8), seed=0)
    shown = images_of(plot.weights(colours))
    assert len(shown) == 5 and shown[0].shape == (3, 3, 3) and np.min(shown) >= 0 and np.max(shown) <= 1
    signal = nf.Sequential(nf.Conv1d(2, 4, 5), input_shape=(2, 9), seed=0)
    assert images_of(plot.weights(signal))[0].shape == (2, 5)


def test_units_as_images():
    flat = nf.Sequential(nf.Flatten(), nf.Linear(out_features=7), input_shape=(1, 4, 6), seed=0)
    shown = images_of(plot.weights(flat))
    np.testing.assert_array_equal(np.stack(shown).reshape(7, 24), flat.layers[1].weight)
    assert shown[0].shape == (4, 6)
    assert images_of(plot.weights(mlp(64, 5)))[0].shape == (8, 8)
    assert images_of(plot.weights(mlp(9, 5)))[0].shape == (5, 9)  # 3 x 3 need not be an image
    assert images_of(plot.weights(mlp(9, 5), image_shape=(3, 3)))[0].shape == (3, 3)
    assert images_of(plot.weights(mlp(12, 5), image_shape=(3, 2, 2)))[0].shape == (2, 2, 3)
    for bad in ((2, 3), (9, 1, 1), (9,)):
        with pytest.raises(ValueError, match=r"weights: image_shape: expected .* of 9 inputs"):
            plot.weights(mlp(9, 5), image_shape=bad)


def test_layers_without_weights_are_refused(cnn):
    with pytest.raises(ValueError, match=r"weights: layer: expected one with filters .*got 1 ReLU"):
        plot.weights(cnn, 1)
    with pytest.raises(ValueError, match="weights: model: expected a layer with a weight"):
        plot.weights(nf.Sequential(nf.ReLU(), input_shape=3))
    with pytest.raises(ValueError, match="weights: layer: expected a layer of this model"):
        plot.weights(cnn, nf.Linear(1, 1))
    with pytest.raises(ValueError, match="weights: layer: expected one of 0, 1"):
        plot.weights(cnn, "conv")
    with pytest.raises(ValueError, match="weights: layer"):
        plot.weights(cnn, 5)
    with pytest.raises(TypeError, match="weights: layer"):
        plot.weights(cnn, 0.5)


def test_activations(cnn):
    x = np.random.default_rng(0).normal(size=(3, 1, 8, 8))
    whole = cnn.predict(x)
    shown = np.stack(images_of(plot.activations(cnn, x, 1)))
    conv = nf.conv2d(x[:1].astype(np.float32), cnn.layers[0].weight.copy(), cnn.layers[0].bias.copy())
    np.testing.assert_allclose(shown, nf.relu(conv)[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(images_of(plot.activations(cnn, x, -1))[0], whole)
    assert len(images_of(plot.activations(cnn, x, 2, limit=4))) == 4
    np.testing.assert_array_equal(cnn.predict(x), whole)
    with pytest.raises(ValueError, match="activations: x: expected at least one sample"):
        plot.activations(cnn, x[:0], 0)
    with pytest.raises(ValueError, match="activations: x: expected shape"):
        plot.activations(cnn, x[:, :, :5], 0)
    signal = nf.Sequential(nf.Conv1d(2, 4, 5), input_shape=(2, 9), seed=0)
    assert images_of(plot.activations(signal, np.ones((2, 2, 9)), 0))[0].shape == (4, 5)


def test_activations_inside_a_graph():
    """Of a layer on a branch of two inputs, one of which it does not see; running statistics as they are."""
    a, b = nf.Input(3), nf.Input(2)
    left = nf.BatchNorm1d(4)(nf.Linear(3, 4)(a))
    both = nf.Concat()(left, nf.Linear(2, 4)(b))
    model = nf.Model([a, b], [nf.Linear(8, 1)(both), nf.ReLU()(left)], seed=0)
    x = [np.random.default_rng(0).normal(size=(5, n)) for n in (3, 2)]
    model.compile("sgd", "mse")
    model.train_batch(x, [np.zeros((5, 1)), np.zeros((5, 4))])
    hidden = _inside.outputs_of(model, 1, [v.astype(np.float32) for v in x])
    np.testing.assert_array_equal(np.maximum(hidden, 0), model.predict(x)[1])
    plot.activations(model, x, 3)


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_gradient_norms(backend):
    model = mlp(4, 8, 3, dtype="float64")
    model.compile("adam", "cross_entropy", backend=backend)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 4)), rng.integers(0, 3, 10)
    state = model.state_dict()
    figure = plot.gradient_norms(model, x, y)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    own = copy.deepcopy(model)
    logits = own.forward(x, training=True)
    own.backward(nf.cross_entropy_backward(np.ones(()), logits, y))
    gradients = own.gradients()
    expected = [np.sqrt(sum((gradients[f"{i}.{n}"] ** 2).sum() for n in ("weight", "bias"))) for i in (0, 2)]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), expected, rtol=1e-12)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0 Linear", "2 Linear"]
    sizes = [np.sqrt(sum((state[f"{i}.{n}"] ** 2).sum() for n in ("weight", "bias"))) for i in (0, 2)]
    shares = plot.gradient_norms(model, x, y, relative=True).axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(shares, np.array(expected) / sizes, rtol=1e-12)
    last = plot.gradient_norms(own, label="last step", ax=figure.axes[0]).axes[0].lines[1]
    np.testing.assert_allclose(last.get_ydata(), expected, rtol=1e-12)


def test_gradients_vanish_through_sigmoids():
    x, y = np.random.default_rng(0).normal(size=(20, 10)), np.zeros(20, int)
    falls = []
    for act in (nf.Sigmoid, nf.ReLU):
        model = mlp(*[10] * 9, 2, act=act)
        model.compile("sgd", "cross_entropy")
        norms = plot.gradient_norms(model, x, y).axes[0].lines[0].get_ydata()
        falls.append(norms[0] / norms[-1])
    assert falls[0] < 1e-5 and falls[0] < falls[1] / 100


def test_gradient_norms_of_a_history():
    history = nf.History()
    for scale in (1.0, 0.5):
        history.append({"loss": scale, "gradient_norm_0": scale, "gradient_norm_conv": 0.0}, 0.1)
    axes = plot.gradient_norms(history).axes[0]
    assert axes.lines[0].get_ydata().tolist() == [1.0, 0.5] and axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "conv"]
    model = mlp(4, 8, 3)
    model.compile("adam", "cross_entropy")
    kept = model.fit(np.eye(4), [0, 1, 2, 0], epochs=3, verbose=0, callbacks=nf.callbacks.GradientNorms())
    drawn = plot.gradient_norms(kept).axes[0].lines
    assert [line.get_label() for line in drawn] == ["0", "2"]
    assert drawn[1].get_ydata()[-1] == model.gradient_norms()["2"]
    with pytest.raises(ValueError, match=r"gradient_norms: history: .*GradientNorms, got no epochs"):
        plot.gradient_norms(nf.History())


def test_bad_batches_of_gradient_norms():
    model = mlp(2, 2)
    with pytest.raises(ValueError, match="gradient_norms: y: expected with x"):
        plot.gradient_norms(model, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="loss"):
        plot.gradient_norms(model, np.zeros((1, 2)), [0])


# ---------------------------------------------------------------- the network


def texts_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_row_of_layers(cnn, tmp_path):
    figure = plot.network(cnn, tmp_path / "n.png")
    texts = texts_of(figure)
    assert texts[:4] == ["input", "1 × 8 × 8", "0  Conv2d", "4 × 6 × 6    40 parameters"]
    assert texts[-2:] == ["4  Linear", "3    291 parameters"]
    assert (tmp_path / "n.png").read_bytes()[:8] == PNG
    boxes = _graph._boxes(cnn)
    assert _graph._layout(boxes) == [(i, i + 1, None) for i in range(5)]
    assert {box.lane for box in boxes} == {0}
    with pytest.raises(ValueError, match="network: the model's input shape is not known yet"):
        plot.network(nf.Sequential(nf.ReLU()))


def residual():
    return nf.Sequential(
        nf.Linear(4, 4),
        nf.Residual(nf.Linear(4, 4), nf.ReLU(), nf.Linear(4, 4)),
        nf.Residual(nf.Linear(4, 4), nf.ReLU(), nf.Linear(4, 6), shortcut=[nf.Linear(4, 6)]),
        nf.Linear(6, 1),
        seed=0,
    )


def dense():
    outputs = [nf.Input(3), nf.Input(2)]
    start = list(outputs)
    for _ in range(4):
        outputs.append(nf.Linear(out_features=2)(nf.Concat()(*outputs)))
    return nf.Model(start, outputs[-3:], seed=0)


@pytest.mark.parametrize("make", [residual, dense])
def test_no_box_or_line_lies_on_another(make):
    model = make()
    boxes = _graph._boxes(model)
    ways = _graph._layout(boxes)
    assert {(source, target) for source, target, _ in ways} == {
        (source, i) for i, box in enumerate(boxes) for source in box.sources
    }
    used = [(box.row, box.lane) for box in boxes]
    for source, target, lane in ways:
        assert boxes[target].row > boxes[source].row
        rows = range(boxes[source].row + 1, boxes[target].row)
        assert (lane is None) == (len(rows) == 0)
        used += [(row, lane) for row in rows]
    assert len(set(used)) == len(used)
    plot.network(model)


def test_the_trunk_is_straight():
    boxes = _graph._boxes(residual())
    _graph._layout(boxes)
    assert [box.lane for box in boxes] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]


def test_into_axes_of_the_users():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots(2, 2)
    model = mlp(2, 3, 2)
    model.compile("sgd", "cross_entropy")
    x, y = np.random.default_rng(0).normal(size=(6, 2)), [0, 1, 0, 1, 0, 1]
    assert plot.network(model, ax=axes[0, 0]) is figure
    assert plot.decision_boundary(model, x, y, ax=axes[0, 1]) is figure
    assert plot.gradient_norms(model, x, y, ax=axes[1, 0]) is figure
    assert plot.confusion_matrix(y, model.predict(x), ax=axes[1, 1]) is figure


def test_connections_that_pass_rows_cross_no_box_and_have_heads_of_their_own():
    x = nf.Input(8)
    first = nf.ReLU()(nf.Linear(8, 8)(x))
    second = nf.ReLU()(nf.Linear(8, 8)(first))
    both = nf.Concat()(x, first, second)
    model = nf.Model(x, [nf.Linear(24, 2, name="p")(both), nf.Linear(8, 1, name="q")(first)], seed=0)
    axes = nf.plot.network(model).axes[0]
    boxes = [p for p in axes.patches if hasattr(p, "get_boxstyle")]
    arrows = [p for p in axes.patches if not hasattr(p, "get_boxstyle")]
    ends = [tuple(np.round(arrow._path_original.vertices[-1], 3)) for arrow in arrows]
    assert len(set(ends)) == len(ends)
    for arrow in arrows:
        points = arrow._path_original.interpolated(50).vertices
        for box in boxes:
            left, right = box.get_x(), box.get_x() + box.get_width()
            low, high = box.get_y(), box.get_y() + box.get_height()
            inside = (
                (left < points[:, 0]) & (points[:, 0] < right) & (low < points[:, 1]) & (points[:, 1] < high)
            )
            assert not inside.any()
