"""The machine: instruction set, caches, threads.

Environment variables, all read once, when nnfast is imported or first used:

- `NNFAST_ISA`: the instruction set to use, `scalar`, `avx2`, `avx512` or `neon`; the best one by default. One
  that this CPU does not have makes `import nnfast` an ImportError.
- `NNFAST_NUM_THREADS`: how many threads to use, 1 to 1024. Anything else is ignored with a RuntimeWarning.
- `OMP_NUM_THREADS`: the same, when the former is not set, and never more than there are processors.

Without them nnfast uses as many threads as the process has processors, by its CPU affinity and its control
group's quota. Results do not depend on the number of threads.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import Any, Literal, overload

import numpy as np

from nnfast import _core

__all__ = ["get_num_threads", "num_threads", "set_num_threads", "show_config"]


def _check_isa() -> None:
    """Refuses a NNFAST_ISA that cannot be had now, rather than at the first array."""
    if _core.isa():
        return
    try:
        _core.set_isa(os.environ.get("NNFAST_ISA", ""))
    except ValueError as error:
        raise ImportError(
            f"nnfast: the environment variable NNFAST_ISA cannot be followed: {error}"
        ) from None


def _check_num_threads() -> None:
    """Warns of a NNFAST_NUM_THREADS that the core ignores, as it cannot be followed."""
    value = os.environ.get("NNFAST_NUM_THREADS", "")
    # As the core reads it, with blanks around the number.
    digits = value.lstrip().rstrip(" ").removeprefix("+")
    good = (
        digits.isascii() and digits.isdigit() and 1 <= int(digits.lstrip("0")[:20] or 0) <= _core.MAX_THREADS
    )
    if value and not good:
        warnings.warn(
            f"nnfast: the environment variable NNFAST_NUM_THREADS: expected an integer in "
            f"1..{_core.MAX_THREADS}, got {value!r}; it is ignored",
            RuntimeWarning,
            stacklevel=2,
        )


def set_num_threads(n: int) -> None:
    """Set how many threads nnfast may use, in the whole process.

    Parameters
    ----------
    n : int
        1 to 1024. More than there are processors is allowed, and slower.

    Raises
    ------
    TypeError
        `n` is not an integer.
    ValueError
        `n` is out of range.

    See Also
    --------
    num_threads : a limit for one thread and a block of code.

    Examples
    --------
    >>> import nnfast as nf
    >>> before = nf.get_num_threads()
    >>> nf.set_num_threads(1)
    >>> nf.get_num_threads()
    1
    >>> nf.set_num_threads(before)
    """
    _core.set_num_threads(n)


def get_num_threads() -> int:
    """How many threads a call made here and now may use.

    The process's number, or the limit of the `num_threads` block that this thread is in, if that is lower.

    Returns
    -------
    int

    Examples
    --------
    >>> import nnfast as nf
    >>> with nf.num_threads(1):
    ...     nf.get_num_threads()
    1
    """
    return _core.get_num_threads()


def num_threads(n: int) -> AbstractContextManager[None]:
    """Limit the threads that nnfast uses in a block of code.

    The limit holds for the Python thread that enters the block, until it leaves it; other threads keep
    theirs. It never raises the number above the process's (see `set_num_threads`). Of nested blocks the inner
    one counts.

    Parameters
    ----------
    n : int
        1 to 1024.

    Returns
    -------
    context manager
        To be used once, in a `with` statement; or, made anew for each call, as a decorator of a function.

    Raises
    ------
    TypeError
        `n` is not an integer.
    ValueError
        `n` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import nnfast as nf
    >>> x = np.ones((2, 3), np.float32)
    >>> with nf.num_threads(1):
    ...     nf.matmul(x, x.T)
    array([[3., 3.],
           [3., 3.]], dtype=float32)
    """
    # Checked here and not when the block is entered: the error should point to the call.
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"num_threads: n: expected an integer, got {type(n).__name__}")
    n = n.__index__()
    if not 1 <= n <= _core.MAX_THREADS:
        raise ValueError(f"num_threads: n: expected 1 to {_core.MAX_THREADS}, got {n}")
    return _limited(n)


@contextmanager
def _limited(n: int) -> Iterator[None]:
    before = _core.set_local_num_threads(n)
    try:
        yield
    finally:
        _core.set_local_num_threads(before)


@overload
def show_config(mode: Literal["print"] = "print") -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> dict[str, Any]: ...


def show_config(mode: str = "print") -> dict[str, Any] | None:
    """Show what nnfast found and chose: to be added to a report of a problem or a measurement.

    Parameters
    ----------
    mode : {"print", "dict"}
        Print it, or return it.

    Returns
    -------
    dict or None
        With `mode="dict"`: "nnfast", "isa", "isa_source", "isas" (the instruction sets that can be chosen),
        "cpu", "cpu_features", "cache" (bytes of the three levels, 0 when unknown), "threads",
        "threads_source", "library", "numpy", "python".

    Raises
    ------
    ValueError
        `mode` is neither.

    Examples
    --------
    >>> import nnfast as nf
    >>> config = nf.show_config(mode="dict")
    >>> config["isa"] in config["isas"]
    True
    """
    if mode not in ("print", "dict"):
        raise ValueError(f"show_config: mode: expected 'print' or 'dict', got {mode!r}")
    library = ctypes.CDLL(_core.library_path())

    def text(function: str) -> str:
        getter = library[function]
        getter.restype = ctypes.c_char_p
        return str(getter().decode())

    config = {
        "nnfast": _core.__version__,
        "isa": _core.isa(),
        "isa_source": text("nnf_isa_source"),
        "isas": [isa for isa in ("scalar", "neon", "avx2", "avx512") if _core.isa_supported(isa)],
        "cpu": _core.cpu_name(),
        "cpu_features": _core.cpu_features().split(","),
        "cache": [_core.cache_size(level) for level in (1, 2, 3)],
        "threads": _core.get_num_threads(),
        "threads_source": text("nnf_num_threads_source"),
        "library": _core.library_path(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    if mode == "dict":
        return config
    caches = ", ".join(f"L{i} {size / 1024:,.0f} KiB" for i, size in enumerate(config["cache"], 1) if size)
    lines = {
        "nnfast": f"{config['nnfast']} ({config['library']})",
        "instructions": f"{config['isa']}, chosen by {config['isa_source']} of {', '.join(config['isas'])}",
        "CPU": config["cpu"],
        "features": ", ".join(config["cpu_features"]),
        "caches": caches or "unknown",
        "threads": f"{config['threads']}, from {config['threads_source']}",
        "NumPy": config["numpy"],
        "Python": config["python"],
    }
    for name, value in lines.items():
        print(f"{name:13} {value}")
    return None


# ---- threadpoolctl
#
# threadpoolctl lists and limits only the libraries whose controllers were registered with it, so it must be
# told about nnfast in whichever order the two are imported. Importing it here would cost everybody who has it
# (scikit-learn needs it) 5 to 9 ms at each start, for something few use; so nnfast registers at once when
# it is already there, and otherwise when it is imported.


def _register(threadpoolctl: ModuleType) -> None:
    if not hasattr(threadpoolctl, "register"):  # before 3.2
        return

    class NNFastController(threadpoolctl.LibController):  # type: ignore[name-defined]
        user_api = "nnfast"
        internal_api = "nnfast"
        filename_prefixes = ("libnnfast",)
        check_symbols = ("nnf_get_num_threads", "nnf_set_num_threads", "nnf_set_local_num_threads")

        def get_num_threads(self) -> int:
            # The process's number. With this thread's limit in it, restoring would make that everybody's.
            local = self.dynlib.nnf_set_local_num_threads(0)
            try:
                return int(self.dynlib.nnf_get_num_threads())
            finally:
                self.dynlib.nnf_set_local_num_threads(local)

        def set_num_threads(self, num_threads: int) -> None:
            if self.dynlib.nnf_set_num_threads(num_threads) != 0:
                raise ValueError(f"nnfast: num_threads: expected 1 to {_core.MAX_THREADS}, got {num_threads}")

        def get_version(self) -> str:
            version = self.dynlib.nnf_version
            version.restype = ctypes.c_char_p
            return str(version().decode())

        def set_additional_attributes(self) -> None:
            self.architecture = _core.isa()

    threadpoolctl.register(NNFastController)


class _AfterImport:
    """An import finder that finds nothing itself: it has `_register` called once threadpoolctl is loaded."""

    searching = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "threadpoolctl" or self.searching:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching = False
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_register(module: ModuleType) -> None:
            load(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _register(module)

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec


def _register_threadpoolctl() -> None:
    """Makes `threadpoolctl.threadpool_info` list nnfast and `threadpoolctl.threadpool_limits` limit it."""
    threadpoolctl = sys.modules.get("threadpoolctl")
    if threadpoolctl is not None:
        _register(threadpoolctl)
    else:
        sys.meta_path.insert(0, _AfterImport())


_check_isa()
_check_num_threads()
_register_threadpoolctl()
