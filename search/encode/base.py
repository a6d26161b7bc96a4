"""The contracts of encoders, and what identifies their inputs and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import UsageError
from search.records import EncoderIdentity

if TYPE_CHECKING:  # a query is not cut into sentences
    from search.text.passages import Tokenizer as PassageTokenizer

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Used where no model is named."""

HASH_MODEL = "hash"
"""The name of ``HashEncoder``."""

STATIC_MODEL = "static"
"""The name of ``StaticEncoder``."""

__all__ = [
    "DEFAULT_MODEL",
    "HASH_MODEL",
    "STATIC_MODEL",
    "Encoder",
    "Floors",
    "Precision",
    "QueryEncoder",
    "floors",
    "input_keys",
    "kept_dimension",
    "known_precision",
    "unit_rows",
]


class Floors(NamedTuple):
    """Cosines of a question and a passage from which the passage fits, and, beside one that does, fits loosely."""

    fits: float
    loosely: float


_FLOORS = {STATIC_MODEL: Floors(0.45, 0.35)}
_USUAL = Floors(0.40, 0.30)


def floors(identity: EncoderIdentity | None) -> Floors:
    """The floors of a model. Of 120 questions on other matters 8 in 100 reach the default model's, and 10 the static
    encoder's, whose cosines to anything are higher; of 120 headlines of articles that are there, 99 and 87 in 100. Of
    other models nothing is known, and they have the default model's."""
    return _FLOORS.get(identity.name, _USUAL) if identity is not None else _USUAL


class Precision(StrEnum):
    """The arithmetic of passage encoding. AUTO is bfloat16 where the processor multiplies it natively."""

    AUTO = "auto"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


def known_precision(precision: Precision | str) -> Precision:
    """The precision of this name. Raises UsageError where there is none."""
    try:
        return Precision(precision)
    except ValueError:
        raise UsageError(f"{precision!r} is not a precision; use one of {', '.join(Precision)}") from None


class QueryEncoder(Protocol):
    """Encodes one query at a time. Threads may share it."""

    @property
    def identity(self) -> EncoderIdentity:
        """What must agree with the vectors it is compared to."""

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """A query as float32[d] of L2 norm 1. The model's query prefix is put before it here."""


class Encoder(QueryEncoder, Protocol):
    """Encodes passages in bulk."""

    @property
    def tokenizer(self) -> PassageTokenizer:
        """Counts tokens as this encoder does."""

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Encoder inputs as float32[n, d], rows of L2 norm 1 in input order.

        The model's passage prefix is put before them here. ``progress`` gets how many were done since its last call.
        """


def input_keys(texts: Sequence[str], identity: EncoderIdentity) -> NDArray[np.uint64]:
    """A 128-bit key of each exact encoder input under this encoder, as uint64[n, 2]: equal keys, equal vectors."""
    person = blake2b(repr(identity).encode("utf-8", "surrogatepass"), digest_size=32).digest()
    digests = b"".join(
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=person).digest() for text in texts
    )
    return np.frombuffer(digests, "<u8").reshape(-1, 2).astype(np.uint64)


def kept_dimension(asked: int | None, full: int, model: str) -> int:
    """How many leading dimensions of a model's vectors are kept: all, or as many as asked. Raises UsageError."""
    if asked is None:
        return full
    if not 1 <= asked <= full:
        raise UsageError(f"the model {model} has {full} dimensions; name 1 to {full}, not {asked}")
    return asked


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows divided by their L2 norm; a row of zeros becomes the first unit vector, so that every norm is 1."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    empty = norms[:, 0] == 0
    rows: NDArray[np.float32] = (vectors / np.where(norms == 0, 1, norms)).astype(np.float32, copy=False)
    rows[empty, 0] = 1
    return rows
