"""The quotations of an answer: what stands between quotation marks, of all kinds, and Markdown block quotes."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

LONGEST = 10_000
"""Characters of a quotation; a longer one is found, but not readable."""

_DOUBLE = re.compile(r"(?P<one>[\"＂“”„‟«»‹›「」『』〝〞])(?:(?P=one){2,}+)?|``+|‘‘+|’’+|''+")  # a run is one mark
_TYPED = {"`": "“", "‘": "“", "’": "”", "'": '"'}
_SINGLE = re.compile(r"(['’‘‚‛])\1{2,}+|['’‘‚‛]")
_PARTNERS = {'"': '"', "＂": "＂", "”": "“„‟”", "“": "„", "»": "«»", "«": "»", "›": "‹›", "‹": "›"}
_PARTNERS |= {"」": "「", "』": "『", "〞": "〝"}
_FAMILY = '"＂“”„‟'  # any of these may close any other: “so"
_OPENING = "„‟「『〝"
_SPACE = " \t\r\n\xa0\u202f"
_LEADS = _SPACE + "([{【:="
_MAY_LEAD = "—–-/*_~|>'‘’‚‛\"＂“„‟«‹"
_TRAILS = _SPACE + ".,;:!?)]}>”’»›"
_MAY_TRAIL = "[【(…—–-/*_~|'‘\"＂“"
_INCH = '"”'
_FEET = re.compile(r"\d['’]\s?\d{1,2}\Z")
_ELISION = re.compile(
    r"(?:\d0s|\d\d|n|tis|twas|twere|em|cause|til|till|bout|cos|cuz|hood|burbs|nuff|neath|gainst)\b", re.I
)
_DROPPED = re.compile(r"(?:[sSxXzZ\d]|\win|\b(?:o|ol|th|an|wi))\Z")  # the workers' union, goin' home, ol' man
_SAYS = re.compile(r"(?::|\b(?:said|says|say|told|wrote|writes|added|adds|declared|asked|called|calls)[:,]?)\s\Z")
_CITES = re.compile(r"[.,;:!?]?\s?[\[【]\d")
_BLOCK_LINE = re.compile(r"[ \t]{0,3}>")
_BLOCK_LEAD = re.compile(r"(?m)^[ \t]{0,3}>[> \t]*")
_ATTRIBUTION = re.compile(r"[ \t]{0,3}>[> \t]*(?:[—–―]|--)(.{1,120})")
_MOST_NAMES = 12  # words of an attribution


class Quotation(NamedTuple):
    """``answer[start:end]`` is what was quoted; with its marks it is ``answer[at:close]``. Not ``whole``: a mark
    without a partner, or too long. ``block``: a Markdown block quote, whose lines begin with ">"."""

    at: int
    close: int
    start: int
    end: int
    whole: bool = True
    block: bool = False


class _Open(NamedTuple):
    kind: str
    at: int


class _Mark(NamedTuple):
    at: int
    opens: bool


def quotations(answer: str) -> list[Quotation]:
    """Every quotation, in order, none inside another; in linear time. A mark without a partner gives one as well, not
    whole, with the rest of its paragraph or what stands between it and the next quotation."""
    found: list[Quotation] = []
    at = 0
    for start, end in _blocks(answer):
        found += _between(answer, at, start)
        found.append(_block(answer, start, end))
        at = end
    found += _between(answer, at, len(answer))
    return [one._replace(whole=one.whole and one.end - one.start <= LONGEST) for one in found if one.end > one.start]


def unquoted(text: str) -> str:
    """The text of a block quote, without the marks at its lines' beginnings."""
    return _BLOCK_LEAD.sub("", text)


def _blocks(answer: str) -> Iterator[tuple[int, int]]:
    start, at = -1, 0
    for line in answer.split("\n"):
        quoted = _BLOCK_LINE.match(line) is not None
        if quoted and start < 0:
            start = at
        elif not quoted and start >= 0:
            yield start, at
            start = -1
        at += len(line) + 1
    if start >= 0:
        yield start, len(answer)


def _block(answer: str, start: int, end: int) -> Quotation:
    """A block quote without white space and quotation marks at its ends, and without a last line that names who said
    it."""
    bare = answer[start:end].rstrip("> \t\r\n")
    last = bare.rfind("\n") + 1
    said = _ATTRIBUTION.fullmatch(bare, last)
    if said is not None and len(said[1].split()) <= _MOST_NAMES and bare[:last].strip("> \t\r\n"):
        bare = bare[:last].rstrip("> \t\r\n")
    lead = len(bare) - len(bare.lstrip("> \t\r\n"))
    lead += bare[lead : lead + 1] in tuple(_FAMILY + "«")
    return Quotation(start, end, start + lead, start + max(len(bare), lead), block=True)


def _between(answer: str, start: int, end: int) -> list[Quotation]:
    """The quotations of a stretch without block quotes: the outer ones, and then what marks are left."""
    doubles, alone = _doubles(answer, start, end)
    singles, lonely = _singles(answer, start, end, doubles)
    outer: list[Quotation] = []
    for one in sorted(doubles + singles):
        if not outer or one.at >= outer[-1].close:
            outer.append(one)
    items: list[Quotation | _Mark] = []
    rest = deque(outer)
    for mark in sorted(alone + lonely):
        while rest and rest[0].close <= mark.at:
            items.append(rest.popleft())
        if not rest or mark.at < rest[0].at:
            items.append(mark)
    items += rest
    found: list[Quotation] = []
    close = start
    for place, item in enumerate(items):
        if isinstance(item, _Mark):
            following = items[place + 1].at if place + 1 < len(items) else end
            if (following if item.opens else item.at) - (item.at + 1 if item.opens else close) <= 0:
                close = item.at + 1
                continue  # nothing stands there
            item = _rest(answer, item, close, following)
        found.append(item)
        close = item.close
    return found


def _rest(answer: str, mark: _Mark, close: int, following: int) -> Quotation:
    """What a mark without a partner may quote, between the quotations beside it."""
    if mark.opens:
        start = mark.at + 1
        stop = answer.find("\n\n", start, following)
        stop = following if stop < 0 else stop
        return _bare(answer, Quotation(mark.at, stop, start, stop, whole=False))
    start = max(answer.rfind("\n\n", close, mark.at) + 1, close)
    text = answer[start : mark.at]
    start += len(text) - len(text.lstrip(_SPACE + ".,;:"))
    return Quotation(start, mark.at + 1, start, start + len(answer[start : mark.at].rstrip()), whole=False)


def _sides(before: str, after: str) -> tuple[int, int]:
    """How well a mark between these fits before and behind a word: 2 surely, 1 perhaps, 0 not."""
    leads = 2 if before in _LEADS else 1 if before in _MAY_LEAD else 0
    trails = 2 if after in _TRAILS else 1 if after in _MAY_TRAIL else 0
    return leads, trails


def _doubles(answer: str, start: int, end: int) -> tuple[list[Quotation], list[_Mark]]:
    """The outermost pairs of double marks, and the marks that have no partner; by a stack of open marks."""
    stack: list[_Open] = []
    held: Counter[str] = Counter()  # the same, by kind
    found: list[Quotation] = []
    alone: list[_Mark] = []

    def closed(kinds: str, stop: int, close: int) -> None:
        """The innermost open mark of these kinds and all inside it."""
        while True:
            top = stack.pop()
            held[top.kind] -= 1
            held[_FAMILY] -= top.kind in _FAMILY
            if top.kind in kinds:
                break
        while found and found[-1].at > top.at:
            found.pop()
        found.append(Quotation(top.at, close, top.at + 1, stop))

    for match in _DOUBLE.finditer(answer, start, end):
        at, past = match.span()
        kind = _TYPED.get(match[0][0], match[0][0])
        before = answer[at - 1] if at > start else " "
        way = _way(kind, before, answer[past : min(past + 3, end)], held)
        if way == "close" and kind in _INCH and before.isdigit() and answer[past + 1 : past + 2].islower():
            way = "pass" if _FEET.search(answer[max(start, at - 6) : at]) else way  # I'm 5'10" tall
        if way == "open":
            if stack and stack[-1].kind == kind and at > start and answer[at - 1] == "\n":
                stop = at - 1  # each paragraph of a long quotation begins with a mark, only the last ends with one
                closed(kind, stop, stop)
            stack.append(_Open(kind, past - 1))
            held[kind] += 1
            held[_FAMILY] += kind in _FAMILY
        elif way == "close":
            exact = [one for one in _PARTNERS[kind] if held[one]]
            closed("".join(exact) or _FAMILY, at, past)
        elif way == "stray" and match["one"]:  # two single marks may be just that
            alone.append(_Mark(at, False))
    return [_bare(answer, one) for one in found], alone + [_Mark(one.at, True) for one in stack]


def _bare(answer: str, one: Quotation) -> Quotation:
    text = answer[one.at + 1 : one.end]
    begin = one.at + 1 + len(text) - len(text.lstrip())
    return one._replace(start=begin, end=max(begin, one.end - len(text) + len(text.rstrip())))


def _way(kind: str, before: str, behind: str, held: Counter[str]) -> str:
    """What a double mark does between these: open, close, stray (it closes nothing) or pass (it is no quotation mark).
    ``held`` counts the open ones."""
    after = behind[:1] or " "
    leads, trails = _sides(before, "…" if behind == "..." else after)
    partners = _PARTNERS.get(kind, "")
    can_close = bool(held[_FAMILY]) if kind in _FAMILY else any(held[one] for one in partners)
    if kind in _OPENING:
        return "open"
    if kind in "」』〞":
        return "close" if can_close else "stray"
    if kind in '"＂':
        if (before.isalnum() and after.isalnum()) or (before.isdigit() and not can_close):
            return "pass"
        if leads > trails or (leads == trails and not can_close):
            return "open"
        return "close" if can_close else "stray"
    if kind == "“":
        if can_close:
            return "close" if trails > leads or (trails == leads and held["„"]) else "open"
        return "stray" if trails > leads else "open"
    if kind == "”":
        if can_close:
            return "close"
        return "open" if leads > trails else "pass" if before.isdigit() else "stray"
    if kind in "«‹":
        return "open" if leads > trails or (leads == trails and not can_close) else "close" if can_close else "stray"
    if can_close and (held[partners[0]] or leads <= trails):  # » and ›
        return "close"
    return "open" if leads > trails else "pass" if leads == trails else "stray"


def _singles(answer: str, start: int, end: int, doubles: Sequence[Quotation]) -> tuple[list[Quotation], list[_Mark]]:
    """Pairs of single marks outside the double ones, and those without a partner that are surely no apostrophes. A mark
    that may be either opens only where another closes in its paragraph, before the next that opens."""
    found: list[Quotation] = []
    alone: list[_Mark] = []
    opener: tuple[int, bool, bool] | None = None  # place, whether it may be an apostrophe, whether it surely is none
    carried = -1  # a mark that may have opened in an earlier paragraph
    last = start
    weak = -1  # the first mark that closes, if it is no apostrophe

    def settle() -> None:
        nonlocal opener, weak
        if opener is not None:
            if weak >= 0 and not opener[1]:
                found.append(Quotation(opener[0], weak + 1, opener[0] + 1, weak))
            elif opener[2]:
                alone.append(_Mark(opener[0], True))
        opener, weak = None, -1

    inside = iter(doubles)
    outer = next(inside, None)
    for match in _SINGLE.finditer(answer, start, end):
        at, kind = match.start(), match[0]
        if match[1]:
            continue
        while outer is not None and outer.close <= at:
            outer = next(inside, None)
        if outer is not None and outer.at <= at:
            continue
        before = answer[at - 1] if at > start else " "
        leads, trails = _sides(before, answer[at + 1] if at + 1 < end else " ")
        gap = answer.find("\n\n", last, at)
        if gap >= 0:
            if opener is not None and not opener[1] and weak < 0 and leads > trails and answer[at - 1] == "\n":
                found.append(Quotation(opener[0], gap, opener[0] + 1, gap))  # it goes on in the next paragraph
                opener = None
            if opener is not None and not opener[1] and not opener[2] and weak < 0:
                carried = opener[0]
            settle()
        last = at
        german = kind == "‘" and opener is not None and answer[opener[0]] == "‚"
        if kind == "‚" or (leads and trails < 2 and leads >= trails and not german):
            settle()
            elided = _ELISION.match(answer, at + 1) is not None
            surely = kind in "‘‚" or _SAYS.search(answer[max(start, at - 12) : at]) is not None
            carried = -1
            opener = at, elided or (kind == "’" and not surely), surely and not elided
        elif trails and not (kind == "‘" and not german):
            following = answer[at + 2 : at + 3] if answer[at + 1 : at + 2] == " " else ""
            perhaps = following.isalnum() and _DROPPED.search(answer[max(start, at - 3) : at]) is not None
            if opener is not None and not perhaps:
                found.append(Quotation(opener[0], at + 1, opener[0] + 1, at))
                opener, weak = None, -1
            elif opener is not None:
                weak = at if weak < 0 else weak
            elif before in ",!?…" or (before == "." and not following.islower()) or _CITES.match(answer, at + 1):
                if carried >= 0:
                    found.append(Quotation(carried, at + 1, carried + 1, at))
                else:
                    alone.append(_Mark(at, False))
                carried = -1
    settle()
    return [_bare(answer, one) for one in found], alone
