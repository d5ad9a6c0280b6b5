// Activation functions and their derivatives, over vectors and over arrays (contract.h).
//
// One functor an activation: the piecewise linear ones and the two sigmoids here, the others in smooth-inl.h. To add
// one: a functor `act_<name>`, a line in NNF_ACTIVATIONS (kernels/registry.h), a line in the C header's nnf_activation. A
// functor has
//
//   forward(x, alpha)                    f(x)
//   backward(g, x, alpha)                g f'(x)
//   backward_from_output(g, y, alpha)    g f'(x) for y = f(x); only there when kFromOutput
//   kFromOutput    whether f' follows from y; kLeastAlpha: and for which alpha
//   kCost          of an element, in parallel_for's unit
//
// A NaN in x gives NaN; a NaN in g gives NaN unless the derivative is 0 by definition.
#ifndef NNF_KERNELS_ELEMENTWISE_ACTIVATION_INL_H
#define NNF_KERNELS_ELEMENTWISE_ACTIVATION_INL_H

#include "kernels/elementwise/contract.h"
#include "simd/loop-inl.h"
#include "simd/math-inl.h"

namespace nnf {
namespace {

constexpr double kAnyAlpha = -__builtin_inf();

template <class T>
struct act_identity {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 2;
  static NNF_INLINE V forward(V x, V) { return x; }
  static NNF_INLINE V backward(V g, V, V) { return g; }
  static NNF_INLINE V backward_from_output(V g, V, V) { return g; }
};

// f' = f (1 - f) is even in x: taken at -|x|, where f <= 1/2, neither factor cancels.
template <class T>
struct act_sigmoid {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 6;
  static NNF_INLINE V forward(V x, V) { return sigmoid(x); }
  static NNF_INLINE V backward(V g, V x, V alpha) {
    return backward_from_output(g, sigmoid_nonpositive(copysign(x, set1<T>(-1))), alpha);
  }
  static NNF_INLINE V backward_from_output(V g, V y, V) { return g * (y * (set1<T>(1) - y)); }
};

// f' = 1 - f^2, which cancels where f is near +-1; from the input, 4 s (1 - s) with s = sigmoid(-2 |x|) does not.
template <class T>
struct act_tanh {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 6;
  static NNF_INLINE V forward(V x, V) { return tanh(x); }
  static NNF_INLINE V backward(V g, V x, V) {
    const V s = sigmoid_nonpositive(copysign(x + x, set1<T>(-1)));
    return g * (set1<T>(4) * s * (set1<T>(1) - s));
  }
  static NNF_INLINE V backward_from_output(V g, V y, V) { return g * fnma(y, y, set1<T>(1)); }
};

// The gradient at 0 is 0; a NaN lets it pass (PyTorch's threshold_backward).
template <class T>
struct act_relu {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 2;
  static NNF_INLINE V forward(V x, V) { return max(zero<T>(), x); }  // in this order a NaN stays
  static NNF_INLINE V backward(V g, V x, V) { return select(le(x, zero<T>()), zero<T>(), g); }
  static NNF_INLINE V backward_from_output(V g, V y, V alpha) { return backward(g, y, alpha); }
};

// alpha x for x <= 0. The output has the input's sign unless alpha is negative.
template <class T>
struct act_leaky_relu {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = 0;
  static constexpr int kCost = 2;
  // Asked this way round, GCC multiplies under a mask; the other way it loads x three times.
  static NNF_INLINE V forward(V x, V alpha) { return select(le(x, zero<T>()), x * alpha, x); }
  static NNF_INLINE V backward(V g, V x, V alpha) { return select(gt(x, zero<T>()), g, g * alpha); }
  static NNF_INLINE V backward_from_output(V g, V y, V alpha) { return backward(g, y, alpha); }
};

// The perceptron's: 1 for x > 0, else 0. Its derivative is 0 wherever it exists, and taken as 0 at the jump.
template <class T>
struct act_step {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 2;
  static NNF_INLINE V forward(V x, V) {
    return select(gt(x, zero<T>()), set1<T>(1), select(is_nan(x), x, zero<T>()));
  }
  static NNF_INLINE V backward(V, V, V) { return zero<T>(); }
  static NNF_INLINE V backward_from_output(V, V, V) { return zero<T>(); }
};

// min(max(x + 3, 0), 6) / 6; the slope is 0 from the bends on, where the rounded output is 0 or 1.
template <class T>
struct act_hard_sigmoid {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 2;
  static NNF_INLINE V forward(V x, V) {
    return min(set1<T>(6), max(zero<T>(), x + set1<T>(3))) / set1<T>(6);  // in this order a NaN stays
  }
  static NNF_INLINE V backward(V g, V x, V) {
    return select(le(x, set1<T>(-3)) | ge(x, set1<T>(3)), zero<T>(), g / set1<T>(6));
  }
  static NNF_INLINE V backward_from_output(V g, V y, V) {
    return select(le(y, zero<T>()) | ge(y, set1<T>(1)), zero<T>(), g / set1<T>(6));
  }
};

// min(max(x, 0), 6); the gradient at 0 and at 6 is 0.
template <class T>
struct act_relu6 {
  using V = Vec<T>;
  static constexpr bool kFromOutput = true;
  static constexpr double kLeastAlpha = kAnyAlpha;
  static constexpr int kCost = 2;
  static NNF_INLINE V forward(V x, V) { return min(set1<T>(6), max(zero<T>(), x)); }
  static NNF_INLINE V backward(V g, V x, V) {
    return select(le(x, zero<T>()) | ge(x, set1<T>(6)), zero<T>(), g);
  }
  static NNF_INLINE V backward_from_output(V g, V y, V alpha) { return backward(g, y, alpha); }
};

// ---------------------------------------------------------------- over arrays

// How many vectors are worked on together (map_vectors): what was fastest of 1 to 4. In 16 registers it is two, for up
// to a sixth less time than one. gelu has more values alive than the others.
template <class T, template <class> class Act>
constexpr int kTogether = kMixedVectors == 1 ? 2 : kHasTables<T> ? 4 : 3;

template <class T, template <class> class Act>
void activation_array(i64 n, const T* x, T* y, T alpha) {
  if constexpr (Act<T>::kCost <= 3) {
    const Vec<T> a = set1<T>(alpha);
    for_each_vector_aligned<T>(n, y, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(y + i, Act<T>::forward(lanes.load(x + i), a));
    });
  } else {
    const auto f = [=](auto v) NNF_LAMBDA_INLINE {
      using E = typename ElementOf<decltype(v)>::Type;
      return Act<E>::forward(v, set1<E>(alpha));
    };
    map_vectors<T, kTogether<T, Act>>(n, y, f, x);
  }
}

template <class T, template <class> class Act>
void activation_array_backward(i64 n, const T* g, const T* x, T* gx, T alpha) {
  if constexpr (Act<T>::kCost <= 3) {
    const Vec<T> a = set1<T>(alpha);
    for_each_vector_aligned<T>(n, gx, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
      lanes.store(gx + i, Act<T>::backward(lanes.load(g + i), lanes.load(x + i), a));
    });
  } else {
    const auto f = [=](auto gv, auto v) NNF_LAMBDA_INLINE {
      using E = typename ElementOf<decltype(v)>::Type;
      return Act<E>::backward(gv, v, set1<E>(alpha));
    };
    map_vectors<T, kTogether<T, Act>>(n, gx, f, g, x);
  }
}

template <class T, template <class> class Act>
void activation_array_backward_from_output(i64 n, const T* g, const T* y, T* gx, T alpha_) {
  const Vec<T> alpha = set1<T>(alpha_);
  for_each_vector<T>(n, [=](i64 i, auto lanes) NNF_LAMBDA_INLINE {
    lanes.store(gx + i, Act<T>::backward_from_output(lanes.load(g + i), lanes.load(y + i), alpha));
  });
}

template <class T, template <class> class Act>
struct ForwardArray {
  static constexpr ActForwardFn<T> kFunction = &activation_array<T, Act>;
};

template <class T, template <class> class Act>
constexpr ActivationKernels<T> make_activation() {
  ActBackwardOutFn<T> from_output = nullptr;
  if constexpr (Act<T>::kFromOutput) from_output = &activation_array_backward_from_output<T, Act>;
  return {ForwardArray<T, Act>::kFunction, &activation_array_backward<T, Act>, from_output, Act<T>::kLeastAlpha,
          Act<T>::kCost};
}

}  // namespace
}  // namespace nnf

#endif  // NNF_KERNELS_ELEMENTWISE_ACTIVATION_INL_H
