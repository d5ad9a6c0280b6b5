"""`Model`: a network with the verbs of Keras and scikit-learn.

What this is: compile, fit, evaluate, predict. All arithmetic is one call of the engine
(`backend="native"`) or of its NumPy twin (`backend="reference"`).
What this is not: structure and state (`nnfast._network`), training by hand (`nnfast._by_hand`), the loops
over an epoch (`nnfast._fit`), the checks of arrays (`nnfast._arrays`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnfast import _checks, _fit, optimizers
from nnfast._given import Given
from nnfast._samples import predict, steps_of
from nnfast._stream import Stream, is_stream
from nnfast._task import gather, make_task
from nnfast._wiring import Node, from_nodes, input_names
from nnfast.callbacks.base import Callback, CallbackList
from nnfast.history import History
from nnfast.layers import Layer, LogSoftmax, Sigmoid, Softmax
from nnfast.layers.activations import Activation
from nnfast.losses import Loss
from nnfast.metrics import Metric
from nnfast.optimizers import Optimizer
from nnfast.progress import make_progress
from nnfast.schedules import ReduceLROnPlateau

Array = NDArray[Any]


class Model(Given):
    """A network described as a graph, and the base of `nnfast.Sequential`.

    Parameters
    ----------
    inputs : Node or list of Node
        What `nnfast.Input` gave. For several, all methods take a list of arrays as `x`.
    outputs : Node or list of Node
        What the last layer's call gave. Every layer on the way from the inputs belongs to the model. For
        several, methods give and take a list of arrays, one an output; other layers may read an output.
    dtype : {"float32", "float64"}
        Of the parameters and all arithmetic.
    seed : int, optional
        0 <= seed < 2**64. Decides the initial weights, the shuffles and the dropout masks; drawn at random
        when None.
    name : str, optional
        Shown in `summary`.

    Attributes
    ----------
    layers : tuple of Layer
        Each after those it reads; read-only.
    dtype : numpy.dtype
    seed : int
    optimizer : Optimizer or None
        The compiled optimizer; assigning to its settings takes effect at the next batch. Another one, or a
        name, may be assigned, too: one of the same kind goes on with the state that is there.
    loss : Loss or None
        The compiled loss; another one, or a name, may be assigned.
    epochs_done : int
        Epochs that the last `fit` has completed: what `initial_epoch` takes to go on; read-only.
    history : History or None
        Of the last `fit`, also while it runs and when it ended with an error.
    stop_training : bool
        Set to True by a callback to end `fit` after the batch, or the epoch, at hand.

    Raises
    ------
    TypeError, ValueError
        If something is no node, a layer is used twice or belongs to another model, or if shapes do not fit.

    Notes
    -----
    The same seed gives the same weights bit for bit on every run and with any number of threads.

    While the compiled engine runs, denormal numbers (in float32 those below 1.2e-38) count as zero: they are
    many times as slow as others. NumPy, nnfast's functions of arrays and `backend="reference"` keep them.

    Examples
    --------
    >>> import nnfast as nf
    >>> x = nf.Input((3, 8, 8))
    >>> h = nf.ReLU()(nf.Conv2d(3, 8, 3, padding=1)(x))
    >>> h = nf.ReLU()(nf.Add()(h, nf.Conv2d(8, 8, 3, padding=1)(h)))
    >>> model = nf.Model(x, nf.Linear(out_features=10)(nf.Flatten()(h)), seed=0)
    >>> model.output_shape
    (10,)

    Two inputs and two outputs:

    >>> image, place = nf.Input((3, 8, 8)), nf.Input(2)
    >>> seen = nf.Flatten()(nf.Conv2d(3, 4, 3)(image))
    >>> both = nf.ReLU()(nf.Linear(out_features=16)(nf.Concat()(seen, place)))
    >>> model = nf.Model([image, place], [nf.Linear(16, 5)(both), nf.Linear(16, 1)(both)], seed=0)
    >>> label, value = model.predict([np.zeros((7, 3, 8, 8)), np.zeros((7, 2))])
    >>> label.shape, value.shape
    ((7, 5), (7, 1))
    """

    def __init__(
        self,
        inputs: Node | Sequence[Node],
        outputs: Node | Sequence[Node],
        *,
        dtype: DTypeLike = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        wired, shapes, ends = from_nodes("Model", inputs, outputs)
        super().__init__(wired, shapes, dtype, seed, name, ends)
        self._input_names = input_names("Model", inputs)

    # ---------------------------------------------------------------- compile

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Sequence[str | Loss] | None = None,
        metrics: str | Metric | Sequence[Any] = (),
        backend: str = "native",
        *,
        loss_weights: Sequence[float] | None = None,
    ) -> None:
        """Choose how the model is trained. Weights stay; the optimizer's state starts anew.

        Parameters
        ----------
        optimizer : {"sgd", "rmsprop", "adam", "adamw", "nadam", "adagrad", "adadelta", "perceptron"} or
            Optimizer
            A name stands for PyTorch's defaults.
        loss : str or Loss, optional
            The name of a loss function ("cross_entropy", "mse_loss", "nll_loss", "l1_loss", "huber_loss",
            "binary_cross_entropy", ...; short: "mse", "l1", "huber", "hinge", "bce", "bce_with_logits"). May
            be left out when only `forward`, `backward` and `step` are used. For several outputs a list, or
            one for all of them.
        metrics : list of {"accuracy", "mae", "mse", "rmse"} or callables metric(y_true, y_pred)
            Reported beside the loss. Callables, and "precision", "recall", "f1", "auc", "r2" and
            "top_<k>_accuracy" of `nnfast.metrics`, cost a prediction of the data set an epoch. A callable
            that has an argument `sample_weight` is given the weights, None where there are none. For several
            outputs a list of one entry each, itself one metric or a list of them; they, and the outputs' own
            losses, are reported under the output layer's key: "2_loss", or "value_loss" for a layer named
            "value".
        backend : {"native", "reference"}
            The compiled engine, or the readable NumPy twin.
        loss_weights : list of float >= 0, optional
            For several outputs: what is minimised, and reported as "loss", is the sum of the outputs' losses,
            each times its weight (1 when left out), and the penalties of layers.

        Raises
        ------
        TypeError, ValueError
            For unknown names, and for a loss or metric that does not fit the model's output.

        Warns
        -----
        UserWarning
            If the last layer does not go with the loss (Softmax with a loss that takes logits, Step with the
            perceptron's).

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(4, 3), seed=0)
        >>> model.compile(nf.SGD(lr=0.1, momentum=0.9), "cross_entropy", metrics=["accuracy"])
        >>> model.optimizer.lr = 0.01
        """
        new_optimizer = optimizers.get(optimizer)
        task = make_task(new_optimizer.choose_loss(loss), loss_weights, metrics, self._output_names)
        _checks.choice("compile", "backend", backend, ("native", "reference"))
        if self._graph is not None:
            task.check(self._output_shapes)
        for output, one in zip(self._outputs, task.losses, strict=False):
            self._warn_about_last_layer(self.layers[output], one)

        weights = self.state_dict() if self._core is not None and backend != self._backend else None
        self._optimizer, self._task = new_optimizer, task
        if backend != self._backend:
            self._backend = backend
            self._core = None
            for layer in self.layers:
                layer._views = {}
            if self._input_shape is not None:
                self._set_input_shape(self._input_shape, "compile")
        if weights is not None:
            self.load_state_dict(weights)
        if self._core is not None:
            self._adopt(self._core, [layer._views for layer in self.layers])
            self._core.reset_optimizer()
        self._epochs_trained = self._epochs_done = 0
        self._position, self._memory, self._places = None, [], [None, None]
        if isinstance(new_optimizer.lr, ReduceLROnPlateau):
            new_optimizer.lr.reset()

    def _warn_about_last_layer(self, last: Layer, loss: Loss) -> None:
        message = None
        if isinstance(last, Softmax) and loss.kind == "cross_entropy":
            message = (
                "compile: the model ends with Softmax, but cross_entropy takes logits and applies softmax "
                "itself: remove the last layer and use nf.softmax(model.predict(x)) for probabilities"
            )
        elif isinstance(last, Sigmoid) and loss.kind.endswith("_with_logits"):
            message = (
                "compile: the model ends with Sigmoid, but binary_cross_entropy_with_logits applies it "
                "itself: remove the last layer, or use the loss 'binary_cross_entropy'"
            )
        elif isinstance(last, Activation) and loss.kind == "perceptron_loss":
            message = (
                f"compile: the model ends with {type(last).__name__}, but perceptron_loss takes scores and "
                "applies the step itself: remove the last layer and use model.predict(x) > 0 for answers"
            )
        elif loss.kind == "nll_loss" and not isinstance(last, LogSoftmax):
            message = (
                f"compile: nll_loss takes log-probabilities, but the model ends with {type(last).__name__}: "
                "add LogSoftmax(), or use the loss 'cross_entropy' on logits"
            )
        if message is not None:
            warnings.warn(message, UserWarning, stacklevel=3)

    # ---------------------------------------------------------------- training and use

    def fit(
        self,
        x: ArrayLike | Iterable[tuple[ArrayLike, ArrayLike]],
        y: ArrayLike | None = None,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        validation_data: tuple[ArrayLike, ...] | Iterable[tuple[ArrayLike, ...]] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        verbose: int = 1,
        steps_per_epoch: int | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | ArrayLike | str | None = None,
        callbacks: Callback | Callable[..., Any] | Sequence[Callback | Callable[..., Any]] | None = None,
        initial_epoch: int | None = None,
        prefetch: int | None = None,
    ) -> History:
        """Train on batches of the data.

        Parameters
        ----------
        x : array (n, *input_shape)
            float16, float32, float64, integers or bools, converted batch by batch: of a `numpy.memmap` only
            the batch at hand is read. Not scaled: that is what a first layer `Normalize` is for, as in
            ``nf.Normalize(0, 255)`` for uint8 images. For several inputs a list of arrays, or a dict of them
            by the inputs' names (`nnfast.Input`). Or, without `y`, a generator or another iterable of batches
            (x, y), such as `nnfast.data.Batches`; `batch_size` and `shuffle` then say nothing.
        y : array
            (n,) integer labels for cross_entropy and nll_loss, or (n, classes) probabilities for
            cross_entropy; (n, *output_shape) for the other losses, where (n,) does for one number a
            sample. For several outputs a list of arrays, or a dict by the output layers' keys ("value" for a
            layer of that name).
        batch_size : int
            Samples a step; the last step of an epoch takes what is left.
        epochs : int
            Passes over the data.
        validation_data : (x, y), (x, y, sample_weight) or iterable of batches, optional
            Evaluated after every epoch, in the history under "val_...".
        validation_split : float
            In [0, 1): this share of the samples, taken from the end, is held out as validation data.
        shuffle : bool
            Whether each epoch takes the samples in a new order. The order follows from the seed and from the
            number of epochs in the model's life, so two fits of one epoch are a fit of two.
        verbose : {0, 1, 2}
            Silent, a progress bar, or a line an epoch.
        steps_per_epoch : int, optional
            Batches an epoch takes: of arrays the first so many in the epoch's order, of an iterable the next,
            which goes on where the epoch before stopped. Left out, an epoch is all of it. An iterator, which
            can be gone through once, needs it for several epochs.
        sample_weight : (n,) numbers >= 0, optional
            A factor of each sample's loss, and in all metrics. A mean divides by the weights' sum: a weight
            of 2 is the sample twice. For several outputs it counts for all of them, or is a list of one each,
            None standing for no weights. An iterable's batches may be (x, y, sample_weight) instead.
        class_weight : dict, array (classes,) or "balanced", optional
            A factor of each sample's weight by its class; "balanced": n / (classes * samples of the class).
            For losses of classes: the labels, the largest of probabilities, the two sides of binary losses.
        callbacks : list of Callback or function, optional
            See `nnfast.callbacks`; a function is called as f(epoch, logs) after every epoch. Without methods
            for batches they cost nothing but their own time.
        initial_epoch : int
            Epochs that were done before, of `epochs` in all: for a run that is continued, see `epochs_done`.
            If the model stands in the middle of that epoch, the run goes on with its next step, with the bits
            of an unbroken run: callbacks hear nothing of that epoch's begin, and go on with what they
            remember (`Callback.state_dict`). An iterable is gone through from the batch on that comes next,
            and is told the number of the pass if it counts in an attribute `passes`, as `Batches` does; an
            iterator has to stand at the epoch's first batch. 0 when left out: a new run begins.
        prefetch : int, optional
            How many batches of an iterable, or pieces of arrays that lie in files, a thread makes ready while
            the engine computes; none of the next epoch. What comes out is the same, bit for bit. 0: all is
            done in the calling thread, between steps, for an iterable that uses the model itself, follows
            what callbacks change, or may only be used in the thread that made it. Left out: 2, but 0 for
            batches of less than 64 KB, which are handed over in no less time than most of them are made.

        Returns
        -------
        History
            Loss and metrics of every epoch: the means while training (weights changing, dropout on) under
            "loss" and the metrics' names, except metrics that are callables, which see the outputs after the
            epoch; these are not reported for an iterable, but for the validation data they are.

        Raises
        ------
        TypeError, ValueError
            For data that do not fit, before anything is changed; a batch of an iterable is checked when it
            comes. So is a last batch of one sample with BatchNorm over single values: it has no variance.
        FloatingPointError
            If the loss becomes NaN or infinite; the weights are those before that step.

        Warns
        -----
        UserWarning
            If an iterator ends before all epochs are done; training ends there. If all layers are frozen.

        Notes
        -----
        Ctrl-C ends the run within about 0.2 s at a consistent state and returns the history so far, with
        `history.interrupted` set.

        Examples
        --------
        >>> import numpy as np, nnfast as nf
        >>> x = np.linspace(-1, 1, 64)[:, None]
        >>> model = nf.Sequential(nf.Linear(1, 1), seed=0)
        >>> model.compile(nf.SGD(lr=0.1), "mse_loss")
        >>> history = model.fit(x, 2 * x + 1, batch_size=16, epochs=100, verbose=0)
        >>> [round(v, 2) for v in (model.layers[0].weight.item(), model.layers[0].bias.item())]
        [2.0, 1.0]
        """
        with _fit.Interrupts() as interrupts:
            try:
                with interrupts.at_once():
                    batch_size = _checks.integer("fit", "batch_size", batch_size, 1)
                    epochs = _checks.integer("fit", "epochs", epochs, 0)
                    done = 0
                    if initial_epoch is not None:
                        done = _checks.integer("fit", "initial_epoch", initial_epoch, 0, epochs)
                    position = None if initial_epoch is None else self._position
                    if prefetch is not None:
                        prefetch = _checks.integer("fit", "prefetch", prefetch, 0, 1024)
                    listed = CallbackList(callbacks)
                    shuffle = _checks.flag("fit", "shuffle", shuffle)
                    verbose = _checks.integer("fit", "verbose", verbose, 0, 2)
                    split = _checks.real("fit", "validation_split", validation_split, low=0.0, below=1.0)
                    if validation_data is not None and split > 0:
                        raise ValueError("fit: validation_split: give either it or validation_data, got both")
                    if position is not None and position.epoch != done:
                        position = None
                    goes_on = initial_epoch is not None and done == self._epochs_done
                    data, validation = self._fit_data(
                        (x, y, sample_weight, class_weight),
                        (validation_data, split),
                        batch_size,
                        steps_per_epoch,
                        epochs - done,
                        prefetch,
                        self._places if goes_on else (None, None),
                        0 if position is None or position.samples is not None else position.step,
                    )
                    if position is not None:
                        position.check(*_fit.made_of(data, batch_size, shuffle))
                    core = self._ensure_model("fit")
                    self._warn_if_all_frozen("fit")
                    steps = data.steps if isinstance(data, Stream) else steps_of(len(data), batch_size)
                    if steps is not None and steps_per_epoch is not None:
                        steps = _checks.integer("fit", "steps_per_epoch", steps_per_epoch, 1, steps)
                    progress = make_progress(
                        "fit", verbose, epochs, steps, done, 0 if position is None else position.step
                    )
            except KeyboardInterrupt:
                return _fit.not_begun(self)
            return _fit.run_fit(
                self,
                core,
                data,
                validation,
                batch=batch_size,
                steps=steps,
                first_epoch=done,
                epochs=epochs,
                shuffle=shuffle,
                progress=progress,
                callbacks=listed,
                prefetch=2 if prefetch is None else prefetch,
                position=position,
                interrupts=interrupts,
                memory=[] if initial_epoch is None else self._memory,
            )

    def evaluate(
        self,
        x: ArrayLike | Iterable[tuple[ArrayLike, ArrayLike]],
        y: ArrayLike | None = None,
        batch_size: int = 256,
        verbose: int = 0,
        sample_weight: ArrayLike | None = None,
    ) -> dict[str, float]:
        """Loss and metrics of the data, dropout off.

        Parameters
        ----------
        x, y : arrays
            As for `fit`; or an iterable of batches (x, y) alone.
        batch_size : int
            Samples at a time; does not change the result but for rounding.
        verbose : {0, 1}
            Silent, or a progress bar.
        sample_weight : (n,) numbers >= 0, optional
            As for `fit`.

        Returns
        -------
        dict of str to float
            "loss" and the compiled metrics. With reduction "sum" the loss is the sum over all samples.

        Raises
        ------
        TypeError, ValueError
            For data that do not fit.
        """
        batch_size = _checks.integer("evaluate", "batch_size", batch_size, 1)
        verbose = _checks.integer("evaluate", "verbose", verbose, 0, 1)
        data = self._data_or_stream("evaluate", x, y, None, 1, sample_weight)
        core = self._ensure_model("evaluate")
        if isinstance(data, Stream):
            with make_progress("evaluate", verbose, 1, data.steps) as progress:
                progress.begin(1)
                found = data.evaluate(core, progress)
                assert found is not None
                progress.end(found, 0.0)
            return found
        totals = self._new_totals()
        with make_progress("evaluate", verbose, 1, steps_of(len(data), batch_size)) as progress:
            progress.begin(1)
            _fit.evaluate_data(self, core, totals, data, batch_size, progress)
            logs = self._task.logs(totals)
            logs.update(_fit.call_metrics(self, core, data, batch_size, None))
            progress.end(logs, 0.0)
        return logs

    def predict(self, x: Any, batch_size: int = 256) -> Any:
        """Outputs for the samples, dropout off; logits when the model was trained with cross_entropy.

        Parameters
        ----------
        x : array (n, *input_shape)
            A list of arrays, or a dict by the inputs' names, for several inputs. Or a sparse matrix, or an
            iterable of batches: of samples alone, or tuples as for `fit`.
        batch_size : int
            Samples at a time; of an iterable's batches, too.

        Returns
        -------
        array (n, *output_shape) of the model's dtype
            A list of arrays for several outputs; of an iterable all batches' outputs in order.

        Raises
        ------
        TypeError, ValueError
            For samples that do not fit.

        Notes
        -----
        Several threads may predict and evaluate with one model: they wait for each other. Training does not
        wait, but raises a RuntimeError while another thread uses the model.

        Examples
        --------
        >>> import nnfast as nf
        >>> model = nf.Sequential(nf.Linear(2, 3), seed=0)
        >>> model.predict([[0.5, 1.0]]).shape
        (1, 3)
        """
        core = self._core
        if core is not None and batch_size.__class__ is int and 0 < batch_size <= _checks.LARGEST:
            # Few rows that are as the engine wants them: a microsecond matters. All else takes the long way.
            y = core.predict_now(x, batch_size)
            if y is not None:
                return y
        if not isinstance(x, list) and is_stream(x, None):
            batches = (batch[0] if isinstance(batch, tuple) else batch for batch in x)
            outputs = [self.predict(batch, batch_size) for batch in batches]
            if not outputs:
                raise ValueError("predict: x: expected at least one batch, got none")
            return gather(outputs)
        x = self._samples("predict", x)
        core = self._ensure_model("predict")
        batch_size = _checks.integer("predict", "batch_size", batch_size, 1)
        return predict(core, x, batch_size, self.dtype, self._output_shapes)

    def train_batch(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """One training step on all of the data.

        Parameters
        ----------
        x, y : arrays
            As for `fit`.
        sample_weight : (n,) numbers >= 0, optional
            As for `fit`.

        Returns
        -------
        dict of str to float
            The loss before the step and the metrics known by name.

        Raises
        ------
        TypeError, ValueError
            For data that do not fit.
        FloatingPointError
            If the loss is NaN or infinite; the weights are left as they were.
        """
        core = self._core
        single = len(self._task.losses) == 1 and self._task.losses[0]._sides is None
        if core is not None and sample_weight is None and self.optimizer is not None and single:
            # Arrays that are as the engine wants them: microseconds matter. All else takes the long way.
            self._sync_optimizer(core)
            totals = self._new_totals()
            if core.train_now(x, y, totals):
                return self._task.logs(totals)
        with self._all_or_nothing():
            data = self._data("train_batch", x, y, ("x", "y"), sample_weight).dense()
            self._need_optimizer("train_batch")
        core = self._ensure_model("train_batch")
        self._sync_optimizer(core)
        totals = self._new_totals()
        core.train(data.x, data.y, None, len(data), 0, 1, 0.0, totals, data.w)
        return self._task.logs(totals)
