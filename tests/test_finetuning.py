"""Fine-tuning as users do it: frozen layers, factors of the learning rate, new networks of trained parts."""

import copy
import doctest
import importlib
import json
import pickle

import numpy as np
import pytest

import nnfast as nf

RNG = np.random.default_rng(11)
X, Y = RNG.standard_normal((48, 6)).astype(np.float32), RNG.integers(0, 3, 48)
IMAGES = RNG.standard_normal((24, 2, 8, 8)).astype(np.float32)


@pytest.fixture(params=["native", "reference"])
def backend(request):
    return request.param


def mlp(backend="native", optimizer=None, dtype="float32", seed=3):
    model = nf.Sequential(
        nf.Linear(6, 8, l2=0.1, max_norm=0.5, name="first"),
        nf.BatchNorm1d(8),
        nf.ReLU(),
        nf.Dropout(0.25),
        nf.Linear(8, 8, name="second"),
        nf.GELU(),
        nf.Linear(8, 3, l1=0.01, name="head"),
        seed=seed,
        dtype=dtype,
    )
    model.compile(optimizer or nf.Adam(lr=0.01), "cross_entropy", ["accuracy"], backend)
    return model


def cnn(backend="native", dtype="float32"):
    model = nf.Sequential(
        nf.Residual(
            nf.Conv2d(2, 4, 3, padding=1), nf.BatchNorm2d(4), nf.PReLU(4), shortcut=nf.Conv2d(2, 4, 1)
        ),
        nf.ReLU(),
        nf.MaxPool2d(2),
        nf.ConvTranspose2d(4, 3, 2, stride=2),
        nf.GroupNorm(3, 3),
        nf.Flatten(),
        nf.LayerNorm(192),
        nf.Linear(192, 3, name="head"),
        input_shape=(2, 8, 8),
        seed=5,
        dtype=dtype,
    )
    model.compile(nf.SGD(lr=0.05, momentum=0.9), "cross_entropy", backend=backend)
    return model


def run(model, x=X, **given):
    return model.fit(x, Y[: len(x)], **{"batch_size": 8, "epochs": 2, "verbose": 0, **given})


def unchanged(before, after, keys):
    for name, array in before.items():
        if name.rpartition(".")[0] in keys:
            np.testing.assert_array_equal(array, after[name], err_msg=name)


@pytest.mark.parametrize("name", ["_transfer", "_by_hand", "_network", "_io", "layers.base"])
def test_the_examples_of_the_modules_run(name):
    """Of methods too, which nf.Model inherits."""
    module = importlib.import_module(f"nnfast.{name}")
    found = doctest.testmod(module, extraglobs={"np": np})
    assert found.attempted > 0 and found.failed == 0


# ---------------------------------------------------------------- freezing


OPTIMIZERS = {
    "sgd": lambda: nf.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "rmsprop": lambda: nf.RMSprop(0.01, momentum=0.5, weight_decay=0.1),
    "adamw": lambda: nf.AdamW(0.01, weight_decay=0.5, clipnorm=0.5),
    "adagrad": lambda: nf.Adagrad(0.05, lr_decay=0.1),
    "adadelta": lambda: nf.Adadelta(),
    "nadam": lambda: nf.NAdam(0.01, clipvalue=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_changes_a_frozen_layer(name, backend):
    """Neither momentum from before, nor weight decay, penalties, max_norm, or running statistics."""
    model = mlp(backend, OPTIMIZERS[name]())
    run(model)
    frozen = ["first", "1", "head"]
    for key in frozen:
        model.layers[model._keys.index(key)].trainable = False
    model.layers[0].weight = model.layers[0].weight * 10  # far beyond max_norm
    before = model.state_dict()
    run(model)
    after = model.state_dict()
    unchanged(before, after, frozen)
    assert (before["second.weight"] != after["second.weight"]).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_engine_fine_tunes_like_the_reference(name):
    models = {b: mlp(b, OPTIMIZERS[name](), "float64") for b in ("native", "reference")}
    histories = {}
    for b, model in models.items():
        model.layers[-1].lr_scale = 0.5
        model.freeze(until="second")
        found = [run(model)["loss"]]
        model.unfreeze(since="1")  # layers with states and updates of their own
        found.append(run(model)["loss"])
        model.freeze()
        model.layers[4].trainable = True
        found.append(run(model)["loss"])
        histories[b] = np.ravel(found)
    np.testing.assert_allclose(histories["native"], histories["reference"], rtol=1e-9)
    native, reference = (models[b].state_dict() for b in ("native", "reference"))
    for key, array in native.items():
        np.testing.assert_allclose(array, reference[key], rtol=1e-7, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("until", ["0.1", "2", "4", "6", "head", None])
def test_convolutions_too(until):
    """Every layer family, with the gradient going through frozen layers to the lowest that is trained."""
    models = [cnn(b, "float64") for b in ("native", "reference")]
    for model in models:
        model.freeze(until=until)
        for key in ("0.0", "0.1") if until == "head" else ():
            model.layers[model._keys.index(key)].trainable = True
        for layer in model.layers[1::2] if until is None else ():
            layer.trainable = True
        run(model, IMAGES)
    native, reference = (model.state_dict() for model in models)
    for key, array in native.items():
        np.testing.assert_allclose(array, reference[key], rtol=1e-7, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("make", [mlp, cnn])
def test_same_bits_at_any_number_of_threads(make):
    states = []
    for threads in (1, 2):
        with nf.num_threads(threads):
            model = make()
            model.freeze(until=3)
            model.layers[-1].lr_scale = 0.3
            run(model, X if make is mlp else IMAGES)
            model.unfreeze()
            run(model, X if make is mlp else IMAGES)
            states.append(model.state_dict())
    unchanged(states[0], states[1], {name.rpartition(".")[0] for name in states[0]})


def test_frozen_batch_norm_is_as_in_inference(backend):
    """As in Keras: training sees the outputs that prediction does, but for dropout."""
    model = nf.Sequential(nf.Linear(6, 8), nf.BatchNorm1d(8), nf.Linear(8, 3), seed=1)
    model.compile("sgd", "cross_entropy", backend=backend)
    run(model)
    assert np.abs(model.forward(X, training=True) - model.predict(X)).max() > 1e-3
    model.layers[1].trainable = False
    np.testing.assert_allclose(model.forward(X, training=True), model.predict(X), rtol=1e-5, atol=1e-6)
    assert model.train_batch(X[:1], Y[:1])["loss"] > 0  # one row has no variance of its own


def test_no_backward_is_computed_for_frozen_layers(backend):
    """Which nodes a step goes through backward, and that nobody writes a frozen layer's gradient."""
    model = nf.Sequential(
        nf.Linear(6, 8), nf.Sigmoid(), nf.Linear(8, 8), nf.Softmax(), nf.Linear(8, 3), nf.Softplus(), seed=0
    )
    model.compile("sgd", "mse_loss", backend=backend)
    core = model._ensure_model("test")
    linear = [node for node, layer in zip(model._nodes, model.layers, strict=True) if layer._views]

    def passed():
        return [node for node in core.plan_backward(16) if node in linear]

    assert passed() == linear[::-1]
    arena = core.plan(256, True)[0]
    model.freeze(until=4)
    assert passed() == linear[2:]
    assert model._nodes[3] not in core.plan_backward(16)  # the softmax below the lowest trained layer
    if backend == "native":  # activations below it need not be kept
        assert core.plan(256, True)[0] < arena
    model.layers[0].trainable, model.layers[4].trainable = True, False
    assert passed() == linear[::-1]  # through frozen layers
    for gradient in core.gradients():
        gradient[...] = 7.0
    model.train_batch(X, np.zeros((48, 3)))
    untouched = [np.all(gradient == (7.0 if backend == "native" else 0.0)) for gradient in core.gradients()]
    assert untouched == [False, False, True, True, True, True]
    model.freeze()
    assert core.plan_backward(16) == []
    with pytest.warns(UserWarning, match="fit: all layers are frozen: nothing is trained"):
        run_mse = model.fit(X, np.zeros((48, 3)), verbose=0)
    assert run_mse["loss"][0] == pytest.approx(model.evaluate(X, np.zeros((48, 3)))["loss"], rel=1e-5)


def test_the_plan_below_the_lowest_trained_layer_is_that_of_inference():
    """A frozen trunk takes as much memory as a prediction does: nothing is kept for a way back."""
    model = nf.Sequential(*[nf.Linear(64, 64), nf.GELU()], *[nf.Linear(64, 64), nf.Mish()], nf.Linear(64, 2))
    core = model._ensure_model("test")
    whole = core.plan(512, True)[0]
    model.freeze(until=-1)
    inference, training = core.plan(512, False)[0], core.plan(512, True)[0]
    # Beside it: the head's input, which its weight gradient reads, and the gradient of its output.
    assert training <= inference + 512 * 4 * (64 + 2 * 2) + 256 < whole


def test_gradients_by_hand(backend):
    model = mlp(backend)
    model.freeze(until="head")
    model.layers[4].trainable = True
    assert list(model.gradients()) == ["second.weight", "second.bias", "head.weight", "head.bias"]
    assert list(model.gradient_norms()) == ["second", "head"]
    full = mlp(backend)
    inputs = []
    for one in (model, full):
        for key in ("1",):  # the same statistics in both
            one.layers[one._keys.index(key)].trainable = False
        out = one.forward(X, training=True)
        inputs.append(one.backward(out / len(out), need_input_grad=True))
    np.testing.assert_array_equal(*inputs)
    for name, gradient in model.gradients().items():
        np.testing.assert_array_equal(gradient, full.gradients()[name])
    # Without the input's gradient nothing else changes.
    out = model.forward(X, training=True)
    before = {name: gradient.copy() for name, gradient in model.gradients().items()}
    model.backward(out / len(out))
    for name, gradient in model.gradients().items():
        np.testing.assert_array_equal(gradient, before[name])
    model.forward(X, training=True)
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match=r"backward: expected a .*forward.* with training=True before it"):
        model.backward(out)


def test_penalties_of_frozen_layers_are_no_part_of_the_loss(backend):
    model = nf.Sequential(nf.Linear(6, 3, l2=1.0), seed=0, dtype="float64")
    model.compile("sgd", "cross_entropy", backend=backend)
    with_penalty = model.evaluate(X, Y)["loss"]
    model.layers[0].trainable = False
    penalty = float((model.layers[0].weight ** 2).sum())
    assert model.evaluate(X, Y)["loss"] == pytest.approx(with_penalty - penalty)


def test_penalties_after_batch_norm_are_those_of_their_own_layer():
    """Arrays that are not trained stand between the layers' weights."""
    states = []
    for backend in ("native", "reference"):
        model = nf.Sequential(
            nf.Linear(6, 8), nf.BatchNorm1d(8), nf.Linear(8, 3, l2=0.5, max_norm=0.3), seed=0, dtype="float64"
        )
        model.compile(nf.SGD(0.1), "cross_entropy", backend=backend)
        run(model)
        states.append(model.state_dict())
    for key, array in states[0].items():
        np.testing.assert_allclose(array, states[1][key], rtol=1e-9, atol=1e-12, err_msg=key)


def test_callbacks_may_freeze_and_unfreeze(backend):
    model = mlp(backend)
    model.freeze(until="head")
    seen = []

    def thaw(epoch, logs):
        seen.append(model.state_dict())
        if epoch == 1:
            model.unfreeze()

    run(model, epochs=3, callbacks=thaw)
    unchanged(seen[0], seen[1], ["first", "1", "second"])
    assert (seen[1]["first.weight"] != seen[2]["first.weight"]).any()


def test_a_layer_that_was_frozen_from_the_start_begins_like_a_new_one(backend):
    """Adam's bias correction counts a layer's own updates: not the first steps three times as large."""
    late, fresh = mlp(backend, nf.Adam(0.01)), mlp(backend, nf.Adam(0.01))
    late.freeze(until="head")
    run(late, epochs=20)
    late.freeze()
    late.layers[4].trainable = True
    before = late.layers[4].weight.copy()
    late.train_batch(X, Y)
    # The first step of Adam is lr in every weight that has a gradient.
    steps = np.abs(late.layers[4].weight - before)
    assert steps.max() == pytest.approx(0.01, rel=1e-3)
    assert fresh._ensure_model("test").updates(fresh._nodes[4]) == 0


# ---------------------------------------------------------------- learning rates


def test_lr_scale_is_a_factor_of_the_rate(backend):
    model = nf.Sequential(nf.Linear(6, 8), nf.Tanh(), nf.Linear(8, 3), seed=0, dtype="float64")
    model.compile(nf.SGD(lr=nf.StepLR(0.5, 1, 0.5)), "cross_entropy", backend=backend)
    model.layers[0].lr_scale = 0.1
    model.layers[2].lr_scale = 0
    for rate in (0.5, 0.25):
        before = model.state_dict()
        run(model, epochs=1, batch_size=48)
        for name in ("0.weight", "0.bias"):
            step = 0.1 * rate * model.gradients()[name]
            np.testing.assert_allclose(before[name] - model.state_dict()[name], step, rtol=1e-9, atol=1e-15)
        unchanged(before, model.state_dict(), ["2"])


def test_lr_scale_is_pytorchs_parameter_group(backend):
    torch = pytest.importorskip("torch")
    model = nf.Sequential(nf.Linear(6, 8), nf.Tanh(), nf.Linear(8, 3), seed=0, dtype="float64")
    model.compile(nf.AdamW(lr=0.01, weight_decay=0.1), "cross_entropy", backend=backend)
    model.layers[0].lr_scale = 0.1
    twin = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    twin.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    groups = [{"params": twin[0].parameters(), "lr": 0.001}, {"params": twin[2].parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, weight_decay=0.1)
    for _ in range(10):
        model.train_batch(X, Y)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(twin(torch.tensor(X).double()), torch.tensor(Y))
        loss.backward()
        optimizer.step()
    for name, array in twin.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], array.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("value", "error"), [(-1, ValueError), (np.inf, ValueError), ("fast", TypeError)])
def test_bad_settings_are_refused(value, error):
    layer = nf.Linear(2, 3)
    with pytest.raises(error, match="Linear: lr_scale"):
        layer.lr_scale = value
    with pytest.raises(TypeError, match="Linear: trainable"):
        layer.trainable = value
    assert layer.trainable and layer.lr_scale == 1.0
    model = mlp()
    for call, name in ((model.freeze, "until"), (model.unfreeze, "since")):
        with pytest.raises(ValueError, match=f"{name}: expected one of first, 1, 2, 3, second, 5, head, got"):
            call("last")
        with pytest.raises(ValueError, match=f"{name}"):
            call(7)
        with pytest.raises(ValueError, match=f"{name}: expected a layer of this model"):
            call(layer)


# ---------------------------------------------------------------- copies, files


@pytest.mark.parametrize("way", ["file", "pickle", "deepcopy"])
def test_what_is_frozen_is_kept(way, backend, tmp_path):
    def through(model):
        if way == "file":
            model.save(tmp_path / "model.safetensors")
            return nf.load(tmp_path / "model.safetensors")
        return copy.deepcopy(model) if way == "deepcopy" else pickle.loads(pickle.dumps(model))

    unbroken = mlp(backend)
    unbroken.freeze(until="second")
    unbroken.layers[-1].lr_scale = 0.5
    run(unbroken)
    broken = through(unbroken)
    assert [layer.trainable for layer in broken.layers] == [False] * 4 + [True] * 3
    assert broken.layers[-1].lr_scale == 0.5
    for model in (unbroken, broken):
        model.unfreeze()  # counts of updates differ by layer
        run(model)
    keys = {name.rpartition(".")[0] for name in unbroken.state_dict()}
    unchanged(unbroken.state_dict(), broken.state_dict(), keys)


def test_summary_says_what_is_frozen(capsys):
    model = mlp()
    model.freeze(until="second")
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("frozen")] == ["first", "1"]
    assert lines[-2].split() == ["total", "171"] and lines[-1].split() == ["frozen", "72"]


# ---------------------------------------------------------------- new networks of trained parts


def test_layers_of_a_trained_network_in_a_new_one(backend):
    model = mlp(backend)
    run(model)
    with pytest.raises(ValueError, match=r"belongs to another model; .*layer.copy\(\)"):
        nf.Sequential(*model.layers[:-1], nf.Linear(8, 5))
    other = nf.Sequential(*[layer.copy() for layer in model.layers[:-1]], nf.Linear(8, 5), seed=9)
    unchanged(model.state_dict(), other.state_dict(), ["first", "1", "second"])  # statistics too
    other.compile("adam", "cross_entropy", backend=backend)
    before = model.state_dict()
    other.fit(X, Y + 2, verbose=0)
    unchanged(before, model.state_dict(), ["first", "1", "second", "head"])  # nothing is shared
    x = nf.Input(6)
    graph = nf.Model(x, nf.Linear(8, 2)(model.layers[0].copy()(x)), dtype="float64", seed=0)
    np.testing.assert_array_equal(graph.layers[0].weight, model.layers[0].weight)
    copied = model.layers[0].copy()
    np.testing.assert_array_equal(copied.weight, model.layers[0].weight)
    assert copied.copy().trainable and copied.name == "first"
    with pytest.raises(ValueError, match="in_features"):
        _ = nf.Sequential(nf.Linear(6, 5), copied).output_shape


def test_a_copy_of_a_network_not_built_yet_has_its_weights(backend):
    model = nf.Sequential(nf.Linear(6, 4), nf.Linear(4, 3), seed=7)
    first = model.layers[0].copy()
    np.testing.assert_array_equal(first.weight, model.layers[0].weight)
    nowhere = nf.Linear(out_features=3).copy()
    assert nf.Sequential(nowhere, input_shape=2, seed=0).output_shape == (3,)


def test_replace_append_truncate(backend):
    model = cnn(backend)
    run(model, IMAGES)
    model.layers[0].trainable = False
    new = model.replace("head", nf.Linear(192, 5), seed=1)
    assert (
        type(new) is nf.Sequential
        and new.optimizer is None
        and list(new.state_dict()) == list(model.state_dict())
    )
    assert not new.layers[0].trainable and new.output_shape == (5,) and new.seed == 1
    trunk = model.truncate(until="head")
    np.testing.assert_allclose(
        model.predict(IMAGES),
        trunk.predict(IMAGES) @ model.layers[-1].weight.T + model.layers[-1].bias,
        rtol=1e-4,
        atol=1e-5,
    )
    longer = model.append(nf.ReLU(), nf.Linear(3, 2), nf.Residual(nf.Linear(2, 2, name="inner")))
    assert longer._keys[-4:] == ["8", "9", "10.inner", "10.add"] and longer.output_shape == (2,)
    wider = model.replace(0, nf.Conv2d(2, 8, 1, name="in"), nf.Conv2d(8, 4, 3, padding=1))
    assert wider._keys[:2] == ["0.0.in", "0.0.1"] and wider.output_shape == (3,)
    # The branch's first layer was replaced: the shortcut still reads the input, the sum both ways.
    assert [wider._sources[i] for i in (0, 1, 4, 5)] == [(-1,), (0,), (-1,), (3, 4)]
    same = model.replace("1")  # a ReLU less
    assert len(same.layers) == len(model.layers) - 1
    for made in (new, trunk, longer, wider, same):
        for key, array in made.state_dict().items():
            if key in model.state_dict() and array.shape == model.state_dict()[key].shape:
                assert key.startswith("head") or (array == model.state_dict()[key]).all(), key
    new.compile("sgd", "cross_entropy", backend=backend)
    new.fit(IMAGES, RNG.integers(0, 5, 24), verbose=0)


def test_replace_in_graphs_of_several_inputs_and_outputs():
    one, two = nf.Input(3), nf.Input(2)
    both = nf.Tanh()(nf.Linear(5, 4)(nf.Concat(name="join")(one, two)))
    model = nf.Model([one, two], [nf.Linear(4, 2, name="a")(both), nf.Linear(4, 1, name="b")(both)], seed=0)
    new = model.replace("a", nf.Linear(4, 7))
    x = [np.ones((2, 3)), np.ones((2, 2))]
    assert [out.shape for out in new.predict(x)] == [(2, 7), (2, 1)]
    np.testing.assert_array_equal(new.predict(x)[1], model.predict(x)[1])
    with pytest.raises(ValueError, match="append: layers: expected a model of one output"):
        model.append(nf.ReLU())
    with pytest.raises(ValueError, match="replace: layers: expected one layer in the place of Concat"):
        model.replace("join", nf.ReLU(), nf.ReLU())
    assert model.truncate("b").output_shape == (4,)
    with pytest.raises(ValueError, match="truncate: until: expected a layer to remain before 'join'"):
        model.truncate("join")
    with pytest.raises(ValueError, match="replace: layers: expected a layer to remain"):
        nf.Sequential(nf.Linear(2, 2)).replace(0)


# ---------------------------------------------------------------- weights by name


def test_weights_by_name(backend, tmp_path):
    path = tmp_path / "weights.safetensors"
    trained = mlp(backend)
    run(trained)
    trained.save(path)
    same = mlp(backend, seed=8)
    report = same.load_weights(path)
    assert report.complete and report.loaded == list(trained.state_dict())
    unchanged(trained.state_dict(), same.state_dict(), ["first", "1", "second", "head"])

    other = nf.Sequential(
        nf.Linear(6, 8, name="first"),
        nf.Linear(8, 5, name="head"),
        nf.Linear(5, 2, name="new"),
        dtype="float64",
    )
    before = other.state_dict()
    with pytest.raises(
        ValueError, match=r"missing: new.weight, new.bias; unexpected: 1.*another shape: head"
    ):
        other.load_weights(path)
    unchanged(before, other.state_dict(), ["first", "head", "new"])
    report = other.load_weights(path, strict=False)
    assert report.loaded == ["first.weight", "first.bias"] and not report.complete
    assert report.missing == ["new.weight", "new.bias"]
    assert report.mismatched == {"head.weight": ((5, 8), (3, 8)), "head.bias": ((5,), (3,))}
    assert set(report.unexpected) == {
        name for name in trained.state_dict() if name.split(".")[0] in ("1", "second")
    }
    unchanged(before, other.state_dict(), ["head", "new"])
    np.testing.assert_array_equal(other.layers[0].weight, trained.layers[0].weight)
    assert "another shape: head.weight (5, 8), file (3, 8)" in repr(report)


def one_array(kind, count, size):
    """A safetensors file of a single array of zeros, the first layer's bias."""
    array = {"dtype": kind, "shape": [count], "data_offsets": [0, count * size]}
    head = json.dumps({"first.bias": array}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(count * size)


def test_weights_of_other_programs(tmp_path):
    from safetensors.numpy import save_file

    model = mlp()
    arrays = {name: array.astype(np.float16) for name, array in model.state_dict().items()}
    save_file({**arrays, "extra": np.zeros(3)}, tmp_path / "w")
    for layer in model.layers:
        for name in ("weight", "bias"):
            if name in layer._views:
                setattr(layer, name, np.zeros_like(layer._views[name]))
    report = model.load_weights(tmp_path / "w", strict=False)
    assert report.unexpected == ["extra"] and len(report.loaded) == len(arrays)
    np.testing.assert_array_equal(model.state_dict()["first.weight"], arrays["first.weight"])
    # A kind of numbers that NumPy does not have, and one that weights are not of.
    for kind, size in (("BF16", 2), ("C64", 8)):
        head = json.dumps(
            {"first.bias": {"dtype": kind, "shape": [8], "data_offsets": [0, 8 * size]}}
        ).encode()
        (tmp_path / "w").write_bytes(len(head).to_bytes(8, "little") + head + bytes(8 * size))
        with pytest.raises(ValueError, match=r"load_weights: .*w: "):
            model.load_weights(tmp_path / "w", strict=False)
    (tmp_path / "w").write_bytes(one_array("F32", 9, 4))
    assert model.load_weights(tmp_path / "w", strict=False).mismatched == {"first.bias": ((8,), (9,))}


def test_bad_files_change_nothing(tmp_path):
    model = mlp()
    model.save(tmp_path / "m")
    data = bytearray((tmp_path / "m").read_bytes())
    before = model.state_dict()
    data[-5] ^= 255
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(ValueError, match=r"load_weights: .*damaged"):
        model.load_weights(tmp_path / "m", strict=False)
    (tmp_path / "m").write_bytes(data[:100])
    with pytest.raises(ValueError, match="load_weights: "):
        model.load_weights(tmp_path / "m", strict=False)
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "none")
    with pytest.raises(TypeError, match="load_weights: path"):
        model.load_weights(3)
    with pytest.raises(TypeError, match="load_weights: strict"):
        model.load_weights(tmp_path / "m", strict="no")
    unchanged(before, model.state_dict(), ["first", "1", "second", "head"])
