"""Broadsheet: hybrid search over news archives. Whoosh finds the words, FAISS the meaning, one index holds both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search._version import __version__

if TYPE_CHECKING:
    from search.archive import Archive
    from search.deadline import Deadline
    from search.engine.watch import Stopwatch
    from search.errors import SearchError
    from search.keyword.analysis import Analysis
    from search.records import Article, Filters, Hit, Passage, Rejection, Results

__all__ = [
    "Analysis",
    "Archive",
    "Article",
    "Deadline",
    "Filters",
    "Hit",
    "Passage",
    "Rejection",
    "Results",
    "SearchError",
    "Stopwatch",
    "__version__",
]
_ROOMS = {
    "Analysis": "keyword.analysis",
    "Archive": "archive",
    "Deadline": "deadline",
    "SearchError": "errors",
    "Stopwatch": "engine.watch",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: ``broadsheet --help`` should not pay for any."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    room = _ROOMS.get(name, "records")
    found = globals()[name] = getattr(import_module(f"search.{room}"), name)
    return found
