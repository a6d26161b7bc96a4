"""The words of a keyword part while it is made: numbering what texts have, and the dictionary that comes of it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.keyword.analysis import TEXT_SPACE, TOKEN, analyze_token, normalise
from search.keyword.packing import Array, fit, starts_of, strings, term_key

_TEXT = term_key(TEXT_SPACE, "")
# Sorts before every character of a term, so form keys sort by term first. No token contains it.
_SEPARATOR = b"\0"
# What stands around words in print: without it most stretches are one plain word.
_AROUND = ".,;:!?\"'()[]“”‘’…–—-"
# Ends a sentence: a stretch of its own, with no tokens. Texts are rid of it before.
MARK = "\0"
# Numbers from here on are runs of forms, those below single forms.
SEVERAL = 1 << 31
# A vocabulary is begun afresh past this size, in stretches, forms and runs' tokens together.
_MOST_KEPT = 1 << 19
# Longer stretches are taken apart each time: they hardly ever come again.
_LONGEST_KEPT = 64


def form_key(term: bytes, surface: bytes) -> bytes:
    """What a form of the text space is known by: its term's key and its surface."""
    return term + _SEPARATOR + surface


class Vocabulary(dict[str, int]):
    """Text between two spaces -> the form number of its one token; with none or several, SEVERAL + the number of a run.

    News repeats itself, so each distinct stretch is taken apart and folded once. Run i is
    ``runs[run_ends[i - 1]:run_ends[i]]``, run 0 that of MARK. ``form_keys`` and ``form_words`` say what a form is.
    """

    def __init__(self) -> None:
        self.runs = array("I")
        self.run_ends = array("I", (0,))
        self.form_keys: list[bytes] = []
        self.form_words: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self[MARK] = SEVERAL

    @property
    def full(self) -> bool:
        """Whether it is time to begin another."""
        return len(self) + len(self.runs) + len(self.form_keys) > _MOST_KEPT

    def __missing__(self, stretch: str) -> int:
        plain = stretch.strip(_AROUND)
        if plain.isalnum() and plain.isascii():
            number = self._form(plain) if plain == stretch else self[plain]
        else:
            number = self._take_apart(stretch)
        if len(stretch) <= _LONGEST_KEPT:
            self[stretch] = number
        return number

    def _take_apart(self, stretch: str) -> int:
        parts = stretch.strip(_AROUND).split("-")
        if all(part.isalnum() and part.isascii() for part in parts):
            # What a hyphen joins is the most common of the rest, and comes again alone.
            forms = [self[part] for part in parts]
        else:
            forms = [self._form(written) for written in TOKEN.findall(normalise(stretch))]
        if len(forms) == 1:
            return forms[0]
        self.runs.extend(forms)
        self.run_ends.append(len(self.runs))
        return SEVERAL + len(self.run_ends) - 1

    def _form(self, written: str) -> int:
        surface, word, term = analyze_token(written)
        key = form_key(_TEXT + term.encode(), surface.encode())
        # Spellings that share a surface share a form.
        number = self._numbers.setdefault(key, len(self.form_keys))
        if number == len(self.form_keys):
            self.form_keys.append(key)
            self.form_words.append(word.encode())
        return number

    def forms_of(self, stream: Sequence[int]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The forms of a sequence of stretches, one after another, and how many of them come before each MARK."""
        numbers = np.frombuffer(array("I", stream), np.uint32)
        ends = np.frombuffer(self.run_ends, np.uint32).astype(np.int64)
        sizes = np.diff(ends, prepend=0)
        places = np.flatnonzero(numbers >= SEVERAL)
        runs = numbers[places] - np.uint32(SEVERAL)
        counts = np.ones(len(numbers), np.int64)
        counts[places] = sizes[runs]
        firsts = starts_of(counts)
        forms = np.repeat(numbers, counts)
        own = sizes[runs]
        within = np.arange(int(own.sum())) - np.repeat(np.cumsum(own) - own, own)
        known = np.frombuffer(self.runs, np.uint32) if self.runs else np.zeros(0, np.uint32)
        forms[np.repeat(firsts[places], own) + within] = known[np.repeat((ends - sizes)[runs], own) + within]
        return forms, firsts[places[runs == 0]]


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
        # The space's own byte is a zero too, so the separator is looked for after it.
        splits = [key.index(_SEPARATOR, 1) for key in ordered]
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
        starts = np.concatenate(([0], np.cumsum(np.bincount(word_of_form, minlength=len(words)))))
        forms = np.argsort(word_of_form, kind="stable")
        counts = np.add.reduceat(form_counts[forms], starts[:-1]) if words else np.zeros(0, np.int64)
        return {
            **strings("terms", self.keys),
            "form_starts": self.form_starts,
            **strings("forms", self.surfaces),
            **strings("words", words),
            "word_form_starts": starts.astype(np.uint32),
            "word_forms": forms.astype(np.uint32),
            "word_counts": fit(counts, np.uint32, np.uint64),
        }


def _places(order: Sequence[int]) -> NDArray[np.int32]:
    """The inverse of a permutation."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places
