"""A model as plain data (numbers, strings, lists, dicts), and a model made of them.

What this is: the part of a saved file that is not arrays: layers and how they are connected, optimizer,
loss, metrics, counters. Things are made by their public constructors, of classes looked up in fixed lists:
reading a description runs no code that came with it.
What this is not: the file (`nnfast._io`), or any array.
"""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnfast import _checks, layers, losses, metrics, optimizers, schedules
from nnfast._network import Network
from nnfast._position import from_plain
from nnfast._task import make_task
from nnfast._wiring import INPUT, Wired, check_layers
from nnfast.layers import Layer
from nnfast.losses import Loss
from nnfast.optimizers import Optimizer
from nnfast.schedules import LinearWarmup, ReduceLROnPlateau, Schedule


def _public(module: Any, base: type) -> dict[str, type]:
    found = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    }


LAYERS = _public(layers, Layer)
LOSSES = _public(losses, Loss)
OPTIMIZERS = _public(optimizers, Optimizer)
SCHEDULES = _public(schedules, Schedule)
# What ReduceLROnPlateau alone remembers.
PLATEAU = ("_now", "_best", "_bad", "_resting")


def _known(what: str, value: Any, classes: Mapping[str, type]) -> str:
    name = type(value).__name__
    if classes.get(name) is not type(value):
        raise ValueError(
            f"save: {what}: expected a class of nnfast, whose settings a file can hold, got {value!r}"
        )
    return name


def _plain(value: Any) -> Any:
    """Arrays and NumPy's numbers as lists and numbers, which JSON has, wherever they are in it."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _by_signature(value: Any) -> dict[str, Any]:
    """The constructor's arguments, which these classes keep under the same names."""
    return {name: _plain(getattr(value, name)) for name in inspect.signature(type(value)).parameters}


# ---------------------------------------------------------------- to plain data


def _rate(value: Any) -> Any:
    """A learning rate: a number, or a schedule's class and settings."""
    if isinstance(value, Schedule):
        found: dict[str, Any] = {"class": _known("optimizer: lr", value, SCHEDULES)}
        found["settings"] = _by_signature(value)
        if isinstance(value, LinearWarmup) and value.after is not None:
            found["settings"]["lr"] = _rate(value.after)
        if isinstance(value, ReduceLROnPlateau):
            found["state"] = [getattr(value, name) for name in PLATEAU]
        return found
    if callable(value):
        raise ValueError(
            f"save: optimizer: lr: expected a number or a schedule of nnfast, which a file can hold, "
            f"got the function {value!r}"
        )
    return float(value)


def _optimizer(value: Optimizer | None) -> Any:
    if value is None:
        return None
    settings = _by_signature(value)
    settings["lr"] = _rate(value.lr)
    return {"class": _known("optimizer", value, OPTIMIZERS), "settings": settings}


def _loss(value: Loss) -> Any:
    settings = {**value._options, "reduction": value.reduction}
    return {
        "class": _known("loss", value, LOSSES),
        "settings": {name: _plain(one) for name, one in settings.items()},
    }


def _metric(name: str, given: metrics.MetricSet) -> Any:
    """A metric's name; functions stand under "function", those of nnfast can be found again."""
    return name if name in given.native or name in given.named else {"function": name}


def _alike(value: Any, shapes: Mapping[str, tuple[int, ...]], dtype: Any) -> bool:
    """Whether these are arrays by the names of parameters, each as large as that."""
    if not isinstance(value, Mapping) or not value:
        return False
    arrays = [array for array in value.values() if isinstance(array, np.ndarray) and array.dtype == dtype]
    return [array.shape for array in arrays] == [shapes.get(key) for key in value]


def _callbacks(model: Network) -> list[dict[str, Any]]:
    """What callbacks remember; arrays like the model's parameters stand apart."""
    shapes = {name: view.shape for name, view in model._named_views("save").items()}
    found = []
    for entry in model._remembered():
        arrays: dict[str, Any] = {}
        state: dict[str, Any] = {}
        for name, value in entry["state"].items():
            (arrays if _alike(value, shapes, model.dtype) else state)[name] = value
        try:
            json.dumps(state := _plain(state))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"save: callbacks: {entry['class']}.state_dict: expected what JSON has, or arrays as "
                f"the model's state_dict gives them: {error}"
            ) from None
        found.append({"class": entry["class"], "state": state, "arrays": arrays})
    return found


def _make_callbacks(given: Any) -> list[dict[str, Any]]:
    """What callbacks remember, with the names of arrays in the place of these."""
    found = []
    for i, one in enumerate(given):
        what = f"callbacks[{i}]"
        listed = _entry(what, one, "arrays", dict)
        arrays = {name: [str(key) for key in _entry(what, listed, name, list)] for name in listed}
        state = _entry(what, one, "state", dict)
        found.append({"class": _entry(what, one, "class", str), "state": state, "arrays": arrays})
    return found


def _make_place(given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2:
        raise ValueError(f"model: places: expected a pass and a batch of it, got {given!r}")
    return tuple(_checks.integer("model", "places", one, 0) for one in given)  # type: ignore[return-value]


def callback_arrays(memory: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str, Any, str]]:
    """The arrays of what callbacks remember: entry, value's name, parameter's name, name in the file."""
    for i, entry in enumerate(memory):
        for name, keys in entry.get("arrays", {}).items():
            for key in keys:
                yield entry, name, key, f"callback.{i}.{name}.{key}"


def describe(model: Network, core: Any) -> dict[str, Any]:
    """Everything but arrays, other than those under "callbacks"; ValueError for what is not nnfast's own."""
    from nnfast.sequential import Sequential

    wired = zip(model._keys, model.layers, model._sources, model._nodes, strict=True)
    shape = model._input_shape
    assert shape is not None
    task = model._task
    return {
        "class": "Sequential" if isinstance(model, Sequential) else "Model",
        "name": model.name,
        "dtype": model.dtype.name,
        "seed": model.seed,
        "backend": model.backend,
        "input_names": list(model._input_names),
        "inputs": [list(one) for one in (shape if model._num_inputs > 1 else (shape,))],
        "layers": [
            {
                "key": key,
                "class": _known(f"layers[{key!r}]", layer, LAYERS),
                "name": layer.name,
                "sources": list(sources),
                "settings": {name: _plain(value) for name, value, _ in layer._options()},
                "trainable": layer.trainable,
                "lr_scale": layer.lr_scale,
                "updates": int(core.updates(node)),
            }
            for key, layer, sources, node in wired
        ],
        "outputs": [i % len(model.layers) for i in model._outputs],
        "optimizer": _optimizer(model.optimizer),
        "losses": [_loss(one) for one in task.losses],
        "loss_weights": list(task.weights),
        "metrics": [[_metric(name, one) for name in one.names] for one in task.metrics],
        "epochs_seen": model._epochs_seen,
        "epochs_trained": model._epochs_trained,
        "epochs_done": model._epochs_done,
        "position": None if model._position is None else model._position.plain(),
        "callbacks": _callbacks(model),
        "places": [None if place is None else list(place) for place in model._standing()],
        "step_count": int(core.step_count),
        "optimizer_step_count": int(core.optimizer_step_count),
    }


# ---------------------------------------------------------------- from plain data


def _entry(what: str, given: Any, name: str, kind: type | tuple[type, ...]) -> Any:
    """`given[name]`, of the type that is expected."""
    if not isinstance(given, dict) or name not in given:
        raise ValueError(f"{what}: expected an entry {name!r}, got none")
    value = given[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise ValueError(f"{what}: {name}: expected another type, got {type(value).__name__}")
    return value


def _make(what: str, given: Any, classes: Mapping[str, type]) -> Any:
    """The object of a class in the list, by its constructor."""
    name, settings = _entry(what, given, "class", str), _entry(what, given, "settings", dict)
    if name not in classes:
        raise ValueError(f"{what}: {name!r} is no class that this version knows")
    return classes[name](**settings)


def _make_rate(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    settings = _entry("lr", given, "settings", dict)
    if "lr" in settings:  # of a warm-up: the schedule that follows it
        settings = {**settings, "lr": _make_rate(settings["lr"])}
    schedule = _make("lr", {**given, "settings": settings}, SCHEDULES)
    if isinstance(schedule, ReduceLROnPlateau):
        state = _entry("lr", given, "state", list)
        now, best, bad, resting = state
        schedule._now = _checks.real("lr", "state", now, low=0.0)
        if not isinstance(best, float) or math.isnan(best):
            raise ValueError(f"lr: state: expected a number, got {best!r}")
        schedule._best = best
        schedule._bad = _checks.integer("lr", "state", bad, 0)
        schedule._resting = _checks.integer("lr", "state", resting, 0)
    return schedule


def _make_layer(i: int, given: Any, num_inputs: int) -> Wired:
    what = f"layers[{i}]"
    settings = {
        **_entry(what, given, "settings", dict),
        "name": _entry(what, given, "name", (str, type(None))),
    }
    layer = _make(what, {**given, "settings": settings}, LAYERS)
    layer.trainable, layer.lr_scale = given.get("trainable", True), given.get("lr_scale", 1.0)
    sources = tuple(
        _checks.integer(what, "sources", one, INPUT + 1 - num_inputs, i - 1)
        for one in _entry(what, given, "sources", list)
    )
    return Wired(_entry(what, given, "key", str), layer, sources)


def _make_metrics(given: Any) -> tuple[list[list[Any]], list[str]]:
    """The metrics of each output, and the names of the functions that are not nnfast's."""
    found, lost = [], []
    for one in given:
        known: list[Any] = []
        for metric in one:
            if isinstance(metric, str):
                known.append(metric)
                continue
            name = _entry("metrics", metric, "function", str)
            if name in metrics.__all__:
                known.append(getattr(metrics, name))
            else:
                lost.append(name)
        found.append(known)
    return found, lost


def make(given: dict[str, Any]) -> Network:
    """The described model, its shapes inferred and checked, but without any arrays yet."""
    from nnfast.model import Model
    from nnfast.sequential import Sequential

    kind = Sequential if _entry("model", given, "class", str) == "Sequential" else Model
    inputs = _entry("model", given, "inputs", list)
    described = _entry("model", given, "layers", list)
    if not inputs or not described:
        raise ValueError("model: expected at least one input and one layer")
    wired = [_make_layer(i, one, len(inputs)) for i, one in enumerate(described)]
    check_layers("load", wired)
    last = len(wired) - 1
    outputs = [
        _checks.integer("model", "outputs", i, 0, last) for i in _entry("model", given, "outputs", list)
    ]
    name = _entry("model", given, "name", (str, type(None)))
    seed = _checks.seed("model", _entry("model", given, "seed", int))
    model = kind.__new__(kind)
    backend = _checks.choice("model", "backend", given.get("backend"), ("native", "reference"))
    # The inputs come after the settings: from here on the graph is the backend's, and checks the loss.
    Network.__init__(model, wired, None, _entry("model", given, "dtype", str), seed, name, outputs)
    model._num_inputs = len(inputs)
    names = [str(name) for name in given.get("input_names", range(len(inputs)))]
    if len(set(names)) != len(inputs):
        raise ValueError(f"model: input_names: expected {len(inputs)} different names, got {names}")
    model._input_names = names
    model._backend = backend
    _compile(model, given)
    shapes = tuple(_checks.shape("model", "inputs", shape) for shape in inputs)
    model._set_input_shape(shapes if len(shapes) > 1 else shapes[0], "load")
    model._epochs_seen = _checks.integer("model", "epochs_seen", given.get("epochs_seen"), 0)
    model._epochs_trained = _checks.integer("model", "epochs_trained", given.get("epochs_trained"), 0)
    model._epochs_done = _checks.integer("model", "epochs_done", given.get("epochs_done", 0), 0)
    if given.get("position") is not None:
        model._position = from_plain(given["position"], model._new_totals)
    model._places = [_make_place(one) for one in given.get("places", [None, None])]
    if len(model._places) != 2:
        raise ValueError(f"model: places: expected two, got {len(model._places)}")
    model._memory = _make_callbacks(given.get("callbacks", []))
    return model


def _compile(model: Network, given: dict[str, Any]) -> None:
    optimizer = given.get("optimizer")
    if optimizer is not None:
        settings = _entry("optimizer", optimizer, "settings", dict)
        rate = _make_rate(_entry("optimizer", settings, "lr", (dict, float, int)))
        model._optimizer = _make("optimizer", {**optimizer, "settings": {**settings, "lr": rate}}, OPTIMIZERS)
    chosen = [_make("losses", one, LOSSES) for one in _entry("model", given, "losses", list)]
    weights = _entry("model", given, "loss_weights", list)
    found, lost = _make_metrics(_entry("model", given, "metrics", list))
    several = len(model._outputs) > 1
    if (chosen and len(chosen) != len(model._outputs)) or (found and len(found) != len(model._outputs)):
        raise ValueError("model: expected a loss and metrics for each output")
    model._task = make_task(
        chosen or None,
        weights if several and chosen else None,
        (found if several else found[0]) if found else (),
        model._output_names,
    )
    if lost:
        warnings.warn(
            f"load: the metrics {', '.join(lost)} are functions, which a file does not hold: the model was "
            "loaded without them, compile it with them to start its optimizer anew",
            UserWarning,
            stacklevel=5,
        )


def shapes_of(model: Network) -> dict[str, tuple[int, ...]]:
    """The shapes of all parameters and buffers by their names, found without making any of them."""
    from nnfast.reference import network

    assert model._input_shape is not None
    inputs = model._input_shape if model._num_inputs > 1 else (model._input_shape,)
    twin, nodes, _ = model._build_graph(inputs, "load", network.Graph())
    return {
        f"{key}.{name}": shape
        for key, node in zip(model._keys, nodes, strict=True)
        for name, shape in {**twin.nodes[node].op.params, **twin.nodes[node].op.buffers}.items()
    }


def set_updates(model: Network, core: Any, given: dict[str, Any]) -> None:
    """How often each layer was updated, where a file says so."""
    for i, (node, one) in enumerate(zip(model._nodes, _entry("model", given, "layers", list), strict=True)):
        if "updates" in one:
            core.set_updates(node, _checks.integer(f"layers[{i}]", "updates", one["updates"], 0))
