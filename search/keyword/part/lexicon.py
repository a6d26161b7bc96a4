"""The dictionary of a keyword part while it is made: terms, forms and words in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.keyword.part.packing import Array, fit, starts_of, strings

# Sorts before every character of a term, so form keys sort by term first. No token contains it.
_SEPARATOR = b"\0"


def form_key(term: bytes, surface: bytes) -> bytes:
    """What a form of the text space is known by: its term's key and its surface."""
    return term + _SEPARATOR + surface


def split_of(key: bytes) -> int:
    """Where in a form's key its term ends."""
    # The space's own byte is a zero too, so the separator is looked for after it.
    return key.index(_SEPARATOR, 1)


def word_arrays(word_of_form: Array, words: int, form_counts: NDArray[np.int64]) -> dict[str, Array]:
    """Which forms each of so many words has, and how often it occurs, from the word and the count of each form."""
    starts = starts_of(np.bincount(word_of_form, minlength=words))
    forms = np.argsort(word_of_form, kind="stable")
    counts = np.add.reduceat(form_counts[forms], starts[:-1]) if words else np.zeros(0, np.int64)
    return {
        "word_form_starts": starts.astype(np.uint32),
        "word_forms": forms.astype(np.uint32),
        "word_counts": fit(counts, np.uint32, np.uint64),
    }


class Lexicon:
    """Terms sorted by key, forms by (term, surface), words by their bytes: the order is that of the content alone.

    ``form_keys`` and ``words`` are parallel: a form and its folded word in UTF-8. ``values`` are the metadata terms.
    ``form_numbers`` and ``value_numbers`` say where each of the given forms and values went. The first ``text_terms``
    terms are those of the text space.
    """

    def __init__(self, form_keys: Sequence[bytes], words: Sequence[bytes], values: Sequence[bytes]) -> None:
        order = sorted(range(len(form_keys)), key=form_keys.__getitem__)
        self.form_numbers = _places(order)
        ordered = [form_keys[index] for index in order]
        splits = [split_of(key) for key in ordered]
        self.surfaces = [key[split + 1 :] for key, split in zip(ordered, splits, strict=True)]
        starts: list[int] = []
        last = b"\xff"
        for number, key in enumerate(ordered):
            # Forms of one term follow one another.
            if not key.startswith(last):
                last = key[: splits[number] + 1]
                starts.append(number)
        self.keys = [ordered[start][: splits[start]] for start in starts]
        self.text_terms = len(self.keys)
        value_order = sorted(range(len(values)), key=values.__getitem__)
        self.value_numbers = _places(value_order) + self.text_terms
        self.keys += [values[index] for index in value_order]
        starts += [len(order)] * (len(values) + 1)
        self.form_starts: NDArray[np.int32] = np.array(starts, np.int32)
        self._words = words
        self._order = order

    @property
    def forms_per_term(self) -> NDArray[np.int32]:
        """int32[T]: 0 for metadata terms."""
        return np.diff(self.form_starts)

    def term_of_form(self) -> NDArray[np.int32]:
        """int32[F]."""
        return np.repeat(np.arange(len(self.keys), dtype=np.int32), self.forms_per_term)

    def arrays(self, form_counts: NDArray[np.int64]) -> dict[str, Array]:
        """The dictionary's arrays of a part. ``form_counts`` is how often each form occurs."""
        words = sorted(set(self._words))
        numbers = {word: number for number, word in enumerate(words)}
        word_of_form = np.array([numbers[word] for word in self._words], np.int64)[self._order]
        return {
            **strings("terms", self.keys),
            "form_starts": self.form_starts,
            **strings("forms", self.surfaces),
            **strings("words", words),
            **word_arrays(word_of_form, len(words), form_counts),
        }


def _places(order: Sequence[int]) -> NDArray[np.int32]:
    """The inverse of a permutation."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places
