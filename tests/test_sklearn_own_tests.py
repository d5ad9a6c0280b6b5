"""scikit-learn's own tests of its multilayer perceptrons, run with nnfast's classes in place of its own.

The module ships with scikit-learn: it is executed here as it is, while `sklearn.neural_network` offers ours.
"""

import importlib.util
from unittest import mock

import pytest
import sklearn.neural_network

import nnfast.sklearn

# Cases that call private methods of scikit-learn's classes, which ours do not have.
PRIVATE = {
    "test_gradient": "calls _loss_grad_lbfgs with scikit-learn's lists of activations and deltas; the same "
    "is tested by central differences in tests/test_sklearn_mlp.py",
}


def _load():
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    module = importlib.util.module_from_spec(spec)
    ours = {name: getattr(nnfast.sklearn, name) for name in ("MLPClassifier", "MLPRegressor")}
    with mock.patch.multiple(sklearn.neural_network, **ours):
        spec.loader.exec_module(module)
    assert module.MLPClassifier is nnfast.sklearn.MLPClassifier
    return module


@pytest.fixture
def global_random_seed():
    """What scikit-learn's conftest offers."""
    return 42


def _collected():
    found = {name: test for name, test in vars(_load()).items() if name.startswith("test_")}
    assert len(found) > 40
    for name, reason in PRIVATE.items():
        found[name] = pytest.mark.xfail(raises=AttributeError, reason=reason)(found[name])
    return found


globals().update(_collected())
