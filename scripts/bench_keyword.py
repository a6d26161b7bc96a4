"""Measure keyword search beside named peers.

    scripts/bench keyword --data FILE [--sizes 5000,20000] [--engines NAMES] [--repeat]

FILE is JSON lines, gzipped or not, with "title" and "text". Beyond the articles it has, a size is reached by articles
whose paragraphs are drawn from two of them; with --repeat, by all of them again and again. Ours then merges one part
with itself: its rate is that of the first copy. Stock Whoosh, Tantivy, bm25s and ours index the same articles on one
thread and answer the same 200 queries drawn from headlines: of two or three words, of all words, of frequent words,
phrases, and prefixes; the ten best each. Each engine indexes in one process and answers in another. A peer that is not
installed, or takes too long or too much memory at a size, is named and left out. Then what is asked to be slow, of ours
alone, at the largest size.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ENGINES = ("broadsheet", "tantivy", "bm25s", "whoosh")
KINDS = ("short", "long", "frequent", "phrase", "prefix")
LIMITS = {"whoosh": 5_000, "bm25s": 20_000}  # articles: minutes of indexing beyond, and all tokens in memory
BATCH = 10_000
RUNS = 5
Document = tuple[str, str]
Ask = Callable[[str, str], int]


def read(path: Path) -> Iterator[Document]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
        record = json.loads(line)
        yield record.get("title") or "", record.get("text") or ""


def grown(real: Sequence[Document], size: int, rng: random.Random) -> Iterator[Document]:
    """The first ``size`` articles, and then mixtures of two of them."""
    yield from real[:size]
    for _ in range(size - len(real)):
        one, other = rng.choice(real), rng.choice(real)
        mixed = [rng.choice(pair) for pair in zip(one[1].split("\n\n"), other[1].split("\n\n"), strict=False)]
        yield one[0], "\n\n".join(mixed)


def queries(documents: Sequence[Document], count: int, rng: random.Random) -> list[tuple[str, str]]:
    """(kind, text), as many of each kind."""
    from search.keyword.analysis import STOP_WORDS

    titles = [title.split() for title, _ in documents]
    titles = [words for words in titles if len(words) >= 5 and all(word.isalpha() for word in words[:4])]
    common = Counter(w.lower() for words in titles for w in words if w.isalpha() and w.lower() not in STOP_WORDS)
    frequent = [word for word, _ in common.most_common(100)]
    found = []
    for number in range(count):
        kind, words = KINDS[number % len(KINDS)], rng.choice(titles)
        if kind == "short":
            words = words[: rng.choice((2, 3))]
        elif kind == "frequent":
            words = rng.sample(frequent, 3)
        elif kind == "phrase":
            start = rng.randrange(3)
            words = words[start : start + 2]
        elif kind == "prefix":
            words = [max(words, key=len)[:5].lower()]
        found.append((kind, " ".join(words)))
    return found


class Broadsheet:
    """Ours, without the catalog: batches of 10,000 become parts, and one part in the end."""

    def index(self, documents: Sequence[Document], folder: Path) -> None:
        import numpy as np

        from search.keyword.layout import KIND
        from search.keyword.merge import merge_parts
        from search.keyword.writer import build_part
        from search.passages import lay_out
        from search.records import Article
        from search.storage.container import open_part, write_part

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

        from search.keyword.layout import KIND
        from search.keyword.merge import merge_parts
        from search.storage.container import open_part, write_part

        part = open_part(folder / "all", KIND)
        every = np.ones(part.meta["articles"], bool)
        write_part(folder / "more", KIND, *merge_parts([part] * copies, [every] * copies))
        (folder / "more").replace(folder / "all")

    def open(self, folder: Path) -> Ask:
        import numpy as np

        from search.keyword import Bm25Settings, KeywordIndex, tree
        from search.keyword.layout import KIND
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

        from search.keyword.scoring import scoring_tokens

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


MAKERS: dict[str, Callable[[], Any]] = {"broadsheet": Broadsheet, "tantivy": Tantivy, "bm25s": Bm25s, "whoosh": Whoosh}


def peak() -> float:
    """The most memory this process has held, in MB, mapped files included."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the figure of getrusage begins with the parent's
        return float(next(n for n in status.read_text().splitlines() if n.startswith("VmHWM")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def index_once(engine: str, data: Path, folder: Path, copies: int) -> dict[str, float]:
    documents = list(read(data))
    if engine != "broadsheet":
        documents = documents * copies
    before = peak()
    with tempfile.TemporaryDirectory() as warm:  # imports and first calls are not what is measured
        MAKERS[engine]().index(documents[:20], Path(warm))
    indexed = len(documents)
    began, cpu = time.perf_counter(), time.process_time()
    MAKERS[engine]().index(documents, folder)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if engine == "broadsheet" and copies > 1:
        Broadsheet().repeat(folder, copies)
        documents = documents * copies
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    text = sum(len(body.encode()) + len(title.encode()) for title, body in documents)
    return {"rate": indexed / seconds, "cpu_rate": indexed / cpu, "share": size / text,
            "peak": peak(), "texts": before}  # fmt: skip


def ask_all(engine: str, folder: Path, asked: list[tuple[str, str]]) -> dict[str, Any]:
    import gc

    maker = MAKERS[engine]()
    maker.open(folder)
    began = time.perf_counter()
    ask = maker.open(folder)
    opened = (time.perf_counter() - began) * 1000
    times: dict[str, list[float]] = {}
    gc.disable()
    for kind, text in asked:
        try:
            ask(kind, text)
        except NotImplementedError:
            continue
        times.setdefault(kind, [])
    for kind, text in asked:
        if kind in times:
            runs = []
            for _ in range(RUNS):
                began = time.perf_counter()
                ask(kind, text)
                runs.append((time.perf_counter() - began) * 1000)
            times[kind].append(statistics.median(runs))
    return {"open": opened, "peak": peak(), "times": times}


def abuse(folder: Path) -> list[tuple[str, float, str]]:
    """What must be answered or refused within half a second, each in milliseconds (of the processor)."""
    from whoosh import query as whoosh

    from search.errors import QueryError
    from search.keyword import tree

    maker = Broadsheet()
    maker.open(folder)
    view = maker.view
    segment = view.index.segments[0]
    words = [segment.words[i * len(segment.words) // 10_000].decode() for i in range(10_000)]
    deep: Any = tree.Word(None, "peace")
    for _ in range(1000):
        deep = whoosh.And([whoosh.Or([deep])])
    cases: dict[str, Callable[[], Any]] = {
        "t*": lambda: view.match(tree.Wildcard(None, "t*")),
        "*a*": lambda: view.match(tree.Wildcard(None, "*a*")),
        "x~2": lambda: view.match(tree.Fuzzy(None, "x", 2)),
        "10,000 words, ranked": lambda: view.rank(words, None, None, 1000),
        "10,000 words, all of them": lambda: view.match_words(words),
        "10,000 words, OR": lambda: view.match(whoosh.Or([tree.Word(None, word) for word in words])),
        "1,000 parentheses": lambda: view.match(deep),
        "regular expression (a+)+$": lambda: view.match(whoosh.Regex("text", "(a+)+$")),
        "president w/255 said": lambda: view.match(
            tree.Near(tree.Word(None, "president"), tree.Word(None, "said"), 255)
        ),
        "president w/s said": lambda: view.match(
            tree.SameSentence(tree.Word(None, "president"), tree.Word(None, "said"))
        ),
        '"of the"': lambda: view.match(tree.Word(None, "of the")),
        "the w/5 of": lambda: view.match(tree.Near(tree.Word(None, "the"), tree.Word(None, "of"), 5)),
        "the w/255 the": lambda: view.match(tree.Near(tree.Word(None, "the"), tree.Word(None, "the"), 255)),
        "the w/s of": lambda: view.match(tree.SameSentence(tree.Word(None, "the"), tree.Word(None, "of"))),
    }
    found = []
    for name, case in cases.items():
        began = time.process_time()
        try:
            answer = case()
            outcome = f"{int(answer.sum()):,} articles" if hasattr(answer, "sum") else f"{len(answer[0]):,} best"
        except QueryError as error:
            outcome = f"refused: {error}"
        found.append((name, (time.process_time() - began) * 1000, outcome))
    return found


def child(arguments: Sequence[str]) -> Any:
    """Run a phase in a process of its own, on one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def compare(size: int, engines: Sequence[str], real: Sequence[Document], work: Path, repeat: bool) -> None:
    copies = -(-size // len(real)) if repeat else 1
    data = work / "articles.jsonl"
    with data.open("w", encoding="utf-8") as out:
        for title, text in grown(real, size // copies, random.Random(1)):
            out.write(json.dumps({"title": title, "text": text}) + "\n")
    asked = work / "queries.json"
    asked.write_text(json.dumps(queries(real, 200, random.Random(2))))
    print(f"\n## {size:,} articles\n")
    print(
        "| engine | articles/s | of CPU | size / text | open ms | peak MB index / query | all: median, p99 ms |", end=""
    )
    print("".join(f" {kind} |" for kind in KINDS))
    print("|" + "---|" * (7 + len(KINDS)))
    for engine in engines:
        if size > LIMITS.get(engine, size):
            print(f"| {engine} | left out beyond {LIMITS[engine]:,} articles |" + " |" * (5 + len(KINDS)))
            continue
        folder = work / engine
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        made = child(["--phase", f"index:{copies}", engine, str(data), str(folder)])
        answered = child(["--phase", "query", engine, str(asked), str(folder)])
        times = answered["times"]
        cells = [f"{made['rate']:,.0f}", f"{made['cpu_rate']:,.0f}", f"{made['share']:.2f}", f"{answered['open']:.1f}"]
        cells.append(f"{made['peak'] - made['texts']:,.0f} / {answered['peak']:,.0f}")
        cells.append(shown([t for kind in times.values() for t in kind]))
        cells += [shown(times.get(kind, [])) for kind in KINDS]
        print(f"| {engine} | " + " | ".join(cells) + " |", flush=True)


def shown(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.3f}, {percentile(times, 0.99):.3f}" if times else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", default="5000,20000")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--phase", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.phase:
        phase, engine, first, folder = options.phase
        if phase.startswith("index:"):
            print(json.dumps(index_once(engine, Path(first), Path(folder), int(phase.removeprefix("index:")))))
        elif phase == "query":
            print(json.dumps(ask_all(engine, Path(folder), json.loads(Path(first).read_text()))))
        else:
            print(json.dumps(abuse(Path(folder))))
        return
    if options.data is None:
        parser.error("--data FILE is needed: articles as JSON lines")
    engines = []
    for engine in options.engines.split(","):
        if engine != "broadsheet" and importlib.util.find_spec(engine) is None:
            print(f"{engine} is not installed: skipped", file=sys.stderr)
        else:
            engines.append(engine)
    real = list(read(options.data))
    with tempfile.TemporaryDirectory() as work:
        for size in map(int, options.sizes.split(",")):
            compare(size, engines, real, Path(work), options.repeat)
        if "broadsheet" in engines:
            print(f"\n## Asked to be slow, {size:,} articles\n\n| query | ms of CPU | outcome |\n|---|---|---|")
            for name, spent, outcome in child(["--phase", "abuse", "broadsheet", "-", str(Path(work) / "broadsheet")]):
                print(f"| `{name}` | {spent:.0f} | {outcome} |")


if __name__ == "__main__":
    main()
