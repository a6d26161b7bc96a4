"""Embedding speed beside ``SentenceTransformer.encode`` with its defaults, then that of indexing as a whole.

    scripts/bench/run encode --data FILE [--passages 200] [--rounds 3] [--model NAME] [--articles 600]

Prints passages/s of each way to run the model (median and best of the rounds, which take turns), its ratio to the
defaults, and the least cosine to the defaults' own vectors; and which way measuring has chosen. bfloat16 takes part
only where the processor has it: elsewhere it is emulated, many times slower.

Then the first --articles articles (0: none) are indexed as ``add`` does it, reading and inverting beside the model,
with the seconds of each stage. All of it is in one process and in temporary folders.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Report
from search import Archive, Article, encode
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
from search.engine.watch import Stopwatch
from search.errors import EncoderError
from search.ingest import read
from search.text import passages

DEFAULTS = "SentenceTransformer.encode"


def ways(model: str | None, texts: list[str], rounds: int, report: Report) -> None:
    """The table of ways."""
    encoder = encode.load_encoder(model)
    assert isinstance(encoder, SentenceTransformerEncoder)
    encode.prepare_query_encoder(encoder)
    began = time.perf_counter()
    encoder.encode(texts)  # chooses a way, where none is known and there is enough text to measure with
    print(f"chosen: {encoder.how}; {len(texts)} passages in {time.perf_counter() - began:.1f} s with that")

    def defaults() -> np.ndarray:
        with silence():
            return encoder.model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    def through(way: str) -> np.ndarray:
        encoder.way = way
        return encoder.encode(texts)

    true = defaults()
    runs: dict[str, Any] = {DEFAULTS: defaults}
    cosines = {DEFAULTS: 1.0}
    for way in (FLOAT32, ONEDNN, ONNX, BFLOAT16, PRODUCTS)[: 5 if cpu_has_bfloat16() else 3]:
        try:
            cosines[way] = float((through(way) * true).sum(axis=1).min())
        except EncoderError as error:
            print(f"{way}: {error}")
            continue
        runs[way] = lambda way=way: through(way)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    base, least = statistics.median(times[DEFAULTS]), min(times[DEFAULTS])
    print(f"\n{len(texts)} passages, {os.cpu_count()} CPUs")
    print(f"{'':28}{'median/s':>10}{'':>8}{'best/s':>10}{'':>8}{'cosine':>10}")
    for name, taken in times.items():
        speeds = ""
        for own, whole in ((statistics.median(taken), base), (min(taken), least)):
            speeds += f"{len(texts) / own:>10.1f}{whole / own:>6.2f} x"
        print(f"{name:28}{speeds}{cosines[name]:>10.6f}")
        report.add(f"{name}: median", len(texts) / statistics.median(taken), "passages/s")
        report.add(f"{name}: least cosine", cosines[name], "")


def index(data: Path, model: str | None, articles: int, batch: int, report: Report) -> None:
    """Index some articles and say what it took."""
    items = itertools.islice((a for a in read([str(data)]) if isinstance(a, Article)), articles)
    with tempfile.TemporaryDirectory() as folder, Archive.open(Path(folder) / "a", create=True, model=model) as archive:
        archive.add([Article(id="first", title="The model is loaded.")])
        watch = Stopwatch()
        watched: dict[str, Any] = {"watch": watch} if "watch" in inspect.signature(archive.add).parameters else {}
        began, busy = time.perf_counter(), time.process_time()
        done = archive.add(items, batch=batch, **watched)
        wall, busy = time.perf_counter() - began, time.process_time() - busy
    print(f"\n{done.added} articles: {wall:.1f} s ({busy:.1f} s of CPU), {done.added / wall:.2f} articles/s")
    report.add("whole pipeline", done.added / wall, "articles/s")
    for name, seconds in sorted(watch.seconds.items(), key=lambda item: -item[1]):
        print(f"  {name:18}{seconds:>8.2f} s{seconds / wall:>8.1%}")


def main(report: Report) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="articles, as broadsheet index reads them")
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model")
    parser.add_argument("--articles", type=int, default=600)
    parser.add_argument("--batch", type=int, default=150)
    options = report.parse(parser)
    found = (a for a in read([str(options.data)]) if isinstance(a, Article))
    articles = list(itertools.islice(found, options.passages // 2))
    layouts = [passages.lay_out(article.text) for article in articles]
    spans = passages.split_many(articles, layouts, encode.load_encoder(options.model).tokenizer, 230)
    texts = [
        passages.encoder_input(article.title, article.text[start:end])
        for article, places in zip(articles, spans, strict=True)
        for start, end in places
    ]
    ways(options.model, texts[: options.passages], options.rounds, report)
    if options.articles:
        index(options.data, options.model, options.articles, options.batch, report)
