"""NetworkClassifier and NetworkRegressor: any network of nnfast as an estimator."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, make_regression
from sklearn.preprocessing import scale

import nnfast as nf
from nnfast.sklearn import MLPClassifier, NetworkClassifier, NetworkRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600], y[:600]


def cnn(**options):
    return nf.Sequential(
        nf.Conv2d(1, 8, 3),
        nf.BatchNorm2d(8),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.Flatten(),
        nf.Dropout(0.1),
        nf.Linear(72, 10),
        input_shape=(1, 8, 8),
        **options,
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_images(dtype):
    X, y = digits()
    images = X.reshape(-1, 1, 8, 8).astype(dtype)
    network = cnn()
    model = NetworkClassifier(network, max_iter=15, batch_size=20, random_state=0).fit(images, y)
    assert model.score(images, y) > 0.9
    assert network._core is None  # a copy was trained
    assert model.n_features_in_ == 1 and model.model_.input_shape == (1, 8, 8)
    # The same network from flat rows, dense and sparse.
    flat = NetworkClassifier(network, max_iter=15, batch_size=20, random_state=0).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(flat.predict_proba(X.astype(dtype)), model.predict_proba(images))
    if dtype == np.float64:
        thin = NetworkClassifier(network, max_iter=15, batch_size=20, random_state=0)
        thin.fit(sparse.csr_array(X), y)
        np.testing.assert_allclose(thin.predict_proba(sparse.csr_array(X)), flat.predict_proba(X), atol=1e-4)
    with pytest.raises(ValueError, match=r"expected samples of shape \(1, 8, 8\), got \(1, 4, 16\)"):
        model.predict(images.reshape(-1, 1, 4, 16))
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(images), model.predict_proba(images))


def test_the_same_network_trains_as_the_perceptron():
    """Given the same first weights; the engine does the same steps."""
    X, y = digits()
    X = X / 16
    perceptron = MLPClassifier((30,), random_state=0, max_iter=1, alpha=0.1)
    perceptron.fit(X, y)
    network = nf.Sequential(nf.Linear(64, 30), nf.ReLU(), nf.Linear(30, 10), dtype="float64", seed=0)
    wrapped = NetworkClassifier(network, random_state=0, max_iter=1, alpha=0.1, shuffle=False).fit(X, y)
    first = [array.copy() for array in wrapped.model_.state_dict().values()]
    perceptron.coefs_ = [first[0].T, first[2].T]
    perceptron.intercepts_ = [first[1], first[3]]
    both = [
        model.set_params(warm_start=True, max_iter=5, shuffle=False).fit(X, y)
        for model in (perceptron, wrapped)
    ]
    np.testing.assert_allclose(both[0].predict_proba(X), both[1].predict_proba(X), rtol=1e-10, atol=1e-14)


def test_trained_weights_are_where_training_starts():
    X, y = digits()
    network = nf.Sequential(nf.Linear(64, 20), nf.ReLU(), nf.Linear(20, 10), seed=0)
    network.compile("adam", "cross_entropy")
    network.fit(X, y, epochs=30, verbose=0)
    before = network.state_dict()
    model = NetworkClassifier(network, max_iter=1, solver="sgd", learning_rate_init=1e-9).fit(X, y)
    for name, array in model.model_.state_dict().items():
        np.testing.assert_allclose(array, before[name], atol=1e-5)
    # All but the last layer, and a new one.
    body = nf.Sequential(nf.Linear(64, 20), nf.ReLU())
    body._ensure_model("test")
    body.load_state_dict({name: before[name] for name in ("0.weight", "0.bias")})
    model = NetworkClassifier(body, head=True, max_iter=1, solver="sgd", learning_rate_init=1e-9)
    model.fit(X, y % 2 == 0)
    np.testing.assert_allclose(model.model_.state_dict()["0.weight"], before["0.weight"], atol=1e-5)
    assert model.model_.output_shape == (1,)


def test_two_classes_and_labels_and_values():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    body = nf.Sequential(nf.Linear(out_features=16), nf.GELU(), nf.LayerNorm(16))
    model = NetworkClassifier(body, head=True, random_state=0, max_iter=30, early_stopping=True).fit(X, y)
    assert model.score(X, y) > 0.95 and model.predict_proba(X).shape == (len(X), 2)
    labels = np.stack([y, X[:, 0] > 0, X[:, 3] > X[:, 4]], axis=1).astype(int)
    model = NetworkClassifier(body, head=True, random_state=0, max_iter=100).fit(X, labels)
    assert (model.predict(X) == labels).mean() > 0.9
    X, values = make_regression(300, 8, n_targets=2, random_state=0)
    model = NetworkRegressor(body, head=True, loss="huber", learning_rate_init=0.02, random_state=0)
    assert model.fit(X, scale(values)).score(X, scale(values)) > 0.9


def test_two_classes_with_an_output_each():
    """Softmax of two logits, whose difference is the one logit that does, too."""
    X, y = load_breast_cancer(return_X_y=True)
    X, names = scale(X), np.array(["bad", "good"])[y]
    network = nf.Sequential(nf.Linear(30, 6), nf.Tanh(), nf.Linear(6, 2), dtype="float64")
    options = {"random_state": 0, "max_iter": 40, "learning_rate_init": 0.01}
    model = NetworkClassifier(network, **options, early_stopping=True, class_weight="balanced")
    model.fit(X, names)
    assert model.score(X, names) > 0.9 and model.n_outputs_ == 2
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba, nf.softmax(model.model_.predict(X)))
    assert proba.shape == (len(X), 2)
    model.set_params(early_stopping=False).partial_fit(X, names)
    other = NetworkClassifier(network, **options).fit(X, names, X_val=X, y_val=names)
    assert other.validation_scores_[-1] == other.score(X, names)
    other.partial_fit(X, names)
    model.fit(X[:, :30], names)
    assert model.predict(X)[:1].dtype == names.dtype


def branches(n_features, n_outputs):
    """A graph with a shortcut."""
    x = nf.Input(n_features)
    h = nf.Tanh()(nf.Linear(n_features, n_features)(x))
    return nf.Model(x, nf.Linear(n_features, n_outputs)(nf.Add()(x, h)), dtype="float64")


def test_functions_make_networks():
    X, y = digits()
    model = NetworkClassifier(branches, random_state=0, max_iter=20).fit(X / 16, y)
    again = NetworkClassifier(branches, random_state=0, max_iter=20).fit(X / 16, y)
    np.testing.assert_array_equal(model.predict_proba(X / 16), again.predict_proba(X / 16))
    other = NetworkClassifier(branches, random_state=1, max_iter=20).fit(X / 16, y)
    assert not np.array_equal(model.predict_proba(X / 16), other.predict_proba(X / 16))


def test_penalties_of_layers_count_unless_alpha_does():
    X, y = digits()
    sizes = []
    for l2, alpha in ((0.0, 0.0), (0.1, 0.0), (0.1, 1e-9)):
        network = nf.Sequential(nf.Linear(64, 10, l2=l2))
        model = NetworkClassifier(network, alpha=alpha, random_state=0, max_iter=60).fit(X / 16, y)
        sizes.append(np.square(model.model_.state_dict()["0.weight"]).sum())
    assert sizes[1] < sizes[0] / 2
    np.testing.assert_allclose(sizes[2], sizes[0], rtol=1e-3)


@pytest.mark.parametrize(
    ("network", "options", "error", "message"),
    [
        (nf.Sequential(nf.Linear(64, 7)), {}, ValueError, r"network: expected outputs of shape \(10,\)"),
        (nf.Sequential(nf.Linear(9, 10)), {}, ValueError, r"X: expected samples of .*\(9,\), got \(64,\)"),
        (lambda n, k: "no network", {}, TypeError, "network: expected a function that returns"),
        ("Sequential", {}, ValueError, "'network' parameter of NetworkClassifier must be"),
        (branches(64, 10), {"head": True}, ValueError, "head: expected False"),
        (nf.Sequential(nf.Linear(64, 10)), {"loss": nf.MSELoss()}, ValueError, "loss: expected CrossEntropy"),
    ],
    ids=["outputs", "inputs", "function", "string", "head", "loss"],
)
def test_errors(network, options, error, message):
    X, y = digits()
    with pytest.raises(error, match=message):
        NetworkClassifier(network, **options).fit(X, y)


def test_two_outputs_and_one_class():
    """A network's two outputs stay two where all labels are alike, also when it is fitted again."""
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.zeros(20, int)
    model = NetworkClassifier(nf.Sequential(nf.Linear(4, 2), input_shape=4), max_iter=2, warm_start=True)
    shapes = []
    for _ in range(2):
        model.fit(X, y)
        np.testing.assert_array_equal(model.predict(X), y)
        shapes.append(model.predict_proba(X).shape)
    assert shapes[0] == shapes[1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_infinite_logits_of_two_classes(rows):
    model = MLPClassifier((2,), max_iter=1)
    model.partial_fit(np.array([[1.0], [-1.0]], np.float32), np.array([0, 1]), classes=[0, 1])
    model.coefs_[0][...] = np.inf
    model.coefs_[1][...] = 1
    X = np.ones((rows, 1), np.float32)
    assert model.predict_proba(X, check_input=False).tolist() == [[0.0, 1.0]] * rows
