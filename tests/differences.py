"""Gradients by central differences, for tests of the pure-NumPy reference in float64.

Central differences with a step of h = eps^(1/3), about 6e-6, are off by truncation (h^2 / 6 times the third
derivative) and rounding (eps / h times the value), both near 4e-11 for values of order 1; GRADIENT_TOLERANCE
leaves a factor of some hundred for long sums.
"""

import numpy as np
from numpy.testing import assert_allclose

STEP = np.finfo(np.float64).eps ** (1 / 3)
GRADIENT_TOLERANCE = 1e-8


def central_difference(f, x):
    """Gradient of the number f() with respect to the array x, which f reads."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + STEP
        above = f()
        x[index] = kept - STEP
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def check_gradients(f, arrays, gradients, grad_output):
    """Each gradient against central differences of sum(grad_output * f(*arrays))."""
    for array, gradient in zip(arrays, gradients, strict=True):
        expected = central_difference(lambda: float((grad_output * f(*arrays)).sum()), array)
        assert gradient.shape == array.shape
        assert_allclose(gradient, expected, rtol=GRADIENT_TOLERANCE, atol=GRADIENT_TOLERANCE)
