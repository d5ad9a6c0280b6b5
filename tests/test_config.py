"""Configuration: what show_config says, how the instruction set is chosen, what the C interface answers."""

import ctypes
import doctest
import os

import numpy as np
import pytest

import nnfast as nf
from nnfast import _core, config

ALL_ISAS = {"scalar", "avx2", "avx512", "neon"}


def test_docstrings():
    assert doctest.testmod(config).failed == 0


def test_show_config_dict():
    shown = nf.show_config(mode="dict")
    assert shown["nnfast"] == nf.__version__ == _core.__version__
    assert shown["isa"] in shown["isas"]
    assert "scalar" in shown["isas"]
    assert set(shown["isas"]) <= ALL_ISAS
    assert shown["isa_source"] in ("the CPU", "NNFAST_ISA", "set_isa")
    assert shown["cpu"]
    assert len(shown["cache"]) == 3
    assert all(size >= 0 for size in shown["cache"])
    assert shown["threads"] == nf.get_num_threads()
    assert os.path.exists(shown["library"])
    assert shown["numpy"] == np.__version__


def test_show_config_prints_it(capsys):
    assert nf.show_config() is None
    text = capsys.readouterr().out
    shown = nf.show_config(mode="dict")
    for value in (shown["nnfast"], shown["isa"], shown["isa_source"], shown["cpu"], shown["threads_source"]):
        assert value in text
    assert len(text.splitlines()) == 8


def test_show_config_refuses_other_modes():
    with pytest.raises(ValueError, match="show_config: mode: expected 'print' or 'dict', got 'json'"):
        nf.show_config(mode="json")


def test_best_isa_is_the_default(run_python):
    code = "import nnfast as nf; c = nf.show_config('dict'); print(c['isa'], c['isas'][-1], c['isa_source'])"
    for unset in (None, ""):
        isa, best, source = run_python(code, env={"NNFAST_ISA": unset}).stdout.split(maxsplit=2)
        assert isa == best
        assert source == "the CPU\n"


@pytest.mark.parametrize("name", sorted(ALL_ISAS))
def test_isa_of_the_environment(name, run_python):
    code = "import nnfast as nf; c = nf.show_config('dict'); print(c['isa'], c['isa_source'])"
    supported = _core.isa_supported(name)
    process = run_python(code, env={"NNFAST_ISA": name}, check=supported)
    if supported:
        assert process.stdout == f"{name} NNFAST_ISA\n"
    else:
        assert process.returncode != 0
        assert "ImportError" in process.stderr
        assert f"'{name}'" in process.stderr


@pytest.mark.parametrize("name", ["avx1024", "AVX2", "avx2 ", " "])
def test_unknown_isa_of_the_environment(name, run_python):
    process = run_python("import nnfast", env={"NNFAST_ISA": name}, check=False)
    assert process.returncode != 0
    message = process.stderr.splitlines()[-1]
    assert message.startswith("ImportError: nnfast: the environment variable NNFAST_ISA ")
    assert message.endswith(f", got '{name}'")
    assert "'scalar'" in message  # one that can be had


def test_set_isa(isa):
    assert _core.isa() == isa
    shown = nf.show_config(mode="dict")
    assert (shown["isa"], shown["isa_source"]) == (isa, "set_isa")
    for name in ("", "sse", "AVX2", "avx512 "):
        assert not _core.isa_supported(name)
        with pytest.raises(ValueError, match=f"set_isa: name: expected .*'scalar'.*got '{name}'"):
            _core.set_isa(name)
    assert _core.isa() == isa


def test_cache_sizes_out_of_range():
    assert _core.cache_size(0) == 0
    assert _core.cache_size(4) == 0


def test_c_interface_with_an_isa_that_cannot_be_had(run_python):
    """No other instruction set is taken silently; set_isa brings the library back."""
    code = """
import ctypes, os
lib = ctypes.CDLL(os.environ["LIBRARY"])
for name in ("nnf_isa", "nnf_isa_source", "nnf_last_error", "nnf_version"):
    getattr(lib, name).restype = ctypes.c_char_p
assert lib.nnf_last_error() == b""
assert lib.nnf_version()
assert lib.nnf_isa() == b"" and lib.nnf_isa_source() == b""
message = lib.nnf_last_error()
assert message.startswith(b"NNFAST_ISA: expected ") and message.endswith(b"got 'sse'")
x, y = (ctypes.c_float * 3)(-1, 0, 2), (ctypes.c_float * 3)(7, 7, 7)
n = ctypes.c_int64(3)
relu = lambda: lib.nnf_activation_forward(0, 3, ctypes.c_double(0), n, x, y)
assert relu() == 1 and list(y) == [7, 7, 7]
assert lib.nnf_set_isa(b"nonsense") == 1 and lib.nnf_set_isa(None) == 1
assert lib.nnf_isa_supported(b"scalar") == 1 and lib.nnf_isa_supported(None) == 0
assert lib.nnf_set_isa(b"scalar") == 0 and lib.nnf_isa() == b"scalar"
assert relu() == 0 and list(y) == [0, 0, 2]
"""
    run_python(code, env={"NNFAST_ISA": "sse", "LIBRARY": _core.library_path()})


def test_allocation_count_is_exported():
    library = ctypes.CDLL(_core.library_path())
    library.nnf_allocation_count.restype = ctypes.c_int64
    assert library.nnf_allocation_count() == _core.allocation_count() >= 0
