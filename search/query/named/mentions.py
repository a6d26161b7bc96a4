"""What a question names: a source or a period, as conditions for the archive and as query text for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from search.keyword.tree import DayRange, Value
from search.query.clauses import value_clause
from search.records import Detected

Condition = Value | DayRange


@dataclass(frozen=True, slots=True)
class Mention:
    """``question[start:end]`` names what meets any of the ``conditions``."""

    kind: ClassVar[str]
    start: int
    end: int
    conditions: tuple[Condition, ...]

    @property
    def clause(self) -> str:
        """The same in the query language."""
        return clause(self.conditions)

    def detected(self) -> Detected:
        """What people are told of it."""
        return Detected(kind=self.kind, start=self.start, end=self.end, clause=self.clause)


@dataclass(frozen=True, slots=True)
class SourceMention(Mention):
    """A source of the archive, or several that go by one name; ``name`` is what the archive calls them."""

    kind: ClassVar[str] = "source"
    conditions: tuple[Value, ...]
    name: str


@dataclass(frozen=True, slots=True)
class DateMention(Mention):
    """A period, or several that are meant as one. ``dates_only``: its words say when something was published and no
    more. A year ("the 2016 race") or a day without one ("the 6 January riot") may be a part of what is asked."""

    kind: ClassVar[str] = "date"
    conditions: tuple[DayRange, ...]
    dates_only: bool = False


def clause(conditions: Sequence[Condition]) -> str:
    """Any of some conditions in the query language."""
    texts = [_text(condition) for condition in conditions]
    return texts[0] if len(texts) == 1 else f"({' OR '.join(texts)})"


def _text(condition: Condition) -> str:
    if isinstance(condition, Value):
        return value_clause(condition.field, condition.text) or ""
    first, last = condition.start, condition.end
    if first is not None and first == last:
        return f"date:{first}"
    return f"date:{'' if first is None else first}..{'' if last is None else last}"
