"""Models in files: one safetensors file each, written so that a crash leaves the old one or the new one.

What this is: how a file is replaced, and what its arrays are: the parameters by the names of `state_dict` and
the optimizer's state under "optimizer.<number>.<parameter>", what callbacks keep of their kind under
"callback.<number>.<name>.<parameter>"; checks of what comes back.
What this is not: the file's format (`nnfast._container`), what its description says, or how a model is made
of it (`nnfast._describe`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnfast import _checks, _container, _describe
from nnfast._container import Saved, Shape

if TYPE_CHECKING:
    from nnfast._network import Network
    from nnfast.model import Model

Array = NDArray[Any]


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
    target = os.path.realpath(_checks.path("save", "path", path))  # a link stays one
    if os.path.exists(target) and not os.path.isfile(target) and not os.path.isdir(target):
        raise ValueError(f"save: path: expected a file, got something else of that name: {target}")
    views = model._named_views("save")
    core = model._ensure_model("save")
    described = _describe.describe(model, core)
    # Files hold C order; the engine's views are not.
    arrays = {name: view.copy(order="C") for name, view in views.items()}
    for which in (0, 1, 2):
        for name, state in zip(model._param_names(core), core.states(which), strict=False):
            arrays[f"optimizer.{which}.{name}"] = state.copy(order="C")
    for entry, name, key, full in _describe.callback_arrays(described["callbacks"]):
        arrays[full] = np.array(
            entry["arrays"][name][key], order="C"
        )  # ascontiguousarray would make () to (1,)
    for entry in described["callbacks"]:
        entry["arrays"] = {name: list(keys) for name, keys in entry["arrays"].items()}
    text = json.dumps(described)

    handle, part = _temporary(target)
    try:
        with os.fdopen(handle, "wb") as file:  # and with it the lock, until it has its name
            with contextlib.suppress(FileNotFoundError):
                os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
            _container.write(file, text, arrays)
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


# ---------------------------------------------------------------- from a file


def _check(what: str, expected: Mapping[str, Shape], saved: Saved, names: list[str], dtype: Any) -> None:
    """ValueError unless these are the names, and the arrays of these shapes and this dtype."""
    for name, shape in expected.items():
        if name not in saved.entries:
            raise ValueError(f"{what} {name!r} is missing")
        entry = saved.entries[name]
        if entry.shape != tuple(shape) or entry.dtype != dtype:
            raise ValueError(
                f"{what} {name!r}: expected {tuple(shape)}, {dtype}, got {entry.shape}, {entry.dtype}"
            )
    unexpected = [name for name in names if name not in expected]
    if unexpected:
        raise ValueError(f"{what} {unexpected[0]!r} is unexpected")


def _is_state(name: str, saved: Saved) -> bool:
    """Whether this is an optimizer's or a callback's array for a parameter: layers may be named so, too."""
    found = re.fullmatch(r"(?:optimizer\.[012]|callback\.\d+\..+?)\.(.+)", name)
    return found is not None and found[1] in saved.entries


def _check_header(model: Network, saved: Saved) -> list[str]:
    """The names of the optimizer's states; ValueError where there is what the model would not have.

    Before any array is made or read: a file must not ask for more than a model of its description takes.
    """
    shapes = _describe.shapes_of(model)
    states = {f"optimizer.{i}.{name}": shape for i in (0, 1, 2) for name, shape in shapes.items()}
    kept = {full: shapes.get(key, ()) for _, _, key, full in _describe.callback_arrays(model._memory)}
    others = [name for name in saved.entries if name not in states and name not in kept]
    _check("parameter", shapes, saved, others, model.dtype)
    found = {name: shape for name, shape in states.items() if name in saved.entries}
    _check("state", found, saved, [], model.dtype)
    _check("state", kept, saved, [], model.dtype)
    return list(found)


def _build(saved: Saved) -> Model:
    given = json.loads(saved.text)
    if not isinstance(given, dict):
        raise ValueError("model: expected a description of a model")
    model = _describe.make(given)
    states = _check_header(model, saved)
    saved.verify()
    core = model._ensure_model("load")
    for name, view in model._named_views("load").items():
        view[...] = saved.array(name)
    names = model._param_names(core)
    views = {
        f"optimizer.{which}.{name}": view
        for which in (0, 1, 2)
        for name, view in zip(names, core.states(which), strict=False)
    }
    _check("state", {name: view.shape for name, view in views.items()}, saved, states, model.dtype)
    for name, view in views.items():
        view[...] = saved.array(name)
    for counter in ("step_count", "optimizer_step_count"):
        setattr(core, counter, _checks.integer("model", counter, given.get(counter), 0))
    _describe.set_updates(model, core, given)
    for entry, name, key, full in _describe.callback_arrays(model._memory):
        entry["state"].setdefault(name, {})[key] = saved.array(full)
    model._memory = [{"class": entry["class"], "state": entry["state"]} for entry in model._memory]
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
    strings. What arrays a file has is checked against the layers, and its checksum in pieces, before memory
    is taken: a file that is refused takes some megabytes, whatever its size, and one that is loaded what the
    model takes.

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
    name = _checks.path("load", "path", path)
    try:
        with _container.opened(name) as saved:
            return _build(saved)
    except (OSError, MemoryError, ImportError):
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


def _weights(path: str, wanted: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Shape], list[str]]:
    """The arrays of these names and shapes, the shapes of those that have others, and all other names."""
    with _container.library(path) as (file, raw, start):
        names = list(file.keys())
        if _container.is_ours(file.metadata() or {}):
            saved = Saved(raw, file, start)
            saved.verify()
            names = [name for name in names if not _is_state(name, saved)]
            shapes = {name: saved.entries[name].shape for name in names}
            get = saved.array
        else:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            get = file.get_tensor
        # Only what fits is read: a file cannot ask for more memory than the model has.
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
    name = _checks.path("load_weights", "path", path)
    views = model._named_views("load_weights")
    try:
        fits, other, unexpected = _weights(name, views)
    except (OSError, MemoryError, ImportError):
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
