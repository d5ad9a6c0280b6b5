"""MLPClassifier and MLPRegressor beside scikit-learn's: weights, losses, what is kept between calls."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

import nnfast.sklearn
from nnfast.sklearn import MLPClassifier, MLPRegressor
from nnfast.sklearn._lbfgs import Flat

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = [
    {"solver": "adam"},
    {"solver": "adam", "epsilon": 1e-2, "beta_1": 0.5, "beta_2": 0.9},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.0},
    {"solver": "sgd", "learning_rate_init": 0.2, "learning_rate": "invscaling", "power_t": 0.2},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2},
    {"solver": "adam", "early_stopping": True, "shuffle": False},
]


def classes(kind):
    if kind == "iris":
        X, y = load_iris(return_X_y=True)
        return scale(X), np.array(["red", "green", "blue"])[y]
    if kind == "two":
        X, y = load_breast_cancer(return_X_y=True)
        return scale(X), y
    X, y = load_digits(return_X_y=True)
    if kind == "labels":
        return X[:400] / 16, np.stack([y[:400] % 2, y[:400] > 4, y[:400] == 3], axis=1).astype(int)
    return X[:700] / 16, y[:700]


def values(kind):
    X, y = make_regression(230, 12, n_targets=3 if kind == "several" else 1, random_state=0)
    y = scale(y)
    return X, np.random.RandomState(0).poisson(np.exp(y)) if kind == "poisson" else y


def both(name, X, y, sample_weight=None, **options):
    """scikit-learn's and ours after 20 epochs."""
    options = {"random_state": 3, "max_iter": 20, **options}
    return [
        getattr(module, name)(**options).fit(X, y, sample_weight=sample_weight)
        for module in (sklearn.neural_network, nnfast.sklearn)
    ]


def assert_equal(theirs, ours, rtol=1e-9):
    """The same course and the same result: roundings differ, and 20 epochs let them grow."""
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
    for name in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert one.shape == other.shape and one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("best_loss_", "loss_", "validation_scores_", "best_validation_score_"):
        one, other = getattr(ours, name), getattr(theirs, name)
        if other is None:
            assert one is None, name
        else:
            np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("options", SOLVERS, ids=str)
@pytest.mark.parametrize("kind", ["iris", "two", "labels", "digits"])
def test_classifier_trains_as_scikit_learns(kind, options):
    X, y = classes(kind)
    if kind in ("iris", "two"):
        options = {"hidden_layer_sizes": (5, 2), "activation": "tanh", **options}
    theirs, ours = both("MLPClassifier", X, y, **options)
    assert_equal(theirs, ours)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.predict(X).dtype == theirs.predict(X).dtype
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("options", SOLVERS, ids=str)
@pytest.mark.parametrize("kind", ["one", "several", "poisson"])
def test_regressor_trains_as_scikit_learns(kind, options):
    X, y = values(kind)
    loss = "poisson" if kind == "poisson" else "squared_error"
    if kind == "poisson" and "learning_rate_init" in options:
        options = {**options, "learning_rate_init": 0.01}  # an exponential function is less patient
    theirs, ours = both("MLPRegressor", X, y, loss=loss, batch_size=32, hidden_layer_sizes=(20,), **options)
    assert_equal(theirs, ours)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("options", [SOLVERS[0], SOLVERS[2], SOLVERS[-1]], ids=str)
def test_weighted_samples_train_as_scikit_learns(options):
    weights = np.random.RandomState(1).uniform(0.1, 3.0, 700)
    weights[::7] = 0.0
    X, y = classes("digits")
    assert_equal(*both("MLPClassifier", X, y, weights, alpha=0.5, batch_size=100, **options))
    X, y = values("poisson")
    assert_equal(*both("MLPRegressor", X, y, weights[:230], loss="poisson", batch_size=50, **options))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_activations_and_penalty(activation):
    X, y = classes("digits")
    assert_equal(*both("MLPClassifier", X, y, activation=activation, alpha=2.0, hidden_layer_sizes=(20, 30)))


def test_float32():
    X, y = classes("digits")
    theirs, ours = both("MLPClassifier", X.astype(np.float32), y)
    assert ours.coefs_[0].dtype == ours.predict_proba(X).dtype == np.float32
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)  # 100 steps of float32


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_partial_fit_and_warm_start_train_as_scikit_learns(name):
    X, y = classes("digits") if name == "MLPClassifier" else values("one")
    first = {"classes": np.unique(y)} if name == "MLPClassifier" else {}
    made = []
    for module in (sklearn.neural_network, nnfast.sklearn):
        model = getattr(module, name)(hidden_layer_sizes=(15,), random_state=0, max_iter=5, solver="sgd")
        for _ in range(3):
            model.partial_fit(X, y, **first)
        model.set_params(warm_start=True, alpha=0.3)
        made.append(model.fit(X, y))
    assert_equal(*made)
    made = [model.set_params(warm_start=False).fit(X[:100], y[:100]) for model in made]
    assert_equal(*made)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_samples(container, solver, monkeypatch):
    """The same as dense ones, though only some rows are dense at a time."""
    monkeypatch.setattr(nnfast.sklearn._data, "DENSE_BYTES", 100 * 64 * 8)
    X, y = classes("digits")
    weights = np.linspace(0.5, 1.5, len(X))
    options = {"batch_size": 40, "max_iter": 6, "random_state": 0, "solver": solver}
    dense = MLPClassifier(**options).fit(X, y, weights)
    thin = MLPClassifier(**options).fit(container(X), y, weights)
    if solver == "adam":
        np.testing.assert_allclose(thin.loss_curve_, dense.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(thin.predict_proba(container(X)), dense.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("options", [*SOLVERS[:4], SOLVERS[-1]], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_thin_matrices_train_as_scikit_learns(options, weighted):
    """Of few numbers that are not 0: the first layer works on them alone."""
    rng = np.random.RandomState(0)
    X = sparse.random(200, 300, 0.03, format="csr", random_state=rng)
    y = np.asarray(X[:, :40].sum(axis=1)).ravel() + 0.1 * rng.normal(size=200)
    weights = np.linspace(0.0, 2.0, 200) if weighted else None
    options = {"hidden_layer_sizes": (8, 5), "batch_size": 64, "alpha": 0.3, **options}
    for name, target in [
        ("MLPClassifier", (y > np.median(y)).astype(int)),
        ("MLPClassifier", np.digitize(y, np.quantile(y, [0.3, 0.6]))),
        ("MLPClassifier", np.stack([y > 0, y > 0.4], axis=1).astype(int)),
        ("MLPRegressor", y),
        ("MLPRegressor", np.stack([y, -2 * y], axis=1)),
    ]:
        if weighted and target.ndim == 2:
            continue  # scikit-learn's mean over outputs is then taken batch by batch
        theirs, ours = both(name, X, target, weights, **options)
        assert ours._machine.core.stays_sparse(X)
        assert_equal(theirs, ours)
        np.testing.assert_allclose(ours.predict(X.toarray()), ours.predict(X), rtol=1e-9)


def squares(y_true, y_pred, sample_weight):
    """A loss of the user's."""
    d = y_pred - y_true
    return 0.5 * float((d * d).mean()), d / len(d)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_thin_matrices_in_everything_else(name):
    """Dropout, batch normalisation, L-BFGS, custom losses, pickles: what dense samples give."""
    rng = np.random.RandomState(0)
    X = sparse.random(200, 300, 0.03, format="csr", random_state=rng)
    y = np.asarray(X[:, :40].sum(axis=1)).ravel()
    y = (y > 0.2).astype(int) if name == "MLPClassifier" else y

    for options in (
        {"dropout": 0.3},
        # Adam would make steps of the roundings that are the gradient of the intercepts before it.
        {"batch_norm": True, "solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "nadam", "activation": "gelu"},
        {"solver": "lbfgs"},
        {"loss": squares},
        {"learning_rate": nnfast.ExponentialLR(0.01, 0.8)},
    ):
        made = []
        for samples in (X, X.toarray()):
            model = getattr(nnfast.sklearn, name)(
                hidden_layer_sizes=(6, 4), random_state=0, max_iter=8, **options
            )
            model = pickle.loads(pickle.dumps(model.fit(samples, y)))
            if model.solver != "lbfgs":
                model.partial_fit(samples, y)
            made.append(model)
        thin, dense = made
        np.testing.assert_allclose(thin.coefs_[0], dense.coefs_[0], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(thin.predict(X), dense.predict(X.toarray()), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "absolute_error", "huber"])
def test_gradient_for_lbfgs(loss):
    """Central differences: errors of h^2 and of eps / h both stay near 1e-10."""
    X, y = values("poisson")
    model = MLPRegressor(loss, (4, 3), activation="tanh", solver="lbfgs", max_iter=2, random_state=0).fit(
        X, y
    )
    machine, flat = model._machine, Flat(model._machine)
    machine.compile("sgd")
    machine.model.optimizer.lr = 0.0
    machine.set_penalty(0.0)
    point, weights = flat.read(), np.linspace(0.0, 2.0, len(y))

    def value(vector):
        flat.write(vector)
        return machine.loss_and_gradients(X, y.reshape(-1, 1), weights)

    gradient = flat.gradients(value(point)[1])
    for i in range(0, len(point), 7):
        step = np.zeros_like(point)
        step[i] = 1e-5
        slope = (value(point + step)[0] - value(point - step)[0]) / 2e-5
        if loss in ("squared_error", "poisson"):
            assert abs(slope - gradient[i]) < 1e-8
        else:  # the absolute value has kinks
            assert abs(slope - gradient[i]) < 1e-3


def test_lbfgs_minimises_what_scikit_learn_does():
    X, y = classes("two")
    options = {"solver": "lbfgs", "max_iter": 500, "alpha": 1.0, "random_state": 0, "activation": "tanh"}
    theirs, ours = both("MLPClassifier", X, y, hidden_layer_sizes=(3,), **options)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-4)
    X, y = values("poisson")
    theirs, ours = both("MLPRegressor", X, y, loss="poisson", hidden_layer_sizes=(3,), **options)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-3)


def test_weights_may_be_written_and_assigned():
    X, y = classes("iris")
    model = MLPClassifier((6,), random_state=0, max_iter=5).fit(X, y)
    before = model.predict_proba(X)
    model.coefs_[0][...] = 0.0
    assert not np.allclose(model.predict_proba(X), before)
    other = MLPClassifier((6,), random_state=0, max_iter=5).fit(X, y)
    model.coefs_ = [coef.copy() for coef in other.coefs_]
    np.testing.assert_array_equal(model.predict_proba(X), before)
    model.intercepts_[1] = np.array([9.0, 0.0, 0.0])
    assert set(model.predict(X)) == {model.classes_[0]}
    model.coefs_[0] = np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"coefs_.*expected an array of shape \(4, 6\), got \(2, 2\)"):
        model.predict(X)


@pytest.mark.parametrize(
    "copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy], ids=["pickle", "copy"]
)
def test_copies_go_on_training(copied):
    X, y = values("one")
    model = MLPRegressor(hidden_layer_sizes=(7,), random_state=0, max_iter=3).fit(X, y)
    other = copied(model)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert other.coefs_[0] is not model.coefs_[0]
    for one in (model, other):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(other.coefs_[0], model.coefs_[0])


def test_fits_leave_earlier_results_alone():
    X, y = classes("iris")
    model = MLPClassifier((6,), random_state=0, max_iter=5).fit(X, y)
    kept, values_then = model.coefs_, [coef.copy() for coef in model.coefs_]
    model.set_params(random_state=1).fit(X, y)
    for coef, then in zip(kept, values_then, strict=True):
        np.testing.assert_array_equal(coef, then)


def test_divergence():
    X, y = values("one")
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        MLPRegressor(activation="identity", solver="sgd", learning_rate_init=1e3, random_state=0).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="no finite number"):
        model = MLPRegressor(
            activation="identity", solver="sgd", learning_rate_init=10.0, early_stopping=True, random_state=0
        ).fit(X, y)
    assert np.isnan(model.validation_scores_[-1]) and np.isfinite(model.predict(X)).all()


def test_interrupts():
    """Ctrl-C ends the training, not the program."""
    X, y = classes("iris")

    def interrupt(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = MLPClassifier((6,), random_state=0, callbacks=interrupt).fit(X, y)
    assert model.n_iter_ == 4 and len(model.predict(X)) == len(X)


@pytest.mark.parametrize("count", [1, 2])
def test_same_bits_with_any_threads(count):
    X, y = classes("digits")
    options = {"hidden_layer_sizes": (100, 60), "random_state": 0, "max_iter": 3, "dropout": 0.1}
    one = MLPClassifier(**options, n_threads=1).fit(X, y)
    more = MLPClassifier(**options, n_threads=count).fit(X, y)
    np.testing.assert_array_equal(more.coefs_[0], one.coefs_[0])


def test_no_warning_of_ours():
    X, y = classes("iris")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier((6,), random_state=0, tol=1.0, solver="sgd").fit(X, y).predict(X[:1])


def test_solvers_and_stopping_may_change_between_calls():
    X, y = classes("iris")
    model = MLPClassifier((6,), random_state=0, solver="lbfgs", max_iter=5, warm_start=True).fit(X, y)
    assert not hasattr(model, "loss_curve_")
    model.set_params(solver="adam").fit(X, y)
    assert len(model.loss_curve_) == 5 and model.validation_scores_ is None
    model.set_params(early_stopping=True).fit(X, y)
    assert len(model.loss_curve_) == 10 and len(model.validation_scores_) == 5
    model.set_params(early_stopping=False, solver="sgd").partial_fit(X, y)
    assert len(model.loss_curve_) == 11 and np.isfinite(model.best_loss_)
