"""Estimators for scikit-learn: its multilayer perceptrons, and any network of nnfast's.

    from nnfast.sklearn import MLPClassifier        # instead of sklearn.neural_network

    MLPClassifier((100,), class_weight="balanced", dropout=0.2).fit(X, y)

- `MLPClassifier`, `MLPRegressor`: scikit-learn's parameters, attributes and results, and more parameters
- `NetworkClassifier`, `NetworkRegressor`: around any `nnfast.Sequential`

Needs scikit-learn: `pip install nnfast[sklearn]`.
"""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    raise ImportError("nnfast.sklearn needs scikit-learn: pip install nnfast[sklearn]") from error

from nnfast.sklearn._mlp_classifier import MLPClassifier
from nnfast.sklearn._mlp_regressor import MLPRegressor
from nnfast.sklearn._wrapped import NetworkClassifier, NetworkRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor"]
