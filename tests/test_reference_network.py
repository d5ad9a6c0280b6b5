"""The reference's networks: graphs, gradients of whole networks, the training loop's rules, and learning."""

import numpy as np
import pytest
from differences import GRADIENT_TOLERANCE, STEP
from numpy.testing import assert_array_equal
from reference_networks import build, cnn, filled, mlp, train_all

from nnfast import reference as ref
from nnfast.reference import Model, Totals

# ---------------------------------------------------------------- graphs


def test_shapes_and_numbers():
    graph = cnn()
    assert [graph.shape(i) for i in (0, 1, 5, 7, 8, 9, 11, 12, 13)] == [
        (2, 7, 6),
        (4, 7, 6),
        (4, 7, 6),
        (4, 7, 6),
        (4, 4, 4),
        (4, 4, 4),
        (4, 4, 4),
        (4, 4, 3),
        (48,),
    ]
    names = [(node, name, array.shape) for node, name, array in Model(graph, "float32").params()]
    assert names == [
        (1, "weight", (4, 1, 3, 2)),
        (1, "bias", (4,)),
        (4, "weight", (4, 4, 3, 3)),
        (12, "weight", (3, 4)),
        (12, "bias", (3,)),
        (15, "weight", (6, 48)),
        (17, "weight", (3, 6)),
        (17, "bias", (3,)),
    ]


def test_output_is_the_last_node_unless_named():
    graph = build((3,), ("linear", {"out_features": 2}), "relu")
    assert Model(graph, "float64").predict(np.ones((1, 3))).shape == (1, 2)
    graph.output(0)
    assert_array_equal(Model(graph, "float64").predict(np.ones((1, 3))), np.ones((1, 3)))


def test_model_keeps_a_copy_of_the_graph():
    graph = build((3,), ("linear", {"out_features": 2}))
    model = Model(graph, "float64")
    graph.node("linear", [1], out_features=9)
    assert model.predict(np.ones((1, 3))).shape == (1, 2)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("node: op: expected one of .*'swish'", lambda g: g.node("swish", [0])),
        ("linear: unknown option 'units'", lambda g: g.node("linear", [0], out_features=1, units=3)),
        ("linear: out_features: missing", lambda g: g.node("linear", [0])),
        ("linear: out_features: expected integers >= 1", lambda g: g.node("linear", [0], out_features=0)),
        ("linear: out_features: expected integers >= 1", lambda g: g.node("linear", [0], out_features=1.5)),
        ("linear: inputs: expected 1 node, got 2", lambda g: g.node("linear", [0, 0], out_features=1)),
        ("relu: inputs: expected an integer in 0..1", lambda g: g.node("relu", [2])),
        ("add: inputs: expected at least 2", lambda g: g.node("add", [0])),
        ("add: inputs: expected equal shapes", lambda g: g.node("add", [0, 1])),
        ("conv2d: input: expected images", lambda g: g.node("conv2d", [1], out_channels=1, kernel_size=1)),
        (
            "conv2d: groups: expected",
            lambda g: g.node("conv2d", [0], out_channels=3, kernel_size=1, groups=2),
        ),
        ("conv2d: x: expected a padded", lambda g: g.node("conv2d", [0], out_channels=3, kernel_size=9)),
        (
            "conv2d: padding: expected 1 or 4",
            lambda g: g.node("conv2d", [0], out_channels=1, kernel_size=1, padding=[1, 1]),
        ),
        ("max_pool2d: padding: expected", lambda g: g.node("max_pool2d", [0], kernel_size=2, padding=2)),
        ("avg_pool2d: dilation: expected 1", lambda g: g.node("avg_pool2d", [0], kernel_size=2, dilation=2)),
        ("dropout: p: expected", lambda g: g.node("dropout", [0], p=1.1)),
        ("softmax: axis: expected 1..3", lambda g: g.node("softmax", [0], axis=0)),
        ("softmax: axis: expected 1..3", lambda g: g.node("softmax", [0], axis=-4)),
        ("leaky_relu: negative_slope: expected", lambda g: g.node("leaky_relu", [0], negative_slope=np.inf)),
        ("input: shape: expected", lambda g: g.input((3, 0))),
        ("input: shape: expected 1 to 7", lambda g: g.input(())),
        ("shape: node: expected", lambda g: g.shape(7)),
        ("output: node: expected", lambda g: g.output(-1)),
    ],
)
def test_graph_errors(message, call):
    graph = build((4, 5, 5), "flatten")
    with pytest.raises(ValueError, match="^" + message):
        call(graph)
    assert len(graph.nodes) == 2 or message.startswith("input")


# ---------------------------------------------------------------- whole gradients


@pytest.mark.parametrize("graph", [mlp(dropout=0.5), cnn()], ids=["mlp", "cnn"])
def test_gradients_of_whole_networks(graph):
    model = filled(graph)
    model.set_seed(5)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, *graph.shape(0)))
    g = rng.normal(size=model.predict(x).shape)

    def value():
        return float((g * model.forward(x, training=True)).sum())

    value()
    gx = model.backward(g, need_input_grad=True)
    arrays = [x, *(array for _, _, array in model.params())]
    for array, gradient in zip(arrays, [gx, *(a.copy() for a in model.gradients())], strict=True):
        assert np.abs(gradient).max() > 1e-4  # every array matters, so the comparison below says something
        for index in list(np.ndindex(array.shape))[:: max(1, array.size // 40)]:
            kept = array[index]
            array[index] = kept + STEP
            above = value()
            array[index] = kept - STEP
            below = value()
            array[index] = kept
            assert gradient[index] == pytest.approx(
                (above - below) / (2 * STEP), rel=GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE
            )


def test_a_branch_beside_the_output_has_no_gradient():
    graph = build((3,), ("linear", {"out_features": 2}))
    graph.node("linear", [1], out_features=4)
    graph.output(1)
    model = filled(graph)
    model.forward(np.ones((2, 3)), training=True)
    model.backward(np.ones((2, 2)))
    norms = [np.abs(gradient).sum() for gradient in model.gradients()]
    assert norms[0] > 0 and norms[1] > 0 and norms[2] == norms[3] == 0


def test_an_input_the_output_does_not_depend_on_smoothly():
    graph = build((3,), ("dropout", {"p": 1.0}))
    model = Model(graph, "float64")
    model.forward(np.ones((2, 3)), training=True)
    assert_array_equal(model.backward(np.ones((2, 3)), need_input_grad=True), np.zeros((2, 3)))


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_train_is_what_the_functions_say_by_hand(dtype):
    rng = np.random.default_rng(2)
    x, labels = rng.normal(size=(7, 4)).astype(dtype), rng.integers(0, 3, 7)
    order = rng.permutation(7).astype(np.int64)
    model = filled(mlp(dropout=0.5), dtype)
    model.set_loss("cross_entropy")
    model.set_optimizer("adam", lr=0.01, weight_decay=0.1)
    model.set_seed(11)
    params = [array.copy() for _, _, array in model.params()]
    m, v = ([np.zeros_like(array) for array in params] for _ in range(2))
    total = 0.0
    for step in range(3):
        rows = order[3 * step : 3 * step + 3]
        w1, b1, w2, b2 = params
        z = ref.linear(x[rows], w1, b1)
        h = ref.tanh(z)
        d = ref.dropout(h, 0.5, seed=11, step=step, layer=0)
        y = ref.linear(d, w2, b2)
        total += float(ref.cross_entropy(y, labels[rows])) * len(rows)
        gd, gw2, gb2 = ref.linear_backward(ref.cross_entropy_backward(1.0, y, labels[rows]), d, w2)
        gz = ref.tanh_backward(ref.dropout_backward(gd, 0.5, seed=11, step=step, layer=0), z)
        _, gw1, gb1 = ref.linear_backward(gz, x[rows], w1)
        ref.adam_update(params, [gw1, gb1, gw2, gb2], m, v, step=step + 1, lr=0.01, weight_decay=0.1)
    totals = train_all(model, x, labels, 3, order=order)
    for expected, (_, _, array) in zip(params, model.params(), strict=True):
        assert array.dtype == dtype
        assert_array_equal(array, expected)
    for which, states in enumerate((m, v)):
        for expected, array in zip(states, model.states(which), strict=True):
            assert_array_equal(array, expected)
    assert totals.loss == pytest.approx(total, rel=1e-15)
    assert (totals.samples, totals.outputs, totals.steps, model.step_count) == (7, 3, 3, 3)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("sgd", {"lr": 0.5}),
        ("sgd", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
        ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        ("rmsprop", {"lr": 0.02, "alpha": 0.9}),
        ("adam", {"lr": 0.05, "beta1": 0.8}),
    ],
)
def test_train_equals_forward_backward_step(kind, options):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    models = [filled(mlp()) for _ in range(2)]
    for model in models:
        model.set_loss("mse_loss", "sum")
        model.set_optimizer(kind, **options)
    for _ in range(3):
        train_all(models[0], x, y, 6)
        output = models[1].forward(x, training=True)
        models[1].backward(ref.mse_loss_backward(1.0, output, y, reduction="sum"))
        models[1].step()
    for (_, _, a), (_, _, b) in zip(models[0].params(), models[1].params(), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["sgd", "rmsprop", "adam"])
def test_xor_is_learned(kind):
    x, labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8), np.array([0, 1, 1, 0])
    model = filled(
        build((2,), ("linear", {"out_features": 8}), "tanh", ("linear", {"out_features": 2})), "float32"
    )
    model.set_loss("cross_entropy")
    model.set_optimizer(kind, lr=0.5 if kind == "sgd" else 0.05, momentum=0.9)
    train_all(model, x, labels, 4, epochs=200)
    totals = Totals()
    assert model.evaluate(x, labels, 4, 0, 1, 0.0, totals) == 1
    assert totals.correct == 4 and totals.loss / totals.samples < 0.05
    assert_array_equal(model.predict(x).argmax(axis=1), labels)


def test_a_small_cnn_learns():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 24)
    x = rng.normal(size=(24, 2, 7, 6)) + labels[:, None, None, None]
    model = filled(cnn())
    model.set_loss("nll_loss")
    model.set_optimizer("adam", lr=0.01)
    first = train_all(model, x, labels, 8)
    later = train_all(model, x, labels, 8, epochs=20)
    assert later.loss / later.samples < 0.8 * first.loss / first.samples


def test_totals_of_classes():
    model = Model(build((3,), "flatten"), "float64")  # the identity: outputs are the samples
    model.set_loss("cross_entropy", "sum")
    x = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 5.0]])
    labels = np.array([0, 2, 0, 2])
    for y in (
        labels,
        labels[:, None],
        labels.astype(np.uint8),
        np.eye(3)[labels],
        np.eye(3, dtype=int)[labels],
    ):
        totals = Totals()
        assert model.evaluate(x, y, 3, 0, 2, 0.0, totals) == 2
        assert totals.loss == pytest.approx(float(ref.cross_entropy(x, labels, reduction="sum")), rel=1e-15)
        assert (totals.correct, totals.samples, totals.outputs, totals.steps) == (3, 4, 3, 2)
        assert totals.abs_error == totals.squared_error == 0
    model.set_loss("cross_entropy", "mean")
    totals = Totals()
    model.evaluate(x, labels, 3, 0, 2, 0.0, totals)  # batches of 3 and 1: means weigh by their samples
    assert totals.loss / 4 == pytest.approx(float(ref.cross_entropy(x, labels)), rel=1e-15)


def test_totals_of_regression():
    model = Model(build((2,), "flatten"), "float32")
    model.set_loss("mse_loss")
    x, y = np.array([[1.0, 2.0], [5.0, 3.0]]), np.array([[0.0, 4.0], [6.0, 3.0]])
    totals = Totals()
    model.evaluate(x, y, 2, 0, 1, 0.0, totals)
    assert (totals.abs_error, totals.squared_error, totals.loss, totals.correct) == (4, 6, 3, 2)
    one = Model(build((1,), "flatten"), "float32")
    one.set_loss("mse_loss")
    totals = Totals()
    one.evaluate(x[:, :1], y[:, 0], 2, 0, 1, 0.0, totals)
    assert (totals.abs_error, totals.correct, totals.outputs) == (2, 0, 1)


@pytest.mark.parametrize("dtype", ["float16", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"])
def test_samples_of_any_dtype(dtype):
    x = np.arange(12).reshape(3, 4).astype(dtype)
    model = filled(mlp(), "float32")
    assert_array_equal(model.predict(x), model.predict(x.astype(np.float32)))


def test_an_epoch_in_pieces_is_the_epoch():
    rng = np.random.default_rng(5)
    x, y, order = rng.normal(size=(10, 4)), rng.normal(size=(10, 3)), rng.permutation(10).astype(np.int64)
    models = [filled(mlp(dropout=0.3)) for _ in range(2)]
    for model in models:
        model.set_loss("mse_loss")
        model.set_optimizer("rmsprop", lr=0.01)
    whole = train_all(models[0], x, y, 3, order=order)
    pieces, done = Totals(), 0
    while done < 4:
        steps = models[1].train(x, y, order, 3, done, 4, 1e-9, pieces)  # no time: one step a call
        assert steps == 1
        done += steps
    assert whole == pieces
    for (_, _, a), (_, _, b) in zip(models[0].params(), models[1].params(), strict=True):
        assert_array_equal(a, b)


def test_non_finite_loss_stops_before_the_update():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    x[4] = np.nan
    model = filled(mlp())
    model.set_loss("mse_loss")
    model.set_optimizer("adam", lr=0.01)
    twin = filled(mlp())
    twin.set_loss("mse_loss")
    twin.set_optimizer("adam", lr=0.01)
    totals, expected = Totals(), Totals()
    with pytest.raises(FloatingPointError, match=r"loss is nan at step 2 \(sample 4 of the epoch\)"):
        model.train(x, y, None, 2, 0, 3, 0.0, totals)
    twin.train(x, y, None, 2, 0, 2, 0.0, expected)
    assert totals == expected and model.step_count == 2
    for (_, _, a), (_, _, b) in zip(model.params(), twin.params(), strict=True):
        assert_array_equal(a, b)
