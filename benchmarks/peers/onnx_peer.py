"""onnxruntime: the network as an ONNX graph, built node by node.

Batch norm stays a node of its own: onnxruntime folds it into the convolution itself, as it
fuses the ReLU. All else is left at its defaults, the spinning of its threads included.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import minicnn as m
from benchmarks import threads
from benchmarks.peers import Untranslatable

OPSET = 17


class Graph:
    """The nodes and constants so far."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, array: NDArray) -> str:
        """Add an array and return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def arrays(self, layer: m.Layer, *names: str) -> list[str]:
        """Add those arrays of a layer that it has."""
        own = layer.params | layer.buffers
        return [self.constant(own[name]) for name in names if name in own]


@singledispatch
def add(layer: m.Layer, x: str, graph: Graph) -> str:
    """Append the layer behind ``x`` and return the name of its output."""
    raise Untranslatable(f"no translation of {type(layer).__name__}")


@add.register
def _(layer: m.Sequential, x: str, graph: Graph) -> str:
    for inner in layer:
        x = add(inner, x, graph)
    return x


@add.register
def _(layer: m.Residual, x: str, graph: Graph) -> str:
    main = add(layer.main, x, graph)
    short = x if layer.shortcut is None else add(layer.shortcut, x, graph)
    return graph.node("Add", [main, short])


@add.register
def _(layer: m.Conv2d, x: str, graph: Graph) -> str:
    return graph.node(
        "Conv",
        [x, *graph.arrays(layer, "weight", "bias")],
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        pads=(*layer.padding, *layer.padding),
        dilations=layer.dilation,
        group=layer.groups,
    )


@add.register
def _(layer: m.BatchNorm2d, x: str, graph: Graph) -> str:
    arrays = graph.arrays(layer, "weight", "bias", "running_mean", "running_var")
    return graph.node("BatchNormalization", [x, *arrays], epsilon=layer.eps)


@add.register
def _(layer: m.ReLU, x: str, graph: Graph) -> str:
    return graph.node("Relu", [x])


@add.register
def _(layer: m.MaxPool2d, x: str, graph: Graph) -> str:
    return graph.node(
        "MaxPool",
        [x],
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        pads=(*layer.padding, *layer.padding),
    )


@add.register
def _(layer: m.GlobalAvgPool2d, x: str, graph: Graph) -> str:
    return graph.node("Flatten", [graph.node("GlobalAveragePool", [x])], axis=1)


@add.register
def _(layer: m.Flatten, x: str, graph: Graph) -> str:
    return graph.node("Flatten", [x], axis=1)


@add.register
def _(layer: m.Dropout, x: str, graph: Graph) -> str:
    return x


@add.register
def _(layer: m.Linear, x: str, graph: Graph) -> str:
    return graph.node("Gemm", [x, *graph.arrays(layer, "weight", "bias")], transB=1)


def export(model: m.Sequential, input_shape: tuple[int, ...]) -> bytes:
    """Return the network for inputs of one shape as an ONNX file."""
    graph = Graph()
    scores = add(model, "x", graph)
    shape = model.output_shape(input_shape)
    proto = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(scores, TensorProto.FLOAT, shape)],
        graph.constants,
    )
    # The oldest version of the file format that knows the operators: old runtimes read it.
    whole = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString())


class Inference:
    """``session.run`` on an array."""

    def __init__(self, model: m.Sequential, x: NDArray) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads.count()
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            export(model, x.shape), options, providers=["CPUExecutionProvider"]
        )
        self.feed = {"x": x}

    def __call__(self) -> NDArray:
        scores: NDArray = self.session.run(None, self.feed)[0]
        return scores
