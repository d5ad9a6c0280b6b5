"""Networks trained on sparse samples: what dense samples give, updates that wait and updates at once to the
same bits, custom loops, refusals, and how much memory it takes.
"""

import copy
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

import nnfast as nf

from .arrays import rng

ROWS, FEATURES, BATCH = 437, 90, 10
STEPS = -(-ROWS // BATCH)


def samples(dtype="float64", density=0.03):
    """A sparse matrix and numbers to be predicted."""
    numbers = rng(5)
    x = sparse.random_array((ROWS, FEATURES), density=density, format="csr", rng=numbers).astype(dtype)
    return x, numbers.standard_normal((ROWS, 1)).astype(dtype)


def network(optimizer, dtype="float64", l1=0.0, l2=0.0, max_norm=0.0, width=24):
    """A compiled network and its engine's model."""
    layers = [nf.Linear(out_features=width), nf.ReLU(), nf.Linear(out_features=1)]
    model = nf.Sequential(*layers, input_shape=FEATURES, dtype=dtype, seed=3)
    model.compile(copy.deepcopy(optimizer), "mse_loss")
    core = model._ensure_model("fit")
    model._task.hand_over(core, model._output_shapes)
    model._sync_optimizer(core, 1)
    for number in (0, 2):
        core.set_regularizer(number, l1=l1, l2=l2, max_norm=max_norm)
    return model, core


def trained(core, model, x, y, epochs=2, slice_=STEPS):
    """The totals of some epochs, `slice_` steps a call."""
    totals, order = model._new_totals(), np.arange(ROWS)
    for _ in range(epochs):
        for first in range(0, STEPS, slice_):
            core.train(x, y, order, BATCH, first, min(first + slice_, STEPS), 0.0, totals, None)
    return totals


def everything(core):
    """Weights and states."""
    arrays = [view for _, _, view in core.params()]
    for which in range(3):
        arrays += core.states(which)
    return [np.array(array) for array in arrays if array is not None]


def at_once(optimizer):
    """The same with a limit that no gradient reaches: then every weight must be updated at every step."""
    limited = copy.deepcopy(optimizer)
    limited.clipvalue = 1e30
    return limited


OPTIMIZERS = [
    nf.SGD(0.1),
    nf.SGD(0.1, weight_decay=0.01),
    nf.SGD(0.1, 0.9, dampening=0.1),
    nf.SGD(0.1, 0.9, nesterov=True, weight_decay=0.01),
    nf.Adam(0.01),
    nf.Adam(0.01, weight_decay=0.01),
    nf.Adam(0.01, amsgrad=True),
    nf.Adam(0.01, eps_hat=True),
    nf.AdamW(0.01),
    nf.RMSprop(0.01),
    nf.RMSprop(0.01, momentum=0.9, centered=True),
    nf.Adagrad(0.1),
    nf.Adadelta(),
    nf.NAdam(0.01),
    nf.SGD(nf.ExponentialLR(0.1, 0.99, per="step"), 0.9),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_waiting_updates_are_those_at_once(isa, dtype, optimizer):
    """To the bits: weights and states; the losses, summed in another order, to rounding."""
    x, y = samples(dtype)
    for penalties in ({}, {"l2": 0.01}, {"l1": 0.001, "l2": 0.01}):
        waiting, core = network(optimizer, dtype, **penalties)
        eager, eager_core = network(at_once(optimizer), dtype, **penalties)
        assert core.stays_sparse(x)
        totals, eager_totals = trained(core, waiting, x, y), trained(eager_core, eager, x, y)
        for mine, expected in zip(everything(core), everything(eager_core), strict=True):
            np.testing.assert_array_equal(mine, expected)
        rtol = 100 * np.finfo(dtype).eps
        np.testing.assert_allclose(totals.objective, eager_totals.objective, rtol=rtol)
        np.testing.assert_allclose(totals.loss, eager_totals.loss, rtol=rtol)
        assert (totals.samples, totals.steps) == (2 * ROWS, 2 * STEPS)


@pytest.mark.parametrize("width", [1, 7, 16, 33, 100, 300])
@pytest.mark.parametrize("optimizer", [nf.Adam(0.01), nf.SGD(0.1, 0.9, nesterov=True)], ids=repr)
def test_widths(isa, dtype, width, optimizer):
    x, y = samples(dtype.__name__)
    waiting, core = network(optimizer, dtype.__name__, l2=0.01, width=width)
    eager, eager_core = network(at_once(optimizer), dtype.__name__, l2=0.01, width=width)
    trained(core, waiting, x, y)
    trained(eager_core, eager, x, y)
    for mine, expected in zip(everything(core), everything(eager_core), strict=True):
        np.testing.assert_array_equal(mine, expected)


@pytest.mark.parametrize("options", [{}, {"l2": 0.01}, {"max_norm": 0.5}])
@pytest.mark.parametrize(
    "optimizer", [nf.Adam(0.01), nf.SGD(0.1, 0.9), nf.Adam(0.01, clipnorm=0.1)], ids=repr
)
def test_dense_samples_give_the_same(optimizer, options):
    x, y = samples()
    thin, core = network(optimizer, **options)
    dense, dense_core = network(optimizer, **options)
    totals, dense_totals = trained(core, thin, x, y), trained(dense_core, dense, x.toarray(), y)
    for mine, expected in zip(everything(core), everything(dense_core), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(totals.objective, dense_totals.objective, rtol=1e-10)
    np.testing.assert_allclose(core.predict(x, 64), dense_core.predict(x.toarray(), 64), rtol=1e-7)
    totals, dense_totals = thin._new_totals(), dense._new_totals()
    core.evaluate(x, y, 64, 0, -(-ROWS // 64), 0.0, totals, None)
    dense_core.evaluate(x.toarray(), y, 64, 0, -(-ROWS // 64), 0.0, dense_totals, None)
    np.testing.assert_allclose(totals.loss, dense_totals.loss, rtol=1e-7)


def test_slices_and_threads(threads):
    """Steps one by one, in one call, at any number of threads: the same bits."""
    x, y = samples("float32")
    results = []
    for slice_, limit in ((STEPS, 1), (1, threads), (7, threads), (STEPS, threads)):
        model, core = network(nf.Adam(0.01), "float32", l2=0.01, width=130)
        with nf.num_threads(limit):
            totals = trained(core, model, x, y, slice_=slice_)
        results.append((totals.objective, everything(core)))
    for objective, arrays in results[1:]:
        np.testing.assert_allclose(objective, results[0][0], rtol=1e-6)
        for mine, expected in zip(arrays, results[0][1], strict=True):
            np.testing.assert_array_equal(mine, expected)


def test_frozen_and_slower_layers():
    x, y = samples()
    for setting in ("frozen", "slow"):
        made = []
        for given in (x, x.toarray()):
            model, core = network(nf.Adam(0.01), l2=0.01)
            node = core.params()[0][0]
            if setting == "frozen":
                core.set_trainable(node, False)
            else:
                core.set_lr_scale(node, 0.1)
            before = core.params()[0][2].copy()
            trained(core, model, given, y)
            assert np.array_equal(before, core.params()[0][2]) == (setting == "frozen")
            made.append(everything(core))
        for mine, expected in zip(*made, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-7, atol=1e-10)


def test_custom_loops():
    """The samples of a forward may change or go before the backward."""
    x, y = samples()
    _, core = network(nf.Adam(0.01))
    _, dense_core = network(nf.Adam(0.01))
    for first in range(0, ROWS, 64):
        rows = x[first : first + 64]
        for one, given in ((dense_core, rows.toarray()), (core, rows)):
            outputs = one.forward(given, training=True)
            rows.data[:] = np.nan if one is core else rows.data
            one.backward(2 * (outputs - y[first : first + 64]) / len(outputs))
            one.step()
    for mine, expected in zip(everything(core), everything(dense_core), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-7, atol=1e-10)
    outputs = core.forward(x, training=True)
    with pytest.raises(ValueError, match=r"^backward: need_input_grad: expected False after sparse samples"):
        core.backward(outputs, need_input_grad=True)


def test_what_is_not_thin_is_made_dense():
    """Many numbers, another first layer, other shapes: batch by batch."""
    x, _ = samples(density=0.3)
    _, core = network(nf.Adam(0.01))
    assert not core.stays_sparse(x)
    thin, _ = samples()
    image = nf.Sequential(
        nf.Conv2d(1, 2, 3), nf.Flatten(), nf.Linear(out_features=1), input_shape=(1, 9, 10), seed=1
    )
    image.compile("sgd", "mse_loss")
    image_core = image._ensure_model("fit")
    assert not image_core.stays_sparse(thin)
    np.testing.assert_allclose(
        image_core.predict(thin, 32),
        image.predict(thin.toarray().reshape(-1, 1, 9, 10)),
        rtol=1e-5,
        atol=1e-6,
    )
    np.testing.assert_allclose(core.predict(x, 32), core.predict(x.toarray(), 32), rtol=1e-12)


def test_refusals():
    x, y = samples()
    model, core = network(nf.Adam(0.01))
    before, totals = everything(core), model._new_totals()
    parts = {"data": x.data, "indices": x.indices, "indptr": x.indptr, "shape": x.shape}
    outside, falls = x.indices.copy(), x.indptr.copy()
    outside[-1], falls[5] = FEATURES, falls[6] + 1
    for changed, error in (
        ({"indices": outside}, ValueError),
        ({"indices": -x.indices - 1}, ValueError),
        ({"indptr": falls}, ValueError),
        ({"shape": (ROWS, FEATURES + 1)}, ValueError),
        ({"indices": x.indices.astype(float)}, TypeError),
    ):
        bad = SimpleNamespace(**{**parts, **changed})
        with pytest.raises(error):
            core.train(bad, y, None, BATCH, 0, STEPS, 0.0, totals, None)
        with pytest.raises(error):
            core.predict(bad, 32)
        with pytest.raises(error):
            core.forward(bad, training=True)
    with pytest.raises(TypeError, match="tocsr"):
        core.train(x.tocsc(), y, None, BATCH, 0, STEPS, 0.0, totals, None)
    with pytest.raises(TypeError):
        core.train(x, sparse.csr_array(y), None, BATCH, 0, STEPS, 0.0, totals, None)
    with pytest.raises(ValueError, match="order"):
        core.train(x, y, np.full(ROWS, ROWS), BATCH, 0, STEPS, 0.0, totals, None)
    assert totals.steps == 0
    for mine, expected in zip(everything(core), before, strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_a_loss_that_is_no_number_stops_where_it_stands():
    """Updates that waited are made: the weights are those after the last step that was applied."""
    x, y = samples()
    y[200] = np.inf
    made = []
    for optimizer in (nf.Adam(0.01), at_once(nf.Adam(0.01))):
        model, core = network(optimizer, l2=0.01)
        totals = model._new_totals()
        with pytest.raises(FloatingPointError, match="at step 20 "):
            core.train(x, y, np.arange(ROWS), BATCH, 0, STEPS, 0.0, totals, None)
        made.append((totals.objective, everything(core)))
    assert np.isclose(made[0][0], made[1][0])
    for mine, expected in zip(made[0][1], made[1][1], strict=True):
        np.testing.assert_array_equal(mine, expected)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_models_take_sparse_samples(backend):
    """fit, evaluate, predict, train_batch, validation and custom loops: what dense samples give."""
    x, y = samples()
    made = []
    for given in (x, x.toarray()):
        model = nf.Sequential(
            nf.Linear(out_features=8), nf.ReLU(), nf.Linear(out_features=1), dtype="float64", seed=3
        )
        model.compile(nf.Adam(0.01), "mse_loss", metrics=["mae"], backend=backend)
        history = model.fit(given, y, epochs=3, batch_size=32, validation_split=0.25, verbose=0)
        model.fit(given, y, epochs=1, validation_data=(given, y), shuffle=False, verbose=0)
        loss = list(model.train_batch(given, y).values())
        scores = model.evaluate(given, y, verbose=0)
        model.forward(given, training=True)
        made.append(
            (history["val_loss"], loss, list(scores.values()), model.predict(given), model.forward(given))
        )
    for thin, dense in zip(*made, strict=True):
        np.testing.assert_allclose(thin, dense, rtol=1e-7, atol=1e-10)


def test_models_refuse_what_is_no_matrix():
    x, y = samples()
    model, _ = network(nf.Adam(0.01))
    outside = x.indices.copy()
    outside[7] = FEATURES
    parts = {"data": x.data, "indices": x.indices, "indptr": x.indptr, "shape": x.shape}
    for bad, error, words in (
        (
            x.tocsc(),
            TypeError,
            "fit: x: expected a sparse matrix in compressed rows, got format csc: call its tocsr",
        ),
        (SimpleNamespace(indptr=x.indptr), TypeError, "fit: x: expected a sparse matrix in compressed rows"),
        (SimpleNamespace(**{**parts, "data": x.data + 1j}), TypeError, "fit: x: expected float"),
        (x[:, :80], ValueError, r"fit: x: expected shape \(n, 90\)"),
        (x[:5], ValueError, "fit: y: expected 5 samples"),
        (
            SimpleNamespace(**{**parts, "indices": outside}),
            ValueError,
            "indices: expected columns 0..89, got 90",
        ),
    ):
        with pytest.raises(error, match=words):
            model.fit(bad, y, verbose=0)


def test_other_numbers_and_objects():
    """Integers, booleans, float16, any object with the four attributes; slices need no SciPy."""
    x, y = samples()
    model, _ = network(nf.Adam(0.01))
    for dtype in ("int8", "bool", "float16", "float32", "uint64"):
        whole = (
            (10 * x).astype(dtype)
            if dtype != "float16"
            else SimpleNamespace(data=x.data.astype(dtype), indices=x.indices, indptr=x.indptr, shape=x.shape)
        )
        dense = (10 * x).astype(dtype).toarray() if dtype != "float16" else x.toarray().astype(dtype)
        np.testing.assert_allclose(model.predict(whole), model.predict(dense.astype(float)), rtol=1e-6)
    parts = SimpleNamespace(data=x.data, indices=x.indices, indptr=x.indptr, shape=x.shape)
    assert "val_loss" in model.fit(parts, y, validation_split=0.5, verbose=0)


MEMORY = """
import sys
import numpy as np
from scipy import sparse
from nnfast.sklearn import MLPClassifier

def now(key):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(key))

dtype, rows, columns, held, width = sys.argv[1], 25_000, 74_000, 150, 100
small = sparse.random_array((200, 500), density=0.05, format="csr", dtype=dtype)
MLPClassifier((4,), max_iter=1).fit(small, np.arange(200) % 2)  # what is imported late
before = now("VmRSS")
rng = np.random.default_rng(0)
data, indices = np.empty(rows * held, dtype), np.empty(rows * held, np.int32)
step = columns // held
for i in range(rows):  # a row at a time: nothing else is large
    data[i * held : (i + 1) * held] = rng.random(held)
    indices[i * held : (i + 1) * held] = rng.integers(0, step, held) + np.arange(0, held * step, step)
indptr = np.arange(0, rows * held + 1, held, dtype=np.int32)
X = sparse.csr_array((data, indices, indptr), shape=(rows, columns))
matrix = data.nbytes + indices.nbytes + indptr.nbytes
model = MLPClassifier((width,), solver=sys.argv[2], max_iter=1, random_state=0).fit(X, np.arange(rows) % 2)
model.predict(X)
state = 3 * (columns + 3) * width * np.dtype(dtype).itemsize  # weights and two moments
print((now("VmHWM") - before) / (matrix + state))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("solver", ["adam", "sparse_adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory(dtype, solver):
    """At most half as much again as the matrix, the parameters and the optimizer's state."""
    command = [sys.executable, "-W", "ignore", "-c", MEMORY, dtype, solver]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert float(process.stdout) <= 1.5
