"""The example of sentiment, on sentences made up and real."""

import os
from pathlib import Path

import numpy as np
import pytest

from nnfast.examples import sentiment

ADJECTIVES = {"rt-polarity.pos": ["fine", "warm", "funny"], "rt-polarity.neg": ["dull", "cold", "grim"]}


def write(folder, n=60):
    rng = np.random.default_rng(0)
    nouns = ["film", "story", "cast", "ending", "music"]
    for name, adjectives in ADJECTIVES.items():
        lines = [f"a {rng.choice(adjectives)} {rng.choice(nouns)} , {rng.choice(nouns)}" for _ in range(n)]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="latin-1")


def test_sentences_made_up(tmp_path, capsys):
    write(tmp_path)
    arguments = ["--data", str(tmp_path), "--folds", "3", "--epochs", "300", "--words", "2"]
    arguments += ["--out", str(tmp_path / "pictures")]
    assert sentiment.main(arguments) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("120 sentences, 3 folds in ") and "accuracy 1.0000" in out[1]
    assert (tmp_path / "pictures" / "sentiment.png").is_file()
    for line, name in zip(out[2:4], ADJECTIVES, strict=True):
        words = line.split(": ")[1].split(", ")
        assert len(words) == 2 and all(any(a in word for a in ADJECTIVES[name]) for word in words)


def test_bad_arguments(tmp_path, capsys):
    assert sentiment.main(["--data", str(tmp_path)]) == 1
    assert "rt-polarity.neg was not found" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        sentiment.main(["--data", str(tmp_path), "--folds", "1"])
    assert "--folds: expected at least 2, got 1" in capsys.readouterr().err


def test_real_sentences(capsys, tmp_path):
    """One fold of two: half the sentences make 0.76, all but a tenth 0.78."""
    folder = Path(os.environ.get("NNFAST_DATA", "")) / "rt_polarity"
    if not folder.is_dir():
        pytest.skip("no rt_polarity in the folder NNFAST_DATA")
    assert sentiment.main(["--data", str(folder), "--folds", "2", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert float(out.split("accuracy ")[1].split(",")[0]) > 0.74
    assert "dull" in out.split("most negative: ")[1]
