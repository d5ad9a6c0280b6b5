"""What may be assigned to a model: an optimizer or a loss, by name too; nothing else, and nothing wrong."""

import numpy as np
import pytest

import nnfast as nf


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


@pytest.fixture
def xor():
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def classifier(backend="native", *, dtype="float32", optimizer="adam"):
    model = nf.Sequential(nf.Linear(2, 8), nf.Tanh(), nf.Linear(8, 2), seed=0, dtype=dtype)
    model.compile(optimizer, "cross_entropy", backend=backend)
    return model


def test_optimizer_and_loss_can_be_assigned_by_name(xor, backend):
    model = classifier(backend, dtype="float64")
    model.fit(*xor, epochs=3, verbose=0)
    fresh = classifier(backend, dtype="float64", optimizer="sgd")
    fresh.compile("sgd", "mse", backend=backend)
    fresh.load_state_dict(model.state_dict())
    model.compile("adam", "cross_entropy", backend=backend)
    model.train_batch(*xor)
    fresh.load_state_dict(model.state_dict())
    model.optimizer, model.loss = "sgd", "mse"
    assert isinstance(model.optimizer, nf.SGD) and isinstance(model.loss, nf.MSELoss)
    y = nf.one_hot(xor[1], 2)
    assert model.train_batch(xor[0], y)["loss"] == fresh.train_batch(xor[0], y)["loss"]
    for name, array in fresh.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("optimizer", "adamm", ValueError, "optimizer: expected one of .*got 'adamm'"),
        ("optimizer", None, TypeError, "optimizer: expected one of"),
        ("loss", "triplet", ValueError, "loss: expected one of .*got 'triplet'"),
        ("loss", nf.MSELoss, TypeError, r"loss: .*write nf.MSELoss\(\)"),
        ("layers", [nf.Linear(2, 2)], AttributeError, "layers"),
    ],
)
def test_bad_assignments_change_nothing(name, value, error, message, xor):
    model = classifier()
    model.train_batch(*xor)
    before, state = getattr(model, name), model.state_dict()
    with pytest.raises(error, match=message):
        setattr(model, name, value)
    assert getattr(model, name) is before
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[key])
    one = nf.Sequential(nf.Linear(2, 1), input_shape=2)
    one.compile("sgd", "mse")
    with pytest.raises(ValueError, match="cross_entropy needs outputs of shape"):
        one.loss = "cross_entropy"
    assert one.loss.kind == "mse_loss"


def test_a_loss_without_an_optimizer_is_refused_in_training(xor):
    model = nf.Sequential(nf.Linear(2, 2))
    model.loss = "cross_entropy"
    for call in (model.fit, model.train_batch):
        with pytest.raises(ValueError, match=r"the model has no optimizer: call compile\(optimizer\)"):
            call(*xor)
    assert model.evaluate(*xor)["loss"] > 0
