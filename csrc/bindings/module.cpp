// The Python module nnfast._core: calls the init functions of its parts.
#include "bindings/checks.h"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  using namespace nnf::bindings;
  if (nnf_abi_version() != NNF_ABI_VERSION) {
    throw py::import_error("nnfast: libnnfast is of another version than the module nnfast._core");
  }
  array_type = Npy::get().PyArray_Type_;
  m.doc() = "Compiled entry points over the C interface. Private: use the names of nnfast.";
  init_config(m);
  init_dense(m);
  init_sparse(m);
  init_elementwise(m);
  init_softmax(m);
  init_norm(m);
  init_embedding(m);
  init_loss(m);
  init_conv(m);
  init_pool(m);
  init_resize(m);
  init_reshape(m);
  init_conv_transpose(m);
  init_optim(m);
  init_network(m);
}
