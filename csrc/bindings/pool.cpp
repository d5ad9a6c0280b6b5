// Bindings of max_pool and avg_pool, 1-D and 2-D. Options arrive complete from nnfast/functional: pairs are
// (height, width), a 1-D function's have one number. Images that lie channels-last in memory are read and returned so.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bindings/channels_last.h"
#include "bindings/checks.h"

namespace nnf::bindings {
namespace {

// The 1-D functions are the 2-D ones of height 1: `dims` is the number of axes their images and options have.
struct Pool {
  const char* function;
  int dims;
  Input x;
  nnf_pool2d_shape s{};
  py::ssize_t shape[4];  // of the output

  Pool(const char* function_, int dims_, py::handle x_, py::handle kernel_size, py::handle stride, py::handle padding,
       py::handle dilation, py::handle ceil_mode, py::handle count_include_pad)
      : function(function_), dims(dims_), x(function, "x", x_) {
    x.expect_nd(dims + 2, dims == 2 ? "(n, c, h, w)" : "(n, c, l)");
    i64 oh = 0, ow = 0;
    s.n = x.dim(0);
    s.c = x.dim(1);
    s.h = dims == 2 ? x.dim(2) : 1;
    s.w = x.dim(dims + 1);
    read_axes("kernel_size", kernel_size, 1, &s.kh, &s.kw);
    read_axes("stride", stride, 1, &s.stride_h, &s.stride_w);
    read_axes("padding", padding, 0, &s.pad_h, &s.pad_w);
    s.dilation_h = s.dilation_w = 1;
    if (dilation) read_axes("dilation", dilation, 1, &s.dilation_h, &s.dilation_w);
    s.ceil_mode = read_bool(function, "ceil_mode", ceil_mode);
    if (count_include_pad) s.count_include_pad = read_bool(function, "count_include_pad", count_include_pad);
    check_as(function, nnf_pool2d_output(&s, &oh, &ow));
    shape[0] = x.shape()[0];
    shape[1] = x.shape()[1];
    shape[2] = static_cast<py::ssize_t>(oh);
    shape[dims + 1] = static_cast<py::ssize_t>(ow);
  }
  int nd() const { return dims + 2; }
  double work() const { return static_cast<double>(x.size()); }
  // A new array, which lies as the images do.
  py::object make(const py::ssize_t* of_shape, char** data) const {
    if (s.channels_last) return new_lying_as(x.dtype(), of_shape, kChannelsLast, data);
    py::object array = new_array(x.dtype(), of_shape, nd());
    *data = array_data(array);
    return array;
  }
  // The output: `out`, into which images are written as NCHW, or a new array, which lies as x does.
  py::object make_output(py::handle out, char** data) {
    s.channels_last = out.is_none() && lies_only_as(x, kChannelsLast);
    if (s.channels_last) return make(shape, data);
    py::object y = get_or_make(function, out, x.dtype(), shape, nd(), {&x});
    x.make_contiguous();
    *data = array_data(y);
    return y;
  }
  // The indices of such an output.
  py::object make_indices(std::int64_t** data) const {
    std::vector<py::ssize_t> lies(shape, shape + nd());
    if (s.channels_last) lies = {shape[0], shape[2], shape[3], shape[1]};
    py::array_t<std::int64_t> dense(lies);
    *data = dense.mutable_data();
    if (!s.channels_last) return std::move(dense);
    return dense.attr("transpose")(0, 3, 1, 2);
  }

 private:
  void read_axes(const char* name, py::handle value, i64 least, i64* down, i64* across) {
    i64 two[2] = {least, least};  // of the height of a 1-D function: one cell, no padding
    read_integers(function, name, value, dims, two + (dims == 2 ? 0 : 1));
    *down = two[0];
    *across = two[1];
    if (dims == 1 && *across < least) {
      fail_value("%s: %s: expected at least %lld, got %lld", function, name, static_cast<long long>(least),
                 static_cast<long long>(*across));
    }
  }
};

template <int Dims>
py::object max_pool(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding, py::handle dilation,
                    py::handle ceil_mode, py::handle return_indices, py::handle out) {
  const char* function = Dims == 2 ? "max_pool2d" : "max_pool1d";
  Pool p(function, Dims, x, kernel_size, stride, padding, dilation, ceil_mode, {});
  const bool with_indices = read_bool(function, "return_indices", return_indices);
  char* to = nullptr;
  py::object y = p.make_output(out, &to);
  if (!with_indices) {
    run(p.work(), [&] { return nnf_max_pool2d(p.x.dtype(), &p.s, p.x.data(), to); });
    return y;
  }
  std::int64_t* to_indices = nullptr;
  py::object indices = p.make_indices(&to_indices);
  run(p.work(), [&] { return nnf_max_pool2d_indices(p.x.dtype(), &p.s, p.x.data(), to, to_indices); });
  return py::make_tuple(y, indices);
}

template <int Dims>
py::object avg_pool(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding,
                    py::handle ceil_mode, py::handle count_include_pad, py::handle out) {
  const char* function = Dims == 2 ? "avg_pool2d" : "avg_pool1d";
  Pool p(function, Dims, x, kernel_size, stride, padding, {}, ceil_mode, count_include_pad);
  char* to = nullptr;
  py::object y = p.make_output(out, &to);
  run(p.work(), [&] { return nnf_avg_pool2d(p.x.dtype(), &p.s, p.x.data(), to); });
  return y;
}

// Integers of the output's shape, in its layout.
struct Indices {
  Indices(const Pool& p, py::handle value) : labels(p.function, "indices", value) {
    const auto fits = [&] {
      if (labels.nd() != p.nd()) return false;
      for (int i = 0; i < p.nd(); ++i) {
        if (labels.shape()[i] != p.shape[i]) return false;
      }
      return true;
    };
    if (!fits()) {
      fail_value("%s: indices: expected the output's shape %s, got %s", p.function,
                 shape_text(p.shape, p.nd()).c_str(), shape_text(labels.shape(), labels.nd()).c_str());
    }
    if (!p.s.channels_last) return;
    const py::object array = py::module_::import("numpy").attr("asarray")(value);
    last.emplace(p.function, "indices", array.attr("transpose")(0, 2, 3, 1));
  }
  const i64* data() const { return last ? last->data() : labels.data(); }

 private:
  Labels labels;
  std::optional<Labels> last;
};

template <int Dims>
py::object max_pool_backward(py::handle grad_output, py::handle x, py::handle kernel_size, py::handle stride,
                             py::handle padding, py::handle dilation, py::handle ceil_mode, py::handle indices_) {
  const char* function = Dims == 2 ? "max_pool2d_backward" : "max_pool1d_backward";
  Input g(function, "grad_output", grad_output);
  Pool p(function, Dims, x, kernel_size, stride, padding, dilation, ceil_mode, {});
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, p.nd());
  p.s.channels_last = lies_only_as(g, kChannelsLast) && (!indices_.is_none() || lies_only_as(p.x, kChannelsLast));
  char* to = nullptr;
  if (!indices_.is_none()) {
    const Indices indices(p, indices_);
    py::object gx = p.make(p.x.shape(), &to);
    if (!p.s.channels_last) g.make_contiguous();
    check_as(function, release(p.work(), [&] {
               return nnf_max_pool2d_indices_backward(p.x.dtype(), &p.s, g.data(), indices.data(), to);
             }));
    return gx;
  }
  py::object gx = p.make(p.x.shape(), &to);
  if (!p.s.channels_last) {
    g.make_contiguous();
    p.x.make_contiguous();
  }
  run(p.work(), [&] { return nnf_max_pool2d_backward(p.x.dtype(), &p.s, g.data(), p.x.data(), to); });
  return gx;
}

template <int Dims>
py::object avg_pool_backward(py::handle grad_output, py::handle x, py::handle kernel_size, py::handle stride,
                             py::handle padding, py::handle ceil_mode, py::handle count_include_pad) {
  const char* function = Dims == 2 ? "avg_pool2d_backward" : "avg_pool1d_backward";
  Input g(function, "grad_output", grad_output);
  Pool p(function, Dims, x, kernel_size, stride, padding, {}, ceil_mode, count_include_pad);
  g.expect_same_dtype(p.x);
  g.expect_shape(p.shape, p.nd());
  p.s.channels_last = lies_only_as(g, kChannelsLast);
  char* to = nullptr;
  py::object gx = p.make(p.x.shape(), &to);
  if (!p.s.channels_last) g.make_contiguous();
  run(p.work(), [&] { return nnf_avg_pool2d_backward(p.x.dtype(), &p.s, g.data(), to); });
  return gx;
}

template <int Dims>
void define(py::module_& m) {
  const std::string d = Dims == 2 ? "2d" : "1d";
  m.def(("max_pool" + d).c_str(), &max_pool<Dims>, py::arg("x"), py::arg("kernel_size"), py::arg("stride"),
        py::arg("padding"), py::arg("dilation"), py::arg("ceil_mode"), py::arg("return_indices") = false,
        py::arg("out") = py::none());
  m.def(("max_pool" + d + "_backward").c_str(), &max_pool_backward<Dims>, py::arg("grad_output"), py::arg("x"),
        py::arg("kernel_size"), py::arg("stride"), py::arg("padding"), py::arg("dilation"), py::arg("ceil_mode"),
        py::arg("indices") = py::none());
  m.def(("avg_pool" + d).c_str(), &avg_pool<Dims>, py::arg("x"), py::arg("kernel_size"), py::arg("stride"),
        py::arg("padding"), py::arg("ceil_mode"), py::arg("count_include_pad"), py::arg("out") = py::none());
  m.def(("avg_pool" + d + "_backward").c_str(), &avg_pool_backward<Dims>, py::arg("grad_output"), py::arg("x"),
        py::arg("kernel_size"), py::arg("stride"), py::arg("padding"), py::arg("ceil_mode"),
        py::arg("count_include_pad"));
}

}  // namespace

void init_pool(py::module_& m) {
  define<1>(m);
  define<2>(m);
}

}  // namespace nnf::bindings
