"""Models in files: everything comes back, training goes on with the same bits, and only whole files exist."""

import inspect
import json
import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

import nnfast as nf
from nnfast import layers, schedules

# For new interpreters: what this one imports.
SAME_PACKAGE = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((60, 4)).astype(np.float32), RNG.integers(0, 3, 60)


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def through_a_file(model, path):
    model.save(path)
    return nf.load(path)


def same(model, other):
    mine, theirs = model.state_dict(), other.state_dict()
    assert list(mine) == list(theirs)
    for name, array in mine.items():
        assert array.dtype == theirs[name].dtype
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def network(backend="native", optimizer="adam", dtype="float32", seed=2**64 - 1):
    # Dropout: the masks follow from the step count; batch normalisation: buffers.
    model = nf.Sequential(
        nf.Linear(4, 8),
        nf.BatchNorm1d(8),
        nf.ReLU(),
        nf.Dropout(0.3),
        nf.Linear(8, 3),
        seed=seed,
        dtype=dtype,
    )
    model.compile(optimizer, "cross_entropy", ["accuracy"], backend=backend)
    return model


RATES = {
    "number": lambda: 0.01,
    "step": lambda: nf.StepLR(0.01, 2, 0.5),
    "milestones": lambda: nf.MultiStepLR(0.01, [1, 3]),
    "exponential": lambda: nf.ExponentialLR(0.01, 0.9),
    "scaling": lambda: nf.InverseScaling(0.01),
    "cosine": lambda: nf.CosineAnnealingLR(0.01, 4, per="step"),
    "cycle": lambda: nf.OneCycleLR(0.01, 24),
    "warmup": lambda: nf.LinearWarmup(nf.CosineAnnealingLR(0.01, 9, per="step"), 3),
    "plateau": lambda: nf.ReduceLROnPlateau(0.01, factor=0.5, patience=0, threshold=0.5),
}
OPTIMIZERS = {
    "sgd": lambda lr: nf.SGD(lr, momentum=0.9, nesterov=True, weight_decay=0.01, clipnorm=1.0),
    "rmsprop": lambda lr: nf.RMSprop(lr, momentum=0.5, centered=True),
    "adam": lambda lr: nf.Adam(lr, betas=(0.8, 0.99), amsgrad=True, clipvalue=0.1),
    "adamw": lambda lr: nf.AdamW(lr, weight_decay=0.0),
    "nadam": lambda lr: nf.NAdam(lr),
    "adagrad": lambda lr: nf.Adagrad(lr),
    "adadelta": lambda lr: nf.Adadelta(lr),
    "sparse_adam": lambda lr: nf.SparseAdam(lr, betas=(0.8, 0.99)),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_with_the_same_bits(optimizer, rate, path):
    unbroken = network(optimizer=OPTIMIZERS[optimizer](RATES[rate]()))
    broken = network(optimizer=OPTIMIZERS[optimizer](RATES[rate]()))
    whole = unbroken.fit(X, Y, epochs=4, batch_size=10, verbose=0)
    parts = []
    for _ in range(4):
        parts += broken.fit(X, Y, epochs=1, batch_size=10, verbose=0)["loss"]
        broken = through_a_file(broken, path)
    assert parts == whole["loss"]
    same(unbroken, broken)
    assert repr(broken.optimizer) == repr(unbroken.optimizer)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_after_any_step_too(backend, dtype, path):
    unbroken, broken = network(backend, dtype=dtype), network(backend, dtype=dtype)
    for i in range(6):
        rows = slice(10 * i, 10 * i + 10)
        expected = unbroken.train_batch(X[rows], Y[rows])
        assert broken.train_batch(X[rows], Y[rows]) == expected
        broken = through_a_file(broken, path)
        assert broken.backend == backend and broken.dtype == dtype
    same(unbroken, broken)


# What each layer must at least be given; None for those that take nothing or come with defaults.
LAYERS = {
    "AdaptiveAvgPool2d": ((1, 6, 6), {"output_size": (2, None)}),
    "AvgPool1d": ((2, 9), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    "AvgPool2d": ((2, 9, 9), {"kernel_size": (3, 2), "ceil_mode": True}),
    "BatchNorm1d": ((4,), {"momentum": None, "eps": 1e-3}),
    "BatchNorm2d": ((4, 3, 3), {"affine": False}),
    "ConstantPad2d": ((1, 3, 3), {"padding": (1, 2, 0, 1), "value": 0.5}),
    "Conv1d": ((4, 9), {"out_channels": 6, "kernel_size": 3, "padding": "same", "groups": 2, "l1": 0.1}),
    "Conv2d": ((4, 9, 9), {"out_channels": 6, "kernel_size": (3, 1), "padding": "same", "dilation": 2}),
    "ConvTranspose2d": (
        (4, 5, 5),
        {
            "in_channels": 4,
            "out_channels": 2,
            "kernel_size": 3,
            "stride": 2,
            "output_padding": 1,
            "bias": False,
        },
    ),
    "Dropout": ((4,), {"p": 0.125}),
    "ELU": ((4,), {"alpha": 0.7}),
    "Embedding": ((4,), {"num_embeddings": 9, "embedding_dim": 3, "padding_idx": -1}),
    "Flatten": ((2, 3, 4), {"start_dim": 2}),
    "GELU": ((4,), {"approximate": "tanh"}),
    "GlobalAvgPool1d": ((2, 3), {"keepdims": True}),
    "GlobalMaxPool1d": ((2, 3), {"keepdims": True}),
    "GlobalAvgPool2d": ((2, 3, 3), {"keepdims": True}),
    "GlobalMaxPool2d": ((2, 3, 3), {}),
    "GroupNorm": ((4, 3, 3), {"num_groups": 2}),
    "LayerNorm": ((4, 3), {"normalized_shape": (4, 3), "bias": False}),
    "LeakyReLU": ((4,), {"negative_slope": 0.3}),
    "Linear": (
        (4,),
        {"out_features": 2, "l2": 0.1, "max_norm": 2.0, "weight_init": lambda s, r, d: np.ones(s)},
    ),
    "MaxPool1d": ((2, 9), {"kernel_size": 3, "dilation": 2}),
    "MaxPool2d": ((2, 9, 9), {"kernel_size": 3, "padding": 1}),
    "Normalize": ((2, 3, 3), {"mean": [0.5, 0.25], "std": np.float32(2)}),
    "PReLU": ((4,), {"num_parameters": 4, "init": 0.1}),
    "Reshape": ((4, 3), {"shape": (3, 4)}),
    "Softmax": ((4, 3), {"axis": 1}),
    "Softplus": ((4,), {"beta": 2.0, "threshold": 7.0}),
    "Upsample": ((1, 3, 3), {"scale_factor": 1.5}),
    "ZeroPad2d": ((1, 3, 3), {"padding": 1}),
}
IN_A_ROW = sorted(
    name
    for name, value in vars(layers).items()
    if isinstance(value, type) and issubclass(value, nf.Layer) and name not in ("Layer", "Add", "Concat")
)


@pytest.mark.parametrize("name", IN_A_ROW)
def test_every_layer_comes_back(name, path):
    kind = getattr(layers, name)
    # A layer with settings needs an entry above, with which this test is worth something.
    assert name in LAYERS or set(inspect.signature(kind).parameters) <= {"name", "axis"}, name
    shape, settings = LAYERS.get(name, ((4,), {}))
    layer = kind(**settings, name="it")
    # Every argument is written: only initial values, which the arrays replace, are not.
    written = {option for option, _, _ in layer._options()} | {"name", "mode", "weight_init", "bias_init"}
    assert set(inspect.signature(kind).parameters) <= written
    model = nf.Sequential(layer, input_shape=shape, seed=3)
    x = RNG.integers(0, 4, (5, *shape)).astype(np.float32)
    other = through_a_file(model, path)
    same(model, other)
    assert repr(other) == repr(model)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


LOSSES = {
    "CrossEntropyLoss": lambda: nf.CrossEntropyLoss([1, 2, 0.1], ignore_index=2, label_smoothing=0.1),
    "NLLLoss": lambda: nf.NLLLoss(np.array([1, 2, 3]), reduction="sum"),
    "BCELoss": lambda: nf.BCELoss([1, 2, 3]),
    "BCEWithLogitsLoss": lambda: nf.BCEWithLogitsLoss(0.5, pos_weight=[1, 2, 3]),
    "HuberLoss": lambda: nf.HuberLoss(delta=0.3),
    "SmoothL1Loss": lambda: nf.SmoothL1Loss(beta=0.0),
    "KLDivLoss": lambda: nf.KLDivLoss(log_target=True),
    "PoissonNLLLoss": lambda: nf.PoissonNLLLoss(log_input=False, full=True, eps=1e-5),
    "MSELoss": nf.MSELoss,
    "QuadraticCost": nf.QuadraticCost,
    "L1Loss": nf.L1Loss,
    "HingeLoss": nf.HingeLoss,
    "PerceptronLoss": nf.PerceptronLoss,
}


@pytest.mark.filterwarnings("ignore:compile. nll_loss takes")
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_comes_back(name, path):
    model = nf.Sequential(nf.Linear(4, 3), seed=0)
    model.compile("sgd", LOSSES[name]())
    loss = through_a_file(model, path).loss
    assert type(loss) is type(model.loss) and repr(loss) == repr(model.loss)


def test_all_schedules_are_tried_above():
    made = {type(make()).__name__ for name, make in RATES.items() if name != "number"}
    assert made == set(schedules.__all__) - {"Schedule"}


def test_graphs_with_inputs_outputs_and_shortcuts(backend, path):
    one, two = nf.Input((3, 6, 6)), nf.Input(2)
    seen = nf.Flatten()(nf.ReLU()(nf.Add()(nf.Conv2d(3, 3, 1, name="skip")(one), one)))
    both = nf.Tanh()(nf.Linear(out_features=8)(nf.Concat(-1)(seen, two)))
    model = nf.Model(
        [one, two], [nf.Linear(8, 5)(both), nf.Linear(8, 1, name="value")(both)], seed=1, name="two"
    )
    model.compile(
        "adam", ["cross_entropy", nf.HuberLoss()], [["accuracy"], ["mae"]], backend, loss_weights=[1, 0.5]
    )
    x = [RNG.standard_normal((20, 3, 6, 6)), RNG.standard_normal((20, 2))]
    y = [RNG.integers(0, 5, 20), RNG.standard_normal(20)]
    model.fit(x, y, batch_size=8, verbose=0)
    other = through_a_file(model, path)
    assert (other.name, other._keys, other.input_shape) == ("two", model._keys, model.input_shape)
    assert other.evaluate(x, y) == model.evaluate(x, y)
    assert other.fit(x, y, verbose=0).history == model.fit(x, y, verbose=0).history
    same(model, other)


def test_residual_blocks_and_uncompiled_models(path):
    block = nf.Residual(nf.Conv2d(3, 6, 3, padding=1), nf.BatchNorm2d(6), shortcut=nf.Conv2d(3, 6, 1))
    model = nf.Sequential(block, nf.Flatten(), nf.Linear(None, 2), input_shape=(3, 5, 5), seed=0)
    other = through_a_file(model, path)
    assert type(other) is nf.Sequential and other.optimizer is None and other.loss is None
    same(model, other)
    other.compile("sgd", "cross_entropy")
    assert other.fit(np.ones((4, 3, 5, 5)), [0, 1, 0, 1], verbose=0).epochs == [1]


def test_metrics_that_are_functions(path):
    def mine(y_true, y_pred):
        return 1.0

    model = network()
    model.compile("adam", "cross_entropy", ["accuracy", nf.metrics.mae, mine])
    model.save(path)
    with pytest.warns(UserWarning, match="metrics mine are functions"):
        other = nf.load(path)
    assert other._task.metrics[0].names == ["accuracy", "mae"]


def test_what_a_file_cannot_hold_is_refused_before_it_is_touched(path):
    class Mine(nf.ReLU):
        pass

    model = network()
    model.save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"save: layers\['0'\]: expected a class of nnfast"):
        nf.Sequential(Mine(), input_shape=3).save(path)
    model.compile(nf.SGD(lr=lambda step: 0.1), "cross_entropy")
    with pytest.raises(ValueError, match="save: optimizer: lr: expected a number or a schedule"):
        model.save(path)
    with pytest.raises(ValueError, match="save: the model's input shape is not known"):
        nf.Sequential(nf.Linear(None, 3)).save(path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_other_programs_read_the_parameters(path):
    from safetensors.numpy import load_file

    model = network()
    model.save(path)
    arrays = load_file(path)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(arrays[name], array)


# ---------------------------------------------------------------- the file and the system


def test_links_permissions_and_folders(path, tmp_path):
    model = network()
    model.save(path)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    model.save(link)
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "none" / "model")
    with pytest.raises(OSError):
        model.save(tmp_path)
    with pytest.raises(FileNotFoundError):
        nf.load(tmp_path / "none")
    with pytest.raises(ValueError, match="expected a file"):
        nf.load(tmp_path)
    with pytest.raises(TypeError, match="load: path"):
        nf.load(3)
    assert sorted(os.listdir(tmp_path)) == ["link", path.name]


def test_a_full_disk_leaves_the_old_file(path, run_python):
    network().save(path)
    code = f"""
import errno, resource, signal, nnfast as nf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write beyond the limit is an error, as on a full disk
model = nf.load({str(path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    nf.Sequential(nf.Linear(100, 100)).save({str(path)!r})
except OSError as error:
    assert error.errno == errno.EFBIG and error.filename == {str(path)!r}, error
else:
    raise AssertionError("the disk was not full")
"""
    run_python(code, env=SAME_PACKAGE)
    same(nf.load(path), network())
    assert os.listdir(path.parent) == [path.name]


WRITER = """
import sys, numpy as np, nnfast as nf
model = nf.Sequential(nf.Linear(300, 300), nf.Linear(300, 300), seed=0)
for layer in model.layers:
    layer.bias = np.zeros(300)
count = 0
while True:
    for layer in model.layers:
        layer.weight = np.full((300, 300), count)
    model.save(sys.argv[1])
    if count == 0:
        print("ready", flush=True)
    count += 1
"""


def test_a_killed_writer_leaves_a_whole_file(path):
    """Killed at any moment of a loop that does nothing but save: the file is always a whole one."""
    seen = set()
    for trial in range(8):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=SAME_PACKAGE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.001 + 0.0053 * trial)
            writer.send_signal(signal.SIGKILL)
        model = nf.load(path)
        first, second = (layer.weight for layer in model.layers)
        assert (first == first[0, 0]).all() and (second == first[0, 0]).all()
        seen.add(float(first[0, 0]))
    assert len(seen) > 1  # the killing was done at different moments
    model.save(path)
    assert os.listdir(path.parent) == [path.name]  # what they left behind is gone


def test_a_writer_killed_at_each_step_of_a_save(path, run_python):
    """The process ends before the n-th of the calls that matter, for every n."""
    code = f"""
import os, nnfast as nf
from nnfast import _container
path = {str(path)!r}
model = nf.Sequential(nf.Linear(4, 3), seed=0)
model.save(path)
old = model.layers[0].weight.copy()
model.layers[0].weight += 1
def counted(function):
    def call(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(7)
        return function(*args, **kwargs)
    return call
n, ended = 0, True
while ended:
    child = os.fork()
    if child == 0:
        left = n
        for name in ("open", "close", "fdopen", "fsync", "replace", "chmod"):
            setattr(os, name, counted(getattr(os, name)))
        _container.write = counted(_container.write)
        model.save(path)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 7), code
    ended = code == 7
    weight = nf.load(path).layers[0].weight
    assert (weight == old).all() or (weight == old + 1).all()
    assert ended or (weight == old + 1).all()
    n += 1
assert n > 7, n
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)], "what was left behind is there still"
"""
    run_python(code, env=SAME_PACKAGE)


def test_only_what_killed_writers_left_is_removed(path):
    """Neither the file of a writer that is at work, nor anything of another name."""
    from nnfast import _io

    model = network()
    handle, busy = _io._temporary(str(path))
    left, others = (
        path.parent / f".{path.name}.0123abcd.tmp",
        [
            f".{path.name}.0123.tmp",
            ".other.safetensors.0123abcd.tmp",
            f".{path.name}.0123abcg.tmp",
        ],
    )
    for name in (left.name, *others):
        (path.parent / name).write_bytes(b"part")
    (path.parent / f".{path.name}.aaaaaaaa.tmp").symlink_to(path.parent / others[0])
    model.save(path)
    there = set(os.listdir(path.parent))
    assert left.name not in there and os.path.basename(busy) in there
    assert there >= {path.name, *others, f".{path.name}.aaaaaaaa.tmp"}
    os.close(handle)
    model.save(path)
    assert os.path.basename(busy) not in os.listdir(path.parent)


SAVER = """
import sys, nnfast as nf
model = nf.Sequential(nf.Linear(50, 50), seed=0)
for _ in range(150):
    model.save(sys.argv[1])
"""


def test_writers_of_one_file_do_not_disturb_each_other(path):
    """Each cleans up, and none takes what another is writing."""
    command = [sys.executable, "-c", SAVER, str(path)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, env=SAME_PACKAGE) for _ in range(3)]
    for writer in writers:
        _, error = writer.communicate(timeout=120)
        assert writer.returncode == 0, error.decode()
    nf.load(path)
    assert os.listdir(path.parent) == [path.name]


def test_description_is_readable(path):
    from safetensors import safe_open

    network().save(path)
    with safe_open(path, "np") as file:
        notes = file.metadata()
    assert notes["format"] == "nnfast" and notes["version"] == "1"
    assert json.loads(notes["model"])["layers"][3]["settings"] == {"p": 0.3}


def test_a_layer_may_be_called_optimizer(path):
    def make():
        model = nf.Sequential(nf.Linear(2, 2, name="optimizer"), seed=0)
        model.compile("adam", "mse")
        return model

    model = make()
    model.fit(np.ones((4, 2)), np.ones((4, 2)), verbose=0)
    model.save(path)
    np.testing.assert_array_equal(nf.load(path).layers[0].weight, model.layers[0].weight)
    assert make().load_weights(path).complete


def test_nothing_but_files_is_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="save: path: expected a file, got something else"):
        nf.Sequential(nf.Linear(2, 2), seed=0).save(pipe)
    assert pipe.is_fifo()
