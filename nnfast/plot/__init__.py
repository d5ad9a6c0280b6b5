"""Pictures of training and of what was learned.

- `learning_curves`: loss and metrics over the epochs
- `confusion_matrix`, `misclassified`: what a classifier takes for what
- `decision_boundary`: a model of two features over the plane
- `weights`, `activations`: what the first layer looks for, what a layer makes of a sample
- `network`: layers and their connections
- `gradient_norms`: whether gradients vanish or explode on their way back
- `new_figure`: an empty figure, for several of these side by side

Needs matplotlib (`pip install "nnfast[plot]"`), which is imported by the first call. Every function returns a
`matplotlib.figure.Figure` and saves it where a `path` is given; those that draw one panel take `ax`, an Axes
to draw into. pyplot and its global state, windows and backends are left alone; in a notebook the figure that
is the value of a cell is shown once pyplot was imported.
"""

from __future__ import annotations

from nnfast.plot._classes import confusion_matrix, decision_boundary
from nnfast.plot._curves import learning_curves
from nnfast.plot._figure import new_figure
from nnfast.plot._gradients import gradient_norms
from nnfast.plot._graph import network
from nnfast.plot._images import misclassified
from nnfast.plot._inside import activations, weights

__all__ = [
    "activations",
    "confusion_matrix",
    "decision_boundary",
    "gradient_norms",
    "learning_curves",
    "misclassified",
    "network",
    "new_figure",
    "weights",
]
