"""The engines that are tortured beside ours, each used as its own documentation shows: how it adds documents to a
folder, what it answers, and what it says of its soundness."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

WORDS = ("warden", "gates ward", "w7")
NEAREST = 5


class Document:
    """A text with its id and its vector."""

    def __init__(self, number: int) -> None:
        from search.encode.hashing import HashEncoder
        from trials.material import news

        self.article = news(number, number + 1)[0]
        self.id, self.text = self.article.id, self.article.text
        self.vector = HashEncoder().encode([self.text])[0]


class Engine(Protocol):
    """``add`` returns when documents are stored, in a folder that may be new; ``answers`` are of words and of vectors;
    ``check`` is what the engine itself finds wrong; ``fresh``: whether it must be imported anew in each process."""

    name: str
    fresh: bool

    def add(self, folder: Path, documents: Sequence[Document]) -> None: ...

    def answers(self, folder: Path) -> Any: ...

    def check(self, folder: Path) -> list[str]: ...


def asked() -> list[np.ndarray]:
    """The vectors that are asked for."""
    from search.encode.hashing import HashEncoder

    return [HashEncoder().encode_query(words) for words in WORDS]


class Broadsheet:
    """Ours."""

    name, fresh = "Broadsheet", False

    def add(self, folder: Path, documents: Sequence[Document]) -> None:
        from search import Archive

        with Archive.open(folder, create=True, model="hash") as archive:
            archive.add([document.article for document in documents])

    def answers(self, folder: Path) -> Any:
        from search import Archive

        with Archive.open(folder) as archive:
            return [
                [(hit.article.id, hit.article.text, round(hit.score, 5)) for hit in archive.search(words, mode=mode)]
                for words in WORDS
                for mode in ("keyword", "vector")
            ]

    def check(self, folder: Path) -> list[str]:
        from search import Archive

        with Archive.open(folder) as archive:
            return archive.check()


class WhooshFaiss:
    """An index of Whoosh, and beside it one of FAISS with a list of ids, each saved after the other."""

    name, fresh = "Whoosh + a FAISS file", False

    def add(self, folder: Path, documents: Sequence[Document]) -> None:
        import faiss
        from whoosh import fields, index

        folder.mkdir(exist_ok=True)
        if index.exists_in(folder):
            words = index.open_dir(folder)
            vectors = faiss.read_index(str(folder / "vectors.faiss"))
            ids = json.loads((folder / "ids.json").read_text())
        else:
            words = index.create_in(folder, fields.Schema(id=fields.ID(stored=True), text=fields.TEXT(stored=True)))
            vectors, ids = faiss.IndexFlatIP(len(documents[0].vector)), []
        writer = words.writer()
        for document in documents:
            writer.add_document(id=document.id, text=document.text)
        writer.commit()
        vectors.add(np.stack([document.vector for document in documents]))
        faiss.write_index(vectors, str(folder / "vectors.faiss"))
        (folder / "ids.json").write_text(json.dumps([*ids, *(document.id for document in documents)]))
        words.close()

    def answers(self, folder: Path) -> Any:
        import faiss
        from whoosh import index
        from whoosh.qparser import QueryParser

        words = index.open_dir(folder)
        vectors = faiss.read_index(str(folder / "vectors.faiss"))
        ids = json.loads((folder / "ids.json").read_text())
        told: list[Any] = []
        with words.searcher() as searcher:
            for text in WORDS:
                hits = searcher.search(QueryParser("text", words.schema).parse(text))
                told.append([(hit["id"], hit["text"], round(hit.score, 5)) for hit in hits])
        for vector in asked():
            scores, found = vectors.search(vector[None], NEAREST)
            told.append([(ids[i], round(float(s), 5)) for i, s in zip(found[0], scores[0], strict=True) if i >= 0])
        if vectors.ntotal != words.doc_count() or len(ids) != vectors.ntotal:
            told.append("the two hold other documents")
        return told

    def check(self, folder: Path) -> list[str]:
        return []  # neither has one


class Fts5:
    """One database of SQLite with a full-text index, in the safest mode that it has; no vectors."""

    name, fresh = "SQLite FTS5", False

    def add(self, folder: Path, documents: Sequence[Document]) -> None:
        folder.mkdir(exist_ok=True)
        with self._open(folder) as connection, connection:
            connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS news USING fts5(id UNINDEXED, text)")
            connection.executemany("INSERT INTO news VALUES (?, ?)", [(one.id, one.text) for one in documents])

    @staticmethod
    @contextlib.contextmanager
    def _open(folder: Path) -> Any:
        with contextlib.closing(sqlite3.connect(folder / "news.sqlite")) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            yield connection

    def answers(self, folder: Path) -> Any:
        query = "SELECT id, text, round(rank, 5) FROM news WHERE news MATCH ? ORDER BY rank, id LIMIT 10"
        with self._open(folder) as connection:
            return [connection.execute(query, (words,)).fetchall() for words in WORDS]

    def check(self, folder: Path) -> list[str]:
        with self._open(folder) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            connection.execute("INSERT INTO news(news) VALUES ('integrity-check')")
        return [] if found == ["ok"] else found


class Lance:
    """A table of LanceDB with texts and vectors, read in full for words."""

    name, fresh = "LanceDB", True

    def add(self, folder: Path, documents: Sequence[Document]) -> None:
        os.environ.setdefault("LANCE_LOG", "error")
        import lancedb

        rows = [{"id": one.id, "text": one.text, "vector": one.vector.tolist()} for one in documents]
        database = lancedb.connect(folder)
        if "news" in database.table_names():
            database.open_table("news").add(rows)
        else:
            database.create_table("news", rows)

    def answers(self, folder: Path) -> Any:
        import lancedb

        table = lancedb.connect(folder).open_table("news")
        rows = table.to_arrow().to_pylist()
        told: list[Any] = [sorted((row["id"], row["text"]) for row in rows)]
        for vector in asked():
            hits = table.search(vector).distance_type("dot").limit(NEAREST).to_list()
            told.append([(hit["id"], hit["text"], round(hit["_distance"], 5)) for hit in hits])
        return told

    def check(self, folder: Path) -> list[str]:
        return []  # it has none


ENGINES: tuple[Callable[[], Engine], ...] = (Broadsheet, WhooshFaiss, Fts5, Lance)
