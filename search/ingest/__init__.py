"""Inputs of many formats become an iterator of articles and of rejections."""

from search.ingest.formats import Format, Record, known_formats
from search.ingest.reading import Reading, read

__all__ = ["Format", "Reading", "Record", "known_formats", "read"]
