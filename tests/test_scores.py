"""Metrics of whole data sets against scikit-learn, alone and as names in compile; History's tables."""

import csv
import doctest

import numpy as np
import pytest
from sklearn import metrics as sk

import nnfast as nf
from nnfast import metrics as m

RNG = np.random.default_rng(8)
# Both sides are quotients of the same small whole numbers, or sums of n = 200 doubles: n * 2^-53 < 1e-12.
TOLERANCE = {"rel": 1e-12, "abs": 1e-12}


@pytest.mark.parametrize("classes", [2, 3, 7, 30])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_scores_of_classes(name, average, classes):
    labels, outputs = RNG.integers(0, classes, 50), RNG.standard_normal((50, classes))
    theirs = getattr(sk, f"{name}_score")
    expected = theirs(labels, outputs.argmax(axis=1), average=average, zero_division=0)
    mine = getattr(m, name)
    assert mine(labels, outputs, average) == pytest.approx(expected, **TOLERANCE)
    assert mine(np.eye(classes)[labels], outputs, average) == mine(labels, outputs, average)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@pytest.mark.parametrize("labels", [RNG.integers(0, 2, 60), np.zeros(60, int), np.ones(60, int)])
def test_scores_of_the_positive_class(name, labels):
    outputs = RNG.random(60)
    for threshold in (0.5, 0.2, 2.0):
        expected = getattr(sk, f"{name}_score")(labels, outputs > threshold, zero_division=0)
        for shape in ((60,), (60, 1)):
            found = getattr(m, name)(labels, outputs.reshape(shape), threshold=threshold)
            assert found == pytest.approx(expected, **TOLERANCE)


def test_auc():
    labels, outputs = RNG.integers(0, 2, 200), RNG.integers(0, 20, 200) / 4.0  # many ties
    expected = pytest.approx(sk.roc_auc_score(labels, outputs), **TOLERANCE)
    assert m.auc(labels, outputs) == expected == m.auc(2 * labels[:, None] - 1, outputs[:, None])
    assert m.auc(labels, np.stack([-outputs, outputs], axis=1)) == expected
    assert np.isnan(m.auc(np.ones(3), np.arange(3))) and np.isnan(m.auc([0, 1], [0.1, np.nan]))


def test_top_k():
    labels, outputs = RNG.integers(0, 9, 80), RNG.standard_normal((80, 9))
    for k in (1, 3, 8):
        expected = sk.top_k_accuracy_score(labels, outputs, k=k, labels=np.arange(9))
        assert m.top_k_accuracy(labels, outputs, k) == pytest.approx(expected, **TOLERANCE)
    assert m.top_k_accuracy(labels, outputs, 1) == m.accuracy(labels, outputs)
    assert m.top_k_accuracy(labels, outputs, 9) == 1.0


def test_r2():
    for shape in ((40,), (40, 1), (40, 3)):
        true, pred = RNG.standard_normal(shape), RNG.standard_normal(shape)
        assert m.r2(true, pred) == pytest.approx(sk.r2_score(true, pred), **TOLERANCE)
    assert m.r2([2, 2], [2, 2]) == sk.r2_score([2, 2], [2, 2]) == 1.0
    assert m.r2([2, 2], [2, 3]) == sk.r2_score([2, 2], [2, 3]) == 0.0


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "auc", "r2", "top_k_accuracy"])
def test_shapes_that_do_not_fit(name):
    for true, pred in (([0, 1], [0.1]), ([], []), (np.zeros((2, 3)), np.zeros((2, 2))), (0, 0)):
        with pytest.raises(ValueError, match=f"{name}: expected y_pred"):
            getattr(m, name)(true, pred)
    with pytest.raises(ValueError, match="precision: average: expected one of"):
        m.precision([0], [1.0], "mean")
    with pytest.raises(ValueError, match=r"top_k_accuracy: k: expected 1..2, got 3"):
        m.top_k_accuracy([0], [[1.0, 2.0]], 3)


@pytest.mark.parametrize("name", m.__all__)
def test_examples_run(name):
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(getattr(m, name), name, globs={**vars(m)}):
        runner.run(test)
    assert runner.tries > 0 and runner.failures == 0


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_names_in_compile(backend, tmp_path):
    x, y = RNG.standard_normal((60, 4)), RNG.integers(0, 6, 60)
    model = nf.Sequential(nf.Linear(4, 6), seed=0)
    names = ["accuracy", "precision", "top_3_accuracy", "f1", "recall"]
    model.compile("sgd", "cross_entropy", names, backend)
    found, outputs = model.evaluate(x, y), model.predict(x)
    assert set(found) == {"loss", *names}
    assert found["top_3_accuracy"] == m.top_k_accuracy(y, outputs, 3)
    assert found["f1"] == m.f1(y, outputs) and found["precision"] == m.precision(y, outputs)
    model.save(tmp_path / "model")
    assert nf.load(tmp_path / "model").evaluate(x, y) == found

    binary = nf.Sequential(nf.Linear(4, 1), seed=0)
    binary.compile("sgd", "bce_with_logits", ["precision", "recall", "auc"], backend)
    labels = y % 2
    found, logits = binary.evaluate(x, labels), binary.predict(x)
    assert found["recall"] == sk.recall_score(labels, logits[:, 0] > 0)  # logits: the threshold is 0
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, logits[:, 0]), **TOLERANCE)
    for loss, metric in (("mse", "auc"), ("cross_entropy", "r2"), ("cross_entropy", "top_7_accuracy")):
        with pytest.raises(ValueError, match="compile: metrics: '"):
            nf.Sequential(nf.Linear(4, 6)).compile("sgd", loss, [metric])
            model.compile("sgd", loss, [metric])


def test_history_as_tables(tmp_path):
    model = nf.Sequential(nf.Linear(2, 1), seed=0)
    model.compile("sgd", "mse", ["mae", "r2"])
    history = model.fit(np.eye(2), [0.0, 1.0], epochs=3, verbose=0)
    columns = history.to_dict()
    assert list(columns) == ["epoch", "loss", "mae", "r2", "seconds"] and columns["loss"] == history["loss"]
    columns["loss"].clear()  # a copy
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history["loss"] and len(rows) == 3


def test_binary_accuracy_is_accuracy_of_two_classes():
    x, y = np.linspace(-1, 1, 8)[:, None], np.arange(8) % 3 == 0
    model = nf.Sequential(nf.Linear(1, 1), seed=0)
    model.compile("sgd", "bce_with_logits", metrics=["accuracy", "binary_accuracy"])
    found = model.evaluate(x, y.astype(float))
    assert found["binary_accuracy"] == found["accuracy"]
    with pytest.raises(ValueError, match="'binary_accuracy' needs a loss of two classes"):
        model.compile("sgd", "mse", metrics=["binary_accuracy"])
