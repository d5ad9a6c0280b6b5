"""A network that runs and trains: parameters, gradients, optimizer states, and the loops over batches.

Backpropagation: the nodes are in topological order, so values go through them forward and gradients backward,
each node adding to the gradients of what it read (Goodfellow, Bengio, Courville: "Deep Learning", 2016,
section 6.5).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import clipping, optimizers
from ..checks import FLOATS, Array, at_least, deliver, floats, has_shape, integer_in, one_of, value_error
from .graph import Graph
from .image_ops import ConvTranspose2d
from .objective import Totals
from .objectives import Objectives, numbers
from .ops import Run
from .regularizer import Regularizer

KINDS = ("sgd", "rmsprop", "adam", "adagrad", "adadelta", "nadam")


class Model:
    """A network with its parameters, zero until written.

    The samples `x` of its methods are one array (n, ...), or a list of arrays for a graph of several inputs;
    what they return is a list for a graph of several outputs.

    Parameters
    ----------
    graph : Graph
        Copied.
    dtype : {"float32", "float64"}
        Of the parameters and of all arithmetic. Samples of any numeric dtype are converted batch by batch.

    Examples
    --------
    >>> graph = Graph()
    >>> _ = graph.node("linear", [graph.input((1,))], out_features=1)
    >>> model = Model(graph, "float64")
    >>> model.set_loss("mse_loss")
    >>> model.set_optimizer("sgd", lr=0.25)
    >>> x, totals = np.array([[0.0], [1.0], [2.0]]), Totals()
    >>> steps = sum(model.train(x, 2 * x + 1, None, 3, 0, 1, 0.0, totals) for _ in range(500))
    >>> [(name, round(array.item(), 6)) for _, name, array in model.params()]
    [('weight', 2.0), ('bias', 1.0)]
    """

    def __init__(self, graph: Graph, dtype: str) -> None:
        if np.dtype(dtype) not in FLOATS:
            raise TypeError(f"Model: dtype: expected 'float32' or 'float64', got {dtype!r}")
        if not graph.input_nodes:
            raise value_error("Model", "graph", "at least one input", 0)
        self._graph = graph.copy()
        self._dtype = np.dtype(dtype)
        self._output_shapes = [graph.shape(node) for node in graph.output_nodes]
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
        self._objectives = Objectives(self._output_shapes, self._dtype)
        self._optimizer: dict[str, Any] | None = None
        self._rates: dict[int, float] = {}  # learning rates of single steps
        self._regularizers: dict[int, Regularizer] = {}  # of a parameter
        self._seed = 0
        self._step_count = 0
        self._optimizer_step_count = 0
        # What a backward after forward(training=True) needs: every node's value, and what the pass was.
        self._pending: tuple[list[Array], Run] | None = None

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

    def set_seed(self, seed: int) -> None:
        """Key of the dropout masks, 0..2^64-1."""
        self._seed = integer_in("set_seed", "seed", seed, 0, 2**64 - 1)

    def set_loss(
        self, loss: str, reduction: str = "mean", *, output: int = 0, share: float = 1.0, **options: Any
    ) -> None:
        """Train an output for one of the losses by its function's name, with that function's options.

        Arrays among the options hold a number an output. What is minimised is the sum of all outputs' losses,
        each times its share, and of the penalties.
        """
        self._objectives.set(loss, reduction, output, share, **options)

    def set_optimizer(
        self,
        kind: str,
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        alpha: float = 0.99,
        centered: bool = False,
        beta1: float = 0.9,
        beta2: float = 0.999,
        amsgrad: bool = False,
        decoupled: bool = False,
        momentum_decay: float = 4e-3,
        rho: float = 0.9,
        lr_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-8,
        clip_value: float = 0.0,
        clip_norm: float = 0.0,
    ) -> None:
        """Update by "sgd", "rmsprop", "adam" (`decoupled`: AdamW), "adagrad", "adadelta" or "nadam".

        States stay while their kind and number do. Before an update the gradients are limited to
        +-clip_value and to the norm clip_norm, where these are not 0.
        """
        function = "set_optimizer"
        one_of(function, "kind", kind, KINDS)
        options = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "alpha": alpha,
            "momentum_decay": momentum_decay,
            "rho": rho,
            "lr_decay": lr_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "clip_value": clip_value,
            "clip_norm": clip_norm,
        }
        for name, value in options.items():
            at_least(function, name, value, 0)
        for name, value in {"alpha": alpha, "rho": rho}.items():
            if value > 1:
                raise value_error(function, name, "a number in 0..1", value)
        for name, value in {"beta1": beta1, "beta2": beta2}.items():
            if not 0 <= value < 1:
                raise value_error(function, name, "a number in 0..1, below 1", value)
        if kind == "sgd" and nesterov and (momentum == 0 or dampening != 0):
            raise value_error(
                function, "nesterov", "a momentum above 0 and no dampening", f"{momentum} and {dampening}"
            )
        common = {"lr": lr, "weight_decay": weight_decay}
        adam = {"betas": (beta1, beta2), "eps": eps}
        own: dict[str, dict[str, Any]] = {
            "sgd": {"momentum": momentum, "dampening": dampening, "nesterov": nesterov},
            "rmsprop": {"alpha": alpha, "eps": eps, "momentum": momentum, "centered": centered},
            "adam": {**adam, "amsgrad": amsgrad},
            "adagrad": {"lr_decay": lr_decay, "eps": eps},
            "adadelta": {"rho": rho, "eps": eps},
            "nadam": {**adam, "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled},
        }
        # The names of the states: what decides whether those that are there can stay.
        names = {
            "sgd": ["momentum_buffer"] if momentum else [],
            "rmsprop": ["square_avg", *["grad_avg"] * centered, *["momentum_buffer"] * (momentum != 0)],
            "adam": ["m", "v", *["max_v"] * amsgrad],
            "adagrad": ["sum"],
            "adadelta": ["square_avg", "acc_delta"],
            "nadam": ["m", "v"],
        }[kind]
        before = self._optimizer
        self._optimizer = {
            "kind": kind,
            "decoupled": decoupled,
            "options": {**common, **own[kind]},
            "states": names,
            "first": initial_accumulator_value if kind == "adagrad" else 0.0,
            "clip_value": clip_value,
            "clip_norm": clip_norm,
        }
        if before is None or before["kind"] != kind or before["states"] != names:
            self._states = [self._zeros() for _ in names]
            self._fill_states()
            self._optimizer_step_count = 0

    def _fill_states(self) -> None:
        assert self._optimizer is not None
        for state in self._states:
            for array in state:
                array[...] = self._optimizer["first"]

    def reset_optimizer(self) -> None:
        """The optimizer's first state again: step 0 and no memory of gradients."""
        if self._optimizer is not None:
            self._fill_states()
        self._step_count = self._optimizer_step_count = 0

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

    def _regularized(self) -> Iterator[tuple[Regularizer, Array, Array]]:
        """Each regularizer with its parameter array and that one's gradient."""
        for index, regularizer in self._regularizers.items():
            yield regularizer, self._params[index], self._gradients[index]

    def _penalty(self) -> float:
        return sum((regularizer.penalty(w) for regularizer, w, _ in self._regularized()), 0.0)

    def _add_penalty_gradient(self) -> None:
        for regularizer, w, gradient in self._regularized():
            gradient += regularizer.penalty_gradient(w)

    # ---- samples

    def _samples(self, function: str, x: Any) -> list[Array]:
        """An array (n, *shape) of one of the dtypes that are converted, for each input."""
        shapes = [self._graph.shape(node) for node in self._graph.input_nodes]
        given = [x] if len(shapes) == 1 else x
        if not isinstance(given, (list, tuple)) or len(given) != len(shapes):
            raise TypeError(f"{function}: x: expected a list of {len(shapes)} arrays, one an input")
        arrays = [numbers(function, "x", array) for array in given]
        for array, shape in zip(arrays, shapes, strict=True):
            if np.prod(array.shape[1:]) != np.prod(shape):
                raise value_error(function, "x", f"samples of shape {shape}", array.shape[1:])
            if len(array) != len(arrays[0]):
                raise value_error(function, "x", f"{len(arrays[0])} samples in every array", len(array))
        return [array.reshape(len(array), *shape) for array, shape in zip(arrays, shapes, strict=True)]

    # ---- forward and backward

    def _forward(self, samples: list[Array], run: Run) -> list[Array]:
        """Every node's value for one batch, an array for each input."""
        values: list[Array] = []
        inputs = iter(samples)
        for number, node in enumerate(self._graph.nodes):
            if node.op is None:
                values.append(next(inputs).astype(self._dtype))
            else:
                values.append(node.op.forward([values[i] for i in node.inputs], self._arrays(number), run))
        return values

    def _own(self, arrays: list[Array], number: int) -> list[Array]:
        """Those of `arrays` (parameters or gradients) that belong to node `number`."""
        return [array for array, (node, _, _) in zip(arrays, self._names, strict=True) if node == number]

    def _arrays(self, number: int) -> list[Array]:
        """The parameters of node `number`, then its arrays that are not trained."""
        own = [array for node, _, array in self.buffers() if node == number]
        return self._own(self._params, number) + own

    def _backward(
        self, grad_outputs: list[Array], values: list[Array], run: Run, accumulate: bool
    ) -> list[Array]:
        """Set, or add to, the parameters' gradients; returns the gradients of the network's inputs."""
        if not accumulate:
            for gradient in self._gradients:
                gradient[...] = 0
        # What has arrived at each node so far: from the loss, and from the nodes that read it.
        flowing: dict[int, Array] = dict(zip(self._graph.output_nodes, grad_outputs, strict=True))
        for number in reversed(range(len(values))):
            node = self._graph.nodes[number]
            if node.op is None or number not in flowing:
                continue  # an input, or a branch that does not reach the output
            inputs = [values[i] for i in node.inputs]
            ginputs, gparams = node.op.backward(flowing[number], inputs, self._arrays(number), run)
            for total, gradient in zip(self._own(self._gradients, number), gparams, strict=True):
                total += gradient
            for i, gradient in zip(node.inputs, ginputs, strict=True):
                flowing[i] = flowing[i] + gradient if i in flowing else gradient
        return [flowing.get(i, np.zeros_like(values[i])) for i in self._graph.input_nodes]

    def _run(self, training: bool) -> Run:
        return Run(training, self._seed, self._step_count % 2**32)

    def _infer(self, samples: list[Array], rows: slice) -> list[Array]:
        """The network's outputs for some of the samples."""
        batch = [array[rows] for array in samples]
        return self._outputs(self._forward(batch, self._run(training=False)))

    def _outputs(self, values: list[Array]) -> list[Array]:
        return [values[node] for node in self._graph.output_nodes]

    @property
    def num_inputs(self) -> int:
        """How many arrays `x` is."""
        return len(self._graph.input_nodes)

    @property
    def num_outputs(self) -> int:
        """How many arrays the result is."""
        return len(self._output_shapes)

    def forward(self, x: Array | list[Array], training: bool = False) -> Any:
        """The network's output for samples `x`; with `training`, dropout acts and `backward` may follow."""
        samples, run = self._samples("forward", x), self._run(training)
        if training and len(samples[0]) == 0:
            raise value_error("forward", "x", "at least one sample to train on", "none")
        with np.errstate(over="ignore", invalid="ignore"):
            values = self._forward(samples, run)
        self._pending = (values, run) if training else None
        outputs = [output.copy() for output in self._outputs(values)]
        return outputs if len(outputs) > 1 else outputs[0]

    def backward(self, grad_output: Any, accumulate: bool = False, need_input_grad: bool = False) -> Any:
        """Gradients of the last ``forward(x, training=True)``, once: see `gradients`.

        Parameters
        ----------
        grad_output : (n, *output shape) array of the model's dtype
            A list of them for several outputs, where None stands for zeros.
        accumulate : bool
            Add to the gradients instead of overwriting them.
        need_input_grad : bool
            Also return the gradient with respect to `x`, a list of them for several inputs.

        Raises
        ------
        TypeError, ValueError
            There was no such forward, or `grad_output` does not fit.
        """
        if self._pending is None:
            raise ValueError("backward: expected a forward with training=True before it, got none")
        values, run = self._pending
        outputs = self._outputs(values)
        given = [grad_output] if len(outputs) == 1 else grad_output
        if not isinstance(given, (list, tuple)) or len(given) != len(outputs):
            count = len(outputs)
            raise TypeError(f"backward: grad_output: expected a list of {count} arrays, one an output")
        gradients = []
        for output, gradient in zip(outputs, given, strict=True):
            if gradient is None and len(outputs) > 1:
                gradients.append(np.zeros_like(output))
                continue
            gradients.append(floats("backward", output=output, grad_output=gradient)[1])
            has_shape("backward", "grad_output", gradients[-1], output.shape)
        self._pending = None
        with np.errstate(over="ignore", invalid="ignore"):
            gx = [g.copy() for g in self._backward(gradients, values, run, accumulate)]
            if not accumulate:
                self._add_penalty_gradient()
        if not need_input_grad:
            return None
        return gx if len(gx) > 1 else gx[0]

    def step(self) -> None:
        """Apply the optimizer to the parameters with the gradients as they are; count the step."""
        if self._optimizer is None:
            raise ValueError("step: expected an optimizer to be set before it, got none")
        kind, step = self._optimizer["kind"], self._optimizer_step_count
        options = dict(self._optimizer["options"])
        options["lr"] = self._rates.get(self._step_count, options["lr"])
        if self._optimizer["clip_value"]:
            clipping.clip_grad_value_(self._gradients, self._optimizer["clip_value"])
        if self._optimizer["clip_norm"]:
            clipping.clip_grad_norm_(self._gradients, self._optimizer["clip_norm"])
        if kind == "sgd":
            options["first_step"] = step == 0
        elif kind not in ("rmsprop", "adadelta"):
            options["step"] = step + 1
        if kind == "adam" and self._optimizer["decoupled"]:
            kind = "adamw"
        states = dict(zip(self._optimizer["states"], self._states, strict=True))
        getattr(optimizers, f"{kind}_update")(self._params, self._gradients, **states, **options)
        for regularizer, w, _ in self._regularized():
            regularizer.limit(w)
        self._step_count += 1
        self._optimizer_step_count += 1

    # ---- loops over batches

    @staticmethod
    def _batches(
        function: str, rows: int, batch: int, first: int, last: int, seconds: float
    ) -> Iterator[slice]:
        """Rows of steps first..last-1, checked at once; ends early, after one at least, when time is up."""
        batch = integer_in(function, "batch", batch, 1, 2**63 - 1)
        steps = -(-rows // batch)
        last = integer_in(function, "last", last, 0, steps)
        first = integer_in(function, "first", first, 0, last)
        end = time.monotonic() + seconds if seconds > 0 else np.inf

        def slices() -> Iterator[slice]:
            for step in range(first, last):
                yield slice(step * batch, min((step + 1) * batch, rows))
                if time.monotonic() >= end:
                    return

        return slices()

    def train(
        self,
        x: Array | list[Array],
        y: Array | list[Array],
        order: NDArray[np.int64] | None,
        batch: int,
        first: int,
        last: int,
        seconds: float,
        totals: Totals | list[Totals],
        sample_weight: Any = None,
    ) -> int:
        """Steps first..last-1 of the epoch over `order`; returns how many were done before time ran out.

        Parameters
        ----------
        x : (n, ...) array of numbers, or a list of them
        y : (n,) or (n, ...) array
            Labels for class losses, otherwise as many numbers a sample as the network puts out. A list of
            arrays for several outputs.
        order : (n,) array of integers, optional
            Indices of samples; step s takes ``order[s * batch : (s + 1) * batch]``. All in order when None.
        batch, first, last : int
        seconds : float
            Time after which no further step starts; no limit when not above 0.
        totals : Totals
            Added to. For several outputs a list: one an output, and one for the penalties.
        sample_weight : (n,) array of numbers, optional
            A factor of each sample's loss; a mean divides by their sum. One array for all outputs, or a list.

        Raises
        ------
        TypeError, ValueError
            An argument does not fit, or no loss or optimizer is set.
        FloatingPointError
            A loss is not finite; the step that met it is not applied.
        """
        if self._optimizer is None:
            raise ValueError("train: optimizer: expected one to be set before, got none")
        x = self._samples("train", x)
        objectives, n = self._objectives, len(x[0])
        targets = objectives.targets("train", y, n, sample_weight)
        sums = objectives.sums("train", totals)
        order = np.arange(n) if order is None else np.asarray(order)
        if order.ndim != 1 or order.dtype.kind not in "iu":
            raise TypeError(f"train: order: expected integer indices (n,), got {order.dtype} {order.shape}")
        batches = self._batches("train", len(order), batch, first, last, seconds)
        used = order[first * batch : last * batch]
        if ((used < 0) | (used >= n)).any():
            raise value_error("train", "order", f"indices in 0..{n - 1}", f"{used.min()}..{used.max()}")
        done = 0
        for rows in batches:
            chosen, run = order[rows], self._run(training=True)
            target = targets(chosen)
            with np.errstate(over="ignore", invalid="ignore"):
                self._pending = None
                before = [array.copy() for array in self._buffers]
                values = self._forward([array[chosen] for array in x], run)
                outputs, extra = self._outputs(values), self._penalty()
                losses = objectives.losses(outputs, target)
                loss = objectives.total(losses) + extra
                if not np.isfinite(loss):
                    for array, old in zip(self._buffers, before, strict=True):
                        array[...] = old  # the forward moved running statistics
                    raise FloatingPointError(
                        f"loss is {loss:g} at step {self._step_count} (sample {rows.start} of the epoch); "
                        "the step was not applied"
                    )
                self._backward(objectives.gradients(outputs, target), values, run, accumulate=False)
                self._add_penalty_gradient()
                self.step()
            objectives.add(sums, losses, extra, outputs, target)
            done += 1
        return done

    def evaluate(
        self,
        x: Array | list[Array],
        y: Array | list[Array],
        batch: int,
        first: int,
        last: int,
        seconds: float,
        totals: Totals | list[Totals],
        sample_weight: Any = None,
    ) -> int:
        """Add batches first..last-1 of the samples to `totals`, without training; returns their number."""
        x = self._samples("evaluate", x)
        objectives, n = self._objectives, len(x[0])
        targets = objectives.targets("evaluate", y, n, sample_weight)
        sums = objectives.sums("evaluate", totals)
        done, extra = 0, self._penalty()
        for rows in self._batches("evaluate", n, batch, first, last, seconds):
            # The penalty counts once in the mean over all samples, and once in their sum.
            share = extra if objectives.mean or sums[-1].steps == 0 else 0.0
            target = targets(rows)
            with np.errstate(over="ignore", invalid="ignore"):
                outputs = self._infer(x, rows)
                objectives.add(sums, objectives.losses(outputs, target), share, outputs, target)
            done += 1
        return done

    def predict(self, x: Array | list[Array], batch: int = 256, out: Any = None) -> Any:
        """The network's output for all samples, `batch` of them at a time: (n, *output shape)."""
        samples = self._samples("predict", x)
        n = len(samples[0])
        outputs = [np.empty((n, *shape), self._dtype) for shape in self._output_shapes]
        several = len(outputs) > 1
        if several and out is not None and (not isinstance(out, (list, tuple)) or len(out) != len(outputs)):
            raise TypeError(f"predict: out: expected a list of {len(outputs)} arrays, one an output")
        steps = -(-n // integer_in("predict", "batch", batch, 1, 2**63 - 1))
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in self._batches("predict", n, batch, 0, steps, 0.0):
                for output, values in zip(outputs, self._infer(samples, rows), strict=True):
                    output[rows] = values
        if not several:
            return deliver("predict", outputs[0], self._dtype, out, apart=samples)
        wanted = [None] * len(outputs) if out is None else out
        return [
            deliver("predict", output, self._dtype, to, apart=samples)
            for output, to in zip(outputs, wanted, strict=True)
        ]

    def train_now(self, x: Array, y: Array, totals: Totals) -> bool:
        """As `predict_now`: False, the caller asks `train`."""
        return False

    def predict_now(self, x: Array, batch: int) -> None:
        """Nothing is worth a second way here: the caller asks `predict`."""

    def plan(self, batch: int, training: bool) -> tuple[int, int]:
        """Bytes of all activations for this batch size, twice: nothing is shared here."""
        batch = integer_in("plan", "batch", batch, 1, 2**63 - 1)
        elements = sum(int(np.prod(node.shape)) for node in self._graph.nodes)
        size = elements * batch * self._dtype.itemsize
        return size, size
