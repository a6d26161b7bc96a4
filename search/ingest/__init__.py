"""One reader per format: a source becomes an iterator of articles or of rejections."""

from search.ingest.reading import Reading, read

__all__ = ["Reading", "read"]
