"""Graphs of several inputs and outputs: the engine's plan against the reference, and against differences.

What is here: forward, backward and predict of `_core.Model` on small graphs that take a plan's sharing of
buffers to its edges. What is not: the models of the front end, which are in test_graph_models.py.
"""

import numpy as np
import pytest

import nnfast as nf
from nnfast import _core
from nnfast.reference import network

from .differences import central_difference


def two_and_two(graph):
    """Two inputs that meet, and two outputs from what they make."""
    a, b = graph.input([3]), graph.input([4])
    left, right = (graph.node("linear", [i], out_features=5) for i in (a, b))
    both = graph.node("tanh", [graph.node("add", [left, right])])
    return [graph.node("linear", [both], out_features=n) for n in (2, 3)]


def trunk(graph):
    """An output in the middle, read by an activation that could work in place, and an end."""
    x = graph.input([4])
    middle = graph.node("linear", [x], out_features=5)
    end = graph.node("linear", [graph.node("relu", [middle])], out_features=2)
    return [end, middle]


def activation_in_the_middle(graph):
    """The output is an activation that the linear before it takes in; read twice more."""
    x = graph.input([4])
    middle = graph.node("tanh", [graph.node("linear", [x], out_features=4)])
    return [middle, graph.node("add", [graph.node("sigmoid", [middle]), middle, x])]


def images(graph):
    """Images, channels-last inside, leave in the middle; so does a view of them, and a step on the view."""
    x = graph.input([2, 5, 4])
    conv = graph.node("conv2d", [x], out_channels=3, kernel_size=3, padding=1)
    flat = graph.node("flatten", [conv])
    wave = graph.node("tanh", [flat])
    pooled = graph.node("max_pool2d", [graph.node("relu", [conv])], kernel_size=2)
    end = graph.node("linear", [graph.node("flatten", [pooled])], out_features=3)
    return [conv, flat, wave, end]


def chain_in_place(graph):
    """Activations in a row, each an output: none may overwrite the one before."""
    nodes = [graph.node("linear", [graph.input([3])], out_features=4)]
    for op in ("relu", "tanh", "sigmoid", "leaky_relu"):
        nodes.append(graph.node(op, [nodes[-1]]))
    return nodes


def input_as_output(graph):
    """An output that is an input, and one that no parameter has to do with."""
    a, b = graph.input([3]), graph.input([3])
    return [a, graph.node("add", [a, b]), graph.node("linear", [graph.node("relu", [b])], out_features=2)]


def dropped(graph):
    """Random masks on two ways; a branch that reaches no output; an output that reads an output."""
    x = graph.input([6])
    h = graph.node("dropout", [graph.node("linear", [x], out_features=6)], p=0.5)
    graph.node("linear", [h], out_features=9)
    first = graph.node("dropout", [graph.node("relu", [h])], p=0.25)
    return [graph.node("linear", [first], out_features=3), first, h]


CASES = [
    two_and_two,
    trunk,
    activation_in_the_middle,
    images,
    chain_in_place,
    input_as_output,
    dropped,
]
EACH = pytest.mark.parametrize("case", CASES)


def make(module, case, dtype, seed=7):
    graph = module.Graph()
    outputs = case(graph)
    graph.outputs(outputs)
    model = module.Model(graph, np.dtype(dtype).name)
    model.set_seed(3)
    rng = np.random.default_rng(seed)
    for _, _, view in model.params():
        view[...] = rng.normal(scale=0.5, size=view.shape)
    return model, [tuple(graph.shape(node)) for node in outputs], rng


def samples(case, rng, n, dtype="float64"):
    graph = network.Graph()
    case(graph)
    x = [rng.normal(size=(n, *graph.shape(node))).astype(dtype) for node in graph.input_nodes]
    return x if len(x) > 1 else x[0]


def as_list(arrays):
    return arrays if isinstance(arrays, list) else [arrays]


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_and_backward_are_the_references(isa, case, dtype):
    (model, shapes, rng), (twin, _, _) = make(_core, case, dtype), make(network, case, dtype)
    # A dozen layers of sums over at most 30 numbers of size 10 at most.
    tolerance = {"rtol": 0, "atol": 12 * 30 * 10 * np.finfo(dtype).eps}
    assert (model.num_inputs, model.num_outputs) == (twin.num_inputs, twin.num_outputs)
    x = samples(case, rng, 5, dtype)
    for found, expected in zip(model.predict(x, 2), twin.predict(x, 2), strict=True):
        np.testing.assert_allclose(found, expected, **tolerance)
    for accumulate in (False, True):
        outputs = model.forward(x, training=True)
        for found, expected in zip(outputs, twin.forward(x, training=True), strict=True):
            np.testing.assert_allclose(found, expected, **tolerance)
        g = [rng.normal(size=(5, *shape)).astype(dtype) for shape in shapes]
        if accumulate:
            g[0] = None  # zeros
        gx = as_list(model.backward(g, accumulate, need_input_grad=True))
        for found, expected in zip(
            gx, as_list(twin.backward(g, accumulate, need_input_grad=True)), strict=True
        ):
            np.testing.assert_allclose(found, expected, **tolerance)
        for found, expected in zip(model.gradients(), twin.gradients(), strict=True):
            np.testing.assert_allclose(found, expected, **tolerance)


@EACH
@pytest.mark.parametrize("module", [_core, network], ids=["native", "reference"])
def test_gradients_by_central_differences(case, module):
    model, shapes, rng = make(module, case, np.float64)
    x = samples(case, rng, 3)
    g = [rng.normal(size=(3, *shape)) for shape in shapes]

    def value():
        return float(sum((w * y).sum() for w, y in zip(g, model.forward(x, training=True), strict=True)))

    value()
    gx = model.backward(g, need_input_grad=True)
    gradients = [a.copy() for a in model.gradients()]
    # Truncation near 1e-10, rounding 1e-15 / 1e-6; at a kink of relu or max a difference would be far
    # off, but random numbers keep away from it.
    for array, gradient in zip(as_list(x), as_list(gx), strict=True):
        np.testing.assert_allclose(gradient, central_difference(value, array), rtol=1e-6, atol=1e-7)
    for (_, _, view), gradient in zip(model.params(), gradients, strict=True):
        np.testing.assert_allclose(gradient, central_difference(value, view), rtol=1e-6, atol=1e-7)


@EACH
def test_same_bits_at_any_number_of_threads(case, threads):
    found = []
    for n in (1, threads):
        with nf.num_threads(n):
            model, shapes, rng = make(_core, case, np.float32)
            x = samples(case, rng, 40, np.float32)
            outputs = model.forward(x, training=True)
            g = [rng.normal(size=(40, *shape)).astype(np.float32) for shape in shapes]
            gx = as_list(model.backward(g, need_input_grad=True))
            found.append([*outputs, *gx, *(a.copy() for a in model.gradients())])
    for one, many in zip(*found, strict=True):
        np.testing.assert_array_equal(one, many)


@EACH
def test_smaller_batches_give_the_same_rows(case):
    model, _, rng = make(_core, case, np.float64)
    x = samples(case, rng, 9)
    whole = model.predict(x, 9)
    for batch in (1, 4):
        for found, expected in zip(model.predict(x, batch), whole, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    empty = model.predict([a[:0] for a in x] if isinstance(x, list) else x[:0], 4)
    assert [a.shape for a in empty] == [(0, *a.shape[1:]) for a in whole]
    out = [np.full_like(a, np.nan) for a in whole]
    result = model.predict(x, 4, out)
    assert all(a is b for a, b in zip(result, out, strict=True))
    for found, expected in zip(out, whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("module", [_core, network], ids=["native", "reference"])
def test_what_is_refused(module):
    graph = module.Graph()
    x = graph.input([3])
    y = graph.node("relu", [x])
    for bad in ([], [x, x], [x, 5]):
        with pytest.raises(ValueError, match=r"(outputs|node)"):
            graph.outputs(bad)
    graph.outputs((x, y))
    model = module.Model(graph, "float64")
    data = np.ones((2, 3))
    for bad in (data, [data], None):
        model.forward(data, training=True)
        with pytest.raises(TypeError, match="backward: grad_output: expected a list of 2 arrays"):
            model.backward(bad)
    with pytest.raises(ValueError, match="backward: grad_output: expected shape"):
        model.backward([data, data[:1]])
    model.backward([data, None])  # what was refused has changed nothing
    for bad in (data, [data]):
        with pytest.raises(TypeError, match="predict: out: expected a list of 2 arrays"):
            model.predict(data + 1, out=bad)


# ---------------------------------------------------------------- training


def set_losses(model, shapes, reduction="mean"):
    """Classes for the last flat output, squared errors for all others; weights of their own."""
    flat = [i for i, shape in enumerate(shapes) if len(shape) == 1 and shape[0] > 1]
    for i in range(len(shapes)):
        loss = "cross_entropy" if i == flat[-1] else "mse_loss"
        model.set_loss(loss, reduction, output=i, share=0.5 + i)
    return flat[-1]


def targets(shapes, labelled, rng, n, dtype):
    y = [rng.normal(size=(n, *shape)).astype(dtype) for shape in shapes]
    y[labelled] = rng.integers(0, shapes[labelled][0], n)
    return y


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_training_is_the_references(isa, case, dtype, reduction):
    found = []
    for module in (_core, network):
        model, shapes, rng = make(module, case, dtype)
        labelled = set_losses(model, shapes, reduction)
        model.set_optimizer("sgd", lr=1e-3)
        model.set_regularizer(0, l1=0.01, l2=0.02)
        x = samples(case, rng, 11, dtype)
        y = targets(shapes, labelled, rng, 11, dtype)
        totals = [[module.Totals() for _ in range(len(shapes) + 1)] for _ in range(2)]
        order = rng.permutation(11)
        for _ in range(3):
            assert model.train(x, y, order, 4, 0, 3, 0.0, totals[0]) == 3
        assert model.evaluate(x, y, 4, 0, 3, 0.0, totals[1]) == 3
        fields = (
            "loss",
            "loss_weight",
            "weight",
            "correct",
            "abs_error",
            "squared_error",
            "samples",
            "outputs",
            "steps",
        )
        sums = [[getattr(t, name) for name in fields] for t in totals[0] + totals[1]]
        found.append((sums, [a.copy() for _, _, a in model.params()]))
    # Nine steps of sums over at most 11 * 60 numbers; the totals add up 33 samples of them.
    tolerance = 9 * 660 * np.finfo(dtype).eps
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=tolerance, atol=tolerance)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@EACH
@pytest.mark.parametrize("module", [_core, network], ids=["native", "reference"])
def test_gradients_of_training_by_central_differences(case, module):
    """A step of rate 1 moves a parameter by the slope of the weighted sum that evaluate reports."""
    model, shapes, rng = make(module, case, np.float64)
    if case is dropped:
        pytest.skip("evaluate drops nothing")
    labelled = set_losses(model, shapes)
    model.set_optimizer("sgd", lr=1.0)
    model.set_regularizer(0, l2=0.1)
    x = samples(case, rng, 4)
    y = targets(shapes, labelled, rng, 4, np.float64)

    def value():
        totals = [module.Totals() for _ in range(len(shapes) + 1)]
        model.evaluate(x, y, 4, 0, 1, 0.0, totals)
        weights = [0.5 + i for i in range(len(shapes))] + [1.0]
        return sum(w * t.loss / t.loss_weight for w, t in zip(weights, totals, strict=True))

    expected = [central_difference(value, view) for _, _, view in model.params()]
    before = [view.copy() for _, _, view in model.params()]
    model.train(x, y, None, 4, 0, 1, 0.0, [module.Totals() for _ in range(len(shapes) + 1)])
    for (_, _, view), start, slope in zip(model.params(), before, expected, strict=True):
        np.testing.assert_allclose(start - view, slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("module", [_core, network], ids=["native", "reference"])
def test_losses_that_are_refused(module):
    model, _, rng = make(module, two_and_two, np.float64)
    x, y = samples(two_and_two, rng, 4), [np.zeros((4, 2)), np.zeros(4, int)]
    totals = [module.Totals() for _ in range(3)]
    model.set_optimizer("sgd", lr=0.1)
    for bad in (-1, 2):
        with pytest.raises(ValueError, match="output: expected"):
            model.set_loss("mse_loss", output=bad)
    with pytest.raises(ValueError, match="share: expected"):
        model.set_loss("mse_loss", share=-1.0)
    model.set_loss("mse_loss")
    with pytest.raises(ValueError, match=r"train: .*got none"):
        model.train(x, y, None, 4, 0, 1, 0.0, totals)
    model.set_loss("cross_entropy", "sum", output=1)
    with pytest.raises(ValueError, match="the same reduction for all outputs"):
        model.train(x, y, None, 4, 0, 1, 0.0, totals)
    model.set_loss("cross_entropy", output=1)
    for bad in (y[0], y[:1]):
        with pytest.raises(TypeError, match="train: y: expected a list of 2 arrays"):
            model.train(x, bad, None, 4, 0, 1, 0.0, totals)
    for bad in (totals[0], totals[:2]):
        with pytest.raises(TypeError, match="train: totals: expected a list of 3 Totals"):
            model.train(x, y, None, 4, 0, 1, 0.0, bad)
    with pytest.raises(ValueError, match="train: y: expected 4 samples"):
        model.train(x, [y[0], y[1][:3]], None, 4, 0, 1, 0.0, totals)
    before = [view.copy() for _, _, view in model.params()]
    with pytest.raises(FloatingPointError):
        model.train(x, [y[0] + np.inf, y[1]], None, 4, 0, 1, 0.0, totals)
    for (_, _, view), kept in zip(model.params(), before, strict=True):
        np.testing.assert_array_equal(view, kept)
    assert [t.steps for t in totals] == [0, 0, 0]


@pytest.mark.parametrize("names", [("val", "b"), ("a", "a_b")])
def test_names_that_would_collide_in_the_history_are_refused(names):
    """The loss of an output "val" would be the validation's; that of "a_b" the metric "b_loss" of "a"."""

    def b_loss(y_true, y_pred):
        return 0.0

    x = nf.Input(4)
    model = nf.Model(x, [nf.Linear(4, 1, name=name)(x) for name in names], seed=0)
    with pytest.raises(ValueError, match=r"two values would be called '(val_loss|a_b_loss)' in the history"):
        model.compile("sgd", "mse", metrics=[[b_loss], []])

    def val_loss(y_true, y_pred):
        return 0.0

    with pytest.raises(ValueError, match="would be called 'val_loss'"):
        nf.Sequential(nf.Linear(4, 1)).compile("sgd", "mse", metrics=[val_loss])
