"""Bike sharing: how many bikes are rented in an hour, from the calendar and the weather.

    python -m nnfast.examples.bike_sharing --data FOLDER

The folder holds hour.csv: two years, hour by hour. The last 21 days are the test; what was rented before is
not among the features, so the whole three weeks are predicted at once. The recipe:

- 70 features: hour of the day (apart for working days and others), weekday, kind of weather, holiday, the
  days from 23 December to 1 January, temperature, felt temperature, humidity, wind; the day of the year as
  waves, and a trend; all standardised
- target: the logarithm of 1 + rentals, standardised
- network: 64-32 with ReLU and dropout 0.1, AdamW, 30 epochs of a one-cycle schedule; the mean of five

scikit-learn's MLPRegressor is given the same features, target and hidden layers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnfast as nf
from nnfast import datasets
from nnfast.examples import _common
from nnfast.plot import new_figure

TEST_DAYS = 21
HIDDEN = (64, 32)
BATCH = 64


def features(columns: dict[str, Any]) -> Any:
    """(n, 70): the numbers of each hour."""
    day = columns["dteday"]
    of_year = (day - day.astype("datetime64[Y]")).astype(float)
    angle = np.outer(of_year * 2 * np.pi / 365.25, [1, 2])
    break_ = (of_year >= 356) | (of_year == 0)
    categories = [
        nf.one_hot((columns["hr"] + 24 * columns["workingday"]).astype(int), 48),
        nf.one_hot(columns["weekday"].astype(int), 7),
        nf.one_hot(columns["weathersit"].astype(int) - 1, 4),
    ]
    numbers = [columns[name] for name in ("holiday", "temp", "atemp", "hum", "windspeed")]
    trend = (day - day[0]).astype(float)
    return np.column_stack([*categories, *numbers, break_, np.sin(angle), np.cos(angle), trend])


def predict(x: Any, t: Any, new: Any, epochs: int, seed: int) -> Any:
    """What a network trained on (x, t) says of the new samples."""
    model = nf.Sequential(
        nf.Linear(x.shape[1], HIDDEN[0]),
        nf.ReLU(),
        nf.Dropout(0.1),
        nf.Linear(HIDDEN[0], HIDDEN[1]),
        nf.ReLU(),
        nf.Dropout(0.1),
        nf.Linear(HIDDEN[1], 1),
        seed=seed,
    )
    schedule = nf.OneCycleLR(5e-3, total_steps=epochs * -(-len(x) // BATCH))
    model.compile(nf.AdamW(lr=schedule, weight_decay=0.01), "mse")
    model.fit(x, t, batch_size=BATCH, epochs=epochs, verbose=0)
    return model.predict(new)[:, 0].astype(float)


def peer(x: Any, t: Any, new: Any, seed: int) -> Any:
    """The same by scikit-learn, as it comes; None where it is not installed."""
    try:
        from sklearn.neural_network import MLPRegressor
    except ImportError:
        return None
    return MLPRegressor(hidden_layer_sizes=HIDDEN, random_state=seed).fit(x, t).predict(new)


def draw(columns: dict[str, Any], test: Any, own: Any, theirs: Any) -> Any:
    """The three weeks, hour by hour, and the errors day by day."""
    figure = new_figure(12.0, 6.4)
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    day, rentals = columns["dteday"][test], columns["cnt"][test]
    hours = day.astype("datetime64[h]") + columns["hr"][test].astype(int)
    above.plot(hours, rentals, color="0.6", label="rented")
    above.plot(hours, own, color="C0", linewidth=1, label="predicted")
    above.set(ylabel="rentals an hour", ylim=(0, None), title=f"the last {TEST_DAYS} days")
    above.legend(ncols=2)
    dates = np.unique(day)
    for guess, color, label in ((own, "C0", "nnfast"), (theirs, "C1", "scikit-learn")):
        if guess is not None:
            error = [np.abs(guess - rentals)[day == date].mean() for date in dates]
            below.plot(dates, error, "o-", color=color, label=label)
    below.set(ylabel="mean error", ylim=(0, None), xticks=dates[::4], title="error by day")
    below.legend()
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.margins(x=0.01)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _common.parse(
        "bike_sharing",
        __doc__,
        arguments,
        data=True,
        epochs=(30, "epochs of each network"),
        networks=(5, "networks whose mean is taken"),
    )
    columns = _common.load("bike_sharing", datasets.bike_sharing, options)
    rentals, day = columns["cnt"], columns["dteday"]
    test = day > day.max() - np.timedelta64(TEST_DAYS, "D")
    x, t = features(columns), np.log1p(rentals)
    scaler = nf.Standardizer().fit(x[~test])
    x = scaler.transform(x).astype(np.float32)
    mean, std = t[~test].mean(), t[~test].std()
    known = x[~test], ((t[~test] - mean) / std).astype(np.float32)

    print(f"{len(known[0])} hours to learn from, {test.sum()} to predict, {x.shape[1]} features")
    seeds = range(options.seed, options.seed + options.networks)
    each = [np.expm1(predict(*known, x[test], options.epochs, seed) * std + mean) for seed in seeds]
    own = np.mean(each, axis=0)
    alone = ", ".join(f"{nf.metrics.r2(rentals[test], guess):.3f}" for guess in each)
    print(f"nnfast:       R2 {nf.metrics.r2(rentals[test], own):.4f}  (each network alone: {alone})")
    theirs = peer(*known, x[test], options.seed)
    if theirs is not None:
        theirs = np.expm1(theirs * std + mean)
        print(f"scikit-learn: R2 {nf.metrics.r2(rentals[test], theirs):.4f}")
    _common.picture("bike_sharing", options, draw, columns, test, own, theirs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
