"""The dictionaries of several parts to one. All are in order, so a block of each at a time is enough."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.keyword.part.lexicon import word_arrays
from search.keyword.part.packing import Array, Strings, StringTable, fit, starts_of
from search.keyword.part.surviving import Source

# Strings that are read of a part at once.
BLOCK = 1 << 13


class Table(NamedTuple):
    """Those strings of a StringTable that are left: their ``places``, ascending. They are in order within ``groups``,
    numbers that do not descend; without groups, all of them."""

    strings: StringTable
    places: NDArray[np.int64]
    groups: NDArray[np.int32] | None = None


class Block(NamedTuple):
    """Some strings and the group of each."""

    strings: Strings
    groups: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.groups)

    def key(self, place: int) -> tuple[int, bytes]:
        """What a string is sorted by."""
        return int(self.groups[place]), self.strings[place]

    def take(self, places: Array) -> Block:
        """Those at some places."""
        return Block(self.strings.take(places), self.groups[places])


class _Reader:
    """A table, a block at a time."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._at = 0
        self._latest: tuple[int, bytes] | None = None
        self._held = Block(Strings.of(()), np.zeros(0, np.int32))

    def fill(self) -> int:
        """Read on where nothing is held. Returns how many strings are."""
        if not len(self._held) and self._at < len(self._table.places):
            places = self._table.places[self._at : self._at + BLOCK]
            groups = self._table.groups
            own = np.zeros(len(places), np.int32) if groups is None else groups[self._at : self._at + BLOCK]
            self._held = Block(self._table.strings.some(places), own)
            self._at += len(places)
        return len(self._held)

    def end(self) -> tuple[int, bytes] | None:
        """The key that nothing which is still to be read comes before; None where there is no more."""
        return self._held.key(len(self._held) - 1) if self._at < len(self._table.places) else None

    def take(self, end: tuple[int, bytes] | None) -> Block:
        """What is held up to a key, None for all of it."""
        size = len(self._held)
        cut = size if end is None else bisect_right(range(size), end, key=self._held.key)
        if cut:
            if self._latest is not None and self._held.key(0) <= self._latest:
                raise out_of_order()
            self._latest = self._held.key(cut - 1)
        taken, self._held = self._held.take(np.arange(cut)), self._held.take(np.arange(cut, size))
        return taken


def out_of_order() -> ValueError:
    """What a damaged dictionary raises."""
    return ValueError("strings of a dictionary are not in order")


def unite(tables: Sequence[Table]) -> Iterator[tuple[Block, list[NDArray[np.int32]]]]:
    """The strings of all tables in order, each once in each group, some at a time; and the numbers in the result of
    those that each table gives next. Raises ValueError for strings that are not in order."""
    readers = [_Reader(table) for table in tables]
    before = 0
    while sum(reader.fill() for reader in readers):
        ends = [end for reader in readers if (end := reader.end()) is not None]
        taken = [reader.take(min(ends, default=None)) for reader in readers]
        block = Block(Strings.joined([own.strings for own in taken]), np.concatenate([own.groups for own in taken]))
        order = block.strings.order()
        order = order[np.argsort(block.groups[order], kind="stable")]
        block = block.take(order)
        fresh = block.strings.differ()
        fresh[1:] |= block.groups[1:] != block.groups[:-1]
        numbers = np.empty(len(block), np.int32)
        numbers[order] = before + np.cumsum(fresh) - 1
        each = np.split(numbers, np.cumsum([len(own) for own in taken])[:-1])
        if not all((own[1:] > own[:-1]).all() for own in each):
            raise out_of_order()
        block = block.take(np.flatnonzero(fresh))
        yield block, each
        before += len(block)


class _Growing:
    """The arrays of a StringTable while it grows, and the groups of its strings."""

    def __init__(self) -> None:
        self._blob = bytearray()
        self._sizes = [np.zeros(0, np.int64)]
        self._groups = [np.zeros(0, np.int32)]

    def __len__(self) -> int:
        return sum(map(len, self._sizes))

    def add(self, tables: Sequence[Table]) -> list[NDArray[np.int32]]:
        """Add the strings of all tables. Returns the numbers of each table's own, counted from the first added."""
        found: list[list[NDArray[np.int32]]] = [[np.zeros(0, np.int32)] for _ in tables]
        for block, numbers in unite(tables):
            self._blob += block.strings.blob().data
            self._sizes.append(block.strings.sizes)
            self._groups.append(block.groups)
            for own, more in zip(found, numbers, strict=True):
                own.append(more)
        return [np.concatenate(own) for own in found]

    def groups(self) -> NDArray[np.int32]:
        """The group of each string."""
        return np.concatenate(self._groups)

    def arrays(self, name: str) -> dict[str, Array]:
        ends = starts_of(np.concatenate(self._sizes))[1:]
        blob = np.frombuffer(self._blob, np.uint8)
        return {f"{name}_blob": blob, f"{name}_ends": fit(ends, np.uint32, np.uint64)}


class United:
    """The dictionary of a merge's result, and with it where the terms and forms of each source go.

    ``terms`` counts all of them; the first ``text_terms`` are those of the text space, and ``form_starts`` int32[T + 1]
    is each term's first form. Raises ValueError where a source's strings are not in order.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._terms, self._forms, self._words = _Growing(), _Growing(), _Growing()
        terms = self._terms.add([Table(source.segment.terms, source.terms_of_text) for source in sources])
        self.text_terms = len(self._terms)
        forms = self._forms.add(
            [
                Table(source.segment.surfaces, source.forms, source.terms_of_forms(term))
                for source, term in zip(sources, terms, strict=True)
            ]
        )
        words = self._words.add([Table(source.segment.words, source.words) for source in sources])
        values = self._terms.add([Table(source.segment.terms, source.values) for source in sources])
        self.terms = len(self._terms)
        self.form_starts = starts_of(np.bincount(self._forms.groups(), minlength=self.terms)).astype(np.int32)
        word_of_form = np.zeros(len(self._forms), np.int32)
        form_counts = np.zeros(len(self._forms), np.int64)
        for source, term, form, word, value in zip(sources, terms, forms, words, values, strict=True):
            word_of_form[form] = source.words_of_forms(word)
            form_counts[form] += source.form_counts[source.forms]
            source.settle(term, form, value + self.text_terms, self.form_starts)
        self._word_arrays = word_arrays(word_of_form, len(self._words), form_counts)

    @property
    def forms_per_term(self) -> NDArray[np.int32]:
        """int32[T]: 0 for metadata terms."""
        return np.diff(self.form_starts)

    def arrays(self) -> dict[str, Array]:
        """The dictionary's arrays of a part."""
        return {
            **self._terms.arrays("terms"),
            "form_starts": self.form_starts,
            **self._forms.arrays("forms"),
            **self._words.arrays("words"),
            **self._word_arrays,
        }
