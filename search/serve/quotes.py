"""Passages that a client names by id and offsets, so that the quotations of an answer can be checked against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from search.archive import Archive
from search.declarations import values
from search.errors import UsageError
from search.rag.context import Context
from search.rag.render import visible
from search.rag.verdicts import QuoteReport
from search.records import Citation, Mode
from search.records.articles import pages_between
from search.serve.arguments import Strict
from search.serve.models import model

Id = Annotated[str, Field(description="An article's id, as a search gave it.", min_length=1, max_length=2_000)]


QuoteCheck = model(QuoteReport)


class CitedPassage(Strict):
    """A passage that an answer cites."""

    number: Annotated[int, Field(ge=1, le=9999, description="The number in its marks.")]
    id: Id
    start: Annotated[int, Field(ge=0, description="As the context gave it.")] = 0
    end: Annotated[int | None, Field(ge=0, description="Left out: the whole article.")] = None


def cited(archive: Archive, passages: Sequence[CitedPassage]) -> Context:
    """The cited passages as a context. Raises UsageError for a number given twice or offsets outside the article."""
    if len({one.number for one in passages}) < len(passages):
        raise UsageError("two passages have the same number; number each differently")
    found = []
    for one in passages:
        article = archive.get(one.id)
        end = len(article.text) if one.end is None else one.end
        if not one.start <= end <= len(article.text):
            raise UsageError(
                f"passage {one.number}: {one.start} to {end} is no stretch of {one.id!r}, which has "
                f"{len(article.text):,} characters"
            )
        found.append(
            Citation(
                number=one.number,
                article_id=article.id,
                start=one.start,
                end=end,
                text=article.text[one.start : end],
                title=article.title,
                source=article.source,
                published=article.published,
                authors=article.authors,
                url=article.url,
                score=0.0,
                tokens=0,
                page=pages_between(article, one.start, end),
            )
        )
    return Context(question="", budget=0, tokens=0, passages=tuple(found), mode=Mode.AUTO, took_ms=0.0)


def record(report: QuoteReport) -> dict[str, Any]:
    """What is answered of a report on quotations."""
    found: dict[str, Any] = shown_safely(values(report))
    return found


_IDS = ("id", "copies", "original", "compared")


def shown_safely(value: Any, name: str = "") -> Any:
    """The record with every text made visible, but ids, which must be given back as they are."""
    if isinstance(value, str):
        return value if name in _IDS else visible(value)
    if isinstance(value, dict):
        return {key: shown_safely(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [shown_safely(one, name) for one in value]
    return value
