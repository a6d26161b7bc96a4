"""Any sentence-transformers model, loaded quietly and safely, run sorted by length in the fitting precision."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encode.base import PassageTokenizer, Precision, kept_dimension, known_precision, unit_rows
from search.encode.loading import dimension_of, load_model, pooling_of, prompts_of
from search.encode.models import find_model
from search.encode.packed import pack
from search.encode.tokens import WordTokenizer
from search.errors import EncoderError
from search.records import EncoderIdentity

BATCH_TOKENS = 4096
"""Tokens of one batch on a CPU; each of its cores works on one."""

GPU_BATCH_TOKENS = 131_072
PARITY = 0.9999
"""Least cosine of a faster way to the model's own float32 result, on the texts it is tried on."""

_WIDTHS = 8
_CHUNK = 16_384  # texts sorted and run together
_MOST_TOKENS = 8192  # of one input, for models that name no limit
_TRIAL = (
    "The prime minister met her counterpart in Brussels.",
    "Shares fell 3.2% on Wednesday after the bank raised rates to 5.25%, its twelfth rise in a row, and said that "
    "inflation, at $1.5 billion a month in lost output, would not return to target before the end of next year.",
)


class SentenceTransformerEncoder:
    """A sentence-transformers model on this machine's best device. Threads may share it."""

    def __init__(
        self,
        model: str | None = None,
        precision: Precision | str = Precision.AUTO,
        device: str | None = None,
        dimension: int | None = None,
    ) -> None:
        self.requested = model
        self.files = find_model(model)
        precision = known_precision(precision)
        import torch

        self._torch = torch
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = load_model(self.files, str(self._device))
        pooling, include_prompt = pooling_of(self.model)
        query, passage = prompts_of(self.files.name, self.files.folder, dict(self.model.prompts))
        if not include_prompt and (query or passage):
            raise EncoderError(f"the model {self.files.name} leaves its prompt out of pooling, which is not supported")
        longest = self.model.max_seq_length
        max_tokens = _MOST_TOKENS if longest is None or not math.isfinite(longest) else int(longest)
        raw = getattr(self.model.tokenizer, "backend_tokenizer", self.model.tokenizer)
        if not hasattr(raw, "encode_batch_fast"):
            raise EncoderError(f"the model {self.files.name} has no fast tokenizer (tokenizer.json)")
        self.backend_tokenizer = type(raw).from_str(raw.to_str())  # its own: truncation and padding are off
        self._tokenizer = WordTokenizer(self.backend_tokenizer, max_tokens, passage)
        self.identity = EncoderIdentity(
            name=self.files.name,
            weights_hash=self.files.weights_hash,
            dimension=kept_dimension(dimension, dimension_of(self.model), self.files.name),
            max_tokens=max_tokens,
            pooling=pooling,
            query_prefix=query,
            passage_prefix=passage,
        )
        self.bfloat16 = self._choose(precision)
        self.is_transformer = type(self.model[0]).__name__ == "Transformer"
        self.takes_token_types = "token_type_ids" in getattr(self.model.tokenizer, "model_input_names", ())
        self._packed = self._try_packed(pooling)

    @property
    def tokenizer(self) -> PassageTokenizer:
        """Counts tokens as the model does."""
        return self._tokenizer

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Encoder inputs as float32[n, d], rows of L2 norm 1 in input order; see ``Encoder``."""
        vectors = np.empty((len(texts), self.identity.dimension), np.float32)
        # A thread for each batch beats more threads in each product: they never wait for one another.
        workers = self._torch.get_num_threads() if self.on_cpu else 1
        pool = ThreadPoolExecutor(workers, "encode", self._single_threaded if workers > 1 else None)
        try:
            following = self._tokens(texts, 0)
            for start in range(0, len(texts), _CHUNK):
                chunk, inputs = following
                lengths = [len(ids) for ids in inputs]
                budget = GPU_BATCH_TOKENS if not self.on_cpu else min(BATCH_TOKENS, -(-sum(lengths) // workers))
                running = {
                    pool.submit(self._run, [inputs[i] for i in rows], [chunk[i] for i in rows]): rows
                    for rows in _batches(lengths, budget)
                }
                following = self._tokens(texts, start + _CHUNK)  # while the model is at work
                for done in as_completed(running):
                    rows = running[done]
                    vectors[start + np.array(rows)] = done.result()[:, : self.identity.dimension]
                    if progress is not None:
                        progress(len(rows))
        finally:
            pool.shutdown(cancel_futures=True)
        return unit_rows(vectors)

    def _tokens(self, texts: Sequence[str], start: int) -> tuple[list[str], list[NDArray[np.int32]]]:
        chunk = [self.identity.passage_prefix + text for text in texts[start : start + _CHUNK]]
        return chunk, self._tokenizer.encode(chunk)

    def _single_threaded(self) -> None:
        self._torch.set_num_threads(1)  # of this worker alone

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """A query as float32[d] of L2 norm 1, in float32 arithmetic."""
        query = self.identity.query_prefix + text
        with self._running(False):
            pooled = self._model_run(self._tokenizer.encode([query]), [query])
        vector: NDArray[np.float32] = unit_rows(pooled[:, : self.identity.dimension])[0]
        return vector

    @property
    def on_cpu(self) -> bool:
        """Does the model run on the CPU?"""
        return bool(self._device.type == "cpu")

    def query_ids(self, text: str) -> NDArray[np.int64]:
        """Token ids int64[n] of a query, its prefix and the special tokens among them."""
        return self._tokenizer.encode([self.identity.query_prefix + text])[0].astype(np.int64)

    def _choose(self, precision: Precision) -> bool:
        if precision is not Precision.AUTO:
            return precision is Precision.BFLOAT16
        if self._device.type == "cuda":
            return bool(self._torch.cuda.is_bf16_supported())
        return self._device.type == "cpu" and cpu_has_bfloat16()

    def _try_packed(self, pooling: str) -> Any:
        """The padding-free form of the model, if it can have one and gives the model's own vectors."""
        if self._device.type != "cpu" or not self.is_transformer:
            return None
        packed = pack(self.model[0].auto_model, pooling, self.bfloat16)
        if packed is None:
            return None
        inputs = self._tokenizer.encode(_TRIAL)
        try:
            with self._running(False):
                found = unit_rows(self._finish(packed(inputs)))
                true = unit_rows(self._model_run(inputs, _TRIAL))
        except (RuntimeError, TypeError, IndexError):
            return None
        return packed if bool(((found * true).sum(axis=1) >= PARITY).all()) else None

    @contextmanager
    def _running(self, bfloat16: bool) -> Iterator[None]:
        torch = self._torch
        try:
            with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=bfloat16):
                yield
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise EncoderError(f"out of memory while encoding with {self.identity.name}") from error

    def _run(self, inputs: Sequence[NDArray[np.int32]], texts: Sequence[str]) -> NDArray[np.float32]:
        if self._packed is not None:
            with self._running(False):
                return self._finish(self._packed(inputs))
        with self._running(self.bfloat16):
            return self._model_run(inputs, texts)

    def _finish(self, pooled: Any) -> NDArray[np.float32]:
        """What comes after pooling: a projection, if the model has one."""
        features = {"sentence_embedding": pooled}
        for module in list(self.model)[2:]:
            features = module(features)
        return _to_numpy(features["sentence_embedding"])

    def _model_run(self, inputs: Sequence[NDArray[np.int32]], texts: Sequence[str]) -> NDArray[np.float32]:
        if self.is_transformer:
            features = self._features(inputs)
        else:
            preprocess = getattr(self.model, "preprocess", None) or self.model.tokenize
            features = {
                name: value.to(self._device) if hasattr(value, "to") else value
                for name, value in preprocess(list(texts)).items()
            }
        return _to_numpy(self.model(features)["sentence_embedding"])

    def _features(self, inputs: Sequence[NDArray[np.int32]]) -> dict[str, Any]:
        longest = max(map(len, inputs))
        width = min(longest + -longest % _WIDTHS, self.identity.max_tokens)  # few shapes, few kernels kept
        pad = getattr(self.model.tokenizer, "pad_token_id", None) or 0
        left = getattr(self.model.tokenizer, "padding_side", "right") == "left"
        ids = np.full((len(inputs), width), pad, np.int64)
        mask = np.zeros((len(inputs), width), np.int64)
        for row, own in enumerate(inputs):
            where = slice(width - len(own), width) if left else slice(len(own))
            ids[row, where] = own
            mask[row, where] = 1
        features = {"input_ids": ids, "attention_mask": mask}
        if self.takes_token_types:
            features["token_type_ids"] = np.zeros_like(ids)
        return {name: self._torch.from_numpy(value).to(self._device) for name, value in features.items()}


def cpu_has_bfloat16() -> bool:
    """Does the processor multiply bfloat16 matrices natively (AMX or AVX512-BF16)? Elsewhere float32 is faster."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        import torch

        asked = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
        return any(ask is not None and bool(ask()) for ask in asked)
    return re.search(r"^flags\s*:.*\b(amx_bf16|avx512_bf16)\b", flags, re.M) is not None


def _batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Row numbers, longest first, in batches whose padded size stays within the budget of tokens."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _to_numpy(tensor: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array
