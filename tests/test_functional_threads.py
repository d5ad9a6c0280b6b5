"""The functions and threads: the same bits at any number, and calls from many Python threads at once."""

import concurrent.futures
import threading
import time

import numpy as np

import nnfast as nf
from nnfast import _core

from .arrays import both_floats, normal, rng


def one_thread(call):
    """The result of a call limited to one thread."""
    before = _core.set_local_num_threads(1)
    try:
        return call()
    finally:
        _core.set_local_num_threads(before)


def calls(dtype):
    """Calls large enough to be shared out, and of shapes that nothing divides."""
    a, b = normal((311, 203), dtype, 1), normal((203, 257), dtype, 2)
    tall, wide = normal((2003, 37), dtype, 3), normal((3, 4001), dtype, 4)
    weight, bias = normal((257, 203), dtype, 5), normal(257, dtype, 6)
    g = normal((311, 257), dtype, 7)
    x, flat = normal((5, 13, 47, 41), dtype, 8), normal(200_003, dtype, 9)
    kernel, kernel_bias = normal((19, 13, 3, 3), dtype, 10), normal(19, dtype, 11)
    labels = rng(1).integers(0, 37, 2003)
    probs = np.abs(tall)

    def update(name, count, **options):
        arrays = [
            flat,
            normal(flat.size, dtype, 12),
            *(np.abs(normal(flat.size, dtype, i)) for i in (13, 14)),
        ]
        arrays = [v.copy() for v in arrays[:count]]
        getattr(nf, name)(*arrays, **options)
        return arrays

    y = nf.conv2d(x, kernel)
    pooled = nf.max_pool2d(x, 3, 2)
    return {
        "matmul": lambda: nf.matmul(a, b),
        "matmul transposed": lambda: nf.matmul(b.T, a.T),
        "matmul deep": lambda: nf.matmul(wide, wide.T),
        "matmul_backward": lambda: nf.matmul_backward(g, a, b),
        "linear": lambda: nf.linear(a, weight, bias, activation="tanh"),
        "linear_backward": lambda: nf.linear_backward(g, a, weight),
        "linear_backward gelu": lambda: nf.linear_backward(g, a, weight, bias, activation="gelu"),
        "relu": lambda: nf.relu(flat),
        "sigmoid": lambda: nf.sigmoid(flat),
        "tanh_backward": lambda: nf.tanh_backward(flat, flat),
        "softmax": lambda: nf.softmax(tall),
        "softmax columns": lambda: nf.softmax(tall, 0),
        "log_softmax long": lambda: nf.log_softmax(wide),
        "softmax_backward": lambda: nf.softmax_backward(tall, tall),
        "dropout": lambda: nf.dropout(flat, 0.3, seed=1),
        "mse_loss": lambda: nf.mse_loss(flat, flat[::-1]),
        "cross_entropy": lambda: nf.cross_entropy(tall, labels),
        "cross_entropy probabilities": lambda: nf.cross_entropy(tall, probs),
        "cross_entropy_backward": lambda: nf.cross_entropy_backward(1.0, tall, labels),
        "nll_loss": lambda: nf.nll_loss(tall, labels),
        "conv2d": lambda: nf.conv2d(x, kernel, kernel_bias, padding=1),
        "conv2d_backward": lambda: nf.conv2d_backward(y, x, kernel),
        "max_pool2d": lambda: nf.max_pool2d(x, 3, 2),
        "max_pool2d_backward": lambda: nf.max_pool2d_backward(pooled, x, 3, 2),
        "avg_pool2d": lambda: nf.avg_pool2d(x, 3, 2),
        "avg_pool2d_backward": lambda: nf.avg_pool2d_backward(pooled, x, 3, 2),
        "sgd": lambda: update("sgd_update", 3, lr=0.1, momentum=0.9),
        "rmsprop": lambda: update("rmsprop_update", 3),
        "adam": lambda: update("adam_update", 4, step=2),
    }


def bits(results):
    if not isinstance(results, (tuple, list)):
        results = (results,)
    return [np.asarray(r).tobytes() for r in results]


@both_floats
def test_same_bits(isa, threads, dtype):
    for name, call in calls(dtype).items():
        expected = bits(one_thread(call))
        for _ in range(2):
            assert bits(call()) == expected, f"{name} differs between 1 and {threads} threads"


def test_calls_from_many_threads():
    """Eight Python threads at once, each with work of its own, get what one gets alone."""
    work = calls(np.float32)
    names = [n for n in work if n not in ("conv2d_backward", "matmul deep")] * 4
    expected = {n: bits(work[n]()) for n in set(names)}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name, got in zip(names, pool.map(lambda n: bits(work[n]()), names), strict=True):
            assert got == expected[name], name


def test_gil_is_released():
    """Another Python thread runs on while a large product is computed."""
    a = np.ones((1500, 1500), np.float32)
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        deadline = time.perf_counter() + 20
        inside = 0
        while inside < 3 and time.perf_counter() < deadline:
            start = time.perf_counter()
            one_thread(lambda: nf.matmul(a, a))
            end = time.perf_counter()
            # Held throughout, the GIL would let the other thread in at the very ends of the call only.
            margin = 0.1 * (end - start)
            inside = max(inside, sum(start + margin < t < end - margin for t in ticks))
    finally:
        stop.set()
        thread.join()
    assert inside >= 3


def test_error_messages_belong_to_their_thread():
    """The core's message of a failed call is that of the calling thread."""

    def fail(axis):
        try:
            nf.cross_entropy(np.zeros((3, 2 + axis)), [0, 1, 10 + axis])
        except ValueError as error:
            return f"got {10 + axis} in" in str(error)
        return False

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(fail, range(200)))
