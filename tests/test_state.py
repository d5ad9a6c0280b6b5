"""A model's state and description: state_dict, copies, pickles, summary, repr."""

import copy
import io
import pickle

import numpy as np
import pytest

import nnfast as nf


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


@pytest.fixture
def xor():
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def classifier(backend, seed=0):
    model = nf.Sequential(nf.Linear(2, 8), nf.Tanh(), nf.Linear(8, 2), seed=seed)
    model.compile("adam", "cross_entropy", ["accuracy"], backend=backend)
    return model


def test_state_dict_has_pytorchs_names_and_shapes(backend):
    model = nf.Sequential(
        nf.Conv2d(2, 4, 3, groups=2),
        nf.ReLU(),
        nf.Flatten(),
        nf.Linear(None, 3, bias=False, name="head"),
        input_shape=(2, 5, 5),
    )
    model.compile(backend=backend)
    state = model.state_dict()
    shapes = {name: array.shape for name, array in state.items()}
    assert shapes == {"0.weight": (4, 1, 3, 3), "0.bias": (4,), "head.weight": (3, 36)}
    assert all(array.flags.c_contiguous for array in state.values())
    state["0.bias"][...] = 7
    assert not (model.state_dict()["0.bias"] == 7).any()


def test_state_round_trip(xor, backend):
    model, other = classifier(backend, seed=1), classifier(backend, seed=2)
    model.fit(*xor, epochs=5, verbose=0)
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(model.predict(xor[0]), other.predict(xor[0]))


def test_load_state_dict_lists_everything_that_is_wrong(backend):
    model = classifier(backend)
    before = model.state_dict()
    state = dict(before, extra=np.zeros(2))
    state["0.weight"] = np.zeros((3, 3))
    state["2.bias"] = np.array(["a", "b"])
    del state["0.bias"]
    with pytest.raises(ValueError) as caught:
        model.load_state_dict(state)
    for part in (
        "missing '0.bias' (8,)",
        "unexpected 'extra'",
        "'0.weight': expected shape (8, 2), got (3, 3)",
    ):
        assert part in str(caught.value)
    assert "'2.bias': expected numbers" in str(caught.value)
    with pytest.raises(TypeError, match="state: expected a mapping"):
        model.load_state_dict([1, 2])
    with pytest.raises(ValueError, match=r"'0\.weight': expected shape"):
        model.load_state_dict({"0.weight": np.zeros(3)}, strict=False)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    model.load_state_dict({"2.bias": [1, 2], "other": 0}, strict=False)
    assert model.layers[2].bias.tolist() == [1.0, 2.0]


class Parameter:
    """As PyTorch's: no array while it belongs to a graph of gradients."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )

    def detach(self):
        return self.array


def test_load_state_dict_takes_parameters_that_require_gradients(backend):
    model, other = classifier(backend), classifier(backend, seed=1)
    other.load_state_dict({name: Parameter(array) for name, array in model.state_dict().items()})
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)


def test_load_state_dict_names_what_is_no_array(backend):
    class Elsewhere:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

    model = classifier(backend)
    before = model.state_dict()
    state = dict(before, **{"0.bias": np.ones(8), "2.bias": Elsewhere(), "2.weight": [[1], [2, 3]]})
    with pytest.raises(
        ValueError,
        match=r"load_state_dict: state: '2.weight': .*'2.bias': expected an array, got "
        r"Elsewhere \(can't convert cuda:0",
    ) as caught:
        model.load_state_dict(state)
    assert isinstance(caught.value.__cause__, TypeError)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy, copy.copy])
def test_copies_go_on_where_the_model_was(copied, xor, backend):
    model = classifier(backend)
    model.fit(*xor, batch_size=2, epochs=3, verbose=0)
    other = copied(model)
    assert other.backend == backend and other.layers[0] is not model.layers[0]
    model.fit(*xor, batch_size=2, epochs=3, verbose=0)
    other.fit(*xor, batch_size=2, epochs=3, verbose=0)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)
    other.layers[0].weight[...] = 0
    assert not (model.layers[0].weight == 0).all()


def test_models_go_to_joblib_workers_and_come_back():
    joblib = pytest.importorskip("joblib")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 4)), rng.integers(0, 3, 40)
    models = []
    for seed in (0, 1):
        model = nf.Sequential(nf.Linear(4, 8), nf.BatchNorm1d(8), nf.Linear(8, 3), seed=seed)
        model.compile("adam", "cross_entropy", ["accuracy"])
        model.fit(x, y, verbose=0)
        model.freeze(until=-1)
        models.append(model)

    def fitted(model, x, y):  # in here: a worker may not be able to import the tests
        model.fit(x, y, epochs=2, verbose=0)
        return model

    returned = joblib.Parallel(2)(joblib.delayed(fitted)(model, x, y) for model in models)
    for mine, theirs in zip(models, returned, strict=True):
        assert theirs.history.history == mine.fit(x, y, epochs=2, verbose=0).history
        for name, array in mine.state_dict().items():
            np.testing.assert_array_equal(array, theirs.state_dict()[name])


def test_models_that_were_never_built_can_be_copied():
    model = copy.deepcopy(nf.Sequential(nf.Flatten(), nf.Linear(out_features=2)))
    assert model.predict(np.zeros((1, 3, 3))).shape == (1, 2)


# ---------------------------------------------------------------- description


def test_summary(capsys, backend):
    model = nf.Sequential(
        nf.Conv2d(1, 20, 5),
        nf.MaxPool2d(2),
        nf.Flatten(),
        nf.Linear(None, 10, name="head"),
        input_shape=(1, 28, 28),
        name="small",
    )
    model.compile(backend=backend)
    assert model.summary() is None
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "small: input (1, 28, 28), float32",
        "     layer              output  parameters",
        "------------------------------------------",
        "0    Conv2d       (20, 24, 24)         520",
        "1    MaxPool2d    (20, 12, 12)           0",
        "2    Flatten           (2880,)           0",
        "head Linear              (10,)      28,810",
        "------------------------------------------",
        "total                               29,330",
    ]
    file = io.StringIO()
    model.summary(file=file)
    assert file.getvalue() == printed and capsys.readouterr().out == ""


def test_model_repr():
    assert repr(nf.Sequential(nf.Linear(2, 3), nf.ReLU(name="act"))) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3)\n  (act): ReLU(name='act')\n)"
    )
    assert repr(nf.CrossEntropyLoss()) == "CrossEntropyLoss()"
    with pytest.raises(ValueError, match="MSELoss: reduction: expected one of 'mean', 'sum', got 'none'"):
        nf.MSELoss("none")
