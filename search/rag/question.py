"""What a question asks: its parts, and the sources and dates that bear on each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from search import deadline
from search.keyword.analysis import ENGLISH, Analysis
from search.keyword.rank.scoring import scoring_tokens
from search.keyword.tree import Node, either
from search.query import named, parts
from search.query.named import DateMention, Mention, SourceMention, SourceNames, clause
from search.rag import outlets
from search.records import Detect, Detected

MOST = 2 * parts.MOST_PARTS
"""Parts that are searched: a question asked of several sources is one of each."""

_LEFT = re.compile(r"\0(?:(?:,? (?:and|or|to|versus|vs\.?) |, )?\0)*")  # what joined two that were taken out
_FRAME = frozenset(
    {
        *("account", "accounts", "according", "article", "articles", "between", "compare", "compared", "comparison"),
        *("cover", "coverage", "covered", "describe", "described", "difference", "differences", "explain", "happen"),
        *("happened", "news", "publish", "published", "report", "reported", "reporting", "said", "say", "stories"),
        *("story", "tell", "told", "write", "wrote"),
    }
)  # words of the asking rather than of what is asked


class Condition(NamedTuple):
    """What an article must be to be what a question names, and how people are told: "from BBC", "dated ..."."""

    node: Node
    shown: str


@dataclass(frozen=True, slots=True)
class Part:
    """One question that is searched for: as shown, as searched, what it is about by word and stem, and the conditions
    that bear on it: its sources, its dates."""

    shown: str
    searched: str
    asked: dict[str, str]
    conditions: tuple[Condition, ...]
    analysis: Analysis = ENGLISH

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The conditions, as the archive is asked for them."""
        return tuple(condition.node for condition in self.conditions)


class Reading(NamedTuple):
    """A question's parts; itself, if it has several, which is searched beside them so that taking it apart loses
    nothing; what is detected in it, the outlets it names that the archive has nothing of, and what is to be said of
    parts that are left out."""

    parts: list[Part]
    whole: Part | None
    detected: tuple[Detected, ...]
    absent: list[str]
    notes: list[str]

    @property
    def searched(self) -> list[Part]:
        """All that is searched for."""
        return self.parts if self.whole is None else [*self.parts, self.whole]


def read(question: str, names: SourceNames, now: datetime, how: Detect, analysis: Analysis = ENGLISH) -> Reading:
    """Take a question apart. ``names`` are those of the archive's sources, ``analysis`` is what it takes for words;
    dates are relative to ``now``."""
    mentions = named.find(question, names, now, analysis.languages)
    shown = parts.split(question, mentions)
    asked: list[Part] = []
    for part in shown[: parts.MOST_PARTS]:
        asked += _by_source(question, part, mentions, how, analysis)
    left = [*(part.shown for part in asked[MOST:]), *shown[parts.MOST_PARTS :]]
    notes = [f"too many questions in one; not searched: {' '.join(left)}"] if left else []
    whole = _by_source(question, question, mentions, how, analysis, apart=False)[0] if len(asked) > 1 else None
    if how is Detect.OFF:
        return Reading(asked[:MOST], whole, (), [], notes)
    detected = tuple(mention.detected() for mention in mentions)
    return Reading(asked[:MOST], whole, detected, outlets.absent(question, names.every), notes)


def _by_source(
    question: str, part: str, mentions: Sequence[Mention], how: Detect, analysis: Analysis, *, apart: bool = True
) -> list[Part]:
    """A part, once for each of the sources that it asks about, or (``apart`` false) once for all. Sources and dates are
    those that it names itself, or else those of the whole question."""
    inside, _ = _taken_out(question, part, mentions)
    sources = _sources(inside) or _sources(mentions)
    dates = _dates(inside) or _dates(mentions)
    _, without = _taken_out(question, part, (*dates, *sources))
    about = content(without, analysis)
    asked = about or content(part, analysis)
    if how is Detect.OFF:
        return [Part(part, part, asked, (), analysis)]
    searched = " ".join((without if about else part).split())
    periods = named.together([date.conditions for date in dates])
    said = " and ".join(" ".join(question[date.start : date.end].split()) for date in dates)
    dated = [Condition(either(periods), f'dated "{said}" ({clause(periods)})')] if periods else []
    groups = [[source] for source in sources] if apart and 1 < len(sources) <= parts.MOST_PARTS else [sources]
    found = []
    for group in groups:
        shown = part if len(groups) == 1 else f"{part} [{group[0].name}]"
        any_of = [condition for source in group for condition in source.conditions]
        names = " or ".join(source.name for source in group)
        told = [Condition(either(any_of), f"from {names}")] if any_of else []
        found.append(Part(shown, searched, asked, (*told, *dated), analysis))
    return found


def _sources(mentions: Iterable[Mention]) -> list[SourceMention]:
    """Those of sources, of the same source the first."""
    sources = [mention for mention in mentions if isinstance(mention, SourceMention)]
    return list({source.conditions: source for source in reversed(sources)}.values())[::-1]


def _dates(mentions: Iterable[Mention]) -> list[DateMention]:
    return [mention for mention in mentions if isinstance(mention, DateMention)]


def _taken_out(question: str, part: str, mentions: Iterable[Mention]) -> tuple[list[Mention], str]:
    """Those of the mentions that a part has, in order, and the part without them. The longer are looked for first."""
    held = []
    for mention in sorted(mentions, key=lambda mention: mention.start - mention.end):
        deadline.check()
        name = " ".join(question[mention.start : mention.end].split())
        shorter = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "\0", part)
        if shorter != part:
            held.append(mention)
        part = shorter
    return sorted(held, key=lambda mention: mention.start), _LEFT.sub(" ", part)


def content(text: str, analysis: Analysis = ENGLISH) -> dict[str, str]:
    """What a question is about, as words with their stems: no stop words, none that only frame a question."""
    tokens = scoring_tokens(text.split(), analysis)
    told = [t for t in tokens if t.word not in _FRAME and t.surface not in ("AND", "OR", "NOT")]
    return {t.surface: t.term for t in told} | {t.surface: t.term for t in reversed(told)}  # the first language's term
