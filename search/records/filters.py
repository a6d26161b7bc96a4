"""What narrows a match set, beside a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from search.declarations import setting
from search.errors import UsageError
from search.records.articles import texts, wrong

if TYPE_CHECKING:
    from search.records.conditions import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Hard conditions as values rather than query text; both make the same tree. None is no condition, and an empty
    sequence is a condition that nothing meets. ``since`` and ``until`` take what ``date:`` takes or a ``date``, ends
    included; the others take one name or several. ``conditions`` is a tree of comparisons, as other programs have
    filters; ``query.comparisons`` says what they mean. Raises UsageError for a value of another type.
    """

    since: str | None = setting(
        None, "Published on this day or later, such as 2025-02-26 or 7d.", option="from", example="D"
    )
    until: str | None = setting(None, "Published on this day or earlier.", option="to", example="D")
    sources: Sequence[str] | None = setting(None, "Only these sources.", option="source", example="S", many=True)
    authors: Sequence[str] | None = setting(None, "Only these authors.", option="author", example="A", many=True)
    sections: Sequence[str] | None = setting(None, "Only these sections.", option="section", example="S", many=True)
    languages: Sequence[str] | None = setting(
        None, "Only these languages, such as en.", option="language", example="L", many=True
    )
    conditions: Condition | None = None

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            value = getattr(self, name)
            if isinstance(value, date):
                object.__setattr__(self, name, value.isoformat())
            elif value is not None and not isinstance(value, str):
                raise wrong("Filters", name, "a date, or text such as 2025-02 or 7d", value)
        for name in ("sources", "authors", "sections", "languages"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, texts("Filters", name, value))

    @classmethod
    def of(cls, value: Self | Mapping[str, Any] | None) -> Self | None:
        """Filters as they are, or from a mapping of their names. Raises UsageError for a name that is none of them."""
        if value is None or isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise UsageError(f"filters are Filters or a mapping, not {type(value).__name__}")
        known = [one.name for one in fields(cls)]
        for name in value:
            if name not in known:
                raise UsageError(f"there is no filter {name!r}; use {', '.join(known)}")
        return cls(**value)
