"""Central differences over the registry of tests/gradients.py, on every instruction set; optimizers' steps
against the reference; and no public name without an entry there.
"""

import inspect
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nnfast as nf
from nnfast.reference import fused

from .catalogue import differentiable, functions, layers, losses, optimizers
from .differences import GRADIENT_TOLERANCE, central_difference
from .gradients import (
    FUNCTIONS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    OTHER_UPDATES,
    PLACES,
    SPARSE,
    UPDATES,
    spread,
)


def cases(registry):
    return [
        pytest.param(case, name, id=f"{name}-{i}")
        for name in sorted(registry)
        for i, case in enumerate(registry[name])
    ]


def assert_gradient(gradient, f, array, still=None):
    """`gradient` is that of the number f() by `array`, which f reads; 0 at `still`."""
    expected = central_difference(f, array)
    if still is not None:
        assert np.any(expected[still])
        expected[still] = 0
    assert np.shape(gradient) == array.shape
    # tests/differences.py: derived for values of size 1; sums and steep functions are larger.
    tolerance = GRADIENT_TOLERANCE * max(1.0, abs(f()), float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("call", "name"), cases(FUNCTIONS))
def test_functions(isa, call, name):
    check_function(call, getattr(nf, name), getattr(nf, f"{name}_backward"))


@pytest.mark.parametrize("call", FUNCTIONS["linear"], ids=lambda call: call.others.get("activation", "none"))
def test_linear_from_its_output(isa, call):
    """The same derivatives where the forward's result is what is given of it."""

    def backward(grad_output, x, weight, bias, activation=None):
        forwards = nf.linear(x, weight, bias, activation=activation)
        return nf.linear_backward(grad_output, x, weight, bias, activation=activation, output=forwards)

    check_function(call, nf.linear, backward)


@pytest.mark.parametrize(("call", "name"), cases(SPARSE))
@pytest.mark.parametrize("sparse_grad", [False, True])
def test_sparse_functions(isa, call, name, sparse_grad):
    """By the numbers of the matrix, too; the weight's gradient whole, or of columns with numbers alone."""

    def matrix(data):
        return SimpleNamespace(data=data, **PLACES)

    def forward(data, weight, bias, activation=None):
        return getattr(nf, name)(matrix(data), weight, bias, activation=activation)

    def backward(grad_output, data, weight, bias, activation=None):
        gdata, gweight, gbias = getattr(nf, f"{name}_backward")(
            grad_output, matrix(data), weight, bias, activation=activation, sparse_grad=sparse_grad
        )
        if sparse_grad:
            columns, values = gweight
            gweight = np.zeros_like(weight)
            gweight[:, columns] = values
        return gdata, gweight, gbias

    check_function(call, forward, backward)


def check_function(call, forward, backward):
    arrays = {
        key: spread(given, key) if isinstance(given, tuple) else given.copy()
        for key, given in call.arrays.items()
    }
    arguments = {**arrays, **call.others}
    grad_output = (
        spread(np.shape(forward(**arguments)), "grad_output") if np.ndim(forward(**arguments)) else 0.7
    )
    wanted = inspect.signature(backward).parameters
    returned = backward(grad_output, **{key: value for key, value in arguments.items() if key in wanted})
    gradients = returned if isinstance(returned, tuple) else (returned,)
    assert len(gradients) == len(arrays)
    for (key, array), gradient in zip(arrays.items(), gradients, strict=True):
        assert gradient.dtype == np.float64, key
        assert_gradient(
            gradient, lambda: float(np.sum(grad_output * forward(**arguments))), array, call.still.get(key)
        )


@pytest.mark.parametrize(("net", "name"), cases(LAYERS))
def test_layers(isa, net, name):
    made = net.make()
    model = (
        made
        if isinstance(made, nf.Model)
        else nf.Sequential(*made, input_shape=net.shape, dtype="float64", seed=3)
    )
    model.compile(nf.SGD(lr=0.1))
    if net.indices:
        x = np.arange(3 * np.prod(net.shape)).reshape(3, *net.shape) % net.indices
    else:
        x = net.scale * spread((3, *net.shape))
    weights = spread((3, *model.output_shape), "weights")

    def scalar():
        return float((model.forward(x, training=True) * weights).sum())

    scalar()
    gx = model.backward(weights, need_input_grad=not net.indices)
    gradients = {key: gradient.copy() for key, gradient in model.gradients().items()}
    if not net.indices:
        assert_gradient(gx.copy(), scalar, x)
    views = [
        view for layer in model.layers for key, view in layer._views.items() if view.size and key in TRAINED
    ]
    assert len(views) == len(gradients)
    for (key, gradient), view in zip(gradients.items(), views, strict=True):
        assert view.shape == gradient.shape, key
        assert_gradient(gradient, scalar, view, net.still.get(key))


TRAINED = {"weight", "bias"}


@pytest.mark.parametrize(("objective", "name"), cases(LOSSES))
def test_losses(isa, objective, name):
    """One step of gradient descent with a rate of 1 is the gradient of what `evaluate` says."""
    x = spread((3, 5))

    def network():
        model = nf.Sequential(nf.Linear(5, 4), *objective.last(), input_shape=(5,), dtype="float64", seed=3)
        model.compile(nf.SGD(lr=1.0), objective.make())
        return model

    still, moved = network(), network()

    def loss():
        return still.evaluate(x, objective.target, verbose=0)["loss"]

    moved.train_batch(x, objective.target)
    for key in TRAINED:
        before, after = getattr(still.layers[0], key), getattr(moved.layers[0], key)
        assert_gradient(before - after, loss, before)


# ---------------------------------------------------------------- steps of optimizers

STEPS = 5
# A step rounds each number fewer than 64 times (tests/test_optimizer_family.py), and nothing here is above 8;
# the quotients of the adaptive ones, whose divisors are above 1e-2, multiply that by at most 1e2.
STEP_TOLERANCE = STEPS * 64 * 8 * 1e2 * np.finfo(np.float64).eps


@pytest.mark.parametrize(("options", "name"), cases(UPDATES))
def test_updates(isa, options, name):
    signature = inspect.signature(getattr(nf, name)).parameters
    arrays = [
        k for k, p in signature.items() if p.kind is p.POSITIONAL_OR_KEYWORD and k not in ("param", "grad")
    ]
    results = []
    for module in (nf, nf.reference):
        param, states = spread((37,)), {key: np.zeros(37) for key in arrays}
        for step in range(1, STEPS + 1):
            count = {"step": step} if "step" in signature else {}
            getattr(module, name)(param, spread((37,), f"grad {step}"), **states, **count, **options)
        results.append([param, *states.values()])
    for mine, twin in zip(*results, strict=True):
        np.testing.assert_allclose(mine, twin, rtol=0, atol=STEP_TOLERANCE)


@pytest.mark.parametrize(("options", "name"), cases(OPTIMIZERS))
def test_optimizers(isa, options, name):
    results = []
    for backend in ("native", "reference"):
        model = nf.Sequential(nf.Linear(5, 4), nf.Tanh(), nf.Linear(4, 3), dtype="float64", seed=3)
        loss = None if name == "Perceptron" else "mse_loss"  # which takes no other loss than its own
        model.compile(getattr(nf, name)(**options), loss, backend=backend)
        losses = []
        for step in range(STEPS):
            y = spread((6, 3), f"y {step}")
            y = y > 0 if name == "Perceptron" else y
            losses.append(model.train_batch(spread((6, 5), f"x {step}"), y)["loss"])
        results.append([np.array(losses), *model.state_dict().values()])
    for mine, twin in zip(*results, strict=True):
        np.testing.assert_allclose(mine, twin, rtol=0, atol=STEP_TOLERANCE)


# ---------------------------------------------------------------- no holes


def test_everything_is_here():
    assert set(FUNCTIONS) | set(SPARSE) == differentiable()
    assert set(LAYERS) == layers()
    assert set(LOSSES) == losses()
    assert set(UPDATES) | set(OTHER_UPDATES) == functions() - differentiable()
    assert set(OPTIMIZERS) == optimizers()
    for registry in (FUNCTIONS, SPARSE, LAYERS, LOSSES, UPDATES, OPTIMIZERS):
        assert all(registry.values())
    for name, file in OTHER_UPDATES.items():
        assert f".{name}(" in (Path(__file__).parent / file).read_text(), name


def test_entries_are_of_their_layer():
    for name, nets in LAYERS.items():
        for net in nets:
            made = net.make()
            members = made.layers if isinstance(made, nf.Model) else made
            assert any(type(member).__name__ == name for member in members), name


def relu6_unbounded(grad_output, x):
    return grad_output * (x > 0)


def hard_sigmoid_unbounded(grad_output, x):
    return np.asarray(grad_output) / 6


def embedding_without_padding(grad_output, indices, weight, padding_idx=None):
    return nf.reference.embedding_backward(grad_output, indices, weight)


def linear_unbounded(grad_output, x, weight, bias, *, activation=None):
    return nf.reference.linear_backward(grad_output, x, weight)


MUTANTS = {
    "tanh": lambda grad_output, x: grad_output * (1 - np.tanh(x)),
    "relu6": relu6_unbounded,
    "hard_sigmoid": hard_sigmoid_unbounded,
    "embedding": embedding_without_padding,
    "linear": linear_unbounded,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_gradient_is_found(monkeypatch, name):
    monkeypatch.setattr(nf, f"{name}_backward", MUTANTS[name])
    with pytest.raises(AssertionError):
        for call in FUNCTIONS[name]:
            test_functions(None, call, name)


# A layer whose backward is another's where they agree at 0: what the inputs have to reach beyond.
SWAPPED = {"ReLU6": ("relu6", "relu"), "Hardsigmoid": ("hard_sigmoid", None)}


@pytest.mark.parametrize("name", SWAPPED)
def test_a_wrong_gradient_of_a_layer_is_found(monkeypatch, name):
    """In the twin's network, whose backward can be exchanged."""
    op, other = SWAPPED[name]
    wrong = fused.BACKWARD[other] if other else lambda g, x: g / 6

    def input_gradient(net):
        model = nf.Sequential(*net.make(), input_shape=net.shape, dtype="float64", seed=3)
        model.compile(nf.SGD(lr=0.1), backend="reference")
        model.forward(net.scale * spread((3, *net.shape)), training=True)
        return model.backward(spread((3, *model.output_shape), "weights"), need_input_grad=True)

    for net in LAYERS[name]:
        right = input_gradient(net)
        with monkeypatch.context() as patch:
            patch.setitem(fused.BACKWARD, op, wrong)
            assert np.abs(input_gradient(net) - right).max() > 0.01


def test_several_slopes_are_told_apart():
    """The nets of PReLU have more than one slope, each with a gradient of its own."""
    several = [net for net in LAYERS["PReLU"] if net.make()[-1].num_parameters > 1]
    assert several
    for net in several:
        model = nf.Sequential(*net.make(), input_shape=net.shape, dtype="float64", seed=3)
        model.compile(nf.SGD(lr=0.1))
        model.forward(spread((3, *net.shape)), training=True)
        model.backward(spread((3, *model.output_shape), "weights"))
        (gradient,) = model.gradients().values()
        assert len(np.unique(gradient)) == len(gradient) > 1
