"""The structure and the state of a network: layers, shapes, the engine's model, parameters.

What this is: the half of `nnfast.Model` that exists without any data: building the graph, initial
values, `state_dict`, copies and pickles, `summary`.
What this is not: training and prediction, which are in `nnfast.model`.
"""

from __future__ import annotations

import copy
import os
import sys
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnfast import _checks, _core, optimizers
from nnfast._position import Position, from_plain
from nnfast._task import Task, make_task
from nnfast._wiring import INPUT, Wired
from nnfast.history import History
from nnfast.layers import Layer, Linear
from nnfast.optimizers import Optimizer
from nnfast.schedules import is_schedule

if TYPE_CHECKING:
    from nnfast.callbacks.base import CallbackList, Memory

Array = NDArray[Any]

RATES = 4096  # learning rates handed to the engine at a time


def engine_module(backend: str) -> Any:
    """The module that holds Graph, Model and Totals."""
    if backend == "native":
        return _core
    from nnfast.reference import network

    return network


class Network:
    """Base of `nnfast.Model`, which documents the attributes."""

    history: History | None = None
    stop_training = False

    def __init__(
        self,
        wired: Sequence[Wired],
        input_shapes: Sequence[Any] | None,
        dtype: DTypeLike,
        seed: int | None,
        name: str | None,
        outputs: Sequence[int] = (-1,),
    ) -> None:
        kind = type(self).__name__
        self.dtype = _checks.dtype(kind, dtype)
        self.seed = _checks.seed(kind, seed)
        self.name = name
        self._layers = tuple(entry.layer for entry in wired)
        self._keys = [entry.key for entry in wired]
        self._sources = [entry.sources for entry in wired]
        self._num_inputs = 1 if input_shapes is None else len(input_shapes)
        self._input_names = [str(i) for i in range(self._num_inputs)]
        self._outputs = list(outputs)  # the layers whose results leave the network
        self._optimizer: Optimizer | None = None
        self._task = Task()
        self._backend = "native"
        self._epochs_seen = 0
        self._epochs_trained = 0  # whole epochs since compile: what schedules count
        self._epochs_done = 0  # of the last fit, as initial_epoch counts
        self._position: Position | None = None  # in the epoch after these, once it has begun
        self._callbacks: CallbackList | None = None  # of the fit under way
        self._memory: list[Memory] = []  # what those of the last fit remember
        self._streams: tuple[Any, Any] | None = None  # what the fit under way trains on and is validated by
        self._places: list[Any] = [None, None]  # where those of the last fit stand
        self._rates_from = self._rates_until = 0  # steps whose learning rates the engine was given
        self._core: _core.Model | None = None
        # What the engine's optimizer is set to: the object, its version, and what they mean.
        self._synced: tuple[Any, ...] | None = None
        self._graph: _core.Graph | None = None
        self._nodes: list[int] = []  # a layer's node in the graph
        self._shapes: list[tuple[int, ...]] = []  # a layer's output
        self._input_shape: tuple[Any, ...] | None = None  # a tuple of shapes for several inputs
        if input_shapes is not None:
            shapes = tuple(_checks.shape(kind, "input_shape", shape) for shape in input_shapes)
            self._set_input_shape(shapes if len(shapes) > 1 else shapes[0], kind)
        for layer in self.layers:
            layer._owner = weakref.ref(self)

    # ---------------------------------------------------------------- what it is made of

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order; which they are is settled when the model is made."""
        return self._layers

    @property
    def optimizer(self) -> Optimizer | None:
        """The compiled optimizer. Another one, or a name, may be assigned; it counts from the next batch."""
        return self._optimizer

    @optimizer.setter
    def optimizer(self, value: str | Optimizer) -> None:
        self._optimizer = optimizers.get(value)  # the engine hears of it at the next batch

    @property
    def loss(self) -> Any:
        """The compiled loss, a list for several outputs; others may be assigned, from the next batch on."""
        return self._task.losses if self._task.several else next(iter(self._task.losses), None)

    @loss.setter
    def loss(self, value: Any) -> None:
        task = self._task
        new = make_task(value, task.weights if task.several else None, (), self._output_names)
        new.metrics = task.metrics or new.metrics
        if self._graph is not None:
            new.check(self._output_shapes)
        if self._core is not None:
            new.hand_over(self._core, self._output_shapes)
        self._task = new

    # ---------------------------------------------------------------- shapes and building

    @property
    def input_shape(self) -> tuple[Any, ...] | None:
        """Shape of one sample, a tuple of shapes for several inputs; None while it is not known."""
        return self._input_shape if self._input_shape is not None else self._implied_shape()

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """Shape of one sample's output, a tuple of shapes for several outputs."""
        self._ensure_graph("output_shape")
        shapes = self._output_shapes
        return tuple(shapes) if len(shapes) > 1 else shapes[0]

    @property
    def _output_names(self) -> list[str]:
        return [self._keys[i] for i in self._outputs]

    @property
    def _output_shapes(self) -> list[tuple[int, ...]]:
        return [self._shapes[i] for i in self._outputs]

    @property
    def epochs_done(self) -> int:
        """Epochs that the last `fit` has completed, its `initial_epoch` among them; a file holds it, too.

        Given to `fit` as `initial_epoch`, with the same data and settings, training goes on where that one
        ended: after Ctrl-C, an error, or in what a `ModelCheckpoint` saved in the middle of an epoch, with
        the step that comes next.
        """
        return self._epochs_done

    @property
    def backend(self) -> str:
        """Which engine runs the model: "native" or "reference"."""
        return self._backend

    def _implied_shape(self) -> tuple[int, ...] | None:
        first = self.layers[0]
        if isinstance(first, Linear) and first.in_features is not None:
            return (first.in_features,)
        return None

    def _set_input_shape(self, shape: tuple[Any, ...], owner: str) -> None:
        """Build the graph for samples of this shape; nothing is changed when a layer does not fit."""
        with self._all_or_nothing():
            graph, nodes, shapes = self._build_graph(shape if self._num_inputs > 1 else (shape,), owner)
            self._task.check([shapes[i] for i in self._outputs])
        self._input_shape = shape
        self._graph, self._nodes, self._shapes = graph, nodes, shapes

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Forget an input shape taken from data when a later check of the same call fails."""
        fields = ("_input_shape", "_graph", "_nodes", "_shapes")
        before = {name: getattr(self, name) for name in fields}
        layers = [dict(layer.__dict__) for layer in self.layers] if self._input_shape is None else []
        try:
            yield
        except BaseException:  # Ctrl-C, too
            if layers:
                self.__dict__.update(before)
                for layer, state in zip(self.layers, layers, strict=True):
                    layer.__dict__.update(state)
            raise

    def _build_graph(
        self, inputs: tuple[tuple[int, ...], ...], owner: str, graph: Any = None
    ) -> tuple[Any, list[int], list[tuple[int, ...]]]:
        """The layers as nodes of `graph`, a new one of the backend's unless it is given."""
        graph = engine_module(self._backend).Graph() if graph is None else graph
        starts = [graph.input(shape) for shape in inputs]
        nodes: list[int] = []
        shapes: list[tuple[int, ...]] = []
        for key, layer, sources in zip(self._keys, self.layers, self._sources, strict=True):
            try:
                layer._check_inputs([inputs[INPUT - i] if i <= INPUT else shapes[i] for i in sources])
                read = [starts[INPUT - i] if i <= INPUT else nodes[i] for i in sources]
                node = graph.node(layer._op, read, **layer._attrs())
            except ValueError as error:
                raise ValueError(f"{owner}: layer {key}, {layer!r}: {error}") from None
            nodes.append(node)
            shapes.append(tuple(graph.shape(node)))
        graph.outputs([nodes[i] for i in self._outputs])
        return graph, nodes, shapes

    def _ensure_graph(self, owner: str) -> None:
        if self._graph is None:
            shape = self.input_shape
            if shape is None:
                raise ValueError(
                    f"{owner}: the model's input shape is not known yet: give input_shape= to Sequential, "
                    "or fit or predict first"
                )
            self._set_input_shape(shape, owner)

    def _ensure_model(self, owner: str) -> _core.Model:
        """The engine's model, made and initialized when it is not there yet."""
        if self._core is not None:
            return self._core
        self._ensure_graph(owner)
        engine = engine_module(self._backend)
        core: _core.Model = engine.Model(self._graph, self.dtype.name)
        core.set_seed(self.seed)
        views = self._views_by_layer(core)
        rng = np.random.default_rng([self.seed, 0])
        for layer, params in zip(self.layers, views, strict=True):
            layer._begin(params, rng)
        self._adopt(core, views)
        for layer in self.layers:
            layer._carried = {}
        return core

    def _views_by_layer(self, core: _core.Model) -> list[dict[str, Array]]:
        by_node: dict[int, dict[str, Array]] = {node: {} for node in self._nodes}
        for node, name, view in core.params() + core.buffers():
            by_node[node][name] = view
        return [by_node[node] for node in self._nodes]

    def _adopt(self, core: _core.Model, views: list[dict[str, Array]]) -> None:
        for layer, params in zip(self.layers, views, strict=True):
            layer._views = params
        for node, layer in zip(self._nodes, self.layers, strict=True):
            core.set_trainable(node, layer.trainable)
            core.set_lr_scale(node, layer.lr_scale)
        place = {node: i for i, node in enumerate(self._nodes)}
        for number, (node, name, _) in enumerate(core.params()):
            core.set_regularizer(number, **self.layers[place[node]]._regularizer(name))
        self._core = core
        self._synced = None
        self._task.hand_over(core, self._output_shapes)
        if self.optimizer is not None:
            self._sync_optimizer(core)

    def _set_layer(self, layer: Layer, trainable: bool, lr_scale: float) -> None:
        """Tell the engine what of `layer` is about to change."""
        if self._core is not None:
            node = self._nodes[self.layers.index(layer)]
            self._core.set_trainable(node, trainable)
            self._core.set_lr_scale(node, lr_scale)

    def _sync_optimizer(self, core: _core.Model, steps: int = 1) -> int:
        """Hand settings that were changed since the last batch to the engine.

        Returns how many of the next `steps` may be done before this is called again: all, but for schedules
        that change with every step, of which the engine is told a part at a time.
        """
        optimizer = self.optimizer
        assert optimizer is not None
        known = self._synced
        if known is not None and known[0] is optimizer and known[1] == optimizer._version:
            return steps
        scheduled = is_schedule(optimizer.lr)
        settings = optimizer.settings()
        step = core.step_count
        if not optimizer._per_step:
            settings["lr"] = optimizer.rate(step, self._epochs_trained)
        now = (optimizer.kind, settings, optimizer.lr if optimizer._per_step else None)
        if known is None or known[2:] != now:
            core.set_optimizer(now[0], **now[1])
            core.set_learning_rates(0, [])
            self._rates_until = 0
        # A schedule's rate is asked for each time: no version stands for it.
        self._synced = (optimizer, None if scheduled else optimizer._version, *now)
        if not optimizer._per_step:
            return steps
        # From the first to the last known: a step count that was set back makes the table anew.
        if not self._rates_from <= step < self._rates_until:
            count = min(steps, RATES)
            core.set_learning_rates(step, [optimizer.rate(step + i, 0) for i in range(count)])
            self._rates_from, self._rates_until = step, step + count
        return min(steps, self._rates_until - step)

    @contextmanager
    def _remembering(
        self, callbacks: CallbackList, memory: list[Memory], data: Any, validation: Any
    ) -> Iterator[None]:
        """While these are called, what they remember is the model's; `memory` is, if they do not begin.

        So is where iterables of batches stand.
        """
        self._memory, self._callbacks, self._streams = memory, callbacks, (data, validation)
        try:
            yield
        finally:
            self._memory, self._callbacks = callbacks.remember() if callbacks.begun else memory, None
            self._places, self._streams = self._standing(), None

    def _standing(self) -> list[Any]:
        if self._streams is None:
            return self._places
        return [getattr(source, "place", None) for source in self._streams]

    def _remembered(self) -> list[Memory]:
        return self._memory if self._callbacks is None else self._callbacks.remember()

    def _new_totals(self) -> Any:
        make = engine_module(self._backend).Totals
        # One for each of several outputs, and one for the penalties.
        return [make() for _ in range(len(self._outputs) + 1)] if len(self._outputs) > 1 else make()

    # ---------------------------------------------------------------- state

    def _param_names(self, core: _core.Model) -> list[str]:
        keys = dict(zip(self._nodes, self._keys, strict=True))
        return [f"{keys[node]}.{name}" for node, name, _ in core.params()]

    def _named_views(self, owner: str) -> dict[str, Array]:
        core = self._ensure_model(owner)
        return {
            f"{self._keys[i]}.{name}": view
            for i, views in enumerate(self._views_by_layer(core))
            for name, view in views.items()
        }

    def state_dict(self) -> dict[str, Array]:
        """Copies of all parameters, named as in torch.nn.Sequential: "0.weight", "0.bias", ...

        Arrays that are not trained are there too: the running statistics of batch normalisation, by PyTorch's
        names, and the constants of `Normalize`.

        Raises
        ------
        ValueError
            If the input shape is not known yet.

        Examples
        --------
        >>> import nnfast as nf
        >>> list(nf.Sequential(nf.Linear(2, 3), nf.ReLU(), nf.Linear(3, 1)).state_dict())
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        # order="C": the engine's own layout differs, copies should not show it.
        return {name: view.copy(order="C") for name, view in self._named_views("state_dict").items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> None:
        """Set parameters from arrays of the names and shapes of `state_dict`.

        Parameters
        ----------
        state : mapping of str to array
            PyTorch's tensors and parameters are taken as well; numbers are converted to the model's dtype.
        strict : bool
            Whether a missing or unexpected name is an error. A wrong shape always is.

        Raises
        ------
        TypeError, ValueError
            Listing everything that is missing, unexpected or of the wrong shape; nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict: state: expected a mapping of names to arrays, got {state!r}")
        views = self._named_views("load_state_dict")
        problems = []
        if strict:
            problems += [f"missing {name!r} {v.shape}" for name, v in views.items() if name not in state]
            problems += [f"unexpected {name!r}" for name in state if name not in views]
        arrays = {}
        cause = None
        for name, view in views.items():
            if name not in state:
                continue
            value = state[name]
            try:
                # PyTorch's parameters do not become arrays before they are taken out of its graph.
                array = np.asarray(value.detach() if hasattr(value, "detach") else value)
            except Exception as error:
                cause = error
                problems.append(f"{name!r}: expected an array, got {type(value).__name__} ({error})")
                continue
            if array.dtype.kind not in "fiub":
                problems.append(f"{name!r}: expected numbers, got dtype {array.dtype}")
            elif array.shape != view.shape:
                problems.append(f"{name!r}: expected shape {view.shape}, got {array.shape}")
            arrays[name] = array
        if problems:
            raise ValueError("load_state_dict: state: " + "; ".join(problems)) from cause
        for name, array in arrays.items():
            views[name][...] = array

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, from which `nnfast.load` makes it again.

        The file has everything: layers, weights, dtype, seed, and of a compiled model the optimizer with its
        state, loss, metrics and counters, so that training goes on with the bits of an unbroken run.

        Parameters
        ----------
        path : str or path
            Replaced when it is there. By custom "....safetensors": parameters are found in it under the names
            of `state_dict` by anything that reads this format.

        Raises
        ------
        ValueError
            If the input shape is not known yet, or if a layer, the loss, the optimizer or its learning rate
            is of the user's own making, which a file cannot hold; pickle holds these.
        OSError
            If it cannot be written.

        Notes
        -----
        The model is written to a temporary file beside it, which is synced and then renamed: whatever
        happens, `path` is the old file or the new one, whole. Metrics that are functions of the user's are
        not kept. What a process that was killed while it wrote has left behind, ".<name>.<random>.tmp", is
        removed by the next `save` to the same path.

        Examples
        --------
        >>> import os, tempfile, nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 3), seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(os.path.join(folder, "model.safetensors"))
        """
        from nnfast import _io  # it makes models, so it comes after them

        _io.save(self, path)

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_core": None, "_graph": None, "_synced": None, "_callbacks": None}
        state["_memory"], state["_places"], state["_streams"] = self._remembered(), self._standing(), None
        state["_position"] = None if self._position is None else self._position.plain()
        if self._core is not None:
            state["_saved"] = {
                "parameters": self.state_dict(),
                "states": [[s.copy() for s in self._core.states(which)] for which in (0, 1, 2)],
                "step_count": self._core.step_count,
                "optimizer_step_count": self._core.optimizer_step_count,
                "updates": [self._core.updates(node) for node in self._nodes],
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = state.pop("_saved", None)
        self.__dict__.update(state)
        for layer in self.layers:
            layer._owner = weakref.ref(self)
        if self._input_shape is not None:
            self._set_input_shape(self._input_shape, "unpickle")
        if self._position is not None:
            self._position = from_plain(self._position, self._new_totals)
        if saved is not None:
            self.load_state_dict(saved["parameters"])
            core = self._ensure_model("unpickle")
            core.step_count = saved["step_count"]
            core.optimizer_step_count = saved["optimizer_step_count"]
            for node, count in zip(self._nodes, saved["updates"], strict=True):
                core.set_updates(node, count)
            for which, arrays in enumerate(saved["states"]):
                for view, array in zip(core.states(which), arrays, strict=True):
                    view[...] = array

    def __copy__(self) -> Network:
        """A full copy: two models cannot share layers."""
        return copy.deepcopy(self)

    # ---------------------------------------------------------------- description

    def summary(self, file: TextIO | None = None) -> None:
        """Print a table of the layers, their output shapes, numbers of parameters, and which are frozen.

        Parameters
        ----------
        file : text file, optional
            Printed to instead of the standard output.

        Raises
        ------
        ValueError
            If the input shape is not known yet.

        Examples
        --------
        >>> import nnfast as nf
        >>> nf.Sequential(nf.Linear(784, 100), nf.ReLU(), nf.Linear(100, 10)).summary()
        Sequential: input (784,), float32
          layer     output  parameters
        ------------------------------
        0 Linear    (100,)      78,500
        1 ReLU      (100,)           0
        2 Linear     (10,)       1,010
        ------------------------------
        total                   79,510
        """
        core = self._ensure_model("summary")
        sizes = [(node, view.size) for node, _, view in core.params()]  # what is trained
        counts = [sum(size for owner, size in sizes if owner == node) for node in self._nodes]
        frozen = [not layer.trainable and count > 0 for layer, count in zip(self.layers, counts, strict=True)]
        kinds = [type(layer).__name__ for layer in self.layers]
        keys = self._keys
        shapes = [str(shape) for shape in self._shapes]
        widths = (
            max(map(len, keys)),
            max(len("layer"), *map(len, kinds)),
            max(len("output"), *map(len, shapes)) + 4,
            max(len("parameters"), len(f"{sum(counts):,}")) + 2,
        )
        lines = [f"{self.name or type(self).__name__}: input {self._input_shape}, {self.dtype.name}"]
        heads = "layer", "output", "parameters"
        lines.append(f"{'':{widths[0]}} {heads[0]:{widths[1]}}{heads[1]:>{widths[2]}}{heads[2]:>{widths[3]}}")
        rule = "-" * (sum(widths) + 1)
        lines.append(rule)
        for key, kind, shape, count, still in zip(keys, kinds, shapes, counts, frozen, strict=True):
            line = f"{key:{widths[0]}} {kind:{widths[1]}}{shape:>{widths[2]}}{count:>{widths[3]},}"
            lines.append(line + "  frozen" * still)
        lines.append(rule)
        sums = {"total": sum(counts)}
        if any(frozen):
            sums["frozen"] = sum(count for count, still in zip(counts, frozen, strict=True) if still)
        for name, count in sums.items():
            lines.append(f"{name:{widths[0] + 1 + widths[1] + widths[2]}}{count:>{widths[3]},}")
        print("\n".join(lines), file=file if file is not None else sys.stdout)

    def __repr__(self) -> str:
        lines = [f"  ({key}): {layer!r}" for key, layer in zip(self._keys, self.layers, strict=True)]
        return f"{type(self).__name__}(\n" + "\n".join(lines) + "\n)"
