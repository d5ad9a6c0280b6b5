// A library that uses OpenMP, as a guest's host would: runs a function on every thread of a parallel region.
// Built with -fopenmp by tests/conftest.py; loaded by base_test and by test_threads.py.
#include <omp.h>

// Returns how many threads the region really had.
extern "C" int openmp_region(int threads, void (*function)(void*), void* context) {
  int had = 0;
#pragma omp parallel num_threads(threads)
  {
#pragma omp single
    had = omp_get_num_threads();
    function(context);
  }
  return had;
}
