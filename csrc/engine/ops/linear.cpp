// The linear layer: y = act(x W^T + b) over the last axis (PyTorch's Linear).
//
// The weight lies as (in, out), so forward and weight gradient read it and g in place, row by row; Python sees the
// transposed view (out, in).
#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/gemm/gemm.h"
#include "kernels/sparse/sparse_linear.h"

namespace nnf {
namespace {

class LinearSpec;

template <class T>
class LinearOp final : public Op<T> {
 public:
  LinearOp(const LinearSpec& spec, int);

  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::plain;
    t.backward_needs_input = t.input_for_params = true;
    t.backward_needs_output = act_ != NNF_ACT_IDENTITY;
    return t;
  }

  bool fuse_activation(nnf_activation act, double alpha) override {
    if (act_ != NNF_ACT_IDENTITY) return false;
    act_ = act;
    alpha_ = static_cast<T>(alpha);
    return true;
  }

  void forward(const ForwardArgs<T>& a) override {
    Epilogue<T> e;
    e.bias = bias_ ? a.params[1] : nullptr;
    e.act = act_;
    e.alpha = alpha_;
    if (a.sparse != nullptr) return sparse_linear<T>(a.sparse->rows, out_, a.params[0], e, a.y);
    gemm<T>(a.n * rows_, out_, in_, {a.x[0], in_, 1}, {a.params[0], out_, 1}, a.y, out_, false, e);
  }

  void backward(const BackwardArgs<T>& a) override {
    const i64 m = a.n * rows_;
    if (act_ != NNF_ACT_IDENTITY) activation_backward_from_output<T>(act_, alpha_, m * out_, a.g, a.y, a.g);
    if (a.gparams[0] != nullptr) {
      weight_gradient(a, m);
      if (bias_) column_sum<T>(m, out_, a.g, a.gparams[1], a.accumulate);
    }
    // gx (m, in) = g W; sparse samples have none
    if (a.gx[0] != nullptr) gemm<T>(m, in_, out_, {a.g, out_, 1}, {a.params[0], 1, out_}, a.gx[0], in_);
  }

 private:
  // gW (in, out) = x^T g. Adam's update of W row by row in here, while gW is in L1, was no faster than one update of
  // all parameters after the backward (784-512-512-10, 128 samples: 0.99 of its speed, 0.96 with prefetching): an
  // update is bound by its root and division, 0.20 ns a parameter from L3 and 0.18 from L2.
  void weight_gradient(const BackwardArgs<T>& a, i64 m) const {
    if (a.sparse == nullptr) {
      gemm<T>(in_, out_, m, {a.x[0], 1, in_}, {a.g, out_, 1}, a.gparams[0], out_, a.accumulate);
    } else if (!a.sparse->keeps_delta) {
      sparse_weight_gradient<T>(a.sparse->columns, in_, out_, a.g, a.gparams[0], a.accumulate);
    }
  }

  i64 rows_, in_, out_;  // rows a sample
  bool bias_;
  nnf_activation act_ = NNF_ACT_IDENTITY;
  T alpha_ = 0;
};

class LinearSpec final : public OpSpec {
 public:
  LinearSpec(const std::vector<Shape>& inputs, Attrs& attrs) {
    shape = only_input(attrs, inputs);
    in = shape.back();
    rows = element_count(shape) / in;
    out = attrs.integer("out_features");
    bias = attrs.flag("bias", true);
    if (out < 1) throw_invalid("linear: out_features: expected at least 1, got %lld", static_cast<long long>(out));
    shape.back() = out;
  }
  Shape output_shape() const override { return shape; }
  std::vector<ParamSpec> params() const override {
    std::vector<ParamSpec> p{{"weight", {out, in}, {1, out}, in * out, true, 0, out}};
    if (bias) p.push_back({"bias", {out}, {1}, out});
    return p;
  }
  bool takes_sparse() const override { return shape.size() == 1; }
  NNF_MAKES_OP(LinearOp)

  Shape shape;
  i64 rows, in, out;
  bool bias;
};

template <class T>
LinearOp<T>::LinearOp(const LinearSpec& spec, int)
    : rows_(spec.rows), in_(spec.in), out_(spec.out), bias_(spec.bias) {}

}  // namespace

std::unique_ptr<OpSpec> make_linear(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<LinearSpec>(inputs, attrs);
}

}  // namespace nnf
