"""A tiny encoder without a model: each word is a direction, a text the sum of its words. Deterministic and exact."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from search.encode.base import HASH_MODEL, kept_dimension, unit_rows
from search.records import EncoderIdentity

DIMENSION = 64
_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")
_PROGRESS = 1000


class HashTokenizer:
    """Words and punctuation marks are tokens."""

    limit = 254
    additive = True

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return [len(_TOKEN.findall(text)) for text in texts]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token."""
        return [match.span() for match in _TOKEN.finditer(text)]


class HashEncoder:
    """Bag of hashed words: the word's SHA-256 picks one of 64 dimensions; a text's vector is the counts, normalised.

    The cosine of two texts without colliding words is that of their word counts. A text without words is the first
    unit vector.
    """

    tokenizer = HashTokenizer()

    def __init__(self, dimension: int | None = None) -> None:
        self.identity = EncoderIdentity(
            name=HASH_MODEL,
            weights_hash=sha256(b"bag of hashed words, 64 dimensions").hexdigest(),
            dimension=kept_dimension(dimension, DIMENSION, HASH_MODEL),
            max_tokens=256,
            pooling="sum",
        )

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Texts as float32[n, d], rows of L2 norm 1."""
        counts = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.casefold()):
                counts[row, word_dimension(word)] += 1
            if progress is not None and (row + 1) % _PROGRESS == 0:
                progress(_PROGRESS)
        if progress is not None and len(texts) % _PROGRESS:
            progress(len(texts) % _PROGRESS)
        return unit_rows(counts[:, : self.identity.dimension])

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """A query as float32[d] of L2 norm 1."""
        vector: NDArray[np.float32] = self.encode([text])[0]
        return vector


def word_dimension(word: str) -> int:
    """The dimension of a word, in lower case."""
    return sha256(word.encode("utf-8", "surrogatepass")).digest()[0] % DIMENSION
