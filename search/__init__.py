"""Broadsheet: hybrid search over news archives. Whoosh finds the words, FAISS the meaning, one index holds both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search._version import __version__
from search.errors import SearchError
from search.records import Article, Filters, Hit, Passage, Rejection, Results

if TYPE_CHECKING:
    from search.archive import Archive

__all__ = ["Archive", "Article", "Filters", "Hit", "Passage", "Rejection", "Results", "SearchError", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the engine when it is asked for: ``broadsheet --help`` should not pay for it."""
    if name == "Archive":
        from search.archive import Archive

        return Archive
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
