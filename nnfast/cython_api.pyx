# cython: language_level=3, embedsignature=True, freethreading_compatible=True
"""nnfast for Cython: ``from nnfast cimport cython_api``. The functions are documented in ``cython_api.pxd``.

What this is: one line a function over the C interface. What it is not: of use from Python, where it offers nothing.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdint cimport int64_t

from nnfast import _core


cdef extern from "nnfast/nnfast.h" nogil:
    ctypedef enum nnf_status:
        pass
    ctypedef enum nnf_dtype:
        NNF_F32
        NNF_F64
    ctypedef enum nnf_activation:
        NNF_ACT_SIGMOID
        NNF_ACT_TANH
        NNF_ACT_RELU
        NNF_ACT_LEAKY_RELU
    ctypedef enum nnf_source_type:
        NNF_SRC_F32
        NNF_SRC_F64
    ctypedef struct nnf_model:
        pass
    ctypedef struct nnf_source:
        const void *data
        nnf_source_type type
        int64_t rows
        int64_t row_size
        int64_t row_stride

    const char *nnf_last_error()
    nnf_status nnf_matmul(nnf_dtype dt, int64_t m, int64_t n, int64_t k, const void *a, int64_t a_rs, int64_t a_cs,
                          const void *b, int64_t b_rs, int64_t b_cs, void *c, int64_t c_rs, int accumulate)
    nnf_status nnf_linear(nnf_dtype dt, int64_t m, int64_t out, int64_t in_, const void *x, int64_t x_rs,
                          int64_t x_cs, const void *weight, int64_t w_rs, int64_t w_cs, const void *bias,
                          nnf_activation act, double alpha, void *y)
    nnf_status nnf_activation_forward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n, const void *x,
                                      void *y)
    nnf_status nnf_softmax(nnf_dtype dt, int log, int64_t outer, int64_t len, int64_t inner, const void *x, void *y)
    nnf_status nnf_model_predict(nnf_model *model, const nnf_source *x, int64_t batch, int64_t first, int64_t last,
                                 void *const *out)


cdef const char *last_error() noexcept nogil:
    return nnf_last_error()


cdef int matmul_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_rs, int64_t a_cs, const float *b,
                    int64_t b_rs, int64_t b_cs, float *c, int64_t c_rs, int accumulate) noexcept nogil:
    return nnf_matmul(NNF_F32, m, n, k, a, a_rs, a_cs, b, b_rs, b_cs, c, c_rs, accumulate)


cdef int matmul_f64(int64_t m, int64_t n, int64_t k, const double *a, int64_t a_rs, int64_t a_cs, const double *b,
                    int64_t b_rs, int64_t b_cs, double *c, int64_t c_rs, int accumulate) noexcept nogil:
    return nnf_matmul(NNF_F64, m, n, k, a, a_rs, a_cs, b, b_rs, b_cs, c, c_rs, accumulate)


cdef int linear_f32(int64_t m, int64_t out, int64_t in_, const float *x, const float *weight, const float *bias,
                    int activation, double slope, float *y) noexcept nogil:
    return nnf_linear(NNF_F32, m, out, in_, x, in_, 1, weight, in_, 1, bias, <nnf_activation>activation, slope, y)


cdef int linear_f64(int64_t m, int64_t out, int64_t in_, const double *x, const double *weight, const double *bias,
                    int activation, double slope, double *y) noexcept nogil:
    return nnf_linear(NNF_F64, m, out, in_, x, in_, 1, weight, in_, 1, bias, <nnf_activation>activation, slope, y)


cdef int sigmoid_f32(int64_t n, const float *x, float *y) noexcept nogil:
    return nnf_activation_forward(NNF_F32, NNF_ACT_SIGMOID, 0.0, n, x, y)


cdef int sigmoid_f64(int64_t n, const double *x, double *y) noexcept nogil:
    return nnf_activation_forward(NNF_F64, NNF_ACT_SIGMOID, 0.0, n, x, y)


cdef int tanh_f32(int64_t n, const float *x, float *y) noexcept nogil:
    return nnf_activation_forward(NNF_F32, NNF_ACT_TANH, 0.0, n, x, y)


cdef int tanh_f64(int64_t n, const double *x, double *y) noexcept nogil:
    return nnf_activation_forward(NNF_F64, NNF_ACT_TANH, 0.0, n, x, y)


cdef int relu_f32(int64_t n, const float *x, float *y) noexcept nogil:
    return nnf_activation_forward(NNF_F32, NNF_ACT_RELU, 0.0, n, x, y)


cdef int relu_f64(int64_t n, const double *x, double *y) noexcept nogil:
    return nnf_activation_forward(NNF_F64, NNF_ACT_RELU, 0.0, n, x, y)


cdef int leaky_relu_f32(int64_t n, double slope, const float *x, float *y) noexcept nogil:
    return nnf_activation_forward(NNF_F32, NNF_ACT_LEAKY_RELU, slope, n, x, y)


cdef int leaky_relu_f64(int64_t n, double slope, const double *x, double *y) noexcept nogil:
    return nnf_activation_forward(NNF_F64, NNF_ACT_LEAKY_RELU, slope, n, x, y)


cdef int softmax_f32(int64_t outer, int64_t length, int64_t inner, const float *x, float *y) noexcept nogil:
    return nnf_softmax(NNF_F32, 0, outer, length, inner, x, y)


cdef int softmax_f64(int64_t outer, int64_t length, int64_t inner, const double *x, double *y) noexcept nogil:
    return nnf_softmax(NNF_F64, 0, outer, length, inner, x, y)


cdef int log_softmax_f32(int64_t outer, int64_t length, int64_t inner, const float *x, float *y) noexcept nogil:
    return nnf_softmax(NNF_F32, 1, outer, length, inner, x, y)


cdef int log_softmax_f64(int64_t outer, int64_t length, int64_t inner, const double *x, double *y) noexcept nogil:
    return nnf_softmax(NNF_F64, 1, outer, length, inner, x, y)


cdef void *_handle(object model, const char *name) except NULL:
    build = getattr(model, "_ensure_model", None)
    core = model if build is None else build("model_handle")
    if not isinstance(core, _core.Model):
        raise TypeError(f"model_handle: model: expected a native nnfast.Sequential, got {type(model).__name__}")
    capsule = core._capsule()
    if not PyCapsule_IsValid(capsule, name):
        raise TypeError(f"model_handle: model: expected an {name.decode()} handle, got a model of the other dtype")
    if core.num_inputs != 1 or core.num_outputs != 1:
        raise TypeError(
            f"model_handle: model: expected one input and one output, got {core.num_inputs} and {core.num_outputs}"
        )
    return PyCapsule_GetPointer(capsule, name)


cdef void *model_handle_f32(object model) except NULL:
    return _handle(model, "nnf_model float32")


cdef void *model_handle_f64(object model) except NULL:
    return _handle(model, "nnf_model float64")


cdef int predict_f32(void *handle, int64_t rows, int64_t inputs, const float *x, float *out) noexcept nogil:
    cdef nnf_source source
    source.data, source.type = x, NNF_SRC_F32
    source.rows, source.row_size, source.row_stride = rows, inputs, inputs
    cdef void *outputs = out
    return nnf_model_predict(<nnf_model *>handle, &source, 256, 0, rows, &outputs)


cdef int predict_f64(void *handle, int64_t rows, int64_t inputs, const double *x, double *out) noexcept nogil:
    cdef nnf_source source
    source.data, source.type = x, NNF_SRC_F64
    source.rows, source.row_size, source.row_stride = rows, inputs, inputs
    cdef void *outputs = out
    return nnf_model_predict(<nnf_model *>handle, &source, 256, 0, rows, &outputs)
