// Plans one block of memory for many buffers with known lifetimes, so that buffers that never live together share
// bytes. Greedy by size, largest first, each at the lowest offset free during its whole life (arXiv 2001.03288).
#ifndef NNF_BASE_ARENA_H
#define NNF_BASE_ARENA_H

#include <vector>

#include "base/types.h"

namespace nnf {

class ArenaPlanner {
 public:
  // A buffer of `bytes`, written first at time `first` and read last at time `last` (both inclusive). Returns its id.
  int add(i64 bytes, int first, int last);
  // Places all buffers; returns the block's size in bytes. Offsets are multiples of kAlignment.
  i64 plan();
  i64 offset(int id) const { return buffers_[id].offset; }
  i64 naive_size() const;

 private:
  struct Buffer {
    i64 bytes;
    int first, last;
    i64 offset;
  };
  std::vector<Buffer> buffers_;
};

}  // namespace nnf

#endif  // NNF_BASE_ARENA_H
