"""What a user of nnfast.cython_api writes: networks evaluated in a loop of C, without the GIL."""

cimport cython
from libc.stdint cimport int64_t

import numpy as np

from nnfast cimport cython_api as nf


cdef int _check(int status) except -1:
    if status != 0:
        raise ValueError((<bytes>nf.last_error()).decode())
    return 0


@cython.boundscheck(False)
def classify(const float[:, ::1] x, const float[:, ::1] w1, const float[::1] b1, const float[:, ::1] w2,
             const float[::1] b2):
    """softmax(relu(x w1^T + b1) w2^T + b2), one sample at a time with two buffers."""
    cdef int64_t n = x.shape[0], inputs = x.shape[1], hidden = w1.shape[0], classes = w2.shape[0], i
    cdef int status = 0
    result = np.empty((n, classes), np.float32)
    cdef float[:, ::1] y = result
    cdef float[::1] h = np.empty(hidden, np.float32)
    with nogil:
        for i in range(n):
            status = nf.linear_f32(1, hidden, inputs, &x[i, 0], &w1[0, 0], &b1[0], nf.ACT_RELU, 0.0, &h[0])
            if status == 0:
                status = nf.linear_f32(1, classes, hidden, &h[0], &w2[0, 0], &b2[0], nf.ACT_IDENTITY, 0.0, &y[i, 0])
            if status == 0:
                status = nf.softmax_f32(1, classes, 1, &y[i, 0], &y[i, 0])
            if status != 0:
                break
    _check(status)
    return result


def gram(const double[:, :] x):
    """x^T x of any strides."""
    cdef int64_t rows = x.shape[0], n = x.shape[1]
    cdef int64_t rs = x.strides[0] // 8, cs = x.strides[1] // 8
    result = np.empty((n, n))
    cdef double[:, ::1] y = result
    _check(nf.matmul_f64(n, n, rows, &x[0, 0], cs, rs, &x[0, 0], rs, cs, &y[0, 0], n, 0))
    return result


def elementwise(str name, const double[::1] x, double slope=0.01):
    cdef int64_t n = x.shape[0]
    result = np.empty(n)
    cdef double[::1] y = result
    if name == "sigmoid":
        _check(nf.sigmoid_f64(n, &x[0], &y[0]))
    elif name == "tanh":
        _check(nf.tanh_f64(n, &x[0], &y[0]))
    elif name == "relu":
        _check(nf.relu_f64(n, &x[0], &y[0]))
    elif name == "leaky_relu":
        _check(nf.leaky_relu_f64(n, slope, &x[0], &y[0]))
    elif name == "log_softmax":
        _check(nf.log_softmax_f64(1, n, 1, &x[0], &y[0]))
    return result


def predict(model, const float[:, ::1] x, int64_t outputs):
    """A whole model, called without the GIL."""
    cdef void *handle = nf.model_handle_f32(model)
    cdef int64_t rows = x.shape[0], inputs = x.shape[1]
    cdef int status
    result = np.empty((rows, outputs), np.float32)
    cdef float[:, ::1] y = result
    with nogil:
        status = nf.predict_f32(handle, rows, inputs, &x[0, 0], &y[0, 0])
    _check(status)
    return result


def predict64(model, const double[:, ::1] x, int64_t outputs):
    cdef void *handle = nf.model_handle_f64(model)
    result = np.empty((x.shape[0], outputs))
    cdef double[:, ::1] y = result
    _check(nf.predict_f64(handle, x.shape[0], x.shape[1], &x[0, 0], &y[0, 0]))
    return result


def fail():
    """An error's status and message."""
    cdef float x = 0
    _check(nf.relu_f32(-1, &x, &x))
