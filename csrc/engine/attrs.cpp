// Reading a node's options.
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "engine/op.h"

namespace nnf {

std::string to_string(const Shape& shape) {
  std::string s = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i) s += ", ";
    s += std::to_string(shape[i]);
  }
  return s + (shape.size() == 1 ? ",)" : ")");
}

Attrs::Attrs(const char* op, int count, const nnf_attr* attrs) : op_(op) {
  for (int i = 0; i < count; ++i) {
    const nnf_attr& a = attrs[i];
    if (a.name == nullptr) throw_invalid("%s: option %d has no name", op, i);
    if (a.count < 1 || a.count > 4) throw_invalid("%s: %s: expected 1 to 4 numbers, got %d", op, a.name, a.count);
    attrs_.push_back(a);
  }
  used_.assign(attrs_.size(), false);
}

const nnf_attr* Attrs::find(const char* name) {
  for (std::size_t i = 0; i < attrs_.size(); ++i) {
    if (std::strcmp(attrs_[i].name, name) == 0) {
      used_[i] = true;
      return &attrs_[i];
    }
  }
  return nullptr;
}

i64 Attrs::checked_integer(const char* name, double value) const {
  // 2^53: the integers a double holds exactly.
  if (!(std::fabs(value) <= 9007199254740992.0) || std::floor(value) != value) {
    throw_invalid("%s: %s: expected an integer of at most 2^53 in size, got %g", op_.c_str(), name, value);
  }
  return static_cast<i64>(value);
}

double Attrs::number(const char* name, double fallback) {
  const nnf_attr* a = find(name);
  if (a == nullptr) return fallback;
  if (a->count != 1) throw_invalid("%s: %s: expected one number, got %d", op_.c_str(), name, a->count);
  return a->values[0];
}

i64 Attrs::integer(const char* name) { return integers(name, 1, nullptr)[0]; }

i64 Attrs::integer(const char* name, i64 fallback) { return integers(name, 1, &fallback)[0]; }

bool Attrs::flag(const char* name, bool fallback) { return number(name, fallback ? 1.0 : 0.0) != 0.0; }

std::vector<i64> Attrs::integers(const char* name, int count, const i64* fallback) {
  const nnf_attr* a = find(name);
  std::vector<i64> values;
  if (a == nullptr) {
    if (fallback == nullptr) throw_invalid("%s: %s: missing", op_.c_str(), name);
    values.assign(fallback, fallback + count);
  } else if (a->count == 1) {
    values.assign(static_cast<std::size_t>(count), checked_integer(name, a->values[0]));
  } else if (a->count == count) {
    for (int i = 0; i < count; ++i) values.push_back(checked_integer(name, a->values[i]));
  } else {
    throw_invalid("%s: %s: expected 1 or %d numbers, got %d", op_.c_str(), name, count, a->count);
  }
  return values;
}

std::vector<i64> Attrs::integers(const char* name) {
  const nnf_attr* a = find(name);
  if (a == nullptr) throw_invalid("%s: %s: missing", op_.c_str(), name);
  std::vector<i64> values;
  for (int i = 0; i < a->count; ++i) values.push_back(checked_integer(name, a->values[i]));
  return values;
}

void Attrs::finish() const {
  for (std::size_t i = 0; i < attrs_.size(); ++i) {
    if (!used_[i]) throw_invalid("%s: unknown option '%s'", op_.c_str(), attrs_[i].name);
  }
}

}  // namespace nnf
