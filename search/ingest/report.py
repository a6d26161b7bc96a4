"""What a reading made of its input, by kinds of files: what articles lack, what was not used, guessed or replaced."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from search.ingest.aliases import ALIASES, bare_name
from search.ingest.clean import clean_line
from search.ingest.dates import read_date
from search.ingest.fields import PUBLISHED_RAW, Draft
from search.ingest.guesses import looks_like
from search.records import Article

TWO_WAYS = "with a date that could be read in two ways"
WITHDRAWN = "withdrawn by their agency"
EARLIEST = 1600  # a date before is a mistake
_EXAMPLES = 3
_FOR_A_TEXT = " for a text"
_LIKE = 50  # records of one shape that are looked at
_USUAL = 4  # names of a field that need not be told
_NAMES = 200  # names of unused fields that are counted
_LONG = 200  # characters of a field that looks like a text
_VALUES = 50  # of a field of an unknown name that are looked at
_LOOKS = {"text": "a text", "published": "a date", "source": "a source", "authors": "an author", "title": "a title",
          "url": "an address"}  # fmt: skip


@dataclass(slots=True)
class Count:
    """How many, with the places of the first."""

    number: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """One more."""
        self.number += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(example)


@dataclass(slots=True)
class Spare:
    """A field of an unknown name in articles that lack a title, source, author or address: how many have it, and some
    of its values."""

    number: int = 0
    values: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Kind:
    """The files of one format: how many articles, and what is to be said of them by what it is."""

    articles: int = 0
    files: int = 0
    earliest: date | None = None
    latest: date | None = None
    counts: dict[str, Count] = field(default_factory=dict)
    used: Counter[tuple[str, str]] = field(default_factory=Counter)  # field and name
    shapes: Counter[tuple[str, ...]] = field(default_factory=Counter)  # names of a record's fields
    unused: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    likely: dict[str, str] = field(default_factory=dict)  # unused fields that look like a text or a date
    lacks: Counter[str] = field(default_factory=Counter)  # articles without a title, source, author or address
    spare: dict[str, Spare] = field(default_factory=dict)

    def add(self, article: Article, draft: Draft, place: str) -> None:
        """Take note of an article."""
        self.articles += 1
        shape = draft.shape
        seen = self.shapes[shape]
        if seen or len(self.shapes) < _NAMES:
            self.shapes[shape] = seen + 1
        if seen < _LIKE:  # records of one shape go by the same names
            self.used.update(draft.named)
        published = article.published
        lacking: list[str] = []
        if not article.text:
            self.count("without text", place)
            lacking.append("text")
        if published is None:
            raw = article.extra.get(PUBLISHED_RAW)
            if raw is None:
                self.count("without a date", place)
                lacking.append("published")
            else:
                self.count("with a date that cannot be read", f"{place}: {str(raw)[:40]}")
        else:
            day = published.date() if isinstance(published, datetime) else published
            if self.earliest is None or day < self.earliest:
                self.earliest = day
            if self.latest is None or day > self.latest:
                self.latest = day
            if day > _TOMORROW:
                self.count("dated in the future", f"{place}: {day}")
            elif day.year < EARLIEST:
                self.count(f"dated before {EARLIEST}", f"{place}: {day}")
            if draft.two_ways:
                self.count(TWO_WAYS, f"{place}: {article.extra.get(PUBLISHED_RAW)}")
            raw = article.extra.get(PUBLISHED_RAW)
            if draft.precision == "day" and re.fullmatch(r"\d{5}(?:\.\d+)?", str(raw)):
                self.count("with a spreadsheet's number for a date", f"{place}: {raw}")
            if draft.precision != "day":
                self.count(f"with a {draft.precision} for a date", f"{place}: {article.extra.get(PUBLISHED_RAW)}")
        if draft.summary:
            self.count(f"with {draft.summary}{_FOR_A_TEXT}", place)
        if draft.mended:
            self.count("whose letters had been decoded wrongly, put right", place)
        for name in draft.filled:
            self.count(f"with a {'date' if name == 'published' else name} from the file's path", place)
        if lacking:
            self._look(draft, lacking)
        if not (article.source and article.authors and article.url and article.title):
            self.lacks.update(name for name in ("source", "authors", "url", "title") if not getattr(article, name))
            self._keep(draft)

    @property
    def summaries(self) -> int:
        """How many articles have no more than a summary."""
        return sum(count.number for what, count in self.counts.items() if what.endswith(_FOR_A_TEXT))

    def count(self, what: str, place: str) -> None:
        """One more article of which this is to be said."""
        self.counts.setdefault(what, Count()).add(place)

    def _look(self, draft: Draft, missing: list[str]) -> None:
        """The unused fields of an article that lacks something, and whether one of them looks like it."""
        for name, value in draft.unused:
            if name not in self.unused and len(self.unused) >= _NAMES:
                continue
            self.unused[name] += 1
            if name in self.likely or not isinstance(value, str):
                continue
            if "text" in missing and len(value) > _LONG:
                self.likely[name] = "text"
            elif "published" in missing and len(value) > 5 and read_date(value, prose=True).value is not None:
                self.likely[name] = "published"

    def _keep(self, draft: Draft) -> None:
        """The unused fields of an article that lacks a title, source, author or address."""
        for name, value in draft.unused:
            if not isinstance(value, str) or (name not in self.spare and len(self.spare) >= _NAMES):
                continue
            spare = self.spare.setdefault(name, Spare())
            spare.number += 1
            if len(spare.values) < _VALUES:
                spare.values.append(value[:_LONG])

    def looks(self) -> dict[str, str]:
        """What unused fields look like that most articles lack: by their names, the field that each may be."""
        missing = {name for name, count in self.lacks.items() if 2 * count > self.articles}
        found = dict(self.likely)
        for name, spare in self.spare.items():
            looks = looks_like(name, spare.values) if missing and name not in found else None
            if looks in missing and looks is not None:
                found[name] = looks
        return found

    def not_used(self) -> list[tuple[str, int]]:
        """The names of fields that were not used where something was missing, the likeliest first."""
        looks = self.looks()
        counts = {name: self.spare[name].number for name in looks if name in self.spare} | dict(self.unused)
        return sorted(counts.items(), key=lambda item: (item[0] not in looks, -item[1]))


_LACKS = {"text": "without text", "published": "without a date"}
_TOMORROW = datetime.now(UTC).date() + timedelta(days=1)


class Report:
    """All kinds of a reading. ``mapped``: the fields that its settings give names to, by these names once bare."""

    def __init__(self, mapped: Mapping[str, str] | None = None) -> None:
        self.kinds: dict[str, Kind] = {}
        self._mapped = mapped or {}

    def kind(self, name: str) -> Kind:
        """The kind of this name; a new one where there is none yet."""
        return self.kinds.setdefault(name, Kind())

    def lines(self) -> Iterator[str]:
        """A line for each kind of files, fit to be shown."""
        for name, kind in self.kinds.items():
            if not (kind.articles or kind.notes or kind.counts):
                continue
            yield f"{name}: {_articles(kind)}{self._taken(kind)}{_said(kind)}"

    def advice(self) -> Iterator[str]:
        """What to do where most articles of a kind lack their text or date, or dates could be read in two ways."""
        for kind in self.kinds.values():
            missing = Counter(
                {name: kind.counts[lack].number for name, lack in _LACKS.items() if lack in kind.counts} | kind.lacks
            )
            for field_name in _LOOKS:
                names = [name for name, looks in kind.looks().items() if looks == field_name]
                if names and 2 * missing[field_name] > kind.articles:
                    yield f"--map {field_name}={','.join(names[:3])} would read it"
            if TWO_WAYS in kind.counts:
                example = kind.counts[TWO_WAYS].examples[0].rpartition(": ")[2]
                yield f"--dates day-first or --dates month-first says how {example} is meant"
        for target in self._without_names():
            yield f"--map {target}=... read nothing: no record has a field of that name"

    def _without_names(self) -> list[str]:
        """The mapped fields of which no record that was looked at has any of the names."""
        kinds = [kind for kind in self.kinds.values() if kind.articles]
        if not kinds or any(len(kind.shapes) >= _NAMES for kind in kinds):
            return []
        here = {bare_name(name) for kind in kinds for shape in kind.shapes for name in shape}
        here |= {bare_name(name) for kind in kinds for _, name in kind.used}
        there = {target for name, target in self._mapped.items() if name in here}
        return sorted(set(self._mapped.values()) - there)

    def _taken(self, kind: Kind) -> str:
        """The names of fields that are not the usual ones, so that a wrong guess is seen."""
        usual = {
            name: {bare_name(alias) for alias in ALIASES[name][:_USUAL]} for name in ("title", "text", "published")
        }
        taken = [
            f"{target} from {' or '.join(clean_line(name)[:40] for name in names[:3])}"
            for target, names in self._fields(kind).items()
            if target in usual and not usual[target].issuperset(map(bare_name, names))
        ]
        return f" ({', '.join(taken)})" if taken else ""

    @staticmethod
    def _fields(kind: Kind) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for (target, name), _ in kind.used.most_common():
            found.setdefault(target, []).append(name)
        return found

    def fields(self) -> Iterator[str]:
        """A line for each kind of files that says by which names its fields were found."""
        for name, kind in self.kinds.items():
            if found := self._fields(kind):
                yield f"{name}: " + ", ".join(
                    target if names == [target] else f"{target} from {' or '.join(n[:40] for n in names[:3])}"
                    for target, names in found.items()
                )

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {
            name: {
                "files": kind.files,
                "articles": kind.articles,
                "earliest": None if kind.earliest is None else kind.earliest.isoformat(),
                "latest": None if kind.latest is None else kind.latest.isoformat(),
                "said": {
                    what: {"articles": count.number, "examples": count.examples} for what, count in kind.counts.items()
                },
                "fields": self._fields(kind),
                "fields_not_used": dict(kind.not_used()),
                "looks_like": kind.looks(),
                "notes": dict(kind.notes),
            }
            for name, kind in self.kinds.items()
        }


def _articles(kind: Kind) -> str:
    text = f"{kind.articles:,} article{'' if kind.articles == 1 else 's'}"
    if kind.earliest is None or kind.latest is None:
        return text
    span = str(kind.earliest) if kind.earliest == kind.latest else f"{kind.earliest} to {kind.latest}"
    return f"{text}, {span}"


def _said(kind: Kind) -> str:
    said = [f"{count.number:,} {what}" for what, count in kind.counts.items()]
    said += [f"{what}: {count:,}" for what, count in kind.notes.items()]
    if unused := kind.not_used():
        looks = kind.looks()
        named = ", ".join(
            f"{name[:40]} ({count:,})" + (f", looks like {_LOOKS[looks[name]]}" if name in looks else "")
            for name, count in unused[:8]
        )
        said.append(f"fields not used: {named}" + (f" and {len(unused) - 8} more" if len(unused) > 8 else ""))
    if not said:
        return ""
    *first, last = said
    joined = ", ".join(first)
    parted = "; " if last.startswith("fields not used") and first else ", "
    return f": {joined}{parted}{last}" if first else f": {last}"
