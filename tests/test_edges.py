"""Every function and layer at the edges: no sample, one sample, one class, NaN and infinity, equal, tiny and
huge numbers, float32 beside float64. What is right is what the reference does in plain NumPy.

The calls and networks are those of tests/gradients.py.
"""

import inspect
import warnings

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import both_floats
from .gradients import FUNCTIONS, LAYERS, Call, spread
from .tolerances import gamma, tiny

CALLS = [pytest.param(n, c, id=f"{n}-{i}") for n in sorted(FUNCTIONS) for i, c in enumerate(FUNCTIONS[n])]
NETS = [pytest.param(n, c, id=f"{n}-{i}") for n in sorted(LAYERS) for i, c in enumerate(LAYERS[n])]
every_call = pytest.mark.parametrize(("name", "call"), CALLS)
every_net = pytest.mark.parametrize(("name", "net"), NETS)


def arguments_of(call: Call, dtype):
    """The call's arguments in a dtype; integers stay."""
    arrays = {k: spread(v, k) if isinstance(v, tuple) else v for k, v in call.arrays.items()}

    def cast(value):
        return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    return {k: cast(v) for k, v in {**arrays, **call.others}.items()}


def results(module, name, arguments):
    """[forward, *backward of ones]; ValueError where the call is refused."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            y = getattr(module, name)(**arguments)
            backward = getattr(module, f"{name}_backward")
            wanted = inspect.signature(backward).parameters
            gradients = backward(np.ones_like(y), **{k: v for k, v in arguments.items() if k in wanted})
        except ValueError:
            return ValueError
    return [np.asarray(y), *(gradients if isinstance(gradients, tuple) else (gradients,))]


def agree(name, arguments, dtype, widened=True, gradients=True):
    """Ours is the reference's: the same refusal, or the same numbers within the bound below; NaN and infinity
    in the same places.

    The bound: an element of a result here is made by at most K + 64 roundings in a row, K the most numbers a
    sum has (all of an argument's elements) and 64 for the functions in between (tests/tolerances.py holds the
    largest of them in units in the last place). Each rounds something of at most S: the largest result, the
    largest sum of absolute values, which is what the reference makes of the arguments' absolute values, or a
    product of the arguments' largest. The
    functions between are no steeper than 8 at these arguments: 1 / standard deviation, softmax, GELU. Where
    the reference is run in float64 (`widened`), only our roundings count, otherwise both.
    """
    mine = results(nf, name, arguments)
    wide = {k: v.astype(np.float64) if _floats(v) and widened else v for k, v in arguments.items()}
    twins = results(ref, name, wide)
    if isinstance(mine, type) or isinstance(twins, type):
        assert mine is twins
        return None
    sizes = results(ref, name, {k: np.abs(v) if _floats(v) else v for k, v in wide.items()})
    product = float(np.prod([max(1.0, _largest(wide[k])) for k in wide if _floats(wide[k])]))
    count = max(v.size for v in arguments.values() if isinstance(v, np.ndarray))
    for i, (got, twin) in enumerate(zip(mine, twins, strict=True)):
        assert got.shape == twin.shape
        assert got.dtype == dtype
        if i > 0 and not gradients:
            continue
        size = [product, _largest(twin)] + ([_largest(sizes[i])] if isinstance(sizes, list) else [])
        with np.errstate(over="ignore"):
            expected = twin.astype(dtype)
        bound = 8 * (1 if widened else 2) * gamma(count + 64, dtype) * max(size) + tiny(dtype, count)
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(got), finite)
        if i == 0:  # a gradient's infinity may be NaN where another order of the sum meets both signs
            np.testing.assert_array_equal(got[~finite], expected[~finite])
        assert (np.abs(got[finite].astype(np.float64) - twin[finite]) <= bound).all()
    return mine


def _floats(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _largest(array):
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max(initial=0.0))


SAMPLES = ("x", "input", "a", "target", "indices", "sample_weight")


def with_samples(name, arguments, n):
    """The arguments with n samples; None where there is no axis of samples."""
    taken = {}
    for key, value in arguments.items():
        if key in SAMPLES and isinstance(value, np.ndarray):
            if value.ndim < 2 and key in ("a", "x"):
                return None
            value = value[:n]
        taken[key] = value
    return taken


@both_floats
@every_call
def test_no_sample_and_one_sample(isa, dtype, name, call):
    for n in (0, 1):
        arguments = with_samples(name, arguments_of(call, dtype), n)
        if arguments is not None:
            agree(name, arguments, dtype)


@every_call
def test_float32_beside_float64(isa, name, call):
    """The same float32 numbers in both: what differs is rounding, within the bound."""
    assert agree(name, arguments_of(call, np.float32), np.float32) is not None


@both_floats
@every_call
def test_nan_and_infinity(isa, dtype, name, call):
    """They go where the formula takes them, and nowhere else.

    Convolutions without padding and gradients: whether a cell that is not there, or between those of a
    stride, counts as 0 * NaN is left open.
    """
    conv = name.startswith("conv")
    bare = {"padding": 0, "output_padding": 0} if conv else {}
    bare = {k: v for k, v in bare.items() if k in call.others}
    for key in call.arrays:
        for value in (np.nan, np.inf, -np.inf):
            arguments = {**arguments_of(call, dtype), **bare}
            arguments[key].flat[arguments[key].size // 2] = value
            agree(name, arguments, dtype, widened=False, gradients=not conv)


@both_floats
@every_call
def test_equal_numbers(isa, dtype, name, call):
    """Ties: all-equal logits, maxima that many cells share."""
    arguments = arguments_of(call, dtype)
    for key in call.arrays:
        arguments[key] = np.full_like(arguments[key], 1.5)
    agree(name, arguments, dtype)


@both_floats
@every_call
def test_denormals(isa, dtype, name, call):
    arguments = arguments_of(call, dtype)
    key = next(iter(call.arrays))
    smallest = np.finfo(dtype).smallest_subnormal
    arguments[key] = (np.round(4 * arguments[key]) * smallest).astype(dtype)
    agree(name, arguments, dtype)


@both_floats
@every_call
def test_huge_numbers(isa, dtype, name, call):
    """No overflow: the squares in mse_loss and variances just fit."""
    for key in call.arrays:
        arguments = arguments_of(call, dtype)
        arguments[key] = arguments[key] * (np.sqrt(np.finfo(dtype).max) / 64).astype(dtype)
        agree(name, arguments, dtype, widened=dtype == np.float32)


@both_floats
def test_one_class(isa, dtype):
    x, none = spread((3, 1)).astype(dtype), np.zeros(3, np.int64)
    np.testing.assert_array_equal(nf.softmax(x), np.ones((3, 1)))
    np.testing.assert_array_equal(nf.log_softmax(x), np.zeros((3, 1)))
    assert nf.cross_entropy(x, none) == 0
    np.testing.assert_array_equal(nf.cross_entropy_backward(1.0, x, none), np.zeros((3, 1)))
    np.testing.assert_array_equal(nf.softmax_backward(np.ones_like(x), x), np.zeros((3, 1)))
    assert nf.nll_loss(nf.log_softmax(x), none) == 0


# ---------------------------------------------------------------- layers


def network(net, backend, dtype):
    made = net.make()
    if isinstance(made, nf.Model):
        if dtype != "float64":
            pytest.skip("a graph of float64")
        model = made
    else:
        model = nf.Sequential(*made, input_shape=net.shape, dtype=dtype, seed=3)
    model.compile(nf.SGD(lr=0.1), backend=backend)
    return model


def samples_of(net, n, dtype):
    if net.indices:
        return np.arange(n * int(np.prod(net.shape))).reshape(n, *net.shape) % net.indices
    return spread((max(n, 1), *net.shape)).astype(dtype)[:n]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_net
def test_networks(isa, dtype, name, net):
    """Predictions and gradients of no sample, one sample, samples with NaN, infinity, huge numbers."""
    native, twin = (network(net, backend, dtype) for backend in ("native", "reference"))
    inputs = [samples_of(net, n, dtype) for n in (0, 1, 3)]
    if not net.indices:
        for value in (np.nan, np.inf, -np.inf, np.sqrt(np.finfo(dtype).max) / 16):
            x = samples_of(net, 3, dtype)
            x[1].flat[x[1].size // 2] = value
            inputs.append(x)
    for x in inputs:
        with np.errstate(all="ignore"):
            pairs = [(native.predict(x), twin.predict(x))]
            if len(x) == 0:  # both refuse to train on nothing
                for model in (native, twin):
                    with pytest.raises(ValueError, match="at least one sample"):
                        model.forward(x, training=True)
            elif len(x) > 1 or name != "BatchNorm1d":
                training = [m.forward(x, training=True).copy() for m in (native, twin)]
                pairs.append(tuple(training))
                g = np.ones_like(training[0])
                pairs.append(tuple(m.backward(g, need_input_grad=not net.indices) for m in (native, twin)))
        for got, expected in pairs:
            if got is None:
                continue
            assert got.shape == expected.shape and got.dtype == dtype
            finite = np.isfinite(expected)
            np.testing.assert_array_equal(np.isfinite(got), finite)
            np.testing.assert_array_equal(got[~finite], expected[~finite])
            size = 8 * max(1.0, _largest(x), _largest(expected))
            bound = 2 * 8 * gamma(x.size + 64, np.dtype(dtype)) * size
            assert (np.abs(got[finite] - expected[finite]) <= bound).all()
