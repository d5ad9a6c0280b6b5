"""Metrics count samples by their weights, as scikit-learn's do: alone, and in fit and evaluate."""

import numpy as np
import pytest
from sklearn import metrics as sk

import nnfast as nf
from nnfast import metrics as m

RNG = np.random.default_rng(18)
SINGLE = {"rel": 2.0**-23}  # accuracy is the engine's, which weighs in the model's float32
TOLERANCE = {"rel": 1e-12, "abs": 1e-12}  # sums of 90 doubles in another order: 90 * 2^-53 = 1e-14
N = 90
W = RNG.random(N) * RNG.integers(0, 3, N)  # some are 0
X = RNG.standard_normal((N, 4))
LABELS = RNG.integers(0, 3, N)
SCORES = RNG.integers(1, 9, (N, 3)) / 8.0  # many ties
PROBABILITIES = SCORES / SCORES.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_classes(name, average):
    theirs, mine = getattr(sk, f"{name}_score"), getattr(m, name)
    for w in (W, np.where(LABELS == 0, 0.0, W)):  # a class that occurs and weighs nothing
        expected = theirs(LABELS, SCORES.argmax(1), average=average, sample_weight=w, zero_division=0)
        assert mine(LABELS, SCORES, average, sample_weight=w) == pytest.approx(expected, **TOLERANCE)
    expected = theirs(LABELS > 0, SCORES[:, 1] > 0.4, sample_weight=W)
    found = mine(LABELS > 0, SCORES[:, 1], threshold=0.4, sample_weight=W)
    assert found == pytest.approx(expected, **TOLERANCE)


def test_areas():
    two = LABELS > 0
    expected = sk.roc_auc_score(two, SCORES[:, 0], sample_weight=W)
    assert m.auc(two, SCORES[:, 0], sample_weight=W) == pytest.approx(expected, **TOLERANCE)
    for w in (None, W):
        expected = sk.roc_auc_score(LABELS, PROBABILITIES, multi_class="ovr", sample_weight=w)
        assert m.auc(LABELS, PROBABILITIES, sample_weight=w) == pytest.approx(expected, **TOLERANCE)
        assert m.auc(np.eye(3)[LABELS], PROBABILITIES, sample_weight=w) == pytest.approx(
            expected, **TOLERANCE
        )
        logits = RNG.standard_normal((N, 3)) + RNG.standard_normal((N, 1))  # which softmax takes away
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected = sk.roc_auc_score(LABELS, shares, multi_class="ovr", sample_weight=w)
        assert m.auc(LABELS, logits, from_logits=True, sample_weight=w) == pytest.approx(
            expected, **TOLERANCE
        )
        assert m.auc(LABELS, logits, sample_weight=w) != pytest.approx(expected, abs=1e-6)
    assert np.isnan(m.auc(LABELS % 2, PROBABILITIES))  # a class that does not occur
    with pytest.raises(ValueError, match=r"auc: y_true: expected labels in 0\.\.2, got 0\.\.3"):
        m.auc(np.arange(N) % 4, PROBABILITIES)


def test_the_others():
    true, pred = RNG.standard_normal((2, N, 2))
    for mine, theirs in (
        (m.r2, sk.r2_score),
        (m.mae, sk.mean_absolute_error),
        (m.mse, sk.mean_squared_error),
    ):
        assert mine(true, pred, sample_weight=W) == pytest.approx(
            theirs(true, pred, sample_weight=W), **TOLERANCE
        )
    assert m.rmse(true, pred, sample_weight=W) == np.sqrt(m.mse(true, pred, sample_weight=W))
    expected = sk.accuracy_score(LABELS, SCORES.argmax(1), sample_weight=W)
    assert m.accuracy(LABELS, SCORES, sample_weight=W) == pytest.approx(expected, **TOLERANCE)
    scores = RNG.standard_normal((N, 3))
    expected = sk.top_k_accuracy_score(LABELS, scores, k=2, sample_weight=W)
    assert m.top_k_accuracy(LABELS, scores, 2, sample_weight=W) == pytest.approx(expected, **TOLERANCE)


@pytest.mark.parametrize("name", m.__all__)
def test_bad_weights(name):
    labels = [0.5, 1.5, 2.5] if name in ("mae", "mse", "rmse", "r2") else [0, 1, 2]
    outputs = np.asarray(labels) if name in ("mae", "mse", "rmse", "r2") else np.eye(3)
    given = {"k": 2} if name == "top_k_accuracy" else {}
    for weights, message in (
        ([1, 2], r"expected shape \(3,\)"),
        ([1, -1, 1], "finite numbers >= 0"),
        ([0, 0, 0], "above 0"),
    ):
        with pytest.raises(
            ValueError, match=f"{'mse' if name == 'rmse' else name}: sample_weight: .*{message}"
        ):
            getattr(m, name)(labels, outputs, sample_weight=weights, **given)


NAMES = ["accuracy", "precision", "recall", "f1", "auc", "top_2_accuracy"]


def softmax(logits):
    odds = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def expected_of(labels, logits, w):
    guesses, averaged = logits.argmax(axis=1), {"average": "macro", "sample_weight": w}
    return {
        "accuracy": sk.accuracy_score(labels, guesses, sample_weight=w),
        "precision": sk.precision_score(labels, guesses, zero_division=0, **averaged),
        "recall": sk.recall_score(labels, guesses, **averaged),
        "f1": sk.f1_score(labels, guesses, **averaged),
        "auc": sk.roc_auc_score(labels, softmax(logits), multi_class="ovr", sample_weight=w),
        "top_2_accuracy": sk.top_k_accuracy_score(labels, logits, k=2, sample_weight=w),
    }


def check(found, expected):
    for name in NAMES:
        assert found[name] == pytest.approx(
            expected[name], **(SINGLE if name == "accuracy" else TOLERANCE)
        ), name


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_weights_reach_every_metric_of_a_model(backend):
    model = nf.Sequential(nf.Linear(4, 3), seed=0)
    model.compile("sgd", "cross_entropy", NAMES, backend)
    found, expected = model.evaluate(X, LABELS, sample_weight=W), expected_of(LABELS, model.predict(X), W)
    check(found, expected)
    batches = [(X[a : a + 40], LABELS[a : a + 40], W[a : a + 40]) for a in (0, 40, 80)]
    assert model.evaluate(batches) == pytest.approx(found, rel=1e-6)
    # Batches with and without: those without count 1.
    mixed = model.evaluate([batches[0], batches[1][:2], batches[2]])
    w = np.concatenate([W[:40], np.ones(40), W[80:]])
    assert mixed == pytest.approx(model.evaluate(X, LABELS, sample_weight=w), rel=1e-6)
    # In fit: the training data by both weights, the validation data by its own.
    classes = np.array([1.0, 3.0, 0.5])
    history = model.fit(
        X, LABELS, sample_weight=W, class_weight=classes, validation_data=(X, LABELS, W), verbose=0
    )
    logits = model.predict(X)
    both, held = (expected_of(LABELS, logits, w) for w in (W * classes[LABELS], W))
    for name in NAMES[1:]:  # accuracy is the mean while the weights change
        assert history[name][0] == pytest.approx(both[name], **TOLERANCE)
        assert history[f"val_{name}"][0] == pytest.approx(held[name], **TOLERANCE)


def test_several_outputs_have_weights_of_their_own():
    x = nf.Input(4)
    model = nf.Model(x, [nf.Linear(4, 3, name="a")(x), nf.Linear(4, 1, name="b")(x)], seed=0)
    model.compile("sgd", ["cross_entropy", "mse"], metrics=["f1", "r2"])
    y = X[:, 0]
    a, b = model.predict(X)
    for given, w in (([W, None], (W, None)), (W, (W, W)), (None, (None, None))):
        found = model.evaluate(X, [LABELS, y], sample_weight=given)
        assert found["a_f1"] == m.f1(LABELS, a, sample_weight=w[0])
        assert found["b_r2"] == m.r2(y, b, sample_weight=w[1])
    halves = [(X[s], [LABELS[s], y[s]], [W[s], None]) for s in (slice(0, 50), slice(50, N))]
    found = model.evaluate(halves)
    assert found["a_f1"] == pytest.approx(m.f1(LABELS, a, sample_weight=W))
    assert found["b_r2"] == pytest.approx(m.r2(y, b))


def test_functions_are_given_the_weights_they_ask_for():
    seen = []

    def plain(y_true, y_pred):
        return len(y_true)

    def weighted(y_true, y_pred, sample_weight):
        seen.append(sample_weight)
        return 0.0 if sample_weight is None else sample_weight.sum()

    model = nf.Sequential(nf.Linear(4, 1), seed=0)
    model.compile("sgd", "mse", [plain, weighted, sk.r2_score])
    y = X[:, 0]
    found = model.evaluate(X, y, sample_weight=W)
    assert found["plain"] == N and found["weighted"] == pytest.approx(W.sum())
    assert found["r2_score"] == pytest.approx(sk.r2_score(y, model.predict(X), sample_weight=W))
    assert model.evaluate(X, y)["weighted"] == 0.0 and seen[-1] is None


def test_ignored_labels_are_no_class():
    model = nf.Sequential(nf.Linear(4, 3), seed=0)
    model.compile("sgd", nf.CrossEntropyLoss(ignore_index=-1), NAMES)
    labels = np.where(np.arange(N) % 5 == 0, -1, LABELS)
    kept = labels >= 0
    for w in (None, W):
        found = model.evaluate(X, labels, sample_weight=w)
        expected = expected_of(labels[kept], model.predict(X)[kept], None if w is None else w[kept])
        check(found, expected)
    assert np.isnan(model.evaluate(X, np.full(N, -1))["f1"])


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("labels", [2, 3])
def test_several_labels_a_sample(average, labels):
    true, pred = RNG.integers(0, 2, (N, labels)), RNG.standard_normal((N, labels))
    for w in (None, W):
        options = {"average": average, "sample_weight": w}
        for name in ("precision", "recall", "f1"):
            expected = getattr(sk, f"{name}_score")(true, pred > 0.2, zero_division=0, **options)
            found = getattr(m, name)(true, pred, threshold=0.2, multilabel=True, **options)
            assert found == pytest.approx(expected, **TOLERANCE), name
        expected = sk.roc_auc_score(true, pred, sample_weight=w)
        assert m.auc(true, pred, multilabel=True, sample_weight=w) == pytest.approx(expected, **TOLERANCE)
    with pytest.raises(ValueError, match=r"f1: y_true: expected y_pred's shape .* with multilabel"):
        m.f1(true[:, 0], pred, multilabel=True)


@pytest.mark.parametrize("loss", ["bce_with_logits", "binary_cross_entropy"])
def test_several_labels_a_sample_in_a_model(loss):
    layers = [nf.Linear(4, 2)] + [nf.Sigmoid()] * (loss == "binary_cross_entropy")
    model = nf.Sequential(*layers, seed=0)
    model.compile("sgd", loss, ["precision", "recall", "f1", "auc"])
    true = (X[:, :2] + RNG.standard_normal((N, 2)) > 0).astype(float)
    found, pred = model.evaluate(X, true, sample_weight=W), model.predict(X)
    said = pred > (0 if loss == "bce_with_logits" else 0.5)
    for name in ("precision", "recall", "f1"):
        expected = getattr(sk, f"{name}_score")(true, said, average="macro", sample_weight=W)
        assert found[name] == pytest.approx(expected, **TOLERANCE)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(true, pred, sample_weight=W), **TOLERANCE)
