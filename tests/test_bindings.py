"""The compiled module against its stub, and the functions' docstrings."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import nnfast as nf
from nnfast import _core, functional

# Beside the Python sources, wherever the compiled module is.
(STUB,) = [p for folder in nf.__path__ if (p := Path(folder) / "_core.pyi").exists()][:1]
TREE = ast.parse(STUB.read_text())


def functions(body):
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


CLASSES = {node.name: node for node in TREE.body if isinstance(node, ast.ClassDef)}
METHODS = [(c, f) for c, node in CLASSES.items() for f in functions(node.body)]


def signature(node):
    """Of a parsed function: positional names, their defaults, keyword-only ones, if it takes **kwargs."""

    def literal(value):
        if isinstance(value, ast.Name) and value.id == "Ellipsis":  # as pybind11 writes it
            return ...
        return None if value is None else ast.literal_eval(value)

    args = node.args
    names = [a.arg for a in [*args.posonlyargs, *args.args] if a.arg != "self"]
    defaults = [literal(d) for d in args.defaults]
    keywords = {
        a.arg: ("required",) if d is None else literal(d)
        for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)
    }
    return names, defaults, keywords, args.kwarg is not None


def compiled_signature(function):
    """The same, from the first line of the docstring that pybind11 writes."""
    line = function.__doc__.split("\n")[0]
    line = re.sub(r"<[^>]*>", "None", line)  # defaults that are no literals
    return signature(ast.parse(f"def {line}: ...").body[0])


def test_names():
    """Everything public is in the stub, and everything in the stub is there."""
    assigned = {node.target.id for node in TREE.body if isinstance(node, ast.AnnAssign)}
    stub = set(functions(TREE.body)) | set(CLASSES) | assigned
    compiled = {n for n in vars(_core) if not n.startswith("_")} | {"__version__"}
    assert stub == compiled


@pytest.mark.parametrize("name", functions(TREE.body))
def test_functions(name):
    assert signature(functions(TREE.body)[name]) == compiled_signature(getattr(_core, name))


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_methods(owner, name):
    node = functions(CLASSES[owner].body)[name]
    assert signature(node) == compiled_signature(getattr(getattr(_core, owner), name))


@pytest.mark.parametrize("owner", CLASSES)
def test_attributes(owner):
    body, compiled = CLASSES[owner].body, getattr(_core, owner)
    fields = {node.target.id for node in body if isinstance(node, ast.AnnAssign)}
    assert fields == {n for n, v in vars(compiled).items() if isinstance(v, property)}
    methods = {n for n in vars(compiled) if not n.startswith("__")} - fields
    pybind11_adds = {"_pybind11_conduit_v1_"}
    assert set(functions(body)) - {"__init__"} == methods - pybind11_adds


@pytest.mark.parametrize("name", functional.__all__)
def test_functional_calls_the_core(name):
    """Each public function has a compiled one of the same name and arguments, in the same order."""
    mine = list(inspect.signature(getattr(functional, name)).parameters)
    core = signature(functions(TREE.body)[name])[0]
    renamed = {"betas": ["beta1", "beta2"], "scale_factor": ["scale_h", "scale_w"]}
    expected = [n for p in mine for n in renamed.get(p, [p])]
    assert [n for n in core if n != "alpha" or "alpha" in mine] == expected


# ---------------------------------------------------------------- docstrings' examples


@pytest.mark.parametrize("module", [m.name for m in pkgutil.iter_modules(functional.__path__)])
def test_examples(module):
    found = importlib.import_module(f"nnfast.functional.{module}")
    results = doctest.testmod(found, extraglobs={"np": __import__("numpy")})
    assert results.attempted > 0
    assert results.failed == 0
