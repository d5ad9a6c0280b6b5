/* nnfast: the C interface of networks: graphs, models, training.
 *
 * What this is: a part of nnfast.h, which includes it; conventions, statuses and the options of losses are there.
 */
#ifndef NNFAST_NETWORKS_H
#define NNFAST_NETWORKS_H

#include "nnfast/nnfast.h"
#include "nnfast/sparse.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- networks: graph */

typedef struct nnf_graph nnf_graph;
typedef struct nnf_model nnf_model;

/* A named option of a node: numbers in `values` (1 to 4 of them). Unknown names are NNF_INVALID_VALUE. */
typedef struct nnf_attr {
  const char *name;
  int count;
  double values[4];
} nnf_attr;

NNF_API nnf_status nnf_graph_new(nnf_graph **graph);
NNF_API void nnf_graph_free(nnf_graph *graph);
/* shape: of one sample, images (C, H, W); nodes are numbered from 0 in the order they are added. */
NNF_API nnf_status nnf_graph_input(nnf_graph *graph, int ndim, const int64_t *shape, int *node);
/* op: "linear" (out_features, bias), "conv2d" (out_channels, kernel_size[2], stride[2], padding[4: top bottom
 * left right], dilation[2], groups, bias), "max_pool2d" / "avg_pool2d" (kernel_size[2], stride[2], padding[2],
 * dilation[2], ceil_mode, count_include_pad), "flatten", "dropout" (p), "sigmoid", "tanh", "relu",
 * "conv1d" (as conv2d on (C, L), kernel_size, stride, padding[2], dilation), "conv_transpose2d" (out_channels,
 * kernel_size[2], stride[2], padding[2], output_padding[2], groups, bias, dilation[2]), "max_pool1d" / "avg_pool1d",
 * "adaptive_avg_pool2d" (output_size[2]), "global_avg_pool2d" / "global_max_pool2d" / "global_avg_pool1d" /
 * "global_max_pool1d" (keepdims), "constant_pad2d"
 * (padding[4: left right top bottom], value), "upsample_nearest" (size[2], scale_h, scale_w), "reshape" (shape, at most
 * 4 sizes),
 * "leaky_relu" (negative_slope), "step", "hard_sigmoid", "relu6", "elu" (alpha), "selu", "gelu", "gelu_tanh", "silu",
 * "mish", "softplus" (beta, threshold), "softsign", "prelu" (num_parameters), "softmax", "log_softmax" (axis, of the
 * batch's array), "batch_norm" (eps, momentum, cumulative, affine, track_running_stats), "normalize" (arrays mean and
 * std, not trained), "layer_norm" (axes: the last ones, eps, elementwise_affine, bias), "group_norm" (num_groups, eps,
 * affine), "embedding" (num_embeddings, embedding_dim, padding_idx), "add", "concat" (axis, of the batch's
 * array; these take two or more inputs). */
NNF_API nnf_status nnf_graph_node(nnf_graph *graph, const char *op, int n_inputs, const int *inputs, int n_attrs,
                                  const nnf_attr *attrs, int *node);
/* Shape of one sample that node yields, NCHW's order; shape must hold 8. */
NNF_API nnf_status nnf_graph_shape(const nnf_graph *graph, int node, int *ndim, int64_t *shape);
/* The network's output, or several of them, each another node; the last node when neither is called. */
NNF_API nnf_status nnf_graph_output(nnf_graph *graph, int node);
NNF_API nnf_status nnf_graph_outputs(nnf_graph *graph, int count, const int *nodes);

/* ---------------------------------------------------------------- networks: model */

/* The graph is copied: free it at once if you like. Parameters are zero until written. */
NNF_API nnf_status nnf_model_new(const nnf_graph *graph, nnf_dtype dt, nnf_model **model);
NNF_API void nnf_model_free(nnf_model *model);

/* One array of the model: where it lies in the flat buffers, by PyTorch's shape and with the strides (in elements)
 * that fit the engine's own layout. */
typedef struct nnf_param {
  int node;         /* the graph node it belongs to */
  const char *name; /* "weight", "bias", "running_mean", ... */
  int ndim;
  int64_t shape[8];
  int64_t strides[8];
  int64_t offset; /* of its first element in the flat buffer */
  int trained;    /* 0: its buffer is NNF_UNTRAINED, and it has neither gradient nor state */
} nnf_param;

typedef enum nnf_buffer {
  NNF_PARAMETERS = 0,
  NNF_GRADIENTS = 1,
  NNF_STATE0 = 2, /* optimizer: momentum_buffer, square_avg, sum or Adam's m */
  NNF_STATE1 = 3, /* optimizer: Adam's v, acc_delta; RMSprop's grad_avg, or its buffer when it is not centered */
  NNF_STATE2 = 4, /* optimizer: Adam's max_v; the buffer of centered RMSprop */
  NNF_UNTRAINED = 16 /* arrays that are not trained: running statistics, constants */
} nnf_buffer;

NNF_API nnf_status nnf_model_num_params(const nnf_model *model, int *count);
NNF_API nnf_status nnf_model_param(const nnf_model *model, int index, nnf_param *param);
/* The flat buffer of all parameters (gradients, states): valid as long as the model; *data is NULL with
 * *size 0 for a state that the optimizer does not have. */
NNF_API nnf_status nnf_model_buffer(nnf_model *model, nnf_buffer which, void **data, int64_t *size);

/* Of output 0, 1, ...: training minimises the sum of the outputs' losses, each times its share (>= 0; 1 for a single
 * output), and the penalties. All of them are means, or all sums. The reduction may not be NNF_REDUCE_NONE. Weights in
 * the options hold a number for each number of the output (class losses: each class) and are copied; their strides say
 * nothing. */
NNF_API nnf_status nnf_model_set_loss(nnf_model *model, int output, nnf_loss loss, const nnf_loss_options *options,
                                      double share);

typedef enum nnf_optimizer_kind {
  NNF_SGD = 0,
  NNF_RMSPROP,
  NNF_ADAM,
  NNF_ADAGRAD,
  NNF_ADADELTA,
  NNF_NADAM,
  /* Adam with eps_hat; of a linear node's weight and of an embedding, what belongs to an input or an index changes only
   * where its gradient is not all 0, its states likewise. Penalties pull at that alone. No weight decay or clipping. */
  NNF_SPARSE_ADAM
} nnf_optimizer_kind;
typedef struct nnf_optimizer {
  nnf_optimizer_kind kind;
  double lr, weight_decay;
  double momentum;                            /* SGD, RMSprop */
  double dampening;                           /* SGD */
  int nesterov;                               /* SGD */
  double alpha;                               /* RMSprop */
  int centered;                               /* RMSprop */
  double beta1, beta2;                        /* Adam, NAdam, SparseAdam */
  int amsgrad;                                /* Adam */
  int decoupled;                              /* Adam (then AdamW), NAdam: weight decay shrinks the parameter */
  double momentum_decay;                      /* NAdam */
  double rho;                                 /* Adadelta */
  double lr_decay, initial_accumulator_value; /* Adagrad */
  double eps;                                 /* all but SGD */
  double clip_value;                          /* gradients are limited to +-clip_value before an update; 0: not */
  double clip_norm;                           /* ... and to this norm of all of them together; 0: not */
  int eps_hat;                                /* Adam: eps is added to sqrt(v) itself, not to its unbiased value */
} nnf_optimizer;
/* Keeps the states when the kind and their number stay the same, gives them their first values otherwise. */
NNF_API nnf_status nnf_model_set_optimizer(nnf_model *model, const nnf_optimizer *optimizer);
/* The optimizer's first state again: step 0 and no memory of gradients. */
NNF_API nnf_status nnf_model_reset_optimizer(nnf_model *model);
/* Learning rates of the steps first..first+n-1, which stand for the optimizer's own; n = 0: none. Copied. */
NNF_API nnf_status nnf_model_set_learning_rates(nnf_model *model, int64_t first, int64_t n, const double *lr);
/* For parameter array `index`: l1 * sum |w| + l2 * sum w^2 is part of the loss, and its gradient is added by backward
 * unless that accumulates. max_norm > 0: after each update the weights into each output (a slice along the first
 * axis; a transposed convolution's second, for each group) are scaled down to this Euclidean norm. */
NNF_API nnf_status nnf_model_set_regularizer(nnf_model *model, int index, double l1, double l2, double max_norm);
/* trainable = 0 freezes a node: no gradients of its arrays are computed, no update, penalty or limit touches them, and
 * nothing is computed backward that would reach frozen nodes alone. Running statistics of a frozen node stand still and are
 * what it normalises by, in training too. Dropout stays. */
NNF_API nnf_status nnf_model_set_trainable(nnf_model *model, int node, int trainable);
/* The learning rate of a node's arrays is the optimizer's times scale (>= 0; 1 at first). */
NNF_API nnf_status nnf_model_set_lr_scale(nnf_model *model, int node, double scale);
/* Updates made of a node's arrays with the present states: fewer than nnf_model_get_optimizer_step, for a node that was
 * frozen. nnf_model_set_optimizer_step sets them all. */
NNF_API nnf_status nnf_model_get_updates(const nnf_model *model, int node, int64_t *count);
NNF_API nnf_status nnf_model_set_updates(nnf_model *model, int node, int64_t count);
/* on: the penalties belong to the sum over the samples of which the loss is the mean, so a step's are divided by what
 * its batch weighs (several outputs, and custom training: by its number of samples). Losses of reduction sum: no
 * difference. */
NNF_API nnf_status nnf_model_set_penalty_in_mean(nnf_model *model, int on);
NNF_API nnf_status nnf_model_get_step(const nnf_model *model, int64_t *step);
NNF_API nnf_status nnf_model_set_step(nnf_model *model, int64_t step);
/* Updates made with the optimizer's present states: what Adam's bias correction and SGD's first step count. 0 again when
 * nnf_model_set_optimizer zeroes the states; the step above counts on (it keys the dropout masks). */
NNF_API nnf_status nnf_model_get_optimizer_step(const nnf_model *model, int64_t *step);
NNF_API nnf_status nnf_model_set_optimizer_step(nnf_model *model, int64_t step);
/* Key of the dropout masks. */
NNF_API nnf_status nnf_model_set_seed(nnf_model *model, uint64_t seed);

/* Rows of samples in any of these types; converted batch by batch. */
typedef enum nnf_source_type {
  NNF_SRC_F32 = 0,
  NNF_SRC_F64,
  NNF_SRC_F16,
  NNF_SRC_U8,
  NNF_SRC_I8,
  NNF_SRC_I16,
  NNF_SRC_I32,
  NNF_SRC_I64,
  NNF_SRC_BOOL,
  NNF_SRC_U16,
  NNF_SRC_U32,
  NNF_SRC_CSR /* samples alone: data is a nnf_csr of these rows and row_size columns, floats of either type */
} nnf_source_type;
typedef struct nnf_source {
  const void *data; /* (rows, row_size), each row dense, NCHW */
  nnf_source_type type;
  int64_t rows, row_size;
  int64_t row_stride; /* in elements */
} nnf_source;

/* Sums over the samples seen. The mean loss is loss / loss_weight, a metric its sum / weight. */
typedef struct nnf_totals {
  double loss;        /* sum of each batch's mean times what the batch weighs, or of the sums */
  double loss_weight; /* what the batches weigh: see nnf_loss_forward; without weights the number of samples */
  double correct;     /* argmax(output) is the label, or the argmax of the target's row. Losses of two classes: the
                       * share of outputs on their target's side */
  double abs_error, squared_error; /* summed over samples x outputs; not for class losses */
  double weight;                   /* sum of sample_weight (1 without) but for ignored labels: the last three's factor */
  int64_t samples, outputs, steps;
  double objective; /* training: what a step minimised, shares and penalties included, times its samples; the last's of
                     * several outputs */
} nnf_totals;

/* Training steps first..last-1 of the epoch that `order` (n sample indices; NULL: 0..n-1) describes, step s
 * taking order[s*batch .. (s+1)*batch). Stops early, with *done steps carried out, once `seconds` have passed
 * (<= 0: no limit). Adds to *totals. y: (rows, 1) integers for classes, (rows, outputs) otherwise; sample_weight:
 * (rows, 1) or NULL. Of several outputs y and sample_weight (its data NULL for none) are arrays of one each, and totals
 * has one each and, at the end, one for the penalties (only its loss, loss_weight, samples and steps), which a single
 * output's loss holds itself. A batch that weighs nothing has loss and gradient 0.
 * Samples that are sparse (at most a tenth of them numbers) stay so where a "linear" node alone reads them; elsewhere they
 * are made dense batch by batch. Updates of that node's weights whose inputs are all 0 in a batch are made later, but
 * within the call, and its weight's gradient is not kept: NNF_GRADIENTS means nothing there afterwards.
 * A non-finite loss: NNF_NON_FINITE, before the step's update is applied.
 * This and the calls below compute with denormal numbers as zeros; the caller's own setting stands again afterwards. */
NNF_API nnf_status nnf_model_train(nnf_model *model, const nnf_source *x, const nnf_source *y,
                                   const nnf_source *sample_weight, const int64_t *order, int64_t n, int64_t batch,
                                   int64_t first, int64_t last, double seconds, nnf_totals *totals, int64_t *done);
NNF_API nnf_status nnf_model_evaluate(nnf_model *model, const nnf_source *x, const nnf_source *y,
                                      const nnf_source *sample_weight, int64_t batch, int64_t first, int64_t last,
                                      double seconds, nnf_totals *totals, int64_t *done);
/* x: a source for each input of the graph. out: an array for each output, (rows, outputs) for rows first..last-1. */
NNF_API nnf_status nnf_model_predict(nnf_model *model, const nnf_source *x, int64_t batch, int64_t first,
                                     int64_t last, void *const *out);

/* While a call of train, evaluate or predict lasts, poll is asked now and then, by the thread that called, between two
 * pieces of its work: other than 0, and the call ends at once, without error. *done then says how many steps were carried out; the one
 * under way is not applied, and a prediction's remaining rows are not written. NULL: nobody is asked. */
typedef int nnf_poll_fn(void *context);
NNF_API nnf_status nnf_model_set_poll(nnf_model *model, nnf_poll_fn *poll, void *context);

/* Custom training. forward keeps what backward needs when training != 0; backward adds to the gradients when
 * accumulate != 0, overwrites them otherwise; step applies the optimizer. grad_output: an array for each output, NULL
 * standing for zeros. gx: an array for each input, where not NULL; gx itself may be NULL. */
NNF_API nnf_status nnf_model_forward(nnf_model *model, const nnf_source *x, int training, void *const *out);
NNF_API nnf_status nnf_model_backward(nnf_model *model, const void *const *grad_output, int accumulate,
                                      void *const *gx);
NNF_API nnf_status nnf_model_step(nnf_model *model);

/* Whether samples, as for train, are worked on as they are: *yes is 0 where batches are made dense. */
NNF_API nnf_status nnf_model_stays_sparse(const nnf_model *model, const nnf_source *x, int *yes);
/* What the plan for this batch size takes: the arena's bytes, and the bytes without sharing. */
NNF_API nnf_status nnf_model_plan(nnf_model *model, int64_t batch, int training, int64_t *arena, int64_t *naive);
/* The graph's nodes whose gradients a training step of this batch size computes, last first: *count of them, written to
 * nodes unless that is NULL. An activation or pooling taken into the node before it counts as part of that. */
NNF_API nnf_status nnf_model_plan_backward(nnf_model *model, int64_t batch, int *count, int *nodes);

#ifdef __cplusplus
}
#endif
#endif /* NNFAST_NETWORKS_H */
