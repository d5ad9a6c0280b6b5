"""Samples of every type of number: the engine converts them batch by batch, each as NumPy would."""

import numpy as np
import pytest

import nnfast as nf

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "i8"]
TYPES = ["?", *INTEGERS, "f2", "f4", "f8"]
both_floats = pytest.mark.parametrize("dtype", ["float32", "float64"])


def as_seen(x, dtype, columns):
    """What the first layer of a network gets of x, its numbers in rows of `columns`."""
    rows = x[: len(x) // columns * columns].reshape(-1, columns)
    same = nf.Sequential(nf.Flatten(), input_shape=(columns, 1), dtype=dtype)
    return rows.astype(dtype), same.predict(rows[..., None])


@both_floats
@pytest.mark.parametrize("kind", ["?", "u1", "i1", "u2", "i2", "f2"])
def test_every_number_of_a_small_type(kind, dtype, isa):
    """Of float16 the denormal numbers, infinities and NaN too."""
    kind = np.dtype(kind)
    bits = np.arange(2 if kind.kind == "b" else 2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}")
    x = np.tile(bits.view(kind), 67 if kind.itemsize == 1 else 1)
    for columns in (1, 33, 67):  # whole vectors and parts of one
        expected, seen = as_seen(x, dtype, columns)
        np.testing.assert_array_equal(seen, expected)
        np.testing.assert_array_equal(np.signbit(seen[seen == 0]), np.signbit(expected[expected == 0]))


@both_floats
@pytest.mark.parametrize("kind", ["u4", "i4", "i8", "f4", "f8"])
def test_numbers_of_a_large_type(kind, dtype, isa, rng):
    if kind[0] == "f":
        x = rng.standard_normal(5000).astype(kind) * 10.0 ** rng.integers(-30, 30, 5000)
        x = np.concatenate([x, [0, -0.0, np.inf, -np.inf, np.nan]]).astype(kind)
    else:
        ends = np.iinfo(kind)
        x = rng.integers(ends.min, ends.max, 5000, kind, endpoint=True) >> rng.integers(0, 60, 5000).astype(
            kind
        )
        x = np.concatenate([x, [ends.min, ends.max]]).astype(kind)
    for columns in (1, 33, 67):
        expected, seen = as_seen(x, dtype, columns)
        np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("kind", TYPES)
def test_shuffled_batches_are_the_same_in_any_type(kind, rng):
    """Rows in an order of their own, of a length that no vector divides, some of them apart in memory."""
    x, y = rng.integers(0, 2, (300, 2, 77)).astype(kind)[:, 1], rng.integers(0, 3, 300)
    losses = []
    for samples in (x, x.astype(np.float32)):
        model = nf.Sequential(nf.Linear(77, 3), seed=0)
        model.compile("sgd", "cross_entropy")
        losses.append(model.fit(samples, y, batch_size=32, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]
