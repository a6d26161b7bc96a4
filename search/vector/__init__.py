"""The FAISS leg: passages by cosine, under an article mask. The only room that imports faiss."""

from search.vector.index import VectorIndex
from search.vector.part import build_part, merge_parts, without_of
from search.vector.segment import LEAD
from search.vector.soundness import check_part

__all__ = ["LEAD", "VectorIndex", "build_part", "check_part", "merge_parts", "without_of"]
