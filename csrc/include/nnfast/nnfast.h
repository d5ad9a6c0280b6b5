/* nnfast: the C interface of the core library.
 *
 * What this is: all that the shared library `libnnfast` offers. No state but the thread pool and the dispatch table.
 * What this is not: a tensor library. Callers own all memory; arrays are plain pointers.
 *
 * Conventions
 *   - Every function returns an nnf_status; nnf_last_error() holds this thread's message when it is not NNF_OK.
 *   - `dt` names the element type of every `void*` of a call: float for NNF_F32, double for NNF_F64.
 *   - Arrays are dense and row-major unless strides are asked for; strides count elements, may be 0 or negative.
 *   - Images are NCHW at this border. Shapes stand behind each pointer: x is (N, C, H, W).
 *   - `out` arrays must not overlap the inputs unless "in place" is said.
 *   - A NULL bias or optional gradient output means "none".
 *   - Functions are thread-safe. Handles (nnf_graph, nnf_model) may be used by one thread at a time.
 */
#ifndef NNFAST_NNFAST_H
#define NNFAST_NNFAST_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define NNF_API
#else
#define NNF_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- status, version, configuration */

typedef enum nnf_status {
  NNF_OK = 0,
  NNF_INVALID_VALUE = 1, /* a size, index or option is out of range: ValueError in Python */
  NNF_INVALID_TYPE = 2,  /* a dtype or handle is of the wrong kind: TypeError */
  NNF_OUT_OF_MEMORY = 3, /* MemoryError */
  NNF_INTERNAL = 4,      /* a bug of ours: RuntimeError */
  NNF_NON_FINITE = 5     /* training met NaN or infinity: FloatingPointError */
} nnf_status;

typedef enum nnf_dtype { NNF_F32 = 0, NNF_F64 = 1 } nnf_dtype;

#define NNF_ABI_VERSION 6

NNF_API const char *nnf_last_error(void);
NNF_API const char *nnf_version(void);
NNF_API int nnf_abi_version(void);

/* The instruction set in use: "scalar", "avx2", "avx512" or "neon". Chosen once from the CPU and the
 * environment variable NNFAST_ISA; nnf_set_isa changes it for what is called or compiled afterwards.
 * When NNFAST_ISA names one that is unknown or that this CPU does not run, nothing else is taken in its place: nnf_isa
 * returns "" and every call that needs a kernel NNF_INVALID_VALUE, each with a message, until nnf_set_isa succeeds. */
NNF_API const char *nnf_isa(void);
NNF_API nnf_status nnf_set_isa(const char *name);
NNF_API int nnf_isa_supported(const char *name);
/* What chose it: "the CPU", "NNFAST_ISA" or "set_isa"; "" as above. */
NNF_API const char *nnf_isa_source(void);
NNF_API const char *nnf_cpu_name(void);
/* Comma-separated features found ("avx2,fma,avx512f,..."); cache sizes in bytes, 0 when unknown. */
NNF_API const char *nnf_cpu_features(void);
NNF_API int64_t nnf_cache_size(int level);

/* The most threads that may be asked for: far above what helps, low enough that a typing error does not exhaust a
 * machine. */
#define NNF_MAX_THREADS 1024

/* Threads a call may use. The global number starts from NNFAST_NUM_THREADS, OMP_NUM_THREADS, the CPU
 * affinity and the cgroup limit. nnf_set_local_num_threads limits the calling thread only (0: no own limit)
 * and returns the limit that stood before, for restoring. */
NNF_API int nnf_get_num_threads(void);
NNF_API nnf_status nnf_set_num_threads(int n);
NNF_API int nnf_set_local_num_threads(int n);
/* What decided nnf_get_num_threads(): "NNFAST_NUM_THREADS", "OMP_NUM_THREADS", "CPU affinity", "cgroup quota",
 * "set_num_threads" or "this thread's limit". */
NNF_API const char *nnf_num_threads_source(void);

/* Blocks of memory the core has allocated since the process started: a steady state adds none. */
NNF_API int64_t nnf_allocation_count(void);

/* Carries out `rounds` rounds of independent fused multiply-adds in registers on the calling thread and says how many
 * floating-point operations that was: timed, the peak that the other functions can be held against. */
NNF_API nnf_status nnf_fma_rounds(nnf_dtype dt, int64_t rounds, int64_t *flops);

/* ---------------------------------------------------------------- dense algebra */

/* C (m, n) = A (m, k) @ B (k, n), or += when accumulate is non-zero (otherwise C is never read). */
NNF_API nnf_status nnf_matmul(nnf_dtype dt, int64_t m, int64_t n, int64_t k, const void *a, int64_t a_rs,
                              int64_t a_cs, const void *b, int64_t b_rs, int64_t b_cs, void *c, int64_t c_rs,
                              int accumulate);

/* The same for a stack of matrices with `nd` <= 64 leading dimensions of sizes `shape`, each of the operands moving by a
 * step of elements along each: a step of 0 repeats a matrix of A or B (NumPy's broadcasting), and products that fall on
 * one matrix of C, where C's step is 0, are added in the stack's order. Other matrices of C must not overlap. */
NNF_API nnf_status nnf_matmul_batched(nnf_dtype dt, int nd, const int64_t *shape, int64_t m, int64_t n, int64_t k,
                                      const void *a, int64_t a_rs, int64_t a_cs, const int64_t *a_step,
                                      const void *b, int64_t b_rs, int64_t b_cs, const int64_t *b_step, void *c,
                                      int64_t c_rs, const int64_t *c_step, int accumulate);

/* Activation functions that may be fused or called alone. `alpha` is their one parameter: the slope of leaky_relu, the
 * alpha of elu, the beta (> 0) of softplus, whose threshold is 20; the others ignore it. step is 1 where x > 0, else
 * 0; gelu is the one with erf, gelu_tanh its approximation. */
typedef enum nnf_activation {
  NNF_ACT_IDENTITY = 0,
  NNF_ACT_SIGMOID,
  NNF_ACT_TANH,
  NNF_ACT_RELU,
  NNF_ACT_LEAKY_RELU,
  NNF_ACT_STEP,
  NNF_ACT_HARD_SIGMOID,
  NNF_ACT_RELU6,
  NNF_ACT_ELU,
  NNF_ACT_SELU,
  NNF_ACT_GELU,
  NNF_ACT_GELU_TANH,
  NNF_ACT_SILU,
  NNF_ACT_MISH,
  NNF_ACT_SOFTPLUS,
  NNF_ACT_SOFTSIGN,
  NNF_ACT_COUNT
} nnf_activation;

/* y (m, out) = act(x (m, in) @ weight (out, in)^T + bias (out)); x and weight by strides (in elements). */
NNF_API nnf_status nnf_linear(nnf_dtype dt, int64_t m, int64_t out, int64_t in, const void *x, int64_t x_rs,
                              int64_t x_cs, const void *weight, int64_t w_rs, int64_t w_cs, const void *bias,
                              nnf_activation act, double alpha, void *y);
/* 1 where act' follows from act's output alone, for this alpha; else 0. */
NNF_API int nnf_activation_has_backward_from_output(nnf_activation act, double alpha);
/* The gradients gx (m, in), gweight (out, in), gbias (out) of nnf_linear; any of them may be NULL. The derivative of act
 * is taken from `output`, the dense (m, out) that nnf_linear gave; where that is NULL, or act' does not follow from it,
 * x @ weight^T + bias is computed again. bias may be NULL where the forward had none, or where it is not read. */
NNF_API nnf_status nnf_linear_backward(nnf_dtype dt, int64_t m, int64_t out, int64_t in, const void *grad_output,
                                       const void *x, int64_t x_rs, int64_t x_cs, const void *weight,
                                       int64_t w_rs, int64_t w_cs, const void *bias, nnf_activation act,
                                       double alpha, const void *output, void *gx, void *gweight, void *gbias);

/* ---------------------------------------------------------------- elementwise, softmax, dropout */

/* y[i] = act(x[i]); in place allowed (y == x). */
NNF_API nnf_status nnf_activation_forward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n,
                                          const void *x, void *y);
/* gx[i] = g[i] * act'(x[i]); in place allowed (gx == g). The derivative is taken from `output`, which
 * nnf_activation_forward gave; where that is NULL, or act' does not follow from it, from x. */
NNF_API nnf_status nnf_activation_backward(nnf_dtype dt, nnf_activation act, double alpha, int64_t n,
                                           const void *g, const void *x, const void *output, void *gx);

/* y[i] = log(1 + exp(beta x[i])) / beta, x[i] itself where beta x[i] > threshold; beta > 0. In place allowed. */
NNF_API nnf_status nnf_softplus_forward(nnf_dtype dt, double beta, double threshold, int64_t n, const void *x,
                                        void *y);
/* gx from g and the forward's input x. In place allowed (gx == g). */
NNF_API nnf_status nnf_softplus_backward(nnf_dtype dt, double beta, double threshold, int64_t n, const void *g,
                                         const void *x, void *gx);

/* x (outer, channels, inner) where x > 0, weight[channel] x elsewhere; channels == 1 is one slope for all. In place
 * allowed. */
NNF_API nnf_status nnf_prelu_forward(nnf_dtype dt, int64_t outer, int64_t channels, int64_t inner, const void *x,
                                     const void *weight, void *y);
/* gx like x, gweight (channels). In place allowed (gx == g). */
NNF_API nnf_status nnf_prelu_backward(nnf_dtype dt, int64_t outer, int64_t channels, int64_t inner, const void *g,
                                      const void *x, const void *weight, void *gx, void *gweight);

/* Over the middle axis of (outer, len, inner). log != 0: log_softmax. In place allowed. */
NNF_API nnf_status nnf_softmax(nnf_dtype dt, int log, int64_t outer, int64_t len, int64_t inner, const void *x,
                               void *y);
/* gx from g and the forward's `output`, or, where that is NULL, its input x. In place allowed (gx == g). */
NNF_API nnf_status nnf_softmax_backward(nnf_dtype dt, int log, int64_t outer, int64_t len, int64_t inner,
                                        const void *g, const void *x, const void *output, void *gx);

/* The mask of element i is decided by 16 bits of Philox 4x32-10 with key `seed` and counter
 * (i / 8 as 64 bits, layer, step): word (i % 8) / 2, its low half for even i. Kept when these bits are
 * >= round(p * 65536); kept elements are multiplied by 1 / (1 - p). The same call with the gradient as x is
 * the backward pass. In place allowed. `first` is the index of x[0] in the layer's whole output. */
NNF_API nnf_status nnf_dropout(nnf_dtype dt, double p, uint64_t seed, uint32_t step, uint32_t layer, int64_t first,
                               int64_t n, const void *x, void *y);

/* ---------------------------------------------------------------- normalisation, embedding */

/* x, y (n, c, inner): y = (x - mean) / sqrt(variance + eps) * weight + bias, a mean and variance a channel; weight, bias
 * (c) may be NULL. training != 0: those of the batch (n * inner != 1; the biased variance), and running = (1 - momentum)
 * * running + momentum * the batch's, the variance unbiased, unless either is NULL. Otherwise the running ones. */
NNF_API nnf_status nnf_batch_norm(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, const void *x, const void *weight,
                                  const void *bias, void *running_mean, void *running_var, int training,
                                  double momentum, double eps, void *y);
/* gx (n, c, inner), gweight (c), gbias (c): any may be NULL. */
NNF_API nnf_status nnf_batch_norm_backward(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, const void *g,
                                           const void *x, const void *weight, const void *running_mean,
                                           const void *running_var, int training, double eps, void *gx, void *gweight,
                                           void *gbias);
/* The same with moments of each sample's groups of c / groups channels. */
NNF_API nnf_status nnf_group_norm(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, int64_t groups, const void *x,
                                  const void *weight, const void *bias, double eps, void *y);
NNF_API nnf_status nnf_group_norm_backward(nnf_dtype dt, int64_t n, int64_t c, int64_t inner, int64_t groups,
                                           const void *g, const void *x, const void *weight, double eps, void *gx,
                                           void *gweight, void *gbias);
/* The same with moments of each row of x (rows, len); weight, bias, gweight, gbias (len). */
NNF_API nnf_status nnf_layer_norm(nnf_dtype dt, int64_t rows, int64_t len, const void *x, const void *weight,
                                  const void *bias, double eps, void *y);
NNF_API nnf_status nnf_layer_norm_backward(nnf_dtype dt, int64_t rows, int64_t len, const void *g, const void *x,
                                           const void *weight, double eps, void *gx, void *gweight, void *gbias);

/* y (count, dim) = weight (rows, dim)[indices]; an index outside 0..rows-1 is NNF_INVALID_VALUE. */
NNF_API nnf_status nnf_embedding(nnf_dtype dt, int64_t count, int64_t rows, int64_t dim, const int64_t *indices,
                                 const void *weight, void *y);
/* gweight (rows, dim): sums of g (count, dim) in the order of the indices; row `padding` stays 0 (-1: none). */
NNF_API nnf_status nnf_embedding_backward(nnf_dtype dt, int64_t count, int64_t rows, int64_t dim,
                                          const int64_t *indices, int64_t padding, const void *g, void *gweight);

/* ---------------------------------------------------------------- losses */

typedef enum nnf_reduction {
  NNF_REDUCE_NONE = 0,
  NNF_REDUCE_MEAN = 1,
  NNF_REDUCE_SUM = 2,
  NNF_REDUCE_BATCH_MEAN = 3 /* the sum over the number of rows; not for the class losses */
} nnf_reduction;

/* x: the input, t: the target. The first ones go element by element, the class losses row by row. */
typedef enum nnf_loss {
  NNF_LOSS_MSE = 0,         /* (x - t)^2 */
  NNF_LOSS_QUADRATIC,       /* (x - t)^2 / 2, summed over a row: the mean is over rows, "none" gives rows losses */
  NNF_LOSS_L1,              /* |x - t| */
  NNF_LOSS_SMOOTH_L1,       /* d = |x - t|: d^2 / (2 beta) where d < beta, else d - beta / 2 */
  NNF_LOSS_HUBER,           /* d^2 / 2 where d <= delta, else delta (d - delta / 2) */
  NNF_LOSS_HINGE,           /* max(0, 1 - t x) */
  NNF_LOSS_PERCEPTRON,      /* (step(x) - t) x */
  NNF_LOSS_BCE,             /* -weight (t log x + (1 - t) log(1 - x)), logarithms at least -100 */
  NNF_LOSS_BCE_WITH_LOGITS, /* -weight (pos_weight t log s(x) + (1 - t) log s(-x)), s the logistic function */
  NNF_LOSS_KL_DIV,          /* t (log t - x); with log_target exp(t) (t - x) */
  NNF_LOSS_POISSON_NLL,     /* exp(x) - t x; without log_input x - t log(x + eps); full adds Stirling's term */
  NNF_LOSS_ELEMENTWISE,     /* how many those are; no loss */
  NNF_LOSS_CROSS_ENTROPY = NNF_LOSS_ELEMENTWISE, /* -sum of weight[j] t[j] log_softmax(x)[j], t smoothed */
  NNF_LOSS_NLL,             /* -weight[label] x[label] */
  NNF_LOSS_COUNT
} nnf_loss;

typedef struct nnf_loss_options {
  nnf_reduction reduction;
  double beta;            /* of smooth_l1 (>= 0), delta of huber (> 0) */
  double eps;             /* of poisson_nll (>= 0) */
  int log_input;          /* of poisson_nll */
  int log_target;         /* of kl_div */
  int full;               /* of poisson_nll */
  double label_smoothing; /* of cross_entropy, 0..1 */
  int64_t ignore_index;   /* of the class losses: rows with this label count for nothing */
  /* Class losses: (outputs). Binary cross-entropy: (rows, outputs) with this distance between rows, in elements; 0: one
   * row for all. NULL: 1. */
  const void *weight;
  int64_t weight_stride;
  const void *pos_weight; /* of binary cross-entropy with logits, likewise */
  int64_t pos_weight_stride;
} nnf_loss_options;

/* One batch: input (rows, outputs); target (rows, outputs), or for the class losses labels (rows) in 0..outputs-1 or
 * equal to ignore_index (cross-entropy takes either); sample_weight (rows): a factor of each row's losses, NULL: 1. */
typedef struct nnf_loss_batch {
  int64_t rows, outputs;
  const void *input;
  const void *target;
  const int64_t *labels;
  const void *sample_weight;
} nnf_loss_batch;

/* PyTorch's defaults, and its name for the loss ("mse_loss", ...; NULL for no loss). */
NNF_API nnf_loss_options nnf_loss_defaults(void);
NNF_API const char *nnf_loss_name(nnf_loss loss);
/* value: one element; for NNF_REDUCE_NONE as many as there are losses: rows * outputs, or rows (class losses, quadratic).
 * A mean divides by what the losses weigh: rows (times outputs where it is over elements), with sample_weight the sum of
 * that, with a class loss's labels the sum of sample_weight * weight[label]; as if a weight of 2 was the row twice. The
 * weight of binary cross-entropy is not counted, as in PyTorch. The mean of nothing is NaN, its gradient 0.
 * Labels, and the probabilities of NNF_LOSS_BCE, are checked before anything is written. */
NNF_API nnf_status nnf_loss_forward(nnf_dtype dt, nnf_loss loss, const nnf_loss_options *options,
                                    const nnf_loss_batch *batch, void *value);
/* g: as many elements as value; ginput (rows, outputs). */
NNF_API nnf_status nnf_loss_backward(nnf_dtype dt, nnf_loss loss, const nnf_loss_options *options,
                                     const nnf_loss_batch *batch, const void *g, void *ginput);

/* ---------------------------------------------------------------- convolution and pooling (NCHW) */

typedef struct nnf_conv2d_shape {
  int64_t n, c, h, w;         /* input (n, c, h, w) */
  int64_t oc, kh, kw;         /* weight (oc, c / groups, kh, kw) */
  int64_t stride_h, stride_w; /* >= 1 */
  int64_t pad_top, pad_bottom, pad_left, pad_right;
  int64_t dilation_h, dilation_w; /* >= 1 */
  int64_t groups;
} nnf_conv2d_shape;

/* Output height and width; NNF_INVALID_VALUE when the kernel does not fit or a field is out of range. */
NNF_API nnf_status nnf_conv2d_output(const nnf_conv2d_shape *s, int64_t *oh, int64_t *ow);
/* y (n, oc, oh, ow) */
NNF_API nnf_status nnf_conv2d(nnf_dtype dt, const nnf_conv2d_shape *s, const void *x, const void *weight,
                              const void *bias, void *y);
/* gx (n, c, h, w), gweight (oc, c / groups, kh, kw), gbias (oc): any may be NULL. */
NNF_API nnf_status nnf_conv2d_backward(nnf_dtype dt, const nnf_conv2d_shape *s, const void *g, const void *x,
                                       const void *weight, void *gx, void *gweight, void *gbias);

/* The same for channels-last images, x and gx (n, h, w, c), y and g (n, oh, ow, oc): no conversion; no array NULL but
 * bias. The order of weight and gweight: NNF_OIHW as above, NNF_HWIO (kh, kw, c / groups, oc) as networks hold them. */
typedef enum nnf_weight_order { NNF_OIHW = 0, NNF_HWIO = 1 } nnf_weight_order;
NNF_API nnf_status nnf_conv2d_channels_last(nnf_dtype dt, const nnf_conv2d_shape *s, nnf_weight_order order,
                                            const void *x, const void *weight, const void *bias, void *y);
NNF_API nnf_status nnf_conv2d_channels_last_backward(nnf_dtype dt, const nnf_conv2d_shape *s, nnf_weight_order order,
                                                     const void *g, const void *x, const void *weight, void *gx,
                                                     void *gweight, void *gbias);

/* The transposed convolution: the gradient of a convolution's input, as a layer of its own. */
typedef struct nnf_conv_transpose2d_shape {
  int64_t n, c, h, w;         /* input (n, c, h, w) */
  int64_t oc, kh, kw;         /* weight (c, oc / groups, kh, kw) */
  int64_t stride_h, stride_w; /* >= 1 */
  int64_t pad_h, pad_w;       /* cut off on both sides */
  int64_t output_pad_h, output_pad_w; /* added at the bottom and the right; < max(stride, dilation) */
  int64_t dilation_h, dilation_w; /* >= 1 */
  int64_t groups;
} nnf_conv_transpose2d_shape;

NNF_API nnf_status nnf_conv_transpose2d_output(const nnf_conv_transpose2d_shape *s, int64_t *oh, int64_t *ow);
/* y (n, oc, oh, ow) */
NNF_API nnf_status nnf_conv_transpose2d(nnf_dtype dt, const nnf_conv_transpose2d_shape *s, const void *x,
                                        const void *weight, const void *bias, void *y);
/* gx (n, c, h, w), gweight (c, oc / groups, kh, kw), gbias (oc). */
NNF_API nnf_status nnf_conv_transpose2d_backward(nnf_dtype dt, const nnf_conv_transpose2d_shape *s, const void *g,
                                                 const void *x, const void *weight, void *gx, void *gweight,
                                                 void *gbias);

typedef struct nnf_pool2d_shape {
  int64_t n, c, h, w;
  int64_t kh, kw, stride_h, stride_w;
  int64_t pad_h, pad_w; /* on both sides, <= half the kernel */
  int64_t dilation_h, dilation_w;
  int ceil_mode;         /* PyTorch's: the last window may run over the edge but must start inside */
  int count_include_pad; /* average pooling only */
  int channels_last;     /* all images, and indices, lie as (n, h, w, c) */
} nnf_pool2d_shape;

NNF_API nnf_status nnf_pool2d_output(const nnf_pool2d_shape *s, int64_t *oh, int64_t *ow);
/* The first of equal maxima takes the gradient; NaN is a maximum. */
NNF_API nnf_status nnf_max_pool2d(nnf_dtype dt, const nnf_pool2d_shape *s, const void *x, void *y);
NNF_API nnf_status nnf_max_pool2d_backward(nnf_dtype dt, const nnf_pool2d_shape *s, const void *g, const void *x,
                                           void *gx);
/* With or by the places of the maxima, h * w numbers counted row by row in each image and channel (PyTorch's
   return_indices); -1 where all of a window is padding. The gradient takes any cells of the image. */
NNF_API nnf_status nnf_max_pool2d_indices(nnf_dtype dt, const nnf_pool2d_shape *s, const void *x, void *y,
                                          int64_t *indices);
NNF_API nnf_status nnf_max_pool2d_indices_backward(nnf_dtype dt, const nnf_pool2d_shape *s, const void *g,
                                                   const int64_t *indices, void *gx);
NNF_API nnf_status nnf_avg_pool2d(nnf_dtype dt, const nnf_pool2d_shape *s, const void *x, void *y);
NNF_API nnf_status nnf_avg_pool2d_backward(nnf_dtype dt, const nnf_pool2d_shape *s, const void *g, void *gx);

/* x (n, c, h, w), y (n, c, oh, ow): cell (i, j) is the mean of rows floor(i h / oh) .. ceil((i + 1) h / oh) - 1 and
 * columns likewise (PyTorch's rule). */
NNF_API nnf_status nnf_adaptive_avg_pool2d(nnf_dtype dt, int64_t n, int64_t c, int64_t h, int64_t w, int64_t oh,
                                           int64_t ow, const void *x, void *y);
NNF_API nnf_status nnf_adaptive_avg_pool2d_backward(nnf_dtype dt, int64_t n, int64_t c, int64_t h, int64_t w,
                                                    int64_t oh, int64_t ow, const void *g, void *gx);
/* x (planes, h, w), y (planes, oh, ow): row i of y is row min(floor(i / scale_h), h - 1) of x, or floor(i h / oh) where
 * scale_h is 0; columns likewise. */
NNF_API nnf_status nnf_upsample_nearest(nnf_dtype dt, int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow,
                                        double scale_h, double scale_w, const void *x, void *y);
NNF_API nnf_status nnf_upsample_nearest_backward(nnf_dtype dt, int64_t planes, int64_t h, int64_t w, int64_t oh,
                                                 int64_t ow, double scale_h, double scale_w, const void *g, void *gx);
/* y = x (shape[ndim]) with before[d] cells of `value` before and after[d] behind it along axis d; negative numbers cut
 * off. The gradient of x is the same call with all numbers negated and value 0. */
NNF_API nnf_status nnf_pad(nnf_dtype dt, int ndim, const int64_t *shape, const int64_t *before, const int64_t *after,
                           double value, const void *x, void *y);

/* ---------------------------------------------------------------- optimizer updates, in place */

/* buf may be NULL when momentum is 0. first_step != 0: buf is set to the gradient (PyTorch's rule). */
NNF_API nnf_status nnf_sgd_update(nnf_dtype dt, int64_t n, void *param, const void *grad, void *buf, double lr,
                                  double momentum, double dampening, double weight_decay, int nesterov,
                                  int first_step);
/* grad_avg not NULL: centered. buf may be NULL when momentum is 0. */
NNF_API nnf_status nnf_rmsprop_update(nnf_dtype dt, int64_t n, void *param, const void *grad, void *square_avg,
                                      void *grad_avg, void *buf, double lr, double alpha, double eps,
                                      double weight_decay, double momentum);
/* step counts from 1, here and below. */
NNF_API nnf_status nnf_adagrad_update(nnf_dtype dt, int64_t n, void *param, const void *grad, void *sum, int64_t step,
                                      double lr, double lr_decay, double eps, double weight_decay);
NNF_API nnf_status nnf_adadelta_update(nnf_dtype dt, int64_t n, void *param, const void *grad, void *square_avg,
                                       void *acc_delta, double lr, double rho, double eps, double weight_decay);
/* max_v not NULL: amsgrad. decoupled != 0: AdamW, the weight decay shrinks the parameter itself. */
NNF_API nnf_status nnf_adam_update(nnf_dtype dt, int64_t n, void *param, const void *grad, void *m, void *v,
                                   void *max_v, int64_t step, double lr, double beta1, double beta2, double eps,
                                   double weight_decay, int decoupled);
NNF_API nnf_status nnf_nadam_update(nnf_dtype dt, int64_t n, void *param, const void *grad, void *m, void *v,
                                    int64_t step, double lr, double beta1, double beta2, double eps,
                                    double weight_decay, double momentum_decay, int decoupled);
/* Rosenblatt's rule over the samples in order: y = (weight . x_i + bias > 0), e = target_i - y,
 * weight (features) += lr e x_i, bias (1) += lr e. x (n, features), target (n) of 0 and 1. *errors: samples with
 * e != 0. */
NNF_API nnf_status nnf_perceptron_update(nnf_dtype dt, int64_t n, int64_t features, void *weight, void *bias,
                                         const void *x, const void *target, double lr, int64_t *errors);

/* *finite: whether all n numbers are, neither NaN nor infinite. */
NNF_API nnf_status nnf_all_finite(nnf_dtype dt, int64_t n, const void *x, int *finite);
/* Gradients clipped in place. norm: of all `count` arrays as one, by exponent p > 0 (may be infinite); they are
 * multiplied by min(1, max_norm / (norm + 1e-6)). refuse != 0: a norm that is not finite is NNF_INVALID_VALUE. */
NNF_API nnf_status nnf_clip_value(nnf_dtype dt, int64_t n, void *grad, double limit);
NNF_API nnf_status nnf_clip_norm(nnf_dtype dt, int64_t count, const int64_t *n, void *const *grads, double max_norm,
                                 double p, int refuse, double *norm);

#ifdef __cplusplus
}
#endif

#include "nnfast/sparse.h"   /* matrices in compressed rows */
#include "nnfast/networks.h" /* graphs and models */

#endif /* NNFAST_NNFAST_H */
