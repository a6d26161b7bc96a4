#!/usr/bin/env python3
"""Embedding speed beside ``SentenceTransformer.encode`` with its defaults, on passages of real articles, in one run.

    scripts/bench encode FILE [--passages 200] [--rounds 3] [--model NAME]

Prints passages/s of each way (median of the rounds, which take turns), its ratio to the defaults, and the least cosine
to the defaults' own vectors; then what cutting and inverting cost beside the model. bfloat16 takes part only where the
processor has it: elsewhere it is emulated, many times slower.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

import numpy as np

from search import building, encode, passages
from search.encode.loading import silence
from search.encode.transformer import cpu_has_bfloat16
from search.ingest import read
from search.records import Article


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model")
    options = parser.parse_args()
    began = time.perf_counter()
    articles = list(
        itertools.islice((a for a in read([options.file]) if isinstance(a, Article)), options.passages // 2)
    )
    shares = {"reading": time.perf_counter() - began}
    ways = {way: encode.load_encoder(options.model, way) for way in ("float32", "bfloat16")[: 1 + cpu_has_bfloat16()]}
    packed = ways["float32"]
    packed.tokenizer.count([a.text for a in articles])  # warm
    began = time.perf_counter()
    layouts = [passages.lay_out(article.text) for article in articles]
    shares["layout"] = time.perf_counter() - began
    began = time.perf_counter()
    cut = building.cut(articles, layouts, packed, passages.PASSAGE_TOKENS)
    shares["passages"] = time.perf_counter() - began
    began = time.perf_counter()
    building.prepare(articles, list(range(1, len(articles) + 1)), None, 0)
    shares["keyword (layout again)"] = time.perf_counter() - began
    whole = len(cut.inputs)
    texts = cut.inputs[: options.passages]
    model = packed.model

    def defaults() -> np.ndarray:
        with silence():
            return model.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    runs = {"SentenceTransformer.encode": defaults, **{way: lambda e=e: e.encode(texts) for way, e in ways.items()}}
    times: dict[str, list[float]] = {name: [] for name in runs}
    true = defaults()
    cosines = {name: float((run() * true).sum(axis=1).min()) for name, run in runs.items()}
    for _ in range(options.rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    base = statistics.median(times["SentenceTransformer.encode"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:28} {len(texts) / median:8.1f} passages/s  {base / median:5.2f} x  cosine {cosines[name]:.6f}")
    seconds = min(statistics.median(times[way]) for way in ways) / len(texts) * whole
    print(f"\n{len(articles)} articles, {whole} passages; model {seconds:.1f} s; beside it, of the model's time:")
    for name, taken in shares.items():
        print(f"{name:28} {taken:8.3f} s  {taken / seconds:6.1%}")


if __name__ == "__main__":
    main()
