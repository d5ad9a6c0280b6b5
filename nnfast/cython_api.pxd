# nnfast for Cython: typed functions over raw pointers, without the GIL.
#
#     from nnfast cimport cython_api as nf
#     status = nf.relu_f32(n, &x[0], &y[0])
#
# What this is: the part of the C interface (nnfast/nnfast.h) that inner loops want, reached through this module at
# run time, so that nothing needs to be linked or included. What it is not: checks; callers own shapes and memory.
#
# All functions but the model_handle ones are `noexcept nogil`, may be called by many threads at once, and return 0
# or an nnf_status; last_error() has the calling thread's message then. Arrays are dense and row-major unless strides
# are asked for; strides count elements and may be 0 or negative. A NULL bias means none.
#
# Signatures are stable: functions may be added, but none is changed or removed (tests/test_cython_api.py).
from libc.stdint cimport int64_t

# Values of `activation`. leaky_relu reads `slope`, as do elu (its alpha) and softplus (its beta); the others ignore it.
cdef enum Activation:
    ACT_IDENTITY = 0
    ACT_SIGMOID = 1
    ACT_TANH = 2
    ACT_RELU = 3
    ACT_LEAKY_RELU = 4
    ACT_STEP = 5
    ACT_HARD_SIGMOID = 6
    ACT_RELU6 = 7
    ACT_ELU = 8
    ACT_SELU = 9
    ACT_GELU = 10
    ACT_GELU_TANH = 11
    ACT_SILU = 12
    ACT_MISH = 13
    ACT_SOFTPLUS = 14
    ACT_SOFTSIGN = 15

cdef const char *last_error() noexcept nogil

# c (m, n) = a (m, k) @ b (k, n), or += when accumulate is not 0; c has the row stride c_rs >= n
cdef int matmul_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_rs, int64_t a_cs, const float *b,
                    int64_t b_rs, int64_t b_cs, float *c, int64_t c_rs, int accumulate) noexcept nogil
cdef int matmul_f64(int64_t m, int64_t n, int64_t k, const double *a, int64_t a_rs, int64_t a_cs, const double *b,
                    int64_t b_rs, int64_t b_cs, double *c, int64_t c_rs, int accumulate) noexcept nogil

# y (m, out) = activation(x (m, in) @ weight (out, in)^T + bias (out)); all dense
cdef int linear_f32(int64_t m, int64_t out, int64_t in_, const float *x, const float *weight, const float *bias,
                    int activation, double slope, float *y) noexcept nogil
cdef int linear_f64(int64_t m, int64_t out, int64_t in_, const double *x, const double *weight, const double *bias,
                    int activation, double slope, double *y) noexcept nogil

# y[i] = f(x[i]); y may be x
cdef int sigmoid_f32(int64_t n, const float *x, float *y) noexcept nogil
cdef int sigmoid_f64(int64_t n, const double *x, double *y) noexcept nogil
cdef int tanh_f32(int64_t n, const float *x, float *y) noexcept nogil
cdef int tanh_f64(int64_t n, const double *x, double *y) noexcept nogil
cdef int relu_f32(int64_t n, const float *x, float *y) noexcept nogil
cdef int relu_f64(int64_t n, const double *x, double *y) noexcept nogil
cdef int leaky_relu_f32(int64_t n, double slope, const float *x, float *y) noexcept nogil
cdef int leaky_relu_f64(int64_t n, double slope, const double *x, double *y) noexcept nogil

# Over the middle axis of (outer, length, inner); y may be x
cdef int softmax_f32(int64_t outer, int64_t length, int64_t inner, const float *x, float *y) noexcept nogil
cdef int softmax_f64(int64_t outer, int64_t length, int64_t inner, const double *x, double *y) noexcept nogil
cdef int log_softmax_f32(int64_t outer, int64_t length, int64_t inner, const float *x, float *y) noexcept nogil
cdef int log_softmax_f64(int64_t outer, int64_t length, int64_t inner, const double *x, double *y) noexcept nogil

# The engine behind an nnfast.Sequential of this dtype and the native backend, for predict_*; TypeError otherwise. Valid
# as long as the model is and its backend stays. One thread at a time, and only while nothing else uses the model.
cdef void *model_handle_f32(object model) except NULL
cdef void *model_handle_f64(object model) except NULL

# out (rows, outputs) of x (rows, inputs), dense; `inputs` is checked against the model
cdef int predict_f32(void *handle, int64_t rows, int64_t inputs, const float *x, float *out) noexcept nogil
cdef int predict_f64(void *handle, int64_t rows, int64_t inputs, const double *x, double *out) noexcept nogil
