// Greedy placement by size (see arena.h). Quadratic in the number of buffers, which is a network's nodes: hundreds.
#include "base/arena.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/memory.h"

namespace nnf {

int ArenaPlanner::add(i64 bytes, int first, int last) {
  NNF_ASSERT(bytes >= 0 && bytes <= std::numeric_limits<i64>::max() - static_cast<i64>(kAlignment));
  NNF_ASSERT(first <= last);
  buffers_.push_back({round_up(bytes, static_cast<i64>(kAlignment)), first, last, 0});
  return static_cast<int>(buffers_.size()) - 1;
}

i64 ArenaPlanner::plan() {
  // Largest first; equal sizes in the order they were added, so that a plan depends on nothing but its input.
  std::vector<std::size_t> order(buffers_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [this](std::size_t a, std::size_t b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<std::size_t> placed;  // by offset
  i64 size = 0;
  for (const std::size_t id : order) {
    Buffer& buffer = buffers_[id];
    buffer.offset = 0;
    if (buffer.bytes == 0) continue;
    // Walk the neighbours in time from the bottom; `offset` is the end of all that were too close to leave room.
    for (const std::size_t other_id : placed) {
      const Buffer& other = buffers_[other_id];
      if (other.last < buffer.first || buffer.last < other.first) continue;
      if (buffer.offset + buffer.bytes <= other.offset) break;
      buffer.offset = std::max(buffer.offset, other.offset + other.bytes);
    }
    size = std::max(size, buffer.offset + buffer.bytes);
    const auto below = [this](i64 offset, std::size_t other) { return offset < buffers_[other].offset; };
    const auto at = std::upper_bound(placed.begin(), placed.end(), buffer.offset, below);
    placed.insert(at, id);
  }
  return size;
}

i64 ArenaPlanner::naive_size() const {
  i64 sum = 0;
  for (const Buffer& buffer : buffers_) sum += buffer.bytes;
  return sum;
}

}  // namespace nnf
