"""The engines that the keyword benchmark compares: how each indexes articles and answers a query, and what is asked of
ours to be slow. Each indexes on one thread and gives the ten best."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from search.errors import QueryError

BATCH = 10_000
Document = tuple[str, str]
Ask = Callable[[str, str], int]


class Broadsheet:
    """Ours, without the catalog: batches of 10,000 become parts, and one part in the end."""

    def index(self, documents: Sequence[Document], folder: Path) -> None:
        import numpy as np

        from search.keyword.part.layout import KIND
        from search.keyword.part.merge import merge_parts
        from search.keyword.part.write import build_part
        from search.records import Article
        from search.storage.container import open_part, write_part
        from search.text.passages import lay_out

        names = []
        for start in range(0, len(documents), BATCH):
            batch = documents[start : start + BATCH]
            articles = [Article(id=str(start + i), title=title, text=text) for i, (title, text) in enumerate(batch)]
            write_part(folder / str(start), KIND, *build_part(articles, [lay_out(a.text) for a in articles]))
            names.append(str(start))
        parts = [open_part(folder / name, KIND) for name in names]
        if len(parts) > 1:
            write_part(folder / "all", KIND, *merge_parts(parts, [np.ones(p.meta["articles"], bool) for p in parts]))
            for name in names:
                (folder / name).unlink()
        else:
            (folder / names[0]).rename(folder / "all")

    def repeat(self, folder: Path, copies: int) -> None:
        """Make the part hold each of its articles so many times."""
        import numpy as np

        from search.keyword.part.layout import KIND
        from search.keyword.part.merge import merge_parts
        from search.storage.container import open_part, write_part

        part = open_part(folder / "all", KIND)
        every = np.ones(part.meta["articles"], bool)
        write_part(folder / "more", KIND, *merge_parts([part] * copies, [every] * copies))
        (folder / "more").replace(folder / "all")

    def open(self, folder: Path) -> Ask:
        import numpy as np

        from search.keyword import Bm25Settings, KeywordIndex, tree
        from search.keyword.part.layout import KIND
        from search.storage.container import open_part

        part = open_part(folder / "all", KIND)
        size = part.meta["articles"]
        columns = SimpleNamespace(published=np.zeros(size, np.int64), day=np.zeros(size, np.int32), find=None)
        self.view = view = KeywordIndex([part], columns, Bm25Settings()).at(np.ones(size, bool))

        def ask(kind: str, text: str) -> int:
            if kind == "prefix":
                return int(np.count_nonzero(view.match(tree.Wildcard(None, f"{text}*"))))
            mask = view.match(tree.Word(None, text)) if kind == "phrase" else None
            return len(view.rank(text.split(), mask, None, 10)[0])

        return ask


class Archive:
    """The whole product for words alone, through its public names: ten hits with passages, snippets and highlights."""

    def index(self, documents: Sequence[Document], folder: Path) -> None:
        import search

        articles = (search.Article(id=str(i), title=title, text=text) for i, (title, text) in enumerate(documents))
        with search.Archive.open(folder / "archive", create=True) as archive:
            archive.add(articles, batch=BATCH, vectors=False)
            archive.optimize()

    def open(self, folder: Path) -> Ask:
        import search

        archive = search.Archive.open(folder / "archive")
        len(archive)

        def ask(kind: str, text: str) -> int:
            if kind == "phrase":
                return len(archive.search(f'"{text}"', mode="keyword"))
            if kind == "prefix":
                return len(archive.search(f"{text}*", mode="keyword"))
            return len(archive.search(text, mode="keyword", literal=True))

        return ask


class Tantivy:
    """Title and body stemmed, BM25, one writing thread."""

    def _schema(self) -> Any:
        import tantivy

        builder = tantivy.SchemaBuilder()
        for name in ("title", "body"):
            builder.add_text_field(name, stored=False, tokenizer_name="en_stem")
        return builder.build()

    def index(self, documents: Sequence[Document], folder: Path) -> None:
        import tantivy

        index = tantivy.Index(self._schema(), str(folder))
        writer = index.writer(heap_size=500_000_000, num_threads=1)
        for title, text in documents:
            writer.add_document(tantivy.Document(title=title, body=text))
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder: Path) -> Ask:
        import tantivy

        index = tantivy.Index.open(str(folder))
        searcher, schema = index.searcher(), self._schema()

        def ask(kind: str, text: str) -> int:
            if kind == "prefix":
                query = tantivy.Query.regex_query(schema, "body", f"{text}.*")
                return int(searcher.search(query, 10).count)
            plain = "".join(c if c.isalnum() else " " for c in text)
            query = index.parse_query(f'"{plain}"' if kind == "phrase" else plain.lower(), ["title", "body"])
            return len(searcher.search(query, 10).hits)

        return ask


class Bm25s:
    """Scores computed when indexing; no phrases and no prefixes. Tokens are ours, and their time is counted."""

    def index(self, documents: Sequence[Document], folder: Path) -> None:
        import bm25s

        from search.keyword.analysis import TOKEN, shapes

        tokens = [[shapes(word)[2] for word in TOKEN.findall(f"{title} {text}")] for title, text in documents]
        model = bm25s.BM25(method="lucene")
        model.index(tokens, show_progress=False)
        model.save(str(folder))

    def open(self, folder: Path) -> Ask:
        import bm25s

        from search.keyword.rank.scoring import scoring_tokens

        model = bm25s.BM25.load(str(folder), mmap=True)

        def ask(kind: str, text: str) -> int:
            if kind in ("phrase", "prefix"):
                raise NotImplementedError
            words = [token.term for token in scoring_tokens(text.split())]
            words = [word for word in words if word in model.vocab_dict]
            if not words:
                return 0
            return len(model.retrieve([words], k=10, show_progress=False)[0][0])

        return ask


class Whoosh:
    """Stock Whoosh 2.7.4 with its own codec and scorer."""

    def index(self, documents: Sequence[Document], folder: Path) -> None:
        from whoosh.analysis import StemmingAnalyzer
        from whoosh.fields import TEXT, Schema
        from whoosh.filedb.filestore import FileStorage

        fields = {name: TEXT(analyzer=StemmingAnalyzer(), phrase=True) for name in ("title", "body")}
        writer = FileStorage(str(folder)).create_index(Schema(**fields)).writer(limitmb=512)
        for title, text in documents:
            writer.add_document(title=title, body=text)
        writer.commit()

    def open(self, folder: Path) -> Ask:
        from whoosh.filedb.filestore import FileStorage
        from whoosh.qparser import MultifieldParser, OrGroup
        from whoosh.query import Prefix

        index = FileStorage(str(folder)).open_index()
        searcher = index.searcher()
        parser = MultifieldParser(["title", "body"], index.schema, group=OrGroup)

        def ask(kind: str, text: str) -> int:
            if kind == "prefix":
                return len(set(Prefix("body", text).docs(searcher)))
            plain = "".join(c if c.isalnum() else " " for c in text)
            return searcher.search(parser.parse(f'"{plain}"' if kind == "phrase" else plain), limit=10).scored_length()

        return ask


MAKERS: dict[str, Callable[[], Any]] = {
    "broadsheet": Broadsheet,
    "archive": Archive,
    "tantivy": Tantivy,
    "bm25s": Bm25s,
    "whoosh": Whoosh,
}


def abuse(folder: Path) -> list[tuple[str, float, str]]:
    """What must be answered or refused within half a second, each in milliseconds (of the processor)."""
    from whoosh import query as whoosh

    from search.keyword import tree

    maker = Broadsheet()
    maker.open(folder)
    view = maker.view
    segment = view.index.segments[0]
    words = [segment.words[i * len(segment.words) // 10_000].decode() for i in range(10_000)]

    def word(text: str) -> Any:
        return tree.Word(None, text)

    def near(left: str, right: str, distance: int) -> Any:
        return tree.Near(word(left), word(right), distance)

    deep = word("peace")
    for _ in range(1000):
        deep = tree.And((tree.Or((deep,)),))
    cases: dict[str, Callable[[], Any]] = {
        "t*": lambda: view.match(tree.Wildcard(None, "t*")),
        "*a*": lambda: view.match(tree.Wildcard(None, "*a*")),
        "x~2": lambda: view.match(tree.Fuzzy(None, "x", 2)),
        "10,000 words, ranked": lambda: view.rank(words, None, None, 1000),
        "10,000 words, all of them": lambda: view.match_words(words),
        "10,000 words, OR": lambda: view.match(tree.Or(tuple(word(text) for text in words))),
        "1,000 parentheses": lambda: view.match(deep),
        "regular expression (a+)+$": lambda: view.match(tree.Foreign(whoosh.Regex("text", "(a+)+$"))),
        "president w/255 said": lambda: view.match(near("president", "said", 255)),
        "president w/s said": lambda: view.match(tree.SameSentence(word("president"), word("said"))),
        '"of the"': lambda: view.match(word("of the")),
        "the w/5 of": lambda: view.match(near("the", "of", 5)),
        "the w/255 of": lambda: view.match(near("the", "of", 255)),
        "the w/255 the": lambda: view.match(near("the", "the", 255)),
        "the w/s of": lambda: view.match(tree.SameSentence(word("the"), word("of"))),
        "the w/5 (of w/5 to)": lambda: view.match(tree.Near(word("the"), near("of", "to", 5), 5)),
        "the w/s (of w/s to)": lambda: view.match(
            tree.SameSentence(word("the"), tree.SameSentence(word("of"), word("to")))
        ),
        "(the w/5 and) w/5 (of w/5 to)": lambda: view.match(tree.Near(near("the", "and", 5), near("of", "to", 5), 5)),
        "((the w/5 and) w/5 of) w/5 to": lambda: view.match(
            tree.Near(tree.Near(near("the", "and", 5), word("of"), 5), word("to"), 5)
        ),
    }
    found = []
    for name, case in cases.items():
        maker.open(folder)  # so that nothing is known from the case before
        view = maker.view
        began = time.process_time()
        try:
            answer = case()
            outcome = f"{int(answer.sum()):,} articles" if hasattr(answer, "sum") else f"{len(answer[0]):,} best"
        except QueryError as error:
            outcome = f"refused: {error}"
        found.append((name, (time.process_time() - began) * 1000, outcome))
    return found
