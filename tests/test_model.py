"""`Sequential` as a user meets it: making, compiling, predicting, training by hand, refusals."""

import copy
import warnings

import numpy as np
import pytest

import nnfast as nf


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


@pytest.fixture
def xor():
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def classifier(
    backend="native", *, seed=0, dtype="float32", optimizer="adam", metrics=("accuracy",), **options
):
    model = nf.Sequential(nf.Linear(2, 8), nf.Tanh(), nf.Linear(8, 2), seed=seed, dtype=dtype, **options)
    model.compile(optimizer, "cross_entropy", metrics, backend=backend)
    return model


def snapshot(model):
    """Everything a failed call must leave alone."""
    core = model._core
    return (
        model.state_dict(),
        core.step_count,
        [s.copy() for which in (0, 1) for s in core.states(which)],
        model._epochs_seen,
        model.input_shape,
    )


def assert_unchanged(model, before):
    after = snapshot(model)
    assert after[1] == before[1] and after[3:] == before[3:]
    for name, array in before[0].items():
        np.testing.assert_array_equal(after[0][name], array)
    for a, b in zip(after[2], before[2], strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------- making


def test_layers_as_arguments_or_as_a_list():
    one = nf.Sequential(nf.Linear(2, 3), nf.ReLU(), seed=1)
    two = nf.Sequential([nf.Linear(2, 3), nf.ReLU()], seed=1)
    assert [type(layer) for layer in one.layers] == [type(layer) for layer in two.layers]
    np.testing.assert_array_equal(one.layers[0].weight, two.layers[0].weight)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nf.Sequential(), ValueError, "layers: expected at least one layer"),
        (lambda: nf.Sequential(nf.ReLU), TypeError, r"layers\[0\]: .*got the class: write nf.ReLU"),
        (lambda: nf.Sequential(nf.ReLU(), "relu"), TypeError, r"layers\[1\]: expected a layer, got 'relu'"),
        (lambda: nf.Sequential([nf.ReLU()] * 2), ValueError, r"layers\[1\]: .*listed twice"),
        (
            lambda: nf.Sequential(nf.ReLU(name="a"), nf.Tanh(name="a")),
            ValueError,
            r"layers\[1\]: the name 'a' occurs more than once",
        ),
        (lambda: nf.Sequential(nf.ReLU(), dtype="float16"), TypeError, "dtype: .*got 'float16'"),
        (lambda: nf.Sequential(nf.ReLU(), dtype="nonsense"), TypeError, "dtype: .*got 'nonsense'"),
        (lambda: nf.Sequential(nf.ReLU(), seed=-1), ValueError, r"seed: expected 0..\d+, got -1"),
        (lambda: nf.Sequential(nf.ReLU(), seed=1.5), TypeError, "seed: expected an integer"),
        (lambda: nf.Sequential(nf.ReLU(), input_shape=()), ValueError, "input_shape: expected at least one"),
        (
            lambda: nf.Sequential(nf.ReLU(), input_shape=(3, 0)),
            ValueError,
            "input_shape: expected at least 1",
        ),
    ],
)
def test_bad_models_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_layer_has_one_model():
    layer = nf.Linear(2, 2)
    first = nf.Sequential(layer)
    with pytest.raises(ValueError, match="belongs to another model"):
        nf.Sequential(layer)
    assert nf.Sequential(copy.copy(layer)).output_shape == (2,)
    del first
    assert nf.Sequential(layer).output_shape == (2,)


def test_input_shape_from_the_data(backend):
    model = nf.Sequential(nf.Flatten(), nf.Linear(out_features=3), seed=0)
    model.compile(backend=backend)
    assert model.input_shape is None
    with pytest.raises(ValueError, match="summary: the model's input shape is not known yet"):
        model.summary()
    assert model.predict(np.ones((2, 4, 5))).shape == (2, 3)
    assert model.input_shape == (4, 5)
    with pytest.raises(ValueError, match=r"predict: x: expected shape \(n, 4, 5\), got \(2, 20\)"):
        model.predict(np.ones((2, 20)))


def test_a_failed_call_does_not_decide_the_input_shape():
    model = nf.Sequential(nf.Flatten(), nf.Linear(out_features=3))
    model.compile("adam", "cross_entropy")
    with pytest.raises(ValueError, match=r"labels in 0\.\.2"):
        model.fit(np.ones((2, 9)), [0, 3])
    assert model.input_shape is None and model.layers[1].in_features is None
    model.fit(np.ones((2, 4, 4)), [0, 2], verbose=0)
    assert model.input_shape == (4, 4)


def test_seeds_decide_weights():
    same, other = classifier(seed=3), classifier(seed=4)
    again = classifier(seed=3)
    np.testing.assert_array_equal(again.layers[0].weight, same.layers[0].weight)
    assert (same.layers[0].weight != other.layers[0].weight).all()
    assert classifier(seed=None).seed != classifier(seed=None).seed


def test_backends_start_from_the_same_weights():
    a, b = classifier("native").state_dict(), classifier("reference").state_dict()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


# ---------------------------------------------------------------- compile


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"optimizer": "lion"},
            ValueError,
            "optimizer: expected one of 'sgd', 'rmsprop', 'adam', 'adamw', .*, got 'lion'",
        ),
        ({"optimizer": nf.Adam}, TypeError, r"optimizer: .*write nf.Adam\(\)"),
        ({"optimizer": 0.1}, TypeError, "optimizer: expected one of"),
        ({"loss": "triplet"}, ValueError, "loss: expected one of .*got 'triplet'"),
        ({"loss": nf.MSELoss}, TypeError, r"loss: .*write nf.MSELoss\(\)"),
        ({"metrics": ["f3"]}, ValueError, "metrics: expected .*accuracy.*got 'f3'"),
        ({"metrics": [3]}, TypeError, "metrics: expected names and callables, got 3"),
        ({"metrics": ["accuracy", "accuracy"]}, ValueError, "'accuracy' occurs more than once"),
        ({"backend": "torch"}, ValueError, "backend: expected one of 'native', 'reference', got 'torch'"),
        (
            {"loss": "cross_entropy", "metrics": ["mae"]},
            ValueError,
            "'mae' .*needs a loss such as 'mse_loss'",
        ),
    ],
)
def test_bad_compile_arguments_change_nothing(arguments, error, message):
    model = classifier(input_shape=2)
    model.train_batch([[0, 1]], [1])
    before, compiled = snapshot(model), (model.optimizer, model.loss)
    with pytest.raises(error, match=message):
        model.compile(**arguments)
    assert (model.optimizer, model.loss) == compiled
    assert_unchanged(model, before)


def test_losses_and_metrics_must_fit_the_output():
    one = nf.Sequential(nf.Linear(4, 1), input_shape=4)
    with pytest.raises(ValueError, match=r"cross_entropy needs outputs of shape .* has the shape \(1,\)"):
        one.compile(loss="cross_entropy")
    with pytest.raises(ValueError, match="'accuracy' compares the largest of two or more outputs"):
        one.compile(loss="mse", metrics="accuracy")
    image = nf.Sequential(nf.Conv2d(1, 2, 3))
    image.compile(loss="cross_entropy")
    with pytest.raises(ValueError, match=r"cross_entropy needs outputs of shape \(classes,\)"):
        image.fit(np.zeros((2, 1, 5, 5)), [0, 1])


@pytest.mark.parametrize(
    ("last", "loss", "message"),
    [
        (nf.Softmax, "cross_entropy", "cross_entropy takes logits.*remove the last layer.*nf.softmax"),
        (nf.Softmax, "nll_loss", "takes log-probabilities.*LogSoftmax"),
        (nf.Tanh, "nll_loss", "ends with Tanh"),
    ],
)
def test_a_last_layer_that_does_not_go_with_the_loss_warns(last, loss, message):
    model = nf.Sequential(nf.Linear(2, 2), last())
    with pytest.warns(UserWarning, match=message) as caught:
        model.compile(loss=loss)
    assert caught[0].filename == __file__


def test_a_fitting_last_layer_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nf.Sequential(nf.Linear(2, 2)).compile(loss="cross_entropy")
        nf.Sequential(nf.Linear(2, 2), nf.LogSoftmax()).compile(loss="nll_loss")
        nf.Sequential(nf.Linear(2, 2), nf.Softmax()).compile(loss="mse_loss")


def test_compiling_again_keeps_weights_and_starts_the_optimizer_anew(xor, backend):
    model = classifier(backend)
    model.fit(*xor, epochs=3, verbose=0)
    weights = model.state_dict()
    model.compile("adam", "cross_entropy", backend=backend)
    fresh = classifier(backend)
    fresh.load_state_dict(weights)
    assert model._core.step_count == 0
    model.train_batch(*xor)
    fresh.train_batch(*xor)
    for name, array in fresh.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_changing_the_backend_keeps_the_weights(xor):
    model = classifier("native")
    model.fit(*xor, epochs=3, verbose=0)
    weights, native = model.state_dict(), model.predict(xor[0])
    model.compile("adam", "cross_entropy", backend="reference")
    assert model.backend == "reference"
    for name, array in weights.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)
    # Sums of at most 8 products of numbers near 1.
    np.testing.assert_allclose(model.predict(xor[0]), native, rtol=0, atol=32 * np.finfo(np.float32).eps)
    assert model.layers[0].weight.base is not None or model.layers[0].weight.size == 16


def test_without_a_loss_training_is_refused(xor):
    model = nf.Sequential(nf.Linear(2, 2))
    for call in (model.fit, model.evaluate, model.train_batch):
        with pytest.raises(ValueError, match=r"has no loss: call compile\(loss=...\)"):
            call(*xor)
    model.compile("adam")
    with pytest.raises(ValueError, match="fit: the model has no loss"):
        model.fit(*xor)


# ---------------------------------------------------------------- optimizers


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (nf.SGD(), "SGD(lr=0.001)"),
        (nf.SGD(0.1, 0.9, nesterov=True), "SGD(lr=0.1, momentum=0.9, nesterov=True)"),
        (nf.RMSprop(), "RMSprop(lr=0.01, weight_decay=0, alpha=0.99, eps=1e-08)"),
        (nf.Adam(), "Adam(lr=0.001, weight_decay=0, beta1=0.9, beta2=0.999, eps=1e-08)"),
    ],
)
def test_optimizer_repr(optimizer, text):
    assert repr(optimizer) == text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nf.SGD(lr=-1), ValueError, "SGD: lr: expected a finite number >= 0, got -1"),
        (lambda: nf.SGD(lr=float("nan")), ValueError, "SGD: lr:"),
        (lambda: nf.SGD(lr="0.1"), TypeError, "SGD: lr: expected a number, got '0.1'"),
        (lambda: nf.SGD(nesterov=True), ValueError, "SGD: nesterov: expected momentum > 0"),
        (lambda: nf.SGD(nesterov=1), TypeError, "SGD: nesterov: expected True or False"),
        (lambda: nf.SGD(dampening=1.5), ValueError, "SGD: dampening:"),
        (lambda: nf.RMSprop(alpha=1.0), ValueError, "RMSprop: alpha: expected a finite number >= 0 and < 1"),
        (lambda: nf.RMSprop(eps=-1e-8), ValueError, "RMSprop: eps"),
        (lambda: nf.Adam(betas=0.9), TypeError, "Adam: betas: expected a pair"),
        (lambda: nf.Adam(betas=(0.9, 1.0)), ValueError, r"Adam: betas\[1\]"),
        (lambda: nf.Adam(weight_decay=-0.1), ValueError, "Adam: weight_decay"),
    ],
)
def test_bad_optimizer_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_bad_assignment_leaves_the_setting():
    optimizer = nf.Adam(lr=0.5)
    with pytest.raises(ValueError, match="Adam: lr"):
        optimizer.lr = -1
    assert optimizer.lr == 0.5


def test_a_new_learning_rate_takes_effect_at_the_next_batch(xor, backend):
    model = classifier(backend, optimizer=nf.SGD(lr=0.5), dtype="float64")
    before = model.state_dict()
    model.train_batch(*xor)
    big = model.state_dict()["0.weight"] - before["0.weight"]
    model.load_state_dict(before)
    model.optimizer.lr = 0.25
    model.train_batch(*xor)
    np.testing.assert_allclose(
        model.state_dict()["0.weight"] - before["0.weight"], big / 2, rtol=1e-9, atol=1e-15
    )
    model.optimizer.lr = 0.0
    before = model.state_dict()
    model.fit(*xor, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before["0.weight"])


# ---------------------------------------------------------------- data


@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8", ">f8", ">i4"]
)
def test_samples_of_any_numeric_dtype(dtype, backend):
    model = classifier(backend)
    x = np.array([[0, 1], [1, 1], [1, 0]])
    np.testing.assert_array_equal(model.predict(x.astype(dtype)), model.predict(x.astype(np.float32)))


def test_strided_samples_are_the_same_samples(backend, rng):
    model = classifier(backend)
    wide = rng.normal(size=(20, 6))
    for view in (wide[:, 2:4], wide[::2, 1:3], wide[::-1, :2], wide[:, ::3], wide[:, :4:2]):
        np.testing.assert_array_equal(model.predict(view), model.predict(np.ascontiguousarray(view)))
    fortran = np.asfortranarray(wide[:, :2])
    np.testing.assert_array_equal(model.predict(fortran), model.predict(np.ascontiguousarray(fortran)))


def test_lists_are_taken(backend):
    assert classifier(backend).predict([[0, 1], [1, 0]]).shape == (2, 2)


X, Y = np.zeros((4, 2)), np.array([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.zeros((4, 3)), Y, ValueError, r"x: expected shape \(n, 2\), got \(4, 3\)"),
        (np.zeros(2), Y, ValueError, r"x: expected shape \(n, 2\), got \(2,\); for one sample use x\[None\]"),
        (np.zeros((4, 1, 2)), Y, ValueError, r"x: .*; flatten it with x.reshape\(len\(x\), -1\)"),
        (np.float64(3), Y, ValueError, "x: expected an array with samples"),
        (
            np.zeros((0, 2)),
            np.zeros(0, int),
            ValueError,
            r"x: expected at least one sample, got shape \(0, 2\)",
        ),
        (np.array([["a", "b"]]), Y, TypeError, "x: expected float, integer or bool numbers, got dtype <U1"),
        (np.zeros((4, 2), complex), Y, TypeError, "x: .*got dtype complex128"),
        (np.zeros((4, 2), np.uint64), Y, TypeError, "x: .*got uint64"),
        ([[1, 2], [3]], Y, ValueError, "x: expected an array of numbers"),
        (X, Y[:3], ValueError, "y: expected 4 samples like x, got 3"),
        (X, [0, 1, 2, 0], ValueError, r"y: expected labels in 0..1 for 2 outputs, got 2"),
        (X, [0, -1, 1, 0], ValueError, r"y: expected labels in 0..1 .*got -1"),
        (X, [0.0, 1.0, 1.0, 0.0], TypeError, r"y: expected integer class labels .*astype\(int\)"),
        (
            X,
            np.zeros((4, 3)),
            ValueError,
            r"y: expected labels \(n,\) or probabilities \(n, 2\), got shape \(4, 3\)",
        ),
        (X, None, TypeError, r"y: expected (targets beside|float, integer or bool numbers)"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_batch"])
def test_bad_data_are_refused_and_change_nothing(x, y, error, message, method, backend):
    model = classifier(backend)
    model.fit(X, Y, epochs=2, verbose=0)
    before = snapshot(model)
    with pytest.raises(error, match=f"^{method}: {message}"):
        getattr(model, method)(x, y)
    assert_unchanged(model, before)


def test_bad_image_samples_say_what_to_do():
    model = nf.Sequential(nf.Conv2d(1, 1, 3), input_shape=(1, 6, 6))
    with pytest.raises(ValueError, match=r"x\[:, None\]"):
        model.predict(np.zeros((3, 6, 6)))
    model = nf.Sequential(nf.Conv2d(3, 1, 3), input_shape=(3, 6, 5))
    with pytest.raises(ValueError, match=r"channels come first: x.transpose\(0, 3, 1, 2\)"):
        model.predict(np.zeros((2, 6, 5, 3)))


def test_targets_of_the_squared_error(backend):
    model = nf.Sequential(nf.Linear(2, 1), seed=0)
    model.compile("sgd", "mse", ["mae", "mse", "rmse"], backend=backend)
    flat, column = model.evaluate(X, Y), model.evaluate(X, Y[:, None].astype(float))
    assert flat == column
    bias = float(model.layers[0].bias[0])
    assert flat["loss"] == pytest.approx(np.mean((bias - Y) ** 2), rel=1e-6)
    assert flat["mse"] == pytest.approx(flat["loss"], rel=1e-6)
    assert flat["rmse"] == pytest.approx(flat["loss"] ** 0.5, rel=1e-6)
    assert flat["mae"] == pytest.approx(np.mean(np.abs(bias - Y)), rel=1e-6)
    two = nf.Sequential(nf.Linear(2, 2))
    two.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match=r"y: expected shape \(n, 2\) .*use the loss 'cross_entropy', or nf.one_hot"
    ):
        two.fit(X, Y)


def test_targets_of_class_losses_in_every_form(backend):
    model = classifier(backend, dtype="float64")
    plain = model.evaluate(X, Y)
    for y in (
        Y.tolist(),
        Y[:, None],
        Y.astype(np.uint8),
        Y.astype(bool),
        np.eye(2)[Y],
        np.eye(2, dtype=int)[Y],
    ):
        found = model.evaluate(X, y)
        assert found["loss"] == pytest.approx(plain["loss"], rel=1e-12)
        assert found["accuracy"] == plain["accuracy"]
    nll = nf.Sequential(nf.Linear(2, 2), nf.LogSoftmax())
    nll.compile("sgd", "nll_loss", backend=backend)
    with pytest.raises(ValueError, match=r"y: expected labels \(n,\), got shape \(4, 2\)"):
        nll.evaluate(X, np.eye(2)[Y])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size: expected at least 1, got 0"),
        ({"batch_size": 2**70}, ValueError, f"batch_size: expected 1..{2**63 - 1}, got {2**70}"),
        ({"batch_size": 2.0}, TypeError, "batch_size: expected an integer"),
        ({"epochs": -1}, ValueError, "epochs: expected at least 0, got -1"),
        ({"shuffle": "yes"}, TypeError, "shuffle: expected True or False"),
        ({"verbose": 3}, ValueError, "verbose: expected 0..2, got 3"),
        ({"validation_split": 1.0}, ValueError, "validation_split: expected a finite number >= 0 and < 1"),
        ({"validation_split": 0.01}, ValueError, "validation_split: expected two parts with samples in them"),
        ({"validation_split": 0.5, "validation_data": (X, Y)}, ValueError, "validation_split: give either"),
        ({"validation_data": X}, TypeError, r"validation_data: expected \(x, y\), .* got ndarray"),
        ({"validation_data": (X[:, :1], Y)}, ValueError, r"validation_data\[0\]: expected shape \(n, 2\)"),
        ({"validation_data": (X, Y + 1)}, ValueError, r"validation_data\[1\]: expected labels in 0..1"),
    ],
)
def test_bad_fit_options_change_nothing(options, error, message):
    model = classifier()
    model.fit(X, Y, epochs=2, verbose=0)
    before = snapshot(model)
    with pytest.raises(error, match=f"^fit: {message}"):
        model.fit(X, Y, **options)
    assert_unchanged(model, before)


@pytest.mark.parametrize("size", [2**40])
def test_the_largest_batch_size_is_one_batch(size, backend):
    one, all_of_them = classifier(backend), classifier(backend)
    one.fit(X, Y, batch_size=size, verbose=0)
    all_of_them.fit(X, Y, batch_size=len(X), verbose=0)
    np.testing.assert_array_equal(one.predict(X, size), all_of_them.predict(X, len(X)))
    assert one.evaluate(X, Y, size) == all_of_them.evaluate(X, Y, len(X))
    for call in (lambda: one.predict(X, size * 2**30), lambda: one.evaluate(X, Y, size * 2**30)):
        with pytest.raises(
            ValueError, match=rf"^\w+: batch_size: expected 1..{2**63 - 1}, got {size * 2**30}"
        ):
            call()


# ---------------------------------------------------------------- predict and evaluate


def test_prediction_does_not_depend_on_the_batch_size(backend, rng):
    model = classifier(backend)
    x = rng.normal(size=(101, 2)).astype(np.float32)
    whole = model.predict(x, batch_size=101)
    for batch in (1, 7, 256):
        # Other batches may take other kernels, which sum the 8 products in another order.
        np.testing.assert_allclose(model.predict(x, batch), whole, rtol=0, atol=32 * np.finfo(np.float32).eps)
    assert whole.dtype == np.float32
    for bad, error in ((0, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="predict: batch_size"):
            model.predict(x, bad)


def test_predicting_nothing_gives_nothing(backend):
    assert classifier(backend).predict(np.zeros((0, 2))).shape == (0, 2)


def test_dropout_is_off_outside_training(backend):
    model = nf.Sequential(nf.Dropout(0.9), input_shape=50)
    model.compile(backend=backend)
    x = np.ones((4, 50), np.float32)
    np.testing.assert_array_equal(model.predict(x), x)
    np.testing.assert_array_equal(model.forward(x), x)
    dropped = model.forward(x, training=True)
    assert set(np.unique(dropped).round(4)) == {0.0, 10.0}


def test_evaluate_reports_loss_and_metrics(backend, rng):
    model = classifier(backend, dtype="float64", metrics=["accuracy", wrong_share])
    x, y = rng.normal(size=(50, 2)), rng.integers(0, 2, 50)
    found = model.evaluate(x, y, batch_size=7)
    logits = model.predict(x)
    assert list(found) == ["loss", "accuracy", "wrong_share"]
    assert found["loss"] == pytest.approx(float(nf.cross_entropy(logits, y)), rel=1e-12)
    assert found["accuracy"] == pytest.approx(nf.metrics.accuracy(y, logits), abs=1e-15)
    assert found["wrong_share"] == pytest.approx(1 - found["accuracy"], abs=1e-15)
    model.compile("adam", nf.CrossEntropyLoss(reduction="sum"), backend=backend)
    assert model.evaluate(x, y, batch_size=7)["loss"] == pytest.approx(50 * found["loss"], rel=1e-12)


def wrong_share(y_true, y_pred):
    return np.mean(y_pred.argmax(axis=1) != y_true)


def test_a_metric_must_give_a_number():
    model = classifier(metrics=[lambda y_true, y_pred: y_pred])
    with pytest.raises(TypeError, match="metric <lambda>: expected a number back"):
        model.evaluate(X, Y)


# ---------------------------------------------------------------- training by hand


def test_forward_backward_step_is_train_batch(xor, backend):
    by_hand, whole = (
        classifier(backend, dtype="float64", optimizer=nf.SGD(lr=0.1, momentum=0.9)) for _ in range(2)
    )
    for _ in range(3):
        logits = by_hand.forward(xor[0], training=True)
        by_hand.backward(nf.cross_entropy_backward(1.0, logits, xor[1]))
        by_hand.step()
        whole.train_batch(*xor)
    for name, array in whole.state_dict().items():
        np.testing.assert_allclose(by_hand.state_dict()[name], array, rtol=1e-12, atol=1e-15)


def test_gradients_accumulate_and_can_be_changed(xor, backend):
    model = classifier(backend, dtype="float64", optimizer=nf.SGD(lr=1.0))
    ones = np.ones((4, 2))
    model.forward(xor[0], training=True)
    assert model.backward(ones) is None
    once = {name: g.copy() for name, g in model.gradients().items()}
    assert list(once) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    model.forward(xor[0], training=True)
    gx = model.backward(ones, accumulate=True, need_input_grad=True)
    assert gx.shape == (4, 2)
    for name, gradient in model.gradients().items():
        np.testing.assert_allclose(gradient, 2 * once[name], rtol=1e-14)
        gradient[...] = 0.0
    before = model.state_dict()
    model.gradients()["2.bias"][...] = 1.0
    model.step()
    after = model.state_dict()
    np.testing.assert_array_equal(after["0.weight"], before["0.weight"])
    np.testing.assert_allclose(after["2.bias"], before["2.bias"] - 1.0, rtol=1e-15)


def test_bad_calls_by_hand_are_refused(xor, backend):
    model = nf.Sequential(nf.Linear(2, 3), input_shape=2)
    with pytest.raises(ValueError, match="step: the model has no optimizer"):
        model.step()
    model.compile(backend=backend)
    with pytest.raises(ValueError, match=r"backward.*forward"):
        model.backward(np.zeros((4, 3)))
    with pytest.raises(TypeError, match="forward: training: expected True or False"):
        model.forward(xor[0], training=1)
    model.forward(xor[0], training=True)
    with pytest.raises(ValueError, match=r"backward: grad_output: expected shape \(n, 3\), got \(4, 2\)"):
        model.backward(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="backward: grad_output: expected"):
        model.backward(np.zeros((3, 3)))
    with pytest.raises(TypeError, match="backward: accumulate"):
        model.backward(np.zeros((4, 3)), accumulate=None)
    model.backward(np.zeros((4, 3)))


@pytest.mark.parametrize("threads", [1, 2])
def test_denormals_are_zero_inside_and_untouched_outside(threads):
    """Numbers below 1.2e-38 cost some processors a hundred cycles each; a network computes without them."""
    tiny = np.float32(1e-30)
    model = nf.Sequential(nf.Linear(64, 512, bias=False), input_shape=(64,))
    model.layers[0].weight[...] = np.float32(1e-9)
    x = np.full((256, 64), tiny)
    with nf.num_threads(threads):
        assert not model.predict(x).any()  # each product is 1e-39
        assert not model.forward(x, training=True).any()
    assert tiny * np.float32(1e-9) > 0
    assert nf.matmul(x, np.full((64, 1), np.float32(1e-9)))[0, 0] > 0  # plain functions keep them
