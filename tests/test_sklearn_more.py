"""What the estimators have beyond scikit-learn's: class weights, regularisation, losses, callbacks, ..."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_classification, make_regression
from sklearn.metrics import recall_score
from sklearn.preprocessing import scale

import nnfast as nf
from nnfast.sklearn import MLPClassifier, MLPRegressor
from nnfast.sklearn._mlp import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def digits(n=600):
    X, y = load_digits(return_X_y=True)
    return X[:n] / 16, y[:n]


def values(n_targets=1):
    X, y = make_regression(250, 10, n_targets=n_targets, noise=5.0, random_state=0)
    return X, scale(y)


def test_class_weight():
    """Weights of classes are weights of samples; "balanced" finds more of the rare class."""
    X, y = make_classification(800, weights=[0.95], flip_y=0.05, class_sep=0.5, random_state=0)
    options = {"hidden_layer_sizes": (10,), "random_state": 0, "max_iter": 30, "learning_rate_init": 0.01}
    plain = MLPClassifier(**options).fit(X, y)
    balanced = MLPClassifier(**options, class_weight="balanced").fit(X, y)
    assert recall_score(y, balanced.predict(X)) > recall_score(y, plain.predict(X)) + 0.1
    shares = len(y) / (2 * np.bincount(y))
    given = MLPClassifier(**options, class_weight=dict(enumerate(shares))).fit(X, y)
    weighted = MLPClassifier(**options).fit(X, y, sample_weight=shares[y])
    for other in (given, weighted):
        np.testing.assert_allclose(other.coefs_[0], balanced.coefs_[0], rtol=1e-9)
    both = MLPClassifier(**options, class_weight={0: 2.0, 1: 3.0}).fit(X, y, sample_weight=1.0 + y)
    product = MLPClassifier(**options).fit(X, y, sample_weight=np.where(y == 1, 6.0, 2.0))
    np.testing.assert_allclose(both.coefs_[0], product.coefs_[0], rtol=1e-9)
    one = MLPClassifier(**options, class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    assert one.n_iter_ == 1


def test_class_weight_of_labels():
    X, y = digits()
    labels = np.stack([y == 0, y > 2], axis=1).astype(int)
    options = {"random_state": 0, "max_iter": 5}
    balanced = MLPClassifier(**options, class_weight="balanced").fit(X, labels)
    shares = [len(y) / (2 * np.bincount(column)) for column in labels.T]
    listed = MLPClassifier(**options, class_weight=[dict(enumerate(s)) for s in shares]).fit(X, labels)
    np.testing.assert_allclose(listed.coefs_[0], balanced.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, nf.ELU(alpha=0.5)], ids=str)
def test_activations(activation):
    X, y = digits()
    options = {"random_state": 0, "max_iter": 30, "learning_rate_init": 0.01}
    if activation == "step":
        options["alpha"] = 0.0  # its slope is 0: the penalty alone would move the weights before it
    model = MLPClassifier((30,), activation, **options).fit(X, y)
    assert model.score(X, y) > (0.5 if activation == "step" else 0.9)
    names = [type(layer).__name__ for layer in model.model_.layers]
    expected = activation if isinstance(activation, nf.Layer) else ACTIVATIONS[activation]()
    assert names == ["Linear", type(expected).__name__, "Linear"]


def test_layers_each_their_own():
    X, y = digits()
    model = MLPClassifier(
        (30, 20, 10), ["gelu", "identity", nf.LeakyReLU(0.2)], dropout=[0.1, 0.0, 0.2], batch_norm=True,
        random_state=0, max_iter=30, learning_rate_init=0.01,
    ).fit(X, y)  # fmt: skip
    assert [type(layer).__name__ for layer in model.model_.layers] == [
        "Linear", "BatchNorm1d", "GELU", "Dropout", "Linear", "BatchNorm1d", "Linear", "BatchNorm1d",
        "LeakyReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert model.score(X, y) > 0.9
    assert [coef.shape for coef in model.coefs_] == [(64, 30), (30, 20), (20, 10), (10, 10)]
    np.testing.assert_array_equal(model.predict(X), model.predict(X))  # no dropout outside training
    again = MLPClassifier(**model.get_params()).fit(X, y)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("solver", ["adamw", "nadam", "rmsprop", "adagrad", "adadelta"])
def test_optimizers_by_name(solver):
    X, y = digits()
    rate = {"adadelta": 1.0, "adagrad": 0.05}.get(solver, 0.005)
    model = MLPClassifier(solver=solver, learning_rate_init=rate, random_state=0, max_iter=40).fit(X, y)
    assert model.score(X, y) > 0.95 and model.model_.optimizer.lr == rate


def test_optimizers_and_schedules_as_objects():
    X, y = digits()
    steps = 3 * 10
    optimizer = nf.SGD(nf.OneCycleLR(0.5, steps), momentum=0.9, clipnorm=1.0)
    options = {"random_state": 0, "max_iter": 10}
    model = MLPClassifier(solver=optimizer, **options).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.model_.optimizer is not optimizer and np.isnan(model._optimizer.learning_rate)
    # A schedule that stays where it starts is none.
    plain = MLPClassifier(learning_rate_init=0.01, **options).fit(X, y)
    still = MLPClassifier(learning_rate=nf.StepLR(0.01, 1000), **options).fit(X, y)
    np.testing.assert_array_equal(still.coefs_[0], plain.coefs_[0])
    falling = MLPClassifier(learning_rate=nf.ExponentialLR(0.01, 0.5), **options).fit(X, y)
    assert falling.loss_ > plain.loss_


@pytest.mark.parametrize("loss", ["absolute_error", "huber", nf.HuberLoss(delta=0.3), nf.SmoothL1Loss()])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_losses_that_outliers_move_less(loss, solver):
    X, y = values()
    spoilt = y.copy()
    spoilt[::9] += 30.0
    options = {"hidden_layer_sizes": (), "solver": solver, "random_state": 0, "max_iter": 500, "tol": 1e-6}
    options["learning_rate_init"] = 0.02
    robust = MLPRegressor(loss, **options).fit(X, spoilt)
    squared = MLPRegressor(**options).fit(X, spoilt)
    assert np.abs(robust.predict(X) - y).mean() < 0.5 * np.abs(squared.predict(X) - y).mean()


def pseudo_huber(y_true, y_pred, sample_weight):
    """A loss of the user's: sqrt(1 + d^2) - 1."""
    d = y_pred - y_true
    weights = np.ones(len(d)) if sample_weight is None else sample_weight
    shares = (weights / weights.sum()).reshape(-1, 1)
    root = np.sqrt(1 + d * d)
    return float((shares * (root - 1)).sum()), shares * d / root


def half_square(y_true, y_pred, sample_weight):
    d = y_pred - y_true
    weights = np.ones(len(d)) if sample_weight is None else sample_weight
    shares = (weights / weights.sum()).reshape(-1, 1)
    return float(0.5 * (shares * d * d).sum()), shares * d


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_losses_of_the_users(solver, weighted):
    X, y = values()
    weights = np.linspace(0.5, 1.5, len(y)) if weighted else None
    options = {"solver": solver, "random_state": 0, "max_iter": 15, "alpha": 0.1, "batch_size": 60}
    own = MLPRegressor(half_square, **options).fit(X, y, weights)
    built_in = MLPRegressor(**options).fit(X, y, weights)
    np.testing.assert_allclose(own.loss_, built_in.loss_, rtol=1e-6)
    np.testing.assert_allclose(own.predict(X), built_in.predict(X), rtol=1e-3, atol=1e-4)
    assert MLPRegressor(pseudo_huber, **options).fit(X, y).score(X, y) > 0.3


def test_losses_of_classes():
    X, y = digits()
    options = {"random_state": 0, "max_iter": 60}
    plain = MLPClassifier(**options).fit(X, y)
    smooth = MLPClassifier(**options, loss=nf.CrossEntropyLoss(label_smoothing=0.2)).fit(X, y)
    assert smooth.predict_proba(X).max(axis=1).mean() < plain.predict_proba(X).max(axis=1).mean() - 0.05

    def cross_entropy(y_true, logits, sample_weight):
        loss = nf.cross_entropy(logits, y_true)
        return float(loss), nf.cross_entropy_backward(1.0, logits, y_true)

    own = MLPClassifier(**options, loss=cross_entropy).fit(X, y)
    np.testing.assert_allclose(own.loss_curve_, plain.loss_curve_, rtol=1e-6)
    with pytest.raises(ValueError, match="loss: expected BCEWithLogitsLoss for two classes"):
        MLPClassifier(loss=nf.CrossEntropyLoss()).fit(X, y == 3)


@pytest.mark.parametrize("activation", ["softplus", "sigmoid", nf.ReLU6()], ids=str)
def test_output_activation(activation):
    X, y = values()
    model = MLPRegressor(output_activation=activation, random_state=0, max_iter=200, learning_rate_init=0.01)
    target = 1 / (1 + np.exp(-3 * y))
    predicted = model.fit(X, target).predict(X)
    assert model.score(X, target) > 0.8 and predicted.min() >= 0
    counts = np.random.default_rng(0).poisson(np.exp(y))
    model = MLPRegressor("poisson", output_activation="softplus", random_state=0, max_iter=300)
    assert model.fit(X, counts).score(X, counts) > 0.5 and model.out_activation_ == "softplus"


def test_validation_data():
    X, y = digits()
    train, held = slice(400), slice(400, 600)
    options = {"random_state": 0, "max_iter": 20}
    plain = MLPClassifier(**options).fit(X[train], y[train])
    scored = MLPClassifier(**options).fit(X[train], y[train], X_val=X[held], y_val=y[held])
    np.testing.assert_array_equal(scored.coefs_[0], plain.coefs_[0])
    assert scored.validation_scores_[-1] == scored.score(X[held], y[held])
    assert len(scored.validation_scores_) == 20
    assert scored.best_validation_score_ == max(scored.validation_scores_)
    stopped = MLPClassifier(random_state=0, max_iter=300, early_stopping=True, n_iter_no_change=3, tol=1e-3)
    stopped.fit(X[train], y[train], X_val=X[held], y_val=y[held])
    assert stopped.n_iter_ < 300 and stopped.score(X[held], y[held]) == max(stopped.validation_scores_)
    X, y = values()
    weights = np.linspace(0, 1, 50)
    model = MLPRegressor(random_state=0, max_iter=5, batch_size=20)
    model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:], sample_weight_val=weights)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[200:], y[200:], weights))
    with pytest.raises(ValueError, match="X_val and y_val: expected both"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val: expected 250 targets, as X_val has, got 3"):
        model.fit(X, y, X_val=X, y_val=y[:3])


def test_callbacks_and_checkpoints(tmp_path):
    X, y = digits()
    seen = []

    class Watch(nf.callbacks.Callback):
        def on_train_begin(self, logs):
            seen.append("begin")

        def on_epoch_end(self, epoch, logs):
            seen.append((epoch, sorted(logs)))
            if epoch == 4:
                self.model.stop_training = True

        def on_train_end(self, logs):
            seen.append("end")

    path = tmp_path / "epoch{epoch}.safetensors"
    saved = nf.callbacks.ModelCheckpoint(str(path), monitor="loss")
    model = MLPClassifier((20,), random_state=0, callbacks=[Watch(), saved]).fit(X, y)
    assert seen == ["begin", *((epoch, ["loss"]) for epoch in range(5)), "end"] and model.n_iter_ == 5
    last = nf.load(tmp_path / "epoch5.safetensors")
    np.testing.assert_array_equal(last.predict(X), model.model_.predict(X))
    batches = []

    class OfBatches(nf.callbacks.Callback):
        def on_batch_end(self, batch, logs):
            batches.append(batch)

    MLPClassifier((20,), random_state=0, max_iter=2, callbacks=OfBatches()).fit(X, y)
    assert batches == [0, 1, 2] * 2


def test_progress(capsys):
    X, y = digits()
    model = MLPClassifier((20,), random_state=0, max_iter=3, progress=True).fit(X, y)
    shown = capsys.readouterr().err
    assert "epoch 3/3" in shown and f"{model.loss_:.4f}"[:5] in shown
    MLPClassifier((20,), random_state=0, max_iter=3, verbose=True).fit(X, y)
    out = capsys.readouterr().out
    assert f"Iteration 3, loss = {model.loss_:.8f}" in out


def test_predictions_that_nobody_checks():
    X, y = digits()
    for model in (MLPClassifier(random_state=0, max_iter=3), MLPRegressor(random_state=0, max_iter=3)):
        model.fit(X, y)
        np.testing.assert_array_equal(model.predict(X, check_input=False), model.predict(X))
    clf = MLPClassifier(random_state=0, max_iter=3).fit(X, y)
    for name in ("predict_proba", "predict_log_proba"):
        np.testing.assert_array_equal(getattr(clf, name)(X, check_input=False), getattr(clf, name)(X))
    bad = X[:5].copy()
    bad[2, 3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        clf.predict(bad)
    clf.predict(bad, check_input=False)
    large = np.full((1, 64), 1e200)  # its sum of squares overflows, it is finite all the same
    assert clf.predict(large).shape == (1,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": ["relu"]}, "activation: expected 2 entries, one a hidden layer, got 1"),
        ({"activation": ["relu", "square"]}, "activation: expected one of .* got 'square'"),
        ({"activation": "square"}, "'activation' parameter of MLPClassifier must be"),
        ({"dropout": [0.5, 1.0]}, r"dropout: expected numbers in \[0, 1\), got 1.0"),
        ({"dropout": 1.5}, "'dropout' parameter"),
        ({"n_threads": 0}, "'n_threads' parameter"),
        ({"solver": "newton"}, "'solver' parameter"),
        ({"loss": "mse"}, "'loss' parameter"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0"),
    ],
    ids=str,
)
def test_errors(options, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**{"hidden_layer_sizes": (5, 2), **options}).fit(X, y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [(-np.ones(150), "sample_weight: expected numbers >= 0, got -1"), (np.zeros(150), "non-zero"),
     (np.ones(3), "sample_weight")],
)  # fmt: skip
def test_bad_weights(weights, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(X, y, sample_weight=weights)
