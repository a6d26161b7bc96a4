"""What is in an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from search.declarations import values
from search.encode import recorded_way
from search.engine.legs import VectorLeg
from search.engine.settings import Settings
from search.engine.view import View
from search.engine.withdrawals import Withdrawals
from search.keyword.multilingual import EVERY, how_read
from search.records import Counts
from search.storage.catalog import FILE
from search.storage.columns import MISSING_DAY, MISSING_INSTANT, unpack_string
from search.storage.folder import Folder, Place
from search.storage.segments import COLUMNS
from search.storage.snapshot import Snapshot
from search.storage.watched import Watched

if TYPE_CHECKING:
    from search.engine.session import Session

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCES = 20
_LANGUAGES = 100
_TOLD = ("format", "created", "created_by", "analysis", "passage_tokens", "model", "encoder")


def stats(session: Session) -> dict[str, Any]:
    """Counts, bytes, dates, sources and settings of the last commit, fit for JSON."""
    with session.reading() as view:
        groups = view.groups(view.snapshot.live)
        copies = (
            None if groups is None else int(np.count_nonzero(view.snapshot.live)) - groups.count(view.snapshot.live)
        )
        found = _stats(session.catalog.folder, view.snapshot, view.vectors, view.counts, session.settings)
        withdrawn = len(Withdrawals.of(session.settings.values))
        others = {"copies": copies, "furniture": _furniture(view), "withdrawn": withdrawn}
        return found | others | {"watched": _watched(session)}


def _watched(session: Session) -> dict[str, Any] | None:
    """What is watched, when that was looked at and feeds answered last; None where nothing ever was."""
    seen = Watched.open(session.path, create=False)
    if seen is None:
        return None
    with closing(seen):
        dead, dropped = seen.counted()
        inputs = {}
        for name, looked in seen.inputs():
            feed = seen.feed(name)
            told = {"looked_at": _when(looked), "answered": _when(feed.seen), "problem": feed.problem or None}
            inputs[name] = told if "://" in name else {"looked_at": _when(looked)}
    return {"inputs": inputs, "dead_letters": dead, "dropped": dropped}


def _when(seconds: float) -> str | None:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if seconds else None


def _furniture(view: View) -> dict[str, int] | None:
    """In how many live articles of how many sources sentences are left out, and how many; None for an archive that
    leaves nothing out, or was never looked at for that."""
    sentences, sources, known = 0, set(), False
    articles = 0
    bases = view.columns.bases.tolist()
    for base, held, part in zip(bases, view.furniture_parts, view.snapshot.parts.get(COLUMNS, []), strict=False):
        if held is None:
            continue
        known = True
        counts = np.diff(held.starts) * view.snapshot.live[base : base + len(held.starts) - 1]
        sentences, articles = sentences + int(counts.sum()), articles + int(np.count_nonzero(counts))
        codes = np.unique(part["source"][counts > 0]).tolist()
        sources |= {unpack_string(part["source_blob"], part["source_ends"], code) for code in codes}
    return {"sentences": sentences, "articles": articles, "sources": len(sources)} if known else None


def _stats(
    folder: Folder, snapshot: Snapshot, vectors: VectorLeg | None, counts: Counts, settings: Settings
) -> dict[str, Any]:
    live = snapshot.live
    published = snapshot.columns.published[live & (snapshot.columns.published != MISSING_INSTANT)]
    sizes: Counter[str] = Counter()
    for entry in snapshot.entries:
        for name, file in entry.parts.items():
            sizes[name] += file.size
    sizes["catalog"] = sum(place.status().st_size for place in _catalog_files(folder))
    sources, languages = (_counted(snapshot, name) for name in ("source", "language"))
    return {
        "path": str(folder.path),
        "commit": snapshot.commit,
        "articles": int(np.count_nonzero(live)),
        "counts": values(counts),
        "undated": int(np.count_nonzero(live & (snapshot.columns.day == MISSING_DAY))),
        "passages": None if vectors is None else vectors.count,
        "deleted": int(np.count_nonzero(~live)),
        "segments": len(snapshot.entries),
        "bytes": {**sizes, "total": sum(sizes.values())},
        "oldest": _iso(published.min()) if len(published) else None,
        "newest": _iso(published.max()) if len(published) else None,
        "sources": dict(sorted(sources.items(), key=lambda pair: (-pair[1], pair[0]))[:_SOURCES]),
        "source_count": len(sources),
        "languages": dict(sorted(languages.items(), key=lambda pair: (-pair[1], pair[0]))[:_LANGUAGES]),
        "words": _words(settings, languages),
        **{key: settings.values.get(key) for key in _TOLD},
        "ranking": asdict(settings.ranking),
        "embedding": None if settings.encoder is None else recorded_way(settings.encoder),
    }


def _counted(snapshot: Snapshot, name: str) -> Counter[str]:
    """How many live articles have each value of a column."""
    found: Counter[str] = Counter()
    for base, part in zip(snapshot.columns.bases, snapshot.parts.get(COLUMNS, []), strict=False):
        codes = part[name][snapshot.live[base : base + len(part["rows"])]]
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            found[unpack_string(part[f"{name}_blob"], part[f"{name}_ends"], int(code))] += int(count)
    return found


def _words(settings: Settings, languages: Mapping[str, int]) -> dict[str, Any]:
    """What the archive takes for words, and in how many articles words are found in which way: by the ``stems`` of
    their language, by every two ``letters`` where a script has no spaces, as they ``stand`` where nothing is known of
    their language, as ``english`` where none was told."""
    if settings.language is None:
        advice = "all articles are read as English; 'broadsheet reanalyse' reads each in its own language"
        return {"analysis": "english", "note": advice}
    if settings.language != EVERY.stamp:
        return {"analysis": settings.language}
    found: Counter[str] = Counter()
    for code, count in languages.items():
        found[how_read(code)] += count
    return {"analysis": settings.language, **{name: found[name] for name in ("stems", "letters", "stand", "english")}}


def _catalog_files(folder: Folder) -> list[Place]:
    """The database and what SQLite keeps beside it."""
    return [folder / name for name in folder.names() if name.startswith(FILE)]


def _iso(microseconds: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=int(microseconds))).isoformat()
    except OverflowError:  # the ends of the calendar, shifted by a time zone
        return "before year 1" if microseconds < 0 else "after year 9999"
