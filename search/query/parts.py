"""The questions inside a question: what is compared, who is asked about, and one question after another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from search.keyword.analysis import STOP_WORDS
from search.query.named import Mention

_LONGEST = 2_000
MOST_PARTS = 4
_JOIN = r"(?:on|about|over|of|in|for|regarding|during)"
_HIDE = re.compile(rf" (?=(?:and|or|with|to|against|versus|vs\.?|between|{_JOIN}) )|,", re.I)
_HIDDEN = {" ": "\ua4f8", ",": "\ua4f9"}  # letters of no word here, so that a name stays words
_SHOW = str.maketrans({"\ua4f8": " ", "\ua4f9": ","})
_QUESTION = re.compile(r"[^?]+\?+")
_WORD = (
    r"(?:what|who|whom|whose|when|where|why|which|how|did|does|do|is|are|was|were|has|have|had|will|can|could|should)"
)
_SECOND = re.compile(rf",? (?:and|but|or) (?=(?:also )?{_WORD} (?!many\b.*\bthan\b))", re.I)
_STARTS = re.compile(rf"^(?:and |but |also |in what |at what |by how |on which |under what )?{_WORD}\b", re.I)
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|this|that|these|those|there|then|so|one)\b", re.I
)
_ASKING = re.compile(rf"(?:{_WORD}|also|many|much|long|often|far|else|again|later|afterwards)", re.I)
_COUNTS = re.compile(r"(?:and |but )?how (?:many|much|long|often|far)\b", re.I)
_NAME = r"(?:[^\s,;?]+ ){0,7}?[^\s,;?]+"
_COMPARE = (
    re.compile(
        r"^(?P<head>.*?\b(?:compare|contrast)d? )(?P<a>.+?),? (?:and|with|to|against) (?P<b>[^,;?]+?)(?P<tail>[?.]?)$",
        re.I,
    ),
    re.compile(
        r"^(?P<head>.*?\b(?:differences?|similarit(?:y|ies)|comparison|contrast|relation|link|connection) between )"
        r"(?P<a>.+?) and (?P<b>[^,;?]+?)(?P<tail>[?.]?)$",
        re.I,
    ),
    re.compile(
        rf"^(?P<head>how (?:do|does|did) )(?P<a>{_NAME}) and (?P<b>{_NAME})(?P<tail> (?:differ|compare|disagree).*)$",
        re.I,
    ),
    re.compile(
        rf"^(?P<head>)(?P<a>{_NAME}) (?:versus|vs\.?) (?P<b>{_NAME})(?P<tail>[?.]?| (?:on|over|about) .*)$", re.I
    ),
    re.compile(
        r"^(?P<head>.*?\b(?:did|do|does|have|has|were|are) )(?P<a>(?:the )?[A-Z][\w’'.-]*(?: [\w’'.-]+){0,5}?),? and "
        r"(?P<b>(?:the )?[A-Z][\w’'.-]*(?: [A-Z][\w’'.-]*){0,4})"
        r"(?P<tail> (?:say|said|report(?:ed)?|write|written|claim|think|argue|do|want|find|tell|each|both|respond|react"
        r"|propose|cover(?:ed)?|described?|portray|present|frame|depict|explain|treat|publish|print|see|mention)\b.*)$"
    ),
    re.compile(
        r"^(?P<head>(?:which|who|what) .*?\b(?:longer|shorter|larger|bigger|smaller|more|fewer|less|older|first|higher|"
        r"lower|worse|better|earlier|later|sooner|cheaper|costlier)\b[^,:]*[,:] )"
        r"(?P<a>.+?) or (?P<b>[^?]+)(?P<tail>\??)$",
        re.I,
    ),
    re.compile(r"^(?P<head>.*?\bboth )(?P<a>.+?) and (?P<b>[^,;?]+?)(?P<tail>[?.]?)$", re.I),
)
_TOLD = re.compile(
    r"\b(?:cover(?:ed|s|age|ing)?|report(?:ed|s|ing)?|describ(?:ed?|es|ing)|wr(?:ote|ites?|itten|iting)|said|says?|told"
    r"|tells?|claim(?:ed|s)?|argu(?:ed?|es)|accounts?|stor(?:y|ies)|articles?|editorials?|columns?|pieces?"
    r"|portray(?:ed|s|al)?|present(?:ed|s|ation)?|fram(?:ed?|es|ing)|depict(?:ed|s|ion)?|treat(?:ed|s|ment)|saw|views?"
    r"|opinions?|headlines?|publish(?:ed|es)|print(?:ed|s)|explain(?:ed|s)?|react(?:ed|s|ions?)|respon(?:ded|ds|ses?)"
    r"|call(?:ed|s)|quot(?:ed?|es)|mention(?:ed|s)?|judged|handled|handling|approach(?:ed|es)?)\b",
    re.I,
)
_BY_NAME = r"(?:[Tt]he )?[A-Z0-9][^\s,;?]*(?: (?:of |the |de |la |del |on )?[A-Z0-9&][^\s,;?]*){0,6}"
_ALSO = r"(?:(?:has|have|had|each|both|also|first|own|newspaper) ){0,2}"
_TELLING = re.compile(
    rf"(?:{_BY_NAME}(?P<rest> {_ALSO}(?:{_TOLD.pattern})(?: .*)?)"
    rf"|[a-z]+(?P<plain> {_ALSO}(?:coverage|covered|reported|reporting|described|portrayed|wrote)\b(?: .*)?))"
)
_ONLY_NAME = re.compile(rf"(?:that of |those of )?(?P<name>{_BY_NAME})(?: did| does| has| do| have)?")
_YEAR = re.compile(r"\b(?:1[6-9]|20)\d\d\b")
_PLACE = r"(?:in|of|at|on|from|by|near|during|after|before|under|between)"
_STANDS = re.compile(rf"(?:the ones?|that|those|the same(?: one)?) (?P<rest>(?:{_PLACE}|about|over)[\s\ua4f8].+)", re.I)
_PLACED = re.compile(rf" (?:{_PLACE}|on|about|over)[\s\ua4f8][^,;]+$", re.I)
_ASKS = re.compile(
    r"^(?:please )?(?:compare|contrast)d?(?: the)?(?: coverage of| accounts of| reports? (?:of|on))? ?"
    r"|^(?:what (?:is|are|was|were) )?"
    r"the (?:differences?|similarit(?:y|ies)|comparison|contrast|relation|link|connection) between ",
    re.I,
)


def split(question: str, named: Sequence[Mention] = ()) -> tuple[str, ...]:
    """The questions to retrieve for: the question itself unless it compares things, asks the same of several, or is
    several in a row. A later question that refers back ("and who paid for it?") or has no subject ("and how many
    died?") keeps what it follows.

    No part begins or ends within a source or date that is ``named``; where one half of a comparison is no more than
    that, it has the rest of the other ("the dam in May and June" is the dam in May, the dam in June). A text of more
    than 2,000 characters is no question, and stays whole.
    """
    if len(question) > _LONGEST:
        return (question,)
    held: dict[str, str] = {}
    for one in named:
        said = _HIDE.sub(lambda sign: _HIDDEN[sign[0]], question[one.start : one.end])
        question = question[: one.start] + said + question[one.end :]
        held[" ".join(said.split())] = one.kind
    text = " ".join(question.split())
    parts: list[str] = []
    for sentence, joined in _sentences(text):
        follows = bool(parts) and (_REFERS.search(sentence) is not None or _lacks_subject(sentence, joined))
        for part in _compared(sentence, held):
            parts.append(f"{parts[0]} {part}" if follows else part)
    unique = tuple(dict.fromkeys(part for part in parts if part))
    return tuple(" ".join(part.translate(_SHOW).split()) for part in (unique if len(unique) > 1 else (text,)))


def _lacks_subject(question: str, joined: bool) -> bool:
    """Whether a question says too little to be asked alone; less is enough for one that is a sentence of its own than
    for one that "and" joins to another."""
    words = re.findall(r"[\w'’-]+", question)
    if re.search(r"\b(?:the|an?)\b", question, re.I) or any(word[:1].isupper() for word in words[1:]):
        return False
    telling = [word for word in words if word.lower() not in STOP_WORDS and not _ASKING.fullmatch(word)]
    return len(telling) <= (3 if joined else int(_COUNTS.match(question) is not None))


def _sentences(text: str) -> list[tuple[str, bool]]:
    """The questions of a text, and whether each is joined to the one before it."""
    pieces = [match[0].strip() for match in _QUESTION.finditer(text)]
    rest = text[sum(len(match[0]) for match in _QUESTION.finditer(text)) :].strip()
    if rest and pieces and len(rest.split()) > 2:
        pieces.append(rest)
    found: list[tuple[str, bool]] = []
    for piece in pieces or [text]:
        halves = _SECOND.split(piece)
        if len(halves) > 1 and _STARTS.match(halves[0]) and all(len(half.split()) > 1 for half in halves):
            found += [(half, place > 0) for place, half in enumerate(halves)]
        else:
            found.append((piece, False))
    return found


def _compared(sentence: str, held: Mapping[str, str]) -> list[str]:
    if '"' in sentence:  # a phrase is a condition of the query language: no part may lose half of it
        return [sentence]
    for pattern in _COMPARE:
        if match := pattern.match(sentence):
            head, tail = _ASKS.sub("", match["head"]), match["tail"]
            a, b = match["a"], match["b"]
            if not tail.strip("?. "):
                a, b = _completed(a, b, held)
            return [f"{head}{one}{tail}".strip() for one in (a, b)]
    return [sentence]


def _completed(a: str, b: str, held: Mapping[str, str]) -> tuple[str, str]:
    """Both halves of a comparison with what is said once for both."""
    ways = [re.match(r"(?:how|what|why|whether|the way(?: in which)?) ", half, re.I) for half in (a, b)]
    prefix = "" if ways[0] is None else ways[0][0]
    one, other = (half if way is None else half[way.end() :] for half, way in zip((a, b), ways, strict=True))
    if (told := _TELLING.fullmatch(other)) and not _TOLD.search(one):  # "A and B covered X"
        return f"{prefix}{one}{told['rest'] or told['plain']}", f"{prefix if ways[1] is None else ways[1][0]}{other}"
    if (told := _TELLING.fullmatch(one)) and (name := _ONLY_NAME.fullmatch(other)):  # "how A covered X with B"
        return a, f"{prefix}{name['name']}{told['rest'] or told['plain']}"
    said = [text for text in held if text in b]
    rest = re.sub(r"\b(?:that|those|the same|the|ones?|in|on|of|by|from)\b", "", b.replace(said[0], "") if said else b)
    if len(said) == 1 and not re.search(r"\w", rest):
        places = [(a.index(text), a.index(text) + len(text)) for text, kind in held.items() if text in a]
        places = [place for place in places if held[a[slice(*place)]] == held[said[0]]]
        if places:
            return a, a[: min(places)[0]] + said[0] + a[max(places)[1] :]
    if stands := _STANDS.fullmatch(b):  # "the flood in Selwyn with the one in Harrowmouth"
        if (year := _YEAR.search(stands["rest"])) and _YEAR.search(a):  # "the 2019 budget with that of 2020"
            return a, _YEAR.sub(year[0], a, count=1)
        return a, f"{_PLACED.sub('', a)} {stands['rest']}"
    shared = re.fullmatch(rf"(?P<one>.+?)(?P<rest> {_JOIN} .+)", b)
    if shared and not re.search(rf" {_JOIN} ", a):
        a += shared["rest"]  # "X and Y on Z" asks for both on Z
    return a, b
