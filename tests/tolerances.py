"""How far a result may be from its twin: derived from the unit roundoff and the length of sums, never
guessed.

Notation of Higham, "Accuracy and Stability of Numerical Algorithms", 2002, chapter 3: u = eps / 2 is the unit
roundoff and gamma(n) = n u / (1 - n u) bounds the relative error of n roundings. Twins are run in float64 on
the same numbers; for float64 results the twin is as inexact as the result, so its error is added (`both`).
"""

import numpy as np


def unit(dtype):
    """u of a dtype."""
    return np.finfo(dtype).eps / 2


def gamma(n, dtype):
    """The bound of n roundings."""
    nu = np.asarray(n, np.float64) * unit(dtype)
    return nu / (1 - nu)


def both(n, dtype):
    """n roundings of ours and n of the twin, which computes in float64."""
    return gamma(n, dtype) + gamma(n, np.float64)


def tiny(dtype, n=1):
    """What n underflows may lose: half a smallest denormal each, here a whole one."""
    return n * float(np.finfo(dtype).smallest_subnormal)


def flushed(dtype, n=1):
    """What n exponentials of a softmax may lose: one that would be denormal is 0
    (kernels/softmax/softmax-inl.h).

    Twice the smallest normal number, because the argument where that begins is rounded up.
    """
    return n * 2 * float(np.finfo(dtype).tiny)


def exact(array):
    """The array in float64, where the twin computes."""
    return np.asarray(array, np.float64)


def product_bound(a, b, dtype, extra=0):
    """|fl(a @ b) - a @ b| <= gamma(k) |a| @ |b|, whatever the order of the sum (Higham, eq. 3.13)."""
    k = np.shape(a)[-1]
    return both(k + extra, dtype) * np.matmul(np.abs(exact(a)), np.abs(exact(b))) + tiny(dtype, k + 1)


def softmax_parts(x, axis):
    """d = max - x, and the softmax of x, in float64."""
    x = exact(x)
    d = x.max(axis=axis, keepdims=True) - x
    y = np.exp(-d)
    return d, y / y.sum(axis=axis, keepdims=True)


def softmax_relative(x, axis, dtype):
    """Relative error of each element of softmax(x).

    The argument of exp is rounded once, which is a relative error of d u in its value; exp itself may be
    EXP_ULP units off, the sum of n of them gamma(n) plus the errors of its terms, weighted by the softmax;
    one division or a reciprocal and a product (2 roundings).
    """
    d, y = softmax_parts(x, axis)
    weighted = (y * d).sum(axis=axis, keepdims=True)
    n = np.shape(x)[axis]
    return both(d + weighted + n + 4 * EXP_ULP + 2, dtype)


def log_softmax_bound(x, axis, dtype):
    """|error| of each element of log_softmax(x) = -d - log(s).

    d is rounded once (d u), s has a relative error as in softmax_relative, which log turns into an absolute
    one; log is LOG_ULP units off; the difference is rounded once.
    """
    d, y = softmax_parts(x, axis)
    weighted = (y * d).sum(axis=axis, keepdims=True)
    n = np.shape(x)[axis]
    log_s = np.log(np.exp(-d).sum(axis=axis, keepdims=True))
    return both(d + weighted + n + 2 * EXP_ULP + (2 * LOG_ULP + 1) * log_s + (d + log_s), dtype)


# Largest errors of our functions in units in the last place: the kernels' headers state smaller ones
# (csrc/simd/ math-inl.h); these are what the bounds of composite functions are built from, one ULP being at
# most 2 u.
EXP_ULP = 2
LOG_ULP = 4
SIGMOID_ULP = 4
TANH_ULP = 4


def assert_close(got, expected, bound):
    """|got - expected| <= bound, element by element; NaN and infinities must agree."""
    got, expected = np.asarray(got), np.asarray(expected, np.float64)
    assert got.shape == expected.shape, f"shape {got.shape}, expected {expected.shape}"
    bound = np.broadcast_to(bound, expected.shape)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(exact(got)[~finite], expected[~finite])
    error = np.abs(exact(got)[finite] - expected[finite])
    assert not np.isnan(error).any(), "NaN where a number was expected"
    excess = error > bound[finite]
    if excess.any():
        worst = np.argmax(error / np.maximum(bound[finite], 5e-324))
        raise AssertionError(
            f"{np.count_nonzero(excess)} of {error.size} elements off: worst {error[worst]:.3g} with a bound "
            f"of {bound[finite][worst]:.3g}, got {exact(got)[finite][worst]!r}, "
            f"expected {expected[finite][worst]!r}"
        )
