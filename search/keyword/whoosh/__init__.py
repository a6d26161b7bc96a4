"""The door to Whoosh, and the only files that import it: its schema, analysers and readers over our parts, and its
queries beside our nodes. A search that brings no query of Whoosh's own needs none of it."""

from search.keyword.whoosh.foreign import match
from search.keyword.whoosh.nodes import from_query, to_query
from search.keyword.whoosh.schema import schema
from search.keyword.whoosh.searcher import searcher, segments

__all__ = ["from_query", "match", "schema", "searcher", "segments", "to_query"]
