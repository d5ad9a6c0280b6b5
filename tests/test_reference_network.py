"""The reference's networks: gradients of whole graphs, the training loop's rules, and learning."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnfast import reference as ref
from nnfast.reference import Graph, Model, Totals

STEP = np.finfo(np.float64).eps ** (1 / 3)
GRADIENT_TOLERANCE = 1e-8  # rounding and truncation are near 4e-11 a term, see test_reference.py


def build(shape, *layers):
    """A graph of layers in a row, each an operation's name or (name, options)."""
    graph = Graph()
    node = graph.input(shape)
    for layer in layers:
        op, options = (layer, {}) if isinstance(layer, str) else layer
        node = graph.node(op, [node], **options)
    return graph


def filled(graph, dtype="float64", seed=0, scale=0.5):
    """A model with random parameters."""
    model = Model(graph, dtype)
    rng = np.random.default_rng(seed)
    for _, _, array in model.params():
        array[...] = rng.normal(scale=scale, size=array.shape)
    return model


def mlp(*, dropout=0.0, classes=3):
    dropouts = [("dropout", {"p": dropout})] if dropout else []
    first, last = ("linear", {"out_features": 5}), ("linear", {"out_features": classes})
    return build((4,), first, "tanh", *dropouts, last)


def cnn():
    """Every operation there is, with branches that meet."""
    graph = Graph()
    x = graph.input((2, 7, 6))
    conv = {"out_channels": 4, "kernel_size": (3, 2), "padding": (1, 1, 0, 1), "groups": 2}
    a = graph.node("leaky_relu", [graph.node("conv2d", [x], **conv)], negative_slope=0.2)
    a = graph.node("dropout", [a], p=0.25)
    b = graph.node("conv2d", [a], out_channels=4, kernel_size=3, padding=2, dilation=2, bias=0)
    a = graph.node("add", [a, graph.node("relu", [b]), a])
    a = graph.node("softmax", [a], axis=1)
    p = graph.node("max_pool2d", [a], kernel_size=3, stride=2, padding=1, ceil_mode=1)
    q = graph.node("avg_pool2d", [a], kernel_size=3, stride=2, padding=1, ceil_mode=1, count_include_pad=0)
    h = graph.node("linear", [graph.node("sigmoid", [graph.node("add", [p, q])])], out_features=3)
    h = graph.node("dropout", [graph.node("flatten", [h])], p=0.5)
    h = graph.node("tanh", [graph.node("linear", [h], out_features=6, bias=0)])
    h = graph.node("log_softmax", [graph.node("linear", [h], out_features=3)])
    graph.output(h)
    return graph


def train_all(model, x, y, batch, epochs=1, order=None):
    totals = Totals()
    steps = -(-len(x if order is None else order) // batch)
    for _ in range(epochs):
        assert model.train(x, y, order, batch, 0, steps, 0.0, totals) == steps
    return totals


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
        ("node: op: expected one of .*'gelu'", lambda g: g.node("gelu", [0])),
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


# ---------------------------------------------------------------- pieces of a custom loop


def test_gradients_accumulate_only_when_asked():
    rng = np.random.default_rng(7)
    x, g = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    model = filled(mlp())
    model.forward(x, training=True)
    assert model.backward(g) is None
    whole = [gradient.copy() for gradient in model.gradients()]
    for rows, accumulate in ((slice(0, 4), False), (slice(4, 6), True)):
        model.forward(x[rows], training=True)
        model.backward(g[rows], accumulate=accumulate)
    for a, b in zip(whole, model.gradients(), strict=True):
        assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_backward_follows_one_training_forward():
    model = filled(mlp())
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=0.1)
    x, g = np.ones((2, 4)), np.ones((2, 3))
    with pytest.raises(ValueError, match="forward: x: expected at least one sample"):
        model.forward(x[:0], training=True)

    def refused():
        with pytest.raises(ValueError, match="backward: expected a forward with training=True"):
            model.backward(g)

    refused()
    model.forward(x, training=True)
    model.backward(g)
    refused()
    model.forward(x, training=True)
    model.forward(x)
    refused()
    model.forward(x, training=True)
    train_all(model, x, g, 2)
    refused()
    model.forward(x, training=True)
    with pytest.raises(ValueError, match="backward: grad_output: expected shape"):
        model.backward(g[:1])
    with pytest.raises(TypeError, match="backward: grad_output: expected float64"):
        model.backward(g.astype(np.float32))
    model.backward(g)


def test_several_inputs():
    graph = Graph()
    images, numbers = graph.input((1, 2, 2)), graph.input((3,))
    a = graph.node("linear", [graph.node("flatten", [images])], out_features=2)
    graph.node("add", [a, graph.node("linear", [numbers], out_features=2)])
    model = filled(graph)
    rng = np.random.default_rng(10)
    x, y = [rng.normal(size=(5, 1, 2, 2)), rng.normal(size=(5, 3))], rng.normal(size=(5, 2))
    (w1, b1, w2, b2) = (array for _, _, array in model.params())
    expected = x[0].reshape(5, 4) @ w1.T + b1 + x[1] @ w2.T + b2
    assert_allclose(model.predict(x, batch=2), expected, rtol=1e-13)
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=0.1)
    first, last = Totals(), Totals()
    order = np.array([4, 2, 0, 1, 3])
    model.train(x, y, order, 2, 0, 3, 0.0, first)
    model.train(x, y, order, 2, 0, 3, 0.0, last)
    assert last.loss < first.loss and last.samples == 5
    with pytest.raises(TypeError, match="predict: x: expected a list of 2 arrays"):
        model.predict(x[0])
    with pytest.raises(ValueError, match="predict: x: expected 5 samples in every array"):
        model.predict([x[0], x[1][:3]])
    model.forward(x, training=True)
    with pytest.raises(ValueError, match="backward: need_input_grad: expected a network with one input"):
        model.backward(y, need_input_grad=True)
    model.backward(y)


def test_dropout_counts_layers_steps_and_channels_last():
    drop = ("dropout", {"p": 0.5})
    model = Model(build((3, 4, 5), drop, "relu", drop), "float64")
    model.set_seed(9)
    model.step_count = 6
    x = np.random.default_rng(8).random((2, 3, 4, 5))
    assert_array_equal(model.forward(x), x)
    assert_array_equal(model.predict(x), x)
    expected = x
    for layer in (0, 1):
        mask = ref.dropout_mask((2, 4, 5, 3), 0.5, seed=9, step=6, layer=layer)
        expected = expected * 2 * np.transpose(mask, (0, 3, 1, 2))
    assert_array_equal(model.forward(x, training=True), expected)
    gx = model.backward(np.ones_like(x), need_input_grad=True)
    assert_array_equal(gx, np.where(expected != 0, 4.0, 0.0))


def test_optimizer_states():
    model = filled(mlp())
    shapes = [array.shape for _, _, array in model.params()]
    assert model.states(0) == model.states(1) == []
    model.set_optimizer("sgd", lr=0.1)
    assert model.states(0) == []
    model.set_optimizer("sgd", lr=0.1, momentum=0.9)
    assert [state.shape for state in model.states(0)] == shapes and model.states(1) == []
    model.states(0)[0][...] = 7
    model.set_optimizer("sgd", lr=0.2, momentum=0.8)
    assert (model.states(0)[0] == 7).all()
    model.set_optimizer("rmsprop", lr=0.1)
    assert (model.states(0)[0] == 0).all()
    model.set_optimizer("adam", lr=0.1)
    assert [state.shape for state in model.states(1)] == shapes
    model.step()  # gradients are zero: nothing moves, but the step counts
    assert model.step_count == 1


def test_the_first_momentum_is_the_gradient_whatever_the_dampening():
    model = filled(mlp())
    model.set_optimizer("sgd", lr=0.1, momentum=0.5, dampening=0.75)
    for expected in (2.0, 0.5 * 2 + 0.25 * 2):  # b = g, then b = momentum * b + (1 - dampening) * g
        for gradient in model.gradients():
            gradient[...] = 2
        model.step()
        assert all((state == expected).all() for state in model.states(0))


def test_predict_in_batches_and_into_out():
    x = np.random.default_rng(9).normal(size=(10, 4))
    model = filled(mlp(dropout=0.5))
    whole = model.predict(x)
    assert_allclose(model.predict(x, batch=3), whole, rtol=1e-14)
    out = np.empty((10, 3))
    assert model.predict(x, out=out) is out
    assert_array_equal(out, whole)
    assert model.predict(x[:0]).shape == (0, 3)
    assert model.forward(x[:0]).shape == (0, 3)
    assert (
        model.predict(x.reshape(10, 2, 2)).tolist() == whole.tolist()
    )  # as many numbers a sample are enough


def test_plan_counts_all_activations():
    assert Model(mlp(), "float32").plan(10, training=True) == ((4 + 5 + 5 + 3) * 10 * 4,) * 2


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "Model: dtype: expected", lambda m, x, y: Model(mlp(), "int32")),
        (ValueError, "Model: graph: expected at least one input", lambda m, x, y: Model(Graph(), "float32")),
        (ValueError, "predict: x: expected samples of shape", lambda m, x, y: m.predict(x[:, :3])),
        (ValueError, "predict: x: expected at least 1", lambda m, x, y: m.predict(np.float32(1))),
        (TypeError, "predict: x: expected one of", lambda m, x, y: m.predict(x.astype(complex))),
        (ValueError, "predict: batch: expected", lambda m, x, y: m.predict(x, batch=0)),
        (ValueError, "predict: out: expected shape", lambda m, x, y: m.predict(x, out=np.empty((4, 2)))),
        (
            ValueError,
            "train: y: expected 5 samples",
            lambda m, x, y: m.train(x, y[:4], None, 2, 0, 1, 0, Totals()),
        ),
        (
            ValueError,
            "train: y: expected 3 numbers",
            lambda m, x, y: m.train(x, x, None, 2, 0, 1, 0, Totals()),
        ),
        (ValueError, "train: last: expected", lambda m, x, y: m.train(x, y, None, 2, 0, 4, 0, Totals())),
        (ValueError, "train: first: expected", lambda m, x, y: m.train(x, y, None, 2, 2, 1, 0, Totals())),
        (
            ValueError,
            "train: order: expected indices",
            lambda m, x, y: m.train(x, y, np.array([0, 5]), 2, 0, 1, 0, Totals()),
        ),
        (
            TypeError,
            "train: order: expected integer",
            lambda m, x, y: m.train(x, y, x[0], 2, 0, 1, 0, Totals()),
        ),
        (ValueError, "set_loss: loss: expected", lambda m, x, y: m.set_loss("hinge")),
        (ValueError, "set_loss: reduction: expected", lambda m, x, y: m.set_loss("mse_loss", "none")),
        (
            ValueError,
            "set_loss: loss: expected outputs of shape",
            lambda m, x, y: Model(build((2, 2, 2), "relu"), "float32").set_loss("nll_loss"),
        ),
        (ValueError, "set_optimizer: kind: expected", lambda m, x, y: m.set_optimizer("lion", lr=1)),
        (ValueError, "set_optimizer: lr: expected", lambda m, x, y: m.set_optimizer("sgd", lr=-1)),
        (
            ValueError,
            "set_optimizer: beta2: expected",
            lambda m, x, y: m.set_optimizer("adam", lr=1, beta2=1.0),
        ),
        (
            ValueError,
            "set_optimizer: alpha: expected",
            lambda m, x, y: m.set_optimizer("rmsprop", lr=1, alpha=2),
        ),
        (
            ValueError,
            "set_optimizer: nesterov: expected",
            lambda m, x, y: m.set_optimizer("sgd", lr=1, nesterov=True),
        ),
        (ValueError, "set_seed: seed: expected", lambda m, x, y: m.set_seed(-1)),
        (ValueError, "states: which: expected", lambda m, x, y: m.states(2)),
    ],
)
def test_model_errors(error, message, call):
    model = filled(mlp())
    before = [array.copy() for _, _, array in model.params()]
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=0.1)
    with pytest.raises(error, match="^" + message):
        call(model, np.ones((5, 4)), np.ones((5, 3)))
    for kept, (_, _, array) in zip(before, model.params(), strict=True):
        assert_array_equal(kept, array)
    assert model.step_count == 0


def test_labels_are_checked_before_the_step():
    model = filled(mlp())
    model.set_optimizer("sgd", lr=0.1)
    model.set_loss("nll_loss")
    with pytest.raises(TypeError, match="train: y: expected integer labels"):
        model.train(np.ones((2, 4)), np.ones(2), None, 2, 0, 1, 0.0, Totals())
    with pytest.raises(ValueError, match=r"nll_loss: target: expected labels in 0\.\.2"):
        model.train(np.ones((2, 4)), np.array([0, 3]), None, 2, 0, 1, 0.0, Totals())
    model.set_loss("cross_entropy")
    with pytest.raises(TypeError, match="train: y: expected integer labels"):
        model.train(np.ones((2, 4)), np.ones(2), None, 2, 0, 1, 0.0, Totals())
    with pytest.raises(ValueError, match="train: y: expected 3 numbers a sample"):
        model.train(np.ones((2, 4)), np.ones((2, 1)), None, 2, 0, 1, 0.0, Totals())
    assert model.step_count == 0


def test_training_needs_a_loss_and_an_optimizer():
    model, x = filled(mlp()), np.ones((2, 4))
    with pytest.raises(ValueError, match="step: expected an optimizer"):
        model.step()
    with pytest.raises(ValueError, match="train: optimizer: expected one"):
        model.train(x, x, None, 2, 0, 1, 0.0, Totals())
    with pytest.raises(ValueError, match="evaluate: loss: expected one"):
        model.evaluate(x, x, 2, 0, 1, 0.0, Totals())
