"""The graph of a BERT for ONNX Runtime, written node by node: as few and as large operators as there are.

An exporter's graph of the same model has five times the nodes, and its threads meet after each of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.encode.packed import first_place, is_plain_bert

if TYPE_CHECKING:
    from search.encode.transformer import SentenceTransformerEncoder

_AFTER_POOLING = frozenset({"Normalize", "Dropout"})  # which change no direction: norm 1 is given outside the graph
_CONTRIB = "com.microsoft"
_OPSET = 17


class _Graph:
    """Nodes and weights, collected."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def weight(self, name: str, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(array.copy(order="C"), name))
        return name

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output, **attributes))
        return output


def bert_graph(encoder: SentenceTransformerEncoder) -> Any:
    """An ONNX model of input_ids int64[1, n] to vector float32[1, d], or None if the model is not plainly a BERT."""
    pooling = encoder.identity.pooling
    after = [type(module).__name__ for module in list(encoder.model)[2:]]
    if not encoder.is_transformer or not set(after) <= _AFTER_POOLING:
        return None
    model = encoder.model[0].auto_model
    if not is_plain_bert(model, pooling):
        return None
    try:
        return _built(model, pooling)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return None


def _built(model: Any, pooling: str) -> Any:
    from onnx import TensorProto, helper

    graph = _Graph()
    embeddings, config = model.embeddings, model.config
    epsilon = float(embeddings.LayerNorm.eps)
    words = graph.weight("words", _array(embeddings.word_embeddings.weight))
    kinds = _array(embeddings.token_type_embeddings.weight)[0]
    places = graph.weight(
        "places",
        _array(embeddings.position_embeddings.weight)[first_place(config) :][: config.max_position_embeddings] + kinds,
    )
    start, axis = graph.weight("zero", np.array([0])), graph.weight("axis", np.array([0]))
    length = graph.node("Shape", "input_ids", start=1, end=2)
    rows = graph.node("Add", graph.node("Gather", words, "input_ids"), graph.node("Slice", places, start, length, axis))
    norm = embeddings.LayerNorm
    rows = graph.node(
        "LayerNormalization",
        rows,
        graph.weight("norm.weight", _array(norm.weight)),
        graph.weight("norm.bias", _array(norm.bias)),
        epsilon=epsilon,
    )
    for number, layer in enumerate(model.encoder.layer):
        own, output = layer.attention.self, layer.attention.output
        three = (own.query, own.key, own.value)
        mixed = graph.node(
            "Attention",
            rows,
            graph.weight(f"{number}.qkv.weight", np.concatenate([_array(part.weight).T for part in three], axis=1)),
            graph.weight(f"{number}.qkv.bias", np.concatenate([_array(part.bias) for part in three])),
            domain=_CONTRIB,
            num_heads=int(config.num_attention_heads),
            unidirectional=0,
        )
        rows = _joined(graph, f"{number}.join", mixed, rows, output.dense, output.LayerNorm)
        wide = graph.node("MatMul", rows, graph.weight(f"{number}.wide", _array(layer.intermediate.dense.weight).T))
        bias = graph.weight(f"{number}.wide.bias", _array(layer.intermediate.dense.bias))
        wide = graph.node("BiasGelu", wide, bias, domain=_CONTRIB)
        rows = _joined(graph, f"{number}.narrow", wide, rows, layer.output.dense, layer.output.LayerNorm)
    if pooling == "mean":
        vector = graph.node("ReduceMean", rows, axes=[1], keepdims=0)
    else:
        vector = graph.node("Gather", rows, graph.weight("first", np.array(0)), axis=1)
    graph.nodes.append(helper.make_node("Identity", [vector], ["vector"], name="vector"))
    made = helper.make_graph(
        graph.nodes,
        "bert",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, int(config.hidden_size)])],
        graph.weights,
    )
    domains = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(made, opset_imports=domains, ir_version=8)


def _joined(graph: _Graph, name: str, rows: str, residue: str, dense: Any, norm: Any) -> str:
    """A projection, its bias, the residual stream and their norm."""
    return graph.node(
        "SkipLayerNormalization",
        graph.node("MatMul", rows, graph.weight(name, _array(dense.weight).T)),
        residue,
        graph.weight(f"{name}.norm.weight", _array(norm.weight)),
        graph.weight(f"{name}.norm.bias", _array(norm.bias)),
        graph.weight(f"{name}.bias", _array(dense.bias)),
        domain=_CONTRIB,
        epsilon=float(norm.eps),
    )


def _array(tensor: Any) -> NDArray[np.float32]:
    found: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return found


def save(model: Any, path: Path) -> None:
    """Write a model with its weights beside it: one file of more than 2 GB cannot be read."""
    import onnx

    onnx.save_model(model, str(path), save_as_external_data=True, location=f"{path.name}.weights", size_threshold=1024)
