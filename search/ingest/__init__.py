"""Inputs of many formats become an iterator of articles and of rejections."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.ingest.formats import Format, Record, known_formats
    from search.ingest.reading import Reading, read

__all__ = ["Format", "Reading", "Record", "known_formats", "read"]

_HOMES = {"Format": "formats", "Record": "formats", "known_formats": "formats", "Reading": "reading", "read": "reading"}


def __getattr__(name: str) -> Any:
    """Readers are imported when files are read: whoever asks for the name of an agency needs none."""
    if name in _HOMES:
        return getattr(import_module(f"search.ingest.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
