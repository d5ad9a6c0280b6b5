"""Maximum and average pooling of images, and their gradients, with PyTorch's rules for the edges.

Windows at the edge: with `ceil_mode` a last window that runs over the padded edge is kept if it starts inside
the image or the padding before it. The maximum never comes from padding. The average divides by the window's
cells inside the image, or inside the padded image for `count_include_pad`; cells beyond the padding never
count.
"""

from typing import Any

import numpy as np

from .checks import Array, Pair, deliver, floats, has_ndim, has_shape, pair_of, value_error
from .windows import Size, embed, extent, inner, positions, tap


def output_size(
    function: str, size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size, ceil_mode: bool
) -> Size:
    """Height and width of a pooling layer's result.

    Examples
    --------
    >>> output_size("max_pool2d", (6, 5), (2, 2), (2, 2), (0, 0), (1, 1), True)
    (3, 3)
    """
    result = []
    for axis, name in enumerate(("height", "width")):
        free = size[axis] + 2 * padding[axis] - extent(kernel[axis], dilation[axis])
        if ceil_mode:
            free += stride[axis] - 1
        cells = free // stride[axis] + 1
        if ceil_mode and (cells - 1) * stride[axis] >= size[axis] + padding[axis]:
            cells -= 1  # the last window would start in the padding behind the image
        if cells < 1 or size[axis] < 1:
            raise value_error(function, "x", f"a {name} the kernel fits into", size[axis])
        result.append(cells)
    return result[0], result[1]


def _check(
    function: str, x: Array, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Size, Size, Size, Size, Size]:
    """kernel, stride, padding, dilation, output size."""
    has_ndim(function, "x", x, 4)
    kernel = pair_of(function, "kernel_size", kernel_size, 1)
    stride = kernel if stride is None else pair_of(function, "stride", stride, 1)
    padding = pair_of(function, "padding", padding, 0)
    dilation = pair_of(function, "dilation", dilation, 1)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise value_error(function, "padding", f"at most half the kernel {kernel}", padding)
    output = output_size(function, x.shape[2:], kernel, stride, padding, dilation, ceil_mode)
    return kernel, stride, padding, dilation, output


def _padded_size(x: Array, kernel: Size, stride: Size, padding: Size, dilation: Size, output: Size) -> Size:
    """Enough for the image behind its padding and for every window."""
    height, width = (
        max(x.shape[2 + a] + padding[a], stride[a] * (output[a] - 1) + extent(kernel[a], dilation[a]))
        for a in (0, 1)
    )
    return height, width


def _winners(
    x: Array, kernel: Size, stride: Size, padding: Size, dilation: Size, output: Size
) -> tuple[Array, Array]:
    """Each window's maximum and the number of the kernel position it came from (-1: none is in the image)."""
    size = _padded_size(x, kernel, stride, padding, dilation, output)
    cells = embed(x, padding, size)
    inside = embed(np.ones(x.shape[2:], bool), padding, size)
    best = np.full((*x.shape[:2], *output), -np.inf, x.dtype)
    winner = np.full(best.shape, -1)
    for number, position in enumerate(positions(kernel)):
        cell = tap(cells, position, output, stride, dilation)
        better = (
            (winner < 0) | (cell > best) | (np.isnan(cell) & ~np.isnan(best))
        )  # the first of equals stays
        better &= tap(inside, position, output, stride, dilation)
        best[better] = cell[better]
        winner[better] = number
    return best, winner


def _places(
    winner: Array, width: int, kernel: Size, stride: Size, padding: Size, dilation: Size, output: Size
) -> Array:
    """The numbers, row by row in the image, of the cells under the winning kernel positions; -1 for none."""
    row, column = (
        np.arange(output[a]) * stride[a] - padding[a] + part * dilation[a]
        for a, part in enumerate((np.swapaxes(winner // kernel[1], -1, -2), winner % kernel[1]))
    )
    return np.where(winner < 0, -1, np.swapaxes(row, -1, -2) * width + column)


def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    out: Array | None = None,
) -> Any:
    """The maximum of every window; NaN is a maximum (PyTorch's ``max_pool2d``).

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    kernel_size, stride, padding, dilation : int or (height, width)
        `stride` is the kernel's size when None; `padding`, on both sides, at most half of it.
    ceil_mode : bool
        Also keep a last window that runs over the edge.
    return_indices : bool
        Return the maxima's places too.
    out : (n, c, oh, ow) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c, oh, ow) array
        ``oh = (h + 2 * padding - dilation * (kh - 1) - 1) / stride + 1``, rounded down, or up for
        `ceil_mode`.
    indices : (n, c, oh, ow) array of int64, with `return_indices`
        ``row * w + column`` of each maximum: the first of equal ones, the first NaN; -1 where all of a
        window is padding.

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> max_pool2d(x, 2)[0, 0].tolist(), max_pool2d(x, 2, ceil_mode=True)[0, 0].tolist()
    ([[4.0]], [[4.0, 5.0], [7.0, 8.0]])
    >>> max_pool2d(x, 2, return_indices=True)[1][0, 0].tolist()
    [[4]]
    """
    (x,) = floats("max_pool2d", x=x)
    options = _check("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
    best, winner = _winners(x, *options)
    y = deliver("max_pool2d", best, x.dtype, out, apart=(x,))
    return (y, _places(winner, x.shape[3], *options)) if return_indices else y


def _scatter(grad_output: Array, indices: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`; each number of `grad_output` is added to the cell of its image its index names."""
    function = "max_pool2d_backward"
    given = np.asarray(indices)
    if not np.issubdtype(given.dtype, np.integer):
        raise TypeError(f"{function}: indices: expected integers, got dtype {given.dtype}")
    has_shape(function, "indices", given, grad_output.shape)
    cells = shape[2] * shape[3]
    if given.size and (given.min() < -1 or given.max() >= cells):
        raise value_error(function, "indices", f"cells of the image, 0 to {cells - 1}, or -1", "others")
    gx = np.zeros((shape[0] * shape[1], cells + 1), grad_output.dtype)  # the last one for -1
    planes = np.arange(shape[0] * shape[1])[:, np.newaxis]
    flat = planes.size, given.shape[2] * given.shape[3]
    np.add.at(gx, (planes, given.reshape(flat)), grad_output.reshape(flat))
    return gx[:, :cells].reshape(shape).copy()


def max_pool2d_backward(
    grad_output: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    indices: Array | None = None,
) -> Array:
    """Gradient of `max_pool2d`: each window's gradient goes to its maximum, the first of equal ones.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x, kernel_size, stride, padding, dilation, ceil_mode : the forward's arguments
    indices : (n, c, oh, ow) array of integers, optional
        What `max_pool2d` returned; without them the maxima are found again in x.

    Returns
    -------
    (n, c, h, w) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit, or an index is no cell of the image; the message names the
        argument.

    Examples
    --------
    >>> max_pool2d_backward(np.array([[[[5.0]]]]), np.array([[[[1.0, 3.0], [3.0, 2.0]]]]), 2)[0, 0]
    array([[0., 5.],
           [0., 0.]])
    """
    function = "max_pool2d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    kernel, stride, padding, dilation, output = _check(
        function, x, kernel_size, stride, padding, dilation, ceil_mode
    )
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], *output))
    if indices is not None:
        return _scatter(grad_output, indices, x.shape)
    winner = _winners(x, kernel, stride, padding, dilation, output)[1]
    size = _padded_size(x, kernel, stride, padding, dilation, output)
    gpadded = np.zeros((*x.shape[:2], *size), x.dtype)
    for number, position in enumerate(positions(kernel)):
        view = tap(gpadded, position, output, stride, dilation)
        view += np.where(winner == number, grad_output, x.dtype.type(0))
    return inner(gpadded, padding, x.shape).copy()


def _divisor(
    size: Size, kernel: Size, stride: Size, padding: Size, output: Size, count_include_pad: bool
) -> Array:
    """Cells each window's average is taken over: (oh, ow)."""
    counts = []
    for axis in (0, 1):
        first = np.arange(output[axis]) * stride[axis] - padding[axis]
        if count_include_pad:
            low, high = -padding[axis], size[axis] + padding[axis]
        else:
            low, high = 0, size[axis]
        counts.append(np.minimum(first + kernel[axis], high) - np.maximum(first, low))
    return np.outer(counts[0], counts[1])


def avg_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    out: Array | None = None,
) -> Array:
    """The average of every window (PyTorch's ``avg_pool2d``).

    Parameters
    ----------
    x : (n, c, h, w) array, float32 or float64
    kernel_size, stride, padding : int or (height, width)
        `stride` is the kernel's size when None; `padding`, zeros on both sides, at most half of it.
    ceil_mode : bool
        Also keep a last window that runs over the edge.
    count_include_pad : bool
        Count the padding's zeros in the average.
    out : (n, c, oh, ow) array, optional
        Receives the result; the exact shape and dtype, C-contiguous, apart from the inputs.

    Returns
    -------
    (n, c, oh, ow) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> x = np.full((1, 1, 2, 2), 4.0)
    >>> avg_pool2d(x, 2, padding=1).ravel(), avg_pool2d(x, 2, padding=1, count_include_pad=False).ravel()
    (array([1., 1., 1., 1.]), array([4., 4., 4., 4.]))
    """
    (x,) = floats("avg_pool2d", x=x)
    kernel, stride, padding, dilation, output = _check(
        "avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode
    )
    padded = embed(x, padding, _padded_size(x, kernel, stride, padding, dilation, output))
    total = np.zeros((*x.shape[:2], *output), x.dtype)
    for position in positions(kernel):
        total += tap(padded, position, output, stride, dilation)
    divisor = _divisor(x.shape[2:], kernel, stride, padding, output, count_include_pad)
    return deliver("avg_pool2d", total / divisor.astype(x.dtype), x.dtype, out, apart=(x,))


def avg_pool2d_backward(
    grad_output: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Gradient of `avg_pool2d`: each window's gradient, divided as in the forward, goes to all its cells.

    Parameters
    ----------
    grad_output : (n, c, oh, ow) array
    x : (n, c, h, w) array
        Only its shape and dtype matter.
    kernel_size, stride, padding, ceil_mode, count_include_pad : the forward's arguments

    Returns
    -------
    (n, c, h, w) array

    Raises
    ------
    TypeError, ValueError
        A dtype, shape or option does not fit; the message names the argument.

    Examples
    --------
    >>> avg_pool2d_backward(np.array([[[[8.0]]]]), np.zeros((1, 1, 2, 2)), 2)[0, 0]
    array([[2., 2.],
           [2., 2.]])
    """
    function = "avg_pool2d_backward"
    x, grad_output = floats(function, x=x, grad_output=grad_output)
    kernel, stride, padding, dilation, output = _check(
        function, x, kernel_size, stride, padding, 1, ceil_mode
    )
    has_shape(function, "grad_output", grad_output, (*x.shape[:2], *output))
    share = grad_output / _divisor(x.shape[2:], kernel, stride, padding, output, count_include_pad).astype(
        x.dtype
    )
    size = _padded_size(x, kernel, stride, padding, dilation, output)
    gpadded = np.zeros((*x.shape[:2], *size), x.dtype)
    for position in positions(kernel):
        view = tap(gpadded, position, output, stride, dilation)
        view += share
    return inner(gpadded, padding, x.shape).copy()
