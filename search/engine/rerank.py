"""The first places of a ranking in the order of a cross-encoder, which reads the query together with each passage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from search.encode import Reranker, load_reranker
from search.encode.rerank import best_scores
from search.engine import excerpts
from search.engine.plan import Plan
from search.engine.present import passages_of, sentences_of
from search.engine.rank import RERANKED, Ranked, Reranking
from search.engine.view import Scope, View

PASSAGES = 3
"""Passages of each article that are read, each below the title: the nearest, as they would be shown."""


def rerank(view: View, plan: Plan, scope: Scope, ranked: Ranked) -> Ranked:
    """The first ``RERANKED`` places by the score of each article's best passage, ties as they stood; then the rest.

    Scores stay as they are, as under diversity. The places are the same for every page, and a page beyond them reads
    nothing. Raises EncoderError for a model that cannot be found, trusted or run.
    """
    model = plan.request.rerank
    asked, count = plan.query.encoder_text, min(RERANKED, len(ranked.ordinals))
    if model is None or ranked.fused is None or not asked or plan.page.start >= count:
        return ranked
    reranker: Reranker = load_reranker(model) if isinstance(model, str) else model
    ordinals = ranked.ordinals[:count]
    articles = view.filed(ordinals, view.articles(ordinals))
    sought = excerpts.Sought.of(plan.query, view.analysis)
    known = sentences_of(scope, ordinals, sought)
    shown = passages_of(view, ranked, ordinals, articles, sought, known, PASSAGES)
    texts = [
        [] if article is None else [f"{article.title}\n{passage.text}" for passage in passages] or [article.title]
        for article, passages in zip(articles, shown, strict=True)
    ]
    scores = np.round(best_scores(reranker, asked, texts), 6)
    order = np.argsort(-scores, kind="stable")
    places = np.append(order, np.arange(count, len(ranked.ordinals)))
    return replace(
        ranked,
        ordinals=ranked.ordinals[places],
        positions=ranked.positions[places],
        reranking=Reranking(reranker.name, scores[order], order),
    )
