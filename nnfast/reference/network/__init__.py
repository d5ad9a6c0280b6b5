"""The compiled module's network classes in plain NumPy: `Graph`, `Model` and `Totals`, with the same methods.

- `ops`: what a node computes, forward and backward
- `graph`: nodes, options, shapes
- `objective`: losses, targets and the totals of an epoch
- `model`: parameters, optimizer and the training loop
"""

from .graph import Graph
from .model import Model
from .objective import Totals

__all__ = ["Graph", "Model", "Totals"]
