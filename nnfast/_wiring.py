"""How layers are connected: in a row, around a shortcut, or as a graph of nodes.

What this is: `Input`, the `Node` that calling a layer gives, `Residual`, and the two functions that turn them
into the flat list of wired layers a network is built from.
What this is not: shapes (the engine's graph infers them) or anything about training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnfast import _checks

if TYPE_CHECKING:
    from nnfast.layers import Layer

INPUT = -1  # the source of a layer that reads the network's input; the second input's is INPUT - 1, and so on


@dataclass(frozen=True)
class Wired:
    """A layer, its key in `state_dict`, and what it reads: INPUT - i or earlier layers' indices."""

    key: str
    layer: Layer
    sources: tuple[int, ...]


class Node:
    """What a layer yields, before there are numbers: the argument of the next layer's call.

    Made by `nnfast.Input` and by calling layers; never by hand.
    """

    def __init__(
        self,
        layer: Layer | None,
        inputs: tuple[Node, ...],
        shape: tuple[int, ...] | None,
        name: str | None = None,
    ) -> None:
        self.layer = layer
        self.inputs = inputs
        self.shape = shape  # of an input; None for all others
        self.name = name  # likewise

    def __repr__(self) -> str:
        return f"Input({self.shape})" if self.layer is None else f"Node({self.layer!r})"


def Input(shape: int | Sequence[int], name: str | None = None) -> Node:
    """The input of a network described as a graph.

    Parameters
    ----------
    shape : int or tuple of int
        Of one sample; images (channels, height, width).
    name : str, optional
        Under which its samples stand in a dict, ``model.fit({"image": images, "age": ages}, y)``; an input
        without a name has its number: "0", "1".

    Returns
    -------
    Node
        To be passed to layers; see `nnfast.Model`.

    Raises
    ------
    TypeError, ValueError
        If `shape` is no shape, or `name` no string.

    Examples
    --------
    >>> import nnfast as nf
    >>> x = nf.Input((8,))
    >>> nf.Model(x, nf.Linear(8, 2)(x), seed=0).output_shape
    (2,)
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"Input: name: expected a string, got {name!r}")
    return Node(None, (), _checks.shape("Input", "shape", shape), name)


def input_names(owner: str, inputs: Any) -> list[str]:
    """The inputs' names, each its own."""
    names = [
        node.name if node.name is not None else str(i)
        for i, node in enumerate(_nodes(owner, "inputs", inputs))
    ]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{owner}: inputs: the name {name!r} occurs more than once")
    return names


class Residual:
    """Layers with a shortcut around them: y = layers(x) + shortcut(x).

    Parameters
    ----------
    *layers : Layer or Residual
        The branch, in order; one list of them is taken, too.
    shortcut : Layer, list of Layer, optional
        What the input goes through on the other way, such as a 1x1 convolution where the shape changes; the
        identity when left out.

    Raises
    ------
    TypeError, ValueError
        When the network is made, or the block is called: if there is no layer, or something is none.

    Notes
    -----
    Inside `nnfast.Sequential`, which takes the layers into its own list: with a block at place 3,
    the branch's are named "3.0", "3.1", ..., the shortcut's "3.shortcut.0", ..., the sum "3.add".
    In a graph (`nnfast.Model`) a block is called like a layer; its layers are then the graph's own.
    Source: He, Zhang, Ren, Sun: "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> import nnfast as nf
    >>> block = nf.Residual(nf.Linear(4, 4), nf.ReLU(), nf.Linear(4, 4))
    >>> model = nf.Sequential(nf.Linear(2, 4), block, nf.ReLU(), nf.Linear(4, 1), seed=0)
    >>> list(model.state_dict())[2:4]
    ['1.0.weight', '1.0.bias']
    >>> x = nf.Input(4)
    >>> nf.Model(x, nf.ReLU()(nf.Residual(nf.Linear(4, 4), nf.Tanh())(x)), seed=0).output_shape
    (4,)
    """

    def __init__(
        self, *layers: Any, shortcut: Layer | Residual | Sequence[Layer | Residual] | None = None
    ) -> None:
        self.layers = as_list(layers)
        self.shortcut = [] if shortcut is None else as_list((shortcut,))

    def __call__(self, node: Node) -> Node:
        """The node of a graph that the block makes of another; see `nnfast.Model`."""
        from nnfast.layers import Add

        if not self.layers:
            raise ValueError("Residual: layers: expected at least one layer, got none")
        return Add()(_chain("layers", self.layers, node), _chain("shortcut", self.shortcut, node))

    def __repr__(self) -> str:
        parts = [repr(layer) for layer in self.layers]
        if self.shortcut:
            parts.append(f"shortcut={self.shortcut!r}")
        return f"Residual({', '.join(parts)})"


def as_list(given: tuple[Any, ...]) -> list[Any]:
    """The layers given one by one, or as a single list."""
    if len(given) == 1 and isinstance(given[0], (list, tuple)):
        return list(given[0])
    return list(given)


def _chain(name: str, layers: Sequence[Any], node: Node) -> Node:
    """The node behind layers and blocks in a row."""
    for i, layer in enumerate(layers):
        _check_kind(f"Residual: {name}[{i}]", layer)
        node = layer(node)
    return node


def _check_kind(where: str, layer: Any) -> None:
    """TypeError for what is neither a layer nor a block."""
    from nnfast.layers import Layer

    if isinstance(layer, type) and issubclass(layer, Layer):
        raise TypeError(f"{where}: expected an object, got the class: write nf.{layer.__name__}(...)")
    if not isinstance(layer, (Layer, Residual)):
        raise TypeError(f"{where}: expected a layer, got {layer!r}")


def in_a_row(owner: str, given: tuple[Any, ...]) -> list[Wired]:
    """The layers of a Sequential, blocks taken apart."""
    layers = as_list(given)
    if not layers:
        raise ValueError(f"{owner}: layers: expected at least one layer, got none")
    wired: list[Wired] = []
    _extend(owner, wired, layers, "", INPUT)
    check_layers(owner, wired)
    return wired


def _extend(
    owner: str, wired: list[Wired], layers: Sequence[Any], prefix: str, source: int, first: int = 0
) -> int:
    """Append `layers`, numbered from `first`, after `source`; returns the index of the last."""
    from nnfast.layers import Add

    for i, layer in enumerate(layers, first):
        _check_kind(f"{owner}: layers[{prefix}{i}]", layer)
        if isinstance(layer, Residual):
            key = f"{prefix}{i}"
            if not layer.layers:
                raise ValueError(
                    f"{owner}: layers[{key}]: expected a Residual of at least one layer, got none"
                )
            branch = _extend(owner, wired, layer.layers, f"{key}.", source)
            other = _extend(owner, wired, layer.shortcut, f"{key}.shortcut.", source)
            wired.append(Wired(f"{key}.add", Add(), (branch, other)))
        else:
            key = f"{prefix}{layer.name if layer.name is not None else i}"
            wired.append(Wired(key, layer, (source,)))
        source = len(wired) - 1
    return source


def from_nodes(owner: str, inputs: Any, outputs: Any) -> tuple[list[Wired], list[tuple[int, ...]], list[int]]:
    """The layers, each after those it reads; the inputs' shapes; which layers are the outputs."""
    starts, ends = _nodes(owner, "inputs", inputs), _nodes(owner, "outputs", outputs)
    index: dict[int, int] = {}
    for i, start in enumerate(starts):
        if start.layer is not None:
            raise ValueError(f"{owner}: inputs: expected what nf.Input gave, got {start!r}")
        index[id(start)] = INPUT - i
    if any(id(end) in index for end in ends):
        raise ValueError(f"{owner}: outputs: expected at least one layer between input and output, got none")
    order: list[Node] = []
    stack = [(end, False) for end in reversed(ends)]
    while stack:  # depth first, without recursion: networks may be deep
        node, seen = stack.pop()
        if id(node) in index:
            continue
        if node.layer is None:
            raise ValueError(f"{owner}: outputs: depends on {node!r}, which is not among the inputs")
        if seen:
            index[id(node)] = len(order)
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((source, False) for source in reversed(node.inputs))
    wired = []
    for i, node in enumerate(order):
        assert node.layer is not None
        key = node.layer.name if node.layer.name is not None else str(i)
        wired.append(Wired(key, node.layer, tuple(index[id(source)] for source in node.inputs)))
    check_layers(owner, wired)
    shapes = [start.shape for start in starts if start.shape is not None]
    return wired, shapes, [index[id(end)] for end in ends]


def _nodes(owner: str, name: str, given: Any) -> list[Node]:
    """One node, or a list of different ones."""
    nodes = list(given) if isinstance(given, (list, tuple)) else [given]
    if not nodes:
        raise ValueError(f"{owner}: {name}: expected at least one node, got none")
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"{owner}: {name}: expected what nf.Input or a layer's call gave, got {node!r}")
    if len({id(node) for node in nodes}) < len(nodes):
        raise ValueError(f"{owner}: {name}: expected different nodes, got one more than once")
    return nodes


def check_layers(owner: str, wired: Sequence[Wired]) -> None:
    """Every layer once, in one model, under a name of its own."""
    keys: set[str] = set()
    for i, entry in enumerate(wired):
        layer = entry.layer
        if any(layer is other.layer for other in wired[:i]):
            raise ValueError(f"{owner}: layers[{i}]: {layer!r} is listed twice; make two layers")
        if layer._owner is not None and layer._owner() is not None:
            raise ValueError(
                f"{owner}: layers[{i}]: {layer!r} belongs to another model; "
                "give layer.copy(), which has its weights, or a new one"
            )
        if entry.key in keys:
            raise ValueError(f"{owner}: layers[{i}]: the name {entry.key!r} occurs more than once")
        keys.add(entry.key)


# ---------------------------------------------------------------- networks made of others


def copied(wired: Sequence[Wired]) -> list[Wired]:
    """The same with copies of the layers, which carry their weights."""
    return [Wired(entry.key, entry.layer.copy(), entry.sources) for entry in wired]


def replaced(
    owner: str, wired: Sequence[Wired], at: int, given: Sequence[Any], outputs: Sequence[int]
) -> tuple[list[Wired], list[int]]:
    """The layer at `at` replaced by a row of others, or by nothing; and which layers are the outputs then."""
    old = wired[at]
    made = copied(wired[:at])
    if len(given) == 1 and not isinstance(given[0], Residual):
        # It takes the old one's place in every respect.
        end = _extend(owner, made, given, "", old.sources[0])
        key = given[0].name if given[0].name is not None else old.key
        made[end] = Wired(key, given[0], old.sources)
    elif len(old.sources) == 1:
        end = _extend(owner, made, given, f"{old.key}.", old.sources[0])
    else:
        raise ValueError(
            f"{owner}: layers: expected one layer in the place of {old.layer!r}, which reads "
            f"{len(old.sources)} others, got {len(given)}"
        )
    if end < 0 and at in outputs:
        raise ValueError(f"{owner}: layers: expected a layer to remain before the output, got none")
    grown = len(made) - at - 1

    def moved(i: int) -> int:
        return end if i == at else i + grown if i > at else i

    for entry in copied(wired[at + 1 :]):
        made.append(Wired(entry.key, entry.layer, tuple(moved(i) for i in entry.sources)))
    check_layers(owner, made)
    return made, [moved(i) for i in outputs]


def appended(
    owner: str, wired: Sequence[Wired], given: Sequence[Any], output: int
) -> tuple[list[Wired], list[int]]:
    """A row of layers added after the one at `output`."""
    made = copied(wired)
    blocks = dict.fromkeys(entry.key.split(".")[0] for entry in wired)
    first = max([len(blocks), *(int(block) + 1 for block in blocks if block.isdecimal())])
    end = _extend(owner, made, given, "", output, first)
    check_layers(owner, made)
    return made, [end]


def leading_to(wired: Sequence[Wired], ends: Sequence[int]) -> tuple[list[Wired], list[int]]:
    """The layers that those at `ends` are computed from, and where `ends` are among them."""
    needed = set(ends)
    for i in range(len(wired) - 1, -1, -1):
        if i in needed:
            needed.update(wired[i].sources)
    place = {i: i for i in needed if i <= INPUT}
    kept: list[Wired] = []
    for i in sorted(i for i in needed if i > INPUT):
        place[i] = len(kept)
        kept.append(Wired(wired[i].key, wired[i].layer, tuple(place[s] for s in wired[i].sources)))
    return copied(kept), [place[i] for i in ends]
