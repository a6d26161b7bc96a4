"""Encoders that a program brings itself: any object that keeps the ``Encoder`` protocol. Others are refused early."""

from __future__ import annotations

from typing import Any

import numpy as np

from search.encode.base import Encoder
from search.errors import EncoderError, UsageError
from search.records import EncoderIdentity

MARK = "program:"
"""Before the name under which an archive keeps such an encoder: no model can be found by it."""

_TRIAL = ["A ferry left the harbour.", "Rain."]


def checked(encoder: Any, dimension: int | None) -> Encoder:
    """The encoder, after a trial on two short texts. Raises UsageError for what it lacks or gives wrongly, EncoderError
    where it fails."""
    identity = getattr(encoder, "identity", None)
    if not isinstance(identity, EncoderIdentity):
        raise UsageError(f"{_kind(encoder)} is no encoder: its identity must be an EncoderIdentity")
    for name in ("encode", "encode_query"):
        if not callable(getattr(encoder, name, None)):
            raise UsageError(f"{_kind(encoder)} is no encoder: it has no method {name}")
    tokenizer = getattr(encoder, "tokenizer", None)
    if not all(callable(getattr(tokenizer, name, None)) for name in ("count", "spans")):
        raise UsageError(f"{_kind(encoder)} is no encoder: its tokenizer needs the methods count and spans")
    if dimension not in (None, identity.dimension):
        raise UsageError(f"{identity.name} gives {identity.dimension} dimensions, not {dimension}; leave dimension out")
    try:
        many, single = encoder.encode(_TRIAL), encoder.encode_query(_TRIAL[0])
    except Exception as error:  # somebody else's code fails in any way
        raise EncoderError(f"the encoder {identity.name} fails on a short text: {error}") from error
    for given, shape in ((many, (len(_TRIAL), identity.dimension)), (single, (identity.dimension,))):
        if not isinstance(given, np.ndarray) or given.dtype != np.float32 or given.shape != shape:
            raise UsageError(f"the encoder {identity.name} must give float32{list(shape)}, not {_shape(given)}")
        if not np.allclose(np.linalg.norm(given, axis=-1), 1.0, atol=1e-3):
            raise UsageError(f"the encoder {identity.name} must give vectors of norm 1")
    trusted: Encoder = encoder
    return trusted


def _kind(encoder: Any) -> str:
    return f"an object of type {type(encoder).__name__}"


def _shape(given: Any) -> str:
    return f"{given.dtype}{list(given.shape)}" if isinstance(given, np.ndarray) else type(given).__name__
