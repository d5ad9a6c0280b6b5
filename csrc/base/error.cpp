// Formats the messages of the core's errors (see error.h).
#include "base/error.h"

#include <cstdarg>
#include <cstdio>

namespace nnf {
namespace {

__attribute__((format(printf, 1, 0))) std::string format_message(const char* format, va_list args) {
  va_list again;
  va_copy(again, args);
  const int length = std::vsnprintf(nullptr, 0, format, args);
  std::string message(length > 0 ? static_cast<std::size_t>(length) : 0, '\0');
  if (length > 0) std::vsnprintf(&message[0], message.size() + 1, format, again);
  va_end(again);
  return message;
}

}  // namespace

// The same body four times: a variadic function cannot be written over the kind and keep its format attribute.
#define NNF_DEFINE_THROW(name, kind)                          \
  void name(const char* format, ...) {                        \
    va_list args;                                             \
    va_start(args, format);                                   \
    const std::string message = format_message(format, args); \
    va_end(args);                                             \
    throw Error(ErrorKind::kind, message);                    \
  }

NNF_DEFINE_THROW(throw_invalid, invalid_value)
NNF_DEFINE_THROW(throw_type, invalid_type)
NNF_DEFINE_THROW(throw_internal, internal)
NNF_DEFINE_THROW(throw_non_finite, non_finite)
#undef NNF_DEFINE_THROW

}  // namespace nnf
