// The C border: runs a body, turns exceptions into an nnf_status and this thread's message; picks float or double.
#ifndef NNF_CAPI_GUARD_H
#define NNF_CAPI_GUARD_H

#include <new>

#include "base/error.h"
#include "nnfast/nnfast.h"

namespace nnf {

void set_last_error(const char* message);

template <class F>
nnf_status guard(F&& body) noexcept {
  try {
    body();
    return NNF_OK;
  } catch (const Error& e) {
    set_last_error(e.what());
    switch (e.kind()) {
      case ErrorKind::invalid_value: return NNF_INVALID_VALUE;
      case ErrorKind::invalid_type: return NNF_INVALID_TYPE;
      case ErrorKind::non_finite: return NNF_NON_FINITE;
      case ErrorKind::internal: break;
    }
    return NNF_INTERNAL;
  } catch (const std::bad_alloc&) {
    set_last_error("out of memory");
    return NNF_OUT_OF_MEMORY;
  } catch (const std::exception& e) {
    set_last_error(e.what());
    return NNF_INTERNAL;
  } catch (...) {
    set_last_error("unknown error");
    return NNF_INTERNAL;
  }
}

// Calls body(T{}) with T = float or double as dt says.
template <class F>
nnf_status guard_typed(nnf_dtype dt, F&& body) noexcept {
  return guard([&] {
    if (dt == NNF_F32) {
      body(float{});
    } else if (dt == NNF_F64) {
      body(double{});
    } else {
      throw_type("dt: expected NNF_F32 or NNF_F64, got %d", static_cast<int>(dt));
    }
  });
}

}  // namespace nnf

#endif  // NNF_CAPI_GUARD_H
