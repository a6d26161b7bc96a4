"""An archive of real articles whose vectors are drawn again from a few thousand real ones, in minutes, not hours.

Words, passages and model are real, so queries are encoded, ranked and shown as in any archive. Vectors are not those of
their passages: each title draws an article of the donor, and each passage one of that article's vectors, moved a
little and brought back to norm 1. What is measured on it is latency and size; it says nothing of quality.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock
from zlib import crc32

import numpy as np

from search import Archive, Article, encode, ingest
from search.encode import Encoder, input_keys
from search.engine.index import index
from search.records import Rejection
from search.storage.container import open_part
from search.text import passages

SAMPLE = 400  # articles that are really encoded where there is no donor
NOISE = 0.25  # length of the move of a vector of norm 1


class BootstrapEncoder:
    """The real model's identity and tokenizer; vectors drawn from ``vectors`` of the articles ``counts`` long."""

    def __init__(self, model: Encoder, vectors: np.ndarray, counts: np.ndarray) -> None:
        self.identity = model.identity
        self.tokenizer = model.tokenizer
        self.encode_query = model.encode_query
        kept = counts[counts > 0]
        self._vectors, self._counts = vectors.astype(np.float32), kept
        self._starts = np.append(0, np.cumsum(kept))

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> np.ndarray:
        """Encoder inputs as float32[n, d], rows of L2 norm 1; the same for the same texts in any batch."""
        articles = np.array([crc32(text.partition("\n")[0].encode()) % len(self._counts) for text in texts], np.int64)
        keys = input_keys(texts, self.identity)[:, 0]
        found = self._vectors[self._starts[articles] + (keys % self._counts[articles].astype(np.uint64)).astype(int)]
        for start in range(0, len(texts), 10_000):
            rows = found[start : start + 10_000]
            rng = np.random.default_rng(int(keys[start]))
            rows += rng.normal(scale=NOISE / rows.shape[1] ** 0.5, size=rows.shape).astype(np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        if progress is not None:
            progress(len(texts))
        return found


def donated(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """All vectors of an archive and the number of each article's."""
    parts = [open_part(file, "vectors") for file in sorted(path.glob("segments/*/vectors.part"))]
    if not parts:
        raise SystemExit(f"{path} has no vectors")
    counts = np.concatenate([np.diff(part["passage_starts"]) for part in parts])
    return np.concatenate([part["vectors"] for part in parts]), counts


def _encoded(model: Encoder, articles: Sequence[Article]) -> tuple[np.ndarray, np.ndarray]:
    layouts = [passages.lay_out(article.text) for article in articles]
    spans = passages.split_many(articles, layouts, model.tokenizer, 230)
    texts = [
        passages.encoder_input(article.title, article.text[start:end])
        for article, own in zip(articles, spans, strict=True)
        for start, end in own
    ]
    return model.encode(texts), np.array([len(own) for own in spans])


def build(data: Path, folder: Path, donor: Path | None, times: int = 1) -> None:
    """Make an archive of the articles of ``data`` in ``folder``. ``donor``: an archive with vectors; None: encode some.

    ``times``: how often every article comes, under ids and titles of its own.
    """

    def items() -> Iterator[Article | Rejection]:
        for turn in range(times):
            every = ingest.read([data])
            yield from every if not turn else (_again(item, turn) for item in every)

    build_of(items(), folder, encoder_from(data, donor))


def encoder_from(data: Path, donor: Path | None) -> BootstrapEncoder:
    """The encoder that draws from the vectors of an archive or, without one, of some articles of ``data``."""
    model = encode.load_encoder()
    encode.prepare_query_encoder(model)
    if donor is not None:
        drawn = donated(donor)
    else:
        some = itertools.islice((item for item in ingest.read([data]) if isinstance(item, Article)), SAMPLE)
        drawn = _encoded(model, list(some))
    return BootstrapEncoder(model, *drawn)


def settle(archive: Archive, encoder: BootstrapEncoder) -> None:
    """Say that an archive has vectors of the model whose identity the encoder has, as a first ``index`` does."""
    identity = encoder.identity
    settings: dict[str, Any] = {"vectors": True, "encoder": asdict(identity), "model": identity.name}
    with archive._session.catalog.writing() as transaction:
        for key, value in settings.items():
            transaction.set(key, value)


def build_of(items: Iterable[Article | Rejection], folder: Path, encoder: BootstrapEncoder) -> None:
    """Make an archive in ``folder`` as ``index`` does, but for what encodes."""
    building = folder.with_name(f"{folder.name}.building-{os.getpid()}")
    with Archive.open(building, create=True) as archive:
        settle(archive, encoder)
        with mock.patch.object(archive._session, "encoder_for", return_value=lambda: encoder):
            index(archive._session, items, 1000, True)
    building.rename(folder)


def _again(item: Any, turn: int) -> Any:
    """The same article under another id."""
    from dataclasses import replace

    return replace(item, id=f"{item.id}-{turn}", title=f"{item.title} ({turn})") if isinstance(item, Article) else item
