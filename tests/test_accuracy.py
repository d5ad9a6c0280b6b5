"""Accuracy in units in the last place, monotonicity and identities of the activation functions.

The measurement and the bounds are in ulp.py; the figures measured over all inputs in csrc/simd/math-inl.h.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import nnfast as nf

from . import ulp
from .ulp import FUNCTIONS, MONOTONE, float32_inputs, worst, worst64, worst_mpmath

ROW = re.compile(r"^//   ([\w+-]+) +\S.*?((?: +[\d.]+){5})$", re.MULTILINE)


def allowed(bound, isa):
    """The scalar back end's fma may round twice (csrc/simd/vec.h): a quarter more."""
    return bound * (1.25 if isa == "scalar" else 1)


def test_table():
    """The table at the head of the kernels' functions has these functions and bounds, and no error above."""
    head = (Path(__file__).parents[1] / "csrc/simd/math-inl.h").read_text("utf-8")
    rows = {name: [float(x) for x in figures.split()] for name, figures in ROW.findall(head)}
    assert {name: (f[2], f[4]) for name, f in rows.items()} == {
        name: (f.bound, f.bound64) for name, f in FUNCTIONS.items()
    }
    for avx512, avx2, bound, double, bound64 in rows.values():
        assert max(avx512, avx2) <= bound and double <= bound64


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sample(isa, name):
    """A million float32 of all sizes, NaN and infinities among them."""
    error, at = worst(name)
    assert error <= allowed(FUNCTIONS[name].bound, isa), f"{name}({at!r}): {error:.3f} ULP"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sample_float64(isa, name):
    found = worst64(name, 200_000)
    if found is None:
        pytest.skip("no exact function in a type of more bits")
    error, at = found
    assert error <= allowed(FUNCTIONS[name].bound64, isa), f"{name}({at!r}): {error:.3f} ULP"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_against_mpmath(isa, name):
    """Some two thousand float64: random ones, and neighbours of where the arithmetic changes."""
    pytest.importorskip("mpmath")
    error, at = worst_mpmath(name)
    assert error <= allowed(FUNCTIONS[name].bound64, isa), f"{name}({at!r}): {error:.3f} ULP"


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_inputs(name):
    """Every float32, on all processors: a minute or a few for a function."""
    error, at = worst(name, step=1, threads=os.cpu_count())
    assert error <= FUNCTIONS[name].bound, f"{name}({at!r}): {error:.3f} ULP"


def test_gelu_near_its_zero(isa):
    """|gelu(x)| < 0.7 |x| and its ULP at most 2^-23 of it: 4 (scalar 5) are less than 2^-21 |x|."""
    x = float32_inputs(0, 1 << 20, 4095)
    x = x[np.abs(x) < 0.5]
    error = np.abs(nf.gelu(x).astype(np.float64) - FUNCTIONS["gelu"].exact(x.astype(np.float64)))
    assert np.all(error <= np.maximum(2.0**-21 * np.abs(x.astype(np.float64)), 2.0**-149))


@pytest.mark.parametrize("name", MONOTONE)
def test_monotone(isa, name):
    """Of ascending inputs, runs of 64 neighbours and leaps between them, no result is less than the last."""
    x = np.concatenate([ulp.ascending(first, 64) for first in range(0, 2 * ulp.INFINITE, 600_011)])
    _, depth, at = ulp.fall(name, x)
    assert depth <= MONOTONE[name].ulp, f"{name} falls by {depth:g} ULP at {at!r}"


@pytest.mark.slow
@pytest.mark.parametrize("name", MONOTONE)
def test_monotone_everywhere(name):
    """The same from every float32 to the next: seconds for a function."""
    _, depth, at = ulp.deepest_fall(name, threads=os.cpu_count())
    assert depth <= MONOTONE[name].ulp, f"{name} falls by {depth:g} ULP at {at!r}"


def test_sigmoids_sum_to_one(isa):
    """s(-x) + s(x) is 1 but for an error of 2 ULP of each, at most 2^-23 and 2^-24 of 1: an ULP of 1."""
    x = float32_inputs(0, 1 << 19, 4099)
    assert_sigmoids_sum_to_one(x[np.isfinite(x)])


def assert_sigmoids_sum_to_one(x):
    total = nf.sigmoid(x).astype(np.float64) + nf.sigmoid(-x)
    assert np.max(np.abs(total - 1)) <= 2**-23


@pytest.mark.slow
def test_all_sigmoids_sum_to_one():
    for first in range(ulp.INFINITE + 1, 2 * ulp.INFINITE + 2, 1 << 16):
        assert_sigmoids_sum_to_one(ulp.ascending(first, 1 << 16))


@pytest.mark.parametrize("n", [1, 2, 10, 31, 1000, 4099])
def test_softmax_rows_sum_to_one(isa, dtype, rng, n):
    """Within 2 ULP (eps of 1 each) times the length, as the terms' and the sum's errors are relative to 1."""
    x = (rng.standard_normal((20, n)) * np.exp(rng.uniform(-5, 5, (20, 1)))).astype(dtype)
    total = nf.softmax(x).astype(np.longdouble).sum(1)
    assert np.all(np.abs(total - 1) <= 2 * np.finfo(dtype).eps * n)


def test_softmax_of_finite_rows_is_finite(isa, dtype):
    largest = np.finfo(dtype).max
    x = np.array([[largest, -largest, 0, 1], [-largest] * 4, [largest] * 4, [1e-40, 0, -0.0, 5]], dtype)
    assert np.all(np.isfinite(nf.softmax(x)))
