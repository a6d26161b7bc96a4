"""Retrieval for assistants: passages within a token budget, citations, and the checking of quotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.rag.quotes import check_quotes

__all__ = ["check_quotes"]


def __getattr__(name: str) -> Any:
    if name == "check_quotes":
        from search.rag.quotes import check_quotes

        return check_quotes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
