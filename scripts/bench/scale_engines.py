"""The engines that the benchmark of growth compares: how each grows, and gives ten hits with snippets and marks."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

CHARACTERS = 280  # of a snippet
COMMITS = 3
_WORD = re.compile(r"\w+")
Asked = tuple[str, Callable[[str], object], list[str]]


def size_on_disk(folder: Path) -> float:
    """MiB that a folder takes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / (1 << 20)


class Ours:
    """The product, through its public names; vectors are drawn, all else is as it always is."""

    def __init__(self, folder: Path, data: Path, donor: Path | None, vectors: bool) -> None:
        from search import Archive

        self._data, self._donor, self._vectors = data, donor, vectors
        self._encoder: Any = None
        self.archive = Archive.open(folder, create=True)
        self.mode = "keyword"

    def prepare(self) -> None:
        """Load what encodes, which is not part of what is measured."""
        from bench import bootstrapped

        if self._vectors:
            self._encoder = bootstrapped.encoder_from(self._data, self._donor)
            bootstrapped.settle(self.archive, self._encoder)

    def _encoding(self) -> Any:
        session = self.archive._session
        if self._encoder is None:
            return nullcontext()
        return mock.patch.object(session, "encoder_for", return_value=lambda: self._encoder)

    def grow(self, articles: Iterable[Any]) -> None:
        """Add articles."""
        with self._encoding():
            self.archive.add(articles, vectors=self._vectors)

    def ten_hits(self, query: str) -> int:
        """By words: hits with title, source, date, snippet and marks."""
        found = self.archive.search(query, mode="keyword", literal=not query.startswith('"'))
        return sum(len(hit.snippet) + len(hit.highlights) for hit in found)

    def others(self, queries: dict[str, list[str]]) -> Iterator[Asked]:
        """What else is asked: name, what is timed, and of what."""
        archive, words = self.archive, queries["words"]

        def search(query: str, **settings: Any) -> int:
            return len(archive.search(query, **{"mode": "keyword", **settings}))

        yield "words, engine alone", lambda q: search(q, limit=1, passages=0, literal=True), words
        yield "w/s", search, queries["w/s"]
        yield "misspelt", search, queries["misspelt"]
        if archive.settings["vectors"]:
            yield "hybrid", lambda q: search(q, mode="hybrid", literal=True), words
        yield "facets of a query", lambda q: archive.facets(q, literal=True), words
        yield "facets of all", lambda q: archive.facets("*"), words[:40]
        yield "timeline of all", lambda q: archive.timeline("*", by="year"), words[:40]
        yield "context of 2,000 tokens", lambda q: archive.retrieve(q, budget=2000), queries["context"]

    def after_commits(self, change: Callable[[], None]) -> dict[str, float]:
        """What the first search and the first facets take after another process's commit; the median of some."""
        asked: dict[str, Callable[[], object]] = {
            "first search after a commit": lambda: self.ten_hits("minister vote budget"),
            "first facets after a commit": lambda: self.archive.facets("*"),
        }
        found = {}
        for name, work in asked.items():
            took = []
            for _ in range(COMMITS):
                change()
                began = time.process_time()
                work()
                took.append((time.process_time() - began) * 1000)
            found[name] = sorted(took)[COMMITS // 2]
        return found

    def change(self) -> None:
        """A commit: the newest article is deleted."""
        last = next(iter(self.archive.search("*", sort="newest", limit=1)))
        self.archive.delete([last.article.id])

    def writing(self) -> dict[str, tuple[float, str]]:
        """What a commit of one article takes."""
        from search import Article

        self.prepare()
        took = []
        for number in range(8):
            one = Article(id=f"scale-{number}", title="A minister resigns", text="The minister resigned on Monday.")
            began = time.process_time()
            self.grow([one])
            took.append((time.process_time() - began) * 1000)
        self.archive.delete([f"scale-{number}" for number in range(8)])
        return {"one article added, median": (sorted(took[2:])[3], "ms")}


class Tantivy:
    """Stored fields, stemmed, one writing thread; hits with its SnippetGenerator's snippets."""

    def __init__(self, folder: Path, data: Path, donor: Path | None, vectors: bool) -> None:
        import tantivy

        folder.mkdir(parents=True, exist_ok=True)
        builder = tantivy.SchemaBuilder()
        for name in ("id", "source", "date"):
            builder.add_text_field(name, stored=True, tokenizer_name="raw")
        for name in ("title", "body"):
            builder.add_text_field(name, stored=True, tokenizer_name="en_stem")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, str(folder))
        self._searcher = self._index.searcher()

    def prepare(self) -> None:
        pass

    def grow(self, articles: Iterable[Any]) -> None:
        import tantivy

        writer = self._index.writer(heap_size=500_000_000, num_threads=1)
        for one in articles:
            fields = {"id": one.id, "source": one.source, "date": str(one.published), "title": one.title}
            writer.add_document(tantivy.Document(**fields, body=one.text))
        writer.commit()
        writer.wait_merging_threads()

    def ten_hits(self, query: str) -> int:
        import tantivy

        plain = " ".join(_WORD.findall(query))
        parsed = self._index.parse_query(f'"{plain}"' if query.startswith('"') else plain.lower(), ["title", "body"])
        shown = 0
        snippets = tantivy.SnippetGenerator.create(self._searcher, parsed, self._schema, "body")
        snippets.set_max_num_chars(CHARACTERS)
        titles = tantivy.SnippetGenerator.create(self._searcher, parsed, self._schema, "title")
        for _, address in self._searcher.search(parsed, 10).hits:
            document = self._searcher.doc(address)
            snippet = snippets.snippet_from_doc(document)
            shown += len(snippet.fragment()) + len(snippet.highlighted())
            shown += (
                len(document["source"]) + len(document["date"]) + len(titles.snippet_from_doc(document).highlighted())
            )
        return shown


class Fts5:
    """SQLite's own: porter stems, bm25, snippet() for the ten best."""

    def __init__(self, folder: Path, data: Path, donor: Path | None, vectors: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(folder / "fts5.sqlite")
        self._connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS news USING fts5"
            "(id UNINDEXED, source UNINDEXED, date UNINDEXED, title, body, tokenize = 'porter unicode61')"
        )

    def prepare(self) -> None:
        pass

    def grow(self, articles: Iterable[Any]) -> None:
        rows = ((one.id, one.source, str(one.published), one.title, one.text) for one in articles)
        with self._connection:
            self._connection.executemany("INSERT INTO news VALUES (?, ?, ?, ?, ?)", rows)

    def ten_hits(self, query: str) -> int:
        words = _WORD.findall(query)
        asked = f'"{" ".join(words)}"' if query.startswith('"') else " OR ".join(f'"{word}"' for word in words)
        best = self._connection.execute(
            "SELECT rowid FROM news WHERE news MATCH ? ORDER BY bm25(news) LIMIT 10", (asked,)
        ).fetchall()
        shown = 0
        for (row,) in best:
            found = self._connection.execute(
                "SELECT source, date, highlight(news, 3, '<', '>'), snippet(news, 4, '<', '>', '…', 45)"
                " FROM news WHERE news MATCH ? AND rowid = ?",
                (asked, row),
            ).fetchone()
            shown += sum(map(len, found))
        return shown


ENGINES: dict[str, Callable[..., Any]] = {"archive": Ours, "tantivy": Tantivy, "fts5": Fts5}
