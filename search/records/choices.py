"""The words that a setting may be."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Which legs answer."""

    AUTO = "auto"
    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


class Sort(StrEnum):
    """The order of the hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


class Copies(StrEnum):
    """Whether each copy of one text is a hit, or all of them are one."""

    SHOW = "show"
    COLLAPSE = "collapse"


class Shown(StrEnum):
    """Which copy stands for a story."""

    BEST = "best"
    EARLIEST = "earliest"
    LATEST = "latest"
    ORIGINAL = "original"


class Role(StrEnum):
    """What an article is in its story, as far as it can be told. A copy of no date is ``copy``: it may be anything."""

    ORIGINAL = "original"
    REPRINT = "reprint"
    UPDATE = "update"
    CORRECTION = "correction"
    COPY = "copy"


class Carried(StrEnum):
    """The order of the most carried stories."""

    COPIES = "copies"
    NEWEST = "newest"


class Fusion(StrEnum):
    """How the scores of two legs become one. DBSF is distribution-based score fusion."""

    DBSF = "dbsf"
    RRF = "rrf"
    MINMAX = "minmax"


class FacetField(StrEnum):
    """What can be counted, in the order in which it is shown."""

    SOURCE = "source"
    AUTHOR = "author"
    SECTION = "section"
    AGENCY = "agency"
    LANGUAGE = "language"
    YEAR = "year"
    MONTH = "month"


class Period(StrEnum):
    """How long a period is. Weeks start on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Split(StrEnum):
    """What a timeline is split by."""

    SOURCE = "source"


class Detect(StrEnum):
    """What becomes of the sources and dates that a question names."""

    PREFER = "prefer"
    FILTER = "filter"
    OFF = "off"


class Operator(StrEnum):
    """How a field is compared with a value, or with a list of values (``in``, ``nin``)."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"


class Answer(StrEnum):
    """What a receipt is of."""

    SEARCH = "search"
    FACETS = "facets"
    TIMELINE = "timeline"
    CONTEXT = "context"


class Allocation(StrEnum):
    """How many articles of a sample come of each stratum."""

    PROPORTIONAL = "proportional"
    EQUAL = "equal"
