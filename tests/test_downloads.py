"""Data sets that are fetched when asked for: whole and checked, or not at all; from this machine alone."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nnfast import _download, datasets

from .test_cifar10 import write as write_cifar
from .test_datasets import idx_bytes

BIKES = b"instant,dteday,hr,cnt\n1,2011-01-01,0,16\n2,2011-01-01,1,40\n"


class Server:
    """A web server of this process: what is in `files`, by name; counts what was asked for."""

    def __init__(self):
        self.files, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.lstrip("/")
                outer.asked.append(name)
                content = outer.files.get(name)
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def server(monkeypatch):
    """The addresses of the data sets lead here; `offer` says what they hold."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    found = Server()

    def offer(key, content):
        source = datasets._SOURCES[key]
        found.files[source.name] = content
        changed = dataclasses.replace(
            source,
            address=found.address + source.name,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
        )
        monkeypatch.setitem(datasets._SOURCES, key, changed)

    found.offer = offer
    yield found
    found.close()


def offer_mnist(server, n=7):
    images = np.random.default_rng(0).integers(0, 256, (n, 28, 28)).astype(np.uint8)
    labels = np.arange(n, dtype=np.uint8)
    server.offer("t10k-images-idx3-ubyte", gzip.compress(idx_bytes(images, "u1")))
    server.offer("t10k-labels-idx1-ubyte", gzip.compress(idx_bytes(labels, "u1")))
    return images, labels


def offer_cifar(server, folder):
    """The archive as it is published: a folder within, and a file nobody asked for."""
    records = {f"data_batch_{i}.bin": write_cifar(folder, i, f"data_batch_{i}.bin", i) for i in range(1, 6)}
    records["test_batch.bin"] = write_cifar(folder, 3, "test_batch.bin", 9)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        (folder / "readme.html").write_text("no data")
        for path in sorted(folder.iterdir()):
            tar.add(path, f"cifar-10-batches-bin/{path.name}")
    server.offer("cifar10", packed.getvalue())
    return records


def offer_bikes(server):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("hour.csv", BIKES)
        archive.writestr("day.csv", b"not wanted")
    server.offer("bike_sharing", packed.getvalue())


# ---------------------------------------------------------------- the three data sets


def test_mnist_is_fetched_once(server, tmp_path):
    images, labels = offer_mnist(server)
    folder = tmp_path / "new" / "mnist"
    found = datasets.mnist(folder, "test", download=True)
    np.testing.assert_array_equal(found[0], images)
    np.testing.assert_array_equal(found[1], labels)
    assert sorted(p.name for p in folder.iterdir()) == [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]
    datasets.mnist(folder, "test", download=True)
    assert len(server.asked) == 2
    np.testing.assert_array_equal(datasets.mnist(folder, "test")[1], labels)


def test_cifar10_is_unpacked(server, tmp_path):
    (tmp_path / "made").mkdir()
    records = offer_cifar(server, tmp_path / "made")
    _, labels = datasets.cifar10(tmp_path / "a", download=True)
    np.testing.assert_array_equal(labels, np.concatenate([records[n] for n in sorted(records)[:5]])[:, 0])
    images, labels = datasets.cifar10(tmp_path / "a", "test", download=True)
    np.testing.assert_array_equal(images.reshape(3, -1), records["test_batch.bin"][:, 1:])
    assert len(server.asked) == 1  # both parts are in one archive, which is not kept
    assert sorted(os.listdir(tmp_path / "a")) == sorted(records)


def test_bike_sharing_is_unpacked(server, tmp_path):
    offer_bikes(server)
    found = datasets.bike_sharing(tmp_path, download=True)
    assert found["cnt"].tolist() == [16.0, 40.0] and list(found) == ["instant", "dteday", "hr", "cnt"]
    assert found["dteday"].dtype == "datetime64[D]" and found["dteday"][0] == np.datetime64("2011-01-01")
    assert os.listdir(tmp_path) == ["hour.csv"]


# ---------------------------------------------------------------- what may go wrong


def test_nothing_is_fetched_unasked(server, tmp_path):
    offer_bikes(server)
    for read in (datasets.mnist, datasets.cifar10, datasets.bike_sharing):
        with pytest.raises(FileNotFoundError):
            read(tmp_path)
        with pytest.raises(TypeError, match="download: expected True or False, got 'yes'"):
            read(tmp_path, download="yes")
    assert server.asked == []


@pytest.mark.parametrize("damage", ["changed", "short", "endless", "missing"])
def test_a_bad_answer_leaves_nothing_behind(server, tmp_path, damage):
    offer_mnist(server)
    name = "t10k-images-idx3-ubyte.gz"
    content = server.files[name]
    server.files[name] = {
        "changed": content[:-1] + bytes([content[-1] ^ 1]),
        "short": content[:-5],
        "endless": content * 1000,
        "missing": None,
    }[damage]
    error, message = (OSError, "HTTP Error 404") if damage == "missing" else (ValueError, "SHA-256")
    with pytest.raises(error, match=f"mnist: {server.address}{name}: .*{message}"):
        datasets.mnist(tmp_path, "test", download=True)
    assert os.listdir(tmp_path) == []


def test_no_more_is_read_than_there_should_be(server, tmp_path, monkeypatch):
    server.files["big"] = bytes(100)
    source = _download.Source(server.address + "big", "0", 10)
    with pytest.raises(ValueError, match="expected 10 bytes with SHA-256 0, got 11 bytes"):
        _download.fetch("test", source, str(tmp_path / "big"))


def test_what_is_there_stays_until_the_new_file_is_whole(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    server.files["file"] = b"new"
    source = _download.Source(server.address + "file", hashlib.sha256(b"new").hexdigest(), 3)
    with pytest.raises(ValueError, match="SHA-256"):
        _download.fetch("test", dataclasses.replace(source, sha256="0"), str(path))
    assert path.read_bytes() == b"old"
    _download.fetch("test", source, str(path))
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


def test_a_server_that_is_not_there(tmp_path, server):
    source = _download.Source("http://127.0.0.1:1/file", "0", 1)
    with pytest.raises(OSError, match=r"test: http://127\.0\.0\.1:1/file: "):
        _download.fetch("test", source, str(tmp_path / "file"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1\n", b"a,b\n1,x\n", b"dteday,b\nnever,1\n", b"a,b\n1,2\n3\n", b"\xff\xfe"]
)
def test_damaged_tables_are_refused(tmp_path, content):
    (tmp_path / "hour.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"bike_sharing: .*hour\.csv: expected lines of numbers"):
        datasets.bike_sharing(tmp_path)


def test_the_real_table():
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("NNFAST_DATA", root.parent / "shared" / "data")) / "bike_sharing"
    if not folder.is_dir():
        pytest.skip(
            f"no bike sharing data in {folder}: set NNFAST_DATA to the folder that holds bike_sharing/"
        )
    found = datasets.bike_sharing(folder)
    assert {len(column) for column in found.values()} == {17_379}
    np.testing.assert_array_equal(found["casual"] + found["registered"], found["cnt"])
    assert found["dteday"][-1] == np.datetime64("2012-12-31")
