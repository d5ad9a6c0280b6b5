"""Files that are truncated, damaged, forged or newer: a ValueError that says so, and nothing else."""

import json
import os
import resource
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nnfast as nf
from nnfast import _container

SAME_PACKAGE = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
SETTINGS = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def network():
    model = nf.Sequential(nf.Linear(3, 4), nf.ReLU(), nf.Dropout(0.5), nf.Linear(4, 2), seed=0)
    model.compile(nf.Adam(nf.StepLR(0.1, 2)), nf.CrossEntropyLoss([1, 2]), ["accuracy"])
    model.fit(np.ones((4, 3)), [0, 1, 0, 1], verbose=0)
    return model


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "model"
    network().save(path)
    return path.read_bytes()


def attempt(path, content):
    """The model, or None where the file is refused in the way it must be."""
    path.write_bytes(content)
    try:
        return nf.load(path)
    except ValueError as error:
        assert str(error).startswith(f"load: {path}: ")
        return None


@SETTINGS
@given(data=st.data())
def test_flipped_bytes_are_found(data, whole, tmp_path):
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    model = attempt(tmp_path / "model", bytes(changed))
    if model is not None:  # a byte became what it had been, or a space another
        expected = network()
        assert repr(model) == repr(expected) and repr(model.optimizer) == repr(expected.optimizer)
        for name, array in expected.state_dict().items():
            np.testing.assert_array_equal(model.state_dict()[name], array)


def test_any_bit_of_the_arrays_is_found(whole, tmp_path):
    header = 8 + int.from_bytes(whole[:8], "little")
    for place in range(header, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        assert attempt(tmp_path / "model", bytes(changed)) is None


@SETTINGS
@given(end=st.integers(0, 10**6), more=st.binary(max_size=20))
def test_truncated_and_longer_files_are_found(end, more, whole, tmp_path):
    content = whole[: end % len(whole)] + more
    assert attempt(tmp_path / "model", content) is None or content == whole
    assert attempt(tmp_path / "model", whole + more) is None or not more


@SETTINGS
@given(content=st.binary(max_size=200))
def test_anything_is_no_model(content, tmp_path):
    assert attempt(tmp_path / "model", content) is None


# ---------------------------------------------------------------- forged: the checksum fits


def parts(path):
    with _container.opened(str(path)) as saved:
        return json.loads(saved.text), {name: saved.array(name) for name in saved.entries}


def forge(path, described, arrays, **notes):
    text = described if isinstance(described, str) else json.dumps(described)
    with open(path, "wb") as file:
        _container.write(file, text, arrays, **notes)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(2**70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


def places(value):
    """(container, key) of everything in a description."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


@SETTINGS
@given(data=st.data())
def test_forged_descriptions_are_refused_or_make_a_model(data, whole, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(whole)
    described, arrays = parts(path)
    for _ in range(data.draw(st.integers(1, 2))):
        container, key = data.draw(st.sampled_from(list(places(described))))
        if data.draw(st.booleans()):
            container[key] = data.draw(VALUES)
        else:
            del container[key]
    forge(path, described, arrays)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = attempt(path, path.read_bytes())
    if model is not None:
        assert isinstance(model, nf.Model)


HOSTILE = {
    "large linear": {"class": "Linear", "settings": {"in_features": 3, "out_features": 2**38}},
    "large embedding": {"class": "Embedding", "settings": {"num_embeddings": 2**40, "embedding_dim": 2**20}},
    "overflow": {"class": "Linear", "settings": {"in_features": 3, "out_features": 2**62}},
    "a class of Python": {"class": "os.system", "settings": {"command": "true"}},
    "a base class": {"class": "Layer", "settings": {}},
    "a private name": {"class": "_Norm", "settings": {}},
    "an initializer": {"class": "Linear", "settings": {"out_features": 4, "weight_init": "orthogonal"}},
    "no such setting": {"class": "Linear", "settings": {"out_features": 4, "self": 3}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_layers_take_no_memory(name, whole, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(whole)
    described, arrays = parts(path)
    described["layers"][0].update(HOSTILE[name])
    forge(path, described, arrays)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = attempt(path, path.read_bytes())
    assert model is None or name == "an initializer"
    # 32 MB: the megabytes of modules imported on the way, and nothing like what was asked for.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_deep_and_wrong_json(whole, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(whole)
    described, arrays = parts(path)
    for text in ("[" * 10**6, "[]", "{}", "null", "{", '{"a": ' + "9" * 10**5 + "}"):
        forge(path, text, arrays)
        assert attempt(path, path.read_bytes()) is None
    for sources in ([0], [5], [-2], [None], [], [-1, -1], "x"):
        described["layers"][1]["sources"] = sources
        forge(path, described, arrays)
        assert attempt(path, path.read_bytes()) is None or sources == [0]


def test_newer_files_and_files_of_others_say_what_they_are(whole, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(whole)
    described, arrays = parts(path)
    forge(path, described, arrays, version="2")
    with pytest.raises(
        ValueError, match=r"was written by a newer nnfast \(format 2, this one reads up to 1\)"
    ):
        nf.load(path)
    for version in ("", "x", "-1", "1" * 5000, "²"):
        forge(path, described, arrays, version=version)
        with pytest.raises(ValueError, match="version: expected a number"):
            nf.load(path)
    forge(path, described, arrays, format="pt")
    with pytest.raises(ValueError, match="no model that nnfast saved"):
        nf.load(path)
    forge(path, described, {name: array for name, array in arrays.items() if "0.weight" not in name})
    with pytest.raises(ValueError, match=r"parameter '0\.weight' is missing"):
        nf.load(path)
    forge(path, described, {**arrays, "more": np.zeros(2, np.float32)})
    with pytest.raises(ValueError, match="parameter 'more' is unexpected"):
        nf.load(path)
    forge(path, described, {name: array for name, array in arrays.items() if "optimizer.1.0.w" not in name})
    with pytest.raises(ValueError, match=r"state 'optimizer.1.0.weight' is missing"):
        nf.load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files")
def test_a_file_that_is_large_and_empty(tmp_path):
    path = tmp_path / "model"
    with open(path, "wb") as file:
        file.write((2**39).to_bytes(8, "little"))
        os.truncate(path, 2**40)
    with pytest.raises(ValueError, match="load: "):
        nf.load(path)


LARGE = """
import json, os, nnfast as nf
from nnfast import _container
path = PATH

def sparse(described, shapes, **notes):
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    header["__metadata__"] = {"format": "nnfast", "version": "1", "model": json.dumps(described), **notes}
    head = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
    os.truncate(path, 8 + len(head) + at)

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))  # in KB

def refused(load, message):
    before = peak()
    try:
        load(path)
    except ValueError as error:
        assert message in str(error), error
    else:
        raise AssertionError("it was loaded")
    assert peak() - before < 16 * 1024, (message, peak() - before)

model = nf.Sequential(nf.Linear(2, 3), seed=0)
model.save(path)
nf.load(path)
with _container.opened(path) as saved:
    small = json.loads(saved.text)
own = {"0.weight": [3, 2], "0.bias": [3]}
sparse(small, {**own, "0.weight": [2**30, 1]})
refused(nf.load, "parameter '0.weight': expected (3, 2), float32, got (1073741824, 1), float32")
sparse(small, {**own, "more": [2**31]})
refused(nf.load, "parameter 'more' is unexpected")
sparse(small, {**own, "optimizer.0.0.weight": [2**30]})
refused(nf.load, "state 'optimizer.0.0.weight': expected (3, 2), float32, got (1073741824,)")
# All fits, but the checksum, which is taken of 256 MB.
large = json.loads(json.dumps(small))
large["layers"][0]["settings"].update(in_features=2**13, out_features=2**13)
large["inputs"] = [[2**13]]
sparse(large, {"0.weight": [2**13, 2**13], "0.bias": [2**13]}, checksum="00000000")
refused(nf.load, "is damaged")
refused(lambda path: model.load_weights(path, strict=False), "is damaged")
# A stranger's file: of what does not fit nothing is read.
sparse(small, {"0.weight": [2**30, 1], "more": [2**30]}, format="pt")
before = peak()
report = model.load_weights(path, strict=False)
assert set(report.mismatched) == {"0.weight"} and report.unexpected == ["more"]
assert peak() - before < 16 * 1024
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files, /proc")
def test_files_of_gigabytes_are_refused_in_megabytes(run_python, tmp_path):
    run_python(LARGE.replace("PATH", repr(str(tmp_path / "model"))), env=SAME_PACKAGE)


def test_the_header_is_of_bounded_size(whole, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(whole)
    described, arrays = parts(path)
    with pytest.raises(ValueError, match=r"save: the description takes .* bytes, a file holds 16777216"):
        forge(path, {**described, "more": "x" * 2**24}, arrays)
    head = b'{"a": "' + b"x" * 2**24 + b'"}'
    assert attempt(path, len(head).to_bytes(8, "little") + head) is None
    with pytest.raises(ValueError, match="expected a header of at most 16777216 bytes"):
        nf.load(path)


def test_damage_is_told_from_what_does_not_fit(whole, tmp_path):
    """A class with another name: written so, or by a bit that fell over."""
    path = tmp_path / "model"
    path.write_bytes(whole.replace(b"Dropout", b"Dropoux"))
    with pytest.raises(ValueError, match="is damaged"):
        nf.load(path)
    path.write_bytes(whole)
    described, arrays = parts(path)
    described["layers"][2]["class"] = "Dropoux"
    forge(path, described, arrays)
    with pytest.raises(ValueError, match="'Dropoux' is no class that this version knows"):
        nf.load(path)
