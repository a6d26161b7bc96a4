"""Texts to numbered words, many texts at once: cut into stretches by whole arrays, each distinct stretch read once.

A stretch is what stands between two signs that no token contains: white space, most punctuation, and a full stop or
comma before either. Signs that belong to a word, and words that ``readings`` reads as one, are put back together. Most
stretches are one plain word; ``readings.cut`` says what the others hold. News repeats itself, so
nearly every stretch has been seen, and a table of 16-byte keys answers for thousands of them with a few array
operations. Behind it stands a dictionary, so the table may forget or miss, but never tell two stretches alike.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.keyword.analysis import (
    ENGLISH,
    LONGEST_WORD,
    TEXT_SPACE,
    Analysis,
    analyze_token,
    normalise,
    spans_of,
    term_of,
)
from search.keyword.part.lexicon import Forms
from search.keyword.part.packing import BEHIND, Array, Strings, renumbered, starts_of, term_key
from search.keyword.readings import cut, of_words

_TEXT = term_key(TEXT_SPACE, "")
# Ends a piece of text. Texts are rid of it before.
_MARK = "\0"
# Numbers from here on are runs of forms, those below single forms.
_SEVERAL = 1 << 31
# In a run, marks the form of a reading: it stands at the place of the token before it.
READING = 1 << 31
# A vocabulary is begun afresh past this size, in stretches, forms and runs' tokens together.
_MOST_KEPT = 1 << 20
# Longer stretches are taken apart each time: they hardly ever come again.
_LONGEST_KEPT = 64

_WORD, _SEPARATOR, _STOP, _SIGN = 0, 1, 2, 3
# Of ASCII: letters and digits, the signs that may stand inside a token, and "_", which separates tokens but is seen by
# the \b in TOKEN. All else separates; a full stop or comma does where a separator follows, and a sign where it belongs
# to no word. Bytes of other characters belong to the stretch.
_CLASSES = bytes(
    _STOP
    if chr(code) in ".,"
    else _SIGN
    if chr(code) in "-&!$#@+%"
    else _WORD
    if code >= 128 or chr(code).isalnum() or chr(code) in "'`_"
    else _SEPARATOR
    for code in range(256)
)
# The dashes, double quotes and the ellipsis of print, which are no part of a token: E2 80 and one of these in UTF-8.
_PRINT_LEAD, _PRINT_BLOCK, _PRINT_SIGNS = 0xE2, 0x80, (0x93, 0x94, 0x9C, 0x9D, 0xA6)

_KEY_BYTES = 16
_SLOT_BITS = 19
_PROBES = 2
_MULTIPLIERS = np.array((0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F), np.uint64)
# The first n of eight bytes, the first byte lowest.
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
_CHUNK = 1 << 20  # characters that are cut at once: what is made of them stays near the processor


def _table(characters: str) -> NDArray[np.bool_]:
    """bool[256]: which bytes are these characters."""
    return np.isin(np.arange(256), list(characters.encode()))


# Signs between two words, before one, and behind one, that belong to them.
_BETWEEN, _BEFORE, _BEHIND = map(_table, ("-&!$", "#@$", "+#%"))
# What must not follow a sign behind a word, or stand at either side of initials.
_NO_BREAK, _COMPOSED, _STOPS, _BESIDE_INITIALS = map(_table, ("+#%<=>", "<=>", ".,", "+#%<=>-&!$"))
_LETTERS = _table("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_INITIALS = re.compile(rb"\.?[ \n]")
_LINE_END = re.compile(rb"[ \t]*\r?\n[ \t]*")
_HYPHENS = tuple(hyphen.encode() for hyphen in "-\u00ad\u00ac\u2010\u2011\ufe63\uff0d")
_MAY_HYPHEN = np.isin(
    np.arange(256), [*b"- \t\r", *(hyphen.encode()[-1] for hyphen in "\u00ad\u00ac\u2010\u2011\ufe63\uff0d")]
)


def _cut(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the stretches of UTF-8 text begin and end. The text begins and ends with a separator."""
    classes = np.frombuffer(bytearray(data.translate(_CLASSES)), np.uint8)
    codes = np.frombuffer(data, np.uint8)
    lead = np.flatnonzero(codes[:-2] == _PRINT_LEAD)
    lead = lead[codes[lead + 1] == _PRINT_BLOCK]
    lead = lead[np.isin(codes[lead + 2], _PRINT_SIGNS)]
    for offset in range(3):
        classes[lead + offset] = _SEPARATOR
    signs = np.flatnonzero(classes == _SIGN)
    classes[signs] = _SEPARATOR
    stops = np.flatnonzero(classes == _STOP)
    classes[stops] = classes[stops + 1] == _SEPARATOR
    separates = classes.view(np.bool_)
    _join_signs(codes, separates, signs)
    _join_lines(data, codes, separates)
    _join_initials(data, codes, separates)
    edges = np.flatnonzero(separates[1:] != separates[:-1]) + 1
    return edges[::2], edges[1::2]


def _join_signs(codes: Array, separates: NDArray[np.bool_], signs: NDArray[np.int64]) -> None:
    """Let signs be part of a stretch where they are of a word."""
    left, right, code = ~separates[signs - 1], ~separates[signs + 1], codes[signs]
    before = signs[~left & right & _BEFORE[code]]
    at = signs[left & ~right & _BEHIND[code]]
    two = (codes[at] == ord("+")) & (codes[at + 1] == ord("+"))
    behind = at + 1 + two
    # Nothing may follow but a separator that is no such sign.
    good = separates[behind] & ~_NO_BREAK[codes[behind]] & ~_COMPOSED[codes[behind + _STOPS[codes[behind]]]]
    separates[signs[left & right & _BETWEEN[code]]] = False
    separates[before] = False
    separates[at[good]] = False
    separates[at[good & two] + 1] = False
    # "C++-like", "100%-owned", "pre-$100"
    wide = signs[_BETWEEN[code]]
    separates[wide[~separates[wide - 1] & ~separates[wide + 1]]] = False


def _join_lines(data: bytes, codes: Array, separates: NDArray[np.bool_]) -> None:
    """Let what a line's end cuts be one stretch, from a hyphen to the next line."""
    newlines = np.flatnonzero(codes == ord("\n"))
    for newline in newlines[_MAY_HYPHEN[codes[newlines - 1]]].tolist():
        end = len(data[max(newline - 80, 0) : newline].rstrip(b" \t\r")) + max(newline - 80, 0)
        if data.endswith(_HYPHENS, 0, end):
            line_end = _LINE_END.match(data, end)
            if line_end is not None and not separates[line_end.end()]:
                separates[end - 1 : line_end.end()] = False


def _join_initials(data: bytes, codes: Array, separates: NDArray[np.bool_]) -> None:
    """Let initials with spaces be one stretch, with the full stop behind them, which a reading of them asks for."""
    letters = np.flatnonzero(separates[:-2] & ~separates[1:-1] & separates[2:]) + 1
    letters = letters[_LETTERS[codes[letters]]]
    ends = letters + 1
    # Letters of two bytes, or with a mark of two.
    wide = np.flatnonzero(codes[:-2] - np.uint8(0xC3) < 0x15)
    wide = wide[separates[wide + 2]]
    marked = (codes[wide] & 0xFE == 0xCC) & _LETTERS[codes[wide - 1]]
    first = wide - marked
    whole = separates[first - 1]
    if whole.any():
        order = np.argsort(np.concatenate((letters, first[whole])), kind="stable")
        letters = np.concatenate((letters, first[whole]))[order]
        ends = np.concatenate((ends, wide[whole] + 2))[order]
    near = np.flatnonzero(letters[1:] - ends[:-1] <= 2)
    for left, stop, right, end in zip(
        letters[near].tolist(), ends[near].tolist(), letters[near + 1].tolist(), ends[near + 1].tolist(), strict=True
    ):
        behind = end + _STOPS[codes[end]]
        if _INITIALS.fullmatch(data, stop, right) and not _BESIDE_INITIALS[codes[[left - 1, end, behind]]].any():
            separates[stop:right] = False
            separates[end] = codes[end] != ord(".")


class _Seen:
    """Stretches of at most 16 bytes and their numbers: a table that is asked for many at once.

    A stretch lives in one of two places that its hash names, or, where both are taken, not at all.
    """

    def __init__(self) -> None:
        self._keys = np.zeros((1 << _SLOT_BITS, 2), np.uint64)  # no stretch has a zero byte: an empty key is free
        self._numbers = np.zeros(1 << _SLOT_BITS, np.uint32)

    @staticmethod
    def _slots(keys: Array) -> NDArray[np.uint64]:
        mixed: NDArray[np.uint64] = keys[:, 0] * _MULTIPLIERS[0] ^ (keys[:, 1] + np.uint64(1)) * _MULTIPLIERS[1]
        mixed ^= mixed >> np.uint64(29)
        mixed *= _MULTIPLIERS[0]
        mixed >>= np.uint64(64 - _SLOT_BITS)
        return mixed

    def find(self, keys: Array) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The number of each key, and the places of those that are not here."""
        slots = self._slots(keys)
        numbers = self._numbers[slots]
        missing = self._differ(keys, slots)
        for probe in range(1, _PROBES):
            again, rest = keys[missing], slots[missing] ^ np.uint64(probe)
            numbers[missing] = self._numbers[rest]
            missing = missing[self._differ(again, rest)]
        return numbers, missing

    def _differ(self, keys: Array, slots: Array) -> NDArray[np.int64]:
        own = self._keys[slots]
        return np.flatnonzero((own[:, 0] != keys[:, 0]) | (own[:, 1] != keys[:, 1]))

    def add(self, keys: Array, numbers: Array) -> None:
        """Keep what finds a place; keys that are here already may come again."""
        slots = self._slots(keys)
        for probe in range(_PROBES):
            places = slots ^ np.uint64(probe)
            free = self._keys[places, 0] == 0
            # Of several that want one place the last gets it, in both arrays alike.
            self._keys[places[free]] = keys[free]
            self._numbers[places[free]] = numbers[free]
            left = self._differ(keys, places)
            keys, numbers, slots = keys[left], numbers[left], slots[left]


class _Table:
    """Strings that are numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._blob = bytearray()
        self._ends = array("Q", (0,))

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, string: bytes) -> int:
        """Its number: the next one, where it is new."""
        count = len(self._numbers)
        number = self._numbers.setdefault(string, count)
        if number == count:
            self._blob += string
            self._ends.append(len(self._blob))
        return number

    def strings(self, numbers: NDArray[np.int64]) -> Strings:
        """The strings of some numbers."""
        ends = np.array(self._ends, np.int64)  # a copy: what is lent out could not grow
        return Strings(bytes(self._blob + bytes(BEHIND)), ends[:-1], np.diff(ends)).take(numbers)


class Vocabulary(dict[bytes, int]):
    """A stretch in UTF-8 -> the form number of its one token; with none or several, _SEVERAL + the number of a run.

    Run i is ``runs[run_ends[i - 1]:run_ends[i]]``, run 0 is empty; a reading's form has READING set. ``forms`` says
    what a form is: its surface alone decides its word, and that its term.
    """

    def __init__(self, analysis: Analysis = ENGLISH) -> None:
        self.analysis = analysis
        self._runs = array("I")
        self._run_ends = array("I", (0,))
        self._surfaces, self._words, self._terms = _Table(), _Table(), _Table()
        self._word_of_form = array("I")
        self._term_of_word = array("I")
        self._seen = _Seen()

    @property
    def full(self) -> bool:
        """Whether it is time to begin another."""
        return len(self) + len(self._runs) + len(self._surfaces) > _MOST_KEPT

    def forms(self, numbers: NDArray[np.int64]) -> Forms:
        """What some forms are, in the order of their distinct numbers."""
        # Copies: a buffer that is lent out could not grow.
        words, word_of_form = renumbered(np.array(self._word_of_form, np.int64)[numbers], len(self._words))
        terms, term_of_word = renumbered(np.array(self._term_of_word, np.int64)[words], len(self._terms))
        return Forms(
            self._surfaces.strings(numbers),
            self._words.strings(words),
            self._terms.strings(terms),
            word_of_form,
            term_of_word[word_of_form],
        )

    def __missing__(self, stretch: bytes) -> int:
        if stretch.isalnum() and len(stretch) <= LONGEST_WORD:  # ASCII letters and digits only, as bytes are asked
            number = self._form(stretch, stretch.lower())
        elif len(parts := stretch.split(b"-")) > 1 and all(map(bytes.isalnum, parts)):
            number = self._run(self._compound(parts))
        else:
            forms = []
            for written, other in cut(normalise(stretch.decode()), self.analysis):
                surface, word, _ = analyze_token(written, self.analysis)
                forms.append(self._form(surface.encode(), word.encode()) | READING * other)
            number = forms[0] if len(forms) == 1 else self._run(forms)
        if len(stretch) <= _LONGEST_KEPT:
            self[stretch] = number
        return number

    def _run(self, forms: Sequence[int]) -> int:
        if not forms:
            return _SEVERAL
        self._runs.extend(forms)
        self._run_ends.append(len(self._runs))
        return _SEVERAL + len(self._run_ends) - 1

    def _compound(self, words: list[bytes]) -> list[int]:
        """The forms of plain words with a hyphen between each two, and of their readings."""
        tokens = [self[word] for word in words]
        forms, done = [], 0
        place, terms = -1, set[int]()
        for first, surface, word in of_words(words, self.analysis):
            if first != place:
                place, terms = first, {self._term(words[first].lower())}
            if self._term(word) not in terms:
                terms.add(self._term(word))
                forms += [*tokens[done : first + 1], self._form(surface, word) | READING]
                done = first + 1
        return forms + tokens[done:]

    def _form(self, surface: bytes, word: bytes) -> int:
        number = self._surfaces.number(surface)
        if number == len(self._word_of_form):
            self._word_of_form.append(self._word(word))
        return number

    def _term(self, word: bytes) -> int:
        return self._term_of_word[self._word(word)]

    def _word(self, word: bytes) -> int:
        number = self._words.number(word)
        if number == len(self._term_of_word):
            term = term_of(word.decode(), self.analysis)
            self._term_of_word.append(self._terms.number(_TEXT + term.encode()))
        return number

    def read(self, texts: Iterable[Sequence[str]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The forms of all pieces of all texts in order, readings with READING set behind their first token, and how
        many of them come before the end of each piece."""
        if not self.analysis.has_usual_tokens:
            return self._read_otherwise(texts)
        forms: list[NDArray[np.uint32]] = []
        ends: list[NDArray[np.int64]] = []
        before = 0
        for pieces in _chunks(texts):
            numbers, closing = self._numbered(pieces)
            own, firsts = self._spread(numbers)
            forms.append(own)
            ends.append(firsts[closing] + before)
            before += len(own)
        if not forms:
            return np.zeros(0, np.uint32), np.zeros(0, np.int64)
        return np.concatenate(forms), np.concatenate(ends)

    def _read_otherwise(self, texts: Iterable[Sequence[str]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The same where a language has tokens of its own: it is asked for those of each piece."""
        forms, ends = array("I"), array("q")
        for pieces in texts:
            for piece in pieces:
                text = normalise(piece.encode("utf-8", "replace").decode())
                for start, end in spans_of(text, self.analysis):
                    surface, word, _ = analyze_token(text[start:end], self.analysis)
                    forms.append(self._form(surface.encode(), word.encode()))
                ends.append(len(forms))
        return np.array(forms, np.uint32), np.array(ends, np.int64)

    def _numbered(self, pieces: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The number of each stretch, and how many stretches come before the end of each piece."""
        joined = _MARK.join(("", *pieces, ""))
        if joined.count(_MARK) != len(pieces) + 1:
            joined = _MARK.join(("", *(piece.replace(_MARK, " ") for piece in pieces), ""))
        data = joined.encode("utf-8", "replace")
        starts, ends = _cut(data)
        marks = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)[1:]
        keys = np.zeros((len(starts), 2), np.uint64)
        lengths = ends - starts
        # A number of eight bytes from any byte on.
        words: Array = np.ndarray((len(data) + 8,), "<u8", buffer=data + bytes(_KEY_BYTES), strides=(1,))
        keys[:, 0] = words[starts] & _FIRST_BYTES[np.minimum(lengths, 8)]
        long = np.flatnonzero(lengths > 8)
        keys[long, 1] = words[starts[long] + 8] & _FIRST_BYTES[np.minimum(lengths[long] - 8, 8)]
        numbers, missing = self._seen.find(keys)
        longer = np.flatnonzero(lengths > _KEY_BYTES)
        missing = missing[lengths[missing] <= _KEY_BYTES]
        for places in (missing, longer):
            spans = zip(starts[places].tolist(), ends[places].tolist(), strict=True)
            numbers[places] = np.fromiter((self[data[start:end]] for start, end in spans), np.uint32, len(places))
        self._seen.add(keys[missing], numbers[missing])
        return numbers, np.searchsorted(starts, marks)

    def _spread(self, numbers: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The forms that the numbers stand for, one after another, and how many of them come before each number."""
        places = np.flatnonzero(numbers >= _SEVERAL)
        runs = numbers[places] - np.uint32(_SEVERAL)
        # Copies: a buffer that is lent out could not grow.
        ends = np.array(self._run_ends, np.int64)
        sizes = np.diff(ends, prepend=0)
        own = sizes[runs]
        counts = np.ones(len(numbers), np.int64)
        counts[places] = own
        firsts = starts_of(counts)
        forms = np.repeat(numbers, counts)
        within = np.arange(int(own.sum())) - np.repeat(np.cumsum(own) - own, own)
        known: NDArray[Any] = np.array(self._runs, np.uint32)
        forms[np.repeat(firsts[places], own) + within] = known[np.repeat((ends - sizes)[runs], own) + within]
        return forms, firsts


def _chunks(texts: Iterable[Sequence[str]]) -> Iterable[list[str]]:
    """The pieces of several texts together, about ``_CHUNK`` characters at once."""
    chunk: list[str] = []
    size = 0
    for pieces in texts:
        chunk += pieces
        size += sum(map(len, pieces))
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
