"""The state of a network and how it changes: parameters, gradients, optimizer and its memory, penalties.

What this is: `State`, the half of `Model` that knows of no samples. A node's arrays are updated by its own
learning rate and its own count of updates, or, where it is frozen, not at all.
What this is not: what the nodes compute, or where the gradients come from (`model.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import clipping, optimizers
from ..checks import FLOATS, Array, at_least, integer_in, one_of, value_error
from . import updates
from .graph import Graph
from .image_ops import ConvTranspose2d
from .ops import Embedding, Linear
from .regularizer import Regularizer


class State:
    """Base of `Model`, which documents it."""

    def __init__(self, graph: Graph, dtype: str) -> None:
        if np.dtype(dtype) not in FLOATS:
            raise TypeError(f"Model: dtype: expected 'float32' or 'float64', got {dtype!r}")
        if not graph.input_nodes:
            raise value_error("Model", "graph", "at least one input", 0)
        self._graph = graph.copy()
        self._dtype = np.dtype(dtype)
        self._names = [
            (number, name, shape)
            for number, node in enumerate(graph.nodes)
            if node.op is not None
            for name, shape in node.op.params.items()
        ]
        self._buffer_names = [
            (number, name, shape)
            for number, node in enumerate(graph.nodes)
            if node.op is not None
            for name, shape in node.op.buffers.items()
        ]
        self._buffers = [np.zeros(shape, self._dtype) for _, _, shape in self._buffer_names]
        self._params = self._zeros()
        self._gradients = self._zeros()
        self._states: list[list[Array]] = []
        self._optimizer: dict[str, Any] | None = None
        self._rates: dict[int, float] = {}  # learning rates of single steps
        self._regularizers: dict[int, Regularizer] = {}  # of a parameter
        self._penalty_in_mean = False
        self._seed = 0
        self._step_count = 0
        self._optimizer_step_count = 0
        self._frozen: set[int] = set()  # nodes
        self._lr_scales: dict[int, float] = {}  # of nodes, where it is not 1
        self._updates = [0] * len(graph.nodes)  # made of each node's arrays with the present states

    def _zeros(self) -> list[Array]:
        return [np.zeros(shape, self._dtype) for _, _, shape in self._names]

    # ---- parameters and settings

    def params(self) -> list[tuple[int, str, Array]]:
        """(node, name, array) of every trained array, weight before bias; write to the arrays to set them."""
        return [(node, name, array) for (node, name, _), array in zip(self._names, self._params, strict=True)]

    def buffers(self) -> list[tuple[int, str, Array]]:
        """(node, name, array) of every array that is not trained, such as running statistics."""
        names = self._buffer_names
        return [(node, name, array) for (node, name, _), array in zip(names, self._buffers, strict=True)]

    def gradients(self) -> list[Array]:
        """The gradients, in the order of `params`."""
        return list(self._gradients)

    def states(self, which: int) -> list[Array]:
        """Optimizer state 0 (momentum buffer, square_avg, sum, m), 1 (v, acc_delta, RMSprop's grad_avg or
        buffer) or 2 (max_v, centered RMSprop's buffer); [] when there is none."""
        one_of("states", "which", which, (0, 1, 2))
        return list(self._states[which]) if which < len(self._states) else []

    @property
    def step_count(self) -> int:
        """Training steps done."""
        return self._step_count

    @step_count.setter
    def step_count(self, value: int) -> None:
        self._step_count = integer_in("step_count", "value", value, 0, 2**63 - 1)

    @property
    def optimizer_step_count(self) -> int:
        """Updates made with the present states; 0 again when a new optimizer starts them afresh."""
        return self._optimizer_step_count

    @optimizer_step_count.setter
    def optimizer_step_count(self, value: int) -> None:
        self._optimizer_step_count = integer_in("optimizer_step_count", "value", value, 0, 2**63 - 1)
        self._updates = [self._optimizer_step_count] * len(self._updates)

    def set_seed(self, seed: int) -> None:
        """Key of the dropout masks, 0..2^64-1."""
        self._seed = integer_in("set_seed", "seed", seed, 0, 2**64 - 1)

    def set_optimizer(self, kind: str, **options: Any) -> None:
        """Update by "sgd", "rmsprop", "adam" (`decoupled`: AdamW), "adagrad", "adadelta", "nadam" or
        "sparse_adam", of which rows without a gradient stay as they are.

        States stay while their kind and number do. Before an update the gradients are limited to
        +-clip_value and to the norm clip_norm, where these are not 0. `eps_hat`: Adam's eps is added to
        sqrt(v) itself, not to its unbiased value (Kingma & Ba 2015, before section 2.1).
        """
        before, self._optimizer = self._optimizer, updates.settings(kind, **options)
        names = self._optimizer["states"]
        if before is None or before["kind"] != kind or before["states"] != names:
            self._states = [self._zeros() for _ in names]
            self._fill_states()
            self.optimizer_step_count = 0

    def _fill_states(self) -> None:
        assert self._optimizer is not None
        for state in self._states:
            for array in state:
                array[...] = self._optimizer["first"]

    def reset_optimizer(self) -> None:
        """The optimizer's first state again: step 0 and no memory of gradients."""
        if self._optimizer is not None:
            self._fill_states()
        self._step_count = self.optimizer_step_count = 0

    def set_learning_rates(self, first: int, lr: Sequence[float]) -> None:
        """Learning rates of the steps from `first` on, which stand for the optimizer's own."""
        first = integer_in("set_learning_rates", "first", first, 0, 2**63 - 1)
        for rate in lr:
            at_least("set_learning_rates", "lr", rate, 0)
        self._rates = {first + i: float(rate) for i, rate in enumerate(lr)}

    # ---- regularisation

    def set_regularizer(self, index: int, *, l1: float = 0.0, l2: float = 0.0, max_norm: float = 0.0) -> None:
        """Penalties l1 * sum |w| + l2 * sum w^2 on parameter array `index`, and a limit of its slices' norms.

        The penalty is part of the loss, and its gradient is added by `backward` unless that accumulates.
        After each update the weights into each output, a slice along the first axis, are scaled down to the
        Euclidean norm `max_norm`, where that is not 0 (Srivastava et al., "Dropout", JMLR 15, 2014, section
        5.1).
        """
        index = integer_in("set_regularizer", "index", index, 0, len(self._params) - 1)
        op = self._graph.nodes[self._names[index][0]].op
        groups = op.geometry[3] if isinstance(op, ConvTranspose2d) else 0
        self._regularizers[index] = Regularizer(l1, l2, max_norm, groups)

    def _regularized(self) -> Iterator[tuple[int, Regularizer, Array, Array]]:
        """The array's number, the regularizer, array and gradient of each; not of frozen nodes."""
        for index, regularizer in self._regularizers.items():
            if self._names[index][0] in self._frozen:
                continue
            yield index, regularizer, self._params[index], self._gradients[index]

    def set_penalty_in_mean(self, on: bool) -> None:
        """Whether a step's penalties are divided by what its batch weighs, as its losses are.

        With several outputs, and in custom training, by the batch's number of samples. Nothing changes for
        losses of reduction "sum".
        """
        self._penalty_in_mean = bool(on)

    def _penalty(self) -> float:
        return sum((regularizer.penalty(w) for _, regularizer, w, _ in self._regularized()), 0.0)

    def _add_penalty_gradient(self, share: float) -> None:
        for index, regularizer, w, gradient in self._regularized():
            slope = share * regularizer.penalty_gradient(w)
            moved = self._moved_rows(index)
            if moved is None:
                gradient += slope
            else:
                gradient += np.where(moved, slope, 0)

    # ---- what is trained, and how fast

    def _node(self, function: str, node: int) -> int:
        return integer_in(function, "node", node, 0, len(self._graph.nodes) - 1)

    def set_trainable(self, node: int, trainable: bool) -> None:
        """Freeze a node, or train it again.

        Nothing changes the arrays of a frozen node: no update, penalty or limit, and its running statistics
        are what it normalises by, in training too, as they stand. Dropout stays.
        """
        node = self._node("set_trainable", node)
        if not isinstance(trainable, (bool, np.bool_)):
            raise TypeError(f"set_trainable: trainable: expected True or False, got {trainable!r}")
        if trainable == (node not in self._frozen):
            return
        self._frozen ^= {node}
        for gradient in self._own(self._gradients, node):
            gradient[...] = 0

    def set_lr_scale(self, node: int, scale: float) -> None:
        """Update a node's arrays with the optimizer's learning rate times `scale`."""
        at_least("set_lr_scale", "scale", scale, 0)
        self._lr_scales[self._node("set_lr_scale", node)] = float(scale)

    def updates(self, node: int) -> int:
        """Updates made of a node's arrays with the present states: what Adam's bias correction counts."""
        return self._updates[self._node("updates", node)]

    def set_updates(self, node: int, count: int) -> None:
        """Set that count; `optimizer_step_count` sets those of all nodes."""
        self._updates[self._node("set_updates", node)] = integer_in(
            "set_updates", "count", count, 0, 2**63 - 1
        )

    def _own(self, arrays: list[Array], number: int) -> list[Array]:
        """Those of `arrays` (parameters or gradients) that belong to node `number`."""
        return [array for array, (node, _, _) in zip(arrays, self._names, strict=True) if node == number]

    def step(self) -> None:
        """Apply the optimizer to the parameters with the gradients as they are; count the step."""
        if self._optimizer is None:
            raise ValueError("step: expected an optimizer to be set before it, got none")
        trained = [i for i, (node, _, _) in enumerate(self._names) if node not in self._frozen]
        gradients = [self._gradients[i] for i in trained]
        if self._optimizer["clip_value"]:
            clipping.clip_grad_value_(gradients, self._optimizer["clip_value"])
        if self._optimizer["clip_norm"]:
            clipping.clip_grad_norm_(gradients, self._optimizer["clip_norm"])
        for i in trained:
            self._update(i)
        for _, regularizer, w, _ in self._regularized():
            regularizer.limit(w)
        self._step_count += 1
        self._optimizer_step_count += 1
        for node in range(len(self._updates)):
            self._updates[node] += node not in self._frozen

    def _update(self, index: int) -> None:
        """The optimizer's formula for parameter array `index`, with its node's rate and count."""
        assert self._optimizer is not None
        node = self._names[index][0]
        kind, step = self._optimizer["kind"], self._updates[node]
        options = dict(self._optimizer["options"])
        rate: float = self._rates.get(self._step_count, self._optimizer["options"]["lr"])
        options["lr"] = rate * self._lr_scales.get(node, 1.0)
        if kind == "sgd":
            options["first_step"] = step == 0
        elif kind not in ("rmsprop", "adadelta"):
            options["step"] = step + 1
        if self._optimizer["eps_hat"] or kind == "sparse_adam":
            options["eps"] /= np.sqrt(1 - options["betas"][1] ** (step + 1))
        if kind == "adam" and self._optimizer["decoupled"]:
            kind = "adamw"
        states = {
            name: arrays[index] for name, arrays in zip(self._optimizer["states"], self._states, strict=True)
        }
        moved = self._moved_rows(index)
        if kind == "sparse_adam":
            kind = "adam"
        update = getattr(optimizers, f"{kind}_update")
        arrays = [self._params[index], *states.values()]
        before = [] if moved is None else [array.copy() for array in arrays]
        update(self._params[index], self._gradients[index], **states, **options)
        if moved is None:
            return
        for array, old in zip(arrays, before, strict=True):
            array[...] = np.where(moved, array, old)

    def _moved_rows(self, index: int) -> Array | None:
        """Where "sparse_adam" moves parameter array `index`: a mask of one number a row; None: everywhere."""
        node, name, _ = self._names[index]
        op = self._graph.nodes[node].op
        sparse = self._optimizer is not None and self._optimizer["kind"] == "sparse_adam"
        if not sparse or name != "weight" or not isinstance(op, (Linear, Embedding)):
            return None
        others = (
            0 if isinstance(op, Linear) else 1
        )  # weights are (outputs, inputs), tables (indices, numbers)
        found: Array = (self._gradients[index] != 0).any(axis=others, keepdims=True)
        return found
