"""What every optimizer has: checked settings, a learning rate or its schedule, limits of the gradients.

What this is: `Optimizer`, the base of the classes in `nnfast.optimizers`, and `Setting`, a number that is
checked whenever it is assigned.
What this is not: any optimizer's own settings or formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, overload

from nnfast import _checks
from nnfast.schedules import Schedule, is_schedule

Rate: TypeAlias = "float | Schedule | Callable[[int], float]"


class Setting:
    """A number that is checked whenever it is assigned."""

    def __init__(self, low: float = 0.0, below: float | None = None) -> None:
        self.low = low
        self.below = below

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Setting: ...
    @overload
    def __get__(self, instance: Optimizer, owner: type) -> float: ...
    def __get__(self, instance: Optimizer | None, owner: type) -> float | Setting:
        if instance is None:
            return self
        value: float = instance.__dict__[self.name]
        return value

    def __set__(self, instance: Optimizer, value: float) -> None:
        kind = type(instance).__name__
        instance.__dict__[self.name] = _checks.real(kind, self.name, value, low=self.low, below=self.below)


class Optimizer:
    """Base of the optimizers; use its subclasses.

    All of them take `lr` as a number, a schedule (`nnfast.schedules`) or a function of the step, and limit
    the gradients before an update, every one to +-`clipvalue` or, all of them together, to the Euclidean norm
    `clipnorm` (`nnfast.clip_grad_norm_`). The layers' penalties are in the gradients
    by then, weight decay is not.
    """

    kind: ClassVar[str]  # the engine's name
    weight_decay = Setting()
    _version = (
        0  # grows with every assignment: who has handed over the settings of a version need not compare
    )

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self.__dict__["_version"] = self._version + 1

    def __init__(
        self, lr: Rate, weight_decay: float, clipnorm: float | None = None, clipvalue: float | None = None
    ) -> None:
        self.lr = lr
        self.weight_decay = weight_decay
        if clipnorm is not None and clipvalue is not None:
            raise ValueError(
                f"{type(self).__name__}: clipvalue: give either it or clipnorm, "
                f"got {clipvalue!r} and {clipnorm!r}"
            )
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue

    @property
    def lr(self) -> Any:
        """The learning rate, or the schedule it follows."""
        return self._lr

    @lr.setter
    def lr(self, value: Rate) -> None:
        self._lr: Any = (
            value if is_schedule(value) else _checks.real(type(self).__name__, "lr", value, low=0.0)
        )

    @property
    def clipnorm(self) -> float | None:
        """Limit of the norm of all gradients together; None: none."""
        return self._clipnorm

    @clipnorm.setter
    def clipnorm(self, value: float | None) -> None:
        self._clipnorm = self._limit("clipnorm", value)

    @property
    def clipvalue(self) -> float | None:
        """Limit of every single gradient; None: none."""
        return self._clipvalue

    @clipvalue.setter
    def clipvalue(self, value: float | None) -> None:
        self._clipvalue = self._limit("clipvalue", value)

    def _limit(self, name: str, value: float | None) -> float | None:
        if value is None:
            return None
        number = _checks.real(type(self).__name__, name, value, low=0.0)
        if number == 0.0:
            raise ValueError(f"{type(self).__name__}: {name}: expected a number above 0, got {value!r}")
        return number

    def rate(self, step: int, epoch: int) -> float:
        """The learning rate at this step and epoch, both counted from 0.

        Raises
        ------
        TypeError, ValueError
            If a function that stands for the schedule returns no number >= 0.
        """
        if not is_schedule(self._lr):
            number: float = self._lr
            return number
        value = self._lr(epoch if self._per_epoch else step)
        return _checks.real(type(self).__name__, "lr", value, low=0.0)

    @property
    def _per_epoch(self) -> bool:
        return isinstance(self._lr, Schedule) and self._lr.per == "epoch"

    @property
    def _per_step(self) -> bool:
        return is_schedule(self._lr) and not self._per_epoch

    def choose_loss(self, loss: Any) -> Any:
        """The loss, or losses, `compile` is to take when it was given these; None: none was named."""
        return loss

    def settings(self) -> dict[str, Any]:
        """The keywords of the engine's `set_optimizer`, but for the learning rate of a schedule: 0 here."""
        found = {"lr": 0.0 if is_schedule(self._lr) else self._lr, "weight_decay": self.weight_decay}
        if self._clipnorm is not None:
            found["clip_norm"] = self._clipnorm
        if self._clipvalue is not None:
            found["clip_value"] = self._clipvalue
        return found

    def _shown(self) -> dict[str, Any]:
        """What repr shows: the settings by the names of the arguments."""
        shown = self.settings()
        shown["lr"] = self._lr
        for name in ("clip_norm", "clip_value"):
            if name in shown:
                shown[name.replace("_", "")] = shown.pop(name)
        return shown

    def __repr__(self) -> str:
        parts = ", ".join(
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={v!r}" for k, v in self._shown().items()
        )
        return f"{type(self).__name__}({parts})"
