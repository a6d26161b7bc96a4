"""Words that can be read in another way: "e-mail" as "email", "l'Élysée" as "Élysée", "J. K." as "JK".

A reading is one word in the place of one or more tokens. It is indexed at the place of the first of them, beside it,
and counts in no length. A query has the same readings as a text, so each spelling finds the others:

- what hyphens join, two tokens at a time and as a whole: "e-mail", "COVID-19-related", and likewise "AT&T", "Ke$ha";
- what the end of a line cuts: "parlia-" and "ment" on the next line;
- initials with spaces: "J. K. Rowan", "J K Rowan";
- the word behind an elided article: "l'Élysée", "dell'arte";
- where each article is read in its own language (``multilingual``), umlauts spelled out, "Müller" as "Mueller", and
  every two letters beside each other in scripts without spaces, which are what their words are found by.

The surface of a joined reading keeps its signs, so ``exact:`` keeps the spellings apart, and ``analyze`` cuts it into
the tokens that it stands for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from search.keyword.analysis import (
    BREAKS,
    CACHED_QUERIES,
    ENGLISH,
    LONGEST_CACHED,
    SPACELESS,
    TOKEN,
    TOKEN_OF_LETTERS,
    Analysis,
    Token,
    analyze,
    normalise,
    shapes,
    surface_of,
)

MOST_PARTS: Final = 6
"""Tokens of the longest reading of a whole: more are read two at a time."""
_LONGEST: Final = 48  # characters of a reading
_MOST_WAYS: Final = 24
_SHORTEST_NUMBER: Final = 7  # digits from which a number is read without its hyphens: 555-0199, but not 3-2

_HYPHENS = "-\u2010\u2011\ufe63\uff0d"
_SIGNS = "&!$"
SIGNS: Final = "-&!$"
"""What joins ASCII words inside a line. Others than these are taken for a hyphen."""
CUTS: Final = _HYPHENS + "\u00ac\u00ad"
"""What stands at the end of a line that cuts a word."""
_JOINED = re.compile(r"[-&!$=]")
# What stands between the parts. At a line's end also the sign that scanners put, and nothing where a soft hyphen is
# the last letter.
_LINE_END = re.compile(rf"([{_HYPHENS}\u00ac]?)[ \t]*\r?\n[ \t]*")
_LETTER = re.compile(r"[A-Za-z\u00c0-\u017f\u0391-\u03af\u03b1-\u03ce\u0400-\u045f]")
_BEFORE_INITIAL = re.compile(rf"(?<=[{BREAKS}])(?<![-{_SIGNS}])|\A")
_BEHIND_INITIAL = re.compile(rf"(?![-{_SIGNS}])[{BREAKS}]|[.,](?:(?![-{_SIGNS}])[{BREAKS}]|\Z)|\Z")
_AFTER_INITIAL = re.compile(r"\.?[ \n\u00a0\u202f]")
MARKS = frozenset(
    _HYPHENS + _SIGNS + "\u00ac\u00ad'`\u2018\u2019\u00b4\uff07\u02bc"
)  # without one, only initials are read
INITIAL_SIGN: Final = "="
"""Stands between initials in a surface; no text has it there."""
# Articles and prepositions of French, Italian and Catalan that lose their vowel, and the apostrophe.
_ELIDED = re.compile(
    r"(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|presqu|quelqu|entr|aujourd|gl|agl|degl|un|all|dall|dell|nell|sull|"
    r"coll|quell|quest|bell|sant|tutt|mezz|senz|anch|cos|com|dov|quant|grand|nessun|ciascun|buon)"
    r"['`\u2018\u2019\u00b4\uff07\u02bc](?=[^\W\d_]{2}|\d)",
    re.IGNORECASE,
)

# Those of them, and the O of Irish names, that people type without the apostrophe and that are no words by themselves.
_APART = re.compile(r"[dlo]|agl|aujourd|d[ae]ll|degl|jusqu|lorsqu|nell|presqu|puisqu|quelqu|quoiqu|sull", re.IGNORECASE)
_SHORTEST_APART = 3  # letters of the word behind


SPELLED_OUT: Final = ","
"""Stands before a surface whose umlauts are spelled out; no text has it there."""
_UMLAUTS = str.maketrans(
    {letter: plain for pair in ("ä ae", "ö oe", "ü ue", "å aa", "ø oe", "Ä Ae", "Ö Oe", "Ü Ue", "Å Aa", "Ø Oe")
     for letter, plain in [pair.split()]}
)  # fmt: skip
_SPACELESS = re.compile(f"[{SPACELESS}]")


class Reading(NamedTuple):
    """``width`` tokens of a text from number ``first`` on, read as one: ``token``."""

    first: int
    width: int
    token: Token


def readings(text: str, analysis: Analysis = ENGLISH) -> list[Reading]:
    """The readings of a text, in order of their first token, the narrowest first. Offsets as in ``analyze``. None in a
    language with tokens of its own."""
    if not analysis.has_usual_tokens:
        return []
    return list(_readings_of_short(text, analysis) if len(text) <= LONGEST_CACHED else _readings(text, analysis))


def cut(text: str, analysis: Analysis = ENGLISH) -> list[tuple[str, bool]]:
    """The tokens of a normalised text as written, each followed by the readings (True) that begin with it."""
    matches = list(analysis.pattern.finditer(text))
    if (
        len(matches) == 1 and _ELIDED.match(matches[0][0]) is None and analysis.plain(text)
    ):  # in haste: nearly all are such
        return [(matches[0][0], False)]
    found: list[tuple[str, bool]] = []
    other = _distinct(text, matches, analysis)
    following = next(other, None)
    for number, match in enumerate(matches):
        found.append((match[0], False))
        while following is not None and following[0] == number:
            found.append((following[2], True))
            following = next(other, None)
    return found


def of_words(words: Sequence[bytes], analysis: Analysis = ENGLISH) -> list[tuple[int, bytes, bytes]]:
    """The readings of words of ASCII letters and digits with a hyphen between each two, as nearly all readings are: the
    number of the first word, the surface and the word. The term of one may be that of another at the same place."""
    last = len(words) - 1
    if last == 1:
        spans = [(0, 2)]
    else:
        stops = [word.lower().decode() in analysis.stop_words for word in words]
        spans = [(number, number + 2) for number in range(last) if not stops[number] and not stops[number + 1]]
        if last < MOST_PARTS:
            spans = [
                *spans[: bool(spans and not spans[0][0])],
                (0, last + 1),
                *spans[bool(spans and not spans[0][0]) :],
            ]
    found = []
    for first, end in spans:
        surface = b"-".join(words[first:end])
        word = surface.replace(b"-", b"").lower()
        if len(surface) <= _LONGEST and _make_a_word(words[first:end]) and word.decode() not in analysis.stop_words:
            found.append((first, surface, word))
    return found


def ways(text: str, analysis: Analysis = ENGLISH) -> list[list[Token]]:
    """The ways to read a query's text, each a row of tokens and readings: first as it stands, then with readings in the
    place of what they read, the most of them last. Some are left out where there are very many."""
    if len(analysis.parts) > 1:
        rows = (row for part in analysis.parts for row in ways(text, part))
        return list({tuple([token.term for token in row]): row for row in reversed(list(rows))}.values())[::-1]
    tokens = analyze(text, analysis)
    found = [tokens, *_with_apostrophe(text, tokens, analysis)]
    usual = [one for one in readings(text, analysis) if _is_usual(text, one)]
    if not usual:
        return found
    for one in usual:
        found.append([*tokens[: one.first], one.token, *tokens[one.first + one.width :]])
    every: list[Token] = []
    place = 0
    for one in sorted(usual, key=lambda one: (one.first, -one.width)):
        if one.first >= place:
            every += [*tokens[place : one.first], one.token]
            place = one.first + one.width
    every += tokens[place:]
    if every not in found:
        found.append(every)
    return found[: _MOST_WAYS - 1] + found[-1:]


def _with_apostrophe(text: str, tokens: Sequence[Token], analysis: Analysis) -> list[list[Token]]:
    """The rows in which an article that stands apart from its word, "dell arte", is joined to it as print has it:
    "dell'arte", which is one token."""
    if len(tokens) < 2 or not analysis.has_usual_tokens:
        return []
    text = normalise(text)
    rows = []
    for number, (left, right) in enumerate(pairwise(tokens)):
        telling = (
            right.surface.isalpha() and len(right.surface) >= _SHORTEST_APART and right.word not in analysis.stop_words
        )
        if telling and _APART.fullmatch(left.surface) and text[left.end : right.start] == " ":
            joined = Token(*shapes(f"{left.surface}'{right.surface}", analysis), left.start, right.end)
            rows.append([*tokens[:number], joined, *tokens[number + 2 :]])
    return rows


def _is_usual(text: str, one: Reading) -> bool:
    """Whether a query may mean a reading as it means what it wrote."""
    if one.width > 1:
        return not is_pair(one)
    return one.token.surface.startswith(SPELLED_OUT) or _is_article(text, one)


def is_pair(one: Reading) -> bool:
    """Whether a reading is two letters of a script without spaces."""
    surface = one.token.surface
    return one.width == 2 and _SPACELESS.match(surface) is not None and not is_joined(surface)


def in_pairs(row: Sequence[Token], analysis: Analysis) -> list[Token]:
    """A row of tokens as it is asked for and scored: letters of a script without spaces that stand beside each other by
    every two of them, in which they say more than each by itself."""
    if analysis.pattern is not TOKEN_OF_LETTERS or all(token.surface.isascii() for token in row):
        return list(row)
    found: list[Token] = []
    joined = False
    for number, token in enumerate(row):
        after = row[number + 1] if number + 1 < len(row) else None
        if after is not None and token.end == after.start and _is_letter(token) and _is_letter(after):
            found.append(Token(*shapes(token.surface + after.surface, analysis), token.start, after.end))
            joined = True
        else:
            if not joined:
                found.append(token)
            joined = False
    return found


def _is_letter(token: Token) -> bool:
    return _SPACELESS.match(token.surface) is not None


def _is_article(text: str, elided: Reading) -> bool:
    """Whether a query means the word behind its article: "l'Élysée", "L'équipe"; "D'Angelo" is a name."""
    text = normalise(text)
    start = elided.token.start
    return text[start].islower() or text[start - 2].islower()


def spelled(text: str, analysis: Analysis = ENGLISH) -> list[str]:
    """The surfaces of a text where the letters and signs count: of each token, or of the widest joined reading that
    begins with it. What follows such a reading are its own other tokens."""
    surfaces = [token.surface for token in analyze(text, analysis)]
    inside = 0
    for one in sorted(readings(text, analysis), key=lambda one: (one.first, -one.width)):
        if one.width > 1 and one.first >= inside and not is_pair(one):
            surfaces[one.first] = one.token.surface
            inside = one.first + (one.width if one.width > 2 else 1)
    return surfaces


def is_joined(surface: str) -> bool:
    """Whether a surface may be that of a reading of several tokens."""
    return _JOINED.search(surface, 1) is not None


def words_of(text: str) -> list[str]:
    """The folded words of a metadata value in order, initials as one: what the metadata spaces are indexed by."""
    return value_words(text)[0]


def value_ways(text: str, analysis: Analysis = ENGLISH) -> list[list[str]]:
    """``words_of`` what a query calls a value, and the other rows of words that it can be read as."""
    rows = [words_of(text), *([token.word for token in row] for row in ways(text)[1:])]
    if analysis.pattern is TOKEN_OF_LETTERS and (other := _spelled_out(text)) != text:
        rows.append(words_of(other))
    return rows


def value_words(text: str, analysis: Analysis = ENGLISH) -> tuple[list[str], list[tuple[str, int]]]:
    """``words_of``, and the readings of the value: the word, and the number of the word that it is indexed with."""
    words, others = _value_words(normalise(text))
    if analysis.pattern is TOKEN_OF_LETTERS and (other := _spelled_out(text)) != text:
        plain = _value_words(normalise(other))[0]
        if len(plain) == len(words):
            others = [*others, *((word, place) for place, word in enumerate(plain) if word != words[place])]
    return words, others


def _spelled_out(text: str) -> str:
    """A text with its umlauts as two letters."""
    return text if text.isascii() else normalise(text).translate(_UMLAUTS)


def _value_words(text: str) -> tuple[list[str], list[tuple[str, int]]]:
    words = [shapes(written)[1] for written in TOKEN.findall(text)]
    if MARKS.isdisjoint(text) and not any(len(left) == len(right) == 1 for left, right in pairwise(words)):
        return words, []
    found = readings(text)
    inside = 0
    numbers: list[int] = []
    kept: list[str] = []
    initials = {one.first: one for one in found if INITIAL_SIGN in one.token.surface}  # the widest comes last
    for number, word in enumerate(words):
        numbers.append(len(kept))
        if number < inside:
            numbers[-1] -= 1
        elif number in initials:
            kept.append(initials[number].token.word)
            inside = number + initials[number].width
        else:
            kept.append(word)
    others = [(one.token.word, numbers[one.first]) for one in found if INITIAL_SIGN not in one.token.surface]
    return kept, others


def _readings(text: str, analysis: Analysis) -> tuple[Reading, ...]:
    text = normalise(text)
    matches = list(analysis.pattern.finditer(text))
    return tuple(
        Reading(first, width, Token(*shapes(written, analysis), start, matches[first + width - 1].end()))
        for first, width, written, start in _distinct(text, matches, analysis)
    )


_readings_of_short = functools.lru_cache(CACHED_QUERIES)(_readings)

_Match = re.Match[str]
_Found = tuple[int, int, str, int]  # first token, width, what is read as written, where it starts


def _distinct(text: str, matches: Sequence[_Match], analysis: Analysis) -> Iterator[_Found]:
    """The readings that say something else than the token at their place and the narrower readings there."""
    place, terms = -1, set[str]()
    for found in _all(text, matches, analysis):
        if found[0] != place:
            place = found[0]
            terms = {shapes(matches[place][0], analysis)[2]}
        word, term = shapes(found[2], analysis)[1:]
        if term not in terms and word not in analysis.stop_words:
            terms.add(term)
            yield found


def _all(text: str, matches: Sequence[_Match], analysis: Analysis) -> Iterator[_Found]:
    signs, stop_words = _signs(text, matches), analysis.stop_words
    by_letters = not analysis.plain(text) and analysis.pattern is TOKEN_OF_LETTERS
    for number, match in enumerate(matches):
        written, start = match[0], match.start()
        if by_letters and not written.isascii():
            if (other := _spelled_out(written)) != normalise(written):
                yield number, 1, SPELLED_OUT + other, start
            after = matches[number + 1] if number + 1 < len(matches) else None
            beside = after is not None and after.start() == match.end()
            if after is not None and beside and _SPACELESS.match(written) and _SPACELESS.match(after[0]):
                yield number, 2, written + after[0], start
        if not written.isalnum() and (elided := _ELIDED.match(written)):
            yield number, 1, written[elided.end() :], start + elided.end()
        sign = signs[number]
        if not sign:
            continue
        initials = sign == INITIAL_SIGN
        first = not number or not signs[number - 1] or initials != (signs[number - 1] == INITIAL_SIGN)
        alone = first and not (signs[number + 1] and initials == (signs[number + 1] == INITIAL_SIGN))
        # "state-of-the-art" has no two tokens that anybody writes as one.
        if alone or not any(shapes(other[0])[1] in stop_words for other in matches[number : number + 2]):
            pair = _joined(matches[number : number + 2], [sign])
            if pair is not None:
                yield number, 2, pair, start
        if first:
            last = number + 1
            while signs[last] and initials == (signs[last] == INITIAL_SIGN):
                last += 1
            whole = _joined(matches[number : last + 1], signs[number:last]) if last - number < MOST_PARTS else None
            if whole is not None and last > number + 1:
                yield number, last + 1 - number, whole, start


def _signs(text: str, matches: Sequence[_Match]) -> list[str]:
    """What joins each token to the next one, as surfaces have it; empty if nothing does."""
    signs: list[str] = []
    for left, right in pairwise(matches):
        signs.append(_sign(text, left, right) or _initials(text, left, right, signs[-1] if signs else ""))
    return [*signs, ""]


def _sign(text: str, left: _Match, right: _Match) -> str:
    """What joins two tokens, as surfaces have it; empty if nothing does. Initials aside."""
    start, end = left.end(), right.start()
    if end - start == 1:
        between = text[start]
        if between in _HYPHENS:
            return "-"
        if between in _SIGNS:
            return between if text[start - 1].isalpha() and text[end].isalpha() else ""
    elif start == end or end - start > 80:
        return ""
    if "\n" in text[start:end]:
        line_end = _LINE_END.fullmatch(text, start, end)
        if line_end is not None and (line_end[1] or text[start - 1] == "\u00ad") and text[start - 1].strip():
            return "-"
    return ""


def _initials(text: str, left: _Match, right: _Match, before: str) -> str:
    """INITIAL_SIGN if two tokens are initials of one name; ``before`` joins the left one to the token before it."""
    start, end = left.end(), right.start()
    if (
        not 1 <= end - start <= 2
        or _AFTER_INITIAL.fullmatch(text, start, end) is None
        or before not in ("", INITIAL_SIGN)
    ):
        return ""
    if _LETTER.fullmatch(left[0]) is None or _LETTER.fullmatch(right[0]) is None:
        return ""
    if _BEFORE_INITIAL.match(text, left.start()) is None or _BEHIND_INITIAL.match(text, right.end()) is None:
        return ""
    capitals = left[0].isupper()
    dotted = text[start] == "."
    # "J. K.", "p. m."; without full stops only capitals: "J K Rowan". Not "Vitamin A. B is one too".
    followed = text[right.end() : right.end() + 1] == "."
    good = dotted if followed else capitals and not dotted
    return INITIAL_SIGN if good and capitals == right[0].isupper() else ""


def _joined(matches: Sequence[_Match], signs: Sequence[str]) -> str | None:
    """Tokens as one, or None where they make no word together."""
    parts = [surface_of(match[0]) for match in matches]
    if not _make_a_word(parts):
        return None
    written = parts[0] + "".join(sign + part for sign, part in zip(signs, parts[1:], strict=True))
    return written if len(written) <= _LONGEST else None


def _make_a_word(parts: Sequence[str] | Sequence[bytes]) -> bool:
    """Whether some tokens can be one: not "3-2", but "555-0199"."""
    numbers = [part.isdigit() for part in parts]
    if not any(numbers):
        return True
    if all(numbers):
        return sum(map(len, parts)) >= _SHORTEST_NUMBER
    return not any(left and right for left, right in pairwise(numbers))
