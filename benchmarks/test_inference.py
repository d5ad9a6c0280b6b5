"""Predictions: one sample, and ten thousand."""

import time

import numpy as np
import pytest

import nnfast as nf


def onnx_session(weights, threads):
    """An ONNX Runtime session of the same MLP."""
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, name = [], [], "x"
    for i, (w, b) in enumerate(weights):
        constants += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        last = i == len(weights) - 1
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], ["y" if last else f"g{i}"], transB=1))
        if not last:
            nodes.append(helper.make_node("Relu", [f"g{i}"], [f"r{i}"]))
            name = f"r{i}"
    sizes = weights[0][0].shape[1], weights[-1][0].shape[0]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", sizes[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", sizes[1]])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("batch", [1, 10_000])
@pytest.mark.parametrize("sizes", [(4, 64, 64, 2), (784, 100, 10)], ids=lambda s: "-".join(map(str, s)))
def test_mlp(versus, threads, sizes, batch):
    rng = np.random.default_rng(0)
    x = rng.random((batch, sizes[0]), np.float32)
    weights = [
        ((rng.standard_normal((b, a)) / a**0.5).astype("f4"), np.zeros(b, "f4"))
        for a, b in zip(sizes, sizes[1:])
    ]

    def nnfast():
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nf.Linear(a, b), nf.ReLU()]
        model = nf.Sequential(*layers[:-1], seed=0)
        model.load_state_dict(
            {f"{2 * i}.{k}": v for i, p in enumerate(weights) for k, v in zip(("weight", "bias"), p)}
        )
        return lambda: model.predict(x)

    def numpy():
        def run():
            h = x
            for w, b in weights[:-1]:
                h = np.maximum(h @ w.T + b, 0)
            return h @ weights[-1][0].T + weights[-1][1]

        return run

    def torch():
        import torch

        layers = []
        for w, b in weights:
            layer = torch.nn.Linear(w.shape[1], w.shape[0])
            layer.weight.data, layer.bias.data = torch.from_numpy(w), torch.from_numpy(b)
            layers += [layer, torch.nn.ReLU()]
        model, tx = torch.nn.Sequential(*layers[:-1]).eval(), torch.from_numpy(x)

        def run():
            with torch.inference_mode():
                return model(tx)

        return run

    def onnxruntime():
        session = onnx_session(weights, threads)
        return lambda: session.run(None, {"x": x})

    def sklearn():
        from sklearn.neural_network import MLPClassifier

        y = np.arange(max(batch, sizes[-1])) % sizes[-1]
        model = MLPClassifier(sizes[1:-1], max_iter=1)
        model.partial_fit(np.zeros((len(y), sizes[0]), "f4"), y, classes=np.arange(sizes[-1]))
        return lambda: model.predict_proba(x)

    makers = {
        "nnfast": nnfast,
        "numpy": numpy,
        "torch": torch,
        "onnxruntime": onnxruntime,
        "sklearn": sklearn,
    }
    flops = 2 * batch * sum(a * b for a, b in zip(sizes, sizes[1:]))
    versus(f"predict {'-'.join(map(str, sizes))} batch {batch}", makers, flops=flops)


@pytest.mark.parametrize("sizes", [(4, 64, 64, 2), (784, 100, 10)], ids=lambda s: "-".join(map(str, s)))
def test_latency(capsys, threads, sizes):
    """The 50th and 99th percentile of single predictions, one clock reading each."""
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nf.Linear(a, b), nf.ReLU()]
    model = nf.Sequential(*layers[:-1], seed=0)
    x = np.random.default_rng(0).random((1, sizes[0]), np.float32)
    for _ in range(1000):
        model.predict(x)
    times = np.empty(20_000)
    for i in range(len(times)):
        start = time.perf_counter_ns()
        model.predict(x)
        times[i] = time.perf_counter_ns() - start
    p50, p99 = np.percentile(times, [50, 99]) / 1e3
    with capsys.disabled():
        print(f"\npredict {'-'.join(map(str, sizes))}: p50 {p50:.2f} us, p99 {p99:.2f} us, {p99 / p50:.2f}x")
