"""The estimators inside scikit-learn's tools: pipelines, searches, calibration, files, metadata, names."""

import io

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris, make_regression
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, scale

import nnfast as nf
from nnfast.sklearn import MLPClassifier, MLPRegressor, NetworkClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def iris():
    return load_iris(return_X_y=True)


def networks():
    """One of each kind of classifier."""
    hidden = nf.Sequential(nf.Linear(out_features=8), nf.Tanh(), dtype="float64")
    fast = {"random_state": 0, "max_iter": 60, "learning_rate_init": 0.02}
    return [MLPClassifier((8,), **fast), NetworkClassifier(hidden, head=True, **fast)]


EACH = pytest.mark.parametrize("model", networks(), ids=lambda m: type(m).__name__)


@EACH
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_searches_in_parallel(model, backend):
    X, y = iris()
    pipeline = make_pipeline(StandardScaler(), model)
    name = type(model).__name__.lower()
    grid = {f"{name}__alpha": [1e-4, 1.0], f"{name}__solver": ["adam", nf.NAdam(0.02)]}
    with joblib.parallel_backend(backend, n_jobs=2):
        found = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
        scores = cross_val_score(pipeline, X, y, cv=3, n_jobs=2, error_score="raise")
    alone = cross_val_score(pipeline, X, y, cv=3)
    np.testing.assert_array_equal(scores, alone)
    assert found.best_score_ > 0.9 and alone.mean() > 0.9


@EACH
def test_clones_and_files(model, tmp_path):
    X, y = iris()
    copied = clone(model)
    assert copied is not model and copied.get_params().keys() == model.get_params().keys()
    fitted = copied.fit(X, y)
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    buffer = io.BytesIO()
    joblib.dump(clone(fitted), buffer)
    assert not hasattr(clone(fitted), "classes_")


@EACH
def test_calibration_and_importance(model):
    X, y = iris()
    model = make_pipeline(StandardScaler(), model)
    calibrated = CalibratedClassifierCV(model, cv=3, ensemble=False).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)
    importance = permutation_importance(model.fit(X, y), X, y, n_repeats=3, random_state=0, n_jobs=2)
    assert importance.importances_mean[2:].max() > importance.importances_mean[:2].max()


def test_ensembles():
    X, y = iris()
    one, two = networks()
    vote = VotingClassifier([("one", one), ("two", two)], voting="soft").fit(X, y)
    assert vote.score(X, y) > 0.9
    bag = BaggingClassifier(one, n_estimators=3, n_jobs=2, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.9
    X, y = make_regression(150, 5, n_targets=2, random_state=0)
    y = scale(y)
    regressor = MLPRegressor(random_state=0, max_iter=300, learning_rate_init=0.01)
    assert MultiOutputRegressor(regressor, n_jobs=2).fit(X, y).score(X, y) > 0.9
    assert StackingRegressor([("a", regressor)], cv=2).fit(X, y[:, 0]).score(X, y[:, 0]) > 0.8


def test_names_of_features():
    pd = pytest.importorskip("pandas")
    frame, y = load_iris(return_X_y=True, as_frame=True)
    model = MLPClassifier((8,), random_state=0, max_iter=20).fit(frame, y)
    assert list(model.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(model.predict(frame), model.predict(pd.DataFrame(frame)))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(frame.to_numpy())
    pipeline = make_pipeline(StandardScaler(), model).set_output(transform="pandas").fit(frame, y)
    assert list(pipeline[-1].feature_names_in_) == list(frame.columns)


def test_metadata_routing():
    X, y = iris()
    weights = np.where(y == 0, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier((8,), random_state=0, max_iter=20)
        routed = model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), routed)
        fitted = pipeline.fit(X, y, sample_weight=weights)
        assert not (fitted.predict(X) == 0).all()
        found = cross_validate(pipeline, X, y, params={"sample_weight": weights}, cv=2, error_score="raise")
        assert len(found["test_score"]) == 2
        requests = routed.get_metadata_routing()
        assert (
            requests.fit.requests["sample_weight"] is True and "check_input" not in requests.predict.requests
        )
        plain = MLPClassifier((8,), random_state=0, max_iter=20)
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            cross_validate(plain, X, y, params={"sample_weight": weights}, cv=2, error_score="raise")


def test_text():
    """A sparse matrix of words, through a pipeline."""
    good = ["a fine film", "fine and warm", "a warm story, fine cast", "truly fine"] * 5
    bad = ["a dull film", "dull and cold", "a cold story, dull cast", "truly dull"] * 5
    y = np.array(["good"] * len(good) + ["bad"] * len(bad))
    model = make_pipeline(TfidfVectorizer(), MLPClassifier((4,), solver="lbfgs", random_state=0))
    assert model.fit(good + bad, y).predict(["a fine story", "cold cast"]).tolist() == ["good", "bad"]


def test_images_through_a_pipeline():
    X, y = load_digits(return_X_y=True)
    cnn = nf.Sequential(
        nf.Conv2d(1, 6, 3), nf.ReLU(), nf.MaxPool2d(2), nf.Flatten(), nf.Linear(54, 10), input_shape=(1, 8, 8)
    )
    scaled = FunctionTransformer(lambda X: X / 16)
    model = make_pipeline(scaled, NetworkClassifier(cnn, random_state=0, max_iter=30, batch_size=20))
    assert cross_val_score(model, X[:1200], y[:1200], cv=2).mean() > 0.85
