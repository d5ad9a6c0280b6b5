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


def onnx_matmul(threads, a, b):
    """A function without arguments that runs ONNX Runtime's product; its Gemm takes transposed operands."""
    import onnxruntime as ort
    from onnx import TensorProto, helper

    # A transposed view has its memory in columns; of a matrix with one row or column both say the same.
    turned = [x.ndim == 2 and not x.flags.c_contiguous for x in (a, b)]
    arrays = [x.T if t else x for x, t in zip((a, b), turned)]
    if any(turned):
        node = helper.make_node("Gemm", ["a", "b"], ["y"], transA=int(turned[0]), transB=int(turned[1]))
    else:
        node = helper.make_node("MatMul", ["a", "b"], ["y"])
    kind = TensorProto.FLOAT if a.dtype == np.float32 else TensorProto.DOUBLE
    inputs = [helper.make_tensor_value_info(n, kind, x.shape) for n, x in zip("ab", arrays)]
    y = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    graph = helper.make_graph([node], "product", inputs, [helper.make_tensor_value_info("y", kind, y.shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()  # inputs and output stay where they are: nothing is copied a call
    for name, x in zip("ab", arrays):
        binding.bind_cpu_input(name, x)
    binding.bind_output("y", "cpu", 0, a.dtype, y.shape, y.ctypes.data)

    def run(keep=(arrays, y)):
        session.run_with_iobinding(binding)

    return run


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
