"""The documented table is what the package holds; nothing public lacks a row, a twin, a full docstring.

That each row has its gradient check, and that it holds, is tests/test_gradients.py.
"""

import inspect
import re
from pathlib import Path

import pytest

import nnfast as nf
from nnfast import functional, initializers, reference

from . import catalogue
from .test_docstrings import PUBLIC, documented, sections

PAGE = Path(__file__).resolve().parents[1] / "docs" / "catalogue.md"

# What is public and neither a function of arrays nor part of a network or its training by gradients.
OTHERS = {
    "History", "Input", "Layer", "Model", "Sequential", "Standardizer", "get_include", "get_library_dir",
    "get_num_threads", "load", "num_threads", "one_hot", "set_num_threads", "show_config",
}  # fmt: skip


def test_the_committed_table_is_the_generated_one():
    if not PAGE.exists():
        pytest.skip("an sdist without docs")
    assert PAGE.read_text() == catalogue.text(), "run: python -m tests.catalogue > docs/catalogue.md"


KINDS = [
    (catalogue.functions(), catalogue.FUNCTION_NAMES),
    (catalogue.layers(), catalogue.LAYER_NAMES),
    (catalogue.losses(), catalogue.LOSS_NAMES),
    (catalogue.optimizers(), catalogue.OPTIMIZER_NAMES),
    (catalogue.schedule_names(), catalogue.SCHEDULE_NAMES),
    (catalogue.initialisers(), catalogue.INITIALISER_NAMES),
]


def test_every_public_name_has_a_row():
    for found, named in KINDS:
        assert found == set(named)
    rows = set().union(*(found for found, _ in KINDS[:-1]))
    assert rows | OTHERS | {f"{name}_backward" for name in catalogue.differentiable()} == set(PUBLIC)


def test_every_row_has_a_twin():
    for names, twin in [
        (catalogue.functions(), catalogue.function_twin),
        (catalogue.layers(), catalogue.layer_twin),
        (catalogue.losses(), catalogue.loss_twin),
        (catalogue.optimizers(), catalogue.optimizer_twin),
    ]:
        assert not [name for name in names if not twin(name)]


@pytest.mark.parametrize("name", functional.__all__)
def test_docstrings_state_shapes_and_errors(name):
    """The sections of tests/test_docstrings.py, and each array with its shape, here and in the twin."""
    for module in (nf, reference):
        item = getattr(module, name)
        found = sections(inspect.getdoc(item) or "")
        for section in ("Parameters", "Raises", "Examples"):
            assert found.get(section), f"{module.__name__}.{name}: no section {section}"
        if inspect.signature(item).return_annotation not in (None, "None"):
            assert found.get("Returns"), f"{module.__name__}.{name}: no section Returns"
        assert "Error" in found["Raises"], name
        arrays = [line for line in found["Parameters"].split("\n") if " : " in line and "array" in line]
        assert arrays, f"{module.__name__}.{name}: no parameter is said to be an array"
        for line in arrays:
            kind = line.split(" : ", 1)[1]
            stated = re.search(r"\([^()]*\)|shape|scalar|list|like|integer|optional", kind)
            assert stated, f"{module.__name__}.{name}: no shape: {line}"
        assert documented(found["Parameters"])


@pytest.mark.parametrize("name", sorted(catalogue.initialisers()))
def test_initialisers_are_documented(name):
    assert inspect.getdoc(getattr(initializers, name))
