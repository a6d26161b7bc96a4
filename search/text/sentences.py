"""Sentences and paragraphs of a news text, as character spans: one splitter for passages and for query operators.

A blank line ends a paragraph, and so does a single line break, unless the text is hard-wrapped: no line of several
words is longer than ``WRAP_WIDTH`` characters, and the next line's first word would not have fitted (as after most
lines of the text) or goes on in lower case after a line without a full stop; and unless it cuts a word. A sentence
never crosses a paragraph.
Closing quotes and brackets belong to the sentence they close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

WRAP_WIDTH = 100
"""Longest line, in characters, of a text that can count as hard-wrapped."""

NARROWEST_WRAP = 40
"""Below this width lines are verses, lists or tables rather than wrapped prose."""


class TextLayout(NamedTuple):
    """Sentence spans, ascending and disjoint, ends exclusive; ``paragraphs`` has each sentence's paragraph number.

    Outside the spans there is white space only. An empty or blank text has no sentence.
    """

    starts: list[int]
    ends: list[int]
    paragraphs: list[int]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any_case(text: str) -> frozenset[str]:
    """The words as they stand, and in capitals as headings have them."""
    return _words(text) | {word.upper() for word in text.split() if len(word) > 2}


# Followed by a name: never the end of a sentence.
_TITLES = _any_case(
    "Mr Mrs Ms Mx Dr Prof Gen Sen Sens Rep Reps Gov Govs Lt Col Maj Sgt Capt Cmdr Cdr Adm Rev Hon Messrs Mme Mlle "
    "Supt Insp Cpl Pvt Brig Pte Sra Srta Dra Fr Mt Msgr Amb Atty Asst vs v cf viz Lieut Cmsr Comdr Hr Frl bzw"
) | {"MR", "MS", "DR", "LT"}
# May stand inside a sentence or end it: the next word decides.
_OPEN = _any_case(
    "Pres Sec Inc Co Cos Corp Ltd Bros Jr Sr Esq St Ste Ave Blvd Rd Hwy Pkwy Sq Ft Dept Univ Assn Assoc Intl Natl Mfg "
    "Govt Dist Ct Pty Pvt Plc Ind Ph Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Kan Kans Ky La Mass Md Mich Minn "
    "Miss Mo Mont Neb Nebr Nev Okla Ore Pa Penn Tenn Tex Va Vt Wash Wis Wisc Wyo Dak Ont Que Alta Man Sask Bhd Sdn "
    "etc al approx est ca inc co corp ltd dept govt ft lb lbs oz hr hrs sq mph usw ed eds Ed"
) | {"Yahoo", "Jeopardy"}
# Abbreviations before a number, words elsewhere ("He said no.").
_NUMBERED = _any_case(
    "No Nos no nos Nr p pp Art Res Fig Vol Ch Par Op Rs Tk Ps Pg Nov Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Dec"
)
_DAYS = _words(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Tues Wed Weds Thu Thur Thurs Fri Sat Sun"
)
_MONTHS = _words(
    "January February March April May June July August September October November December Jan Feb Mar Apr Jun Jul Aug "
    "Sep Sept Oct Nov Dec Januar Februar März Mai Juni Juli Oktober Dezember"
)
_ZONES = _words(
    "ET EST EDT CT CST CDT MT MST MDT PT PST PDT GMT UTC BST IST CET CEST JST AEST Eastern Central Pacific Mountain "
    "Moscow Beijing Tokyo London Paris Jerusalem Greenwich Universal Local"
)
_CLOCK = frozenset({"a.m", "p.m", "A.M", "P.M", "am", "pm"})
_ROMAN = _words("II III IV VI VII VIII IX XI XII ii iii iv vi vii viii ix")
_SPECIAL = _TITLES | _OPEN | _NUMBERED | _CLOCK | _ROMAN | frozenset(day for day in _DAYS if len(day) < 6)
# Words that begin sentences far more often than names.
_STARTERS = _words(
    "A About According After Again All Almost Already Also Although Among An And Another Any Are As Asked At "
    "Authorities Because Before Both But By Can Critics Despite Did Do Does Due During Each Earlier Either Even Every "
    "Everyone Experts Few For Former Four From Further Given Had Has Have He Her Here Hers His How However I If In "
    "Indeed Instead Investigators Is It Its Just Last Later Less Let Like Many Maybe Meanwhile More Moreover Most Much "
    "My Neither Never Nevertheless No Nobody None Nor Not Nothing Now Of Officials Often On Once One Only Or Other "
    "Others Our Over Overall People Perhaps Police Prosecutors Recently Researchers Residents Says Scientists Several "
    "She Should Since So Some Someone Sometimes Soon Still Such That The Their Then There Therefore These They This "
    "Those Though Three Through Thus To Today Together Two Under Unlike Until Up Upon We Were What When Where Whether "
    "Which While Who Whose Why With Within Without Witnesses Would Yes Yesterday Yet You Your"
)

_DOMAINS = _words("Com Org Net Gov Edu Info Biz Js Io Ai Tv Co Uk")

_CLOSERS = "\"'”’»›)\\]}」』）】》〉"
_OPENERS = "\"'“‘„‚«‹([{¿¡「『（【《〈*_•–—-"
_MARKS = ".!?…"
# Full stops of scripts that put no space behind them.
_WIDE_MARKS = "。！？｡؟۔।॥።։។"
# Every match consumes its whole run of marks, whatever follows, so that no run is ever scanned twice.
_END = re.compile(
    rf"[{_MARKS}{_WIDE_MARKS}]"
    rf"(?:(?<=[{_MARKS}])[{_MARKS}]*+(?:[{_CLOSERS}]|\[\d{{1,3}}\])*+"
    rf"|([{_WIDE_MARKS}]*+[{_MARKS}{_CLOSERS}]*+))(\s++)?"
)
_EACH_MARK = [(mark, re.compile(re.escape(mark))) for mark in _MARKS + _WIDE_MARKS]
_OPENING = re.compile(rf"[{re.escape(_OPENERS)}]{{1,6}}\s?")
_BEFORE_WORD = re.compile(r"[\s(\[\"“‘/—–-]")
_WORD = re.compile(r"[^\W\d_]{1,30}(?:['’][^\W\d_]{1,30})?")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.){1,8}[^\W\d_]\Z|Ph\.D\Z")
_ATTRIBUTION = re.compile(
    r"(?:[^\W_][\w.'’-]{0,30}[ \xa0]){1,4}?(?:said|says|asked|asks|wrote|writes|added|adds|tweeted|replied|told|"
    r"wondered|shouted|exclaimed|yelled|quipped|joked|inquired|demanded|continued|responded|recalled)\b"
)
_ENUMERATOR = re.compile(r"(?:\d{1,3}|[^\W\d_]|[IVXivx]{1,5})\Z")
# What stands at a line's end where a word is cut: hyphens, a soft one, and the sign that scanners put.
_CUTS = "-\u2010\u2011\u00ad\u00ac"
# No abbreviation is longer, so no look-back is either.
_LOOK_BACK = 24


def lay_out(text: str) -> TextLayout:
    """Split a text into sentences and paragraphs in linear time."""
    starts: list[int] = []
    ends: list[int] = []
    paragraphs: list[int] = []
    caseless, behind = text.islower(), len(text) + 2
    following = iter(_marks(text))
    mark = next(following, behind)
    for number, (begin, end) in enumerate(_paragraphs(text)):
        starts.append(begin)
        while mark < end:
            stop, after = -1, mark + 2
            # The common cases first: the end of the paragraph; a word of the dictionary or a title, one dot, one
            # space, a capital.
            if after <= end:
                plain = text.startswith(". ", mark) and text[after].isupper()
                word = text[max(begin, mark - _LOOK_BACK, text.rfind(" ", begin, mark) + 1) : mark] if plain else ""
                if len(word) > 1 and word not in _SPECIAL and word.isalpha():
                    stop = mark + 1
                elif word not in _TITLES:
                    stop, after = _stop(text, mark, begin, end, caseless)
            if stop >= 0:
                ends.append(stop)
                starts.append(after)
                begin = after
            mark = next(following, behind)
            while mark < after:
                mark = next(following, behind)
        ends.append(end)
        paragraphs += [number] * (len(starts) - len(paragraphs))
    return TextLayout(starts, ends, paragraphs)


def _marks(text: str) -> list[int]:
    """Where the marks of ends are, in order. Each is looked for by itself: so ``re`` skips through the text for it."""
    places: list[int] = []
    for mark, pattern in _EACH_MARK:
        if mark in text:
            places += [found.start() for found in pattern.finditer(text)]
    places.sort()
    return places


def _paragraphs(text: str) -> Iterable[tuple[int, int]]:
    """Spans of paragraphs without outer white space."""
    spans: list[tuple[int, int]] = []
    breaks: list[int] = []  # indexes of the lines that follow their predecessor after a single line break
    longest = 0
    offset, adjacent = 0, False
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if bare:
            start = offset + len(line) - len(line.lstrip())
            if adjacent:
                breaks.append(len(spans))
            if len(bare) > longest and " " in bare:
                longest = len(bare)
            spans.append((start, start + len(bare)))
            adjacent = True
        else:
            adjacent = False
        offset += len(line)
    if not breaks:
        return spans
    if NARROWEST_WRAP <= longest <= WRAP_WIDTH:
        return _joined(spans, _soft(text, spans, breaks, longest))
    soft = {index for index in breaks if _is_cut(text, spans[index - 1], spans[index])}
    return _joined(spans, soft) if soft else spans


def _soft(text: str, lines: list[tuple[int, int]], breaks: list[int], width: int) -> set[int]:
    """The breaks that only wrap a line."""
    full = {index for index in breaks if _is_full(text, lines[index - 1], lines[index], width)}
    # One line that nothing fits behind is no evidence: it is the longest line itself.
    soft = full if len(full) > 1 and 2 * len(full) >= len(breaks) else set()
    return soft | {index for index in breaks if _goes_on(text, lines[index - 1], lines[index])}


def _joined(lines: list[tuple[int, int]], soft: set[int]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for index, (start, end) in enumerate(lines):
        if index in soft:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _is_full(text: str, line: tuple[int, int], following: tuple[int, int], width: int) -> bool:
    """Would the next line's first word not have fitted?"""
    stop = text.find(" ", *following)
    first_word = (following[1] if stop < 0 else stop) - following[0]
    return line[1] - line[0] + 1 + first_word > width


def _is_cut(text: str, line: tuple[int, int], following: tuple[int, int]) -> bool:
    """Is a word cut between two lines, as in narrow columns that were scanned?"""
    end = line[1] - 1
    return text[end] in _CUTS and text[following[0]].islower() and text[end - 1 : end].isalpha()


def _goes_on(text: str, line: tuple[int, int], following: tuple[int, int]) -> bool:
    return text[following[0]].islower() and text[line[1] - 1] not in ".!?…:;"


def _stop(text: str, mark: int, begin: int, end: int, caseless: bool) -> tuple[int, int]:
    """Where the sentence that began at ``begin`` ends, if it does so with these marks, -1 if it goes on; and where the
    text goes on. ``end`` is where its paragraph ends."""
    match = _END.match(text, mark)
    assert match is not None
    after = match.end()
    wide, space = match.span(1), match.start(2)
    if after >= end:  # white space stands around each paragraph, so no match goes from one into the next
        stop = -1
    elif wide[0] >= 0:
        # A quotation that its clause goes on from.
        stop = -1 if text[after] == "と" and wide[1] > wide[0] else wide[1]
    elif space < 0:
        stop = after if text[after].isupper() and _runs_on(text, begin, mark, after) else -1
    else:
        stop = space if _ends(text, begin, mark, space, after, end, caseless) else -1
    return stop, after


def _runs_on(text: str, begin: int, mark: int, after: int) -> bool:
    """Is this the lost space of "in Poland.It's still early" rather than a name such as "Amazon.Com"?"""
    before = text[max(begin, mark - 2) : mark]
    found = _WORD.match(text, after)
    if found is None or len(before) < 2 or not before.islower() or not before.isalpha():
        return False
    word = found.group()
    return word in _STARTERS or (
        word not in _DOMAINS and word[1:].islower() and text[found.end() : found.end() + 1] == " "
    )


def _ends(text: str, begin: int, mark: int, stop: int, after: int, end: int, caseless: bool) -> bool:
    """Does the sentence that began at ``begin`` end with the marks ``text[mark:stop]``? ``after`` is where the text
    goes on, ``end`` where its paragraph ends."""
    opening = _OPENING.match(text, after)
    following = opening.end() if opening else after
    if following >= end:  # a lone quote or bracket
        return False
    first = text[following]
    if first in ".!?…,;:":  # a spaced ellipsis, or a mark that belongs to what came before
        return False
    if first.islower() and not caseless and not text[following + 1 : following + 2].isupper():
        return False
    marks = text[mark:stop]
    if marks[0] in "?!" and len(marks) > 1 and _ATTRIBUTION.match(text, after):
        return False
    word = _BEFORE_WORD.split(text[max(begin, mark - _LOOK_BACK) : mark])[-1]
    if marks[0] not in ".!" or marks.startswith(("..", ".!", ".?")) or not word:
        return True
    if mark - len(word) == begin and _ENUMERATOR.match(word):
        return False
    return _word_ends(word, text, stop - mark > 1, first, following)


def _word_ends(word: str, text: str, closed: bool, first: str, following: int) -> bool:
    """Can a full stop after this word end a sentence, given what follows?"""
    found = _WORD.match(text, following)
    next_word = found.group() if found else ""
    initial = len(word) == 1 and word.isalpha()
    if word.isdigit():
        return next_word not in _MONTHS or len(word) > 2
    if word in _TITLES:
        return False
    if word in _CLOCK:
        return closed or not (first.isdigit() or next_word in _DAYS or next_word in _MONTHS or next_word in _ZONES)
    if word in _DAYS:
        return not (first.isdigit() or next_word in _MONTHS)
    if word in _NUMBERED and (len(word) > 1 or first.isdigit()):
        return not first.isdigit()
    if initial or word in _OPEN or _ACRONYM.match(word):
        # "J. A. Smith": a starter with a full stop is an initial itself.
        starter = found is not None and next_word in _STARTERS and text[found.end() : found.end() + 1] != "."
        return starter or (closed and not initial)
    return True
