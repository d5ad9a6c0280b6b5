"""Reading and preparing data: IDX files, splits, one-hot rows, standardization."""

import gzip
import struct

import numpy as np
import pytest

import nnfast as nf
from nnfast import data, datasets

IDX_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array, code):
    head = bytes([0, 0, IDX_CODES[code], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(">" + code).tobytes()


def write_mnist(folder, n=7, prefix="train", compress=False):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
    labels = rng.integers(0, 10, n).astype(np.uint8)
    for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
        content = idx_bytes(array, "u1")
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return images, labels


# ---------------------------------------------------------------- IDX files


@pytest.mark.parametrize("code", IDX_CODES)
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("shape", [(0,), (5,), (2, 3), (2, 1, 3, 2)])
def test_idx_round_trip(tmp_path, code, compress, shape):
    array = np.random.default_rng(1).integers(0, 100, shape).astype(code)
    content = idx_bytes(array, code)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if compress else content)
    found = datasets.read_idx(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.dtype(code) and found.dtype.isnative and found.flags.writeable
    np.testing.assert_array_equal(datasets.read_idx(str(path)), array)


WHOLE = idx_bytes(np.arange(6, dtype=np.uint8).reshape(2, 3), "u1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an IDX file"),
        (b"\x89PNG\r\n", "expected an IDX file .*got '89 50 4e 47'"),
        (b"\x00\x00\x07\x01" + bytes(8), "expected an IDX file"),
        (b"\x00\x00\x08\x00" + bytes(8), "expected an IDX file"),
        (WHOLE[:9], "expected 2 sizes, but the file ends after 9 bytes"),
        (WHOLE[:-1], r"shape \(2, 3\) takes 18 bytes, got 17"),
        (WHOLE + b"\x00", r"shape \(2, 3\) takes 18 bytes, got 19"),
        (gzip.compress(WHOLE)[:-9], "the gzip data are damaged"),
        (
            gzip.compress(WHOLE)[:12] + b"\xff\xff\xff\xff" + gzip.compress(WHOLE)[16:],
            "the gzip data are damaged",
        ),
        (gzip.compress(WHOLE[:-2]), r"shape \(2, 3\) takes 18 bytes, got 16"),
    ],
    ids=range(10),
)
def test_damaged_idx_files_are_refused(tmp_path, content, message):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"read_idx: .*damaged: {message}"):
        datasets.read_idx(path)


def test_a_missing_idx_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        datasets.read_idx(tmp_path / "nothing")


# ---------------------------------------------------------------- MNIST


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("part", "prefix"), [("train", "train"), ("test", "t10k")])
def test_mnist(tmp_path, compress, part, prefix):
    images, labels = write_mnist(tmp_path, prefix=prefix, compress=compress)
    found_images, found_labels = datasets.mnist(tmp_path, part)
    np.testing.assert_array_equal(found_images, images)
    np.testing.assert_array_equal(found_labels, labels)


def test_mnist_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mnist: folder: expected an existing folder, got .*nowhere"):
        datasets.mnist(tmp_path / "nowhere")
    with pytest.raises(
        FileNotFoundError, match=r"neither train-images-idx3-ubyte nor train-images-idx3-ubyte\.gz"
    ):
        datasets.mnist(tmp_path)
    write_mnist(tmp_path)
    with pytest.raises(FileNotFoundError, match="neither t10k-images-idx3-ubyte"):
        datasets.mnist(tmp_path, "test")
    with pytest.raises(ValueError, match="part: expected one of 'train', 'test', got 'validation'"):
        datasets.mnist(tmp_path, "validation")


def test_mnist_files_must_fit_together(tmp_path):
    write_mnist(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx_bytes(np.zeros(6, np.uint8), "u1"))
    with pytest.raises(ValueError, match="mnist: labels: expected 7 like the images, got 6"):
        datasets.mnist(tmp_path)
    labels.write_bytes(idx_bytes(np.zeros(7), "f4"))
    with pytest.raises(ValueError, match="mnist: labels: expected uint8"):
        datasets.mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((7, 784), np.uint8), "u1"))
    with pytest.raises(ValueError, match="mnist: images: expected uint8"):
        datasets.mnist(tmp_path)


# ---------------------------------------------------------------- one-hot


def test_one_hot():
    np.testing.assert_array_equal(nf.one_hot([2, 0, 1]), np.eye(3)[[2, 0, 1]])
    assert nf.one_hot([0], 4).shape == (1, 4) and nf.one_hot([0], 4).dtype == np.float32
    assert nf.one_hot(np.array([1], np.uint8), 2, np.float64).dtype == np.float64
    assert nf.one_hot([], 3).shape == (0, 3)
    for bad, error in (([3], ValueError), ([-1], ValueError), ([[0]], ValueError), ([0.5], TypeError)):
        with pytest.raises(error, match="one_hot: labels: expected"):
            nf.one_hot(bad, 3)
    for classes in (None, 3):
        with pytest.raises(ValueError, match=r"^one_hot: labels: expected labels of 0 and more, got -1$"):
            nf.one_hot([1, -1], classes)
    with pytest.raises(ValueError, match="one_hot: classes"):
        nf.one_hot([0], 0)


# ---------------------------------------------------------------- split


def test_split_keeps_pairs_and_loses_nothing():
    x, y = np.arange(101) * 2, np.arange(101)
    parts = data.split(x, y, seed=1)
    assert [len(part[0]) for part in parts] == [61, 20, 20]
    for px, py in parts:
        np.testing.assert_array_equal(px, 2 * py)
    assert sorted(np.concatenate([py for _, py in parts]).tolist()) == y.tolist()
    again = data.split(x, y, seed=1)
    np.testing.assert_array_equal(parts[0][1], again[0][1])
    assert (data.split(x, y, seed=2)[0][1] != parts[0][1]).any()
    assert (np.diff(parts[0][1]) < 0).any()


def test_stratified_parts_have_the_shares_of_the_whole():
    rng = np.random.default_rng(0)
    y = rng.choice(4, 1000, p=[0.5, 0.3, 0.15, 0.05])
    parts = data.split(np.arange(1000), y, (0.7, 0.2, 0.1), seed=3, stratify=True)
    for (px, py), share in zip(parts, (0.7, 0.2, 0.1), strict=True):
        np.testing.assert_array_equal(y[px], py)
        for label in range(4):
            assert abs((py == label).sum() - share * (y == label).sum()) <= 1.5
        # Classes must come mixed, not one after the other.
        assert (np.diff(py) != 0).mean() > 0.3
    groups = np.repeat([0, 1], 500)
    (_, _), (px, _) = data.split(np.arange(1000), y, (0.5, 0.5), seed=3, stratify=groups)
    assert abs((groups[px] == 0).sum() - 250) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.zeros(3)}, "y: expected as many samples as x"),
        ({"fractions": (0.5, 0.4)}, "fractions: expected positive shares of sum 1"),
        ({"fractions": (1.2, -0.2)}, "fractions"),
        ({"fractions": ()}, "fractions"),
        ({"fractions": (0.99, 0.01)}, "fractions: expected parts with samples in them, got sizes 4, 0"),
        ({"stratify": [0, 1]}, "stratify: expected one label a sample"),
        (
            {"y": np.array([0, 1, 1, 1]), "stratify": True},
            "stratify: expected at least 2 samples .* got 1 of",
        ),
        (
            {"y": np.array([0.5, 0.5, 1, 1]), "stratify": True},
            "stratify: expected a class of each sample, got",
        ),
        ({"stratify": np.full(4, np.nan)}, "stratify: expected a class of each sample, got continuous"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_splits_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"split: {message}"):
        data.split(**{"x": np.zeros(4), "y": np.zeros(4), **arguments})


def test_split_wants_a_share_for_each_part():
    with pytest.raises(
        TypeError, match=r"split: fractions: expected a share for each part, as \(0\.8, 0\.2\)"
    ):
        data.split(np.zeros(4), np.zeros(4), 0.8)
    plain, none = (data.split(np.arange(9), np.zeros(9), seed=0, stratify=s) for s in (False, None))
    assert all((a[0] == b[0]).all() for a, b in zip(plain, none, strict=True))


# ---------------------------------------------------------------- Standardizer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardizer(dtype):
    x = np.random.default_rng(0).normal([1, 50, -3], [1, 10, 0.1], (500, 3)).astype(dtype)
    scaler = nf.Standardizer()
    z = scaler.fit_transform(x)
    assert z.dtype == dtype
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=2e3 * np.finfo(dtype).eps)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=2e3 * np.finfo(dtype).eps)
    np.testing.assert_allclose(scaler.inverse_transform(z), x, rtol=0, atol=100 * np.finfo(dtype).eps)
    # Statistics stay those of the training data.
    np.testing.assert_allclose(scaler.transform(x[:1] + 1), z[:1] + 1 / scaler.std, rtol=1e-4)


def test_standardizer_by_channel_and_constant_features():
    images = np.random.default_rng(0).normal(size=(20, 3, 4, 4)) * np.array([1, 2, 3])[:, None, None]
    z = nf.Standardizer(axis=(0, 2, 3)).fit_transform(images)
    np.testing.assert_allclose(z.std(axis=(0, 2, 3)), 1, rtol=1e-12)
    assert (nf.Standardizer().fit_transform(np.full((4, 2), 7)) == 0).all()
    for count in range(1, 50):  # the mean of equal numbers need not round to them
        for value in (0.1, 1e-300, 1e15 / 3, -1e-5):
            same = np.full((count, 1), value)
            scaler = nf.Standardizer().fit(same)
            assert scaler.std == 1
            assert (scaler.transform(same) == 0).all()
    assert nf.Standardizer().fit_transform([[0], [2]]).dtype == np.float64


def test_standardizer_refusals():
    scaler = nf.Standardizer()
    with pytest.raises(ValueError, match="Standardizer: call fit on the training data first"):
        scaler.transform(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"Standardizer\.fit: x: expected at least one sample"):
        scaler.fit(np.zeros((0, 2)))
    with pytest.raises(ValueError, match=r"Standardizer\.fit: axis: expected axes of an array of shape"):
        nf.Standardizer(axis=2).fit(np.zeros((3, 2)))
    with pytest.raises(TypeError, match=r"Standardizer\.fit: x: expected numbers"):
        scaler.fit([["a"]])
    scaler.fit(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"transform: x: expected a shape that fits the statistics \(1, 2\)"):
        scaler.transform(np.zeros((3, 5)))


@pytest.mark.parametrize("given", [None, 3, ["a"]])
def test_what_is_no_path_is_named(given):
    for call, name in ((nf.datasets.read_idx, "path"), (nf.datasets.read_cifar, "path")):
        with pytest.raises(TypeError, match=f"{call.__name__}: {name}: expected a string or a path, got"):
            call(given)
    for call in (nf.datasets.mnist, nf.datasets.cifar10, nf.datasets.bike_sharing):
        for download in (False, True):
            with pytest.raises(TypeError, match=f"{call.__name__}: folder: expected a string or a path, got"):
                call(given, download=download)
