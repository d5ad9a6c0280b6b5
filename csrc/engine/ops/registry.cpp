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
    {"add", make_add},
    {"avg_pool2d", make_avg_pool2d},
    {"concat", make_concat},
    {"conv2d", make_conv2d},
    {"dropout", make_dropout},
    {"elu", make_activation_spec},
    {"flatten", make_flatten},
    {"gelu", make_activation_spec},
    {"gelu_tanh", make_activation_spec},
    {"hard_sigmoid", make_activation_spec},
    {"leaky_relu", make_activation_spec},
    {"linear", make_linear},
    {"log_softmax", make_softmax},
    {"max_pool2d", make_max_pool2d},
    {"mish", make_activation_spec},
    {"prelu", make_prelu},
    {"relu", make_activation_spec},
    {"relu6", make_activation_spec},
    {"selu", make_activation_spec},
    {"sigmoid", make_activation_spec},
    {"silu", make_activation_spec},
    {"softmax", make_softmax},
    {"softplus", make_softplus},
    {"softsign", make_activation_spec},
    {"step", make_activation_spec},
    {"tanh", make_activation_spec},
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

}  // namespace nnf
