"""What an address of the page asks, and the addresses that ask something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import Field

from search.engine import request
from search.records import Bucket, Filters
from search.serve.arguments import LONGEST_QUERY, Text, asking
from search.serve.http.requests import EVERYTHING

PER_PAGE = 10
LAST_PAGE = 10_000
MOST_COMPARED = 4
"""Queries beside the one that is asked: five lines can be told from each other."""
_FILTERS = frozenset({"since", "until", "sources", "authors", "sections", "languages"})
_OTHERS = frozenset({"mode", "sort", "copies", "detect", "recency", "as_of", "literal"})
_ASKED = tuple(one for one in request.SEARCH if one.name in _FILTERS | _OTHERS)
_SHOWING = frozenset({"page", "open", "related", "by", "share", "explain", "compare"})
"""What shows the same answers in another way."""
_IN_QUERY = tuple(one.option for one in _ASKED if one.name in _FILTERS)
"""Names in addresses of what a query that narrows has in its text."""

Query = Annotated[Text, Field(max_length=LONGEST_QUERY)]


class Asked(asking(*_ASKED, most={})):  # type: ignore[misc]
    """The state of the page: a search, a page of its hits, how the timeline is drawn and with which queries beside this
    one, an article that is open, and what is listed of its subject."""

    q: Query = ""
    page: Annotated[int, Field(ge=1, le=LAST_PAGE)] = 1
    by: Literal["day", "week", "month", "year"] | None = None
    compare: Annotated[list[Query], Field(max_length=MOST_COMPARED)] | None = None
    share: bool = False
    explain: bool = False
    open: Annotated[Text | None, Field(max_length=2_000)] = None
    related: Literal["similar", "background"] | None = None
    part: Literal["page", "hits"] = "page"

    @property
    def blank(self) -> bool:
        """Whether nothing is asked: the first page shows what the archive holds."""
        return not self.q.strip() and self.settings()["filters"] == Filters()

    @property
    def unusual(self) -> bool:
        """Whether anything is asked beside a query: the form shows it then."""
        return not self.fields().keys() <= _SHOWING | {"q"}

    def searching(self) -> dict[str, Any]:
        """The keyword arguments of ``Archive.search``."""
        found: dict[str, Any] = self.settings()
        asked = found["filters"] == Filters() and not self.q.strip()
        return found | {
            "query": EVERYTHING if asked else self.q,
            "literal": found["literal"] and bool(self.q.strip()),
            "limit": PER_PAGE,
            "offset": (self.page - 1) * PER_PAGE,
            "explain": self.explain,
        }

    def matching(self) -> dict[str, Any]:
        """The keyword arguments of ``Archive.facets`` and ``Archive.timeline``."""
        found = self.searching()
        return {name: found[name] for name in ("query", "filters", "as_of", "literal")}

    def fields(self) -> dict[str, Any]:
        """What is asked other than by default, by its names in addresses."""
        names = {name: field.alias or name for name, field in type(self).model_fields.items()}
        given = {names[name]: getattr(self, name) for name in names if name != "part"}
        defaults = {names[name]: field.default for name, field in type(self).model_fields.items()}
        return {name: value for name, value in given.items() if value != defaults[name]}

    def link(self, **changes: Any) -> str:
        """The address of this page with some changes: None takes a field out. Another search begins with its first
        page and with no article open, and another article with nothing listed beside it."""
        kept = self.fields()
        gone: tuple[str, ...] = ()
        if not changes.keys() <= _SHOWING:
            gone = ("page", "open", "related")
        elif "page" in changes:
            gone = ("open", "related")
        elif "open" in changes:
            gone = ("related",)
        kept = {name: value for name, value in kept.items() if name not in gone}
        return address({**kept, **changes})

    def narrowed(self, query: str) -> str:
        """The address of a query that has the filters of this one in its text. Queries that it is compared with have
        them from the address, where they stay then."""
        return self.link(**dict.fromkeys(() if self.compare else _IN_QUERY), q=query, literal=None)

    def within(self, period: Bucket) -> str:
        """The address of this search within a period of its timeline."""
        return self.link(**{"from": period.start, "to": period.end})


def address(fields: Mapping[str, Any], path: str = "/") -> str:
    """An address with these fields; what is None, empty or False is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        if value is None or value is False or value == "" or (value == 1 and name == "page"):
            continue
        several: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, "1" if one is True else str(one)) for one in several]
    return f"{path}?{urlencode(pairs)}" if pairs else path
