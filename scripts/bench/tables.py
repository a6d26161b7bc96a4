"""The tables of measurements, filled from what is recorded in results/: a row says what, how much, and how.

In a row ``{keyword: 20,000, broadsheet: all, median}`` stands for the figure of that name in results/keyword.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bench.report import RESULTS, recorded

Row = tuple[str, str, str]
FEW: tuple[Row, ...] = (
    (
        "a keyword query on 20,000 articles, median",
        "{keyword: 20,000, broadsheet: all, median} ms; Tantivy {keyword: 20,000, tantivy: all, median}",
        "keyword",
    ),
    ("a hybrid query, warm, ten hits with snippets, median", "{hybrid: hybrid, median} ms", "hybrid"),
    ("a command from nothing: by words, hybrid", "{cold: keyword}, {cold: hybrid} s", "cold"),
    (
        "vectors of a million passages: a query, recall@10, memory",
        "{vector: 1,000,000 passages, broadsheet: median} ms, {vector: 1,000,000 passages, broadsheet: recall@10},"
        " {vector: 1,000,000 passages, broadsheet: memory} MB",
        "vector",
    ),
    (
        "SciFact, nDCG@10: words, meaning, both",
        "{quality: scifact, keyword}, {quality: scifact, vector}, {quality: scifact, hybrid};"
        " bm25s {quality: scifact, bm25s}, LanceDB {quality: scifact, lancedb}, txtai {quality: scifact, txtai}",
        "quality",
    ),
)
SETS = (
    ("scifact", "SciFact"),
    ("known", "a headline, its article without it"),
    ("short", "three words of a headline"),
    ("lead", "two thirds of a first sentence, the article without it"),
    ("long", "a question on two outlets' stories"),
    ("event", "other outlets' articles on an event"),
)
"""Test sets of rankings, and what their queries are."""
ALL: tuple[Row, ...] = (
    (
        "keyword query, 20,000 articles, median and p99",
        "{keyword: 20,000, broadsheet: all, median} and {keyword: 20,000, broadsheet: all, p99} ms;"
        " Tantivy {keyword: 20,000, tantivy: all, median} and {keyword: 20,000, tantivy: all, p99},"
        " bm25s {keyword: 20,000, bm25s: all, median} and {keyword: 20,000, bm25s: all, p99},"
        " Whoosh's own scorer {keyword: 20,000, whoosh: all, median} *",
        "keyword",
    ),
    (
        "phrase, prefix, median",
        "{keyword: 20,000, broadsheet: phrase, median}, {keyword: 20,000, broadsheet: prefix, median} ms;"
        " Tantivy {keyword: 20,000, tantivy: phrase, median}, {keyword: 20,000, tantivy: prefix, median}",
        "keyword",
    ),
    (
        "phrase, 5,000 articles, median",
        "{keyword: 5,000, broadsheet: phrase, median} ms; Tantivy {keyword: 5,000, tantivy: phrase, median}",
        "keyword",
    ),
    (
        "keyword query, phrase, 200,000 articles, median and p99",
        "{keyword: 200,000, broadsheet: all, median} and {keyword: 200,000, broadsheet: all, p99} ms,"
        " {keyword: 200,000, broadsheet: phrase, median} and {keyword: 200,000, broadsheet: phrase, p99};"
        " Tantivy {keyword: 200,000, tantivy: all, median} and {keyword: 200,000, tantivy: all, p99},"
        " {keyword: 200,000, tantivy: phrase, median} and {keyword: 200,000, tantivy: phrase, p99}",
        "keyword",
    ),
    (
        "keyword indexing, articles/s on one core",
        "{keyword: 20,000, broadsheet: indexing}; Tantivy {keyword: 20,000, tantivy: indexing},"
        " bm25s {keyword: 20,000, bm25s: indexing}, Whoosh {keyword: 5,000, whoosh: indexing} (of 5,000)",
        "keyword",
    ),
    (
        "keyword part, share of the text's bytes",
        "{keyword: 20,000, broadsheet: share of the text}; Whoosh {keyword: 5,000, whoosh: share of the text},"
        " Tantivy {keyword: 20,000, tantivy: share of the text}",
        "keyword",
    ),
    (
        "embedding, passages/s",
        "{encode: bfloat16 by products: median}; `SentenceTransformer.encode`"
        " {encode: SentenceTransformer.encode: median}; with AMX {encode: bfloat16: median} *",
        "encode",
    ),
    ("whole pipeline, articles/s", "{encode: whole pipeline}", "encode"),
    (
        "hybrid query, warm, ten hits with snippets, median and p99",
        "{hybrid: hybrid, median} and {hybrid: hybrid, p99} ms",
        "hybrid",
    ),
    (
        "cold command: `--help`, keyword, hybrid",
        "{cold: --help}, {cold: keyword}, {cold: hybrid} s; importing sentence_transformers"
        " {cold: import sentence_transformers}",
        "cold",
    ),
    (
        "30 research questions by words, ten hits with snippets, median",
        "{queries: questions by words, median} ms",
        "queries",
    ),
    (
        "facets, timeline over all 20,000",
        "{queries: facets over everything}, {queries: timeline over everything} ms",
        "queries",
    ),
    *(
        (
            f"vectors, {size} passages: median, recall@10, memory, disk †",
            "; ".join(
                f"{label}{{vector: {size} passages, {engine}: median}}{unit},"
                f" {{vector: {size} passages, {engine}: recall@10}},"
                f" {{vector: {size} passages, {engine}: memory}}{'' if label else ' MB'},"
                f" {{vector: {size} passages, {engine}: disk}}{'' if label else ' MB'}"
                for engine, label, unit in (
                    ("broadsheet", "", " ms"),
                    ("hnswlib", "hnswlib ", ""),
                    ("usearch", "usearch ", ""),
                    ("lancedb", "LanceDB ", ""),
                )
            ),
            "vector",
        )
        for size in ("133,000", "1,000,000")
    ),
    (
        "the same at a million, CPU s to build †",
        "{vector: 1,000,000 passages, broadsheet: build}; hnswlib {vector: 1,000,000 passages, hnswlib: build},"
        " usearch {vector: 1,000,000 passages, usearch: build}, LanceDB {vector: 1,000,000 passages, lancedb: build}",
        "vector",
    ),
    *(
        (
            f"server, 1 / 4 / 16 clients: {what}, requests/s, p99",
            " / ".join(
                f"{{serve: {kind}, {clients}: throughput}}" for clients in ("1 client", "4 clients", "16 clients")
            )
            + ", "
            + " / ".join(f"{{serve: {kind}, {clients}: p99}}" for clients in ("1 client", "4 clients", "16 clients"))
            + " ms",
            "serve",
        )
        for kind, what in (("hybrid", "hybrid"), ("keyword", "keyword"), ("context", "a context of 2,000 tokens"))
    ),
    (
        "server, memory without mapped files after 6,000 and 20,000 requests of all kinds",
        "{serve: memory after 6,000 requests, without mapped files},"
        " {serve: memory after 20,000 requests, without mapped files} MiB",
        "serve",
    ),
    (
        "server, a commit under load is found after",
        "{serve: a commit under load is found, median} ms"
        " (longest {serve: a commit under load is found, longest});"
        " requests that failed: {serve: requests that failed under commits}",
        "serve",
    ),
    *(
        (
            f"nDCG@10, {what}: hybrid, words, meaning",
            f"{{quality: {name}, hybrid}}, {{quality: {name}, keyword}}, {{quality: {name}, vector}};"
            f" bm25s {{quality: {name}, bm25s}}, LanceDB {{quality: {name}, lancedb}},"
            f" txtai {{quality: {name}, txtai}}",
            "quality",
        )
        for name, what in SETS
    ),
    *(
        (
            f"the same, {what}: by how much hybrid is above each, 95 % interval, p",
            "; ".join(
                f"{label} {{quality: {name}, hybrid less {peer}}}"
                f" [{{quality: {name}, hybrid less {peer}, low}}, {{quality: {name}, hybrid less {peer}, high}}],"
                f" {{quality: {name}, hybrid less {peer}, p}}"
                for peer, label in (("bm25s", "bm25s"), ("lancedb", "LanceDB"), ("txtai", "txtai"))
            ),
            "quality",
        )
        for name, what in SETS
    ),
    *(
        (
            f"{what}, inside 2,000 / 1,000 tokens",
            "; ".join(
                f"{label}{{quality: {name}, 2,000 tokens: {side}}} / {{quality: {name}, 1,000 tokens: {side}}}"
                for side, label in (
                    ("context", ""),
                    ("hybrid search", "best passages of a hybrid search "),
                    ("nearest passages", "nearest passages "),
                )
            ),
            "`scripts/quality_context.py`",
        )
        for name, what in (
            ("articles needed", "42 questions on the sample, articles needed"),
            ("sentences that answer", "the same, sentences that answer (116)"),
        )
    ),
    (
        "copies told among 500 stories with copies made of them: precision and recall of pairs, adjusted Rand index",
        "{stories: precision of pairs}, {stories: recall of pairs}, {stories: adjusted Rand index}",
        "stories",
    ),
    (
        "8 questions that the sample cannot answer: empty context",
        "{quality: unanswerable questions with an empty context}; the others never",
        "`scripts/quality_context.py`",
    ),
    (
        "kill -9 while indexing",
        "{quality: kills while indexing} kills, {quality: articles lost} articles lost",
        "`scripts/kill_indexing FILE`",
    ),
)
FIGURE = re.compile(r"\{(\w+): ([^}]+)\}")


def table(rows: tuple[Row, ...], folder: str = "") -> str:
    """Rows as a table in Markdown. Raises KeyError for a figure that is not recorded."""
    known = figures()

    def put(match: re.Match[str]) -> str:
        value, unit = known[match[1]][match[2]]
        if unit == "nDCG@10 more":
            return f"{value:+.3f}"
        if unit == "p":
            return "< 0.001" if value < 0.001 else f"{value:.3f}"
        if unit == "nDCG@10" or (not unit and 0 < value <= 1):  # a share: as many digits for each
            return f"{value:.3f}"
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"

    lines = ["| what | figure | how |", "|---|---|---|"]
    for what, template, how in rows:
        command = how if how.startswith("`") else f"`scripts/bench/run {how}`"
        lines.append(f"| {what} | {FIGURE.sub(put, template)} | {command} |")
    return "\n".join(lines)


def figures() -> dict[str, dict[str, tuple[float, str]]]:
    """Every recorded figure, by benchmark and name: value and unit."""
    return {
        path.stem: {name: (one["value"], one["unit"]) for run in recorded(path) for name, one in run["figures"].items()}
        for path in sorted(RESULTS.glob("*.json"))
    }


def provenance() -> Iterator[str]:
    """A line for each recorded run: the benchmark, the commit that was measured, when, and on what."""
    for path in sorted(RESULTS.glob("*.json")):
        for run in recorded(path):
            machine: dict[str, Any] = run["machine"]
            special = [name for name in ("avx512_bf16", "amx_bf16") if name in machine.get("instructions", ())]
            on = f"{machine['processor']}, {machine['cores']} cores{''.join(f', {name}' for name in special)}"
            yield f"- `{path.stem}`: commit {run['commit']}, {run['date']}, {on} ({len(run['figures'])} figures)"
