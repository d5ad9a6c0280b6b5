"""What an optimizer's settings mean for `nnfast.reference.optimizers`: checks, options, states.

What this is: the arguments of `Model.set_optimizer`. What it is not: an update; the functions do these.
"""

from typing import Any

from ..checks import at_least, one_of, value_error

KINDS = ("sgd", "rmsprop", "adam", "adagrad", "adadelta", "nadam", "sparse_adam")


def settings(
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
    eps_hat: bool = False,
) -> dict[str, Any]:
    """The update's kind, its options, and the names of its states, which decide whether old ones stay.

    Raises
    ------
    ValueError
        A setting is out of its range.
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
    if kind == "sparse_adam":
        for name in ("weight_decay", "clip_value", "clip_norm"):
            if options[name]:
                raise value_error(function, name, "0 with sparse_adam", options[name])
    common = {"lr": lr} if kind == "sparse_adam" else {"lr": lr, "weight_decay": weight_decay}
    adam = {"betas": (beta1, beta2), "eps": eps}
    own: dict[str, dict[str, Any]] = {
        "sgd": {"momentum": momentum, "dampening": dampening, "nesterov": nesterov},
        "rmsprop": {"alpha": alpha, "eps": eps, "momentum": momentum, "centered": centered},
        "adam": {**adam, "amsgrad": amsgrad},
        "adagrad": {"lr_decay": lr_decay, "eps": eps},
        "adadelta": {"rho": rho, "eps": eps},
        "nadam": {**adam, "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled},
        "sparse_adam": adam,
    }
    # The names of the states: what decides whether those that are there can stay.
    names = {
        "sgd": ["momentum_buffer"] if momentum else [],
        "rmsprop": ["square_avg", *["grad_avg"] * centered, *["momentum_buffer"] * (momentum != 0)],
        "adam": ["m", "v", *["max_v"] * amsgrad],
        "adagrad": ["sum"],
        "adadelta": ["square_avg", "acc_delta"],
        "nadam": ["m", "v"],
        "sparse_adam": ["m", "v"],
    }[kind]
    return {
        "kind": kind,
        "decoupled": decoupled,
        "eps_hat": eps_hat and kind == "adam",
        "options": {**common, **own[kind]},
        "states": names,
        "first": initial_accumulator_value if kind == "adagrad" else 0.0,
        "clip_value": clip_value,
        "clip_norm": clip_norm,
    }
