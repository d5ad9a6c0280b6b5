"""One training step, Adam: forward, loss, backward, update."""

import math
import warnings

import numpy as np
import pytest
from peers import jax_conv2d, jax_pool2d
from versus import interleave

import nnfast as nf

# hidden and output sizes behind the input's, batch
MLPS = [
    ((4, 64, 64, 2), 64),
    ((784, 30, 10), 10),
    ((784, 100, 10), 32),
    ((784, 100, 10), 200),
    ((784, 512, 512, 10), 128),
]


def mlp_flops(sizes, batch):
    """Of the products: forward and weight gradient everywhere, input gradient but for the first layer."""
    pairs = list(zip(sizes, sizes[1:]))
    return 2 * batch * (3 * sum(a * b for a, b in pairs) - pairs[0][0] * pairs[0][1])


def mlp_layers(sizes, linear, relu):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [linear(a, b), relu()]
    return layers[:-1]


def nnfast_step(layers, x, y, backend="native"):
    model = nf.Sequential(*layers, input_shape=x.shape[1:], seed=0)
    model.compile(nf.Adam(lr=1e-3), "cross_entropy", backend=backend)
    return lambda: model.train_batch(x, y)


def torch_step(layers, x, y, channels_last=False):
    import torch

    model = torch.nn.Sequential(*layers)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    if channels_last:
        model, tx = model.to(memory_format=torch.channels_last), tx.to(memory_format=torch.channels_last)
    opt = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def step():
        opt.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(tx), ty).backward()
        opt.step()

    return step


def jax_parameters(shapes):
    """(weight, bias) pairs; weights (in, out) or (out, in, height, width)."""
    import jax.numpy as jnp

    rng, pairs = np.random.default_rng(0), []
    for shape in shapes:
        fan_in, outputs = (shape[0], shape[1]) if len(shape) == 2 else (math.prod(shape[1:]), shape[0])
        weight = jnp.asarray(rng.standard_normal(shape) / fan_in**0.5, jnp.float32)
        pairs.append((weight, jnp.zeros(outputs)))
    return pairs


def jax_step(sizes, x, y):
    import jax

    def logits(params, x):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    return jax_adam(logits, jax_parameters(zip(sizes, sizes[1:])), x, y)


def jax_cnn_step(name, x, y):
    import jax

    if name == "lenet":
        shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (400, 120), (120, 84), (84, 10)]
        paddings, activation, pool = (2, 0), jax.numpy.tanh, "avg"
    else:
        shapes = [(32, 1, 3, 3), (64, 32, 3, 3), (3136, 128), (128, 10)]
        paddings, activation, pool = (1, 1), jax.nn.relu, "max"

    def logits(params, x):
        for (w, b), padding in zip(params, paddings):
            x = jax_pool2d(pool, activation(jax_conv2d(x, w, b, 1, padding)), 2, 2, 0)
        x = x.reshape(len(x), -1)
        for w, b in params[len(paddings) : -1]:
            x = activation(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    return jax_adam(logits, jax_parameters(shapes), x, y)


def jax_adam(logits, params, x, y):
    """Steps of Adam on the cross-entropy of logits(params, x), one compiled call each."""
    import jax
    import jax.numpy as jnp

    def loss(params, x, y):
        log_p = jax.nn.log_softmax(logits(params, x))
        return -jnp.take_along_axis(log_p, y[:, None], 1).mean()

    @jax.jit
    def step(params, m, v, t, x, y):
        value, g = jax.value_and_grad(loss)(params, x, y)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        scale = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        params = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), params, m, v)
        return params, m, v, value

    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [params, zeros, zeros]
    jx, jy = jnp.asarray(x), jnp.asarray(y)

    def run():
        state[0], state[1], state[2], value = step(*state, 10.0, jx, jy)
        value.block_until_ready()

    return run


def sklearn_step(sizes, x, y):
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(sizes[1:-1], batch_size=len(x), learning_rate_init=1e-3)
    classes = np.arange(sizes[-1])
    warnings.simplefilter("ignore")
    return lambda: model.partial_fit(x, y, classes=classes)


@pytest.mark.parametrize(
    ("sizes", "batch"), MLPS, ids=lambda v: "-".join(map(str, v)) if isinstance(v, tuple) else str(v)
)
def test_mlp_step(versus, sizes, batch):
    rng = np.random.default_rng(0)
    x, y = rng.random((batch, sizes[0]), np.float32), rng.integers(0, sizes[-1], batch)

    def torch():
        import torch

        return torch_step(mlp_layers(sizes, torch.nn.Linear, torch.nn.ReLU), x, y)

    makers = {
        "nnfast": lambda: nnfast_step(mlp_layers(sizes, nf.Linear, nf.ReLU), x, y),
        "reference": lambda: nnfast_step(mlp_layers(sizes, nf.Linear, nf.ReLU), x, y, "reference"),
        "torch": torch,
        "jax": lambda: jax_step(sizes, x, y),
        "sklearn": lambda: sklearn_step(sizes, x, y),
    }
    versus(f"train {'-'.join(map(str, sizes))} batch {batch}", makers, flops=mlp_flops(sizes, batch))


def lenet(m):
    return [
        m.Conv2d(1, 6, 5, padding=2), m.Tanh(), m.AvgPool2d(2), m.Conv2d(6, 16, 5), m.Tanh(), m.AvgPool2d(2),
        m.Flatten(), m.Linear(400, 120), m.Tanh(), m.Linear(120, 84), m.Tanh(), m.Linear(84, 10),
    ]  # fmt: skip


def conv_net(m):
    return [
        m.Conv2d(1, 32, 3, padding=1), m.ReLU(), m.MaxPool2d(2), m.Conv2d(32, 64, 3, padding=1), m.ReLU(),
        m.MaxPool2d(2), m.Flatten(), m.Linear(3136, 128), m.ReLU(), m.Linear(128, 10),
    ]  # fmt: skip


# Multiply-adds a sample: forward and weight gradient of all, input gradient but for the first convolution.
CNN_FLOPS = {
    "lenet": 2 * (2 * 28 * 28 * 6 * 25 + 3 * (100 * 16 * 150 + 400 * 120 + 120 * 84 + 840)),
    "conv_net": 2 * (2 * 784 * 32 * 9 + 3 * (196 * 64 * 288 + 3136 * 128 + 1280)),
}


@pytest.mark.parametrize("name", ["lenet", "conv_net"])
def test_cnn_step(versus, name):
    rng, layers = np.random.default_rng(0), {"lenet": lenet, "conv_net": conv_net}[name]
    x, y = rng.random((64, 1, 28, 28), np.float32), rng.integers(0, 10, 64)

    def torch(channels_last):
        import torch

        return torch_step(layers(torch.nn), x, y, channels_last)

    makers = {
        "nnfast": lambda: nnfast_step(layers(nf), x, y),
        "reference": lambda: nnfast_step(layers(nf), x, y, "reference"),
        "torch": lambda: torch(False),
        "torch_channels_last": lambda: torch(True),
        "jax": lambda: jax_cnn_step(name, x, y),
    }
    versus(f"train {name} 28x28 batch 64", makers, flops=64 * CNN_FLOPS[name])


@pytest.mark.parametrize(("sizes", "batch"), [((784, 100, 10), 32), ((784, 512, 512, 10), 128)], ids=str)
def test_fit_beside_its_steps(capsys, threads, sizes, batch):
    """An epoch of fit - shuffling, gathering, conversion from uint8, metrics - over the sum of its steps."""
    rng, steps = np.random.default_rng(0), 100
    x = rng.integers(0, 256, (batch * steps, sizes[0]), np.uint8)
    y = rng.integers(0, sizes[-1], len(x))
    model = nf.Sequential(*mlp_layers(sizes, nf.Linear, nf.ReLU), input_shape=x.shape[1:], seed=0)
    model.compile(nf.Adam(lr=1e-3), "cross_entropy")
    floats = (x / 255).astype(np.float32)
    batches = [(floats[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)]

    def steps_alone():
        for bx, by in batches:
            model.train_batch(bx, by)

    def epoch():
        model.fit(x, y, batch_size=batch, epochs=1, verbose=0)

    medians, _ = interleave({"steps": steps_alone, "fit": epoch}, budget=1.0)
    with capsys.disabled():
        over = medians["fit"] / medians["steps"] - 1
        print(f"\nfit {'-'.join(map(str, sizes))} batch {batch}: {100 * over:+.1f} % over its steps")
