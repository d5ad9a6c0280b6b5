"""`MLPRegressor`: scikit-learn's, on nnfast's engine.

What this is: the parameters, their defaults and documentation. What it is not: what they do, which is in
`_regression`, `_mlp` and `_base`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions

from nnfast.layers import Layer
from nnfast.sklearn._mlp import ACTIVATIONS, NAMES, Perceptron, activation_layers
from nnfast.sklearn._regression import Regressor


class MLPRegressor(Regressor, Perceptron):
    """Multilayer perceptron for values, as `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber"}, Loss or callable, default="squared_error"
        Half the squared error; half Poisson's deviance of exp(output), or with an `output_activation` of that
        activation's value; the absolute error; Huber's with delta 1; a loss of nnfast such as
        ``nf.HuberLoss(delta=2.0)``. Or a function loss(y_true, y_pred, sample_weight) of arrays
        (n, n_outputs), the last (n,) or None, that returns a batch's loss and its gradient with respect to
        y_pred.
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Neurons of each hidden layer.
    activation : str, Layer or list of these, default="relu"
        Of the hidden layers, one for all or one each: scikit-learn's "identity", "logistic", "tanh" and
        "relu"; "leaky_relu", "prelu", "relu6", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign",
        "hard_sigmoid", "step", or a layer of nnfast, such as ``nf.ELU(alpha=0.5)``, which is copied.
    solver : str or Optimizer, default="adam"
        scikit-learn's "adam", "sgd" and "lbfgs"; "adamw", "nadam", "rmsprop", "adagrad" and "adadelta",
        nnfast's with their defaults and `learning_rate_init`; "sparse_adam", `nnfast.SparseAdam`, for sparse
        X, with what "adam" takes; or an optimizer of nnfast, such as ``nf.SGD(nf.OneCycleLR(0.1, 500))``,
        which is copied.
    alpha : float, default=0.0001
        L2 penalty: alpha / 2 times the sum of the squared weights, divided by the samples of a batch, is part
        of its loss.
    batch_size : int or "auto", default="auto"
        Samples a step; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, Schedule or callable, default="constant"
        scikit-learn's, for "sgd" alone: learning_rate_init / t^power_t after t samples, or a fifth whenever
        nothing improves. A schedule of `nnfast.schedules`, for any named solver, counts epochs or steps.
    learning_rate_init : float, default=0.001
    power_t : float, default=0.5
    max_iter : int, default=200
        Epochs at most; for "lbfgs" iterations.
    shuffle : bool, default=True
        Whether each epoch takes the samples in a new order.
    random_state : int, RandomState or None, default=None
        Initial weights, validation set and orders, which are scikit-learn's for the same number.
    tol : float, default=1e-4
        Smallest improvement that counts.
    verbose : bool or int, default=False
        Print the loss after each epoch.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights that are there.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
        Of "sgd".
    early_stopping : bool, default=False
        Whether the score of a validation set decides when to stop, and which weights are kept: the best.
    validation_fraction : float, default=0.1
        How much of the samples the validation set takes, unless `fit` is given `X_val`.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Of "adam". Epsilon is added to sqrt(v) as in the paper's last form (Kingma & Ba 2015, section 2).
    n_iter_no_change : int or inf, default=10
        Epochs without improvement after which training stops.
    max_fun : int, default=15000
        Evaluations of the loss by "lbfgs" at most.
    output_activation : str or Layer, default="auto"
        After the last layer: none, and for Poisson's loss the exponential function, when "auto"; otherwise as
        `activation`.
    dropout : float or list of float, default=0.0
        After each hidden layer, one for all or one each: the share of its outputs that a step leaves out.
    batch_norm : bool, default=False
        Whether batch normalisation stands between each hidden layer and its activation.
    callbacks : Callback, callable or list of these, default=None
        Of `nnfast.callbacks`, a `ModelCheckpoint` for instance. Their logs have "loss" and, with a validation
        set, "val_score".
    progress : bool, default=False
        Whether a progress bar is shown.
    n_threads : int or None, default=None
        Threads at most; None is `nnfast.get_num_threads()`. The result is the same bits for any number.

    Attributes
    ----------
    coefs_ : list of ndarray (n_inputs, n_outputs)
        Weights of the layers.
    intercepts_ : list of ndarray (n_outputs,)
    loss_ : float
        Of the last epoch, penalty included.
    best_loss_ : float or None
        The smallest; None with `early_stopping`.
    loss_curve_ : list of float
        Of each epoch. Not with "lbfgs", as the rest that is kept by epochs.
    validation_scores_ : list of float or None
        R2 of the validation set after each epoch.
    best_validation_score_ : float or None
    n_iter_ : int
        Epochs, or iterations of "lbfgs".
    t_ : int
        Samples seen.
    n_features_in_, n_layers_, n_outputs_ : int
    feature_names_in_ : ndarray of str
        Where X had names.
    out_activation_ : str
    model_ : nnfast.Sequential
        The network itself; ``model_.save(path)`` writes it to a file.

    Notes
    -----
    With float64 samples, scikit-learn's own parameters and an equal `random_state`, "sgd" and "adam" give its
    weights and losses up to rounding. Losses are computed from logits: that of a sample does not end
    at -log(machine epsilon), 36 in float64 and 16 in float32, as scikit-learn's does. With "lbfgs" weights
    are float64.

    A sparse matrix is multiplied with the first layer's weights as it is when at most a tenth of it is not 0;
    a step still updates all weights, as in scikit-learn. The rows of others are made dense some at a time,
    whole batches of about 4 MB. A matrix in CSC is converted to CSR once.

    Examples
    --------
    >>> import numpy as np
    >>> from nnfast.sklearn import MLPRegressor
    >>> X = np.linspace(0, 1, 50).reshape(-1, 1)
    >>> y = np.sin(6 * X[:, 0])
    >>> reg = MLPRegressor(hidden_layer_sizes=(20,), activation="tanh", solver="lbfgs", random_state=0)
    >>> reg.fit(X, y).score(X, y) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Perceptron._parameter_constraints,
        **Regressor._parameter_constraints,
        "output_activation": [StrOptions({"auto", *NAMES}), Layer],
    }
    output_activation: Any

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        output_activation: Any = "auto",
        dropout: Any = 0.0,
        batch_norm: bool = False,
        callbacks: Any = None,
        progress: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @property
    def _output_activation(self) -> str:
        return self.output_activation if isinstance(self.output_activation, str) else "layer"

    def _output_layers(self) -> list[Layer]:
        return [] if self._output_activation == "auto" else activation_layers(self.output_activation)

    def _out_activation(self, link: str) -> str:
        if self._output_activation == "layer":
            return type(self.output_activation).__name__
        return self._output_activation if self._output_activation in ACTIVATIONS else link
