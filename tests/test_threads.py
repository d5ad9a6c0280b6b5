"""Threads: the same bits at any number, fork, many callers, limits, threadpoolctl, no work when idle."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nnfast as nf
from nnfast import _core

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


# ---------------------------------------------------------------- the same bits


def cases(rng, dtype):
    """Calls large enough for several threads; the ones that reduce over rows are where bits would differ."""

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    a, b = draw(300, 257), draw(257, 310)
    x, weight, bias, g = draw(1500, 120), draw(90, 120), draw(90), draw(1500, 90)
    image, kernel, gi = draw(8, 6, 20, 20), draw(12, 6, 3, 3), draw(8, 12, 20, 20)
    logits, labels = draw(4000, 37), rng.integers(0, 37, 4000)
    flat = draw(300_001)
    yield "matmul", lambda: nf.matmul(a, b)
    yield "linear", lambda: nf.linear(x, weight, bias)
    yield "linear_backward", lambda: nf.linear_backward(g, x, weight)
    yield "conv2d", lambda: nf.conv2d(image, kernel, padding=1)
    yield "conv2d_backward", lambda: nf.conv2d_backward(gi, image, kernel, padding=1)
    yield "max_pool2d", lambda: nf.max_pool2d(image, 2)
    yield "tanh", lambda: nf.tanh(flat)
    yield "softmax", lambda: nf.softmax(logits)
    yield "cross_entropy", lambda: nf.cross_entropy(logits, labels)
    yield "mse_loss", lambda: nf.mse_loss(flat, flat[::-1].copy())
    yield "dropout", lambda: nf.dropout(flat, 0.3, seed=1)


def test_same_bits_at_any_number_of_threads(isa, dtype, rng):
    before = nf.get_num_threads()
    nf.set_num_threads(5)
    try:
        for name, call in cases(rng, dtype):
            with nf.num_threads(1):
                expected = call()
            for n in (2, 3, 4, 5):
                with nf.num_threads(n):
                    result = call()
                for one, other in zip(as_tuple(expected), as_tuple(result), strict=True):
                    one, other = np.asarray(one), np.asarray(other)
                    assert one.dtype == other.dtype == dtype
                    assert one.tobytes() == other.tobytes(), f"{name}, {n} threads"
    finally:
        nf.set_num_threads(before)


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def test_many_python_threads_at_once(threads, rng):
    a, b = rng.standard_normal((200, 300)), rng.standard_normal((300, 250))
    expected = nf.matmul(a, b)

    def work(_):
        with nf.num_threads(threads):
            return all(np.array_equal(nf.matmul(a, b), expected) for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


# ---------------------------------------------------------------- fork

# A parent that has used the pool, and goes on using it in another thread while it forks.
BUSY_PARENT = """
import os, signal, sys, threading, time
import numpy as np
import nnfast as nf
nf.set_num_threads(3)
rng = np.random.default_rng(0)
a, b = rng.standard_normal((400, 400)), rng.standard_normal((400, 400))
expected = nf.matmul(a, b)
stop = False
def go_on():
    while not stop:
        nf.matmul(a, b)
other = threading.Thread(target=go_on)
other.start()
"""


@linux_only
def test_fork_while_another_thread_computes(run_python):
    code = (
        BUSY_PARENT
        + """
for _ in range(25):
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a hang becomes a death by signal
        ok = nf.get_num_threads() == 3 and all(np.array_equal(nf.matmul(a, b), expected) for _ in range(3))
        # and with workers of its own: this many threads beside the only one that fork keeps
        ok = ok and len(os.listdir("/proc/self/task")) == 3
        os._exit(0 if ok else 1)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
stop = True
other.join()
assert np.array_equal(nf.matmul(a, b), expected)
"""
    )
    run_python(code, env={"PYTHONWARNINGS": "ignore"}, timeout=120)


@linux_only
def test_multiprocessing_with_fork(run_python):
    code = (
        BUSY_PARENT
        + """
import multiprocessing
def work(i):
    return np.array_equal(nf.matmul(a, b), expected)
try:
    signal.alarm(60)
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert all(pool.map(work, range(12)))
finally:
    stop = True
other.join()
"""
    )
    run_python(code, env={"PYTHONWARNINGS": "ignore"}, timeout=120)


# ---------------------------------------------------------------- the number of threads


def test_num_threads_restores():
    before = nf.get_num_threads()
    nf.set_num_threads(4)
    try:
        with nf.num_threads(3):
            assert nf.get_num_threads() == 3
            with nf.num_threads(1):
                assert nf.get_num_threads() == 1
            assert nf.get_num_threads() == 3
            with pytest.raises(ZeroDivisionError), nf.num_threads(2):
                assert nf.get_num_threads() == 2
                _ = 1 / 0
            assert nf.get_num_threads() == 3
            nf.set_num_threads(2)  # the process's number; a limit never raises it
            assert nf.get_num_threads() == 2
        assert nf.get_num_threads() == 2
    finally:
        nf.set_num_threads(before)
    assert nf.get_num_threads() == before


def test_num_threads_is_the_threads_own():
    before = nf.get_num_threads()
    nf.set_num_threads(4)
    barrier = threading.Barrier(3)

    def inside(n):
        with nf.num_threads(n):
            barrier.wait(30)  # all of them are in their blocks
            seen = nf.get_num_threads()
            barrier.wait(30)
        return seen, nf.get_num_threads()

    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(inside, (1, 2, 3))) == [(1, 4), (2, 4), (3, 4)]
        assert nf.get_num_threads() == 4
    finally:
        nf.set_num_threads(before)


def test_num_threads_as_a_decorator():
    @nf.num_threads(1)
    def inside():
        return nf.get_num_threads()

    assert [inside(), inside()] == [1, 1]


@pytest.mark.parametrize("function", [nf.set_num_threads, nf.num_threads])
def test_bad_numbers_of_threads(function):
    before = nf.get_num_threads()
    for n in (0, -1, 1025):
        with pytest.raises(ValueError, match=f"num_threads: n: expected .* got {n}"):
            function(n)
    for n in (1.0, "2", None):
        with pytest.raises(TypeError, match="num_threads: n: expected an integer, got"):
            function(n)
    assert nf.get_num_threads() == before


PRINT_THREADS = "import nnfast as nf; print(nf.get_num_threads(), nf.show_config('dict')['threads_source'])"


@linux_only
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NNFAST_NUM_THREADS": "3"}, "3 NNFAST_NUM_THREADS"),
        ({"NNFAST_NUM_THREADS": "3", "OMP_NUM_THREADS": "1"}, "3 NNFAST_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "1"}, "1 OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "1,4,2"}, "1 OMP_NUM_THREADS"),
        ({"OMP_NUM_THREADS": "1000"}, None),
        ({"OMP_NUM_THREADS": "0"}, None),
        ({"NNFAST_NUM_THREADS": "many", "OMP_NUM_THREADS": "-2"}, None),
        ({"NNFAST_NUM_THREADS": "1,2"}, None),
        ({"NNFAST_NUM_THREADS": "99999999999999999999"}, None),
        ({}, None),
    ],
)
def test_environment(variables, expected, run_python):
    shown = run_python(PRINT_THREADS, env=variables).stdout.strip()
    if expected is not None:
        assert shown == expected
        return
    n, source = shown.split(maxsplit=1)
    usable = len(os.sched_getaffinity(0))
    assert int(n) == usable if source == "CPU affinity" else 1 <= int(n) < usable
    assert source in ("CPU affinity", "cgroup quota")


def test_one_limit_of_threads():
    assert _core.MAX_THREADS == 1024
    for function in (_core.set_num_threads, _core.set_local_num_threads, nf.num_threads):
        with pytest.raises(ValueError, match=f"to {_core.MAX_THREADS}, got {_core.MAX_THREADS + 1}"):
            function(_core.MAX_THREADS + 1)


@pytest.mark.parametrize("value", ["0", "-1", "abc", "4,2", "2.5", "100000", " "])
def test_a_bad_number_in_the_environment_warns_once(value, run_python):
    shown = run_python("import nnfast, nnfast.config", env={"NNFAST_NUM_THREADS": value}).stderr
    assert shown.count("RuntimeWarning: ") == 1
    assert f"NNFAST_NUM_THREADS: expected an integer in 1..1024, got {value!r}" in shown


@pytest.mark.parametrize("value", [None, "", "1", "1024", "2"])
def test_a_good_number_in_the_environment_does_not_warn(value, run_python):
    assert run_python("import nnfast", env={"NNFAST_NUM_THREADS": value, "OMP_NUM_THREADS": "0"}).stderr == ""


@linux_only
def test_affinity(run_python):
    cpu = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{cpu}}}); {PRINT_THREADS}"
    assert run_python(code).stdout == "1 CPU affinity\n"
    assert run_python(code, env={"NNFAST_NUM_THREADS": "2"}).stdout == "2 NNFAST_NUM_THREADS\n"


# ---------------------------------------------------------------- threadpoolctl

OURS = "[i for i in threadpoolctl.threadpool_info() if i['user_api'] == 'nnfast']"


@pytest.mark.parametrize(
    "imports",
    ["import nnfast as nf, threadpoolctl", "import threadpoolctl, nnfast as nf"],
    ids=["nnfast first", "threadpoolctl first"],
)
def test_threadpoolctl(imports, run_python):
    pytest.importorskip("threadpoolctl", minversion="3.2")
    code = f"""
{imports}
import sys
nf.set_num_threads(4)
(ours,) = {OURS}
assert ours["num_threads"] == 4 and ours["version"] == nf.__version__ and ours["prefix"] == "libnnfast", ours
assert ours["architecture"] == nf.show_config("dict")["isa"]
with threadpoolctl.threadpool_limits(2):
    assert nf.get_num_threads() == 2
    with nf.num_threads(1), threadpoolctl.threadpool_limits(3, user_api="nnfast"):
        assert nf.get_num_threads() == 1  # this thread's limit holds
    assert nf.get_num_threads() == 2      # and has not become everybody's
with threadpoolctl.threadpool_limits(1, user_api="blas"):
    assert nf.get_num_threads() == 4
assert nf.get_num_threads() == 4
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("nnfast")]
"""
    run_python(code)


def test_threadpoolctl_is_not_imported(run_python):
    run_python("import sys, nnfast; assert 'threadpoolctl' not in sys.modules")


def test_without_threadpoolctl(run_python):
    """The import of a package that is not installed fails as it always does, and again the next time."""
    code = """
import sys
import nnfast
sys.path = [p for p in sys.path if "site-packages" not in p and "dist-packages" not in p]
sys.path_importer_cache.clear()
for finder in list(sys.meta_path):  # of editable installations
    if getattr(finder, "__name__", "") != "" or type(finder).__module__.startswith("nnfast"):
        continue
    sys.meta_path.remove(finder)
for _ in range(2):
    try:
        import threadpoolctl
    except ModuleNotFoundError as error:
        assert error.name == "threadpoolctl"
    else:
        raise AssertionError("found it")
"""
    run_python(code)


# ---------------------------------------------------------------- a good guest


def test_no_work_when_idle(threads, rng):
    a = rng.standard_normal((256, 256))
    for _ in range(3):
        nf.matmul(a, a)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.05


@linux_only
def test_workers_stay_out_of_signals(run_python):
    """Python handles signals on its main thread; one delivered to a worker would wake nobody."""
    code = """
import os
import numpy as np
import nnfast as nf
nf.set_num_threads(3)
a = np.ones((400, 400))
nf.matmul(a, a)
workers = 0
for task in os.listdir("/proc/self/task"):
    status = dict(line.split(":\\t", 1) for line in open(f"/proc/self/task/{task}/status") if ":\\t" in line)
    if status["Name"].startswith("nnfast-"):
        workers += 1
        blocked = int(status["SigBlk"], 16)
        for signal in (2, 15, 10, 14):  # SIGINT, SIGTERM, SIGUSR1, SIGALRM
            assert blocked >> (signal - 1) & 1, signal
assert workers == 2, workers
"""
    run_python(code)


def test_exit_while_another_thread_computes(run_python):
    code = """
import threading, time
import numpy as np
import nnfast as nf
nf.set_num_threads(3)
a = np.ones((500, 500))
def forever():
    while True:
        nf.matmul(a, a)
for _ in range(2):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
"""
    for _ in range(3):
        run_python(code)


@linux_only
def test_closing_the_library_while_workers_sleep(run_python):
    """As a C program may, with dlopen and dlclose; Python itself never unloads a module."""
    code = """
import _ctypes, ctypes, os, time
lib = ctypes.CDLL(os.environ["LIBRARY"])
lib.nnf_set_num_threads(3)
n = ctypes.c_int64(400)
one = ctypes.c_int64(1)
a, c = (ctypes.c_float * 160000)(), (ctypes.c_float * 160000)()
assert lib.nnf_matmul(0, n, n, n, a, n, one, a, n, one, c, n, 0) == 0
assert any("nnfast-" in open(f"/proc/self/task/{t}/comm").read() for t in os.listdir("/proc/self/task"))
_ctypes.dlclose(lib._handle)
time.sleep(0.3)
"""
    run_python(code, env={"LIBRARY": _core.library_path()})
