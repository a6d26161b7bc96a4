"""Encoders of passages and queries: the only room that imports sentence_transformers, torch or a compiled runtime."""

from __future__ import annotations

import functools
from collections.abc import Callable

from search.encode.base import (
    DEFAULT_MODEL,
    HASH_MODEL,
    STATIC_MODEL,
    Encoder,
    Floors,
    Precision,
    QueryEncoder,
    floors,
    input_keys,
    known_precision,
)
from search.encode.models import same_model
from search.encode.own import MARK, checked
from search.encode.rerank import CrossEncoderReranker, Reranker
from search.errors import ArchiveMismatch, EncoderError, StorageError, UsageError, needs_models
from search.records import EncoderIdentity

_NO_NETWORK = (HASH_MODEL, STATIC_MODEL)
"""Models in which no network is run: there is one way to encode, and nothing to fetch or to compile."""

__all__ = [
    "DEFAULT_MODEL",
    "HASH_MODEL",
    "STATIC_MODEL",
    "Encoder",
    "Floors",
    "Precision",
    "QueryEncoder",
    "Reranker",
    "floors",
    "how_encoded",
    "input_keys",
    "known_precision",
    "load_encoder",
    "load_matching_encoder",
    "load_query_encoder",
    "load_reranker",
    "named",
    "prepare_query_encoder",
    "recorded_way",
    "same_model",
]


@needs_models()
def load_encoder(
    model: str | Encoder | None = None,
    precision: Precision | str = Precision.AUTO,
    dimension: int | None = None,
    fetch: bool = True,
) -> Encoder:
    """The encoder of a model by name or path: None is the default model, "static" the one that adds up word vectors,
    "hash" the tiny one for tests. An encoder of a program's own is taken as it is, after a trial.

    ``dimension`` keeps that many leading dimensions of each vector (Matryoshka representation learning); None, all.
    ``fetch``: whether the user has named the model, so that it may come from the hub. Raises EncoderError, with what to
    do, for a model that cannot be found, fetched, trusted or run, and UsageError for a dimension that it does not have
    or an unknown precision.
    """
    precision = known_precision(precision)
    if model is not None and not isinstance(model, str):
        return checked(model, dimension)
    if model is not None and model.startswith(MARK):
        name = model.removeprefix(MARK)
        raise EncoderError(f"the vectors are of a program's own encoder, {name}; open the archive with model=that one")
    if model == HASH_MODEL:
        from search.encode.hashing import HashEncoder

        return HashEncoder(dimension)
    if model == STATIC_MODEL:
        from search.encode.static import StaticEncoder

        return StaticEncoder(dimension)
    if not fetch:
        from search.encode.models import must_be_here

        must_be_here(model)
    from search.encode.transformer import SentenceTransformerEncoder

    return SentenceTransformerEncoder(model, precision, dimension=dimension)


def named(model: str | Encoder | None) -> str:
    """The name under which an archive keeps the model that it was built with; empty for None."""
    if model is None or isinstance(model, str):
        return model or ""
    return f"{MARK}{model.identity.name}"


def how_encoded(encoder: Encoder) -> str | None:
    """The way that an encoder encodes passages in, with its speed if it was measured; None where there is one only."""
    found = getattr(encoder, "how", None)
    return None if found is None else str(found)


def recorded_way(identity: EncoderIdentity) -> str | None:
    """The way that was chosen on this machine for a model's passages, with its speed; None where none was measured."""
    if identity.name in _NO_NETWORK:
        return None
    from search.encode.calibration import recorded

    choice = recorded(identity, Precision.AUTO)
    return None if choice is None else str(choice)


@needs_models()
def load_query_encoder(
    identity: EncoderIdentity,
    model: str | Encoder | None = None,
    warn: Callable[[str], None] | None = None,
    fetch: bool = True,
) -> QueryEncoder:
    """The encoder of queries for vectors with this identity: from the user's cache if it is there, without torch.

    Otherwise the model is loaded by name or path and its query encoder is made; a model that cannot be exported runs
    in torch each time, which ``warn`` is told in one line (the log, by default). ``fetch``: whether a model may come
    from the hub. Raises ArchiveMismatch if the model at hand is another than the identity's, EncoderError if it cannot
    be found or run.
    """
    if named(model) in _NO_NETWORK or named(model).startswith(MARK):
        return load_matching_encoder(identity, model)
    from search.encode.query import OnnxQueryEncoder, open_query_encoder

    found = open_query_encoder(identity)
    if isinstance(found, OnnxQueryEncoder):
        return found
    encoder = load_matching_encoder(identity, model, Precision.FLOAT32, fetch)
    return _prepared(encoder, warn) or encoder


def prepare_query_encoder(encoder: Encoder, warn: Callable[[str], None] | None = None) -> None:
    """Make the query encoder of a model that an archive is being built with, unless the cache has it."""
    _prepared(encoder, warn)


def _prepared(encoder: Encoder, warn: Callable[[str], None] | None) -> QueryEncoder | None:
    from search.encode.transformer import SentenceTransformerEncoder

    if not isinstance(encoder, SentenceTransformerEncoder):
        return None
    from search.encode.query import OnnxQueryEncoder, open_query_encoder

    found = open_query_encoder(encoder.identity)
    if isinstance(found, OnnxQueryEncoder):
        return found
    from search.encode.export import make_query_encoder

    try:
        if found is not None:
            raise EncoderError(found)
        on_cpu = encoder
        if not encoder.on_cpu:
            kept = encoder.identity.dimension
            on_cpu = SentenceTransformerEncoder(encoder.requested, Precision.FLOAT32, "cpu", kept)
        return make_query_encoder(on_cpu)
    except (EncoderError, StorageError) as error:
        import logging

        say = warn or logging.getLogger("search").warning
        say(f"queries are encoded in torch, which starts slowly: {error}")
        return None


@needs_models()
def load_matching_encoder(
    identity: EncoderIdentity,
    model: str | Encoder | None,
    precision: Precision | str = Precision.AUTO,
    fetch: bool = True,
) -> Encoder:
    """The encoder of a model that must be the identity's, with as many dimensions. Raises ArchiveMismatch, and
    EncoderError for one that would have to be fetched without ``fetch``."""
    try:
        encoder = load_encoder(model, precision, identity.dimension, fetch)
    except UsageError as error:  # it has fewer dimensions
        raise ArchiveMismatch(f"the archive's vectors are of {identity}, and {error}; use the same model") from error
    if encoder.identity != identity:
        raise ArchiveMismatch(
            f"the archive's vectors are of {identity}, the model at hand is {encoder.identity}; "
            "use the same model, or index into a new archive"
        )
    return encoder


@functools.lru_cache(2)
@needs_models()
def load_reranker(model: str) -> Reranker:
    """The cross-encoder of this name or in this folder; kept for the next call.

    Raises EncoderError, with what to do, for one that cannot be found, trusted or run.
    """
    return CrossEncoderReranker(model)
