"""Networks of the pure-NumPy reference to test with, and an epoch of training."""

import numpy as np

from nnfast.reference import Graph, Model, Totals


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
