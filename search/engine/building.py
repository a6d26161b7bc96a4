"""The passages of articles as an encoder takes them, and the vector part that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.encode import Encoder, input_keys
from search.engine.furniture.part import Spans as Furniture
from search.records import Article
from search.storage.container import PartData
from search.text import passages
from search.text.stretches import Rest
from search.vector import VectorIndex
from search.vector import build_part as build_vectors


@dataclass(frozen=True, slots=True)
class Cut:
    """The passages of n articles as the encoder takes them. ``counts`` int64[n] passages of each article; ``spans``
    int32[p, 2] offsets in the text; ``keys`` uint64[p, 2], equal for equal inputs; ``without`` uint64[n], a number for
    what was left out of each text, 0 for nothing."""

    inputs: list[str]
    counts: NDArray[np.int64]
    spans: NDArray[np.int32]
    keys: NDArray[np.uint64]
    without: NDArray[np.uint64]


def cut(
    articles: Sequence[Article],
    layouts: Sequence[passages.TextLayout],
    encoder: Encoder,
    limit: int,
    left_out: Furniture | None = None,
) -> Cut:
    """Cut articles into passages of at most ``limit`` tokens.

    What is ``left_out`` of them is at neither end of a passage, and what stands inside of one is not encoded, though
    its offsets span it. An article of nothing else is cut as it is.
    """
    texts, laid = list(articles), list(layouts)
    rests: dict[int, Rest] = {}
    for number, furniture in enumerate([] if left_out is None else map(left_out.of, range(len(articles)))):
        if furniture and (rest := Rest(articles[number].text, furniture)).text:
            rests[number] = rest
            texts[number] = replace(articles[number], text=rest.text)
            laid[number] = _moved(layouts[number], rest)
    spans = passages.split_many(texts, laid, encoder.tokenizer, limit)
    inputs = [
        passages.encoder_input(article.title, article.text[start:end])
        for article, own in zip(texts, spans, strict=True)
        for start, end in own
    ]
    for number, rest in rests.items():
        spans[number] = [rest.whole(start, end) for start, end in spans[number]]
    return Cut(
        inputs,
        np.array([len(own) for own in spans], np.int64),
        np.array([span for own in spans for span in own], np.int32).reshape(-1, 2),
        input_keys(inputs, encoder.identity),
        np.zeros(len(articles), np.uint64) if left_out is None else left_out.numbers(),
    )


def _moved(layout: passages.TextLayout, rest: Rest) -> passages.TextLayout:
    """The sentences of what is left of a text."""
    every = zip(layout.starts, layout.ends, layout.paragraphs, strict=True)
    kept = [(*moved, paragraph) for start, end, paragraph in every if (moved := rest.moved(start, end)) is not None]
    return passages.TextLayout(*(list(values) for values in zip(*kept, strict=True)))


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
    return build_vectors(
        vectors[inverse.reshape(-1)], found.counts, found.spans[:, 0], found.spans[:, 1], found.keys, found.without
    )
