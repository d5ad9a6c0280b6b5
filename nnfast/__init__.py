"""nnfast: neural networks on the CPU, fast.

    import nnfast as nf

    model = nf.Sequential(nf.Linear(784, 100), nf.ReLU(), nf.Linear(100, 10), seed=0)
    model.compile("adam", "cross_entropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=10, validation_data=(x_test, y_test))
    model.predict(x_test)

- networks: `Sequential`, the layers, losses and optimizers below
- functions of arrays with their gradients: `matmul`, `linear`, `conv2d`, `softmax`, `adam_update`, ...
- `reference`: the same in plain NumPy, to be read
- `sklearn`: estimators for scikit-learn (imported on its own: `import nnfast.sklearn`)
- `callbacks`, `data`, `datasets`, `metrics`, `initializers`, `plot`, `examples`: what surrounds a network
- `show_config`, `set_num_threads`, `num_threads`: the machine
- `get_include`, `get_library_dir`: for C, C++ and Cython

`python -m nnfast` runs a demonstration.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"


def _load_core() -> Any:
    """The compiled module, which an installed copy holds when this one is a source checkout."""
    global __path__
    try:
        return importlib.import_module("nnfast._core")
    except ModuleNotFoundError as error:
        if error.name != "nnfast._core":
            raise
    # Python found the sources first (run in the project's root): look for the installed package.
    from pkgutil import extend_path

    here = list(__path__)
    __path__ = extend_path(__path__, __name__)
    try:
        return importlib.import_module("nnfast._core")
    except ModuleNotFoundError as error:
        if error.name != "nnfast._core":
            raise
    __path__ = here
    raise ImportError(
        f"nnfast: the compiled module nnfast._core was not found. The Python sources are in {here[0]}; "
        "build and install the package with `pip install .` in the project's root (or `pip install nnfast`)."
    )


_core = _load_core()
if _core.__version__ != __version__:
    raise ImportError(
        f"nnfast: the sources in {os.path.dirname(__file__)} are version {__version__}, but the compiled "
        f"module {_core.__file__} is version {_core.__version__}. "
        "Install again: `pip install .` in the project's root."
    )

# ruff: noqa: E402  (nothing of the package can be imported before the compiled module is found)
from nnfast import callbacks, data, functional, initializers, metrics, schedules
from nnfast._io import load
from nnfast._wiring import Input, Residual
from nnfast.config import get_num_threads, num_threads, set_num_threads, show_config
from nnfast.data import Standardizer, one_hot
from nnfast.functional import *  # noqa: F403
from nnfast.history import History
from nnfast.layers import (
    ELU,
    GELU,
    SELU,
    AdaptiveAvgPool2d,
    Add,
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Concat,
    ConstantPad2d,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    GroupNorm,
    Hardsigmoid,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    MaxPool1d,
    MaxPool2d,
    Mish,
    Normalize,
    PReLU,
    ReLU,
    ReLU6,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Step,
    Tanh,
    Upsample,
    ZeroPad2d,
)
from nnfast.losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    PerceptronLoss,
    PoissonNLLLoss,
    QuadraticCost,
    SmoothL1Loss,
)
from nnfast.model import Model
from nnfast.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    Perceptron,
    RMSprop,
    SparseAdam,
)
from nnfast.schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    InverseScaling,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)
from nnfast.sequential import Sequential

if TYPE_CHECKING:
    from nnfast import datasets, examples, plot, reference

# Loaded when first asked for: they cost time, or need packages that are not always there.
_LAZY = ("datasets", "examples", "plot", "reference")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"nnfast.{name}")
    raise AttributeError(f"module 'nnfast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY))


def get_include() -> str:
    """Folder to give the compiler with -I for `#include <nnfast/nnfast.h>`.

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        If the header is neither beside the package nor in the source tree.

    Examples
    --------
    >>> import os
    >>> os.path.exists(os.path.join(get_include(), "nnfast", "nnfast.h"))
    True
    """
    folders = [os.path.join(folder, "include") for folder in __path__]
    folders.append(os.path.join(os.path.dirname(os.path.dirname(__file__)), "csrc", "include"))
    for folder in folders:
        if os.path.exists(os.path.join(folder, "nnfast", "nnfast.h")):
            return folder
    raise FileNotFoundError(f"nnfast: nnfast/nnfast.h was not found in {', '.join(folders)}")


def get_library_dir() -> str:
    """Folder to give the linker with -L (and as run path) for `-lnnfast`.

    Returns
    -------
    str

    Examples
    --------
    >>> import glob, os
    >>> len(glob.glob(os.path.join(get_library_dir(), "libnnfast*"))) > 0
    True
    """
    return os.path.dirname(os.path.abspath(_core.library_path()))


__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "AdaptiveAvgPool2d",
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Concat",
    "ConstantPad2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CosineAnnealingLR",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "ExponentialLR",
    "Flatten",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GroupNorm",
    "Hardsigmoid",
    "HingeLoss",
    "History",
    "HuberLoss",
    "Input",
    "InverseScaling",
    "KLDivLoss",
    "L1Loss",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearWarmup",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Model",
    "MultiStepLR",
    "NAdam",
    "NLLLoss",
    "Normalize",
    "OneCycleLR",
    "PReLU",
    "Perceptron",
    "PerceptronLoss",
    "PoissonNLLLoss",
    "QuadraticCost",
    "RMSprop",
    "ReLU",
    "ReLU6",
    "ReduceLROnPlateau",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Softsign",
    "SparseAdam",
    "Standardizer",
    "Step",
    "StepLR",
    "Tanh",
    "Upsample",
    "ZeroPad2d",
    "callbacks",
    "data",
    "datasets",
    "examples",
    "get_include",
    "get_library_dir",
    "get_num_threads",
    "initializers",
    "load",
    "metrics",
    "num_threads",
    "one_hot",
    "plot",
    "reference",
    "schedules",
    "set_num_threads",
    "show_config",
]
__all__ += functional.__all__
