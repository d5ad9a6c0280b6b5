"""nnfast.cython_api: stable signatures, and a real consumer built against it (cython_example/)."""

import ctypes
import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

import nnfast as nf
from nnfast import cython_api
from nnfast import reference as ref

from .tolerances import assert_close, both, exact, product_bound, softmax_relative

EXAMPLE = Path(__file__).parent / "cython_example"


def pair(name, returned, arguments):
    """The f32 and f64 lines of a function, `T` standing for the C type."""
    return {
        f"{name}_{suffix}": f"{returned} ({arguments.replace('T', ctype)})"
        for suffix, ctype in (("f32", "float"), ("f64", "double"))
    }


N, P, Y = "int64_t", "T const *", "T *"

# What compiled consumers rely on: Cython refuses to import a function whose signature differs. Add, never
# change.
SIGNATURES = {
    "last_error": "char const *(void)",
    **pair("matmul", "int", f"{N}, {N}, {N}, {P}, {N}, {N}, {P}, {N}, {N}, {Y}, {N}, int"),
    **pair("linear", "int", f"{N}, {N}, {N}, {P}, {P}, {P}, int, double, {Y}"),
    **pair("sigmoid", "int", f"{N}, {P}, {Y}"),
    **pair("tanh", "int", f"{N}, {P}, {Y}"),
    **pair("relu", "int", f"{N}, {P}, {Y}"),
    **pair("leaky_relu", "int", f"{N}, double, {P}, {Y}"),
    **pair("softmax", "int", f"{N}, {N}, {N}, {P}, {Y}"),
    **pair("log_softmax", "int", f"{N}, {N}, {N}, {P}, {Y}"),
    **pair("model_handle", "void *", "PyObject *"),
    **pair("predict", "int", f"void *, {N}, {N}, {P}, {Y}"),
}


def exported():
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    return {name: name_of(capsule).decode() for name, capsule in cython_api.__pyx_capi__.items()}


def test_signatures():
    found = exported()
    for name, signature in SIGNATURES.items():
        assert found.get(name, "missing").replace(" ", "") == signature.replace(" ", ""), name


def test_signatures_are_complete():
    """A new function belongs into SIGNATURES from its first release on."""
    assert set(exported()) == set(SIGNATURES)


@pytest.fixture(scope="module")
def example(tmp_path_factory, compilers):
    """The example, built as its users would build theirs."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("cython_example")
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    path = os.pathsep.join([os.path.dirname(p) for p in nf.__path__] + [os.environ.get("PYTHONPATH", "")])
    built = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "CC": compilers["c"], "CFLAGS": "-O1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (binary,) = [f for f in folder.iterdir() if f.suffix in (".so", ".pyd")]
    spec = spec_from_file_location("nnfast_example", binary)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_layers(example):
    rng = np.random.default_rng(1)
    x, w1, b1, w2, b2 = (
        rng.standard_normal(s).astype(np.float32) for s in [(9, 20), (33, 20), (33,), (5, 33), (5,)]
    )
    hidden = ref.linear(exact(x), exact(w1), exact(b1), activation="relu")
    logits = ref.linear(hidden, exact(w2), exact(b2))
    # The error of the hidden layer goes through |w2|; an error e of the logits is one of 2 e in the softmax's
    # logarithm.
    error = product_bound(x, w1.T, np.float32, extra=1) + both(21, np.float32) * np.abs(b1)
    error = error @ np.abs(exact(w2)).T + product_bound(hidden, w2.T, np.float32, extra=1)
    error = 2 * (error + both(34, np.float32) * np.abs(b2)).max(axis=1, keepdims=True)
    expected = ref.softmax(logits)
    bound = expected * (error + softmax_relative(logits, -1, np.float32))
    assert_close(example.classify(x, w1, b1, w2, b2), expected, bound)


def test_strides(example):
    x = np.random.default_rng(2).standard_normal((8, 30))
    for view in (x, x[::-1, ::3], x.T):
        assert_close(example.gram(view), view.T @ view, product_bound(view.T, view, np.float64))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "log_softmax"])
def test_elementwise(example, name):
    x = np.linspace(-3, 3, 37)
    np.testing.assert_array_equal(example.elementwise(name, x), getattr(nf, name)(x))


def network(dtype):
    return nf.Sequential(nf.Linear(6, 16), nf.Tanh(), nf.Linear(16, 3), dtype=dtype, seed=1)


def test_predict(example):
    for dtype, predict in (("float32", example.predict), ("float64", example.predict64)):
        model = network(dtype)
        x = np.random.default_rng(3).standard_normal((700, 6)).astype(dtype)
        np.testing.assert_array_equal(predict(model, x, 3), model.predict(x, batch_size=256))


def test_errors(example):
    with pytest.raises(ValueError, match="expected a size of at least 0, got -1"):
        example.fail()
    model = network("float32")
    x = np.zeros((2, 5), np.float32)
    with pytest.raises(TypeError, match="model_handle"):
        example.predict(object(), x, 3)
    with pytest.raises(TypeError, match="other dtype"):
        example.predict64(model, np.zeros((2, 6)), 3)
    with pytest.raises(ValueError, match="expected samples of 6 numbers"):
        example.predict(model, x, 3)
