"""BERT without padding: texts end to end in one tensor, attention over runs of equal length.

In bfloat16 the arithmetic is autocast's: matrix products and attention in bfloat16, everything between them (the sums
of the residual stream, layer norms, softmax, pooling) in float32. Weights are cast and laid out once. On AMX this takes
about two thirds of autocast's time. Only for encoders built exactly as BERT is; ``pack`` gives None for others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encode.attention import by_kernel, by_products

# The architectures, with how positions count: RoBERTa's begin after the padding index.
_BERTS = {"bert": False, "roberta": True, "xlm-roberta": True, "camembert": True}
_POOLINGS = ("mean", "cls")
ROWS = 128
"""The tensors' rows are a multiple of this; what is over is computed and dropped."""

Linear = Callable[[Any], Any]


class PackedBert:
    """The layers of a BERT, ready to run in one precision."""

    def __init__(self, model: Any, pooling: str, way: str) -> None:
        import torch

        self._torch = torch
        self._type = torch.bfloat16 if way.startswith("bfloat16") else torch.float32
        self._onednn = way != "float32"
        self._attention = by_products if way == "bfloat16 by products" else by_kernel
        self._pooling = pooling
        config = model.config
        self._heads = config.num_attention_heads
        self._width = config.hidden_size
        embeddings = model.embeddings
        self._words = embeddings.word_embeddings.weight.detach()
        kinds = embeddings.token_type_embeddings.weight.detach()[0]
        self._places = embeddings.position_embeddings.weight.detach() + kinds
        self._first_place = first_place(config)
        self._norm = embeddings.LayerNorm
        self._layers = []
        scale = (self._width // self._heads) ** -0.5 if self._attention is by_products else 1.0
        for layer in model.encoder.layer:
            attention = layer.attention
            own = attention.self
            self._layers.append(
                (
                    self._linear(own.query, own.key, own.value, scale=scale),
                    self._linear(attention.output.dense),
                    attention.output.LayerNorm,
                    self._linear(layer.intermediate.dense, gelu=True),
                    self._linear(layer.output.dense),
                    layer.output.LayerNorm,
                )
            )

    def _linear(self, *parts: Any, gelu: bool = False, scale: float = 1.0) -> Linear:
        """Projections side by side, the first of them scaled."""
        torch = self._torch
        scales = [scale, *[1.0] * (len(parts) - 1)]
        weight = torch.cat([part.weight.detach() * by for part, by in zip(parts, scales, strict=True)])
        bias = torch.cat([part.bias.detach() * by for part, by in zip(parts, scales, strict=True)]).to(self._type)
        weight = weight.to(self._type).contiguous()
        if self._onednn:
            try:  # oneDNN with the weights in its own order, and GELU in the product's last step
                fused = torch.ops.mkldnn._linear_pointwise
                packed = torch.ops.mkldnn._reorder_linear_weight(weight, 4096)
                after: tuple[str, list[Any], str] = ("gelu", [], "none") if gelu else ("none", [], "")
                fused(torch.zeros(2, weight.shape[1], dtype=self._type), packed, bias, *after)
                return lambda rows: fused(rows, packed, bias, *after)
            except (AttributeError, RuntimeError, TypeError):
                pass  # another torch than was measured: its public functions give the same
        linear = torch.nn.functional.linear
        if gelu:
            return lambda rows: torch.nn.functional.gelu(linear(rows, weight, bias))
        return lambda rows: linear(rows, weight, bias)

    def __call__(self, texts: Sequence[NDArray[np.int32]]) -> Any:
        """Token ids of texts, best in order of length, as a tensor float32[n, width] of pooled vectors."""
        torch = self._torch
        functional = torch.nn.functional
        runs = [(length, len(list(group))) for length, group in groupby(map(len, texts))]
        # A few sizes only: for each new one oneDNN keeps a kernel, and the allocator another set of blocks.
        total = sum(map(len, texts))
        spare = -total % (ROWS if total > 4 * ROWS else ROWS // 2)
        ids = torch.from_numpy(np.concatenate([*texts, np.zeros(spare, np.int32)]).astype(np.int64))
        places = [torch.arange(length).repeat(count) for length, count in runs]
        places = torch.cat([*places, torch.zeros(spare, dtype=torch.int64)]) + self._first_place

        def norm(rows: Any, layer: Any) -> Any:
            return functional.layer_norm(rows, (self._width,), layer.weight, layer.bias, layer.eps)

        rows = norm(self._words[ids] + self._places[places], self._norm)
        attend = self._attention([len(text) for text in texts], total + spare, self._heads, self._width)
        for project, join, join_norm, widen, narrow, narrow_norm in self._layers:
            rows = norm(rows.add_(join(attend(project(rows.to(self._type))))), join_norm)
            rows = norm(rows.add_(narrow(widen(rows.to(self._type)))), narrow_norm)
        pooled, start = [], 0
        for length, count in runs:
            block = rows[start : start + length * count].view(count, length, self._width)
            pooled.append(block.mean(1) if self._pooling == "mean" else block[:, 0])
            start += length * count
        return torch.cat(pooled)


def pack(model: Any, pooling: str, way: str) -> PackedBert | None:
    """A transformers model as a PackedBert, or None if it is not plainly a BERT encoder.

    ``way``: "float32" by torch's public functions, "float32 by oneDNN" with weights laid out by oneDNN, "bfloat16" and
    "bfloat16 by products" likewise (the latter has attention of its own).
    """
    if not is_plain_bert(model, pooling):
        return None
    try:
        return PackedBert(model, pooling, way)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return None


def is_plain_bert(model: Any, pooling: str) -> bool:
    """Is this transformers model an encoder built exactly as BERT is?"""
    config = model.config
    return (
        getattr(config, "model_type", None) in _BERTS
        and pooling in _POOLINGS
        and getattr(config, "hidden_act", None) == "gelu"
        and getattr(config, "position_embedding_type", None) in (None, "absolute")
        and not getattr(config, "is_decoder", False)
        and not getattr(config, "add_cross_attention", False)
    )


def first_place(config: Any) -> int:
    """The number of a text's first position."""
    return int(config.pad_token_id + 1) if _BERTS[config.model_type] else 0
