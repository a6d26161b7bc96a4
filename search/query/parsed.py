"""What a query asks for, and the queries that ask for nothing but words.

Those are read here, at once: importing the language takes longer than a search.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search.keyword.tree import Expanded, Node

_MOST_CHARACTERS = 1000
_OPERATORS = frozenset({"AND", "OR", "NOT"})
# Initials, operators of other tools, and a small "not" or "or" between words: the language has something to say.
_MAY_BE_SYNTAX = re.compile(r"\b[A-Z] [A-Z]\b|\b(?:NEAR|ADJ)[0-9]*\b|\A(?:\w+ ){0,3}(?:[Nn]ot|[Oo]r)(?: \w+){1,3}\Z")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a query asks for.

    ``constraint``: the tree that every article of the match set meets, or None. ``words``: the free words as typed,
    without the punctuation around them. ``scoring_words``: these and the positive words of constraints, for BM25.
    ``encoder_text``: the same for the encoder, in the order and spelling typed; prose comes through unchanged.
    ``notes``: what was read in a way that may surprise, in sentences. ``patterns``: what scores beside the words, each
    as one term: wildcards, misspellings, letters as written.
    """

    text: str
    constraint: Node | None
    words: tuple[str, ...]
    scoring_words: tuple[str, ...]
    encoder_text: str
    notes: tuple[str, ...] = ()
    patterns: tuple[Expanded, ...] = ()

    @property
    def scoring(self) -> tuple[str | Expanded, ...]:
        """All that ranks by words."""
        return (*self.scoring_words, *self.patterns)

    def without(self, stretches: Iterable[tuple[int, int]]) -> ParsedQuery:
        """The same query, of which some stretches of ``encoder_text``, in order and disjoint, do not rank where they
        are free words. What is matched stays as it is."""
        pieces, end, ranking, free = [], 0, Counter(self.scoring_words), Counter(self.words)
        for start, stop in stretches:
            words = Counter(re.findall(r"\w(?:\S*\w)?", self.encoder_text[start:stop]))
            if words <= free:
                pieces.append(self.encoder_text[end:start])
                ranking, free, end = ranking - words, free - words, stop
        left = " ".join([*pieces, self.encoder_text[end:]]).split()
        return replace(self, scoring_words=tuple(ranking.elements()), encoder_text=" ".join(left))

    def narrowed(self, *conditions: Node, notes: Sequence[str] = ()) -> ParsedQuery:
        """The same query under more conditions, and what is to be said of them."""
        from search.keyword.tree import And, both, members

        constraint = both([*members(And, self.constraint), *conditions])
        return replace(self, constraint=constraint, notes=(*self.notes, *notes))


def plain_words(text: str) -> ParsedQuery | None:
    """The query as the language reads it, where it is ASCII words of letters and digits alone; None where it is not."""
    words = text.split(" ")
    if (
        len(text) > _MOST_CHARACTERS
        or not text.isascii()
        or not all(word.isalnum() or not word for word in words)
        or not _OPERATORS.isdisjoint(words)
        or _MAY_BE_SYNTAX.search(text)
    ):
        return None
    free = tuple(word for word in words if word)
    return ParsedQuery(text, None, free, free, text.strip(" ")) if free else None
