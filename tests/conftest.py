"""What the tests share: instruction sets, threads, dtypes, random numbers, other processes, compilers."""

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import nnfast as nf
from nnfast import _core

SUPPORTED_ISAS = [name for name in ("scalar", "neon", "avx2", "avx512") if _core.isa_supported(name)]
# NNFAST_ISA=avx2 pytest: that one only.
ISAS = [_core.isa()] if os.environ.get("NNFAST_ISA") else SUPPORTED_ISAS


def pytest_collection_modifyitems(config, items):
    """Tests marked slow run when -m asks for them, or when they are named (file.py::test)."""
    if config.getoption("-m") or any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(params=ISAS)
def isa(request):
    """Each instruction set this CPU has, in use while the test runs."""
    before = _core.isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    """1, 2 and 4 threads, also on a machine with fewer processors."""
    before = nf.get_num_threads()
    nf.set_num_threads(max(before, request.param))  # num_threads limits, it never raises
    with nf.num_threads(request.param):
        assert nf.get_num_threads() == request.param
        yield request.param
    nf.set_num_threads(before)


@pytest.fixture(params=[np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def dtype(request):
    return request.param


@pytest.fixture
def rng(request):
    """Random numbers that are the test's own: the same each time, whichever tests run beside it."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture
def run_python(tmp_path):
    """run_python(code, env={...}, timeout=60): a new interpreter; returns its CompletedProcess, text output.

    It must end well, or the test fails and shows its output, unless `check=False`. Variables set to None are
    removed. It runs away from the project's root, so that it imports the installed package.
    """

    def run(code, env=None, timeout=60, check=True):
        variables = dict(os.environ)
        for name, value in {"NNFAST_NUM_THREADS": None, "OMP_NUM_THREADS": None, **(env or {})}.items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        process = subprocess.run(
            [sys.executable, "-c", code],
            env=variables,
            cwd=tmp_path,
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and process.returncode != 0:
            output = f"--- stdout\n{process.stdout}\n--- stderr\n{process.stderr}"
            pytest.fail(f"exit status {process.returncode}\n{output}")
        return process

    return run


@pytest.fixture(scope="session")
def compilers():
    """{"c": path, "c++": path}; skips where there are none."""

    def first(*names):
        return next(filter(None, map(shutil.which, names)), None)

    found = {
        "c": first(os.environ.get("CC", "cc"), "gcc", "clang"),
        "c++": first(os.environ.get("CXX", "c++"), "g++", "clang++"),
    }
    if None in found.values():
        pytest.skip("no C and C++ compiler")
    return found


@pytest.fixture(scope="session")
def openmp_region(compilers, tmp_path_factory):
    """The library built from tests/cpp/openmp_region.cpp; skips where the compiler has no OpenMP."""
    path = tmp_path_factory.mktemp("openmp") / "openmp_region.so"
    source = Path(__file__).resolve().parent / "cpp" / "openmp_region.cpp"
    for compiler in filter(None, (compilers["c++"], shutil.which("g++"), shutil.which("clang++"))):
        command = [compiler, "-std=c++17", "-O1", "-fopenmp", "-shared", "-fPIC", source, "-o", path]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("no compiler with OpenMP")
