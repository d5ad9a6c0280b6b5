"""An agent learns to balance a pole: policy gradients with a critic, on gymnasium's CartPole-v1.

    pip install "nnfast[rl,plot]"
    python -m nnfast.examples.cartpole

Eight carts are driven at once. One network, the actor, gives the odds of pushing left and right; another, the
critic, the return to be expected of a state. After every 64 steps of each cart the actor is moved along the
gradient of log(odds of what was done) times the advantage, how much better it went than the critic expected
(generalised advantage estimation, Schulman et al. 2016), with the ratio of new to old odds clipped so that
several passes over the same steps do no harm (proximal policy optimisation, Schulman et al. 2017).
CartPole-v1 counts as solved at a mean return of 475 over 100 episodes, of at most 500.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast.examples import _common
from nnfast.plot import new_figure

SOLVED = 475.0
CARTS, STEPS = 8, 64
DISCOUNT, DECAY, CLIP = 0.99, 0.95, 0.2
PASSES, BATCH = 4, 128
SCALE = np.array([2.4, 2.0, 0.21, 2.0], np.float32)  # of position, speed, angle, its speed


def make(outputs: int, seed: int) -> nf.Sequential:
    """Four numbers of a state, 64-64, so many outputs."""
    small = nf.Linear(64, outputs, weight_init=lambda shape, rng, dtype: rng.normal(0, 0.01, shape))
    network = nf.Sequential(nf.Linear(4, 64), nf.Tanh(), nf.Linear(64, 64), nf.Tanh(), small, seed=seed)
    network.compile(nf.Adam(lr=1e-3, eps=1e-5))
    return network


class Carts:
    """So many carts that are driven at once, and the episodes they are in the middle of."""

    def __init__(self, count: int, seed: int) -> None:
        try:
            import gymnasium
        except ImportError:
            raise SystemExit('this example needs gymnasium: pip install "nnfast[rl]"') from None
        self.world = gymnasium.make_vec("CartPole-v1", count, vectorization_mode="vector_entry_point")
        self.state = self.world.reset(seed=seed)[0] / SCALE
        self.fresh = np.zeros(count, bool)  # whose next step starts a new episode, whatever is done
        self.total = np.zeros(count)
        self.returns: list[float] = []  # of the episodes that ended

    def step(self, action: Any) -> tuple[Any, Any]:
        """Push each cart; what each earned, and whose pole fell."""
        state, reward, fell, cut, _ = self.world.step(action)
        self.state = (state / SCALE).astype(np.float32)
        self.total += reward
        self.fresh = fell | cut
        self.returns += self.total[self.fresh].tolist()
        self.total[self.fresh] = 0.0
        return reward, fell


def advantages(rewards: Any, values: Any, fell: Any, fresh: Any) -> Any:
    """(STEPS, CARTS): sums of (reward + discounted next value - value), fading by DISCOUNT * DECAY a step.

    A pole that fell has no future; a fresh episode is not the future of the one before it.
    """
    sums, running = np.zeros_like(rewards), np.zeros(rewards.shape[1], rewards.dtype)
    for t in reversed(range(len(rewards))):
        alive = ~fell[t]
        surprise = rewards[t] + DISCOUNT * values[t + 1] * alive - values[t]
        running = np.where(fresh[t], 0, surprise + DISCOUNT * DECAY * alive * running)
        sums[t] = running
    return sums


def learn(actor: nf.Sequential, critic: nf.Sequential, memory: dict[str, Any], rng: Any) -> None:
    """Several passes over what was seen, in batches."""
    for _ in range(PASSES):
        for batch in np.array_split(rng.permutation(len(memory["state"])), len(memory["state"]) // BATCH):
            state, action, advantage = (memory[k][batch] for k in ("state", "action", "advantage"))
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            logits = actor.forward(state, training=True)
            odds = nf.softmax(logits)
            chosen = odds[np.arange(len(batch)), action]
            ratio = chosen / memory["odds"][batch]
            # Beyond the clip there is nothing more to gain: no gradient.
            inside = np.where(advantage > 0, ratio < 1 + CLIP, ratio > 1 - CLIP)
            by_log = -(inside * ratio * advantage)[:, None] / len(batch)
            actor.backward(by_log * (nf.one_hot(action, 2) - odds))
            actor.step()

            expected = critic.forward(state, training=True)
            critic.backward(nf.mse_loss_backward(np.float32(1), expected, memory["return"][batch, None]))
            critic.step()


def drive(carts: Carts, actor: nf.Sequential, critic: nf.Sequential, rng: Any) -> dict[str, Any]:
    """STEPS steps of each cart: states, what was done at which odds, and how much better it went."""
    seen: dict[str, list[Any]] = {k: [] for k in ("state", "action", "odds", "fresh", "reward", "fell")}
    for _ in range(STEPS):
        odds = nf.softmax(actor.predict(carts.state))
        action = (rng.random(CARTS) < odds[:, 1]).astype(np.int64)
        before = carts.state, action, odds[np.arange(CARTS), action], carts.fresh
        for name, value in zip(seen, (*before, *carts.step(action)), strict=True):
            seen[name].append(value)
    found = {name: np.array(values) for name, values in seen.items()}
    states = np.concatenate([found["state"], carts.state[None]])
    values = critic.predict(states.reshape(-1, 4)).reshape(STEPS + 1, CARTS)
    # So that values are in 0..1, which the critic learns fast: a pole that never falls is worth 1.
    rewards = (1 - DISCOUNT) * found["reward"].astype(np.float32)
    found["advantage"] = advantages(rewards, values, found["fell"], found["fresh"])
    found["return"] = found["advantage"] + values[:-1]
    return {name: array[~found["fresh"]] for name, array in found.items()}


def train(seed: int, updates: int) -> tuple[nf.Sequential, nf.Sequential, list[tuple[int, float]]]:
    """The actor, the critic, and (steps so far, return) of every episode that ended."""
    rng = np.random.default_rng(seed)
    actor, critic, carts = make(2, seed), make(1, seed + 1), Carts(CARTS, seed)
    episodes: list[tuple[int, float]] = []
    for update in range(1, updates + 1):
        learn(actor, critic, drive(carts, actor, critic, rng), rng)
        episodes += [(update * STEPS * CARTS, value) for value in carts.returns[len(episodes) :]]
        if len(episodes) >= 20 and np.mean(carts.returns[-20:]) > 495:
            break
    return actor, critic, episodes


def judge(actor: nf.Sequential, count: int, seed: int) -> Any:
    """The returns of so many episodes of new carts, in which the likelier push is always taken."""
    carts, returns = Carts(count, seed + 1000), np.zeros(count)
    going = np.ones(count, bool)
    while going.any():
        reward, _ = carts.step(actor.predict(carts.state).argmax(axis=1))
        returns += reward * going
        going &= ~carts.fresh
    return returns


def draw(past: list[tuple[int, float]], actor: nf.Sequential, critic: nf.Sequential) -> Any:
    """The returns while learning, and the values of states."""
    figure = new_figure(11.0, 4.2)
    left, right = figure.subplots(1, 2)
    if past:
        at, value = np.array(past).T
        left.plot(at, value, ".", color="0.7", markersize=3, label="an episode")
        window = min(20, len(value))
        left.plot(at[window - 1 :], np.convolve(value, np.ones(window) / window, "valid"), label="mean of 20")
    left.axhline(SOLVED, color="black", linestyle=":", label="solved")
    left.set(xlabel="step", ylabel="return", title="learning")
    left.legend(loc="lower right")
    angle, speed = np.meshgrid(np.linspace(-0.21, 0.21, 80), np.linspace(-2, 2, 80))
    plane = np.stack([0 * angle, 0 * angle, angle, speed], axis=-1).reshape(-1, 4) / SCALE
    values = critic.predict(plane).reshape(angle.shape)
    image = right.contourf(np.degrees(angle), speed, values, 20, cmap="viridis")
    figure.colorbar(image, ax=right, label="share of all rewards to come, discounted")
    push = actor.predict(plane) @ [-1.0, 1.0]
    right.contour(np.degrees(angle), speed, push.reshape(angle.shape), [0], colors="white", linewidths=1.5)
    right.set(xlabel="angle of the pole (degrees)", ylabel="its speed (radians a second)")
    right.set_title("value of the states; on the white line it pushes either way", fontsize=10)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "cartpole",
        __doc__,
        arguments,
        updates=(300, "times the agent learns from 512 steps, at most"),
        episodes=(100, "episodes it is judged by"),
    )
    actor, critic, past = train(options.seed, options.updates)
    returns = judge(actor, options.episodes, options.seed)
    steps = past[-1][0] if past else 0
    outcome = "solved" if returns.mean() >= SOLVED else "not solved"
    print(
        f"{len(past)} episodes, {steps:,} steps of training; then a mean return of {returns.mean():.1f} over "
        f"{len(returns)} episodes (least {returns.min():.0f}): {outcome}"
    )
    _common.picture("cartpole", options, draw, past, actor, critic)
    return 0


if __name__ == "__main__":
    sys.exit(main())
