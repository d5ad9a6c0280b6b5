// The operations a graph may hold, by name.
#include "base/error.h"
#include "engine/ops/families.h"

namespace nnf {
namespace {

struct Entry {
  const char* name;
  SpecMaker make;
};

constexpr Entry kOps[] = {
    {"adaptive_avg_pool2d", make_adaptive_avg_pool2d},
    {"add", make_add},
    {"avg_pool1d", make_avg_pool1d},
    {"avg_pool2d", make_avg_pool2d},
    {"batch_norm", make_batch_norm},
    {"concat", make_concat},
    {"constant_pad2d", make_constant_pad2d},
    {"conv1d", make_conv1d},
    {"conv2d", make_conv2d},
    {"conv_transpose2d", make_conv_transpose2d},
    {"dropout", make_dropout},
    {"elu", make_activation_spec},
    {"embedding", make_embedding},
    {"flatten", make_flatten},
    {"gelu", make_activation_spec},
    {"gelu_tanh", make_activation_spec},
    {"global_avg_pool1d", make_global_pool1d},
    {"global_avg_pool2d", make_global_pool2d},
    {"global_max_pool1d", make_global_pool1d},
    {"global_max_pool2d", make_global_pool2d},
    {"group_norm", make_group_norm},
    {"hard_sigmoid", make_activation_spec},
    {"layer_norm", make_layer_norm},
    {"leaky_relu", make_activation_spec},
    {"linear", make_linear},
    {"log_softmax", make_softmax},
    {"max_pool1d", make_max_pool1d},
    {"max_pool2d", make_max_pool2d},
    {"mish", make_activation_spec},
    {"normalize", make_normalize},
    {"prelu", make_prelu},
    {"relu", make_activation_spec},
    {"relu6", make_activation_spec},
    {"reshape", make_reshape},
    {"selu", make_activation_spec},
    {"sigmoid", make_activation_spec},
    {"silu", make_activation_spec},
    {"softmax", make_softmax},
    {"softplus", make_softplus},
    {"softsign", make_activation_spec},
    {"step", make_activation_spec},
    {"tanh", make_activation_spec},
    {"upsample_nearest", make_upsample_nearest},
};

}  // namespace

std::unique_ptr<OpSpec> make_op_spec(const std::vector<Shape>& inputs, Attrs& attrs) {
  std::string known;
  for (const Entry& e : kOps) {
    if (attrs.op() == e.name) return e.make(inputs, attrs);
    known += known.empty() ? e.name : std::string(", ") + e.name;
  }
  throw_invalid("op: expected one of %s; got '%s'", known.c_str(), attrs.op().c_str());
}

const Shape& only_input(const Attrs& attrs, const std::vector<Shape>& inputs) {
  if (inputs.size() != 1) {
    throw_invalid("%s: inputs: expected 1 node, got %d", attrs.op().c_str(), static_cast<int>(inputs.size()));
  }
  return inputs[0];
}

const Shape& only_image(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& shape = only_input(attrs, inputs);
  if (shape.size() != 3) {
    throw_invalid("%s: input: expected images (channels, height, width), got samples of shape %s",
                  attrs.op().c_str(), to_string(shape).c_str());
  }
  return shape;
}

std::size_t sample_axis(Attrs& attrs, std::size_t rank, i64 fallback) {
  const i64 given = attrs.integer("axis", fallback), ndim = static_cast<i64>(rank) + 1;
  const i64 axis = given < 0 ? given + ndim : given;
  if (axis < 1 || axis >= ndim) {
    throw_invalid("%s: axis: expected 1..%lld or -%lld..-1 (0 is the batch), got %lld", attrs.op().c_str(),
                  static_cast<long long>(ndim - 1), static_cast<long long>(ndim - 1), static_cast<long long>(given));
  }
  return static_cast<std::size_t>(axis - 1);
}

const Shape& only_signal(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& shape = only_input(attrs, inputs);
  if (shape.size() != 2) {
    throw_invalid("%s: input: expected signals (channels, length), got samples of shape %s", attrs.op().c_str(),
                  to_string(shape).c_str());
  }
  return shape;
}

}  // namespace nnf
