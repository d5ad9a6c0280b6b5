// What an operation of a network is, in two halves: OpSpec, its description (options, shapes, parameters; no dtype), and
// Op<T>, its work on a batch. A layer family is one file in ops/ and a line in ops/registry.cpp.
#ifndef NNF_ENGINE_OP_H
#define NNF_ENGINE_OP_H

#include <memory>
#include <string>
#include <vector>

#include "base/types.h"
#include "kernels/pool/contract.h"
#include "kernels/sparse/csr.h"
#include "nnfast/nnfast.h"

namespace nnf {

using Shape = std::vector<i64>;  // of one sample; images are (C, H, W)

inline i64 element_count(const Shape& shape) {
  i64 n = 1;
  for (i64 d : shape) n *= d;
  return n;
}
std::string to_string(const Shape& shape);

// How a value lies in memory: as its shape says, or with the channels of an image (C, H, W) or a signal (C, L) last.
enum class Layout { plain, channels_last };
// Whether a value of this shape can lie in both. What is no image may be any pair of sizes, so it is turned only for
// the operations that ask for it.
inline bool has_layouts(const Shape& shape) { return shape.size() == 2 || shape.size() == 3; }
// What an operation asks of its inputs: one of the two, or to be left as they come (the output then lies likewise).
enum class LayoutWish { plain, channels_last, any };

// A node's named options; every option must be asked for, so that a misspelt one is an error.
class Attrs {
 public:
  Attrs(const char* op, int count, const nnf_attr* attrs);
  double number(const char* name, double fallback);
  i64 integer(const char* name);  // required
  i64 integer(const char* name, i64 fallback);
  bool flag(const char* name, bool fallback);
  // `count` integers; a single number given stands for all of them. Required when fallback is null.
  std::vector<i64> integers(const char* name, int count, const i64* fallback);
  std::vector<i64> integers(const char* name);  // as many as were given; required
  void finish() const;  // throws on options nobody asked for
  const std::string& op() const { return op_; }

 private:
  const nnf_attr* find(const char* name);
  i64 checked_integer(const char* name, double value) const;
  std::string op_;
  std::vector<nnf_attr> attrs_;
  std::vector<bool> used_;
};

// An array of the model: PyTorch's shape, and the strides that place it in the dense block of `size` elements whose layout
// the kernels want. Those not trained (running statistics, constants) lie apart, where no optimizer comes.
struct ParamSpec {
  const char* name;
  Shape shape;
  std::vector<i64> strides;
  i64 size;
  bool trained = true;
  // 0: the weights into one output are a slice along the first axis. Otherwise they are (inputs, outputs / groups, ...)
  // in this many groups, as a transposed convolution has them.
  i64 transposed_groups = 0;
  // Above 0: so many elements in a row belong to one input or index, of which a batch may hold only some.
  i64 row_size = 0;
};

// What a step may share and must keep; the plan decides lifetimes from these.
struct OpTraits {
  LayoutWish wish = LayoutWish::any;
  bool view = false;                   // the output is the input's memory under another shape
  bool in_place = false;               // y may be x[0], and gx[0] may be g
  bool backward_needs_input = false;
  bool input_for_params = false;       // ... and that only for the parameters' gradients
  bool backward_needs_output = false;
  i64 saved_bytes = 0;                 // per sample, what forward leaves for backward besides
};

// What every operation of a training step may know.
struct RunState {
  bool training = false;  // not of a frozen node with running statistics, which are used as they are
  u64 seed = 0;
  u32 step = 0;
};

// The samples of a batch that stay sparse.
template <class T>
struct SparseBatch {
  CsrRows rows;
  CsrColumns<T> columns;    // of the same: only for a backward
  bool keeps_delta = false;  // the weight's gradient is taken from g, which the backward leaves behind for it
};

template <class T>
struct ForwardArgs {
  i64 n;  // samples
  const T* const* x;
  T* y;
  const T* const* params;  // trained
  const RunState& run;
  T* const* buffers;  // not trained; may be written
  void* saved;        // saved_bytes a sample, aligned; null where no backward will come
  const SparseBatch<T>* sparse;  // stands for x[0]; null where samples are dense
};

template <class T>
struct BackwardArgs {
  i64 n;
  T* g;  // gradient of the output; may be overwritten
  const T* const* x;
  const T* y;
  T* const* gx;  // per input; null where no gradient is wanted; overwritten, not added to
  const T* const* params;
  T* const* gparams;  // per parameter; all null where the node is frozen
  bool accumulate;    // add to gparams instead of overwriting them
  const RunState& run;
  const void* saved;
  const SparseBatch<T>* sparse;  // as for the forward
};

template <class T>
class Op {
 public:
  virtual ~Op() = default;
  virtual OpTraits traits() const = 0;
  // Takes a following activation into this operation's epilogue; false when it cannot. Traits may change after.
  virtual bool fuse_activation(nnf_activation, double /*alpha*/) { return false; }
  // Likewise a pooling that follows, channels-last.
  virtual bool fuse_pooling(const PoolShape&, bool /*max*/) { return false; }
  virtual void forward(const ForwardArgs<T>& a) = 0;
  virtual void backward(const BackwardArgs<T>& a) = 0;
};

class OpSpec {
 public:
  virtual ~OpSpec() = default;
  virtual Shape output_shape() const = 0;
  virtual std::vector<ParamSpec> params() const { return {}; }
  // The activation this node is, if it is one that a GEMM or convolution could take in.
  virtual bool as_activation(nnf_activation*, double* /*alpha*/) const { return false; }
  // The pooling this node is, if it is one that a convolution could take in.
  virtual bool as_pooling(PoolShape*, bool* /*max*/) const { return false; }
  // Whether it works on sparse samples: its arrays are then (features, outputs), and perhaps outputs.
  virtual bool takes_sparse() const { return false; }
  // Whether nodes of this kind draw random numbers, and so carry an index of their own (`random_index`).
  virtual bool is_random() const { return false; }
  virtual std::unique_ptr<Op<float>> make_f32(int random_index) const = 0;
  virtual std::unique_ptr<Op<double>> make_f64(int random_index) const = 0;
};

template <class T>
std::unique_ptr<Op<T>> make_op(const OpSpec& spec, int random_index);
template <>
inline std::unique_ptr<Op<float>> make_op(const OpSpec& spec, int random_index) {
  return spec.make_f32(random_index);
}
template <>
inline std::unique_ptr<Op<double>> make_op(const OpSpec& spec, int random_index) {
  return spec.make_f64(random_index);
}

// For spec classes whose operation is OpT<T>(spec, random_index).
#define NNF_MAKES_OP(OpT)                                                                        \
  std::unique_ptr<Op<float>> make_f32(int index) const override {                                \
    return std::make_unique<OpT<float>>(*this, index);                                           \
  }                                                                                              \
  std::unique_ptr<Op<double>> make_f64(int index) const override {                               \
    return std::make_unique<OpT<double>>(*this, index);                                          \
  }

// The spec of a new node named `op`; throws Error(invalid_value) on an unknown name or option, or shapes that do not fit.
std::unique_ptr<OpSpec> make_op_spec(const std::vector<Shape>& inputs, Attrs& attrs);

// Checks shared by the families: `inputs` must hold exactly one shape, one image (channels, height, width), or
// one signal (channels, length).
const Shape& only_input(const Attrs& attrs, const std::vector<Shape>& inputs);
const Shape& only_image(const Attrs& attrs, const std::vector<Shape>& inputs);
const Shape& only_signal(const Attrs& attrs, const std::vector<Shape>& inputs);
// The option "axis", an axis of the batch's array and not the batch's own, as one of a sample's `rank`, from 0.
std::size_t sample_axis(Attrs& attrs, std::size_t rank, i64 fallback);

}  // namespace nnf

#endif  // NNF_ENGINE_OP_H
