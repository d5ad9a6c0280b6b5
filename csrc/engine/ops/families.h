// The makers of all layer families: one declaration here, one line in registry.cpp, one file each.
#ifndef NNF_ENGINE_OPS_FAMILIES_H
#define NNF_ENGINE_OPS_FAMILIES_H

#include "engine/op.h"

namespace nnf {

using SpecMaker = std::unique_ptr<OpSpec> (*)(const std::vector<Shape>& inputs, Attrs& attrs);

std::unique_ptr<OpSpec> make_activation_spec(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_add(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_batch_norm(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_concat(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_adaptive_avg_pool2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_constant_pad2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_conv1d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_conv_transpose2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_conv2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_dropout(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_embedding(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_flatten(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_group_norm(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_layer_norm(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_linear(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_max_pool2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_avg_pool2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_normalize(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_max_pool1d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_avg_pool1d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_global_pool1d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_global_pool2d(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_reshape(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_upsample_nearest(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_prelu(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_softplus(const std::vector<Shape>& inputs, Attrs& attrs);
std::unique_ptr<OpSpec> make_softmax(const std::vector<Shape>& inputs, Attrs& attrs);

// Not a node a user can ask for: changes an image's layout; the plan inserts it.
template <class T>
std::unique_ptr<Op<T>> make_layout_op(const Shape& shape, Layout to);

}  // namespace nnf

#endif  // NNF_ENGINE_OPS_FAMILIES_H
