"""Documentation of the estimators: every parameter named, scikit-learn's with its defaults; examples run."""

import doctest
import inspect

import pytest
import sklearn.neural_network

import nnfast.sklearn

from .test_docstrings import documented, sections

EACH = pytest.mark.parametrize("name", nnfast.sklearn.__all__)


@EACH
def test_parameters_are_documented(name):
    estimator = getattr(nnfast.sklearn, name)
    found = sections(inspect.getdoc(estimator))
    named = set(documented(found["Parameters"]))
    assert named == set(inspect.signature(estimator).parameters)
    for section in ("Attributes", "Notes", "Examples"):
        assert found[section], section
    for method in ("fit", "partial_fit", "predict"):
        stated = sections(inspect.getdoc(getattr(estimator, method)))
        taken = set(inspect.signature(getattr(estimator, method)).parameters) - {"self"}
        assert set(documented(stated["Parameters"])) == taken, method
        assert stated["Returns"]


@EACH
def test_examples_run(name):
    estimator = getattr(nnfast.sklearn, name)
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(estimator, name, module=False, globs={}):
        runner.run(test)
    assert runner.tries > 0 and runner.failures == 0, "the output above says which"


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_signatures_begin_with_scikit_learns(name):
    theirs = inspect.signature(getattr(sklearn.neural_network, name)).parameters
    ours = inspect.signature(getattr(nnfast.sklearn, name)).parameters
    for i, parameter in enumerate(theirs.values()):
        mine = ours[parameter.name]
        assert (mine.default, mine.kind) == (parameter.default, parameter.kind)
        assert list(ours)[i] == parameter.name
    assert all(mine.kind is mine.KEYWORD_ONLY for mine in list(ours.values())[len(theirs) :])
