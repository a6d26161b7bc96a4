"""Articles, and stretches of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from search.declarations import UNTOLD, told
from search.errors import UsageError
from search.records import notebook

_TEXTS = ("id", "title", "text", "source", "url", "section", "language", "agency", "dateline", "caption")


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One news item.

    ``published`` is a timezone-aware ``datetime`` where the time is known, a plain ``date`` where only the day is,
    and None where neither is; ISO 8601 text is read. A naive time is UTC. ``authors`` takes one name or several.
    ``text`` is NFC; every offset in this package counts its characters. Raises UsageError for a value of another type.
    """

    id: str
    title: str = ""
    text: str = ""
    published: date | None = None
    source: str = ""
    authors: tuple[str, ...] = ()
    url: str = ""
    section: str = ""
    language: str = ""
    agency: str = ""
    dateline: str = ""
    caption: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str):
                raise wrong("Article", name, "text", getattr(self, name))
        if self.published is not None and not isinstance(self.published, date):
            object.__setattr__(self, "published", _published(self.published))
        if type(self.authors) is not tuple:
            object.__setattr__(self, "authors", texts("Article", "authors", self.authors))
        elif not all(isinstance(author, str) for author in self.authors):
            raise wrong("Article", "authors", "text or a list of texts", self.authors)
        if not isinstance(self.extra, Mapping):
            raise wrong("Article", "extra", "a mapping", self.extra)

    def __repr__(self) -> str:
        return f"<Article {headline(self)}, {len(self.text):,} characters>"

    def _repr_html_(self) -> str:
        """The article as a notebook shows it."""
        return notebook.article(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of one article: ``article.text[start:end] == text``. ``score`` is a cosine, or None if not scored."""

    article_id: str = field(metadata=UNTOLD)
    text: str
    start: int
    end: int
    score: float | None = field(default=None, metadata=told("Cosine to the query, where it was measured.", digits=6))


def headline(article: Article) -> str:
    """An article in a few words."""
    where = notebook.imprint(article)
    return f"{article.id!r}, {article.title[:60]!r}{where and f' ({where})'}"


def wrong(record: str, name: str, wanted: str, value: Any) -> UsageError:
    """What to raise for a value of another type."""
    return UsageError(f"{record}.{name} takes {wanted}, not {type(value).__name__}")


def texts(record: str, name: str, value: Any) -> tuple[str, ...]:
    """One text, or several in any collection, as a tuple."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence | Set):
        values = tuple(value) if isinstance(value, Sequence) else tuple(sorted(value, key=str))
        if all(isinstance(one, str) for one in values):
            return values
    raise wrong(record, name, "text or a list of texts", value)


def _published(value: Any) -> date:
    """ISO 8601: a day, or an instant."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if len(value) <= len("2025-02-26") else datetime.fromisoformat(value)
        except ValueError:
            raise UsageError(
                f"Article.published takes ISO 8601 text such as 2025-02-26 or 2025-02-26T09:30+01:00, not {value!r}"
            ) from None
    raise wrong("Article", "published", "a date, a datetime or ISO 8601 text", value)
