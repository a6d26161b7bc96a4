"""The dictionaries of several parts to one. All are in order, so a block of each at a time is enough."""

from __future__ import annotations

import itertools
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from search.keyword.part.lexicon import split_of, word_arrays
from search.keyword.part.packing import Array, fit, starts_of
from search.keyword.part.surviving import Source

# Strings that are read of a part at once.
BLOCK = 1 << 12

Table = tuple[Callable[[int, int], list[bytes]], int]


class _Strings:
    """The arrays of a StringTable while it grows."""

    def __init__(self) -> None:
        self._blob = bytearray()
        self._sizes = [np.zeros(0, np.uint32)]

    def add(self, items: Sequence[bytes]) -> None:
        self._blob += b"".join(items)
        self._sizes.append(np.fromiter(map(len, items), np.uint32, len(items)))

    def arrays(self, name: str) -> dict[str, Array]:
        ends = starts_of(np.concatenate(self._sizes))[1:]
        blob = np.frombuffer(self._blob, np.uint8)
        return {f"{name}_blob": blob, f"{name}_ends": fit(ends, np.uint32, np.uint64)}


class United:
    """The dictionary of a merge's result, and with it where the terms and forms of each source go.

    ``terms`` and ``forms`` count; the first ``text_terms`` terms are those of the text space, and ``form_starts``
    int32[T + 1] is each term's first form. Raises ValueError where a source's strings are not in order.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._term_strings, self._form_strings, self._word_strings = _Strings(), _Strings(), _Strings()
        forms = self._add_forms(sources)
        words, count = _numbered(
            [(source.words_between, len(source.segment.words)) for source in sources], self._word_strings
        )
        values, value_count = _numbered(
            [(source.values_between, len(source.forms_per_term) - source.text_terms) for source in sources],
            self._term_strings,
        )
        self.terms = self.text_terms + value_count
        self.form_starts = np.append(self._starts, np.full(value_count + 1, self.forms)).astype(np.int32)
        term_of_form = np.repeat(np.arange(self.terms, dtype=np.int32), self.forms_per_term)
        word_of_form = np.zeros(self.forms, np.int32)
        form_counts = np.zeros(self.forms, np.int64)
        for source, form, word, value in zip(sources, forms, words, values, strict=True):
            word_of_form[form] = source.words_of_forms(word)
            form_counts[form] += source.form_counts[source.forms_left]
            source.settle(form, value + self.text_terms, self.form_starts, term_of_form)
        self._words = word_arrays(word_of_form, count, form_counts)

    def _add_forms(self, sources: Sequence[Source]) -> list[NDArray[np.int32]]:
        """The number of each surviving form of each source."""
        found: list[list[Array]] = [[np.zeros(0, np.int32)] for _ in sources]
        starts = []
        self.forms = self.text_terms = 0
        last = b"\xff"
        for keys, numbers in unite([(source.form_keys, len(source.segment.surfaces)) for source in sources]):
            splits = [split_of(key) for key in keys]
            self._form_strings.add([key[split + 1 :] for key, split in zip(keys, splits, strict=True)])
            terms = []
            for number, (key, split) in enumerate(zip(keys, splits, strict=True), self.forms):
                # Forms of one term follow one another.
                if not key.startswith(last):
                    last = key[: split + 1]
                    terms.append(key[:split])
                    starts.append(number)
            self._term_strings.add(terms)
            self.forms += len(keys)
            for own, more in zip(found, numbers, strict=True):
                own.append(more)
        self.text_terms = len(starts)
        self._starts = np.array(starts, np.int32)
        return [np.concatenate(own) for own in found]

    @property
    def forms_per_term(self) -> NDArray[np.int32]:
        """int32[T]: 0 for metadata terms."""
        return np.diff(self.form_starts)

    def arrays(self) -> dict[str, Array]:
        """The dictionary's arrays of a part."""
        return {
            **self._term_strings.arrays("terms"),
            "form_starts": self.form_starts,
            **self._form_strings.arrays("forms"),
            **self._word_strings.arrays("words"),
            **self._words,
        }


def unite(tables: Sequence[Table]) -> Iterator[tuple[list[bytes], list[NDArray[np.int32]]]]:
    """The strings of all tables in order, each once, some at a time; and the numbers in the result of those that each
    table gives next. A table is a function that gives what is used of its strings ``start`` to ``stop``, and how many
    strings it has. Raises ValueError for strings that are not in order."""
    at = [0] * len(tables)
    held: list[list[bytes]] = [[] for _ in tables]
    latest: list[list[bytes]] = [[] for _ in tables]
    before = 0
    while True:
        for i, (read, count) in enumerate(tables):
            while not held[i] and at[i] < count:
                held[i] = read(at[i], min(at[i] + BLOCK, count))
                at[i] += BLOCK
                run = latest[i] + held[i]
                if not all(map(operator.lt, run, run[1:])):
                    raise ValueError("strings of a dictionary are not in order")
                latest[i] = run[-1:]
        if not any(held):
            return
        # Nothing before this string is still to come.
        last = min(
            (own[-1] for own, start, (_, count) in zip(held, at, tables, strict=True) if start < count), default=None
        )
        cuts = [len(own) if last is None else bisect_right(own, last) for own in held]
        taken = [own[:cut] for own, cut in zip(held, cuts, strict=True)]
        held = [own[cut:] for own, cut in zip(held, cuts, strict=True)]
        strings = sorted(set().union(*taken))
        numbers = dict(zip(strings, itertools.count(before)))
        yield strings, [np.fromiter(map(numbers.__getitem__, own), np.int32, len(own)) for own in taken]
        before += len(strings)


def _numbered(tables: Sequence[Table], into: _Strings) -> tuple[list[NDArray[np.int32]], int]:
    """Add the strings of all tables; the numbers of each table's own, and how many there are in all."""
    found: list[list[Array]] = [[np.zeros(0, np.int32)] for _ in tables]
    total = 0
    for strings, numbers in unite(tables):
        into.add(strings)
        total += len(strings)
        for own, more in zip(found, numbers, strict=True):
            own.append(more)
    return [np.concatenate(own) for own in found], total
