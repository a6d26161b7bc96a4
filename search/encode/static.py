"""An encoder that only adds up word vectors: no network is run, so it needs no torch, and thousands of texts a moment.

The vectors are WordLlama's: those of the pieces of words of a large language model, trained on towards the meaning of
sentences and cut to 256 dimensions. A text's vector is the mean of its pieces'; what stands in which order makes no
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encode.base import STATIC_MODEL, kept_dimension, unit_rows
from search.encode.models import carried, hash_file
from search.encode.tokens import WordTokenizer
from search.errors import EncoderError, install_line
from search.records import EncoderIdentity

CARRIER = "wordllama"
"""The distribution that carries the vectors; its code is never imported."""

WEIGHTS = "l2_supercat_256.safetensors"
WEIGHTS_HASH = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
TOKENIZER = "l2_supercat_tokenizer_config.json"
TOKENIZER_HASH = "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"
MAX_TOKENS = 256
"""For which passages are cut. No longer text is cut here."""

_AT_ONCE = 1000


class StaticEncoder:
    """Means of word vectors. Threads may share it.

    Raises EncoderError where the package with the vectors is absent, or its files are others than they should be.
    """

    def __init__(self, dimension: int | None = None) -> None:
        weights, tokenizer = _file(WEIGHTS, WEIGHTS_HASH), _file(TOKENIZER, TOKENIZER_HASH)
        from safetensors import safe_open
        from tokenizers import Tokenizer

        with safe_open(str(weights), framework="numpy") as file:
            self._halves: NDArray[np.float16] = file.get_tensor("embedding.weight")
        self.tokenizer = WordTokenizer(Tokenizer.from_file(str(tokenizer)), MAX_TOKENS, additive=True)
        self.identity = EncoderIdentity(
            name=STATIC_MODEL,
            weights_hash=WEIGHTS_HASH,
            dimension=kept_dimension(dimension, self._halves.shape[1], STATIC_MODEL),
            max_tokens=MAX_TOKENS,
            pooling="mean",
        )

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """Those of all pieces: turned to float32 once, as many texts are encoded."""
        return self._halves[:, : self.identity.dimension].astype(np.float32)

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Texts as float32[n, d], rows of L2 norm 1; a text without any piece is the first unit vector."""
        sums = np.zeros((len(texts), self.identity.dimension), np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            some = self.tokenizer.pieces(texts[start : start + _AT_ONCE])
            for row, pieces in enumerate(some, start):
                self._vectors.take(pieces, axis=0).sum(axis=0, out=sums[row])
            if progress is not None:
                progress(len(some))
        return unit_rows(sums)

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """A query as float32[d] of L2 norm 1: as ``encode`` has it."""
        (pieces,) = self.tokenizer.pieces([text])
        rows = self._halves[pieces, : self.identity.dimension].astype(np.float32)
        vector: NDArray[np.float32] = unit_rows(rows.sum(axis=0, keepdims=True))[0]
        return vector


def _file(name: str, digest: str) -> Path:
    """A file of the package. Raises EncoderError."""
    path = carried(CARRIER, name)
    if path is None:
        raise EncoderError(f"the model {STATIC_MODEL!r} is not installed; install it with: {install_line('static')}")
    found: Any = hash_file(path)
    if found != digest:
        raise EncoderError(
            f"{path} is not the file it should be (SHA-256 {found}, expected {digest}); reinstall it with: "
            f"pip install --force-reinstall {CARRIER}==0.4.0.post1"
        )
    return path
