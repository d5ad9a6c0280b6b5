"""Single operations of peers: an ONNX Runtime session of one node, compiled functions of JAX."""

import numpy as np


def onnx_node(threads, op, x, weights=(), **attributes):
    """A function without arguments that runs one ONNX operator on x, its other inputs constant."""
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    constants = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    node = helper.make_node(op, ["x", *(c.name for c in constants)], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        op,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def jax_call(function, *arrays):
    """A function without arguments that runs the compiled function on these arrays and waits for it."""
    import jax

    compiled, held = jax.jit(function), [jax.numpy.asarray(a) for a in arrays]
    return lambda: jax.block_until_ready(compiled(*held))


def jax_conv2d(x, w, b, stride, padding):
    """conv2d of NCHW arrays, to be compiled."""
    import jax

    pads = [(padding, padding)] * 2
    layout = ("NCHW", "OIHW", "NCHW")
    y = jax.lax.conv_general_dilated(x, w, (stride, stride), pads, dimension_numbers=layout)
    return y + b[:, None, None]


def jax_pool2d(kind, x, kernel, stride, padding):
    """max_pool2d or avg_pool2d (padding counts) of NCHW arrays, to be compiled."""
    import jax

    window, steps = (1, 1, kernel, kernel), (1, 1, stride, stride)
    pads = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
    if kind == "max":
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, steps, pads)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, steps, pads) / kernel**2
