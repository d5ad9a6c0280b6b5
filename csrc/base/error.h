// Errors inside the core: thrown as nnf::Error, turned into an nnf_status and a message at the C border
// (capi/guard.h). Never used by ISA files.
#ifndef NNF_BASE_ERROR_H
#define NNF_BASE_ERROR_H

#include <stdexcept>
#include <string>

namespace nnf {

enum class ErrorKind { invalid_value, invalid_type, internal, non_finite };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

[[noreturn]] void throw_invalid(const char* format, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void throw_type(const char* format, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void throw_internal(const char* format, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void throw_non_finite(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace nnf

// A broken promise between our own parts.
#define NNF_ASSERT(cond) \
  ((cond) ? (void)0 : ::nnf::throw_internal("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond))

#endif  // NNF_BASE_ERROR_H
