"""The name that a misspelled one may mean."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_LEAST = 0.7
_MOST = 200  # names that are compared letter by letter


def nearest(asked: str, names: Iterable[str]) -> str | None:
    """The most similar of some names, or the one that has the most similar word; None if none is near."""
    wanted = asked.casefold()
    grams = _grams(wanted)
    ranked: list[tuple[float, str]] = []
    for name in dict.fromkeys(names):
        shared = len(grams & _grams(name.casefold()))
        if 3 * shared >= len(grams):
            ranked.append((-shared / (len(grams) + 0.1 * len(name)), name))
    best, most = None, _LEAST
    for _, name in sorted(ranked)[:_MOST]:
        folded = name.casefold()
        likeness = max(SequenceMatcher(None, wanted, part).ratio() for part in (folded, *folded.split()))
        if likeness > most:
            best, most = name, likeness
    return best


def _grams(text: str) -> set[str]:
    padded = f" {text} "
    return {padded[i : i + 2] for i in range(len(padded) - 1)}
