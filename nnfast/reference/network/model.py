"""A network that runs and trains: forward, backward, and the loops over batches.

Backpropagation: the nodes are in topological order, so values go through them forward and gradients backward,
each node adding to the gradients of what it read (Goodfellow, Bengio, Courville: "Deep Learning", 2016,
section 6.5).
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import Array, deliver, floats, has_shape, integer_in, value_error
from ..sparse import dense
from .graph import Graph
from .objective import Totals
from .objectives import Objectives, Target, numbers
from .ops import Run
from .state import State


class Model(State):
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
        super().__init__(graph, dtype)
        self._output_shapes = [graph.shape(node) for node in graph.output_nodes]
        self._objectives = Objectives(self._output_shapes, self._dtype)
        # What a backward after forward(training=True) needs: every node's value, and what the pass was.
        self._pending: tuple[list[Array], Run] | None = None

    def set_loss(
        self, loss: str, reduction: str = "mean", *, output: int = 0, share: float = 1.0, **options: Any
    ) -> None:
        """Train an output for one of the losses by its function's name, with that function's options.

        Arrays among the options hold a number an output. What is minimised is the sum of all outputs' losses,
        each times its share, and of the penalties.
        """
        self._objectives.set(loss, reduction, output, share, **options)

    def set_trainable(self, node: int, trainable: bool) -> None:
        """As in `State`; a backward of the forward before is no longer possible."""
        super().set_trainable(node, trainable)
        self._pending = None

    def _penalty_share(self, targets: list[Target]) -> float:
        """What penalties are multiplied by in a step with these targets."""
        if not (self._penalty_in_mean and self._objectives.mean):
            return 1.0
        weight = self._objectives.weight(targets)
        return 1.0 / weight if weight > 0 else 0.0

    # ---- samples

    def _samples(self, function: str, x: Any) -> list[Array]:
        """An array (n, *shape) of one of the dtypes that are converted, for each input."""
        shapes = [self._graph.shape(node) for node in self._graph.input_nodes]
        given = [x] if len(shapes) == 1 else x
        if not isinstance(given, (list, tuple)) or len(given) != len(shapes):
            raise TypeError(f"{function}: x: expected a list of {len(shapes)} arrays, one an input")
        arrays = [
            dense(function, array) if hasattr(array, "indptr") else numbers(function, "x", array)
            for array in given
        ]
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
                inputs_ = [values[i] for i in node.inputs]
                values.append(node.op.forward(inputs_, self._arrays(number), self._run_of(number, run)))
        return values

    def _run_of(self, number: int, run: Run) -> Run:
        """What node `number` is told: a frozen one with running statistics is not in training."""
        op = self._graph.nodes[number].op
        resting = number in self._frozen and op is not None and op.buffers
        return replace(run, training=False) if resting else run

    def _arrays(self, number: int) -> list[Array]:
        """The parameters of node `number`, then its arrays that are not trained."""
        own = [array for node, _, array in self.buffers() if node == number]
        return self._own(self._params, number) + own

    def _wanted(self, to_inputs: bool) -> list[bool]:
        """Whether a node's gradient leads to a trained parameter, or to an input where these count."""
        wanted: list[bool] = []
        for number, node in enumerate(self._graph.nodes):
            if node.op is None:
                wanted.append(to_inputs)
            else:
                trained = bool(node.op.params) and number not in self._frozen
                wanted.append(trained or any(wanted[i] for i in node.inputs))
        return wanted

    def plan_backward(self, batch: int) -> list[int]:
        """The nodes that a training step goes through backward, last first."""
        wanted = self._wanted(to_inputs=False)
        reached = set(self._graph.output_nodes)
        for number in reversed(range(len(wanted))):
            if number in reached and wanted[number]:
                reached.update(self._graph.nodes[number].inputs)
        return [i for i in sorted(reached, reverse=True) if wanted[i]]

    def _backward(
        self,
        grad_outputs: list[Array],
        values: list[Array],
        run: Run,
        accumulate: bool,
        to_inputs: bool = False,
    ) -> list[Array]:
        """Set, or add to, the parameters' gradients; returns those of the network's inputs `to_inputs`."""
        if not accumulate:
            for gradient in self._gradients:
                gradient[...] = 0
        wanted = self._wanted(to_inputs)
        # What has arrived at each node so far: from the loss, and from the nodes that read it.
        flowing: dict[int, Array] = dict(zip(self._graph.output_nodes, grad_outputs, strict=True))
        for number in reversed(range(len(values))):
            node = self._graph.nodes[number]
            if node.op is None or number not in flowing or not wanted[number]:
                continue  # an input, a branch that does not reach the output, or nothing but frozen nodes
            inputs = [values[i] for i in node.inputs]
            ginputs, gparams = node.op.backward(
                flowing[number], inputs, self._arrays(number), self._run_of(number, run)
            )
            if number not in self._frozen:
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
            gx = [g.copy() for g in self._backward(gradients, values, run, accumulate, need_input_grad)]
            if not accumulate:
                self._add_penalty_gradient(1 / len(values[0]) if self._penalty_in_mean else 1.0)
        if not need_input_grad:
            return None
        return gx if len(gx) > 1 else gx[0]

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
                outputs, share = self._outputs(values), self._penalty_share(target)
                extra = share * self._penalty()
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
                self._add_penalty_gradient(share)
                self.step()
            objectives.add(sums, losses, extra, outputs, target)
            sums[-1].objective += loss * len(chosen)
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
            in_mean = objectives.mean and not self._penalty_in_mean
            share = extra if in_mean else 0.0
            if not in_mean and sums[-1].steps == 0:
                sums[-1].loss += extra
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

    def predict_now(self, x: Array, batch: int, finite: bool = False) -> None:
        """Nothing is worth a second way here: the caller asks `predict`."""

    def plan(self, batch: int, training: bool) -> tuple[int, int]:
        """Bytes of all activations for this batch size, twice: nothing is shared here."""
        batch = integer_in("plan", "batch", batch, 1, 2**63 - 1)
        elements = sum(int(np.prod(node.shape)) for node in self._graph.nodes)
        size = elements * batch * self._dtype.itemsize
        return size, size
