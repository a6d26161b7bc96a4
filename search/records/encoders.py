"""What tells encoders apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderIdentity:
    """What must be equal for two vectors to be comparable. ``weights_hash`` is a SHA-256 in hex."""

    name: str
    weights_hash: str
    dimension: int
    max_tokens: int
    pooling: str
    query_prefix: str = ""
    passage_prefix: str = ""
