// Bindings of sparse_linear and its gradient.
#include "bindings/csr.h"
#include "bindings/linear_arguments.h"

namespace nnf::bindings {
namespace {

// weight (out, in) as the core reads it: its transpose, dense. That is no copy where it is one already.
class Transposed {
 public:
  Transposed(const char* function, const Csr& x, py::handle weight) : given_(function, "weight", weight) {
    given_.expect_same_dtype(x.data());
    given_.expect_nd(2, "(out, in)");
    given_.expect_shape({given_.dim(0), x.columns()});
    const i64 out = given_.dim(0), in = given_.dim(1);
    const bool dense = (out < 2 || given_.stride(0) == 1) && (in < 2 || given_.stride(1) == out);
    if (dense) {
      data_ = given_.data();
      return;
    }
    copy_ = py::reinterpret_borrow<py::object>(given_.object()).attr("T").attr("copy")("C");
    data_ = array_data(copy_);
  }
  const Input& given() const { return given_; }
  i64 out() const { return given_.dim(0); }
  i64 in() const { return given_.dim(1); }
  const char* data() const { return data_; }

 private:
  Input given_;
  py::object copy_;
  const char* data_;
};

double work(const Csr& x, i64 out) { return static_cast<double>(x.stored() + x.rows()) * static_cast<double>(out); }

py::object sparse_linear(py::handle x_, py::handle weight_, py::handle bias_, py::handle activation, py::handle out_) {
  constexpr const char* kName = "sparse_linear";
  const Csr x(kName, "x", x_);
  const Transposed weight(kName, x, weight_);
  const Activation a(kName, activation);
  OptionalInput bias(kName, "bias", bias_, x.data());
  if (bias.input) bias.input->expect_shape({weight.out()});
  const py::ssize_t shape[] = {static_cast<py::ssize_t>(x.rows()), static_cast<py::ssize_t>(weight.out())};
  py::object y = bias.input ? get_or_make(kName, out_, x.dtype(), shape, 2, {&weight.given(), &*bias.input})
                            : get_or_make(kName, out_, x.dtype(), shape, 2, {&weight.given()});
  if (!out_.is_none()) x.expect_apart(y, "out");
  const char* b = bias.data();
  char* to = array_data(y);
  run(work(x, weight.out()), [&] {
    return nnf_sparse_linear(x.dtype(), x.matrix(), weight.out(), weight.data(), b, a.act, a.alpha, to);
  });
  return y;
}

// The columns with numbers, int64.
py::object columns_of(const Csr& x) {
  i64 count = 0;
  check_as("sparse_linear_backward", nnf_csr_columns(x.matrix(), &count, nullptr));
  py::array_t<i64> columns(static_cast<py::ssize_t>(count));
  i64* to = columns.mutable_data();
  check_as("sparse_linear_backward", nnf_csr_columns(x.matrix(), &count, to));
  return columns;
}

py::object sparse_linear_backward(py::handle grad_output, py::handle x_, py::handle weight_, py::handle bias_,
                                  py::handle activation, py::handle output_, py::handle sparse_grad) {
  constexpr const char* kName = "sparse_linear_backward";
  Input g(kName, "grad_output", grad_output);
  const Csr x(kName, "x", x_);
  const Transposed weight(kName, x, weight_);
  const Activation a(kName, activation);
  OptionalInput bias(kName, "bias", require_bias(kName, bias_, a, !output_.is_none()), x.data());
  OptionalInput output(kName, "output", output_, x.data());
  const bool touched = read_bool(kName, "sparse_grad", sparse_grad);
  const i64 out = weight.out();
  g.expect_same_dtype(x.data());
  g.expect_shape({x.rows(), out});
  if (bias.input) bias.input->expect_shape({out});
  if (output.input) output.input->expect_shape({x.rows(), out});
  g.make_contiguous();
  const char *b = bias.data(), *y = output.data();
  const py::object columns = touched ? columns_of(x) : py::none();
  const i64 rows = touched ? ArrayFields(columns.ptr()).shape()[0] : x.columns();
  const py::ssize_t weight_shape[] = {static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(out)};
  const py::ssize_t bias_shape[] = {static_cast<py::ssize_t>(out)};
  py::object gdata = new_array(x.dtype(), x.data().shape(), 1), gbias = new_array(x.dtype(), bias_shape, 1);
  py::object gweight = new_array(x.dtype(), weight_shape, 2);
  char *to_x = array_data(gdata), *to_weight = array_data(gweight), *to_bias = array_data(gbias);
  run(2 * work(x, out), [&] {
    return nnf_sparse_linear_backward(x.dtype(), x.matrix(), out, g.data(), weight.data(), b, a.act, a.alpha, y, to_x,
                                      to_weight, touched ? 1 : 0, to_bias);
  });
  const py::object transposed = gweight.attr("T");
  if (touched) return py::make_tuple(gdata, py::make_tuple(columns, transposed), gbias);
  return py::make_tuple(gdata, transposed, gbias);
}

}  // namespace

void init_sparse(py::module_& m) {
  m.def("sparse_linear", &sparse_linear, py::arg("x"), py::arg("weight"), py::arg("bias") = py::none(),
        py::arg("activation") = py::none(), py::arg("out") = py::none());
  m.def("sparse_linear_backward", &sparse_linear_backward, py::arg("grad_output"), py::arg("x"), py::arg("weight"),
        py::arg("bias") = py::ellipsis(), py::arg("activation") = py::none(), py::arg("output") = py::none(),
        py::arg("sparse_grad") = false);
}

}  // namespace nnf::bindings
