"""The forms a loaded model can be run in: padded batches in torch, end to end without padding, ONNX Runtime.

Each takes token ids of texts (and the texts, for models that tokenise themselves) and gives pooled vectors
float32[n, width], which are not brought to norm 1 yet. Threads may share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encode.packed import PackedBert
from search.errors import EncoderError

Inputs = Sequence[NDArray[np.int32]]
Form = Callable[[Inputs, Sequence[str]], NDArray[np.float32]]

_WIDTHS = 8


class OutOfMemory(EncoderError):
    """A batch was too large."""


class Padded:
    """The model as sentence-transformers runs it, on its device; bfloat16 is autocast's."""

    def __init__(self, model: Any, device: Any, max_tokens: int, bfloat16: bool) -> None:
        self._model = model
        self._device = device
        self._max_tokens = max_tokens
        self._bfloat16 = bfloat16
        self._is_transformer = type(model[0]).__name__ == "Transformer"

    def __call__(self, inputs: Inputs, texts: Sequence[str]) -> NDArray[np.float32]:
        """Pooled vectors of a batch, padded to its longest text; in halves where memory does not suffice."""
        try:
            return self._batch(inputs, texts)
        except OutOfMemory:
            if len(inputs) < 2:
                raise
        half = len(inputs) // 2  # outside the handler, which would keep the failed batch's tensors alive
        parts = self(inputs[:half], texts[:half]), self(inputs[half:], texts[half:])
        return np.concatenate(parts)

    def _batch(self, inputs: Inputs, texts: Sequence[str]) -> NDArray[np.float32]:
        with running(self._device, self._bfloat16):
            if self._is_transformer:
                features = self._features(inputs)
            else:
                preprocess = getattr(self._model, "preprocess", None) or self._model.tokenize
                features = {
                    name: value.to(self._device) if hasattr(value, "to") else value
                    for name, value in preprocess(list(texts)).items()
                }
            return to_numpy(self._model(features)["sentence_embedding"])

    def _features(self, inputs: Inputs) -> dict[str, Any]:
        import torch

        tokenizer = self._model.tokenizer
        longest = max(map(len, inputs))
        width = min(longest + -longest % _WIDTHS, self._max_tokens)  # few shapes, few kernels kept
        pad = getattr(tokenizer, "pad_token_id", None) or 0
        left = getattr(tokenizer, "padding_side", "right") == "left"
        ids = np.full((len(inputs), width), pad, np.int64)
        mask = np.zeros((len(inputs), width), np.int64)
        for row, own in enumerate(inputs):
            where = slice(width - len(own), width) if left else slice(len(own))
            ids[row, where] = own
            mask[row, where] = 1
        features = {"input_ids": ids, "attention_mask": mask}
        if takes_token_types(self._model):
            features["token_type_ids"] = np.zeros_like(ids)
        return {name: torch.from_numpy(value).to(self._device) for name, value in features.items()}


class Packed:
    """A BERT without padding, then the model's own modules after pooling. On the CPU."""

    def __init__(self, packed: PackedBert, model: Any, device: Any) -> None:
        self._packed = packed
        self._after = list(model)[2:]
        self._device = device

    def __call__(self, inputs: Inputs, texts: Sequence[str]) -> NDArray[np.float32]:
        """Pooled vectors of a batch."""
        with running(self._device, False):
            features = {"sentence_embedding": self._packed(inputs)}
            for module in self._after:
                features = module(features)
            return to_numpy(features["sentence_embedding"])


class Onnx:
    """The graph of the query encoder, a passage at a time: no padding, and one thread for each caller."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __call__(self, inputs: Inputs, texts: Sequence[str]) -> NDArray[np.float32]:
        """Pooled vectors of a batch."""
        try:
            found = [self._session.run(None, {"input_ids": ids[None].astype(np.int64)})[0] for ids in inputs]
        except Exception as error:  # onnxruntime's exceptions share no base of their own
            raise EncoderError(f"ONNX Runtime failed: {error}") from error
        return np.concatenate(found)


@contextmanager
def running(device: Any, bfloat16: bool) -> Iterator[None]:
    """No gradients; autocast where ``bfloat16``. Raises OutOfMemory."""
    import torch

    try:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory("out of memory while encoding; close other programs, or use a smaller model") from error


def takes_token_types(model: Any) -> bool:
    """Does the model want token type ids?"""
    return "token_type_ids" in getattr(model.tokenizer, "model_input_names", ())


def to_numpy(tensor: Any) -> NDArray[np.float32]:
    """A tensor of any device and precision as float32."""
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array
