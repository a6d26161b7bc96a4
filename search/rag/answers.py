"""The four answers that a receipt can be of, each by its one call."""

from __future__ import annotations

from search.engine import facets as aggregation
from search.engine import search as searching
from search.engine.receipts.asking import Asked
from search.engine.view import View
from search.engine.watch import Watch, unwatched
from search.rag import retrieval
from search.rag.context import Context
from search.records import Answer, Facets, Results, Timeline


def answer(view: View, asked: Asked, watch: Watch = unwatched) -> Results | Facets | Timeline | Context:
    """What a commit says to a question. Raises what the archive's method of that name raises."""
    request, others = asked.request, asked.others
    if asked.of is Answer.FACETS:
        return aggregation.facets(view, request, others["fields"], others["limit"], watch)
    if asked.of is Answer.TIMELINE:
        compare, split = others["compare"] or (), others["split"]
        return aggregation.timeline(view, request, others["by"], compare, split, others["limit"], watch)
    if asked.of is Answer.CONTEXT:
        reranker = None
        if others["rerank"] is not None:
            from search import encode

            reranker = encode.load_reranker(others["rerank"])
        return retrieval.retrieve(view, request, others["detect"], others["budget"], None, reranker, watch)
    return searching.search(view, request, watch)
