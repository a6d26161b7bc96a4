"""Export and import: everything in an archive as lines of JSON, and an archive made of them again.

The first line says what the archive was built with and has its alerts; then comes an article a line, all fields of it
as the archive keeps them, in the order of their rows; the last line counts them, so that a file that was cut short is
known for it. A record that is damaged has a line that says so in its place. The three lines that are no articles have
the key "broadsheet".
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from search.encode import named, same_model
from search.engine.alerts import new_alert, saved
from search.engine.index import index
from search.engine.intake import Progress
from search.engine.legs import Mask
from search.engine.plan import Plan
from search.engine.rank import alone
from search.engine.request import Request
from search.engine.stories.shown import stand_ins
from search.engine.withdrawals import Withdrawals
from search.errors import ArchiveDamaged, SearchError, SettingsDamaged, SourceError, UsageError
from search.records import AddReport, Alert, Article, Copies, ImportReport, Rejection
from search.records.editions import KEY as EDITION
from search.records.numbers import counted
from search.storage import codec
from search.storage.catalog import Catalog
from search.storage.copies import pinned

if TYPE_CHECKING:
    from search.engine.session import Session
    from search.engine.view import View

MARK = "broadsheet"
VERSION = 1
_PAGE = 500
_DAMAGES = (SearchError, TypeError, ValueError)


def export(session: Session, request: Request | None) -> Iterator[str]:
    """An archive, or what matches a request, as lines without their ends.

    Without a request, the catalog alone is read: segments may be damaged or missing. Both are of one commit, which is
    held until the end.
    """
    if request is None:
        yield from _all(session)
    else:
        yield from _matching(session, request)


def _all(session: Session) -> Iterator[str]:
    catalog = session.catalog
    with pinned(catalog) as commit:
        newest = catalog.last_row()
        records = (
            (row, article_id, blob, check)
            for row, article_id, blob, check, died, _ in catalog.raw_records()
            if row <= newest and (died is None or died > commit)
        )
        yield _header(session, [(alert, catalog.last_id(alert.last_row, commit)) for alert in saved(session)])
        yield from _lines(records)


def _matching(session: Session, request: Request) -> Iterator[str]:
    with session.reading() as view:
        ordinals = np.flatnonzero(_exported(view, view.plan(request)))
        rows = view.columns.rows[ordinals]
        alerts = []
        for alert in saved(session):
            seen = int(np.searchsorted(rows, alert.last_row, side="right"))
            alerts.append((alert, view.columns.ids([int(ordinals[seen - 1])])[0] if seen else None))
        yield _header(session, alerts)
        pages = (rows[start : start + _PAGE].tolist() for start in range(0, len(rows), _PAGE))
        yield from _lines(record for page in pages for record in session.catalog.records(page))


def _exported(view: View, plan: Plan) -> Mask:
    """What matches, or of each story of it the copy that stands for it."""
    scope = view.match(plan)
    if plan.request.copies is Copies.SHOW:
        return scope.matched
    if scope.groups is None and len(view.columns):
        raise UsageError("this archive does not know which articles are copies; 'broadsheet regroup' finds out")
    groups = scope.groups
    return (
        scope.matched
        if groups is None
        else alone(scope.matched, groups, stand_ins(view, plan, scope, groups, scope.matched))
    )


def _header(session: Session, alerts: Iterable[tuple[Alert, str | None]]) -> str:
    return _json(
        {
            MARK: "export",
            "version": VERSION,
            "settings": _settings(session),
            "alerts": [
                {
                    "name": alert.name,
                    "query": alert.query,
                    "created": alert.created.isoformat(),
                    "ran": None if alert.ran is None else alert.ran.isoformat(),
                    "after": after,  # the last article here that is no news to it
                }
                for alert, after in alerts
            ],
        }
    )


def _settings(session: Session) -> dict[str, Any]:
    """The settings, as they are: an archive is carried away in whatever state it is."""
    try:
        return session.catalog.settings()
    except ArchiveDamaged as error:
        warnings.warn(SettingsDamaged(str(error)), stacklevel=2)
        return session.catalog.settings(damaged=True)


def _lines(records: Iterable[tuple[int, str, bytes, bytes]]) -> Iterator[str]:
    articles = damaged = 0
    for row, article_id, blob, check in records:
        try:
            line = codec.to_json(codec.unpack(blob, check, row)).decode()
        except _DAMAGES as error:
            damaged += 1
            line = _json({MARK: "damaged", "row": row, "id": str(article_id), "reason": str(error)})
        else:
            articles += 1
        yield line
    yield _json({MARK: "end", "articles": articles, "damaged": damaged})


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def import_(
    session: Session,
    lines: Iterable[str | bytes],
    size: int,
    vectors: bool | None,
    progress: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Read back what ``export`` gave: articles are upserted by id, alerts and settings come with them.

    Settings are taken over by an archive that has no articles yet. ``vectors`` None: as the exported archive had it.
    Raises UsageError where the lines are no export, or name a model that nobody chose; SourceError where they end too
    early: what was read by then stays.
    """
    reading = _Reading(lines)
    settings = reading.header.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    fresh = session.settings.vectors is None
    notes: list[str] = []
    if vectors is None:
        vectors = settings.get("vectors") is not False if fresh else bool(session.settings.vectors)
    if fresh:
        model = settings.get("model")
        chosen = session.settings.model if session.model is None else session.model
        if vectors and chosen is None and model is not None and not same_model(str(model), None):
            raise UsageError(
                f"the export is of an archive with the model {model}; name it with --model to use it, or another one, "
                "or import without vectors"
            )
        if isinstance(settings.get("bm25"), dict):
            session.tune(settings["bm25"])
    elif settings.get("bm25") != session.settings.ranking.stored():
        notes.append("the archive has articles already: its own settings stay")
    report = index(session, chain(_withdrawn(settings), reading), size, vectors, progress)
    if settings.get("language") != session.settings.language:
        theirs, ours = settings.get("language") or "english", session.settings.language or "english"
        notes.append(f"the words of the export are of the language {theirs}, and here they are of {ours}")
    own = session.settings.encoder
    if vectors and settings.get("encoder") is not None and (own is None or settings["encoder"] != asdict(own)):
        by = named(None if own is None else own.name)
        notes.append(f"vectors are made by {by}, others than those of the exported archive")
    if reading.end is None:
        raise SourceError(
            f"the export is cut short: {counted(reading.articles, 'article')} had been read, and no last line says "
            "that these are all. They are in the archive; alerts are not"
        )
    if reading.end != reading.articles:
        raise SourceError(f"the export had {counted(reading.end, 'article')}, and {reading.articles:,} were read")
    alerts, kept = _alerts(session, reading.header, notes)
    return ImportReport(
        **{name: getattr(report, name) for name in AddReport.__dataclass_fields__},
        alerts=alerts,
        alerts_kept=kept,
        notes=tuple(notes),
    )


def _withdrawn(settings: Mapping[str, Any]) -> Iterator[Article]:
    """What agencies have withdrawn of the exported archive, as they say it."""
    for article_id, edition in Withdrawals.of(settings).items():
        yield Article(id=article_id, extra={EDITION: {**edition.plain(), "withdrawn": True}})


class _Reading(Iterator[Article | Rejection]):
    """The articles of an export. ``header`` is its first line; ``end``, when all is read, how many articles its last
    line counts, None where there is none."""

    def __init__(self, lines: Iterable[str | bytes]) -> None:
        self.articles = 0
        self.end: int | None = None
        self._number = 1
        self._lines = iter(lines)
        first = next(self._lines, "")
        try:
            header = json.loads(first)
            if header[MARK] != "export":
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageError(
                "this is no export of an archive: its first line does not say so; index reads articles of other origin"
            ) from None
        if header.get("version") != VERSION:
            raise UsageError(f"the export is of version {header.get('version')}, this program reads {VERSION}")
        self.header: dict[str, Any] = header

    def __next__(self) -> Article | Rejection:
        for line in self._lines:
            self._number += 1
            if not line.strip():
                continue
            if self.end is not None:
                raise SourceError(f"line {self._number} comes after the last line of the export")
            data = line.encode() if isinstance(line, str) else line
            try:
                if data.startswith(b'{"%s"' % MARK.encode()):
                    values = json.loads(data)
                    if values[MARK] == "end":
                        if type(values["articles"]) is not int:
                            raise ValueError("its last line counts no articles")
                        self.end = values["articles"]
                        continue
                    raise ArchiveDamaged(f"damaged when it was exported: {values['reason']}")
                article = codec.from_json(data)
            except ArchiveDamaged as error:
                return self._rejected(str(error), data)
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError, UsageError) as error:
                self.articles += 1
                return self._rejected(f"no article of an export: {error}", data)
            self.articles += 1
            return article
        raise StopIteration

    def _rejected(self, reason: str, data: bytes) -> Rejection:
        return Rejection(
            source="import", line=self._number, reason=reason, record=data[:500].decode("utf-8", "replace")
        )


def _alerts(session: Session, header: Mapping[str, Any], notes: list[str]) -> tuple[int, tuple[str, ...]]:
    """Save the alerts of an export; how many, and the names that were taken."""
    taken: list[str] = []
    saved = 0
    values = header.get("alerts")
    if not values:
        return 0, ()
    with session.writing() as writer:
        for value in values if isinstance(values, list) else [values]:
            try:
                alert = _alert(writer.catalog, value)
            except (ValueError, UsageError) as error:
                notes.append(f"an alert of the export cannot be saved: {error}")
                continue
            if writer.catalog.add_alert(alert):
                saved += 1
            else:
                taken.append(alert.name)
    return saved, tuple(taken)


def _alert(catalog: Catalog, value: Any) -> Alert:
    """An alert as an export has it. Raises ValueError and UsageError for anything else."""
    if not isinstance(value, dict):
        raise ValueError("it is no object with a name and a query")
    for name in ("name", "query", "created", "ran", "after"):
        if not isinstance(value.get(name), str) and not (name in ("ran", "after") and value.get(name) is None):
            raise ValueError(f"its {name!r} is {value.get(name)!r:.60}, where a text belongs")
    row, after = 0, value.get("after")
    if after is not None:
        known = catalog.live([after])
        if after not in known:
            raise ValueError(f"the last article that it told, {after!r:.60}, is not in the export")
        row = known[after][0]
    alert = new_alert(value["name"], value["query"], row)
    created, ran = _instant(value["created"]), None if value.get("ran") is None else _instant(value["ran"])
    return replace(alert, created=created, ran=ran)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r:.60} has no time zone")
    return found
