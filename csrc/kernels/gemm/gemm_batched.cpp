// The threads share the stack when there are enough products, or when each is too small to be shared; products that are
// few and large are carried out one after another, each by all threads.
//
// Small products go to the microkernel directly: deciding about blocks, packing and threads costs more than an 8x8x8
// product itself. The order of an element's sum is that of gemm.cpp's blocks, with one block of k.
#include "kernels/gemm/gemm_batched.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace nnf {
namespace {

// A product whose operands stay in L1 is small.
constexpr i64 kSmallBytes = 1 << 14;
// From this many products on the stack is shared among the threads whatever their size: no machine of fewer than half
// as many threads has to wait long for the last one.
constexpr i64 kManyProducts = 64;

// Some of the stack's dimensions, walked in row-major order.
struct Walk {
  int nd = 0;
  i64 places = 1;
  i64 shape[kMaxStackDims] = {}, index[kMaxStackDims] = {};
  i64 a[kMaxStackDims] = {}, b[kMaxStackDims] = {}, c[kMaxStackDims] = {};  // steps
  i64 at_a = 0, at_b = 0, at_c = 0;  // offsets of the place stood at

  void add(i64 size, i64 a_step, i64 b_step, i64 c_step) {
    places *= size;
    if (size == 1) return;
    if (nd > 0 && a[nd - 1] == a_step * size && b[nd - 1] == b_step * size && c[nd - 1] == c_step * size) {
      shape[nd - 1] *= size;  // one dimension with the one before
      a[nd - 1] = a_step;
      b[nd - 1] = b_step;
      c[nd - 1] = c_step;
      return;
    }
    shape[nd] = size;
    a[nd] = a_step;
    b[nd] = b_step;
    c[nd++] = c_step;
  }
  void go_to(i64 place) {
    at_a = at_b = at_c = 0;
    for (int d = nd - 1; d >= 0; --d) {
      index[d] = place % shape[d];
      place /= shape[d];
      at_a += index[d] * a[d];
      at_b += index[d] * b[d];
      at_c += index[d] * c[d];
    }
  }
  void next() {
    for (int d = nd - 1; d >= 0; --d) {
      at_a += a[d];
      at_b += b[d];
      at_c += c[d];
      if (++index[d] < shape[d]) return;
      at_a -= shape[d] * a[d];
      at_b -= shape[d] * b[d];
      at_c -= shape[d] * c[d];
      index[d] = 0;
    }
  }
};

template <class T>
struct Shape {
  i64 m, n, k;
  i64 a_rs, a_cs, b_rs, b_cs, ldc;

  bool small() const {
    const i64 bytes = (m * k + k * n) * static_cast<i64>(sizeof(T));
    return m > 1 && k > 0 && m <= kSmallBytes && n <= kSmallBytes && k <= kSmallBytes && bytes <= kSmallBytes;
  }
  // A single row (m == 1) as the vectors' kernel takes it.
  bool row() const { return m == 1 && k > 0 && a_cs == 1 && (b_cs == 1 || b_rs == 1); }
};

// Small products, one after the other, on one thread.
template <class T>
class SmallProducts {
 public:
  explicit SmallProducts(const Shape<T>& shape)
      : s_(shape), table_(kernels<T>()), nr_(table_.gemm.nr) {
    tile_.m = s_.m;
    tile_.k = s_.k;
    tile_.segments = 1;
    tile_.rows = nullptr;
    tile_.a_rs = s_.a_rs;
    tile_.a_seg = nullptr;
    tile_.bias = nullptr;
    tile_.relu = false;
    tile_.a_cs = s_.a_cs;
    tile_.b_seg = 0;
    tile_.b_at = nullptr;
    tile_.ldc = s_.ldc;
    if (s_.b_cs != 1) panels_ = thread_scratch<T>(Scratch::gemm_b, ceil_div(s_.n, nr_) * nr_ * s_.k);
    tile_.ldb = panels_ == nullptr ? s_.b_rs : nr_;
    tile_.n = s_.n;
    tile_.step = nr_;
    tile_.b_panel = panels_ == nullptr ? nr_ : nr_ * s_.k;
  }
  void operator()(const T* a, const T* b, T* c, bool accumulate) {
    if (panels_ != nullptr && b != packed_) {  // one B after another is packed once when it serves many places
      for (i64 j = 0; j < s_.n; j += nr_) {
        table_.gemm_pack_b(s_.k, std::min(nr_, s_.n - j), b + j * s_.b_cs, s_.b_rs, s_.b_cs, panels_ + j * s_.k);
      }
      packed_ = b;
    }
    tile_.b = panels_ == nullptr ? b : panels_;
    tile_.accumulate = accumulate;
    tile_.a = a;
    tile_.c = c;
    table_.gemm_micro(tile_);
  }

 private:
  const Shape<T>& s_;
  const KernelTable<T>& table_;
  const i64 nr_;
  GemmTile<T> tile_;
  T* panels_ = nullptr;
  const T* packed_ = nullptr;
};

template <class T>
struct Operands {
  const T *a, *b;
  T* c;
};

// Calls product(a, b, c, accumulate) for places begin..end-1 of C, and for each for all places added to it.
template <class T, class F>
void each_product(Walk places, Walk added, const Operands<T>& x, bool accumulate, i64 begin, i64 end, F&& product) {
  places.go_to(begin);
  for (i64 i = begin; i < end; ++i, places.next()) {
    added.go_to(0);
    for (i64 j = 0; j < added.places; ++j, added.next()) {
      product(x.a + places.at_a + added.at_a, x.b + places.at_b + added.at_b, x.c + places.at_c, accumulate || j > 0);
    }
  }
}

}  // namespace

template <class T>
void gemm_batched(const MatmulStack& stack, i64 m, i64 n, i64 k, MatView<T> a, MatView<T> b, T* c, i64 ldc,
                  bool accumulate) {
  Walk places, added;
  for (int d = 0; d < stack.nd; ++d) {
    Walk& walk = stack.c_step[d] == 0 ? added : places;
    walk.add(stack.shape[d], stack.a_step[d], stack.b_step[d], stack.c_step[d]);
  }
  if (m <= 0 || n <= 0 || places.places == 0) return;
  const Operands<T> x{a.p, b.p, c};
  if (added.places == 0) {  // empty sums
    if (accumulate) return;
    places.go_to(0);
    for (i64 i = 0; i < places.places; ++i, places.next()) {
      for (i64 r = 0; r < m; ++r) std::fill_n(c + places.at_c + r * ldc, n, T(0));
    }
    return;
  }
  const Shape<T> shape{m, n, k, a.rs, a.cs, b.rs, b.cs, ldc};
  const auto general = [&](const T* pa, const T* pb, T* pc, bool add) {
    gemm<T>(m, n, k, {pa, a.rs, a.cs}, {pb, b.rs, b.cs}, pc, ldc, add);
  };
  const i64 cost = m * n * (k + 1) / 64 + 1;
  if (cost >= kParallelThreshold && places.places < kManyProducts) {
    each_product(places, added, x, accumulate, 0, places.places, general);
    return;
  }
  parallel_for(places.places, cost * added.places, [&](i64 begin, i64 end) {
    if (shape.small()) {
      each_product(places, added, x, accumulate, begin, end, SmallProducts<T>(shape));
    } else if (shape.row()) {
      const GemmRowFn<T> row = kernels<T>().gemm_row;
      each_product(places, added, x, accumulate, begin, end, [&](const T* pa, const T* pb, T* pc, bool add) {
        row(n, k, pa, pb, b.rs, b.cs, pc, add);
      });
    } else {
      each_product(places, added, x, accumulate, begin, end, general);
    }
  });
}

template void gemm_batched<float>(const MatmulStack&, i64, i64, i64, MatView<float>, MatView<float>, float*, i64, bool);
template void gemm_batched<double>(const MatmulStack&, i64, i64, i64, MatView<double>, MatView<double>, double*, i64,
                                   bool);

}  // namespace nnf
