"""Sources that a text names, found without a language model and with little trust in coincidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from search import deadline
from search.keyword.tree import Value
from search.query.clauses import value_clause
from search.query.named.disjoint import Disjoint
from search.query.named.mentions import SourceMention

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
_DETERMINER = re.compile(r"\b(?:the|an?|this|that|each|every) $", re.I)
_PIECE = re.compile(
    r"^ (?:news )?(?:reports?|stor(?:y|ies)|articles?|pieces?|columns?|editorials?|op-eds?|interviews?|coverage"
    r"|accounts?|headlines?)\b",
    re.I,
)
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


# What archives add to a name and nobody says: NPR Online News, CNN (Web News), New York Times - News.
_WORD = re.compile(r"\w+")
_DECORATION = re.compile(r"(?: \([^()]*\)| - [^-]*|(?: Online| Web)? News| Online)$")

_WINDOW = 200
"""Characters beside a name that tell whether something is attributed to it; no form of words is nearly so long."""


class _Named(NamedTuple):
    """A stretch of the question, the sources that it can mean, and whether it surely means one."""

    start: int
    end: int
    names: tuple[str, ...]
    sure: bool


class SourceNames:
    """The names of an archive's sources, by the first word of what each is called, so that a text is not searched for
    every one of them. Threads may share it."""

    def __init__(self, names: Iterable[str]) -> None:
        self.every = every = frozenset(names)
        self._by_word: dict[str, list[tuple[str, str]]] = {}
        for name in sorted(every):
            bare = _DECORATION.sub("", name)
            for called in {name, bare} if bare and bare not in every else {name}:
                if word := _WORD.search(called[4:] if called.startswith("The ") else called):
                    self._by_word.setdefault(word[0], []).append((called, name))

    def candidates(self, text: str) -> Iterator[tuple[str, str]]:
        """What a source may be called in a text, and its name."""
        for word in dict.fromkeys(_WORD.findall(text)):
            yield from self._by_word.get(word, ())


def sources(question: str, names: SourceNames | Iterable[str]) -> list[SourceMention]:
    """The archive's sources that the question names as sources, in order.

    A name counts in its own capitals only. One of several words, one of them a newspaper's (Times, Herald, Post),
    counts wherever it stands, as does a web address; any other, for a source may be called Time or Mail, only where
    something is attributed to it: "according to Time", "what did Time report", "Time's coverage", "the Time article",
    or beside a name that does. Where names overlap, the longest is meant. What an archive adds to a name ("NPR Online
    News") need not be said; where several sources go by what is said, any of them is meant.
    """
    known = names if isinstance(names, SourceNames) else SourceNames(names)
    stretches: dict[tuple[int, int], set[str]] = {}
    distinctive = set()
    for called, name in known.candidates(question):
        deadline.check()
        for place in _places(question, called):
            stretches.setdefault(place, set()).add(name)
            if _distinctive(called):
                distinctive.add(place)
    named: list[_Named] = []
    for (start, end), meant in stretches.items():
        deadline.check()
        sure = (start, end) in distinctive or _attributed(question, start, end)
        named.append(_Named(start, end, tuple(sorted(meant)), sure))
    named.sort(key=lambda name: (name.start - name.end, name.start))
    taken = Disjoint()
    longest = sorted(name for name in named if taken.take(name.start, name.end))
    mentions = []
    for chain in _chains(question, longest):
        if any(name.sure for name in chain) or _attributed(question, chain[0].start, chain[-1].end):
            mentions += [_mention(name) for name in chain]
    return [mention for mention in mentions if mention.conditions]


def _mention(named: _Named) -> SourceMention:
    conditions = tuple(
        Value("source", " ".join(name.split()), whole=True)
        for name in named.names
        if value_clause("source", name) is not None
    )
    return SourceMention(named.start, named.end, conditions, " or ".join(named.names))


def _places(question: str, name: str) -> Iterator[tuple[int, int]]:
    short = name[4:] if name.startswith("The ") else name
    if short not in question or len(short) < 2 or not any(c.isalnum() for c in short):
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
    before, after = question[max(0, start - _WINDOW) : start], question[end : end + _WINDOW]
    if _BEFORE.search(before):
        return True
    if _PIECE.match(after) and (_DETERMINER.search(before) or question[start : start + 4] in ("the ", "The ")):
        return True  # "the Time article", "a Mail story"
    said = _AFTER.match(after) is not None
    asked = _ASKED.search(before) is not None
    possessive = re.match(r"['’]s? ", after) is not None
    if said and (asked or possessive or re.match(rf"^ (?:has |had |also )?(?:{_SAYS})\b", after)):
        # "did Time find", "Time's coverage", "Time reported"; not "Time telling", which needs a name before it
        return (
            asked or possessive or re.match(r"^ (?:has |had |also )?\w+(?:ed|id|rote|ays|aid|old)\b", after) is not None
        )
    return False


def _chains(question: str, names: list[_Named]) -> list[list[_Named]]:
    """Names in order, those that are joined by "and" or a comma together: what one says, all say."""
    chains: list[list[_Named]] = []
    for name in names:
        if chains and _beside(question, chains[-1][-1], name):
            chains[-1].append(name)
        else:
            chains.append([name])
    return chains


def _beside(question: str, first: _Named, second: _Named) -> bool:
    gap = question[first.end : second.start]
    return re.fullmatch(r",? (?:and|or|versus|vs\.?|with) (?:in |by )?(?:the )?|, ", gap, re.I) is not None
