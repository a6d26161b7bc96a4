"""The Whoosh leg: analysis, columnar postings, matching and BM25F over articles."""

from search.keyword.analysis import ANALYSIS_VERSION
from search.keyword.highlight import highlight
from search.keyword.index import KeywordIndex, KeywordView
from search.keyword.settings import Bm25Settings

__all__ = ["ANALYSIS_VERSION", "Bm25Settings", "KeywordIndex", "KeywordView", "highlight"]
