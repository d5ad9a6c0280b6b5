"""What an optimizer's first step is, also when it comes late: its states count, not the model's steps.

Held against the formulas by hand, on a model of one weight: y = w x with x = 1, mean squared error to a
target of 0, so that the gradient is 2 w.
"""

import ctypes

import numpy as np
import pytest

import nnfast as nf
from nnfast import _core

X, Y = np.ones((1, 1)), np.zeros((1, 1))


def one_weight(optimizer, backend, w=1.0):
    model = nf.Sequential(nf.Linear(1, 1, bias=False), dtype="float64", seed=0)
    model.compile(optimizer, "mse_loss", backend=backend)
    model.load_state_dict({"0.weight": np.full((1, 1), w)})
    return model


def weight(model):
    return model.state_dict()["0.weight"].item()


def step(model):
    before = weight(model)
    model.train_batch(X, Y)
    return before - weight(model)


backends = pytest.mark.parametrize("backend", ["native", "reference"])


@backends
def test_adam_after_many_other_steps_corrects_its_bias_from_one(backend):
    model = one_weight(nf.SGD(lr=0.0), backend)
    for _ in range(100):
        model.train_batch(X, Y)
    model.optimizer = nf.Adam(lr=1e-3)
    # First step of Adam: m / bias1 = g, v / bias2 = g^2, hence lr * sign(g).
    assert step(model) == pytest.approx(1e-3, rel=1e-6)


@backends
def test_momentum_switched_on_late_starts_with_the_gradient(backend):
    model = one_weight(nf.SGD(lr=0.0), backend)
    for _ in range(3):
        model.train_batch(X, Y)
    model.optimizer = nf.SGD(lr=0.1, momentum=0.9, dampening=0.9)
    # PyTorch: the buffer starts as the gradient itself, dampening counts from the second step.
    assert step(model) == pytest.approx(0.1 * 2.0, rel=1e-12)


@backends
def test_a_changed_rate_goes_on_counting(backend):
    model, same = (one_weight(nf.Adam(lr=1e-3), backend) for _ in range(2))
    for _ in range(5):
        model.train_batch(X, Y)
        same.train_batch(X, Y)
    model.optimizer = nf.Adam(lr=2e-3)
    # An optimizer of the same kind keeps its states and their count; only the rate is new.
    assert step(model) == pytest.approx(2 * step(same), rel=1e-12)


@backends
def test_a_pending_forward_outlives_predictions_of_growing_batches(backend):
    model = one_weight(nf.SGD(lr=0.1), backend, w=3.0)
    model.forward(np.full((2, 1), 5.0), training=True)
    for n in range(1, 40, 3):
        model.predict(np.zeros((n, 1)), batch_size=n)
    model.backward(np.ones((2, 1)))
    assert model.gradients()["0.weight"].item() == 10.0


@backends
def test_accuracy_counts_nan_as_the_largest_output(backend):
    model = nf.Sequential(nf.Linear(1, 3), seed=0)
    model.compile("sgd", "cross_entropy", metrics=["accuracy"], backend=backend)
    model.load_state_dict({"0.weight": np.zeros((3, 1)), "0.bias": np.array([0, 0, np.nan])})
    assert model.evaluate(np.ones((4, 1)), np.full(4, 2))["accuracy"] == 1.0


def test_null_pointers_are_refused_by_the_c_interface():
    lib = ctypes.CDLL(_core.library_path())
    lib.nnf_last_error.restype = ctypes.c_char_p

    class Source(ctypes.Structure):
        _fields_ = [
            ("data", ctypes.c_void_p),
            ("type", ctypes.c_int),
            ("rows", ctypes.c_int64),
            ("row_size", ctypes.c_int64),
            ("row_stride", ctypes.c_int64),
        ]

    class Attr(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("count", ctypes.c_int), ("values", ctypes.c_double * 4)]

    graph, model, node = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int()
    assert lib.nnf_graph_new(ctypes.byref(graph)) == 0
    assert lib.nnf_graph_input(graph, 1, (ctypes.c_int64 * 1)(2), ctypes.byref(node)) == 0
    features = Attr(b"out_features", 1, (ctypes.c_double * 4)(3))
    inputs = (ctypes.c_int * 1)(0)
    assert lib.nnf_graph_node(graph, b"linear", 1, inputs, 1, ctypes.byref(features), ctypes.byref(node)) == 0
    assert lib.nnf_model_new(graph, 0, ctypes.byref(model)) == 0
    x, out = np.ones((1, 2), np.float32), np.zeros((1, 3), np.float32)
    source = Source(x.ctypes.data, 0, 1, 2, 2)
    assert lib.nnf_model_forward(model, ctypes.byref(source), 1, None) == 1
    assert b"out" in lib.nnf_last_error()
    outputs = (ctypes.c_void_p * 1)(None)
    assert lib.nnf_model_forward(model, ctypes.byref(source), 1, outputs) == 1
    assert b"out" in lib.nnf_last_error()
    outputs[0] = out.ctypes.data
    assert lib.nnf_model_forward(model, ctypes.byref(source), 1, outputs) == 0
    assert lib.nnf_model_backward(model, None, 0, None) == 1
    assert b"grad_output" in lib.nnf_last_error()
    assert lib.nnf_graph_outputs(graph, 0, None) == 1
    assert lib.nnf_graph_outputs(graph, 1, None) == 1
    assert b"nodes" in lib.nnf_last_error()
    lib.nnf_model_free(model)
    lib.nnf_graph_free(graph)
