"""csrc/base on its own: builds tests/cpp/base_test.cpp with the sources it checks, and runs its checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHECKS = [
    "cover",
    "together",
    "limits",
    "exceptions",
    "nested",
    "interrupts",
    "callers",
    "forks",
    "rounding",
    "placement",
    "memory",
    "arena",
    "cpu",
    "cgroups",
]


@pytest.fixture(scope="module")
def program(compilers, tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "base_test"
    sources = [ROOT / "tests/cpp/base_test.cpp", *sorted((ROOT / "csrc/base").glob("*.cpp"))]
    command = [compilers["c++"], "-std=c++17", "-O1", "-Wall", "-Wextra", f"-I{ROOT / 'csrc'}"]
    subprocess.run([*command, *map(str, sources), "-pthread", "-ldl", "-o", str(path)], check=True)
    return path


@pytest.mark.parametrize("check", CHECKS)
def test_base(program, check, tmp_path):
    process = subprocess.run(
        [program, check, tmp_path], timeout=120, capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ok\n", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
def test_inside_openmp(program, openmp_region):
    """One thread inside another library's parallel region; as many as ever before, after and beside it."""
    process = subprocess.run(
        [program, "openmp", openmp_region],
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_DYNAMIC": "false", "OMP_THREAD_LIMIT": "8"},
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ok\n", "")


def test_every_check_is_run():
    source = (ROOT / "tests/cpp/base_test.cpp").read_text()
    assert sorted([*CHECKS, "openmp"]) == sorted(part.split('"')[0] for part in source.split('name == "')[1:])
