"""What benchmarks share: the machine's limits measured in the same run, peers when installed, the report.

A benchmark is one piece of work done by several contenders. `versus` times them in turn, round by round, and
prints one line: nnfast's time, rate and share of the limit, and the time of each peer over nnfast's. The
limits are the FMA peak of the threads asked for, all at once, and the bandwidth of a large copy.

    pytest benchmarks                          all of it, one thread
    pytest benchmarks --threads 2 -k gemm      two threads, one file
    OPENBLAS_CORETYPE=SkylakeX pytest ...      NumPy's OpenBLAS told which core it has, where it guesses low
    pytest benchmarks/test_gemm.py --plot docs the plots too, as PNG files in that folder
"""

import importlib
import importlib.util
import os
import time

import numpy as np
import pytest
from versus import Table, interleave

import nnfast as nf

# Contenders whose package has another name.
PACKAGES = {"reference": "nnfast", "torch_channels_last": "torch"}


def pytest_addoption(parser):
    parser.addoption("--threads", type=int, default=1, help="threads every contender may use (default 1)")
    parser.addoption("--plot", default=None, metavar="FOLDER", help="write the benchmarks' plots there")


def pytest_configure(config):
    config.nnfast_table = Table()
    # Before any peer is imported: OpenMP and XLA read these once.
    threads = str(config.getoption("--threads"))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = threads
    if threads == "1":
        os.environ.setdefault(
            "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )


@pytest.fixture(scope="session")
def threads(request):
    n = request.config.getoption("--threads")
    import threadpoolctl

    with threadpoolctl.threadpool_limits(n):
        nf.set_num_threads(n)
        if importlib.util.find_spec("torch"):
            importlib.import_module("torch").set_num_threads(n)
        yield n


@pytest.fixture(scope="session")
def bandwidth(threads):
    """Bytes read plus written a second by a copy of 64 MiB on one core, the best of several runs."""
    a, b = np.ones(1 << 24, np.float32), np.zeros(1 << 24, np.float32)
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        np.copyto(b, a)
        best = max(best, 2 * a.nbytes / (time.perf_counter() - start))
    return best


@pytest.fixture
def versus(request, benchmark, bandwidth, threads):
    """versus(title, makers, flops=, moved=, elements=, dtype=): times the installed contenders in turn.

    `makers` maps a contender's name (its package's, or one of PACKAGES) to a function that returns the work,
    or None where it cannot.
    With `elements` the rate is preceded by the nanoseconds of one. Returns the medians, in seconds.
    """

    def run(title, makers, *, flops=None, moved=None, elements=None, dtype="float32", budget=0.3, least=9):
        functions = {}
        for name, make in makers.items():
            work = make() if importlib.util.find_spec(PACKAGES.get(name, name)) else None
            if work is not None:
                functions[name] = work
        medians, possible = interleave(functions, dtype, budget, least, threads)
        ours, rate, share = medians["nnfast"], "", None
        if flops:
            rate, share = f"{flops / ours / 1e9:.1f} GFLOPS", flops / possible
        elif moved:
            rate, share = f"{moved / ours / 1e9:.1f} GB/s", moved / ours / bandwidth
        if elements:
            rate = f"{ours * 1e9 / elements:.3f} ns {rate}"
        request.config.nnfast_table.add(request.path.name, title, medians, rate, share)
        benchmark.group = title
        benchmark.extra_info.update({name: seconds / ours for name, seconds in medians.items()})
        benchmark.pedantic(functions["nnfast"], **rounds_for(functions["nnfast"], budget=0.02))
        return medians

    return run


def rounds_for(function, budget=0.4, least=7):
    """Rounds and iterations that fill the budget; a round is 200 us or more, far above the clock grain."""
    start = time.perf_counter()
    function()
    once = max(time.perf_counter() - start, 1e-7)
    iterations = max(1, int(2e-4 / once))
    return {"rounds": min(max(least, int(budget / (once * iterations))), 200), "iterations": iterations}


def pytest_terminal_summary(terminalreporter, config):
    lines = list(config.nnfast_table.lines())
    if lines:
        terminalreporter.section("nnfast beside its peers, timed in turn (their time over nnfast's)")
        core = os.environ.get("OPENBLAS_CORETYPE", "as it finds it")
        terminalreporter.write_line(f"threads: {config.getoption('--threads')}; OpenBLAS core type: {core}")
        for line in lines:
            terminalreporter.write_line(line)
