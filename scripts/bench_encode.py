#!/usr/bin/env python3
"""Embedding speed beside ``SentenceTransformer.encode`` with its defaults, then that of indexing as a whole.

    scripts/bench encode FILE [--passages 200] [--rounds 3] [--model NAME] [--articles 600]

Prints passages/s of each way to run the model (median and best of the rounds, which take turns), its ratio to the
defaults, and the least cosine to the defaults' own vectors; then which way two seconds of measuring choose. bfloat16
takes part only where the processor has it: elsewhere it is emulated, many times slower.

Then the first --articles articles (0: none) are indexed twice: one stage after the other, which says what each costs,
and as ``add`` does it, reading and inverting beside the model. All of it is in one process and in temporary folders.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from search import Archive, encode
from search.encode import calibration
from search.encode.loading import silence
from search.encode.transformer import (
    BFLOAT16,
    FLOAT32,
    ONEDNN,
    ONNX,
    PRODUCTS,
    SentenceTransformerEncoder,
    cpu_has_bfloat16,
)
from search.engine import building
from search.engine import index as writing
from search.engine.background import Background
from search.errors import EncoderError
from search.ingest import read
from search.records import Article
from search.storage import segments
from search.storage.catalog import Catalog
from search.text import passages

MODEL = "model"
STAGES: dict[str, list[tuple[Any, str]]] = {
    MODEL: [(SentenceTransformerEncoder, "encode")],
    "comparing": [(writing.Writer, "_sort_in"), (writing, "checked")],
    "sentences": [(passages, "lay_out")],
    "cutting": [(building, "cut")],
    "inverting": [(building.keyword_writer, "build_part")],
    "columns": [(building, "build_columns")],
    "vector part": [(building, "build_vectors")],
    "writing files": [(segments, "write_segment")],
    "committing": [(writing.Writer, "clean"), (Catalog, "snapshot")],
    "merging": [(writing.Writer, "_merge_tiers")],
    "waiting": [(Background, "_wait_until_idle")],
}


class Stages:
    """Seconds of each stage, each thread by itself; what a stage calls of another counts for that other alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._own = threading.local()
        self._lock = threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        inner: list[float] = self._own.__dict__.setdefault("inner", [])
        inner.append(0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            with self._lock:
                self.seconds[name] += took - inner.pop()
            if inner:
                inner[-1] += took

    @contextmanager
    def watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name, places in STAGES.items():
                for owner, function in places:
                    stack.enter_context(mock.patch.object(owner, function, self._timed(name, getattr(owner, function))))
            real = Catalog.writing

            @contextmanager
            def transaction(catalog: Catalog) -> Iterator[Any]:
                with self.stage("committing"), real(catalog) as found:
                    yield found

            stack.enter_context(mock.patch.object(Catalog, "writing", transaction))
            yield

    def _timed(self, name: str, work: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return work(*args, **kwargs)

        return timed

    def reading(self, items: Iterable[Any]) -> Iterator[Any]:
        iterator = iter(items)
        while True:
            with self.stage("reading"):
                item = next(iterator, None)
            if item is None:
                return
            yield item


class InTurn(Background):
    """No second stage: each job is done when it is handed over."""

    def submit(self, job: Any) -> None:
        job()


def models(options: argparse.Namespace, texts: list[str]) -> SentenceTransformerEncoder:
    """The table of ways; the encoder as it has chosen."""
    encoder = encode.load_encoder(options.model, "float32")
    assert isinstance(encoder, SentenceTransformerEncoder)
    encode.prepare_query_encoder(encoder)
    encoder._settled = True

    def defaults() -> np.ndarray:
        with silence():
            return encoder.model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    def through(way: str) -> np.ndarray:
        encoder.way = way
        return encoder.encode(texts)

    name = "SentenceTransformer.encode"
    runs: dict[str, Any] = {name: defaults}
    true = defaults()
    cosines = {name: 1.0}
    for way in (FLOAT32, ONEDNN, ONNX, BFLOAT16, PRODUCTS)[: 5 if cpu_has_bfloat16() else 3]:
        try:
            cosines[way] = float((through(way) * true).sum(axis=1).min())
        except EncoderError as error:
            print(f"{way}: {error}")
            continue
        runs[way] = lambda way=way: through(way)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    base, least = statistics.median(next(iter(times.values()))), min(next(iter(times.values())))
    print(f"{len(texts)} passages, {os.cpu_count()} CPUs")
    print(f"{'':28}{'median/s':>10}{'':>8}{'best/s':>10}{'':>8}{'cosine':>10}")
    for name, taken in times.items():
        speeds = ""
        for own, whole in ((statistics.median(taken), base), (min(taken), least)):
            speeds += f"{len(texts) / own:>10.1f}{whole / own:>6.2f} x"
        print(f"{name:28}{speeds}{cosines[name]:>10.6f}")
    chosen = encode.load_encoder(options.model)
    assert isinstance(chosen, SentenceTransformerEncoder)
    with mock.patch.object(calibration, "WORTH", 0), mock.patch.object(chosen, "_settled", False):
        began = time.perf_counter()
        chosen.encode(texts)
        print(
            f"\nchosen: {chosen.how}, measured and {len(texts)} passages encoded in {time.perf_counter() - began:.1f} s"
        )
    return chosen


def index(options: argparse.Namespace, encoder: SentenceTransformerEncoder, overlap: bool) -> None:
    """Index some articles and say what it took."""
    stages = Stages()
    items = itertools.islice((a for a in read([options.file]) if isinstance(a, Article)), options.articles)
    with tempfile.TemporaryDirectory() as folder, Archive.open(Path(folder) / "a", create=True) as archive:
        encoder._settled = True
        with (
            mock.patch.object(encode, "load_encoder", return_value=encoder),
            mock.patch.object(writing, "Background", Background if overlap else InTurn),
            stages.watching(),
        ):
            began, busy = time.perf_counter(), time.process_time()
            report = archive.add(stages.reading(items), batch=options.batch)
            wall, busy = time.perf_counter() - began, time.process_time() - busy
    rest = {name: seconds for name, seconds in stages.seconds.items() if name != "waiting"}
    rest["rest"] = max(wall - sum(rest.values()), 0.0) if not overlap else 0.0
    beside = sum(rest.values()) - rest[MODEL]
    how = "reading and inverting beside the model" if overlap else "one stage after the other"
    print(f"\n{report.added} articles, {how}: {wall:.1f} s ({busy:.1f} s of CPU), {report.added / wall:.2f} articles/s")
    print(f"{'all but the model':20}{beside:>8.2f} s{beside / wall:>8.1%}")
    for name, seconds in sorted(stages.seconds.items(), key=lambda one: -one[1]):
        print(f"  {name:18}{seconds:>8.2f} s{seconds / wall:>8.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model")
    parser.add_argument("--articles", type=int, default=600)
    parser.add_argument("--batch", type=int, default=150)
    options = parser.parse_args()
    found = (a for a in read([options.file]) if isinstance(a, Article))
    articles = list(itertools.islice(found, options.passages // 2))
    layouts = [passages.lay_out(article.text) for article in articles]
    spans = passages.split_many(articles, layouts, encode.load_encoder(options.model).tokenizer, 230)
    texts = [
        passages.encoder_input(article.title, article.text[start:end])
        for article, own in zip(articles, spans, strict=True)
        for start, end in own
    ]
    encoder = models(options, texts[: options.passages])
    if options.articles:
        index(options, encoder, overlap=False)
        index(options, encoder, overlap=True)


if __name__ == "__main__":
    main()
