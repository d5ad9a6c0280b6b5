"""Optimizer updates against the reference: one step from random states, every size and option; lists;
refusals.

Bounds: a formula of sums and products whose longest path has r roundings is off by at most gamma(r) times the
same formula over absolute values (Higham, section 3.1); divisions and roots propagate that to first order.
"""

import numpy as np
import pytest

import nnfast as nf
from nnfast import reference as ref

from .arrays import SIZES, both_floats, guarded, normal, rng, views
from .tolerances import assert_close, both, exact, tiny

PATH = 12  # roundings on the longest path: constants, decay, moments, the step and its subtraction


def state(n, dtype, decay):
    """param, grad, two moments, and |grad| + decay |param|."""
    p, g, m = (normal(n, dtype, n, i) for i in range(3))
    v = rng(n, 4).random(n).astype(dtype)
    return p, g, m, v, np.abs(exact(g)) + decay * np.abs(exact(p))


SGD = [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.3},
    {"lr": 0.05, "momentum": 0.9},
    {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01},
    {"lr": 0.05, "momentum": 0.9, "dampening": 0.4},
    {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.2, "first_step": True},
    {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "first_step": True},
    {"lr": 0.0, "momentum": 0.5},
]


@both_floats
@pytest.mark.parametrize("options", SGD, ids=lambda o: "-".join(o))
def test_sgd(isa, dtype, options):
    decay, momentum = options.get("weight_decay", 0), options.get("momentum", 0)
    for n in SIZES:
        p, g, b, _, size = state(n, dtype, decay)
        twins = [exact(v).copy() for v in (p, g, b)]
        if momentum:
            start = np.abs(exact(b))
            moment = size if options.get("first_step") else momentum * start + size
            step = size + momentum * moment if options.get("nesterov") else moment
            nf.sgd_update(p, g, b, **options)
            ref.sgd_update(*twins, **options)
            assert_close(b, twins[2], both(PATH, dtype) * moment + tiny(dtype, 4))
        else:
            step = size
            nf.sgd_update(p, g, **options)
            ref.sgd_update(*twins[:2], **options)
        assert_close(
            p, twins[0], both(PATH, dtype) * (np.abs(twins[0]) + 2 * options["lr"] * step) + tiny(dtype, 4)
        )


@both_floats
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "alpha": 0.5},
        {"lr": 0.1, "weight_decay": 0.1, "eps": 1e-3},
        {"alpha": 0.9, "eps": 0.0},
    ],
    ids=str,
)
def test_rmsprop(isa, dtype, options):
    o = {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, **options}
    for n in SIZES:
        p, g, _, s, size = state(n, dtype, o["weight_decay"])
        twins = [exact(v).copy() for v in (p, g, s)]
        decayed = twins[1] + o["weight_decay"] * twins[0]
        square = o["alpha"] * exact(s) + (1 - o["alpha"]) * size**2
        nf.rmsprop_update(p, g, s, **options)
        ref.rmsprop_update(*twins, **options)
        r = both(PATH, dtype)
        assert_close(s, twins[2], r * square + tiny(dtype, 4))
        root = np.sqrt(twins[2])
        divisor = root + o["eps"]
        error = r * size / divisor + np.abs(decayed) / divisor**2 * (r * square / (2 * root) + r * divisor)
        assert_close(p, twins[0], o["lr"] * error + r * (np.abs(twins[0]) + o["lr"] * size / divisor))


@both_floats
@pytest.mark.parametrize("step", [1, 2, 1000, 10**9])
@pytest.mark.parametrize(
    "options", [{}, {"lr": 0.1, "betas": (0.5, 0.7)}, {"weight_decay": 0.1, "eps": 1e-3}], ids=str
)
def test_adam(isa, dtype, step, options):
    o = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, **options}
    (beta1, beta2), lr = o["betas"], o["lr"]
    for n in SIZES:
        p, g, m, v, size = state(n, dtype, o["weight_decay"])
        twins = [exact(a).copy() for a in (p, g, m, v)]
        moment = np.abs(exact(m)) + (1 - beta1) * (size + np.abs(exact(m)))
        square = beta2 * exact(v) + (1 - beta2) * size**2
        nf.adam_update(p, g, m, v, step=step, **options)
        ref.adam_update(*twins, step=step, **options)
        r = both(PATH, dtype)
        assert_close(m, twins[2], r * moment + tiny(dtype, 4))
        assert_close(v, twins[3], r * square + tiny(dtype, 4))
        rate, scale = lr / (1 - beta1**step), 1 / np.sqrt(1 - beta2**step)
        root = np.sqrt(twins[3])
        divisor = root * scale + o["eps"]
        error = r * moment / divisor
        error = error + np.abs(twins[2]) / divisor**2 * (scale * r * square / (2 * root) + r * divisor)
        assert_close(p, twins[0], rate * error + r * (np.abs(twins[0]) + rate * moment / divisor))


UPDATES = {
    "sgd_update": (3, {"lr": 0.1, "momentum": 0.9}),
    "rmsprop_update": (5, {"momentum": 0.5, "centered": True}),
    "adagrad_update": (3, {"step": 3}),
    "adadelta_update": (4, {}),
    "adam_update": (5, {"step": 3, "amsgrad": True}),
    "adamw_update": (5, {"step": 3, "amsgrad": True}),
    "nadam_update": (4, {"step": 3}),
}
every_update = pytest.mark.parametrize("name", UPDATES)


def arrays_of(name, shape, dtype, *key):
    """param, grad and states; the states positive, as squares are."""
    count, _ = UPDATES[name]
    made = [normal(shape, dtype, i, *key) for i in range(count)]
    return [*made[:2], *(np.asarray(np.abs(a)) for a in made[2:])]


@both_floats
@every_update
def test_guard_pages_and_views(isa, dtype, name):
    update, options = getattr(nf, name), UPDATES[name][1]
    for n in SIZES:
        plain, guards = arrays_of(name, n, dtype), [guarded(a) for a in arrays_of(name, n, dtype)]
        update(*plain, **options)
        update(*guards, **options)
        for a, b in zip(plain, guards, strict=True):
            np.testing.assert_array_equal(a, b)
    expected = arrays_of(name, (5, 6), dtype)
    update(*expected, **options)
    for _, view in views(arrays_of(name, (5, 6), dtype)[1]):  # gradients may be any view
        got = arrays_of(name, (5, 6), dtype)
        got[1] = view
        update(*got, **options)
        np.testing.assert_array_equal(got[0], expected[0])


@both_floats
@every_update
def test_lists(dtype, name):
    """A list is as good as one call after another; shapes and even dtypes may differ along it."""
    update, options = getattr(nf, name), UPDATES[name][1]
    shapes = [(3, 4), (7,), (), (0,), (2, 3, 5)]
    one = [arrays_of(name, s, dtype, i) for i, s in enumerate(shapes)] + [arrays_of(name, 9, np.float32, 9)]
    many = [[a.copy() for a in group] for group in one]
    for group in one:
        update(*group, **options)
    columns = [list(column) for column in zip(*many, strict=True)]
    update(*columns, **options)
    for a, b in zip(one, many, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    update(*map(tuple, columns), **options)
    update(*([] for _ in columns), **options)


def spoil(kind, array):
    """An array that must not be accepted, and the error it must raise."""
    if kind == "dtype":
        return array.astype(np.complex128), TypeError
    if kind == "list":
        return array.tolist(), TypeError
    if kind == "none":
        return None, TypeError
    if kind == "other float":
        return array.astype(np.float32 if array.dtype == np.float64 else np.float64), TypeError
    if kind == "shape":
        return np.concatenate([array, array]), ValueError
    if kind == "strided":
        return np.repeat(array, 2)[::2], ValueError
    if kind == "read-only":
        frozen = array.copy()
        frozen.flags.writeable = False
        return frozen, ValueError
    assert kind == "swapped"
    return array.astype(array.dtype.newbyteorder()), TypeError


KINDS = ["dtype", "list", "none", "other float", "shape", "strided", "read-only", "swapped"]
ARGUMENTS = {
    "sgd_update": ["param", "grad", "momentum_buffer"],
    "rmsprop_update": ["param", "grad", "square_avg", "grad_avg", "momentum_buffer"],
    "adagrad_update": ["param", "grad", "sum"],
    "adadelta_update": ["param", "grad", "square_avg", "acc_delta"],
    "adam_update": ["param", "grad", "m", "v", "max_v"],
    "adamw_update": ["param", "grad", "m", "v", "max_v"],
    "nadam_update": ["param", "grad", "m", "v"],
}


@every_update
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("in_list", [False, True], ids=["array", "in a list"])
def test_refusals(name, kind, in_list):
    """The message names the argument, and nothing has changed: in a list, not even the arrays before it."""
    update, options = getattr(nf, name), UPDATES[name][1]
    for place, argument in enumerate(ARGUMENTS[name]):
        if argument == "grad" and kind in ("list", "strided", "read-only", "swapped"):
            continue  # gradients are only read
        good, bad = arrays_of(name, 6, np.float64, 1), arrays_of(name, 6, np.float64, 2)
        bad[place], error = spoil(kind, bad[place])
        kept = [a.copy() for a in good]
        kept_bad = [None if a is None else np.array(a) for a in bad]
        if kind == "none" and argument in ("momentum_buffer", "grad_avg", "max_v") and not in_list:
            error = ValueError  # an option asks for it
        # A shape or dtype is compared with param's, so a wrong param shows in the next argument.
        shows_later = ("other float", "shape") if in_list else ("other float", "shape", "list")
        named = "grad" if argument == "param" and kind in shows_later else argument
        with pytest.raises(error, match=rf"^{name}: {named}\b"):
            if in_list:
                update(*map(list, zip(good, bad, strict=True)), **options)
            else:
                update(*bad, **options)
        for a, b in zip([*good, *bad], [*kept, *kept_bad], strict=True):
            if a is not None:
                np.testing.assert_array_equal(np.array(a), b)


@every_update
def test_overlaps(name):
    """What is written shares memory with nothing: within a parameter and across a list."""
    update, options = getattr(nf, name), UPDATES[name][1]
    count = UPDATES[name][0]
    for i in range(count):
        for j in range(i + 1, count):
            for shift in (0, 3):
                arrays = arrays_of(name, 6, np.float64)
                block = np.ones(9)
                arrays[i], arrays[j] = block[:6], block[shift : shift + 6]
                with pytest.raises(ValueError, match=rf"^{name}: \w+: expected memory apart from"):
                    update(*arrays, **options)
                np.testing.assert_array_equal(block, np.ones(9))
    a, b = arrays_of(name, 6, np.float64, 1), arrays_of(name, 6, np.float64, 2)
    b[0] = a[0]
    with pytest.raises(ValueError, match=rf"^{name}: param: expected memory apart from param"):
        update(*map(list, zip(a, b, strict=True)), **options)
    b[0] = np.zeros(6)
    b[1] = a[1]  # two gradients may be one
    update(*map(list, zip(a, b, strict=True)), **options)


@every_update
def test_list_refusals(name):
    update, options = getattr(nf, name), UPDATES[name][1]
    groups = [arrays_of(name, 4, np.float64, i) for i in range(3)]
    for place, argument in list(enumerate(ARGUMENTS[name]))[1:]:
        columns = [list(c) for c in zip(*groups, strict=True)]
        columns[place] = columns[place][:2]
        with pytest.raises(ValueError, match=rf"^{name}: {argument}: expected 3 arrays"):
            update(*columns, **options)
        columns[place] = columns[place][0]
        with pytest.raises(TypeError, match=rf"^{name}: {argument}: expected a list"):
            update(*columns, **options)


OPTIONS = [
    ("sgd_update", {"lr": -1.0}, ValueError, "lr"),
    ("sgd_update", {"lr": np.nan}, ValueError, "lr"),
    ("sgd_update", {"lr": np.inf}, ValueError, "lr"),
    ("sgd_update", {"lr": "fast"}, TypeError, "lr"),
    ("sgd_update", {"lr": None}, TypeError, "lr"),
    ("sgd_update", {"momentum": -0.1}, ValueError, "momentum"),
    ("sgd_update", {"weight_decay": -0.1}, ValueError, "weight_decay"),
    ("sgd_update", {"dampening": np.nan}, ValueError, "dampening"),
    ("sgd_update", {"nesterov": True, "momentum": 0.0}, ValueError, "nesterov"),
    ("sgd_update", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "nesterov"),
    ("rmsprop_update", {"lr": -1.0}, ValueError, "lr"),
    ("rmsprop_update", {"alpha": 1.5}, ValueError, "alpha"),
    ("rmsprop_update", {"alpha": np.nan}, ValueError, "alpha"),
    ("rmsprop_update", {"eps": -1e-9}, ValueError, "eps"),
    ("rmsprop_update", {"weight_decay": [1]}, TypeError, "weight_decay"),
    ("rmsprop_update", {"momentum": -1.0}, ValueError, "momentum"),
    ("adagrad_update", {"step": 0}, ValueError, "step"),
    ("adagrad_update", {"lr_decay": -1.0}, ValueError, "lr_decay"),
    ("adagrad_update", {"eps": np.nan}, ValueError, "eps"),
    ("adadelta_update", {"rho": 1.5}, ValueError, "rho"),
    ("adadelta_update", {"lr": -1.0}, ValueError, "lr"),
    ("adamw_update", {"weight_decay": -1.0}, ValueError, "weight_decay"),
    ("adamw_update", {"betas": 3}, ValueError, "betas"),
    ("nadam_update", {"momentum_decay": -1.0}, ValueError, "momentum_decay"),
    ("nadam_update", {"betas": (1.0, 0.9)}, ValueError, "beta1"),
    ("adam_update", {"step": 0}, ValueError, "step"),
    ("adam_update", {"step": 1.5}, TypeError, "step"),
    ("adam_update", {"step": 2**70}, ValueError, "step"),
    ("adam_update", {"lr": -1e-3}, ValueError, "lr"),
    ("adam_update", {"betas": (1.0, 0.9)}, ValueError, "beta1"),
    ("adam_update", {"betas": (0.9, -0.1)}, ValueError, "beta2"),
    ("adam_update", {"betas": 0.9}, ValueError, "betas"),
    ("adam_update", {"eps": -1.0}, ValueError, "eps"),
    ("adam_update", {"weight_decay": -1.0}, ValueError, "weight_decay"),
]


@pytest.mark.parametrize(("name", "options", "error", "argument"), OPTIONS)
def test_options(name, options, error, argument):
    arrays = arrays_of(name, 4, np.float64)
    kept = [a.copy() for a in arrays]
    with pytest.raises(error, match=rf"^{name}: {argument}\b"):
        getattr(nf, name)(*arrays, **{**UPDATES[name][1], **options})
    for a, b in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(a, b)
