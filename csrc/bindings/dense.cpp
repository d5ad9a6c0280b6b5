// Bindings of matmul and linear. Strides, negative and zero ones included, go to the core as they are; what is here are
// NumPy's rules of stacks and vectors.
#include "bindings/linear_arguments.h"

namespace nnf::bindings {
namespace {

// ---------------------------------------------------------------- matmul

// The core counts strides in elements. Aligned arrays can only fail this where the alignment is below the item's size
// (float64 on some 32-bit systems).
void ensure_element_strides(Input& x) {
  for (int i = 0; i < x.nd(); ++i) {
    if (x.byte_strides()[i] % item_size(x.dtype()) != 0) {
      x.make_contiguous();
      return;
    }
  }
}

// Dimensions first..last-1 as one dimension of *count elements with one stride, where the strides allow it.
bool collapse(const Input& x, int first, int last, i64* count, i64* stride) {
  i64 n = 1, outer = 0;
  bool any = false;
  for (int i = last - 1; i >= first; --i) {
    if (x.dim(i) == 1) continue;
    if (!any) {
      *stride = x.stride(i);
      any = true;
    } else if (x.stride(i) != outer) {
      return false;
    }
    n *= x.dim(i);
    outer = x.stride(i) * x.dim(i);
  }
  if (!any) *stride = 0;
  *count = n;
  return true;
}

// What NumPy's rules make of two operands: a (batch..., m, k) @ b (batch..., k, n), vectors being one row or column.
struct Product {
  bool a_vector, b_vector;
  i64 m, k, n;
  i64 a_rs, a_cs, b_rs, b_cs;  // elements
  int batch_nd;
  py::ssize_t shape[kMaxDims + 2];  // of the result
  int nd;
  i64 batches;

  Product(const char* function, const Input& a, const Input& b) {
    a.expect_min_nd(1, "or more");
    b.expect_min_nd(1, "or more");
    b.expect_same_dtype(a);
    a_vector = a.nd() == 1;
    b_vector = b.nd() == 1;
    m = a_vector ? 1 : a.dim(a.nd() - 2);
    k = a.dim(a.nd() - 1);
    n = b_vector ? 1 : b.dim(b.nd() - 1);
    const i64 b_rows = b.dim(b_vector ? 0 : b.nd() - 2);
    if (b_rows != k) {
      fail_value("%s: b: expected %lld rows, as many as a has columns, got %lld", function, static_cast<long long>(k),
                 static_cast<long long>(b_rows));
    }
    a_rs = a_vector ? 0 : a.stride(a.nd() - 2);
    a_cs = a.stride(a.nd() - 1);
    b_rs = b.stride(b_vector ? 0 : b.nd() - 2);
    b_cs = b_vector ? 0 : b.stride(b.nd() - 1);
    const int a_batch = a_vector ? 0 : a.nd() - 2, b_batch = b_vector ? 0 : b.nd() - 2;
    batch_nd = a_batch > b_batch ? a_batch : b_batch;
    batches = 1;
    for (int i = 0; i < batch_nd; ++i) {
      const int ia = i - (batch_nd - a_batch), ib = i - (batch_nd - b_batch);
      const i64 da = ia < 0 ? 1 : a.dim(ia), db = ib < 0 ? 1 : b.dim(ib);
      if (da != db && da != 1 && db != 1) {
        fail_value("%s: b: expected a stack that broadcasts with a's: %lld or 1 in dimension %d of it, got %lld",
                   function, static_cast<long long>(da), i, static_cast<long long>(db));
      }
      shape[i] = static_cast<py::ssize_t>(da == 1 ? db : da);
      batches *= shape[i];
    }
    nd = batch_nd;
    if (!a_vector) shape[nd++] = static_cast<py::ssize_t>(m);
    if (!b_vector) shape[nd++] = static_cast<py::ssize_t>(n);
    if (nd > kMaxDims) fail_value("%s: a: expected at most %d dimensions", function, kMaxDims);
  }
  double work() const {
    return (static_cast<double>(k) + 1) * static_cast<double>(m) * static_cast<double>(n) *
           static_cast<double>(batches);
  }
};

// Steps of one operand through the stack, in elements: 0 where it is broadcast.
struct Steps {
  i64 step[kMaxDims];

  Steps(const Product& p, const Input& x) {
    const int missing = p.batch_nd - (x.nd() - (x.nd() == 1 ? 1 : 2));
    for (int i = 0; i < p.batch_nd; ++i) step[i] = repeats(p, x, i, missing) ? 0 : x.stride(i - missing);
  }
  // Of a dense array of x's shape. (From the shape: the strides of an array without elements say nothing.)
  static Steps dense(const Product& p, const Input& x) {
    Steps s;
    const int missing = p.batch_nd - (x.nd() - (x.nd() == 1 ? 1 : 2));
    i64 step = 1;
    for (int i = x.nd() - 1; i >= 0; --i) {
      if (i + missing < p.batch_nd) s.step[i + missing] = repeats(p, x, i + missing, missing) ? 0 : step;
      if (x.dim(i) > 0) step *= x.dim(i);
    }
    for (int i = 0; i < missing; ++i) s.step[i] = 0;
    return s;
  }

 private:
  Steps() = default;
  static bool repeats(const Product& p, const Input& x, int i, int missing) {
    return i < missing || (x.dim(i - missing) == 1 && p.shape[i] != 1);
  }
};

// Whether every matrix of the stack meets the same b, and a's rows make one tall matrix: one product then.
bool one_tall_product(const Product& p, const Input& a, const Input& b, i64* rows, i64* rs) {
  return p.batch_nd > 0 && b.nd() <= 2 && !p.a_vector && collapse(a, 0, a.nd() - 1, rows, rs);
}

// The stack's sizes, and the steps of a dense result.
struct Sizes {
  i64 shape[kMaxDims], dense[kMaxDims];
  explicit Sizes(const Product& p) {
    i64 step = p.m * p.n > 0 ? p.m * p.n : 1;
    for (int i = p.batch_nd - 1; i >= 0; --i) {
      shape[i] = static_cast<i64>(p.shape[i]);
      dense[i] = step;
      if (shape[i] > 0) step *= shape[i];
    }
  }
};

py::object matmul(py::handle a_, py::handle b_, py::handle out) {
  Input a("matmul", "a", a_), b("matmul", "b", b_);
  ensure_element_strides(a);
  ensure_element_strides(b);
  const Product p("matmul", a, b);
  const nnf_dtype dt = a.dtype();
  py::object c = get_or_make("matmul", out, dt, p.shape, p.nd, {&a, &b});
  char* to = array_data(c);
  i64 rows = p.m, rs = p.a_rs;
  if (p.batch_nd == 0 || one_tall_product(p, a, b, &rows, &rs)) {
    run(p.work(), [&] {
      return nnf_matmul(dt, rows, p.n, p.k, a.data(), rs, p.a_cs, b.data(), p.b_rs, p.b_cs, to, p.n, 0);
    });
    return p.nd == 0 && out.is_none() ? as_scalar(c) : c;
  }
  const Steps sa(p, a), sb(p, b);
  const Sizes sizes(p);
  run(p.work(), [&] {
    return nnf_matmul_batched(dt, p.batch_nd, sizes.shape, p.m, p.n, p.k, a.data(), p.a_rs, p.a_cs, sa.step, b.data(),
                              p.b_rs, p.b_cs, sb.step, to, p.n, sizes.dense, 0);
  });
  return c;
}

py::object matmul_backward(py::handle grad_output, py::handle a_, py::handle b_) {
  Input g("matmul_backward", "grad_output", grad_output);
  Input a("matmul_backward", "a", a_), b("matmul_backward", "b", b_);
  ensure_element_strides(a);
  ensure_element_strides(b);
  const Product p("matmul_backward", a, b);
  g.expect_same_dtype(a);
  g.expect_shape(p.shape, p.nd);
  g.make_contiguous();
  const nnf_dtype dt = a.dtype();
  py::object ga = new_array(dt, a.shape(), a.nd()), gb = new_array(dt, b.shape(), b.nd());
  char *to_a = array_data(ga), *to_b = array_data(gb);
  i64 rows = p.m, rs = p.a_rs;
  if (p.batch_nd == 0 || one_tall_product(p, a, b, &rows, &rs)) {
    run(2 * p.work(), [&] {
      const nnf_status s = nnf_matmul(dt, rows, p.k, p.n, g.data(), p.n, 1, b.data(), p.b_cs, p.b_rs, to_a, p.k, 0);
      if (s != NNF_OK) return s;
      return nnf_matmul(dt, p.k, p.n, rows, a.data(), p.a_cs, rs, g.data(), p.n, 1, to_b, p.n, 0);
    });
    return py::make_tuple(ga, gb);
  }
  // Where a matrix was broadcast its gradient's step is 0, which adds what its places give.
  const Steps sa(p, a), sb(p, b), sga = Steps::dense(p, a), sgb = Steps::dense(p, b);
  const Sizes sizes(p);
  run(2 * p.work(), [&] {
    const nnf_status s =
        nnf_matmul_batched(dt, p.batch_nd, sizes.shape, p.m, p.k, p.n, g.data(), p.n, 1, sizes.dense, b.data(), p.b_cs,
                           p.b_rs, sb.step, to_a, p.k, sga.step, 0);
    if (s != NNF_OK) return s;
    return nnf_matmul_batched(dt, p.batch_nd, sizes.shape, p.k, p.n, p.m, a.data(), p.a_cs, p.a_rs, sa.step, g.data(),
                              p.n, 1, sizes.dense, to_b, p.n, sgb.step, 0);
  });
  return py::make_tuple(ga, gb);
}

// ---------------------------------------------------------------- linear

// x (..., in) as (m, in) with one row stride; copied where its strides do not allow that.
struct Rows {
  i64 m, rs, cs;
  explicit Rows(Input& x) {
    ensure_element_strides(x);
    if (!collapse(x, 0, x.nd() - 1, &m, &rs)) {
      x.make_contiguous();
      collapse(x, 0, x.nd() - 1, &m, &rs);
    }
    cs = x.stride(x.nd() - 1);
  }
};

void check_weight(const Input& x, Input& weight) {
  x.expect_min_nd(1, "or more, (..., in)");
  weight.expect_same_dtype(x);
  weight.expect_nd(2, "(out, in)");
  const i64 in = x.dim(x.nd() - 1);
  weight.expect_shape({weight.dim(0), in});
  ensure_element_strides(weight);
}

py::object linear(py::handle x_, py::handle weight_, py::handle bias_, py::handle activation, py::handle out_) {
  Input x("linear", "x", x_), weight("linear", "weight", weight_);
  check_weight(x, weight);
  const i64 in = weight.dim(1), out = weight.dim(0);
  const Activation a("linear", activation);
  const nnf_dtype dt = x.dtype();
  py::ssize_t shape[kMaxDims];
  for (int i = 0; i + 1 < x.nd(); ++i) shape[i] = x.shape()[i];
  shape[x.nd() - 1] = static_cast<py::ssize_t>(out);

  OptionalInput bias("linear", "bias", bias_, x);
  if (bias.input) bias.input->expect_shape({out});
  py::object y = bias.input ? get_or_make("linear", out_, dt, shape, x.nd(), {&x, &weight, &*bias.input})
                            : get_or_make("linear", out_, dt, shape, x.nd(), {&x, &weight});
  const char* b = bias.data();
  const Rows rows(x);
  char* to = array_data(y);
  run((static_cast<double>(in) + 1) * static_cast<double>(rows.m) * static_cast<double>(out), [&] {
    return nnf_linear(dt, rows.m, out, in, x.data(), rows.rs, rows.cs, weight.data(), weight.stride(0),
                      weight.stride(1), b, a.act, a.alpha, to);
  });
  return y;
}

py::object linear_backward(py::handle grad_output, py::handle x_, py::handle weight_, py::handle bias_,
                           py::handle activation, py::handle output_) {
  static const char* const kName = "linear_backward";
  Input g(kName, "grad_output", grad_output);
  Input x(kName, "x", x_), weight(kName, "weight", weight_);
  check_weight(x, weight);
  const Activation a(kName, activation);
  OptionalInput bias(kName, "bias", require_bias(kName, bias_, a, !output_.is_none()), x);
  OptionalInput output(kName, "output", output_, x);
  const i64 in = weight.dim(1), out = weight.dim(0);
  const nnf_dtype dt = x.dtype();
  py::ssize_t shape[kMaxDims];
  for (int i = 0; i + 1 < x.nd(); ++i) shape[i] = x.shape()[i];
  shape[x.nd() - 1] = static_cast<py::ssize_t>(out);
  g.expect_same_dtype(x);
  g.expect_shape(shape, x.nd());
  if (bias.input) bias.input->expect_shape({out});
  if (output.input) output.input->expect_shape(shape, x.nd());
  g.make_contiguous();
  const char *b = bias.data(), *y = output.data();
  const py::ssize_t bias_shape[] = {static_cast<py::ssize_t>(out)};
  py::object gx = new_array(dt, x.shape(), x.nd()), gweight = new_array(dt, weight.shape(), 2);
  py::object gbias = new_array(dt, bias_shape, 1);
  const Rows rows(x);
  char *to_x = array_data(gx), *to_weight = array_data(gweight), *to_bias = array_data(gbias);
  run(2 * (static_cast<double>(in) + 1) * static_cast<double>(rows.m) * static_cast<double>(out), [&] {
    return nnf_linear_backward(dt, rows.m, out, in, g.data(), x.data(), rows.rs, rows.cs, weight.data(),
                               weight.stride(0), weight.stride(1), b, a.act, a.alpha, y, to_x, to_weight, to_bias);
  });
  return py::make_tuple(gx, gweight, gbias);
}

}  // namespace

void init_dense(py::module_& m) {
  m.def("matmul", &matmul, py::arg("a"), py::arg("b"), py::arg("out") = py::none());
  m.def("matmul_backward", &matmul_backward, py::arg("grad_output"), py::arg("a"), py::arg("b"));
  m.def("linear", &linear, py::arg("x"), py::arg("weight"), py::arg("bias") = py::none(),
        py::arg("activation") = py::none(), py::arg("out") = py::none());
  m.def("linear_backward", &linear_backward, py::arg("grad_output"), py::arg("x"), py::arg("weight"),
        py::arg("bias") = py::ellipsis(), py::arg("activation") = py::none(), py::arg("output") = py::none());
}

}  // namespace nnf::bindings
