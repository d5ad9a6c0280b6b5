"""`Callback`, the base to derive from, and the list of those of one run.

What this is: the hooks and the order in which they are called, and what callbacks remember.
What this is not: any ready-made callback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from nnfast._core import Model as CoreModel
    from nnfast.model import Model

Logs: TypeAlias = "dict[str, float]"
Memory: TypeAlias = "dict[str, Any]"  # "class": its name, "state": what it remembers


class Callback:
    """Base of callbacks: methods to be overridden, all of which do nothing here.

    Attributes
    ----------
    model : Model
        The one that is trained; set before `on_train_begin`.

    Notes
    -----
    `logs` has the loss and metrics by name, of the epoch (validation included) or of its batches so far;
    what `on_epoch_end` adds to it goes into the history. A callback with a method for batches makes `fit`
    stop after every batch; without any, the engine trains for a tenth of a second at a time. After Ctrl-C,
    too, `on_train_end` is called.

    What `state_dict` gives is kept with the model, and saved in its file, for a run that is continued: then
    `fit(initial_epoch=model.epochs_done)` hands it to `load_state_dict`, after `on_train_begin`: of several
    callbacks of a class, the first is given what the first had. All other runs begin with nothing.

    Examples
    --------
    >>> import numpy as np, nnfast as nf
    >>> class Halve(Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         self.model.optimizer.lr /= 2
    >>> model = nf.Sequential(nf.Linear(2, 1), seed=0)
    >>> model.compile(nf.SGD(lr=0.5), "mse_loss")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0, callbacks=[Halve()])
    >>> model.optimizer.lr
    0.125
    """

    model: Model
    _every: int | None = None  # steps of the model between two calls of `_on_steps`
    _last = False  # at the beginning and at an epoch's end called when all others have been

    def _on_steps(self, logs: Logs) -> None:
        """As `on_batch_end`, without making `fit` stop after the batches between."""

    def on_train_begin(self, logs: Logs) -> None:
        """`fit` starts; arguments and data are checked."""

    def on_train_end(self, logs: Logs) -> None:
        """`fit` is over; `logs` are the last epoch's."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Epoch `epoch`, from 0, starts."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Epoch `epoch` is over, validation included."""

    def on_batch_begin(self, batch: int, logs: Logs) -> None:
        """Batch `batch` of the epoch, from 0, comes next."""

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Batch `batch` is done: weights are updated."""

    def state_dict(self) -> dict[str, Any]:
        """What must be remembered to go on: numbers, strings, None, lists and dicts of them, as JSON has.

        Also, as the value of a name, arrays as `Model.state_dict` gives them.
        """
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave; `model` is set.

        Raises
        ------
        TypeError, ValueError
            If it is nothing that it gave.
        """

    def _forgives_nan(self, error: FloatingPointError) -> bool:
        """Whether a loss that is no number is to end the run quietly."""
        return False


class _Function(Callback):
    """A function in the place of `on_epoch_end`."""

    def __init__(self, function: Callable[[int, Logs], object]) -> None:
        self._function = function

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._function(epoch, logs)


class CallbackList:
    """The callbacks of one run, in order."""

    def __init__(self, given: Any = ()) -> None:
        listed = [given] if isinstance(given, Callback) or callable(given) else given
        if given is None:
            listed = ()
        elif not isinstance(listed, (list, tuple)):
            raise TypeError(f"fit: callbacks: expected a list of callbacks, got {given!r}")
        self.each: list[Callback] = []
        for i, one in enumerate(listed):
            if isinstance(one, type):
                raise TypeError(f"fit: callbacks[{i}]: expected an object, got the class {one.__name__}")
            if not isinstance(one, Callback) and not callable(one):
                raise TypeError(f"fit: callbacks[{i}]: expected a Callback or a function, got {one!r}")
            self.each.append(one if isinstance(one, Callback) else _Function(one))
        self.begun = False
        hooks = ("on_batch_begin", "on_batch_end")
        self._of_batches = [
            one for one in self.each if any(getattr(type(one), h) is not getattr(Callback, h) for h in hooks)
        ]
        self._periodic = [one for one in self.each if one._every is not None]
        self._at_end = sorted(self.each, key=lambda one: one._last)  # in their order otherwise

    @property
    def batchwise(self) -> bool:
        """Whether one of them wants to hear of every batch."""
        return bool(self._of_batches)

    @property
    def listens(self) -> bool:
        """Whether one of them wants to hear of some batches."""
        return bool(self._of_batches or self._periodic)

    def room(self, core: CoreModel, steps: int) -> int:
        """How many of the next steps may be done before one of them has to be asked; 1 at least."""
        if self._of_batches:
            return 1
        for one in self._periodic:
            assert one._every is not None
            steps = min(steps, one._every - core.step_count % one._every)
        return steps

    def begin(self, model: Model, memory: Sequence[Memory] = ()) -> None:
        """All are told of the model before one of them acts; then they are reminded."""
        for one in self.each:
            one.model = model
        for one in self._at_end:
            one.on_train_begin({})
        left = list(memory)
        for one in self.each:
            found = next((entry for entry in left if entry["class"] == type(one).__name__), None)
            if found is not None:
                left.remove(found)
                one.load_state_dict(found["state"])
        self.begun = True

    def remember(self) -> list[Memory]:
        """What those have to remember that do."""
        states = [(type(one).__name__, one.state_dict()) for one in self.each]
        return [{"class": name, "state": state} for name, state in states if state]

    def end(self, logs: Logs) -> None:
        """The run is over."""
        for one in self.each:
            one.on_train_end(logs)

    def begin_epoch(self, epoch: int) -> None:
        """Epochs count from 0 here."""
        for one in self.each:
            one.on_epoch_begin(epoch, {})

    def end_epoch(self, epoch: int, logs: Logs) -> None:
        """`logs` may come back with more in it."""
        for one in self._at_end:
            one.on_epoch_end(epoch, logs)

    def begin_batch(self, batch: int) -> None:
        """Batches count from 0 in each epoch."""
        for one in self._of_batches:
            one.on_batch_begin(batch, {})

    def end_batch(self, batch: int, core: CoreModel, logs: Logs) -> None:
        """`logs` are those of the epoch so far."""
        for one in self._of_batches:
            one.on_batch_end(batch, logs)
        for one in self._periodic:
            assert one._every is not None
            if core.step_count % one._every == 0:
                one._on_steps(logs)

    def forgives_nan(self, error: FloatingPointError) -> bool:
        """Whether a loss that is no number ends the run quietly."""
        answers = [one._forgives_nan(error) for one in self.each]  # all of them are told
        return any(answers)
