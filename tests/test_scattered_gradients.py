"""Gradients of the inputs of convolutions with few, not very few, channels: added up along image rows."""

import numpy as np
import pytest

import nnfast as nf

# batch, channels, height, width, output channels, kernel, stride, padding, dilation
CASES = {
    "a row fills a tile": (3, 6, 14, 14, 16, 5, 1, 0, 1),
    "narrow, many images": (29, 6, 7, 7, 16, 5, 1, 0, 1),
    "narrow, few images": (2, 6, 7, 7, 16, 5, 1, 0, 1),
    "as many images as columns": (3, 6, 7, 7, 16, 5, 1, 0, 1),
    "strides": (15, 6, 13, 12, 16, 5, 2, 2, 1),
    "strides beyond the kernel": (13, 7, 11, 11, 12, 2, 3, 0, 1),
    "rows that no output sees": (14, 6, 9, 6, 16, (3, 3), (4, 1), 0, 1),
    "dilated rows": (13, 6, 12, 9, 16, (3, 3), (2, 1), (2, 1), (3, 1)),
    "padding beyond the kernel": (2, 6, 5, 5, 16, 3, 1, 4, 1),
    "one column": (25, 6, 8, 3, 16, 3, 1, 0, 1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_the_twins_gradient(name, dtype, isa, rng):
    n, c, h, w, oc, kernel, stride, padding, dilation = CASES[name]
    kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    x, weight = rng.normal(size=(n, c, h, w)).astype(dtype), rng.normal(size=(oc, c, kh, kw)).astype(dtype)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    g = rng.normal(size=nf.conv2d(x, weight, **options).shape).astype(dtype)
    found = nf.conv2d_backward(g, x, weight, **options)[0]
    exact = [array.astype(np.float64) for array in (g, x, weight)]
    expected = nf.reference.conv2d_backward(*exact, **options)[0]
    weighs = nf.reference.conv2d_backward(*map(np.abs, exact), **options)[0]
    # Sums of oc * kh * kw products in any order (Higham, "Accuracy and Stability", eq. 3.13), and the twin's.
    bound = 2 * (oc * kh * kw + 1) * np.finfo(dtype).eps * weighs
    assert (np.abs(found - expected) <= bound).all()


def test_same_bits_at_any_number_of_threads(threads, rng):
    """Also where images are worked on together, and threads take other numbers of them."""
    for n, size in ((37, 7), (40, 14)):
        x, weight = rng.normal(size=(n, 6, size, size)), rng.normal(size=(64, 6, 5, 5))
        g = rng.normal(size=nf.conv2d(x, weight).shape)
        found = []
        for count in (1, threads):
            with nf.num_threads(count):
                found.append(nf.conv2d_backward(g, x, weight))
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)
