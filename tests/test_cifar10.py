"""CIFAR-10: its binary files, and the residual network of the examples on images made up and real."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from nnfast import datasets
from nnfast.examples import cifar10


def write(folder, n=7, name="data_batch_1.bin", seed=0, compress=False):
    rng = np.random.default_rng(seed)
    records = rng.integers(0, 256, (n, 3073)).astype(np.uint8)
    records[:, 0] %= 10
    content = records.tobytes()
    path = folder / (name + ".gz" if compress else name)
    path.write_bytes(gzip.compress(content) if compress else content)
    return records


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("part", "name"), [("train", "data_batch_1.bin"), ("test", "test_batch.bin")])
def test_records(tmp_path, compress, part, name):
    records = write(tmp_path, name=name, compress=compress)
    images, labels = datasets.cifar10(tmp_path, part)
    np.testing.assert_array_equal(labels, records[:, 0])
    np.testing.assert_array_equal(images[3, 2, 31, 30], records[3, 1 + 2 * 1024 + 31 * 32 + 30])
    assert images.shape == (7, 3, 32, 32) and images.dtype == labels.dtype == np.uint8
    assert images.flags.writeable and images.flags.c_contiguous


def test_all_files_that_are_there(tmp_path):
    parts = [write(tmp_path, i, f"data_batch_{i}.bin", i, compress=i == 4) for i in (1, 2, 4)]
    images, labels = datasets.cifar10(tmp_path)
    np.testing.assert_array_equal(labels, np.concatenate(parts)[:, 0])
    assert len(images) == 7


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cifar10: folder: expected an existing folder"):
        datasets.cifar10(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"holds neither data_batch_1\.bin nor data_batch_1\.bin\.gz"):
        datasets.cifar10(tmp_path)
    with pytest.raises(ValueError, match="cifar10: part: expected one of 'train', 'test'"):
        datasets.cifar10(tmp_path, "validation")
    path = tmp_path / "data_batch_1.bin"
    for content, message in [
        (b"", "expected records of 3073 bytes, got 0 bytes"),
        (bytes(3072), "expected records of 3073 bytes, got 3072 bytes"),
        (bytes([10]) + bytes(3072), r"expected labels 0\.\.9, got 10"),
        (gzip.compress(bytes(3073))[:-9], "the gzip data are damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"cifar10: .*{message}"):
            datasets.cifar10(tmp_path)


# ---------------------------------------------------------------- the example


def test_augmented_images_are_the_image_moved_or_mirrored():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 3, 32, 32)).astype(np.uint8)
    moved, y = cifar10.augment(x.copy(), np.arange(40), np.random.default_rng(1))
    assert moved.shape == x.shape and moved.dtype == np.uint8 and (y == np.arange(40)).all()
    s = cifar10.SHIFT
    mirrored = 0
    for image, original in zip(moved, x, strict=True):
        inside = image[:, s:-s, s:-s]
        places = [
            (flip, i, j)
            for flip in (False, True)
            for i in range(2 * s + 1)
            for j in range(2 * s + 1)
            if (
                inside == original[:, i : i + 32 - 2 * s, j : j + 32 - 2 * s][:, :, :: -1 if flip else 1]
            ).all()
        ]
        assert len(places) == 1
        mirrored += places[0][0]
    assert 8 < mirrored < 32  # 40 fair coins: within 4 standard deviations


def test_the_example_learns_colours(tmp_path, capsys):
    """On a small file of its own making, in which a class is a brightness."""
    rng = np.random.default_rng(0)
    records = np.zeros((200, 3073), np.uint8)
    records[:, 0] = rng.integers(0, 10, 200)
    records[:, 1:] = 25 * records[:, :1] + rng.integers(0, 20, (200, 3072))
    (tmp_path / "data_batch_1.bin").write_bytes(records.tobytes())
    arguments = ["--data", str(tmp_path), "--epochs", "12", "--batch-size", "16", "--limit", "150"]
    assert cifar10.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "cifar10.png").exists()
    # Ten classes of which a guess finds one; what a run of 84 steps reaches here varies between 0.6 and 1.
    assert float(capsys.readouterr().out.splitlines()[-1].split()[0]) > 0.4
    assert cifar10.main(["--data", str(tmp_path / "nothing")]) == 1
    assert "expected an existing folder" in capsys.readouterr().err
    for bad in (["--epochs", "0"], ["--limit", "9"], ["--seed", "-1"]):
        with pytest.raises(SystemExit):
            cifar10.main(["--data", str(tmp_path), *bad])


def real_folder():
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("NNFAST_DATA", root.parent / "shared" / "data")) / "cifar10"
    if not folder.is_dir():
        pytest.skip(f"no CIFAR-10 in {folder}: set NNFAST_DATA to the folder that holds cifar10/")
    return str(folder)


def accuracy_of(capsys, tmp_path, *arguments):
    assert cifar10.main(["--data", real_folder(), "--out", str(tmp_path), *arguments]) == 0
    return float(capsys.readouterr().out.splitlines()[-1].split()[0])


def test_a_slice_of_the_real_images(capsys, tmp_path):
    # 800 images, 2 epochs: seeds 0 to 3 were measured above 0.25; a guess finds 0.1 +- 0.02.
    assert accuracy_of(capsys, tmp_path, "--limit", "1000", "--epochs", "2", "--batch-size", "32") > 0.15


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_published_accuracy(seed, capsys, tmp_path):
    assert accuracy_of(capsys, tmp_path, "--seed", str(seed)) >= 0.60
