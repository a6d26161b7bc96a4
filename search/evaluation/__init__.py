"""How good are the rankings: query and judgement files in TREC's and BEIR's forms, measures by ir-measures."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from search.errors import MissingExtraError, ModeError, SourceError, UsageError
from search.records import Mode

if TYPE_CHECKING:
    from search.archive import Archive

MEASURES = ("nDCG@10", "MAP", "MRR@10", "R@10", "R@100")
_IR_MEASURES = {"MAP": "AP", "MRR@10": "RR@10"}  # where ir-measures has another name
DEPTH = 1000  # hits ranked for each query, as is usual for MAP
MODES = (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID)
_GZIP = b"\x1f\x8b"


class Query(NamedTuple):
    """A query of a test collection."""

    query_id: str
    text: str


class Ranked(NamedTuple):
    """One line of a run."""

    doc_id: str
    score: float


Qrels = Mapping[str, Mapping[str, int]]  # query_id -> doc_id -> relevance
Run = dict[str, list[Ranked]]  # query_id -> documents in rank order


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What ``evaluate`` found. ``measures`` and ``runs`` are by mode.

    ``unjudged``: queries of the file without judgements, not run. ``unknown``: judged queries that the file lacks, not
    counted. ``missing``: judged documents that the archive lacks; a ranking cannot find them.
    """

    measures: dict[Mode, dict[str, float]]
    runs: dict[Mode, Run]
    queries: int
    judged: int
    missing: int
    unjudged: int
    unknown: int
    notes: tuple[str, ...] = ()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with something on them, of a UTF-8 file that may be gzipped. Raises SourceError."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        opener: Any = gzip.open if packed else open
        with opener(path, "rt", encoding="utf-8-sig", newline="\n") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield number, text.rstrip("\r\n")
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path} is not a whole gzip file: {error}") from None
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error


def read_queries(path: Path, *, plain: bool = False) -> list[Query]:
    """Queries from JSON lines (``_id`` or ``id``, and ``text``) or from lines of an id, a tab and a text.

    With ``plain``, a file without tabs holds a query a line, numbered from 1. Raises SourceError, with file and line.
    """
    queries: dict[str, Query] = {}
    form = ""
    for number, text in _lines(path):
        if not form:
            form = "json" if text.lstrip().startswith("{") else "tab" if "\t" in text or not plain else "plain"
        try:
            query = _query(text, form, number)
        except ValueError as error:
            raise SourceError(f"{path}:{number}: {error}") from None
        if query.query_id in queries:
            raise SourceError(f"{path}:{number}: the query id {query.query_id!r} comes a second time")
        queries[query.query_id] = query
    if not queries:
        raise SourceError(f"{path} holds no queries")
    return list(queries.values())


def _query(text: str, form: str, number: int) -> Query:
    """One line as a query. Raises ValueError."""
    if form == "json":
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("not valid JSON") from None
        if not isinstance(record, dict):
            raise ValueError("not a JSON object")
        query_id = record.get("_id", record.get("id", record.get("query_id")))
        words = record.get("text", record.get("query"))
        if not isinstance(query_id, (str, int)) or isinstance(query_id, bool) or not isinstance(words, str):
            raise ValueError('a query needs "_id" (or "id") and "text"')
        return Query(str(query_id).strip(), words)
    if form == "plain":
        return Query(str(number), text.strip())
    query_id, tab, words = text.partition("\t")
    if not tab or not query_id.strip():
        raise ValueError("expected a query id, a tab and a text")
    return Query(query_id.strip(), words.strip())


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Judgements from TREC's four columns or BEIR's three (query, document, relevance, parted by tabs, with a header).

    Raises SourceError, with file and line.
    """
    qrels: dict[str, dict[str, int]] = {}
    for place, (number, text) in enumerate(_lines(path)):
        columns = [column.strip() for column in text.split("\t")] if "\t" in text else text.split()
        if len(columns) not in (3, 4):
            columns = text.split()
        if len(columns) not in (3, 4):
            raise SourceError(f"{path}:{number}: expected 3 (BEIR) or 4 (TREC) columns, found {len(columns)}")
        query_id, doc_id, grade = columns[0], columns[-2], columns[-1]
        try:
            relevance = int(grade)
        except ValueError:
            if place == 0:
                continue  # the header
            raise SourceError(f"{path}:{number}: the relevance {grade!r} is not a whole number") from None
        known = qrels.setdefault(query_id, {}).setdefault(doc_id, relevance)
        if known != relevance:
            raise SourceError(f"{path}:{number}: {doc_id!r} was judged {known} for query {query_id!r} before")
    if not qrels:
        raise SourceError(f"{path} holds no judgements")
    return qrels


def evaluate(
    archive: Archive,
    queries: Sequence[Query],
    qrels: Qrels,
    *,
    modes: Sequence[Mode] | None = None,
    depth: int = DEPTH,
    progress: Callable[[int, int], None] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Quality:
    """Run every judged query in every mode, as plain text, and measure.

    ``modes`` None: all that the archive can serve. ``settings``: others of the searches, by name. Raises
    MissingExtraError without ir-measures, UsageError when no query has judgements, ModeError for a mode asked for that
    cannot be served.
    """
    _ir_measures()
    chosen = [query for query in queries if query.query_id in qrels]
    if not chosen:
        raise UsageError("none of the queries has a judgement; do the two files belong together?")
    counted = {query.query_id: qrels[query.query_id] for query in chosen}
    wanted = MODES if modes is None else tuple(dict.fromkeys(modes))
    notes: list[str] = []
    runs: dict[Mode, Run] = {}
    for number, mode in enumerate(wanted):
        run: Run = {}
        try:
            for done, query in enumerate(chosen):
                run[query.query_id] = _ranked(archive, query, mode, depth, settings or {})
                if progress is not None:
                    progress(number * len(chosen) + done + 1, len(wanted) * len(chosen))
        except ModeError:
            if modes is not None:
                raise
            notes.append(f"mode {mode} left out: this archive has no vectors")
            continue
        runs[mode] = run
    documents = {doc_id for judged in counted.values() for doc_id in judged}
    return Quality(
        measures={mode: measure(run, counted) for mode, run in runs.items()},
        runs=runs,
        queries=len(chosen),
        judged=len(documents),
        missing=sum(doc_id not in archive for doc_id in documents),
        unjudged=len(queries) - len(chosen),
        unknown=len(qrels.keys() - counted.keys()),
        notes=tuple(notes),
    )


def _ranked(archive: Archive, query: Query, mode: Mode, depth: int, settings: Mapping[str, Any]) -> list[Ranked]:
    """A query's documents in rank order.

    TREC's tools order a run by its scores, in single precision, ties by document id; scores that tie in the archive
    (there: newest first) are therefore set apart by the least step that keeps the order.
    """
    if not query.text.strip():
        return []
    asked = {"limit": depth, "mode": mode, "passages": 0, "literal": True, **settings}
    results = archive.search(query.text, **asked)
    ranked: list[Ranked] = []
    above = np.float32(np.inf)
    for hit in results:
        above = min(np.float32(hit.score), np.nextafter(above, np.float32(-np.inf)))
        ranked.append(Ranked(hit.article.id, float(above)))
    return ranked


def measure(run: Run, qrels: Qrels) -> dict[str, float]:
    """The mean of each of ``MEASURES`` over all judged queries; one without results counts 0."""
    ir_measures = _ir_measures()
    parsed = {name: ir_measures.parse_measure(_IR_MEASURES.get(name, name)) for name in MEASURES}
    judgements = [
        ir_measures.Qrel(query_id, doc_id, relevance)
        for query_id, judged in qrels.items()
        for doc_id, relevance in judged.items()
    ]
    scored = [
        ir_measures.ScoredDoc(query_id, doc_id, score) for query_id, ranked in run.items() for doc_id, score in ranked
    ]
    found = ir_measures.calc_aggregate(list(parsed.values()), judgements, scored)
    return {name: float(found[one]) for name, one in parsed.items()}


def by_query(run: Run, qrels: Qrels) -> dict[str, dict[str, float]]:
    """Each of ``MEASURES`` for each judged query, by measure and query id; one without results counts 0."""
    ir_measures = _ir_measures()
    parsed = {ir_measures.parse_measure(_IR_MEASURES.get(name, name)): name for name in MEASURES}
    judgements = [
        ir_measures.Qrel(query, doc, grade) for query, judged in qrels.items() for doc, grade in judged.items()
    ]
    scored = [ir_measures.ScoredDoc(query, doc, score) for query, ranked in run.items() for doc, score in ranked]
    found = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    for one in ir_measures.iter_calc(list(parsed), judgements, scored):
        found[parsed[one.measure]][one.query_id] = float(one.value)
    return found


def run_lines(run: Run, tag: str) -> Iterator[str]:
    """A run in TREC's form: query, Q0, document, rank, score, tag. White space in an id is percent-encoded."""
    for query_id, ranked in run.items():
        for rank, (doc_id, score) in enumerate(ranked, 1):
            yield f"{_column(query_id)} Q0 {_column(doc_id)} {rank} {score:.9g} {tag}\n"


def _column(identifier: str) -> str:
    return re.sub(r"\s", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), identifier)


def _ir_measures() -> Any:
    try:
        import ir_measures
    except ImportError:
        raise MissingExtraError("ir-measures", "evaluate") from None
    return ir_measures
