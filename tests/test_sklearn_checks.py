"""scikit-learn's checks of estimators: all of them, for all of ours, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from nnfast.sklearn import MLPClassifier, MLPRegressor

ESTIMATORS = [
    MLPClassifier(),
    MLPClassifier(solver="lbfgs", class_weight="balanced", alpha=1.0),
    MLPClassifier((20, 10), solver="sgd", activation=["gelu", "tanh"], learning_rate_init=0.05, max_iter=100),
    MLPRegressor(),
    MLPRegressor("huber", (20,), solver="lbfgs"),
    MLPRegressor(hidden_layer_sizes=(20,), solver="rmsprop", activation="softplus", learning_rate_init=0.02),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_estimator(estimator, check):
    check(estimator)
