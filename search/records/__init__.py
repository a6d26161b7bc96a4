"""The records that rooms exchange: frozen, slotted, and named as the field names them.

A record is declared here and nowhere else. What the command line prints as JSON, what the servers answer with their
schemas, CSV columns and the metadata of adapters are made from the fields, in their order; ``told`` says where JSON
has a field otherwise. What may be asked is declared the same way, by ``setting``: the options of the command line, the
parameters of the servers, the arguments of tools and the fields of adapters are made of it.

What every search needs is imported at once, the rest when it is asked for: making a
dataclass takes half a millisecond.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from search.records.articles import Article, Passage
from search.records.choices import (
    Allocation,
    Answer,
    Carried,
    Copies,
    Detect,
    FacetField,
    Fusion,
    Mode,
    Operator,
    Period,
    Role,
    Shown,
    Sort,
    Split,
)
from search.records.filters import Filters
from search.records.results import Copy, Highlight, Hit, Results

if TYPE_CHECKING:
    from search.records.conditions import All, Any_, Compare, Condition, Not
    from search.records.contexts import Citation, Detected
    from search.records.counts import Bucket, Facet, Facets, FacetValue, Series, Timeline
    from search.records.editions import Edition
    from search.records.encoders import EncoderIdentity
    from search.records.news import Alert, News, NewsItem
    from search.records.receipts import Receipt, Verification
    from search.records.related import Related, RelatedHit
    from search.records.reports import (
        AddReport,
        BackupReport,
        Dirt,
        ImportReport,
        Rejection,
        RepairReport,
        RestoreReport,
    )
    from search.records.samples import Sample, Stratum
    from search.records.stories import CarriedStories, CarriedStory, Change, Story, Version
    from search.records.terms import Term, Terms, TermsPeriod
    from search.records.watches import DeadLetter, Round

__all__ = [
    "AddReport",
    "Alert",
    "All",
    "Allocation",
    "Answer",
    "Any_",
    "Article",
    "BackupReport",
    "Bucket",
    "Carried",
    "CarriedStories",
    "CarriedStory",
    "Change",
    "Citation",
    "Compare",
    "Condition",
    "Copies",
    "Copy",
    "Counts",
    "DeadLetter",
    "Detect",
    "Detected",
    "Dirt",
    "Edition",
    "EncoderIdentity",
    "Facet",
    "FacetField",
    "FacetValue",
    "Facets",
    "Filters",
    "Fusion",
    "Highlight",
    "Hit",
    "ImportReport",
    "Mode",
    "News",
    "NewsItem",
    "Not",
    "Operator",
    "Passage",
    "Period",
    "Receipt",
    "Rejection",
    "Related",
    "RelatedHit",
    "RepairReport",
    "RestoreReport",
    "Results",
    "Role",
    "Round",
    "Sample",
    "Series",
    "Shown",
    "Sort",
    "Split",
    "Story",
    "Stratum",
    "Term",
    "Terms",
    "TermsPeriod",
    "Timeline",
    "Verification",
    "Version",
]

_LATE = {
    "All": "conditions",
    "Any_": "conditions",
    "Compare": "conditions",
    "Condition": "conditions",
    "Not": "conditions",
    "Citation": "contexts",
    "Detected": "contexts",
    "Bucket": "counts",
    "Facet": "counts",
    "Facets": "counts",
    "FacetValue": "counts",
    "Series": "counts",
    "Timeline": "counts",
    "Edition": "editions",
    "EncoderIdentity": "encoders",
    "Alert": "news",
    "News": "news",
    "NewsItem": "news",
    "Term": "terms",
    "Terms": "terms",
    "TermsPeriod": "terms",
    "Receipt": "receipts",
    "Verification": "receipts",
    "Related": "related",
    "RelatedHit": "related",
    "AddReport": "reports",
    "ImportReport": "reports",
    "BackupReport": "reports",
    "Counts": "reports",
    "Dirt": "reports",
    "Rejection": "reports",
    "RepairReport": "reports",
    "RestoreReport": "reports",
    "Sample": "samples",
    "Stratum": "samples",
    "CarriedStories": "stories",
    "CarriedStory": "stories",
    "Change": "stories",
    "Story": "stories",
    "Version": "stories",
    "DeadLetter": "watches",
    "Round": "watches",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    return found
