"""Models in files: one safetensors file each, written so that a crash leaves the old one or the new one.

What this is: the file. Its arrays are the parameters by the names of `state_dict` and the optimizer's state
under "optimizer.<number>.<parameter>"; its metadata are `format` "nnfast", `version`, `model` (JSON, see
`nnfast._describe`) and `checksum` (CRC-32 of that and of all arrays).
What this is not: what the JSON says, or how a model is made of it (`nnfast._describe`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nnfast import _checks, _describe

if TYPE_CHECKING:
    from nnfast._network import Network
    from nnfast.model import Model

Array = NDArray[Any]

FORMAT = "nnfast"
VERSION = 1  # of the file; grows when an older nnfast could not read it


def _bytes(array: Array) -> Any:
    """The numbers, not copied, of an array in C order."""
    return array.reshape(-1).view(np.uint8).data


def _checksum(text: str, arrays: Mapping[str, Array]) -> str:
    total = zlib.crc32(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), total)
        total = zlib.crc32(_bytes(array), total)
    return f"{total:08x}"


def _name(owner: str, path: Any) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{owner}: path: expected a string or a path, got {path!r}")
    return os.fsdecode(path)


def _sync_folder(folder: str) -> None:
    """Make a rename in it last; file systems that cannot do that say so, and nothing is lost by it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def save(model: Network, path: str | os.PathLike[str]) -> None:
    """Write `model` to `path`; see `nnfast.Model.save`."""
    target = os.path.realpath(_name("save", path))  # a link stays one
    if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
        raise ValueError(f"save: path: expected a file, got something else of that name: {target}")
    views = model._named_views("save")
    core = model._ensure_model("save")
    text = json.dumps(_describe.describe(model, core))
    # Files hold C order; the engine's views are not.
    arrays = {name: view.copy(order="C") for name, view in views.items()}
    for which in (0, 1, 2):
        for name, state in zip(model._param_names(core), core.states(which), strict=False):
            arrays[f"optimizer.{which}.{name}"] = state.copy(order="C")
    notes = {"format": FORMAT, "version": str(VERSION), "model": text, "checksum": _checksum(text, arrays)}

    handle, part = _temporary(target)
    try:
        with os.fdopen(handle, "wb") as file:  # and with it the lock, until it has its name
            with contextlib.suppress(FileNotFoundError):
                os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
            _write(file, notes, arrays)
            file.flush()
            os.fsync(handle)
            os.replace(part, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        if isinstance(error, OSError) and error.filename is None:  # a full disk names no file
            error.filename = target
        raise
    folder, name = os.path.split(target)
    _sync_folder(folder)
    _clean(folder, name)


# ---------------------------------------------------------------- temporary files


def _lock(handle: int, wait: bool) -> bool:
    """Lock a file for as long as it is open; whether that was possible. Killed processes hold no lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # also where the file system knows no locks: then nothing is ever cleaned
        return False
    return True


def _temporary(target: str) -> tuple[int, str]:
    """A new file beside `target`, open and locked: its handle and its name."""
    folder, name = os.path.split(target)
    while True:
        part = os.path.join(folder, f".{name[:200]}.{secrets.token_hex(4)}.tmp")
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        _lock(handle, wait=True)
        # Another process may have taken it for one left behind before it was locked.
        if os.path.exists(part):
            return handle, part
        os.close(handle)


def _clean(folder: str, name: str) -> None:
    """Remove what writers of this file that were killed have left behind."""
    ours = re.compile(re.escape(f".{name[:200]}.") + r"[0-9a-f]{8}\.tmp")
    with contextlib.suppress(OSError):  # a folder that may be written to, but not listed
        for found in filter(ours.fullmatch, os.listdir(folder)):
            part = os.path.join(folder, found)
            with contextlib.suppress(OSError):
                handle = os.open(part, os.O_WRONLY | os.O_NOFOLLOW)
                try:
                    if _lock(handle, wait=False):
                        os.unlink(part)
                finally:
                    os.close(handle)


# ---------------------------------------------------------------- the format


def _write(file: BinaryIO, notes: dict[str, str], arrays: Mapping[str, Array]) -> None:
    """The format of https://huggingface.co/docs/safetensors: size of the header, header, arrays.

    Not the library's `save_file`, which makes a file of its own that nobody syncs, nor its `save`, which
    holds all in memory once more. Reading, where the care is needed, is the library's.
    """
    header: dict[str, Any] = {"__metadata__": notes}
    offset = 0
    for name, array in arrays.items():
        kind = {"float32": "F32", "float64": "F64"}[array.dtype.name]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for array in arrays.values():
        file.write(_bytes(array))


def _open(path: str) -> Any:
    """The safetensors file, which mapped into memory is read as far as it is asked."""
    from safetensors import safe_open

    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("expected a file, got something else of that name")
    with open(path, "rb"):
        pass  # the system's own error where it may not be read
    return safe_open(path, framework="np")


def _is_ours(notes: Mapping[str, str]) -> bool:
    return notes.get("format") == FORMAT and "model" in notes


def _read(path: str) -> tuple[str, dict[str, Array]]:
    """The description and the arrays; ValueError unless it is a whole file of this format."""
    with _open(path) as file:
        notes = file.metadata() or {}
        if not _is_ours(notes):
            raise ValueError(
                "holds arrays, but no model that nnfast saved; arrays alone are for a model of their shapes: "
                "model.load_weights(path)"
            )
        version = notes.get("version", "")
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise ValueError(f"version: expected a number, got {version[:20]!r}")
        if int(version) > VERSION:
            raise ValueError(
                f"was written by a newer nnfast (format {version}, this one reads up to {VERSION}); update it"
            )
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    text = notes["model"]
    if notes.get("checksum") != _checksum(text, arrays):
        raise ValueError("is damaged: its checksum does not fit its contents")
    return text, arrays


def _check(
    what: str, expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Array], dtype: Any
) -> None:
    """ValueError unless these are the arrays, of these shapes and this dtype."""
    for name, shape in expected.items():
        if name not in arrays:
            raise ValueError(f"{what} {name!r} is missing")
        array = arrays[name]
        if array.shape != tuple(shape) or array.dtype != dtype:
            raise ValueError(
                f"{what} {name!r}: expected {tuple(shape)}, {dtype}, got {array.shape}, {array.dtype}"
            )
    unexpected = [name for name in arrays if name not in expected]
    if unexpected:
        raise ValueError(f"{what} {unexpected[0]!r} is unexpected")


def _build(text: str, arrays: dict[str, Array]) -> Model:
    given = json.loads(text)
    if not isinstance(given, dict):
        raise ValueError("model: expected a description of a model")
    model = _describe.make(given)
    states = {name: array for name, array in arrays.items() if name.startswith("optimizer.")}
    found = {name: array for name, array in arrays.items() if name not in states}
    # Before anything is made: a small file must not ask for large arrays.
    _check("parameter", _describe.shapes_of(model), found, model.dtype)
    core = model._ensure_model("load")
    for name, view in model._named_views("load").items():
        view[...] = found[name]
    names = model._param_names(core)
    views = {
        f"optimizer.{which}.{name}": view
        for which in (0, 1, 2)
        for name, view in zip(names, core.states(which), strict=False)
    }
    _check("state", {name: view.shape for name, view in views.items()}, states, model.dtype)
    for name, view in views.items():
        view[...] = states[name]
    for counter in ("step_count", "optimizer_step_count"):
        setattr(core, counter, _checks.integer("model", counter, given.get(counter), 0))
    _describe.set_updates(model, core, given)
    model._synced = None  # the rates of the steps to come
    return model  # type: ignore[return-value]


def load(path: str | os.PathLike[str]) -> Model:
    """The model in a file that `Model.save` wrote, ready to predict and to train on.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Model or Sequential
        With weights, dtype, seed, backend, optimizer, its state and learning rate, loss, metrics and all
        counters. Training goes on with the bits of an unbroken run.

    Raises
    ------
    ValueError
        If the file is truncated, damaged, of a newer version, or no model at all.
    OSError
        If it cannot be read.

    Warns
    -----
    UserWarning
        If the model was compiled with metrics that are functions: a file does not hold code.

    Notes
    -----
    Nothing in a file is run: classes are looked up by name among nnfast's own and made of numbers and
    strings. Arrays are checked against the layers before memory is taken, so a file cannot ask for more than
    a small multiple of its size.

    Examples
    --------
    >>> import os, tempfile, nnfast as nf
    >>> model = nf.Sequential(nf.Linear(4, 3), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     same = nf.load(path)
    >>> bool((same.layers[0].weight == model.layers[0].weight).all())
    True
    """
    name = _name("load", path)
    try:
        return _build(*_read(name))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever a file that means ill can bring about in the steps above
        raise ValueError(f"load: {name}: {error}") from error


# ---------------------------------------------------------------- weights alone


@dataclass(frozen=True)
class WeightsReport:
    """What `Model.load_weights` found: names of parameters, and the shapes that differ."""

    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # in the file
    unexpected: list[str] = field(default_factory=list)  # in the file
    mismatched: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything fitted."""
        return not (self.missing or self.unexpected or self.mismatched)

    def _parts(self) -> dict[str, str]:
        shapes = [f"{name} {own}, file {got}" for name, (own, got) in self.mismatched.items()]
        lists = {"loaded": self.loaded, "missing": self.missing, "unexpected": self.unexpected}
        found = {what: ", ".join(names) for what, names in lists.items() if names}
        return {**found, **({"another shape": "; ".join(shapes)} if shapes else {})}

    def __repr__(self) -> str:
        count = len(self.loaded) + len(self.missing) + len(self.mismatched)
        lines = [f"WeightsReport(loaded={len(self.loaded)} of {count})"]
        return "\n".join(lines + [f"  {what}: {names}" for what, names in self._parts().items()])


Shape = tuple[int, ...]


def _weights(path: str, wanted: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Shape], list[str]]:
    """The arrays of these names and shapes, the shapes of those that have others, and all other names."""
    with _open(path) as file:
        names = list(file.keys())
        if _is_ours(file.metadata() or {}):
            _, arrays = _read(path)  # with its checksum
            names = [name for name in names if not name.startswith("optimizer.")]
            shapes = {name: arrays[name].shape for name in names}
            get = arrays.__getitem__
        else:
            # Only what fits is read: a file cannot ask for more memory than the model has.
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            get = file.get_tensor
        fits = {
            name: _numbers(name, get)
            for name in names
            if name in wanted and shapes[name] == wanted[name].shape
        }
    other = {name: shape for name, shape in shapes.items() if name in wanted and name not in fits}
    return fits, other, [name for name in names if name not in wanted]


def _numbers(name: str, get: Callable[[str], Array]) -> Array:
    try:
        array = get(name)
    except TypeError as error:  # of a kind that NumPy does not have, such as bfloat16
        raise ValueError(f"{name}: expected numbers as NumPy has them, float32 say: {error}") from None
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected real numbers, got dtype {array.dtype}")
    return array


def load_weights(model: Network, path: str | os.PathLike[str], strict: bool) -> WeightsReport:
    """Set the parameters of `model` from a file, by name; see `nnfast.Model.load_weights`."""
    name = _name("load_weights", path)
    views = model._named_views("load_weights")
    try:
        fits, other, unexpected = _weights(name, views)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"load_weights: {name}: {error}") from error
    report = WeightsReport(
        [key for key in views if key in fits],
        [key for key in views if key not in fits and key not in other],
        unexpected,
        {key: (view.shape, other[key]) for key, view in views.items() if key in other},
    )
    if strict and not report.complete:
        wrong = "; ".join(f"{what}: {names}" for what, names in report._parts().items() if what != "loaded")
        raise ValueError(f"load_weights: {name}: {wrong}; strict=False loads the rest")
    for key, array in fits.items():
        views[key][...] = array
    return report
