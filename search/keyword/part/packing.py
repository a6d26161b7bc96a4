"""How strings and numbers are packed into the arrays of a keyword part, and read back without unpacking all."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from search.storage.container import Part

# Bits for each code of a term with at most so many forms; one with more needs the last number of bits.
_MOST_FORMS = np.array((1, 2, 4, 16, 256))
_BITS = np.array((0, 1, 2, 4, 8, 16), np.uint8)
# With more than one in so many numbers too wide, storing all of them wide is smaller.
_WIDE_SHARE = 8
_PIECE = 1 << 18  # codes that are packed at once
BEHIND = 16  # bytes behind a blob of Strings, so that eight can be read from any
# The first n of eight bytes, the first byte highest.
_FIRST_BYTES = np.array([(1 << 64) - (1 << 64 - 8 * n) for n in range(9)], np.uint64)

Array = NDArray[Any]


def term_key(space: int, term: str) -> bytes:
    """The key of a term in the dictionary. Characters that UTF-8 cannot hold are in no term."""
    return bytes((space,)) + term.encode("utf-8", "replace")


class StringTable:
    """Byte strings end to end in one blob; ``ends[i]`` is where string ``i`` ends. Nothing is read until asked for."""

    __slots__ = ("_blob", "_ends")

    def __init__(self, blob: Array, ends: Array) -> None:
        self._blob = blob.data
        self._ends = ends.data

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._blob[self._ends[number - 1] if number else 0 : self._ends[number]])

    def between(self, start: int, stop: int) -> list[bytes]:
        """Strings ``start`` to ``stop`` (exclusive)."""
        if start >= stop:
            return []
        base = self._ends[start - 1] if start else 0
        data = bytes(self._blob[base : self._ends[stop - 1]])
        ends = [end - base for end in self._ends[start:stop]]
        return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]

    def some(self, places: NDArray[np.int64]) -> Strings:
        """Those at some places, ascending and at least one. Raises ValueError for ends that do not ascend."""
        ends = np.asarray(self._ends)
        stops = ends[places].astype(np.int64)
        starts = ends[places - 1].astype(np.int64)
        starts[places == 0] = 0
        base, sizes = int(starts[0]), stops - starts
        if sizes.min() < 0 or (starts[1:] < stops[:-1]).any():
            raise ValueError("strings of a dictionary overlap")
        return Strings(bytes(self._blob[base : int(stops[-1])]) + bytes(BEHIND), starts - base, sizes)

    def lower_bound(self, key: bytes, low: int = 0, high: int | None = None) -> int:
        """The number of the first string >= ``key``, in a table that is sorted between ``low`` and ``high``."""
        high = len(self._ends) if high is None else high
        while low < high:
            middle = (low + high) >> 1
            if self[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    def find(self, key: bytes, low: int = 0, high: int | None = None) -> int:
        """The number of ``key`` in a sorted table, or -1."""
        high = len(self._ends) if high is None else high
        number = self.lower_bound(key, low, high)
        return number if number < high and self[number] == key else -1

    def prefix_range(self, prefix: bytes) -> range:
        """The numbers of the strings that start with ``prefix``, in a sorted table."""
        start = self.lower_bound(prefix)
        # 0xFF is in no UTF-8 text, so this sorts after everything that starts with the prefix.
        return range(start, self.lower_bound(prefix + b"\xff", start) if prefix else len(self._ends))


class Wide:
    """Unsigned numbers of which few need more than the stored width: ``name`` holds the low bits of all of them,
    ``name_wide_at`` (ascending) and ``name_wide`` those that do not fit, whole."""

    __slots__ = ("_at", "_low", "_whole")

    def __init__(self, part: Part, name: str) -> None:
        self._low, self._at, self._whole = part[name], part[f"{name}_wide_at"], part[f"{name}_wide"]

    def run(self, start: int, stop: int) -> Array:
        """Numbers ``start`` to ``stop`` (exclusive): a view where all of them fit, else uint32."""
        low = self._low[start:stop]
        if len(self._at):
            first, last = np.searchsorted(self._at, (start, stop))
            if first < last:
                low = low.astype(np.uint32)
                low[self._at[first:last] - start] = self._whole[first:last]
        return low


class Strings:
    """Byte strings to be worked on all at once: string ``i`` is ``sizes[i]`` bytes of a blob from ``starts[i]`` on."""

    def __init__(self, blob: bytes, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        self._blob, self._starts, self.sizes = blob, starts, sizes

    @classmethod
    def of(cls, items: Sequence[bytes]) -> Strings:
        """These strings."""
        sizes = np.fromiter(map(len, items), np.int64, len(items))
        return cls(b"".join(items) + bytes(BEHIND), starts_of(sizes)[:-1], sizes)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: int) -> bytes:
        start = int(self._starts[place])
        return self._blob[start : start + int(self.sizes[place])]

    def take(self, places: Array) -> Strings:
        """Those at some places, in that order."""
        return Strings(self._blob, self._starts[places], self.sizes[places])

    @staticmethod
    def joined(several: Sequence[Strings]) -> Strings:
        """Several, one after the other."""
        bases = starts_of(np.array([len(each._blob) for each in several]))
        starts = [each._starts + base for each, base in zip(several, bases.tolist(), strict=False)]
        sizes = [each.sizes for each in several]
        return Strings(b"".join([each._blob for each in several]), np.concatenate(starts), np.concatenate(sizes))

    def order(self) -> NDArray[np.int64]:
        """The places of the strings as ``sorted`` puts them, by eight bytes of all at once.

        After each eight only those go on that are alike so far and have more.
        """
        numbers = self._eight(0)
        order = np.argsort(numbers)
        alike, numbers, group = np.arange(len(self)), numbers[order], np.zeros(len(self), np.int64)
        for end in itertools.count(8, 8):
            fresh = np.ones(len(alike), bool)
            fresh[1:] = (numbers[1:] != numbers[:-1]) | (group[1:] != group[:-1])
            group = np.cumsum(fresh) - 1
            sizes = self.sizes[order[alike]]
            more = np.zeros(len(alike), bool)
            more[group[(sizes > end) | (sizes != sizes[np.flatnonzero(fresh)][group])]] = True
            more = more[group] & (np.bincount(group, minlength=1) > 1)[group]
            if not more.any():
                return order
            alike, group = alike[more], group[more]
            at = order[alike]
            numbers = self._eight(end, at)
            again = np.lexsort((numbers, np.minimum(self.sizes[at], end), group))
            order[alike], numbers, group = at[again], numbers[again], group[again]
            group += np.cumsum(np.append(0, np.diff(np.minimum(self.sizes[order[alike]], end)) != 0))
        raise AssertionError

    def differ(self) -> NDArray[np.bool_]:
        """Whether each string is another than the one before it."""
        differ = np.ones(len(self), bool)
        differ[1:] = self.sizes[1:] != self.sizes[:-1]
        for at in range(0, int(self.sizes.max(initial=0)), 8):
            rest = np.flatnonzero(~differ & (self.sizes > at))
            if not len(rest):
                break
            differ[rest] = self._eight(at, rest) != self._eight(at, rest - 1)
        return differ

    def _eight(self, at: int, places: Array | slice = slice(None)) -> NDArray[np.uint64]:
        """Eight bytes from byte ``at`` on of some strings, as numbers, with zeros for what a string does not have."""
        numbers: Array = np.ndarray((len(self._blob) - 7,), ">u8", buffer=self._blob, strides=(1,))
        left = np.clip(self.sizes[places] - at, 0, 8)
        found: NDArray[np.uint64] = numbers[self._starts[places] + at * (left > 0)] & _FIRST_BYTES[left]
        return found

    def blob(self) -> NDArray[np.uint8]:
        """All bytes, string after string."""
        return np.frombuffer(self._blob, np.uint8)[ranges(self._starts, self.sizes)]

    def arrays(self, name: str) -> dict[str, Array]:
        """The two arrays of a StringTable."""
        return {f"{name}_blob": self.blob(), f"{name}_ends": fit(np.cumsum(self.sizes), np.uint32, np.uint64)}


def fit(values: Array, *dtypes: DTypeLike) -> Array:
    """The values in the first of these types, narrowest first, that holds the largest of them."""
    largest = int(values.max()) if len(values) else 0
    return values.astype(next(dtype for dtype in dtypes if largest <= np.iinfo(np.dtype(dtype)).max))


def docs_dtype(articles: int) -> DTypeLike:
    """The type of row numbers in a part of so many articles."""
    return np.uint16 if articles <= 1 << 16 else np.uint32


def few_wide(wide: int, total: int) -> bool:
    """Whether so many numbers that do not fit are few enough to be kept aside."""
    return wide * _WIDE_SHARE <= total


def narrow(name: str, values: Array, dtype: DTypeLike) -> dict[str, Array]:
    """The three arrays of a Wide."""
    at = np.flatnonzero(values > np.iinfo(np.dtype(dtype)).max)
    if not few_wide(len(at), len(values)):
        dtype, at = np.uint32, at[:0]
    return {
        name: values.astype(dtype),
        f"{name}_wide_at": at.astype(np.uint64),
        f"{name}_wide": values[at].astype(np.uint32),
    }


def starts_of(counts: Array) -> NDArray[np.int64]:
    """Run lengths to run starts; one entry more than there are runs, the last being the total."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def renumbered(numbers: Array, size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The distinct ones of some numbers below ``size``, ascending, and the place of each number among them."""
    used = np.zeros(size, bool)
    used[numbers] = True
    return np.flatnonzero(used), (np.cumsum(used, dtype=np.int32) - 1)[numbers]


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from ``starts[i]``, ``counts[i]`` of them, one run after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + counts, counts)


_LETTER_BITS = np.full(256, 1 << 26, np.uint32)  # of bytes: a letter's own, one for digits, for signs, and for the rest
_LETTER_BITS[ord("a") : ord("z") + 1] = 1 << np.arange(26, dtype=np.uint32)
_LETTER_BITS[ord("0") : ord("9") + 1] = 1 << 27
_LETTER_BITS[0x80:] = 1 << 28
_WORDS_AT_ONCE = 1 << 17


def letter_bits(blob: NDArray[np.uint8], ends: Array) -> NDArray[np.uint32]:
    """uint32[n]: which letters each string of a table has. An edit of one character changes two bits at most."""
    bits = np.zeros(len(ends), np.uint32)
    for first in range(0, len(ends), _WORDS_AT_ONCE):
        own = np.concatenate(([ends[first - 1] if first else 0], ends[first : first + _WORDS_AT_ONCE])).astype(np.int64)
        some = _LETTER_BITS[blob[own[0] : own[-1]]]
        bits[first : first + _WORDS_AT_ONCE] = np.bitwise_or.reduceat(some, own[:-1] - own[0])
    return bits


def stable_order(keys: Array) -> NDArray[np.int64]:
    """What ``argsort(kind="stable")`` gives for numbers from 0 to 2^32: by their halves, for which numpy counts."""
    order: NDArray[np.int64] = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    high = (keys >> 16).astype(np.uint16)
    if not high.any():
        return order
    return order[np.argsort(high[order], kind="stable")]


def code_bits(forms_per_term: Array) -> NDArray[np.uint8]:
    """How many bits say which of its forms an occurrence of a term has."""
    return _BITS[np.searchsorted(_MOST_FORMS, forms_per_term)]


def code_sizes(counts: Array, bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bytes for the codes of each term, from its occurrences and the bits for each of them."""
    return (counts.astype(np.int64) * bits + 7) >> 3


def _code_places(counts: Array, bits: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Array]:
    """For each occurrence: its bits, and at which bit they start. Each term starts with a byte of its own."""
    each = np.repeat(bits, counts)
    shifts = 8 * starts_of(code_sizes(counts, bits))[:-1] - starts_of(counts)[:-1] * bits
    # Half the width is twice the speed.
    dtype = np.int32 if 17 * len(each) + 8 * len(counts) <= np.iinfo(np.int32).max else np.int64
    place: Array = np.arange(len(each), dtype=dtype)
    place *= each
    place += np.repeat(shifts.astype(dtype), counts)
    return each, place


def encode_codes(codes: Array, counts: Array, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Codes term after term, ``counts`` of them with so many ``bits``, packed; low bits and low bytes first."""
    # A stretch of terms at a time stays near the processor.
    ends = np.cumsum(counts, dtype=np.int64)
    pieces = [np.zeros(0, np.uint8)]
    low = before = 0
    while low < len(counts):
        high = max(low + 1, int(ends.searchsorted(before + _PIECE)))
        after = int(ends[high - 1])
        pieces.append(_encode(codes[before:after], counts[low:high], bits[low:high]))
        low, before = high, after
    return np.concatenate(pieces)


def _encode(codes: Array, counts: Array, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    each, place = _code_places(counts, bits)
    total = int(code_sizes(counts, bits).sum())
    if not total:
        return np.zeros(0, np.uint8)
    values = codes.astype(np.uint8) << (place & 7).astype(np.uint8)
    byte = place >> 3
    first = np.ones(len(byte), bool)
    np.not_equal(byte[1:], byte[:-1], out=first[1:])
    heads = np.flatnonzero(first)
    low = np.bitwise_or.reduceat(values, heads)
    two = each > 8
    if not two.any():
        # Terms without bits have code 0 and come to lie in the byte of the next term, or behind the last.
        return low[:total]
    packed = np.zeros(total + 1, np.uint8)
    packed[byte[heads]] = low
    packed[byte[two] + 1] = codes[two] >> 8
    return packed[:total]


def decode_codes(packed: NDArray[np.uint8], counts: Array, bits: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The inverse of ``encode_codes``; terms without bits have code 0 throughout."""
    each, place = _code_places(counts, bits)
    if not len(packed):
        return np.zeros(len(each), np.uint16)
    byte = np.minimum(place >> 3, len(packed) - 1)
    masks = ((1 << np.minimum(np.arange(17), 8)) - 1).astype(np.uint8)
    low = (packed[byte] >> (place & 7).astype(np.uint8)) & masks[each]
    codes: NDArray[np.uint16] = low.astype(np.uint16)
    two = np.flatnonzero(each > 8)
    codes[two] |= packed[byte[two] + 1].astype(np.uint16) << 8
    return codes


def decode_term(packed: NDArray[np.uint8], count: int, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The codes of one term, a view where they fill bytes."""
    if bits >= 8:
        return packed if bits == 8 else packed.view("<u2")
    codes: NDArray[np.uint8] = _unpacked(bits)[packed].view(np.uint8)
    return codes[:count]


@functools.cache
def _unpacked(bits: int) -> Array:
    """For each byte the codes in it, side by side as the bytes of one number."""
    codes = (np.arange(256)[:, None] >> np.arange(0, 8, bits)) & ((1 << bits) - 1)
    return codes.astype(np.uint8).view(f"u{8 // bits}").reshape(-1)
