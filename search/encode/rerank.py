"""Cross-encoders: models that read a query together with a passage and score the pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import EncoderError

_AT_ONCE = 32
"""Pairs between two looks at the deadline."""


class Reranker(Protocol):
    """Scores pairs. Threads may share it."""

    @property
    def name(self) -> str:
        """The model's name."""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the query, larger is better."""


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder with one output."""

    def __init__(self, model: str) -> None:
        from search.encode.loading import load_cross_encoder
        from search.encode.models import find_model

        files = find_model(model, "name a folder that holds one, or search without rerank")
        import torch

        self._model = load_cross_encoder(files, "cuda" if torch.cuda.is_available() else "cpu")
        self.name = files.name
        if getattr(self._model, "num_labels", 1) != 1:
            raise EncoderError(f"the model {files.name} gives several scores a pair; a reranker gives one")

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Raises EncoderError if the model fails."""
        import math

        from search.encode.loading import silence

        try:
            with silence():
                scores = self._model.predict([(query, text) for text in texts], show_progress_bar=False)
            found = [float(score) for score in scores]
        except Exception as error:  # a stranger's model fails in any way
            raise EncoderError(f"the model {self.name} cannot rerank: {error}") from error
        if not all(map(math.isfinite, found)):
            raise EncoderError(f"the model {self.name} gives scores that are not numbers; choose another")
        return found


def best_scores(reranker: Reranker, query: str, texts: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """float64[n]: the score of the best of each row of texts; less than any where a row has none.

    Raises EncoderError if the model fails, or does not give a number for each text.
    """
    rows = np.repeat(np.arange(len(texts)), [len(row) for row in texts])
    flat = [text for row in texts for text in row]
    best = np.full(len(texts), -np.inf)
    for start in range(0, len(flat), _AT_ONCE):
        deadline.check()
        some = slice(start, start + _AT_ONCE)
        scores = np.asarray(reranker.score(query, flat[some]), np.float64)
        if scores.shape != rows[some].shape or not np.isfinite(scores).all():
            raise EncoderError(f"the reranker {reranker.name} must give a number for each of {len(flat[some])} texts")
        np.maximum.at(best, rows[some], scores)
    return best
