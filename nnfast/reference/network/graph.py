"""A network under construction: nodes with checked options and inferred shapes. Holds no arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..checks import integer_in, one_of, value_error
from .image_ops import IMAGE_OPS
from .ops import BY_NAME, Dropout, Op, Options, Shape

OPS = BY_NAME | IMAGE_OPS


@dataclass(frozen=True)
class Node:
    """An operation (None for an input), the nodes it reads, all of smaller number, and its sample's shape."""

    op: Op | None
    inputs: tuple[int, ...]
    shape: Shape


class Graph:
    """A network under construction; nodes are numbered from 0 in the order they are added.

    Operations and their options: "linear" (out_features, bias), "conv2d" (out_channels, kernel_size, stride,
    padding: top, bottom, left, right; dilation, groups, bias), "max_pool2d" and "avg_pool2d" (kernel_size,
    stride, padding, dilation, ceil_mode, count_include_pad), "flatten", "dropout" (p), "sigmoid", "tanh",
    "conv1d" (as "conv2d", with two sides of padding), "conv_transpose2d" (out_channels, kernel_size,
    stride, padding, output_padding, dilation, groups, bias), "max_pool1d", "avg_pool1d",
    "adaptive_avg_pool2d" (output_size), "global_avg_pool1d", "global_avg_pool2d", "global_max_pool1d" and
    "global_max_pool2d" (keepdims), "constant_pad2d" (padding: left, right, top, bottom; value),
    "upsample_nearest" (size, scale_h, scale_w), "reshape" (shape, 1 to 4 sizes), "relu", "leaky_relu"
    (negative_slope), "step", "hard_sigmoid", "relu6", "elu" (alpha), "selu", "gelu", "gelu_tanh", "silu",
    "mish", "softplus" (beta, threshold), "softsign", "prelu" (num_parameters), "softmax" and "log_softmax"
    (axis, of the batch's array), "batch_norm" (eps, momentum, cumulative, affine, track_running_stats),
    "normalize", "layer_norm" (axes, eps, elementwise_affine, bias), "group_norm" (num_groups, eps, affine),
    "embedding" (num_embeddings, embedding_dim, padding_idx), "add" and "concat" (along the first axis of a
    sample; two or more inputs). Shapes are those of one sample; images are (channels, height, width).

    Examples
    --------
    >>> graph = Graph()
    >>> image = graph.input((1, 8, 8))
    >>> hidden = graph.node("conv2d", [image], out_channels=4, kernel_size=3)
    >>> graph.shape(graph.node("flatten", [hidden]))
    (144,)
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._outputs: list[int] = []

    def _number(self, function: str, name: str, node: Any) -> int:
        if not self.nodes:
            raise value_error(function, name, "a node of the graph, which has none", node)
        return integer_in(function, name, node, 0, len(self.nodes) - 1)

    def input(self, shape: Sequence[int]) -> int:
        """Add an input whose samples have this shape; returns its number."""
        sizes = tuple(integer_in("input", "shape", size, 1, 2**40) for size in shape)
        if not 1 <= len(sizes) <= 7:
            raise value_error("input", "shape", "1 to 7 dimensions", len(sizes))
        self.nodes.append(Node(None, (), sizes))
        return len(self.nodes) - 1

    def node(self, op: str, inputs: Sequence[int], **attrs: float | Sequence[float]) -> int:
        """Add an operation on the results of `inputs`; returns its number.

        Raises
        ------
        ValueError
            An unknown operation, option or node, or a shape that does not fit.
        """
        one_of("node", "op", op, tuple(OPS))
        numbers = tuple(self._number(op, "inputs", node) for node in inputs)
        options = Options(op, attrs)
        made = OPS[op]([self.nodes[number].shape for number in numbers], options)
        options.finish()
        if isinstance(made, Dropout):
            made.layer = sum(isinstance(node.op, Dropout) for node in self.nodes)
        self.nodes.append(Node(made, numbers, made.shape))
        return len(self.nodes) - 1

    def shape(self, node: int) -> Shape:
        """Shape of one sample of a node's result."""
        return self.nodes[self._number("shape", "node", node)].shape

    def output(self, node: int) -> None:
        """Make a node the network's output; without this call it is the last one."""
        self._outputs = [self._number("output", "node", node)]

    def outputs(self, nodes: Sequence[int]) -> None:
        """Make several nodes, each another, the network's outputs."""
        numbers = [self._number("outputs", "nodes", node) for node in nodes]
        if not numbers or len(set(numbers)) < len(numbers):
            raise value_error("outputs", "nodes", "one or more different nodes", numbers)
        self._outputs = numbers

    @property
    def output_nodes(self) -> list[int]:
        """Numbers of the outputs."""
        return list(self._outputs) or [len(self.nodes) - 1]

    @property
    def input_nodes(self) -> list[int]:
        """Numbers of the inputs."""
        return [number for number, node in enumerate(self.nodes) if node.op is None]

    def copy(self) -> "Graph":
        """A graph that further nodes of this one do not change."""
        other = Graph()
        other.nodes = list(self.nodes)
        other._outputs = list(self._outputs)
        return other
