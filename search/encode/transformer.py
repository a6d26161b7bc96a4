"""Any sentence-transformers model, loaded quietly and safely, run sorted by length in the way that is fastest here."""

from __future__ import annotations

import functools
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.encode import calibration
from search.encode.base import Precision, kept_dimension, known_precision, unit_rows
from search.encode.calibration import PARITY, Choice
from search.encode.forms import Form, Onnx, Packed, Padded, takes_token_types
from search.encode.loading import dimension_of, load_model, pooling_of, prompts_of
from search.encode.models import find_model
from search.encode.packed import pack
from search.encode.query import passage_session
from search.encode.tokens import WordTokenizer
from search.errors import EncoderError
from search.records import EncoderIdentity
from search.text.passages import Tokenizer as PassageTokenizer

BATCH_TOKENS = 4096
"""Tokens of one batch on a CPU; each of its cores works on one."""

GPU_BATCH_TOKENS = 131_072
"""Tokens of one batch on a GPU, at the most."""

FLOAT32, ONEDNN, ONNX = "float32", "float32 by oneDNN", "float32 by ONNX Runtime"
BFLOAT16, PRODUCTS = "bfloat16", "bfloat16 by products"
"""The ways to run a model. The first is what the others are compared to."""

GPU_SHARE = 0.6
"""Of a GPU's free memory, what a batch may take."""

TOKEN_BYTES = 64
"""Bytes that a token takes while a layer is at work, for each of the model's hidden dimensions: a generous guess."""

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
        cpu_threads()
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
        self.is_transformer = type(self.model[0]).__name__ == "Transformer"
        self.takes_token_types = takes_token_types(self.model)
        self._precision = precision
        self._forms: dict[str, Form] = {}
        self._choosing = threading.Lock()
        self._plain = Padded(self.model, self._device, max_tokens, False)  # encodes queries, and is the measure
        choice = calibration.recorded(self.identity, precision) if len(self._ways()) > 1 else None
        self.choice: Choice | None = choice if choice is not None and choice.way in self._ways() else None
        self.way = self._guess() if self.choice is None else self.choice.way
        self._settled = self.choice is not None or len(self._ways()) == 1

    @property
    def tokenizer(self) -> PassageTokenizer:
        """Counts tokens as the model does."""
        return self._tokenizer

    @property
    def how(self) -> str:
        """The way that passages are encoded in, with its speed if it was measured: for people to read."""
        return self.way if self.choice is None else str(self.choice)

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Encoder inputs as float32[n, d], rows of L2 norm 1 in input order; see ``Encoder``."""
        vectors = np.empty((len(texts), self.identity.dimension), np.float32)
        # A thread for each batch beats more threads in each product: they never wait for one another.
        pool = ThreadPoolExecutor(self._workers, "encode", self._single_threaded if self._workers > 1 else None)
        try:
            following = self._tokens(texts, 0)
            for start in range(0, len(texts), _CHUNK):
                chunk, inputs = following
                if start == 0:
                    self._settle(pool, chunk, inputs, len(texts))
                form = self._best_form()
                budget = self._budget(sum(map(len, inputs)))
                running = {
                    pool.submit(form, [inputs[i] for i in rows], [chunk[i] for i in rows]): rows
                    for rows in _batches([len(ids) for ids in inputs], budget)
                }
                following = self._tokens(texts, start + _CHUNK)  # while the model is at work
                for done in as_completed(running):
                    rows = running[done]
                    vectors[start + np.array(rows)] = done.result()[:, : self.identity.dimension]
                    if progress is not None:
                        progress(len(rows))
        finally:
            pool.shutdown(cancel_futures=True)
            if self._workers > 1:  # a worker's setting is what threads made from now on would begin with
                self._torch.set_num_threads(self._workers)
        return unit_rows(vectors)

    @property
    def _workers(self) -> int:
        return cpu_threads() if self.on_cpu else 1

    def _budget(self, tokens: int) -> int:
        """Tokens of a batch: every worker gets one; a GPU as many as it has room for."""
        if self.on_cpu:
            return min(BATCH_TOKENS, -(-tokens // self._workers))
        config = getattr(getattr(self.model[0], "auto_model", None), "config", None)
        width = getattr(config, "hidden_size", None) or dimension_of(self.model)
        room = int(GPU_SHARE * self._free_memory() / (TOKEN_BYTES * width))
        return max(min(GPU_BATCH_TOKENS, room), self.identity.max_tokens)

    def _free_memory(self) -> int:
        """Bytes that are free on the GPU, and what torch holds of it and does not use."""
        cuda = self._torch.cuda
        held = cuda.memory_reserved(self._device) - cuda.memory_allocated(self._device)
        return int(cuda.mem_get_info(self._device)[0] + held)

    def _tokens(self, texts: Sequence[str], start: int) -> tuple[list[str], list[NDArray[np.int32]]]:
        chunk = [self.identity.passage_prefix + text for text in texts[start : start + _CHUNK]]
        return chunk, self._tokenizer.encode(chunk)

    def _single_threaded(self) -> None:
        self._torch.set_num_threads(1)  # of this worker alone

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """A query as float32[d] of L2 norm 1, in float32 arithmetic."""
        query = self.identity.query_prefix + text
        pooled = self._plain(self._tokenizer.encode([query]), [query])
        vector: NDArray[np.float32] = unit_rows(pooled[:, : self.identity.dimension])[0]
        return vector

    @property
    def on_cpu(self) -> bool:
        """Does the model run on the CPU?"""
        return bool(self._device.type == "cpu")

    def query_ids(self, text: str) -> NDArray[np.int64]:
        """Token ids int64[n] of a query, its prefix and the special tokens among them."""
        return self._tokenizer.encode([self.identity.query_prefix + text])[0].astype(np.int64)

    def _ways(self) -> list[str]:
        """The ways that may be measured, under the precision asked for."""
        if not self.on_cpu:
            return [self._guess()]
        float32 = [FLOAT32, ONEDNN, ONNX] if self.is_transformer else [FLOAT32]
        bfloat16 = [BFLOAT16, PRODUCTS] if self.is_transformer else [BFLOAT16]
        if self._precision is Precision.BFLOAT16:
            return bfloat16 if cpu_has_bfloat16() else [BFLOAT16]
        return float32 if self._precision is Precision.FLOAT32 or not cpu_has_bfloat16() else [*float32, *bfloat16]

    def _guess(self) -> str:
        """The way for as long as none is measured."""
        if self._precision is not Precision.AUTO:
            return str(self._precision)
        has = cpu_has_bfloat16() if self.on_cpu else bool(self._torch.cuda.is_bf16_supported())
        return BFLOAT16 if has else FLOAT32

    def _settle(
        self, pool: ThreadPoolExecutor, chunk: Sequence[str], inputs: Sequence[NDArray[np.int32]], texts: int
    ) -> None:
        """Choose a way, where that is still to be done and there is so much to encode that it pays."""
        lengths = [len(ids) for ids in inputs]
        if self._settled or sum(lengths) * texts < calibration.WORTH * len(inputs):
            return

        def run(way: str, rows: list[int]) -> tuple[NDArray[np.float32], float]:
            form = self._form(way)
            own = [lengths[row] for row in rows]
            batches = [[rows[i] for i in batch] for batch in _batches(own, self._budget(sum(own)))]

            def work(some: list[int]) -> tuple[NDArray[np.float32], float]:
                # The worker's own time: other processes, and reading in another thread, slow all ways alike.
                began = time.thread_time()
                return form([inputs[i] for i in some], [chunk[i] for i in some]), time.thread_time() - began

            parts = list(pool.map(work, batches))
            place = {row: i for i, row in enumerate(row for batch in batches for row in batch)}
            vectors = np.concatenate([found for found, _ in parts])[[place[row] for row in rows]]
            return vectors, sum(seconds for _, seconds in parts) / self._workers

        with self._choosing:
            if self._settled:
                return
            self._settled = True
            found = calibration.measure(self._ways(), run, lengths, self._workers)
            if found:
                self.choice = found[0][0]
                self.way = self.choice.way
                calibration.record(self.identity, self._precision, found)
            for way in [way for way in self._forms if way != self.way]:
                self._forms.pop(way, None)

    def _best_form(self) -> Form:
        """The chosen way's form; another's where what it was made of is gone."""
        try:
            return self._form(self.way)
        except EncoderError:
            if self.choice is None:
                raise
            self.choice, self.way = None, self._guess()
            return self._form(self.way)

    def _form(self, way: str) -> Form:
        """The form for a way; where the model has none of its kind, it is run as sentence-transformers does."""
        form = self._forms.get(way)
        if form is None:
            form = self._forms[way] = self._made(way)
        return form

    def _made(self, way: str) -> Form:
        if way == ONNX:
            return Onnx(passage_session(self.identity))
        if self.on_cpu and self.is_transformer:
            packed = pack(self.model[0].auto_model, self.identity.pooling, way)
            if packed is not None:
                form = Packed(packed, self.model, self._device)
                try:
                    inputs = self._tokenizer.encode(_TRIAL)
                    found, true = unit_rows(form(inputs, _TRIAL)), unit_rows(self._plain(inputs, _TRIAL))
                    if ((found * true).sum(axis=1) >= PARITY).all():
                        return form
                except (RuntimeError, TypeError, IndexError):
                    pass
        if way in (ONEDNN, PRODUCTS):
            raise EncoderError(f"{self.identity.name} has no form without padding")
        return self._plain if way == FLOAT32 else Padded(self.model, self._device, self.identity.max_tokens, True)


@functools.cache
def cpu_threads() -> int:
    """torch's threads, asked before a worker is told to be one: that changes the answer in threads made later."""
    import torch

    return int(torch.get_num_threads())


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
