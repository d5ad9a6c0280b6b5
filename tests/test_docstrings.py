"""Documentation of all public names: the sections wanted, every parameter named, examples that run."""

import doctest
import inspect
import operator
import re
import types

import numpy as np
import pytest

import nnfast as nf
from nnfast import callbacks, data, functional, initializers, metrics

PUBLIC = [name for name in nf.__all__ if not isinstance(getattr(nf, name), types.ModuleType)]
# With the public names of the modules whose members users call by "module.name".
MODULES = {"callbacks": callbacks, "data": data, "initializers": initializers, "metrics": metrics}
DOCUMENTED = PUBLIC + [f"{name}.{member}" for name, module in MODULES.items() for member in module.__all__]


def look_up(name):
    """What `nf.<name>` is."""
    return operator.attrgetter(name)(nf)


def sections(text):
    """{title: body} of a docstring in NumPy's style."""
    found = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    return {title: body.strip() for title, body in zip(found[1::2], found[2::2], strict=True)}


def documented(block):
    """Names on the lines `a, b : description` of a section."""
    lines = [line for line in block.split("\n") if line and not line.startswith(" ")]
    return [name.strip(" *") for line in lines for name in line.split(" : ")[0].split(",")]


def gaps(name):
    """What the documentation of a public name lacks, each as a sentence for whoever has to write it."""
    item = look_up(name)
    found = sections(inspect.getdoc(item) or "")
    signature = inspect.signature(item)
    parameters = set(signature.parameters)
    is_class = isinstance(item, type)

    wanted = {"Examples": "lines of >>> that run"}
    if parameters:
        wanted["Parameters"] = "shapes, dtypes, defaults of " + ", ".join(signature.parameters)
        wanted["Raises"] = "which errors, and when"
    if not is_class and signature.return_annotation not in (None, "None"):
        wanted["Returns"] = "shape and dtype"
    if name in functional.__all__:
        wanted["Notes or References"] = "the source of the formula"

    lacking = [
        f"section {title} ({why})"
        for title, why in wanted.items()
        if not any(found.get(choice) for choice in title.split(" or "))
    ]
    if found.get("Parameters"):
        named = documented(found["Parameters"])
        missing, unknown = parameters - set(named), set(named) - parameters
        lacking += [f"parameter {p} in section Parameters" for p in sorted(missing)]
        lacking += [f"section Parameters names {p}, which it does not take" for p in sorted(unknown)]
        lacking += [f"parameter {p} once, not twice" for p in sorted(set(named)) if named.count(p) > 1]
    if found.get("Examples") and ">>> " not in found["Examples"]:
        lacking.append("lines of >>> in section Examples")
    return lacking


@pytest.mark.parametrize("name", DOCUMENTED)
def test_public_names_are_documented(name):
    lacking = gaps(name)
    assert not lacking, f"nnfast.{name}: the docstring lacks: " + "; ".join(lacking)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_run(name):
    """Of functions, and of classes with their methods."""
    item = look_up(name)
    names = {"nf": nf, "np": np, item.__name__: item}
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(item, name, module=False, globs=names):
        runner.run(test)
    assert runner.tries > 0, f"nnfast.{name}: no example"
    assert runner.failures == 0, "the output above says which"


def test_gaps_are_found(monkeypatch):
    def incomplete(x, axis=0):
        """Does something.

        Parameters
        ----------
        x, y : arrays

        Returns
        -------
        array
        """
        return x

    class Plain(nf.Layer):
        """A layer without options of its own still takes a name."""

    monkeypatch.setattr(nf, "relu", incomplete)
    monkeypatch.setattr(nf, "ReLU", Plain)
    for part in ("Parameters", "Raises", "Examples"):
        assert f"section {part}" in "; ".join(gaps("ReLU"))
    lacking = "; ".join(gaps("relu"))
    for part in ("Raises", "Examples", "Notes or References"):
        assert f"section {part}" in lacking
    assert "parameter axis in" in lacking and "names y, which" in lacking
    assert "section Returns" not in lacking and "section Parameters (" not in lacking
