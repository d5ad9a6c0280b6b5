"""Fits and predictions of the estimators beside scikit-learn's, same data, parameters and random numbers.

Both train to the same weights, so the accuracies (ours | theirs, on held-out samples) tell of rounding alone.
MNIST is looked for in the folder NNFAST_DATA: 2,500 images, one epoch.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import scale

from nnfast import datasets
from nnfast import sklearn as ours
from nnfast.examples import sentiment

TABLES = {"iris": load_iris, "breast cancer": load_breast_cancer, "digits": load_digits}


def data(name):
    """Samples for training and for testing: every fifth."""
    if name == "MNIST":
        folder = Path(os.environ.get("NNFAST_DATA", "")) / "mnist"
        if not folder.is_dir():
            pytest.skip("no MNIST in the folder NNFAST_DATA")
        images, y = datasets.mnist(folder)
        X, y = images[:3125].reshape(3125, -1) / 255.0, y[:3125].astype(np.int64)
    else:
        X, y = TABLES[name](return_X_y=True)
        X = X / 16.0 if name == "digits" else scale(X)
    held = np.arange(len(X)) % 5 == 0
    return X[~held], y[~held], X[held], y[held]


def fits(samples, dtype, solver="adam", **options):
    """A fit of each to data as `data` gives them, and the accuracies; "sparse_adam" beside their "adam"."""
    X, y, X_test, y_test = samples
    X = X.astype(dtype)
    makers, accuracies = {}, []
    for package, module in (("nnfast", ours), ("sklearn", neural_network)):
        known = solver if package == "nnfast" or solver != "sparse_adam" else "adam"
        model = module.MLPClassifier(random_state=0, solver=known, **options)

        def fit(model=model):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # few epochs end before convergence
                model.fit(X, y)

        fit()
        accuracies.append(model.score(X_test.astype(dtype), y_test))
        makers[package] = lambda fit=fit: fit
    return makers, "{:.4f} | {:.4f}".format(*accuracies)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [32, 200])
@pytest.mark.parametrize(
    ("name", "hidden", "epochs"), [("digits", (100,), 20), ("MNIST", (100,), 1), ("MNIST", (512, 512), 1)]
)
def test_fit(versus, name, hidden, epochs, batch, dtype):
    options = {"hidden_layer_sizes": hidden, "batch_size": batch, "max_iter": epochs}
    makers, accuracy = fits(data(name), dtype, **options)
    versus(f"{name} {hidden} batch {batch} {dtype[0]}{dtype[-2:]} {accuracy}", makers, dtype=dtype)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_fit_of_text(versus, solver):
    """An epoch over a thin matrix, 2,000 rows of 20 numbers among 20,000."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((2000, 20_000), density=1e-3, format="csr", dtype=np.float32, rng=rng)
    y, makers = rng.integers(0, 2, 2000), {}
    for package, module in (("nnfast", ours), ("sklearn", neural_network)):
        model = module.MLPClassifier((100,), solver=solver, random_state=0, max_iter=1)

        def fit(model=model):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(X, y)

        makers[package] = lambda fit=fit: fit
    versus(f"sparse 20,000 columns (100,) {solver}", makers)


def sentences(dtype):
    """TF-IDF of the sentence polarity data, every fifth apart for testing."""
    folder = Path(os.environ.get("NNFAST_DATA", "")) / "rt_polarity"
    if not folder.is_dir():
        pytest.skip("no rt_polarity in the folder NNFAST_DATA")
    texts, y = sentiment.sentences(str(folder))
    words = TfidfVectorizer(
        ngram_range=(1, 2), max_features=20_000, sublinear_tf=True, dtype=dtype, token_pattern=r"\S+"
    )
    X, held = words.fit_transform(texts), np.arange(len(y)) % 5 == 0
    return X[~held], y[~held], X[held], y[held]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("hidden", [(100,), (20,)])
@pytest.mark.parametrize("solver", ["sparse_adam", "adam", "sgd"])
def test_fit_of_sentences(versus, hidden, solver, dtype):
    """The recipe of the example of sentiment (sparse_adam, 100 units, float32), and what stands beside it."""
    options = {"hidden_layer_sizes": hidden, "solver": solver, "max_iter": 5}
    makers, accuracy = fits(sentences(np.dtype(dtype)), dtype, **options)
    title = f"rt_polarity {hidden} {solver} {dtype[0]}{dtype[-2:]} {accuracy}"
    versus(title, makers, dtype=dtype, budget=0.0, least=3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_prediction_of_sentences(versus, dtype):
    X, y, X_test, _ = sentences(np.dtype(dtype))
    makers = {}
    for package, module in (("nnfast", ours), ("sklearn", neural_network)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = module.MLPClassifier((100,), max_iter=1, random_state=0).fit(X, y)
        makers[package] = lambda model=model: lambda: model.predict(X_test)
    versus(f"rt_polarity (100,) predict {X_test.shape[0]} rows {dtype[0]}{dtype[-2:]}", makers, dtype=dtype)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", ["iris", "breast cancer"])
def test_fit_of_small_tables(versus, name, solver):
    makers, accuracy = fits(data(name), "float64", hidden_layer_sizes=(5, 2), solver=solver)
    versus(f"{name} (5, 2) {solver} {accuracy}", makers, dtype="float64")


def one_row(versus, title, calls, row, checked):
    """`calls`: the method of each package's fitted estimator."""
    makers = {}
    for package, call in calls.items():
        options = {} if checked or package == "sklearn" else {"check_input": False}
        makers[package] = lambda call=call, options=options: lambda: call(row, **options)
    versus(f"{title} {'' if checked else 'unchecked'}", makers, dtype="float64")


def quietly(model, X, y):
    """The model, fitted without a word about convergence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


PACKAGES = {"nnfast": ours, "sklearn": neural_network}
CHECKED = pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
NETWORKS = pytest.mark.parametrize(
    ("name", "hidden"), [("iris", (5, 2)), ("breast cancer", (5, 2)), ("digits", (100,))]
)


@CHECKED
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@NETWORKS
def test_prediction_of_one_row(versus, name, hidden, method, checked):
    X, y, _, _ = data(name)
    models = {p: quietly(m.MLPClassifier(hidden, random_state=0), X, y) for p, m in PACKAGES.items()}
    calls = {package: getattr(model, method) for package, model in models.items()}
    one_row(versus, f"{name} {hidden} {method}", calls, X[:1].copy(), checked)


@CHECKED
@NETWORKS
def test_regression_of_one_row(versus, name, hidden, checked):
    X, y, _, _ = data(name)
    options = {"hidden_layer_sizes": hidden, "random_state": 0}
    calls = {p: quietly(m.MLPRegressor(**options), X, y * 0.5).predict for p, m in PACKAGES.items()}
    one_row(versus, f"{name} {hidden} regression", calls, X[:1].copy(), checked)
