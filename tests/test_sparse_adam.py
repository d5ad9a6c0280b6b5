"""SparseAdam: what it moves and what it leaves, on sparse and dense samples, in engine, twin and PyTorch; its
penalties, refusals, and the estimators' solver of that name.
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier as Theirs

import nnfast as nf
from nnfast.sklearn import MLPClassifier, MLPRegressor

from .arrays import rng
from .test_sparse_training import BATCH, ROWS, STEPS, everything, network, samples, trained

BACKENDS = pytest.mark.parametrize("backend", ["native", "reference"])


def model_of(*layers, backend="native", lr=0.05, **options):
    model = nf.Sequential(*layers, dtype="float64", seed=3, **options)
    model.compile(nf.SparseAdam(lr, betas=(0.8, 0.9), eps=1e-3), "mse_loss", backend=backend)
    return model


@BACKENDS
def test_steps_are_those_of_pytorch(backend):
    """A layer without a bias, its gradient given to torch for the rows that have one."""
    torch = pytest.importorskip("torch")
    x, y = samples(density=0.05)
    model = model_of(nf.Linear(90, 1, bias=False), backend=backend)
    weight = torch.tensor(model.layers[0].weight.T.copy(), requires_grad=True)
    optimizer = torch.optim.SparseAdam([weight], lr=0.05, betas=(0.8, 0.9), eps=1e-3)
    for first in range(0, 200, BATCH):
        part, target = x[first : first + BATCH], y[first : first + BATCH]
        error = part @ weight.detach().numpy() - target
        touched = np.unique(part.indices)
        gradient = torch.tensor((part.T @ error)[touched] * 2 / BATCH)
        weight.grad = torch.sparse_coo_tensor(
            torch.tensor(touched[None]), gradient, weight.shape, check_invariants=True
        )
        optimizer.step()
        model.train_batch(part, target)
        np.testing.assert_allclose(model.layers[0].weight.T, weight.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("width", [1, 20, 100])
@pytest.mark.parametrize(
    "penalties", [{}, {"l2": 0.01}, {"l1": 0.001, "l2": 0.01}, {"max_norm": 0.5}], ids=str
)
def test_dense_samples_give_the_same(isa, penalties, width):
    x, y = samples()
    thin, core = network(nf.SparseAdam(0.01), width=width, **penalties)
    dense, dense_core = network(nf.SparseAdam(0.01), width=width, **penalties)
    totals, dense_totals = trained(core, thin, x, y), trained(dense_core, dense, x.toarray(), y)
    for mine, expected in zip(everything(core), everything(dense_core), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(totals.objective, dense_totals.objective, rtol=1e-10)
    np.testing.assert_allclose(totals.loss, dense_totals.loss, rtol=1e-10)


def test_slices_and_threads(threads):
    x, y = samples("float32", density=0.08)
    once, core = network(nf.SparseAdam(0.01), "float32", l2=0.01)
    cut, cut_core = network(nf.SparseAdam(0.01), "float32", l2=0.01)
    totals = trained(core, once, x, y)
    with nf.num_threads(1):
        cut_totals = trained(cut_core, cut, x, y, slice_=1)
    for mine, expected in zip(everything(core), everything(cut_core), strict=True):
        np.testing.assert_array_equal(mine, expected)
    np.testing.assert_allclose(totals.objective, cut_totals.objective, rtol=1e-6)


@BACKENDS
@pytest.mark.parametrize("thin", [True, False])
def test_what_a_batch_does_not_name_stays(backend, thin):
    """Weights and states of the other inputs, to the bits, after they have moved before; biases move."""
    x = np.zeros((8, 30))
    x[:, :2] = rng(1).standard_normal((8, 2))
    given = sparse.csr_array(x) if thin else x
    model = model_of(nf.Linear(30, 3, weight_init="normal"), backend=backend)
    model.train_batch(rng(2).standard_normal((8, 30)), np.ones((8, 3)))
    core = model._ensure_model("fit")
    before = [np.array(a) for a in everything(core)]
    model.train_batch(given, np.ones((8, 3)))
    weight, bias, m, m_bias, v, v_bias = zip(before, everything(core), strict=True)
    for old, new in (weight, m, v):
        np.testing.assert_array_equal(old[:, 2:], new[:, 2:])
        assert (old[:, :2] != new[:, :2]).all()
    for old, new in (bias, m_bias, v_bias):
        assert (old != new).all()


@BACKENDS
def test_vectors_of_indices_that_do_not_come_stay(backend):
    model = model_of(
        nf.Embedding(20, 4), nf.Flatten(), nf.Linear(out_features=1), input_shape=2, backend=backend
    )
    first = model.layers[0].weight.copy()
    for _ in range(3):
        model.train_batch(np.array([[3, 5], [5, 7]]), np.ones((2, 1)))
    changed = (model.layers[0].weight != first).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [3, 5, 7]


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_engine_and_twin_agree(l2):
    """A hidden layer, penalties: runs of both, by fit and by a loop of one's own."""
    x, y = samples()
    weights = []
    for backend in ("native", "reference"):
        layers = [nf.Linear(90, 8, l1=l2 / 10, l2=l2), nf.ReLU(), nf.Linear(out_features=1)]
        model = model_of(*layers, backend=backend, lr=0.01)
        model.fit(x, y, epochs=2, batch_size=50, verbose=0)
        model.forward(x[:40], training=True)
        model.backward(np.ones((40, 1)))
        model.step()
        weights.append([np.array(a) for a in everything(model._ensure_model("fit"))])
    for native, twin in zip(*weights, strict=True):
        np.testing.assert_allclose(native, twin, rtol=1e-7, atol=1e-10)


@BACKENDS
def test_refusals(backend):
    for name in ("clipnorm", "clipvalue"):
        with pytest.raises(ValueError, match=f"SparseAdam: {name}: expected None"):
            setattr(nf.SparseAdam(), name, 1.0)
    optimizer = nf.SparseAdam()
    optimizer.weight_decay = 0.1
    with pytest.raises(ValueError, match=r"SparseAdam: weight_decay: expected 0, got 0\.1"):
        optimizer.settings()
    with pytest.raises(ValueError, match=r"SparseAdam: betas\[1\]"):
        nf.SparseAdam(betas=(0.9, 1.0))
    core = model_of(nf.Linear(3, 1), backend=backend)._ensure_model("fit")
    for name in ("weight_decay", "clip_value", "clip_norm"):
        with pytest.raises(ValueError, match=f"{name}: expected 0 with sparse_adam, got 0.5"):
            core.set_optimizer("sparse_adam", lr=0.1, **{name: 0.5})


def test_solver_of_estimators():
    """Where samples name every feature it is scikit-learn's Adam; sparse ones give what they do dense."""
    x, y = load_digits(return_X_y=True)
    full = x[:300] / 16.0 + 0.1
    options = {
        "hidden_layer_sizes": (8,),
        "activation": "tanh",
        "max_iter": 3,
        "random_state": 0,
        "alpha": 0.1,
    }
    with pytest.warns(UserWarning):
        ours = MLPClassifier(solver="sparse_adam", beta_1=0.8, epsilon=1e-4, **options).fit(full, y[:300])
        theirs = Theirs(solver="adam", beta_1=0.8, epsilon=1e-4, **options).fit(full, y[:300])
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    x, y = samples()
    curves = []
    for given in (x, x.toarray()):
        with pytest.warns(UserWarning):
            model = MLPRegressor(
                hidden_layer_sizes=(8,), solver="sparse_adam", max_iter=4, random_state=0, alpha=0.1
            )
            curves.append(model.fit(given, y.ravel()).loss_curve_)
    np.testing.assert_allclose(*curves, rtol=1e-9)
    assert len(y) == ROWS and STEPS > 1
