"""The reference's models in pieces: custom loops, several inputs, states, prediction, and errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_networks import build, filled, mlp, train_all

from nnfast import reference as ref
from nnfast.reference import Graph, Model, Totals


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
    gx = model.backward(y, need_input_grad=True)
    assert_allclose(gx[0], (y @ model.params()[0][2]).reshape(x[0].shape), rtol=1e-13)
    assert_allclose(gx[1], y @ model.params()[2][2], rtol=1e-13)


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
        (ValueError, "states: which: expected", lambda m, x, y: m.states(3)),
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
