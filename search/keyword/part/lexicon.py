"""The dictionary of a keyword part while it is made: terms, forms and words in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.keyword.part.packing import Array, Strings, fit, stable_order, starts_of


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


class Forms(NamedTuple):
    """What the tokens of some texts look like. A form is a surface in one language; its folded word is
    ``words[word_of_form[i]]``, and the key of the term that it is found by ``terms[term_of_form[i]]``. Words and terms
    are distinct, and so are surfaces that have one term; in no order."""

    surfaces: Strings
    words: Strings
    terms: Strings
    word_of_form: NDArray[np.int32]
    term_of_form: NDArray[np.int32]


def one_of(each: Sequence[Forms]) -> tuple[Forms, list[NDArray[np.int64]]]:
    """The forms of several languages together, and where those of each went."""
    surfaces: dict[tuple[bytes, int], int] = {}
    words: dict[bytes, int] = {}
    terms: dict[bytes, int] = {}
    word_of_form: list[int] = []
    places = []
    for forms in each:
        own_words = [words.setdefault(forms.words[i], len(words)) for i in range(len(forms.words))]
        own_terms = [terms.setdefault(forms.terms[i], len(terms)) for i in range(len(forms.terms))]
        numbers = np.empty(len(forms.surfaces), np.int64)
        for i, (word, term) in enumerate(zip(forms.word_of_form.tolist(), forms.term_of_form.tolist(), strict=True)):
            number = surfaces.setdefault((forms.surfaces[i], own_terms[term]), len(surfaces))
            if number == len(word_of_form):
                word_of_form.append(own_words[word])
            numbers[i] = number
        places.append(numbers)
    every = Forms(
        Strings.of([surface for surface, _ in surfaces]),
        Strings.of(list(words)),
        Strings.of(list(terms)),
        np.array(word_of_form, np.int32),
        np.array([term for _, term in surfaces], np.int32),
    )
    return every, places


class Lexicon:
    """Terms sorted by key, forms by (term, surface), words by their bytes: the order is that of the content alone.

    ``values`` are the metadata terms. ``form_numbers`` and ``value_numbers`` say where each of the given forms and
    values went. Of all ``terms`` the first ``text_terms`` are those of the text space.
    """

    def __init__(self, forms: Forms, values: Sequence[bytes]) -> None:
        term_order, value_order = forms.terms.order(), Strings.of(values).order()
        term = _places(term_order)[forms.term_of_form]
        order = forms.surfaces.order()
        order = order[stable_order(term[order])]
        self.text_terms = len(forms.terms)
        self.terms = self.text_terms + len(values)
        self.form_numbers = _places(order)
        self.value_numbers = _places(value_order) + self.text_terms
        self.form_starts = starts_of(np.bincount(term, minlength=self.terms)).astype(np.int32)
        self._terms, self._values = forms.terms.take(term_order), Strings.of(values).take(value_order)
        self._surfaces, self._words, self._word_of_form = (
            forms.surfaces.take(order),
            forms.words,
            forms.word_of_form[order],
        )

    @property
    def forms_per_term(self) -> NDArray[np.int32]:
        """int32[T]: 0 for metadata terms."""
        return np.diff(self.form_starts)

    def term_of_form(self) -> NDArray[np.int32]:
        """int32[F]."""
        return np.repeat(np.arange(self.terms, dtype=np.int32), self.forms_per_term)

    def arrays(self, form_counts: NDArray[np.int64]) -> dict[str, Array]:
        """The dictionary's arrays of a part. ``form_counts`` is how often each form occurs."""
        order = self._words.order()
        return {
            **Strings.joined((self._terms, self._values)).arrays("terms"),
            "form_starts": self.form_starts,
            **self._surfaces.arrays("forms"),
            **self._words.take(order).arrays("words"),
            **word_arrays(_places(order)[self._word_of_form], len(order), form_counts),
        }


def _places(order: NDArray[np.int64]) -> NDArray[np.int32]:
    """The inverse of a permutation."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places
