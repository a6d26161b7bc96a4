"""Receipts: made of an answer, read back from strangers' files, and held against what an archive says today."""

from search.engine.receipts.asking import Asked, asked
from search.engine.receipts.making import MOST, Asking, make
from search.engine.receipts.reading import read
from search.engine.receipts.verifying import verify

__all__ = ["MOST", "Asked", "Asking", "asked", "make", "read", "verify"]
