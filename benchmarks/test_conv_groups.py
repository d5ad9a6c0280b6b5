"""Depthwise convolution and convolution in groups, forward and backward: on NCHW arrays, and in a network.

PyTorch runs on both of its layouts, as two contenders; what is asked is the ratio to the faster.
"""

import pytest
from test_conv import arrays, channels_last, each_layout, named, torch_backward, torch_forward, torch_tensors

import nnfast as nf

# n, channels, h, kernel, stride, groups: MobileNet's depthwise layers, ResNeXt's groups, few and many of them
SHAPES = [
    (8, 64, 28, 3, 1, 64),
    (1, 32, 112, 3, 1, 32),
    (32, 32, 32, 3, 1, 32),
    (8, 144, 28, 3, 2, 144),
    (1, 64, 112, 3, 2, 64),
    (8, 256, 14, 3, 1, 256),
    (8, 512, 7, 3, 1, 512),
    (8, 96, 28, 5, 1, 96),
    (8, 96, 28, 5, 2, 96),
    (8, 240, 14, 5, 1, 240),
    (8, 96, 56, 7, 1, 96),
    (8, 128, 28, 3, 1, 32),
    (8, 128, 28, 3, 2, 32),
    (8, 256, 14, 3, 1, 32),
    (8, 64, 28, 3, 1, 32),
    (8, 128, 28, 3, 1, 8),
    (8, 128, 28, 3, 1, 4),
    (8, 128, 28, 3, 1, 2),
]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=named)


def operands(shape):
    n, c, h, kernel, stride, groups = shape
    padding = kernel // 2
    options = {"stride": stride, "padding": padding, "groups": groups}
    return arrays(n, c, h, c, kernel, stride, padding, groups), options


def title(what, shape):
    return f"{what} {named(shape[:-1])} groups {shape[-1]}"


@shapes
def test_forward(versus, shape):
    (x, w, b, _, flops), options = operands(shape)
    makers = {
        "nnfast": lambda: lambda: nf.conv2d(x, w, b, **options),
        **each_layout(lambda layout: torch_forward(layout, x, w, b, **options)),
    }
    versus(title("conv2d", shape), makers, flops=flops)


@shapes
def test_backward(versus, shape):
    (x, w, _, g, flops), options = operands(shape)
    makers = {
        "nnfast": lambda: lambda: nf.conv2d_backward(g, x, w, **options),
        **each_layout(lambda layout: torch_backward(layout, g, x, w, **options)),
    }
    versus(title("conv2d backward", shape), makers, flops=2 * flops)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@shapes
def test_inside(versus, shape, backward):
    """Images as they lie inside a network: channels-last."""
    (x, w, b, g, flops), options = operands(shape)
    own_x, own_g = channels_last(x, g)
    if backward:
        makers = {
            "nnfast": lambda: lambda: nf.conv2d_backward(own_g, own_x, w, **options),
            **each_layout(lambda layout: torch_backward(layout, g, x, w, **options)),
        }
    else:
        makers = {
            "nnfast": lambda: lambda: nf.conv2d(own_x, w, b, **options),
            **each_layout(lambda layout: torch_forward(layout, x, w, b, **options)),
        }
    versus(title(f"inside{' backward' * backward}", shape), makers, flops=flops * (1 + backward))


@shapes
def test_train(versus, shape):
    """A step of SGD on the mean squared error of a network of this one layer: no gradient for its input."""
    (x, _, _, g, flops), options = operands(shape)
    channels, kernel = shape[1], shape[3]

    def torch(layout):
        import torch

        tx, target = torch_tensors(layout, x, g)
        model = torch.nn.Conv2d(channels, channels, kernel, **options).to(
            memory_format=torch.channels_last if layout == "torch_channels_last" else torch.contiguous_format
        )
        optimizer = torch.optim.SGD(model.parameters(), 1e-3)

        def step():
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.mse_loss(model(tx), target).backward()
            optimizer.step()

        return step

    def nnfast():
        layer = nf.Conv2d(channels, channels, kernel, **options)
        model = nf.Sequential(layer, input_shape=x.shape[1:], seed=0)
        model.compile(nf.SGD(lr=1e-3), "mse")
        return lambda: model.train_batch(x, g)

    versus(title("train", shape), {"nnfast": nnfast, **each_layout(torch)}, flops=2 * flops)
