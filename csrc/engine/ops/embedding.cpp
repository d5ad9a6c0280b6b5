// The embedding layer: every number of a sample is an index into a trained table of vectors.
//
// Samples reach the network in its own floating type, so a table of a float model has at most 2^24 rows, the integers
// that type holds exactly. A batch with an index that is none, or outside the table, is refused before anything is
// written.
#include <algorithm>

#include "base/error.h"
#include "engine/ops/families.h"
#include "kernels/embedding/embedding.h"

namespace nnf {
namespace {

class EmbeddingSpec;

template <class T>
class EmbeddingOp final : public Op<T> {
 public:
  EmbeddingOp(const EmbeddingSpec& spec, int);
  OpTraits traits() const override {
    OpTraits t;
    t.wish = LayoutWish::plain;
    t.backward_needs_input = true;
    return t;
  }
  void forward(const ForwardArgs<T>& a) override {
    read_indices(a.n, a.x[0]);
    embedding_forward<T>(a.n * size_, dim_, indices_.data(), a.params[0], a.y);
  }
  void backward(const BackwardArgs<T>& a) override {
    read_indices(a.n, a.x[0]);
    embedding_backward<T>(a.n * size_, rows_, dim_, indices_.data(), padding_, a.g, a.gparams[0], a.accumulate);
    if (a.gx[0] != nullptr) std::fill(a.gx[0], a.gx[0] + a.n * size_, T(0));  // an index has no gradient
  }

 private:
  void read_indices(i64 n, const T* x) {
    indices_.resize(std::max(indices_.size(), static_cast<std::size_t>(n * size_)));
    for (i64 i = 0; i < n * size_; ++i) {
      if (!(x[i] >= T(0) && x[i] < static_cast<T>(rows_) && static_cast<T>(static_cast<i64>(x[i])) == x[i])) {
        throw_invalid("embedding: x: expected integers 0..%lld, got %.9g in sample %lld of the batch",
                      static_cast<long long>(rows_ - 1), static_cast<double>(x[i]), static_cast<long long>(i / size_));
      }
      indices_[static_cast<std::size_t>(i)] = static_cast<i64>(x[i]);
    }
  }
  i64 size_, rows_, dim_, padding_;
  std::vector<i64> indices_;  // of the last batch
};

class EmbeddingSpec final : public OpSpec {
 public:
  EmbeddingSpec(const std::vector<Shape>& inputs, Attrs& attrs)
      : input(only_input(attrs, inputs)),
        rows(attrs.integer("num_embeddings")),
        dim(attrs.integer("embedding_dim")),
        padding(attrs.integer("padding_idx", -1)) {
    check("num_embeddings", rows);
    check("embedding_dim", dim);
    if (padding < -1 || padding >= rows) {
      throw_invalid("embedding: padding_idx: expected -1 (none) or 0..%lld, got %lld",
                    static_cast<long long>(rows - 1), static_cast<long long>(padding));
    }
  }
  Shape output_shape() const override {
    Shape shape = input;
    shape.push_back(dim);
    return shape;
  }
  std::vector<ParamSpec> params() const override { return {{"weight", {rows, dim}, {dim, 1}, rows * dim, true, 0, dim}}; }
  NNF_MAKES_OP(EmbeddingOp)

  Shape input;
  i64 rows, dim, padding;

 private:
  static void check(const char* name, i64 value) {
    if (value < 1 || value > (i64{1} << 40)) {
      throw_invalid("embedding: %s: expected 1..2^40, got %lld", name, static_cast<long long>(value));
    }
  }
};

template <class T>
EmbeddingOp<T>::EmbeddingOp(const EmbeddingSpec& spec, int)
    : size_(element_count(spec.input)), rows_(spec.rows), dim_(spec.dim), padding_(spec.padding) {
  constexpr i64 exact = sizeof(T) == sizeof(float) ? i64{1} << 24 : i64{1} << 53;
  if (rows_ > exact) {
    throw_invalid("embedding: num_embeddings: expected at most %lld in a float32 model, got %lld",
                  static_cast<long long>(exact), static_cast<long long>(rows_));
  }
}

}  // namespace

std::unique_ptr<OpSpec> make_embedding(const std::vector<Shape>& inputs, Attrs& attrs) {
  return std::make_unique<EmbeddingSpec>(inputs, attrs);
}

}  // namespace nnf
