"""Errors of the elementary functions in units in the last place, over all float32 inputs or a sample of them.

    python -m tests.ulp                  a million inputs a function: seconds
    python -m tests.ulp --step 1 gelu    every input of one function: a minute or two
    python -m tests.ulp --dtype float64  a sample against long double, where that has more bits
    python -m tests.ulp --dtype mpmath   float64 against 60 digits, two thousand inputs a function
    python -m tests.ulp --falls          how far monotone functions fall, over every float32: seconds each

An error is |got - exact| / ulp(exact), where ulp is the distance of neighbouring numbers of the exact
result's size (of denormals below the smallest normal number); infinities, NaN and overflow must be as the
exact result rounded. The exact results are those of NumPy one precision higher: its errors are 2^-29 ULP here
(2^-11 in long double); or mpmath's.

What this is: the measurement, shared by the report and test_accuracy.py. What it is not: a check of special
values and gradients: see test_functional_elementwise.py.
"""

import argparse
import functools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

import nnfast as nf

Reals = Any  # arrays of either precision
CHUNK = 1 << 15  # inputs worked on together: their arrays stay in the cache


class Function(NamedTuple):
    got: Any  # what nnfast gives for inputs
    exact: Any  # the same one precision higher
    bound: float  # in ULP, float32
    bound64: float  # in ULP, float64
    low: float = -math.inf  # inputs from low to high are measured
    high: float = math.inf
    wide: bool = True  # whether `exact` is, in long double


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def times(x, factor):
    """x factor, -0 at -inf: where the factor is 0, and where it only seems so, the product is."""
    return np.where(x == -np.inf, -0.0, np.maximum(x, -1e4) * factor)


def mish(x):
    e = np.exp(np.minimum(x, 40))
    n = e * (e + 2)
    return times(x, n / (n + 2))


erfc = np.frompyfunc(math.erfc, 1, 1)


def gelu(x):
    """x Phi(x): by erfc where it is neither x / 2 and a little nor x nor 0."""
    with np.errstate(all="ignore"):
        y = np.where(x > 9, x, np.where(x < -15, -0.0, x * (0.5 + x * (1 - x * x / 6) * 0.3989422804014327)))
    y = np.where(np.isnan(x), x, y)
    middle = (np.abs(x) > 2**-12) & (x <= 9) & (x >= -15)
    y[middle] = x[middle] * 0.5 * erfc(x[middle] * -math.sqrt(0.5)).astype(float)
    return y


def zeros(x):
    return np.zeros_like(x)


FUNCTIONS = {
    # Of exp and log, which have no public function, through losses that are nothing else at these targets.
    "exp": Function(lambda x: nf.poisson_nll_loss(x, zeros(x), reduction="none"), np.exp, 1, 1, -1e38, 1e38),
    "log": Function(
        lambda x: -nf.binary_cross_entropy(x, zeros(x) + 1, reduction="none"), np.log, 1, 1, 1e-37, 1
    ),
    "expm1": Function(lambda x: nf.elu(x), np.expm1, 2, 2, -math.inf, -0.0),
    "sigmoid": Function(nf.sigmoid, sigmoid, 2, 2),
    "tanh": Function(nf.tanh, np.tanh, 2, 2),
    "softplus": Function(
        lambda x: nf.softplus(x, threshold=1000.0),
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        2,
        2,
    ),
    "silu": Function(nf.silu, lambda x: times(x, sigmoid(x)), 2, 2),
    "gelu": Function(nf.gelu, gelu, 4, 2, wide=False),
    "mish": Function(nf.mish, mish, 5, 2, -80),  # below, in float32 the factor of x is a denormal number
    "softsign": Function(nf.softsign, lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))), 2, 2),
}


class Monotone(NamedTuple):
    got: Any
    ulp: float = 0  # by how many ULP a result may lie below that of the float32 before
    low: float = -math.inf
    high: float = math.inf


MONOTONE = {
    "exp": Monotone(FUNCTIONS["exp"].got, low=-1e38, high=1e38),
    "log": Monotone(FUNCTIONS["log"].got, low=1e-37, high=1),
    "sigmoid": Monotone(nf.sigmoid),
    "tanh": Monotone(nf.tanh),
    "softplus": Monotone(FUNCTIONS["softplus"].got, 2),  # one of its two terms falls
    "elu": Monotone(nf.elu),
    "selu": Monotone(nf.selu),
    "softsign": Monotone(nf.softsign, 1),  # the divisor |x| + 1 is rounded
    "hard_sigmoid": Monotone(nf.hard_sigmoid),
    "relu": Monotone(nf.relu),
    "leaky_relu": Monotone(nf.leaky_relu),
    "relu6": Monotone(nf.relu6),
}
INFINITE = 0x7F800000  # the bits of infinity
# Wider types, in which results are exact for our purposes.
WIDER = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}


def unit(exact, info):
    """The distance of neighbouring numbers of `info`'s type where `exact`, in a wider type, lies."""
    if exact.dtype == np.float64 and info.dtype == np.float32:
        power = (exact.view(np.uint64) & np.uint64(0x7FF << 52)).view(np.float64)
        return np.maximum(power, float(info.smallest_normal)) * float(info.eps)
    _, exponent = np.frexp(exact)
    return np.ldexp(exact.dtype.type(1), np.maximum(exponent, info.minexp + 1) - 1 - info.nmant)


def errors(function, x):
    """The error of each input, infinite where an infinity, NaN or overflow is not what it should be."""
    info = np.finfo(x.dtype)
    got = function.got(x)
    with np.errstate(all="ignore"):
        exact = np.asarray(function.exact(x.astype(WIDER[x.dtype])))
        difference = np.abs(got - exact) / unit(exact, info)
        ends = ~(np.abs(exact) <= info.max * (1 - 2 * info.eps)) | ~np.isfinite(got)
        if ends.any():
            rounded, at = exact[ends].astype(x.dtype), got[ends]
            # A result beside the largest number may round to infinity: an ULP off, not wrong.
            same = (at == rounded) | (np.isnan(at) & np.isnan(rounded))
            beside = (np.abs(exact[ends]) > info.max * (1 - 2 * info.eps)) & (np.abs(at) >= info.max)
            difference[ends] = np.where(same | beside, 0, np.inf)
    return difference


def float32_inputs(first, count, step):
    return (np.arange(count, dtype=np.uint64) * step + first).astype(np.uint32).view(np.float32)


def worst(name, step=4099, threads=1):
    """(largest error, where) over every step-th float32, in the order of their bits."""
    function = FUNCTIONS[name]
    total = -(-(1 << 32) // step)

    def chunk(start):
        x = float32_inputs(start * step, min(CHUNK, total - start), step)
        with np.errstate(invalid="ignore"):
            x = x[(x >= function.low) & (x <= function.high) | (np.isnan(x) & (function.low == -math.inf))]
        if not x.size:
            return 0.0, 0.0
        e = errors(function, x)
        i = int(np.argmax(e))
        return float(e[i]), float(x[i])

    with ThreadPoolExecutor(threads) as pool:
        return max(pool.map(chunk, range(0, total, CHUNK)))


def ascending(first, count):
    """Up to `count` float32 from the first-th of -inf ... -0, 0 ... inf on."""
    last = min(first + count, 2 * INFINITE + 2)
    place = np.arange(first - INFINITE - 1, last - INFINITE - 1, dtype=np.int32)
    return (place ^ (place >> 31 & 0x7FFFFFFF)).view(np.float32)


def fall(name, x):
    """(how often a monotone function falls, by how many ULP at most, where) from number to number of x."""
    function = MONOTONE[name]
    x = x[(x >= function.low) & (x <= function.high)]
    y = function.got(x)
    falls = np.flatnonzero(~(y[1:] >= y[:-1]))  # a NaN is one
    if not falls.size:
        return 0, 0.0, 0.0
    before, after = y[falls], y[falls + 1]
    ulp = np.spacing(np.maximum(np.abs(before), np.abs(after)))
    depth = np.nan_to_num((before - after) / ulp, nan=np.inf)
    i = int(np.argmax(depth))
    return int(falls.size), float(depth[i]), float(x[falls[i] + 1])


def deepest_fall(name, threads=1):
    """The same from every float32 to the next."""

    def chunk(first):
        return fall(name, ascending(first, CHUNK + 1))

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(chunk, range(0, 2 * INFINITE + 2, CHUNK)))
    worst_chunk = max(found, key=lambda each: each[1])
    return sum(each[0] for each in found), *worst_chunk[1:]


def low64(name):
    return -math.inf if name == "mish" else FUNCTIONS[name].low


def worst64(name, count=1_000_000, seed=0):
    """The same over float64: numbers of all sizes, most where the functions bend; None: cannot be told."""
    function = FUNCTIONS[name]
    if not function.wide or np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant:
        return None
    rng = np.random.default_rng(seed)
    x = rng.choice([-1.0, 1.0], count) * 2.0 ** np.where(
        rng.random(count) < 0.1, rng.uniform(-1074, 1023, count), rng.uniform(-12, 9, count)
    )
    x = x[(x >= low64(name)) & (x <= function.high)]
    e = errors(function, x)
    i = int(np.argmax(e))
    return float(e[i]), float(x[i])


def by_mpmath(name, mp):
    """The function of a number in mpmath's arithmetic, by its definition."""

    def phi(x):
        return mp.erfc(-x / mp.sqrt(2)) / 2

    return {
        "exp": mp.exp,
        "log": mp.log,
        "expm1": mp.expm1,
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "tanh": mp.tanh,
        "softplus": lambda x: mp.log1p(mp.exp(x)),
        "silu": lambda x: x / (1 + mp.exp(-x)),
        "gelu": lambda x: x * phi(x),
        "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
        "softsign": lambda x: x / (1 + abs(x)),
    }[name]


@functools.cache
def mpmath_sample(name, count=1500, seed=0):
    """(inputs, exact results rounded to float64, what the rounding lost): numbers of all sizes and those next
    to where the arithmetic changes: powers of two, multiples of log 2, the ends of the range of exp."""
    import mpmath

    function = FUNCTIONS[name]
    rng = np.random.default_rng(seed)
    spread = np.where(rng.random(count) < 0.2, rng.uniform(-1074, 11, count), rng.uniform(-12, 6, count))
    bends = [2.0**k for k in range(-60, 10)] + [k * math.log(2) / 2 for k in range(1, 60)]
    bends += [708.3964, 709.7827, 745.1332, 18.0, 19.0615, 36.7368, 37.4299, 38.5]
    edges = [y for b in bends for y in (np.nextafter(b, 0), b, np.nextafter(b, np.inf))]
    x = np.concatenate([rng.choice([-1.0, 1.0], count) * 2.0**spread, edges, np.negative(edges)])
    x = x[(x >= low64(name)) & (x <= min(function.high, 1e4))]
    exact = by_mpmath(name, mpmath.mp)
    high, low = np.empty_like(x), np.empty_like(x)
    with mpmath.workdps(60):
        for i, v in enumerate(x):
            y = exact(mpmath.mpf(float(v)))
            high[i] = float(y)
            low[i] = float(y - mpmath.mpf(high[i])) if np.isfinite(high[i]) else 0.0
    return x, high, low


def worst_mpmath(name):
    """(largest error, where) of float64 against mpmath."""
    x, high, low = mpmath_sample(name)
    got = FUNCTIONS[name].got(x)
    finite = np.isfinite(high)
    if not np.array_equal(got[~finite], high[~finite]):
        return math.inf, float(x[~finite][0])
    ulp = np.spacing(np.abs(high[finite]))
    with np.errstate(over="ignore"):
        e = np.abs((got[finite] - high[finite]) - low[finite]) / ulp
    i = int(np.argmax(e))
    return float(e[i]), float(x[finite][i])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="functions, all when none is named")
    parser.add_argument("--step", type=int, default=4099, help="every so many-th float32; 1 is all of them")
    parser.add_argument("--falls", action="store_true", help="falls of monotone functions instead of errors")
    parser.add_argument("--dtype", choices=["float32", "float64", "mpmath"], default="float32")
    options = parser.parse_args()
    if options.falls:
        report_falls(options.names or MONOTONE)
    else:
        report_errors(options)


def report_falls(names):
    print(f"float32, {nf._core.isa()}\n{'function':12} {'falls':>10} {'by ULP':>7} {'asked':>6}  at")
    for name in names:
        falls, ulp, at = deepest_fall(name, nf.get_num_threads())
        print(f"{name:12} {falls:10} {ulp:7.3g} {MONOTONE[name].ulp:6g}  {at!r}", flush=True)


def report_errors(options):
    print(f"{options.dtype}, {nf._core.isa()}")
    print(f"{'function':10} {'max ULP':>8} {'asked':>6}  at")
    for name in options.names or FUNCTIONS:
        if options.dtype == "float32":
            found, bound = worst(name, options.step, nf.get_num_threads()), FUNCTIONS[name].bound
        else:
            found = worst64(name) if options.dtype == "float64" else worst_mpmath(name)
            bound = FUNCTIONS[name].bound64
        if found is not None:
            error, at = found
            print(f"{name:10} {error:8.3f} {bound:6g}  {at!r} ({at.hex()})", flush=True)


if __name__ == "__main__":
    main()
