"""The passages of articles as an encoder takes them, and the vector part that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.encode import Encoder, input_keys
from search.records import Article
from search.storage.container import PartData
from search.text import passages
from search.vector import VectorIndex
from search.vector import build_part as build_vectors


@dataclass(frozen=True, slots=True)
class Cut:
    """The passages of n articles as the encoder takes them. ``counts`` int64[n] passages of each article; ``spans``
    int32[p, 2] offsets in the text; ``keys`` uint64[p, 2], equal for equal inputs."""

    inputs: list[str]
    counts: NDArray[np.int64]
    spans: NDArray[np.int32]
    keys: NDArray[np.uint64]


def cut(articles: Sequence[Article], layouts: Sequence[passages.TextLayout], encoder: Encoder, limit: int) -> Cut:
    """Cut articles into passages of at most ``limit`` tokens."""
    spans = passages.split_many(articles, layouts, encoder.tokenizer, limit)
    inputs = [
        passages.encoder_input(article.title, article.text[start:end])
        for article, own in zip(articles, spans, strict=True)
        for start, end in own
    ]
    return Cut(
        inputs,
        np.array([len(own) for own in spans], np.int64),
        np.array([span for own in spans for span in own], np.int32).reshape(-1, 2),
        input_keys(inputs, encoder.identity),
    )


def embed(found: Cut, encoder: Encoder, known: VectorIndex | None, progress: Callable[[int, int], None]) -> PartData:
    """The vector part of cut articles: encode each distinct input once, copy what ``known`` has.

    ``progress`` gets how many inputs are encoded, of how many.
    """
    distinct, first, inverse = np.unique(found.keys, axis=0, return_index=True, return_inverse=True)
    vectors = np.empty((len(distinct), encoder.identity.dimension), np.float32)
    places = np.full(len(distinct), -1, np.int64)
    if known is not None:
        places = known.lookup(distinct)
        vectors[places >= 0] = known.vectors(places[places >= 0])
    missing = np.flatnonzero(places < 0)
    progress(0, len(missing))
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, len(missing))

    vectors[missing] = encoder.encode([found.inputs[first[i]] for i in missing], progress=advance)
    return build_vectors(vectors[inverse.reshape(-1)], found.counts, found.spans[:, 0], found.spans[:, 1], found.keys)
