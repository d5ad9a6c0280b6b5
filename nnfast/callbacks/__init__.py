"""Callbacks: what `fit(callbacks=[...])` calls while it trains, with Keras's names and semantics.

What this is: `Callback`, the base to derive from, and the ready-made ones. A function stands for a callback
with that `on_epoch_end`. They run between two steps, may read and assign weights
(`self.model.layers[0].weight`) and settings (`self.model.optimizer.lr`), and end the run by
`self.model.stop_training = True`. Epochs and batches are counted from 0; in what people read (file names,
CSV, `History.epochs`) epochs count from 1.
What this is not: the loop that calls them (`nnfast._fit`), nor schedules of learning rates, which do without
callbacks (`nnfast.schedules`).
"""

from nnfast.callbacks.base import Callback
from nnfast.callbacks.monitors import EarlyStopping, ModelCheckpoint
from nnfast.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from nnfast.callbacks.records import CSVLogger, GradientNorms, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "GradientNorms",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
