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
    ``text`` is NFC; every offset in this package counts its characters. ``pages``: where each page begins in the text
    and what it is called, ascending. ``ocr_quality``: how sure the reader of a scan was of its words, 0 to 1, None
    where nobody says. Raises UsageError for a value of another type.
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
    pages: tuple[tuple[int, str], ...] = ()
    ocr_quality: float | None = None
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
        if self.pages != ():
            object.__setattr__(self, "pages", _pages(self.pages, len(self.text)))
        if self.ocr_quality is not None:
            object.__setattr__(self, "ocr_quality", _quality(self.ocr_quality))

    def __repr__(self) -> str:
        return f"<Article {headline(self)}, {len(self.text):,} characters>"

    def _repr_html_(self) -> str:
        """The article as a notebook shows it."""
        return notebook.article(self)


def pages_between(article: Article, start: int, end: int) -> str:
    """The page or pages on which ``article.text[start:end]`` stands: "3", or "3–4"; "" where they are not known."""
    before = [name for place, name in article.pages if place <= start]
    within = [name for place, name in article.pages if start < place < end]
    names = [*before[-1:], *within]
    return "" if not names else names[0] if names[0] == names[-1] else f"{names[0]}–{names[-1]}"


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


def _pages(value: Any, length: int) -> tuple[tuple[int, str], ...]:
    """Pairs of an offset and a name, ascending within a text of ``length`` characters."""
    wanted = "pairs of an offset and a name"
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise wrong("Article", "pages", wanted, value)
    found: list[tuple[int, str]] = []
    for pair in value:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise wrong("Article", "pages", wanted, pair)
        start, name = pair
        if type(start) is not int or not isinstance(name, str):
            raise wrong("Article", "pages", wanted, start if isinstance(name, str) else name)
        if not (found[-1][0] if found else 0) <= start <= length:
            raise UsageError(f"Article.pages: {start} is no offset that follows in a text of {length:,} characters")
        found.append((start, name))
    return tuple(found)


def _quality(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong("Article", "ocr_quality", "a number", value)
    if not 0 <= value <= 1:
        raise UsageError(f"Article.ocr_quality is 0 to 1, not {value}")
    return float(value)
