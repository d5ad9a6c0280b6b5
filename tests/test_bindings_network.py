"""Graph, Model and Totals of the compiled module: conversions of samples, views, refusals, one thread at a
time.

What is learned is tested elsewhere; here it is whether arrays arrive, and whether bad ones are turned away.
"""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from nnfast import _core
from nnfast import reference as ref

from .arrays import both_floats, normal, views
from .tolerances import TANH_ULP, assert_close, both, exact, product_bound


def dense_model(dtype=np.float32, inputs=5, hidden=7, outputs=3, seed=1):
    """input - linear - tanh - linear, with random parameters."""
    graph = _core.Graph()
    node = graph.input([inputs])
    node = graph.node("linear", [node], out_features=hidden, bias=True)
    node = graph.node("tanh", [node])
    graph.output(graph.node("linear", [node], out_features=outputs))
    model = _core.Model(graph, np.dtype(dtype).name)
    fill(model, seed)
    return model


def fill(model, seed):
    for i, (_, _, view) in enumerate(model.params()):
        view[...] = normal(view.shape, view.dtype, seed, i)


def twin(model, x):
    """What dense_model yields, in float64, and how far it may be from that."""
    w1, b1, w2, b2 = (view for _, _, view in model.params())
    dtype = w1.dtype
    hidden = ref.linear(exact(x), exact(w1), exact(b1), activation="tanh")
    error = product_bound(x, w1.T, dtype, extra=1) + both(x.shape[1] + 1, dtype) * np.abs(b1)
    error = error + both(2 * TANH_ULP, dtype) * np.abs(hidden)  # |tanh'| <= 1
    bound = error @ np.abs(exact(w2)).T + product_bound(hidden, w2.T, dtype, extra=1)
    return ref.linear(hidden, exact(w2), exact(b2)), bound + both(len(b1) + 1, dtype) * np.abs(exact(b2))


def train(model, x, y, order=None, batch=4, seconds=0.0):
    totals = _core.Totals()
    n = len(x) if order is None else len(order)
    done = model.train(x, y, order, batch, 0, -(-n // batch), seconds, totals)
    return totals, done


# ---------------------------------------------------------------- graph


def test_graph():
    graph = _core.Graph()
    image = graph.input((3, 8, 9))
    conv = graph.node("conv2d", [image], out_channels=4, kernel_size=[3, 2], padding=(1, 1, 0, 0), bias=False)
    assert (image, conv) == (0, 1)
    assert graph.shape(conv) == (4, 8, 8)
    flat = graph.node("flatten", (graph.node("max_pool2d", [conv], kernel_size=2),))
    assert graph.shape(flat) == (64,)
    left, right = (graph.node("linear", [flat], out_features=5) for _ in range(2))
    assert graph.shape(graph.node("add", [left, right])) == (5,)
    graph.output(left)
    assert _core.Model(graph, "float64").predict(np.zeros((2, 3, 8, 9))).shape == (2, 5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda g: g.input(3), TypeError, "input: shape"),
        (lambda g: g.input(["a"]), TypeError, "input: shape"),
        (lambda g: g.input([0]), ValueError, "input: shape"),
        (lambda g: g.input([]), ValueError, "input: shape"),
        (lambda g: g.node("lineal", [0], out_features=3), ValueError, "lineal"),
        (lambda g: g.node(3, [0]), TypeError, "node: op"),
        (lambda g: g.node("linear", 0, out_features=3), TypeError, "linear: inputs"),
        (lambda g: g.node("linear", [7], out_features=3), ValueError, "linear: inputs"),
        (lambda g: g.node("linear", [-1], out_features=3), ValueError, "linear: inputs"),
        (lambda g: g.node("linear", [0.0], out_features=3), TypeError, "linear: inputs"),
        (lambda g: g.node("linear", [0]), ValueError, "linear: out_features"),
        (lambda g: g.node("linear", [0], out_features="three"), TypeError, "linear: out_features"),
        (lambda g: g.node("linear", [0], out_features=2.5), ValueError, "linear: out_features"),
        (lambda g: g.node("linear", [0], out_features=[1] * 5), ValueError, "linear: out_features"),
        (lambda g: g.node("linear", [0], out_features=3, flavour=1), ValueError, "flavour"),
        (lambda g: g.node("dropout", [0], p=1.5), ValueError, "dropout: p"),
        (lambda g: g.shape(9), ValueError, "node"),
        (lambda g: g.output(-2), ValueError, "output: node"),
        (lambda g: _core.Model(g, "float16"), ValueError, "Model: dtype"),
        (lambda g: _core.Model(g, np.float32), TypeError, "Model: dtype"),
    ],
)
def test_graph_refusals(call, error, words):
    graph = _core.Graph()
    graph.input([4])
    with pytest.raises(error, match=words):
        call(graph)
    assert graph.node("relu", [0]) == 1  # nothing was added


def test_empty_graph():
    with pytest.raises(ValueError, match="graph"):
        _core.Model(_core.Graph(), "float32")


# ---------------------------------------------------------------- views of parameters, gradients and states


@both_floats
def test_parameters(dtype):
    model = dense_model(dtype)
    params = model.params()
    assert [(name, view.shape) for _, name, view in params] == [
        ("weight", (7, 5)), ("bias", (7,)), ("weight", (3, 7)), ("bias", (3,)),
    ]  # fmt: skip
    b2 = params[3][2]
    assert all(view.dtype == dtype and view.flags.writeable for _, _, view in params)
    x = normal((6, 5), dtype, 3)
    assert_close(model.predict(x), *twin(model, x))
    b2 += 1  # views are the parameters themselves
    np.testing.assert_array_equal(model.params()[3][2], b2)
    assert_close(model.predict(x), *twin(model, x))
    assert [g.shape for g in model.gradients()] == [view.shape for _, _, view in params]


def test_states():
    model = dense_model()
    assert model.states(0) == model.states(1) == []
    model.set_optimizer("adam", lr=0.01)
    assert [s.shape for s in model.states(1)] == [(7, 5), (7,), (3, 7), (3,)]
    model.set_optimizer("sgd", lr=0.01)
    assert model.states(0) == []
    model.set_optimizer("sgd", lr=0.01, momentum=0.9)
    assert len(model.states(0)) == 4
    assert model.states(1) == []
    for bad, error in ((3, ValueError), (-1, ValueError), ("m", TypeError)):
        with pytest.raises(error, match="states: which"):
            model.states(bad)


def test_views_keep_the_model_alive():
    model = dense_model()
    alive = weakref.finalize(model, lambda: None)
    views_of_it = [model.params()[0][2], model.gradients()[1]]
    expected = views_of_it[0].copy()
    del model
    gc.collect()
    assert alive.alive
    np.testing.assert_array_equal(views_of_it[0], expected)
    del views_of_it
    gc.collect()
    assert not alive.alive


def test_old_state_views_stay_readable():
    """Views of states that another optimizer replaced never point into freed memory: the buffer is kept, and
    zeroed when an optimizer takes it again."""
    model = dense_model()
    model.set_optimizer("adam", lr=0.01)
    old = model.states(1)
    old[0][...] = 3
    for kind in ("sgd", "rmsprop", "adam", "sgd"):
        model.set_optimizer(kind, lr=0.01)
        _ = [np.full(old[0].size, 7, np.float32) for _ in range(50)]  # would take freed memory over
    np.testing.assert_array_equal(old[0], np.zeros(old[0].shape, np.float32))  # the second Adam's


# ---------------------------------------------------------------- samples


@both_floats
def test_sample_dtypes(dtype):
    """Every numeric dtype arrives as its values do in the model's dtype."""
    model = dense_model(dtype)
    x = np.random.default_rng(1).integers(0, 2, (9, 5))
    expected = model.predict(x.astype(dtype))
    for kind in "?bBhHiIlqefd":
        np.testing.assert_array_equal(model.predict(x.astype(kind)), expected)
    np.testing.assert_array_equal(model.predict(x.tolist()), expected)
    np.testing.assert_array_equal(model.predict(x.astype(">f4")), expected)
    for kind in ("Q", "F", "g", object, "U3", "M8[s]"):
        with pytest.raises(TypeError, match=r"predict: x: expected .* got dtype"):
            model.predict(np.zeros((2, 5), kind))


@both_floats
def test_sample_layouts(dtype):
    model = dense_model(dtype)
    x = normal((8, 5), dtype, 1)
    expected = model.predict(x)
    for _, view in views(x):
        np.testing.assert_array_equal(model.predict(view), expected)
    wide = np.zeros((8, 9), dtype)
    wide[:, 2:7] = x
    np.testing.assert_array_equal(model.predict(wide[:, 2:7]), expected)
    np.testing.assert_array_equal(model.predict(x[::-1])[::-1], expected)
    np.testing.assert_array_equal(model.predict(np.repeat(x, 2, axis=0)[::2]), expected)
    same = np.broadcast_to(x[3], (8, 5))
    np.testing.assert_array_equal(model.predict(same), model.predict(same.copy()))
    np.testing.assert_array_equal(model.predict(x.reshape(8, 5, 1)), expected)
    assert_close(model.predict(x[:1]), *twin(model, x[:1]))
    assert model.predict(x[:0]).shape == (0, 3)


@both_floats
def test_predict_batches(dtype):
    model = dense_model(dtype)
    x = normal((1003, 5), dtype, 1)
    expected = np.concatenate([model.predict(x[i : i + 64], batch=64) for i in range(0, 1003, 64)])
    np.testing.assert_array_equal(model.predict(x, batch=64), expected)
    out = np.full((1003, 3), np.nan, dtype)
    assert model.predict(x, 64, out) is out
    np.testing.assert_array_equal(out, expected)


def test_predict_out():
    model = dense_model(outputs=5)
    x = normal((4, 5), np.float32, 1)
    for out, error in (
        (np.zeros((4, 5)), TypeError),
        (np.zeros((4, 4), np.float32), ValueError),
        (np.zeros((5, 4), np.float32).T, ValueError),
        (x, ValueError),
        ([], TypeError),
    ):
        with pytest.raises(error, match=r"^predict: out: expected"):
            model.predict(x, out=out)


def test_several_inputs():
    graph = _core.Graph()
    a, b = graph.input([3]), graph.input([4])
    left, right = (graph.node("linear", [i], out_features=2) for i in (a, b))
    graph.output(graph.node("add", [left, right]))
    model = _core.Model(graph, "float64")
    fill(model, 1)
    x, y = normal((5, 3), np.float64, 1), normal((5, 4), np.float64, 2)
    w = [view for _, _, view in model.params()]
    expected = x @ w[0].T + w[1] + y @ w[2].T + w[3]
    np.testing.assert_allclose(model.predict([x, y]), expected, rtol=1e-13, atol=1e-13)
    for bad in (x, [x], [x, y, y]):
        with pytest.raises(TypeError, match="predict: x: expected a list of 2 arrays"):
            model.predict(bad)
    with pytest.raises(
        ValueError, match="predict: x: expected arrays of the same number of samples, got 5 and 4"
    ):
        model.predict([x, y[:4]])
    model.forward([x, y], training=True)
    gx = model.backward(np.ones((5, 2)), need_input_grad=True)
    for found, weight in zip(gx, (w[0], w[2]), strict=True):
        np.testing.assert_allclose(found, np.ones((5, 2)) @ weight, rtol=1e-13)


# ---------------------------------------------------------------- training


def test_targets():
    x, labels = normal((10, 5), np.float32, 1), np.arange(10) % 3
    reference_totals = None
    for kind in "bBhHiIlq":
        model = dense_model()
        model.set_loss("cross_entropy")
        model.set_optimizer("sgd", lr=0.1)
        totals, done = train(model, x, labels.astype(kind))
        assert (done, totals.samples, totals.steps) == (3, 10, 3)
        reference_totals = reference_totals or totals.loss
        assert totals.loss == reference_totals
    model = dense_model()
    model.set_loss("cross_entropy")
    model.set_optimizer("sgd", lr=0.1)
    one_hot = np.eye(3, dtype=np.float32)[labels]
    assert train(model, x, one_hot)[0].loss == pytest.approx(reference_totals, rel=1e-5)


def test_order_and_totals():
    x, y = normal((9, 5), np.float64, 1), normal((9, 3), np.float64, 2)
    one, two = dense_model(np.float64), dense_model(np.float64)
    order = np.random.default_rng(1).permutation(9)
    for model in (one, two):
        model.set_loss("mse_loss")
        model.set_optimizer("adam", lr=0.01)
    first, _ = train(one, x, y, order.astype(np.int32))
    second, _ = train(two, x[order], y[order])
    assert first.loss == second.loss
    assert (first.samples, first.outputs, first.steps) == (9, 3, 3)
    for (_, _, a), (_, _, b) in zip(one.params(), two.params(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.step_count == 3
    before = [view.copy() for _, _, view in one.params()]
    totals = _core.Totals()
    assert one.evaluate(x, y, 4, 0, 3, 0.0, totals) == 3
    assert totals.squared_error == pytest.approx(totals.loss * 3)
    for (_, _, a), b in zip(one.params(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_non_finite_loss():
    """FloatingPointError, with the steps before it counted and nothing of the bad step applied."""
    x, y = normal((12, 5), np.float32, 1), normal((12, 3), np.float32, 2)
    model = dense_model()
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=0.01)
    train(model, x[:8], y[:8])
    trained = [view.copy() for _, _, view in model.params()]
    y[9] = np.nan
    model, totals = dense_model(), _core.Totals()
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=0.01)
    with pytest.raises(FloatingPointError, match="step"):
        model.train(x, y, None, 4, 0, 3, 0.0, totals)
    assert (totals.steps, totals.samples, model.step_count) == (2, 8, 2)
    for (_, _, a), b in zip(model.params(), trained, strict=True):
        np.testing.assert_array_equal(a, b)


def test_time_limit():
    x, y = normal((4000, 5), np.float32, 1), normal((4000, 3), np.float32, 2)
    model, totals = dense_model(), _core.Totals()
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=1e-3)
    done = model.train(x, y, None, 1, 0, 4000, 1e-9, totals)
    assert done == 1 == totals.steps
    assert model.train(x, y, None, 1, done, 4000, 0.0, totals) == 3999


def refuse_train(error, words, x=None, y=None, order=None, batch=4, first=0, last=1, loss="mse_loss"):
    model = dense_model()
    model.set_loss(loss)
    model.set_optimizer("sgd", lr=0.1)
    x = np.zeros((8, 5), np.float32) if x is None else x
    y = np.zeros((8, 3), np.float32) if y is None else y
    before = [view.copy() for _, _, view in model.params()]
    with pytest.raises(error, match=words):
        model.train(x, y, order, batch, first, last, 0.0, _core.Totals())
    for (_, _, a), b in zip(model.params(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.step_count == 0


def test_train_refusals():
    refuse_train(ValueError, r"train: x: expected shape \(n, 5\), got \(8, 6\)", x=np.zeros((8, 6)))
    refuse_train(ValueError, r"train: y: expected shape \(n, 3\), got \(8, 4\)", y=np.zeros((8, 4)))
    refuse_train(ValueError, r"train: y: expected shape \(n, 3\), got \(8,\)", y=np.zeros(8))
    refuse_train(ValueError, "train: y: expected 8 samples, as many as x has, got 7", y=np.zeros((7, 3)))
    refuse_train(TypeError, "train: x", x="text")
    refuse_train(ValueError, "train: x", x=1.0)
    refuse_train(TypeError, "train: y: expected integer class labels", y=np.zeros(8), loss="cross_entropy")
    refuse_train(TypeError, "train: y: expected integer class labels", y=np.zeros((8, 1)), loss="nll_loss")
    refuse_train(ValueError, "classes in 0..2, got 3", y=np.full(8, 3), loss="cross_entropy")
    refuse_train(ValueError, "classes in 0..2, got -1", y=np.full(8, -1), loss="nll_loss")
    refuse_train(ValueError, "order: expected indices 0..7, got 8", order=np.array([0, 1, 8, 3]))
    refuse_train(ValueError, "order: expected indices 0..7, got -1", order=np.array([0, -1, 2, 3]))
    refuse_train(ValueError, "train: order: expected 1 dimension", order=np.zeros((2, 2), int))
    refuse_train(TypeError, "train: order: expected integers", order=np.zeros(4))
    refuse_train(ValueError, "train: batch", batch=0)
    refuse_train(TypeError, "train: batch", batch=1.5)
    refuse_train(ValueError, "first <= last", first=2, last=1)
    refuse_train(ValueError, "first <= last", last=3)
    refuse_train(ValueError, "first <= last", first=-1)


def test_settings_refusals():
    model = dense_model()
    with pytest.raises(ValueError, match="set_loss: loss: expected one of 'mse_loss', 'quadratic_cost'"):
        model.set_loss("hinge")
    with pytest.raises(ValueError, match="reduction"):
        model.set_loss("mse_loss", "none")
    with pytest.raises(ValueError, match="set_optimizer: kind: expected one of 'sgd', 'rmsprop', 'adam'"):
        model.set_optimizer("lbfgs", lr=0.1)
    for options, words in (
        ({"lr": -1.0}, "lr"),
        ({"lr": "fast"}, "lr"),
        ({"lr": 0.1, "momentum": -1}, "momentum"),
        ({"lr": 0.1, "nesterov": True}, "nesterov"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            model.set_optimizer("sgd", **options)
    with pytest.raises(ValueError, match="beta2"):
        model.set_optimizer("adam", lr=0.1, beta2=1.0)
    with pytest.raises(ValueError, match="set_seed: seed"):
        model.set_seed(-1)
    with pytest.raises(ValueError, match="step"):
        model.step_count = -1
    with pytest.raises(TypeError, match="step_count"):
        model.step_count = 1.5
    x, y = np.zeros((2, 5), np.float32), np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="set_loss"):
        train(model, x, y)
    model.set_loss("mse_loss")
    with pytest.raises(ValueError, match="optimizer"):
        train(model, x, y)
    with pytest.raises(ValueError, match="optimizer"):
        model.step()


# ---------------------------------------------------------------- training by hand


@both_floats
def test_forward_backward(dtype):
    """Shapes, accumulation and order; central differences are the engine's tests."""
    model = dense_model(dtype)
    x, g = normal((6, 5), dtype, 1), normal((6, 3), dtype, 2)
    y = model.forward(x, training=True)
    np.testing.assert_array_equal(y, model.predict(x))
    gx = model.backward(g, need_input_grad=True)
    assert gx.shape == x.shape
    assert gx.dtype == dtype
    once = [v.copy() for v in model.gradients()]
    np.testing.assert_allclose(once[3], g.sum(axis=0), rtol=0, atol=8 * np.finfo(dtype).eps * np.abs(g).sum())
    model.forward(x, True)
    assert model.backward(g, accumulate=True) is None
    for a, b in zip(model.gradients(), once, strict=True):
        np.testing.assert_allclose(a, 2 * b, rtol=4 * np.finfo(dtype).eps)


def test_backward_refusals():
    model = dense_model()
    x, g = normal((6, 5), np.float32, 1), normal((6, 3), np.float32, 2)
    with pytest.raises(ValueError, match="backward: expected a call of forward"):
        model.backward(g)
    model.forward(x)
    with pytest.raises(ValueError, match="backward: expected a call of forward"):
        model.backward(g)
    model.forward(x, True)
    with pytest.raises(ValueError, match=r"backward: grad_output: expected shape \(6, 3\), got \(5, 3\)"):
        model.backward(g[:5])
    with pytest.raises(TypeError, match="backward: grad_output: expected dtype float32"):
        model.backward(g.astype(np.float64))
    model.backward(g)  # a refusal has not used the forward up
    with pytest.raises(ValueError, match="backward: expected a call of forward"):
        model.backward(g)
    with pytest.raises(ValueError, match="forward: x: expected at least one sample"):
        model.forward(x[:0], True)
    assert model.forward(x[:0]).shape == (0, 3)


def test_plan():
    arena, naive = dense_model().plan(32, True)
    assert 0 < arena <= naive
    for bad in (0, -1):
        with pytest.raises(ValueError, match="plan: batch"):
            dense_model().plan(bad, True)


def test_enormous_batches_are_one_batch():
    model, (x, y) = dense_model(), (normal((6, 5), np.float32, 1), normal((6, 3), np.float32, 2))
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=1e-3)
    for batch in (2**63 - 1, 2**62, 2**40):
        totals = _core.Totals()
        assert model.train(x, y, None, batch, 0, 1, 0.0, totals) == 1
        assert model.evaluate(x, y, batch, 0, 1, 0.0, totals) == 1
        assert totals.samples == 12
        np.testing.assert_array_equal(model.predict(x, batch), model.predict(x, 6))


# ---------------------------------------------------------------- one thread at a time


def test_second_thread_is_refused():
    """A second thread gets a RuntimeError, the first goes on unharmed, then the model is free again."""
    model = dense_model(hidden=300)
    model.set_loss("mse_loss")
    model.set_optimizer("sgd", lr=1e-3)
    x, y = normal((20_000, 5), np.float32, 1), normal((20_000, 3), np.float32, 2)
    outcome = []

    def work():
        totals = _core.Totals()
        outcome.append(model.train(x, y, None, 1, 0, 20_000, 3.0, totals))

    thread = threading.Thread(target=work)
    thread.start()
    refused = 0
    deadline = time.perf_counter() + 2.5
    calls = [
        lambda: model.forward(x[:2]),
        model.params,
        lambda: model.set_seed(1),
        lambda: model.step_count,
        model.step,
    ]
    while refused < 50 and thread.is_alive() and time.perf_counter() < deadline:
        try:
            calls[refused % len(calls)]()
        except RuntimeError as error:
            assert str(error) == "model is in use by another thread"
            refused += 1
        time.sleep(0)
    thread.join()
    assert refused > 0
    assert outcome[0] > 0
    assert model.predict(x[:2]).shape == (2, 3)


def test_predictions_of_many_threads_wait_for_each_other():
    model = dense_model(hidden=300)
    model.set_loss("mse_loss")
    x, y = normal((3000, 5), np.float32, 1), normal((3000, 3), np.float32, 2)
    expected, outcome = model.predict(x), []

    def predict():
        for _ in range(8):
            outcome.append(np.array_equal(model.predict(x), expected))

    def evaluate():
        for _ in range(8):
            totals = _core.Totals()
            model.evaluate(x, y, 256, 0, 12, 0.0, totals)
            outcome.append(totals.samples == 3000)

    threads = [threading.Thread(target=work) for work in (predict, evaluate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcome == [True] * 64


def test_a_call_from_within_a_call_is_refused():
    """It would wait for itself."""
    model = dense_model()

    def again():
        with pytest.raises(RuntimeError, match="model is in use by a call that this one is part of"):
            model.predict(np.zeros((2, 5), np.float32))
        return np.zeros((2, 5), np.float32)

    class Reader:
        def __array__(self, dtype=None, copy=None):
            return again()

    np.testing.assert_array_equal(model.predict(Reader()), model.predict(np.zeros((2, 5), np.float32)))
