"""Sources and dates that a question names, found without a language model and with little trust in coincidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from search.errors import QueryError
from search.query import dates
from search.query.drilldown import value_clause
from search.rag.context import Detected

_SAYS = (
    r"(?:report|said|say|wrot|writ|claim|publish|describ|cover|carr|print|reveal|not(?:e|ing)|tell|told|quot|mention"
    r"|argu|warn|call|editorial|put it|coverage|account|stor(?:y|ies)|article|piece|column|opinion|headline|interview"
    r"|version|view|think|find|found)\w*"
)
_BEFORE = re.compile(
    r"(?:according to|reported (?:by|in)|published (?:by|in)|written (?:by|in)|coverage (?:by|in)"
    r"|articles? (?:in|from|by)"
    r"|stor(?:y|ies) (?:in|from|by)|reports? (?:in|from|by)|pieces? (?:in|from|by)|columns? in|editorial in|quoted in)"
    r" (?:the )?$",
    re.I,
)
_AFTER = re.compile(rf"^(?:['’]s?)? (?:has |have |had |ever |also |first |then |newspaper |paper )?(?:{_SAYS})", re.I)
_ASKED = re.compile(r"\b(?:did|does|do|has|have|had) (?:the )?$", re.I)
_PRESS = frozenset(
    {
        *(
            "advertiser",
            "argus",
            "broadcasting",
            "bulletin",
            "chronicle",
            "courier",
            "daily",
            "diario",
            "dispatch",
            "echo",
        ),
        *("evening", "examiner", "express", "faro", "gazette", "globe", "guardian", "herald", "hindu", "hindustan"),
        *(
            "independent",
            "inquirer",
            "journal",
            "ledger",
            "magazine",
            "mail",
            "mercury",
            "mirror",
            "monitor",
            "morning",
        ),
        *("news", "newswire", "observer", "post", "press", "record", "register", "reporter", "review", "sentinel"),
        *("standard", "star", "tageszeitung", "telegraph", "times", "tribune", "weekly", "zeitung"),
    }
)


def sources(question: str, names: Iterable[str]) -> list[tuple[Detected, str]]:
    """The archive's sources that the question names as sources, each with its name, in order.

    A name counts in its own capitals only. One of several words, one of them a newspaper's (Times, Herald, Post),
    counts wherever it stands, as does a web address; any other, for a source may be called Time or Mail, only where
    something is attributed to it: "according to Time", "what did Time report", "Time's coverage", or beside a name
    that does. Where names overlap, the longest is meant.
    """
    found: list[tuple[int, int, str, bool]] = []
    for name in names:
        for start, end in _places(question, name):
            sure = _distinctive(name) or _attributed(question, start, end)
            found.append((start, end, name, sure))
    found.sort(key=lambda one: (one[0] - one[1], one[0], one[2]))
    kept: list[tuple[int, int, str, bool]] = []
    for one in found:
        if all(one[1] <= other[0] or one[0] >= other[1] for other in kept):
            kept.append(one)
    kept.sort()
    sure_ones = []
    for chain in _chains(question, kept):
        if any(one[3] for one in chain) or _attributed(question, chain[0][0], chain[-1][1]):
            sure_ones += chain
    answer = []
    for start, end, name, _ in sure_ones:
        clause = value_clause("source", name)
        if clause is not None:
            answer.append((Detected(kind="source", start=start, end=end, clause=clause), name))
    return answer


def _places(question: str, name: str) -> Iterator[tuple[int, int]]:
    short = name[4:] if name.startswith("The ") else name
    if len(short) < 2 or not any(c.isalnum() for c in short):
        return
    if short.islower() and "." not in short:  # in lower case it is a word like any other
        return
    pattern = rf"(?<![\w-])(?:[Tt]he )?{re.escape(short)}(?![\w-]|\.\w)"
    for match in re.finditer(pattern, question):
        start = match.start()
        if short == name and match[0] != name:  # "the" is no part of this name
            start += 4
        yield start, match.end()


def _distinctive(name: str) -> bool:
    words = name.split()
    if len(words) == 1:
        return "." in name
    rest = [word for word in words if word.casefold() not in ("the", "of")]
    return len(rest) > 1 and any(word.casefold() in _PRESS for word in rest)


def _attributed(question: str, start: int, end: int) -> bool:
    before, after = question[:start], question[end:]
    if _BEFORE.search(before):
        return True
    said = _AFTER.match(after) is not None
    asked = _ASKED.search(before) is not None
    possessive = re.match(r"['’]s? ", after) is not None
    if said and (asked or possessive or re.match(rf"^ (?:has |had |also )?(?:{_SAYS})\b", after)):
        # "did Time find", "Time's coverage", "Time reported"; not "Time telling", which needs a name before it
        return (
            asked or possessive or re.match(r"^ (?:has |had |also )?\w+(?:ed|id|rote|ays|aid|old)\b", after) is not None
        )
    return False


def _chains(question: str, names: list[tuple[int, int, str, bool]]) -> list[list[tuple[int, int, str, bool]]]:
    """Names in order, those that are joined by "and" or a comma together: what one says, all say."""
    chains: list[list[tuple[int, int, str, bool]]] = []
    for one in names:
        if chains and _beside(question, chains[-1][-1], one):
            chains[-1].append(one)
        else:
            chains.append([one])
    return chains


def _beside(question: str, one: tuple[int, int, str, bool], other: tuple[int, int, str, bool]) -> bool:
    first, second = sorted((one, other))
    gap = question[first[1] : second[0]]
    return re.fullmatch(r",? (?:and|or|versus|vs\.?|with) (?:in |by )?(?:the )?|, ", gap, re.I) is not None


_MONTH_NAME = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_YEAR = r"(?:1[6-9]|20|21)[0-9]{2}"
_ORDINAL = r"(?:st|nd|rd|th)?"
_FULL_DAY = (
    rf"[0-9]{{1,2}}{_ORDINAL}(?: of)? {_MONTH_NAME},? {_YEAR}|{_MONTH_NAME} [0-9]{{1,2}}{_ORDINAL},? {_YEAR}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}"
)
_PART_DAY = rf"[0-9]{{1,2}}{_ORDINAL}(?: of)? {_MONTH_NAME}|{_MONTH_NAME} [0-9]{{1,2}}{_ORDINAL}"
_WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_UNIT = "(?:days?|weeks?|months?|years?)"
_RELATIVE = (
    rf"yesterday|today|(?:this|last|past|previous) (?:week|month|quarter|year)"
    rf"|(?:last|past|previous) [0-9]{{1,4}} {_UNIT}|[0-9]{{1,4}} {_UNIT} ago|last {_WEEKDAY}"
)
_PLAIN = rf"{_FULL_DAY}|{_MONTH_NAME},? {_YEAR}|Q[1-4][ -]{_YEAR}|[0-9]{{4}}-(?:0[1-9]|1[0-2])|{_RELATIVE}"
_LOOSE = rf"{_PLAIN}|{_PART_DAY}|{_MONTH_NAME}|{_WEEKDAY}|{_YEAR}"
# What a preposition makes a date; a bare number or "May" is none without.
_RANGE = re.compile(
    rf"\b(?P<lead>between|from) (?P<a>{_LOOSE}) (?:and|to|until|till|through|-|–) (?P<b>{_LOOSE})(?![\w%])", re.I
)
_BARE_RANGE = re.compile(rf"\b(?P<a>{_FULL_DAY}|{_PART_DAY}) ?(?:-|–|to|until) ?(?P<b>{_FULL_DAY})(?!\w)", re.I)
_BOUND = re.compile(
    rf"\b(?P<lead>since|after|before|until|till|by|from|up to) (?P<edge>(?:the )?(?:end|start|beginning) of )?"
    rf"(?P<a>{_LOOSE})(?![\w%]|-\w)",
    re.I,
)
_WITHIN = re.compile(
    r"\b(?:in|during|on|of|for|over|within|throughout)(?: the)? (?:(?:early|mid|late)[ -])?"
    rf"(?P<a>{_LOOSE})(?![\w%]|-\w)",
    re.I,
)
_ALONE = re.compile(rf"(?<![\w-])(?P<a>{_PLAIN})(?:['’]s)?(?![\w%]|-\w)", re.I)
_COUNTS = re.compile(
    r" (?:people|men|women|children|homes|votes|met(?:re|er)s|kilomet(?:re|er)s|km|miles|crowns|dollars|euros)\b",
    re.I,
)  # "over 2000 homes" is no date


def days(question: str, now: datetime) -> list[Detected]:
    """The periods that the question names, relative to ``now``, as ``date:`` clauses, in order and disjoint.

    A year alone, a month or a weekday without more needs a preposition ("in 2024", "since May"), and months and
    weekdays their capital. A day or month without its year is the last one before ``now``, or takes the year of the
    range's other end. Every start and end is included, except "before" and "after", which leave out what they name.
    """
    found: list[tuple[int, int, str]] = []
    for pattern in (_RANGE, _BARE_RANGE, _BOUND, _WITHIN, _ALONE):
        for match in pattern.finditer(question):
            start, end = match.span()
            if any(start < other[1] and end > other[0] for other in found):
                continue
            if not all(_is_capital(match[name]) for name in ("a", "b") if name in match.re.groupindex):
                continue
            if re.fullmatch(_YEAR, match["a"]) and _COUNTS.match(question, end):
                continue
            clause = _clause(match, now)
            if clause is not None:
                found.append((start, end, clause))
    return [Detected(kind="date", start=s, end=e, clause=clause) for s, e, clause in sorted(found)]


def _is_capital(said: str) -> bool:
    """Whether the names of months and days in it are written as names."""
    words = re.findall(rf"\b(?:{_MONTH_NAME}|{_WEEKDAY})\b", said, re.I)
    return all(word[0].isupper() for word in words)


def _clause(match: re.Match[str], now: datetime) -> str | None:
    groups = match.re.groupindex
    try:
        if "b" in groups:
            return _between(match["a"], match["b"], now)
        first, last = _period(match["a"], now)
        if "lead" not in groups:
            return f"date:{first:%Y-%m-%d}..{last:%Y-%m-%d}" if first != last else f"date:{first:%Y-%m-%d}"
        lead, edge = match["lead"].lower(), (match["edge"] or "").lower()
        if "end" in edge:
            first = last
        elif edge:
            last = first
        if lead in ("since", "from"):
            return f"date:{first:%Y-%m-%d}.."
        if lead == "after":
            return f"date:{last + timedelta(days=1):%Y-%m-%d}.."
        if lead == "before":
            end = last if "end" in edge else first - timedelta(days=1)
            return f"date:..{end:%Y-%m-%d}"
        return f"date:..{last:%Y-%m-%d}"
    except (QueryError, OverflowError, ValueError):  # no date after all: "31 June 2024"
        return None


def _between(a: str, b: str, now: datetime) -> str | None:
    first = _period(a, now)
    last = _period(b, now)
    if (
        not re.search(_YEAR, a)
        and (year := re.search(_YEAR, b))
        and re.fullmatch(f"{_PART_DAY}|{_MONTH_NAME}", a, re.I)
    ):
        first = _period(f"{a} {year[0]}", now)
        if first[0] > last[1]:  # from December to January 2025
            first = _period(f"{a} {int(year[0]) - 1}", now)
    elif (
        not re.search(_YEAR, b)
        and (year := re.search(_YEAR, a))
        and re.fullmatch(f"{_PART_DAY}|{_MONTH_NAME}", b, re.I)
    ):
        last = _period(f"{b} {year[0]}", now)
        if first[0] > last[1]:
            last = _period(f"{b} {int(year[0]) + 1}", now)
    if first[0] > last[1]:
        return None
    return f"date:{first[0]:%Y-%m-%d}..{last[1]:%Y-%m-%d}"


def _period(said: str, now: datetime) -> tuple[datetime | object, object] | tuple:  # type: ignore[type-arg]
    text = re.sub(r"(?<=[0-9])(?:st|nd|rd|th)\b", "", said, flags=re.I)
    text = re.sub(r"(?<=[0-9]) of (?=[A-Z])", " ", text)
    if re.fullmatch(f"{_PART_DAY}|{_MONTH_NAME}", text, re.I):
        this = _both(dates.days(f"{text} {now.year}", now))
        return this if this[0] <= now.date() else _both(dates.days(f"{text} {now.year - 1}", now))
    return _both(dates.days(text, now))


def _both(found: tuple[date | None, date | None]) -> tuple[date, date]:
    first, last = found
    if first is None or last is None:
        raise ValueError
    return first, last
