"""A network as a graph: boxes for layers, lines for what they read, drawn with matplotlib alone.

The layout: a layer stands one row below the lowest of those it reads. Each layer hands its lane on to one of
its readers in the next row, the one with the longest way still to go, so that a trunk is a straight line;
others begin lanes of their own, and a connection that passes rows goes down through a lane nobody uses there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnfast._wiring import INPUT
from nnfast.plot._figure import Path, dims, panel, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnfast.model import Model

WIDTH, HEIGHT = 2.2, 0.5  # of a box, in inches
LANE, ROW = 2.5, 0.78  # between centres
PORT, CORNER = 0.7, 0.06  # of a line: how far from the box's middle it ends; how round it turns


@dataclass
class Box:
    """A layer, or an input."""

    kind: str
    note: str
    color: str
    sources: list[int]
    row: int = 0
    lane: int = 0
    readers: list[int] = field(default_factory=list)
    below: int = 0  # rows from here to the farthest end


def network(model: Model, path: Path | None = None, *, ax: Any = None) -> Figure:
    """The layers of a model and their connections, with the shape of each output and the parameters' number.

    Parameters
    ----------
    model : Model
        Its input shape must be known.
    path : path, optional
        Where to save the figure.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of the size it takes when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If the model's input shape is not known yet.

    Examples
    --------
    >>> import nnfast as nf
    >>> model = nf.Sequential(nf.Linear(4, 8), nf.ReLU(), nf.Linear(8, 3), seed=0)
    >>> len(network(model).axes[0].patches)  # four boxes and three arrows
    7
    """
    boxes = _boxes(model)
    ways = _layout(boxes)
    edges = [box.lane * LANE + side * WIDTH / 2 for box in boxes for side in (-1, 1)]
    edges += [lane * LANE for _, _, lane in ways if lane is not None]
    rows = 1 + max(box.row for box in boxes)
    width, height = max(edges) - min(edges) + 0.4, (rows - 1) * ROW + HEIGHT + 0.3
    title = model.name or type(model).__name__
    figure, axes = panel("network", ax, max(width, 3.0), height + 0.4)
    axes.set_axis_off()
    axes.set_aspect("equal")
    left = min(edges) - 0.2
    axes.set(xlim=(left, left + width), ylim=(-(rows - 1) * ROW - HEIGHT / 2 - 0.15, HEIGHT / 2 + 0.15))
    axes.set_title(title, fontsize=11)
    for source, target, lane in ways:
        _draw_way(axes, boxes[source], boxes[target], lane)
    for box in boxes:
        _draw_box(axes, box)
    return save(figure, path)


def _boxes(model: Model) -> list[Box]:
    """The inputs, then the layers, each after those it reads."""
    core = model._ensure_model("network")
    inputs = model.input_shape or ()
    shapes = list(inputs) if model._num_inputs > 1 else [inputs]
    sizes = dict.fromkeys(model._nodes, 0)
    for node, _, view in core.params():
        sizes[node] += view.size
    boxes = [Box("input", dims(shape), "#e8e8e8", []) for shape in shapes]
    first = len(boxes)
    for i, layer in enumerate(model.layers):
        size = sizes[model._nodes[i]]
        note = dims(model._shapes[i]) + (f"    {size:,} parameters" if size else "")
        sources = [INPUT - s if s <= INPUT else first + s for s in model._sources[i]]
        color = "#cfe2f3" if size else "#fce5cd" if len(sources) > 1 else "#f7f7f7"
        boxes.append(Box(f"{model._keys[i]}  {type(layer).__name__}", note, color, sources))
    for output in model._outputs:
        boxes[first + output].kind += "  (output)" if len(model._outputs) > 1 else ""
    for i, box in enumerate(boxes):
        for source in box.sources:
            boxes[source].readers.append(i)
    return boxes


def _layout(boxes: list[Box]) -> list[tuple[int, int, int | None]]:
    """Give each box its row and lane; returns the connections: (source, target, lane on the way or None)."""
    for box in boxes:
        box.row = 1 + max((boxes[source].row for source in box.sources), default=-1)
    for box in reversed(boxes):
        box.below = max((boxes[r].below + boxes[r].row - box.row for r in box.readers), default=0)
    heir: dict[int, int] = {}  # who continues a box's lane
    taken: set[int] = set()
    for i, box in enumerate(boxes):
        free = [r for r in box.readers if r not in taken and boxes[r].row == box.row + 1]
        if free:
            heir[i] = max(free, key=lambda reader: (boxes[reader].below, -reader))
            taken.add(heir[i])
    busy: dict[int, list[tuple[int, int]]] = {}  # rows in use, by lane

    def settle(top: int, bottom: int, near: int) -> int:
        """The lane nearest to `near` that is free in these rows."""
        distance = 0
        while True:
            for lane in (near + distance, near - distance):
                if all(bottom < a or b < top for a, b in busy.setdefault(lane, [])):
                    busy[lane].append((top, bottom))
                    return lane
            distance += 1

    for i in (i for i in range(len(boxes)) if i not in taken):
        chain = [i]
        while chain[-1] in heir:
            chain.append(heir[chain[-1]])
        near = boxes[boxes[i].sources[0]].lane if boxes[i].sources else 0
        lane = settle(boxes[i].row, boxes[chain[-1]].row, near)
        for member in chain:
            boxes[member].lane = lane
    ways: list[tuple[int, int, int | None]] = []
    for i, box in enumerate(boxes):
        for source in box.sources:
            if box.row - boxes[source].row == 1:
                ways.append((source, i, None))
            else:
                ways.append((source, i, settle(boxes[source].row + 1, box.row - 1, box.lane)))
    return ways


def _draw_box(axes: Any, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = box.lane * LANE, -box.row * ROW
    corner = (x - WIDTH / 2 + 0.05, y - HEIGHT / 2 + 0.05)
    axes.add_patch(
        FancyBboxPatch(
            corner,
            WIDTH - 0.1,
            HEIGHT - 0.1,
            boxstyle="round,pad=0.05",
            facecolor=box.color,
            edgecolor="#555555",
            linewidth=0.8,
            zorder=2,
        )
    )
    axes.text(x, y + 0.1, box.kind, ha="center", va="center", fontsize=8.5, weight="bold", zorder=3)
    axes.text(x, y - 0.11, box.note, ha="center", va="center", fontsize=7, color="#333333", zorder=3)


def _port(box: Box, lane: int) -> float:
    """Where a line to or from that lane meets the box: on its own side, so that no two heads lie in one."""
    return box.lane * LANE + PORT * ((lane > box.lane) - (lane < box.lane))


def _draw_way(axes: Any, source: Box, target: Box, lane: int | None) -> None:
    """A line with an arrow's head, bent where it changes lanes."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Line

    first, last = (target.lane, source.lane) if lane is None else (lane, lane)
    start = (_port(source, first), -source.row * ROW - HEIGHT / 2)
    end = (_port(target, last), -target.row * ROW + HEIGHT / 2)
    stops = [start]
    if lane is not None:
        stops.append((lane * LANE, -(source.row + 1) * ROW + HEIGHT / 2))
        stops.append((lane * LANE, -(target.row - 1) * ROW - HEIGHT / 2))
    stops.append(end)
    points, codes = [start], [Line.MOVETO]
    for (x0, y0), (x1, y1) in zip(stops, stops[1:], strict=False):
        middle = (y0 + y1) / 2
        if x0 != x1:  # level between two rows, with round corners
            turn = CORNER if x1 > x0 else -CORNER
            points += [(x0, middle + CORNER), (x0, middle), (x0 + turn, middle)]
            points += [(x1 - turn, middle), (x1, middle), (x1, middle - CORNER)]
            codes += [Line.LINETO, Line.CURVE3, Line.CURVE3] * 2
        points.append((x1, y1))
        codes.append(Line.LINETO)
    axes.add_patch(
        FancyArrowPatch(
            path=Line(points, codes),
            arrowstyle="-|>",
            mutation_scale=9,
            color="#555555",
            linewidth=1.0,
            shrinkA=0,
            shrinkB=0,
            zorder=1,
        )
    )
