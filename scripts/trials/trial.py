"""What all trials have: where they work, what they drew, and what came of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


class Trial:
    """One kind of trial. ``counts``: how many cases of each kind held, ``failures``: what went wrong, a line each;
    ``seconds`` of the processor. The same ``seed`` draws the same cases."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.failures: list[str] = []
        self.counts: Counter[str] = Counter()
        self.seconds = 0.0
