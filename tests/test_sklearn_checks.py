"""scikit-learn's checks of estimators: all of them, for all of ours, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import nnfast as nf
from nnfast.sklearn import MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor


def cnn(n_features, n_outputs):
    """A network of convolutions over the features of whatever data a check brings."""
    return nf.Sequential(
        nf.Reshape((1, n_features)),
        nf.Conv1d(1, 6, 3, padding=1),
        nf.Tanh(),
        nf.Flatten(),
        nf.Linear(out_features=n_outputs),
        dtype="float64",
    )


def hidden(dtype):
    return nf.Sequential(nf.Linear(out_features=20), nf.ReLU(), dtype=dtype)


ESTIMATORS = [
    MLPClassifier(),
    MLPClassifier(solver="lbfgs", class_weight="balanced", alpha=1.0),
    MLPClassifier((20, 10), solver="sgd", activation=["gelu", "tanh"], learning_rate_init=0.05, max_iter=100),
    MLPRegressor(),
    MLPRegressor("huber", (20,), solver="lbfgs"),
    MLPRegressor(hidden_layer_sizes=(20,), solver="rmsprop", activation="softplus", learning_rate_init=0.02),
    NetworkClassifier(hidden("float64"), head=True),
    NetworkClassifier(cnn, learning_rate_init=0.01, max_iter=100),
    NetworkRegressor(hidden("float64"), head=True, solver="sgd", learning_rate_init=0.02, max_iter=300),
    NetworkRegressor(hidden("float64"), head=True, learning_rate_init=0.02),
    NetworkRegressor(cnn, learning_rate_init=0.01, max_iter=100),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_estimator(estimator, check):
    check(estimator)
