"""Sentiment of movie reviews' sentences: words and pairs of words, a small network, what it thinks of words.

    python -m nnfast.examples.sentiment --data FOLDER

The folder (default: rt_polarity in that of NNFAST_DATA) holds the sentence polarity data (Pang & Lee, "Seeing
stars", ACL 2005), rt-polarity.pos and rt-polarity.neg, a sentence a line. Needs scikit-learn. Expect an
accuracy of about 0.78 in 10-fold cross-validation.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nnfast as nf
from nnfast.examples import _common

FILES = {"rt-polarity.neg": 0, "rt-polarity.pos": 1}
FEATURES = 20_000


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m nnfast.examples.sentiment",
        description="Cross-validate a network on the sentence polarity data, then read it.",
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        help="folder with rt-polarity.pos and .neg (default: rt_polarity in $NNFAST_DATA)",
    )
    parser.add_argument(
        "--folds", type=int, default=10, help="of the cross-validation (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=5, help="of each fit (default: %(default)s)")
    parser.add_argument("--words", type=int, default=10, help="how many to show (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the run (default: %(default)s)")
    _common.add_out(parser)
    options = parser.parse_args(arguments)
    for name, least in (("folds", 2), ("epochs", 1), ("words", 1), ("seed", 0)):
        if getattr(options, name) < least:
            parser.error(f"--{name}: expected at least {least}, got {getattr(options, name)}")
    return options


def sentences(folder: str) -> tuple[list[str], NDArray[np.int64]]:
    """The sentences and whether each is positive.

    Raises
    ------
    FileNotFoundError
        If the folder lacks one of the files.
    """
    texts: list[str] = []
    labels: list[int] = []
    for name, label in FILES.items():
        path = Path(folder) / name
        if not path.is_file():
            raise FileNotFoundError(
                f"sentiment: {path} was not found; the folder must hold {', '.join(FILES)}"
            )
        lines = path.read_text(encoding="latin-1").splitlines()
        texts += lines
        labels += [label] * len(lines)
    return texts, np.array(labels)


def make_model(epochs: int, seed: int) -> Any:
    """TF-IDF of words and pairs of words, then a hidden layer of 100.

    The matrix stays sparse: of 20,000 weights into a hidden unit a sentence needs some 30, and SparseAdam
    moves those of a batch's words alone. Few epochs: by the tenth the network knows every training sentence.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    from nnfast.sklearn import MLPClassifier

    words = TfidfVectorizer(
        ngram_range=(1, 2), max_features=FEATURES, sublinear_tf=True, dtype=np.float32, token_pattern=r"\S+"
    )
    return make_pipeline(
        words, MLPClassifier((100,), solver="sparse_adam", max_iter=epochs, random_state=seed)
    )


Words = list[tuple[str, float]]  # each with the probability that it is praise


def extremes(model: Any, count: int) -> tuple[Words, Words]:
    """The words that make a sentence most positive and most negative: each as a sentence of its own."""
    from scipy import sparse

    words, network = model[0].get_feature_names_out(), model[-1]
    each = sparse.eye_array(len(words), dtype=np.float32, format="csr")
    odds = network.predict_proba(each)[:, 1]
    order = np.argsort(odds)
    found = [(str(words[i]), float(odds[i])) for i in (*order[: -count - 1 : -1], *order[:count])]
    return found[:count], found[count:]


def draw(positive: Words, negative: Words) -> Any:
    """The words as bars from even odds."""
    figure = nf.plot.new_figure(6.5, 0.24 * (len(positive) + len(negative)) + 1.2)
    axes = figure.add_subplot()
    words = [*negative, *reversed(positive)]
    axes.barh(
        range(len(words)),
        [odds - 0.5 for _, odds in words],
        left=0.5,
        color=["C3"] * len(negative) + ["C0"] * len(positive),
    )
    axes.set_yticks(range(len(words)), [word for word, _ in words])
    axes.set_xlim(0, 1)
    axes.set_xlabel("probability that a sentence of this word alone is praise")
    axes.set_title("the words the network goes by")
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = parse(arguments)
    try:
        texts, labels = sentences(_common.folder("rt_polarity", options.data))
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.model_selection import StratifiedKFold, cross_val_score
    except (FileNotFoundError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    model = make_model(options.epochs, options.seed)
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=options.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped before it has converged, on purpose
        began = time.perf_counter()
        scores = cross_val_score(model, texts, labels, cv=folds)
        seconds = time.perf_counter() - began
        print(f"{len(texts):,} sentences, {options.folds} folds in {seconds:.1f} s")
        print(f"accuracy {scores.mean():.4f}, folds {scores.min():.4f} to {scores.max():.4f}")
        model.fit(texts, labels)
    positive, negative = extremes(model, options.words)
    for title, words in (("most positive", positive), ("most negative", negative)):
        print(f"{title}: {', '.join(word for word, _ in words)}")
    _common.picture("sentiment", options, draw, positive, negative)
    return 0


if __name__ == "__main__":
    sys.exit(main())
