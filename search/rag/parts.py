"""The questions inside a question: what is compared, who is asked about, and one question after another."""

from __future__ import annotations

import re

MOST_PARTS = 4
_QUESTION = re.compile(r"[^?]+\?+")
_WORD = (
    r"(?:what|who|whom|whose|when|where|why|which|how|did|does|do|is|are|was|were|has|have|had|will|can|could|should)"
)
_SECOND = re.compile(rf",? (?:and|but|or) (?=(?:also )?{_WORD} (?!many\b.*\bthan\b))", re.I)
_STARTS = re.compile(rf"^(?:and |but |also |in what |at what |by how |on which |under what )?{_WORD}\b", re.I)
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|this|that|these|those|there|then|so|one)\b", re.I
)
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
        r"(?P<tail> (?:say|said|report|write|claim|think|argue|do|want|find|tell|each|both|respond|react|propose)\b.*)$"
    ),
    re.compile(
        r"^(?P<head>(?:which|who|what) .*?\b(?:longer|shorter|larger|bigger|smaller|more|fewer|less|older|first|higher|"
        r"lower|worse|better|earlier|later|sooner|cheaper|costlier)\b[^,:]*[,:] )"
        r"(?P<a>.+?) or (?P<b>[^?]+)(?P<tail>\??)$",
        re.I,
    ),
    re.compile(r"^(?P<head>.*?\bboth )(?P<a>.+?) and (?P<b>[^,;?]+?)(?P<tail>[?.]?)$", re.I),
)
_ASKS = re.compile(
    r"^(?:please )?(?:compare|contrast)d?(?: the)?(?: coverage of| accounts of| reports? (?:of|on))? ?"
    r"|^(?:what (?:is|are|was|were) )?"
    r"the (?:differences?|similarit(?:y|ies)|comparison|contrast|relation|link|connection) between ",
    re.I,
)


def split(question: str) -> tuple[str, ...]:
    """The questions to retrieve for, at most four: the question itself unless it compares things, asks the same of
    several, or is several in a row. A later question that refers back ("and who paid for it?") keeps what it follows.
    """
    text = " ".join(question.split())
    parts: list[str] = []
    for sentence in _sentences(text):
        follows = bool(parts) and _REFERS.search(sentence) is not None
        for part in _compared(sentence):
            parts.append(f"{parts[0]} {part}" if follows else part)
    unique = tuple(dict.fromkeys(part for part in parts if part))
    return unique if 1 < len(unique) <= MOST_PARTS else (text,)


def _sentences(text: str) -> list[str]:
    pieces = [match[0].strip() for match in _QUESTION.finditer(text)]
    rest = text[sum(len(match[0]) for match in _QUESTION.finditer(text)) :].strip()
    if rest and pieces and len(rest.split()) > 2:
        pieces.append(rest)
    found: list[str] = []
    for piece in pieces or [text]:
        halves = _SECOND.split(piece)
        if len(halves) > 1 and _STARTS.match(halves[0]) and all(len(half.split()) > 2 for half in halves):
            found += halves
        else:
            found.append(piece)
    return found


def _compared(sentence: str) -> list[str]:
    if '"' in sentence:  # a phrase is a condition of the query language: no part may lose half of it
        return [sentence]
    for pattern in _COMPARE:
        if match := pattern.match(sentence):
            head, tail = _ASKS.sub("", match["head"]), match["tail"]
            a, b = match["a"], match["b"]
            shared = re.fullmatch(r"(?P<one>.+?)(?P<rest> (?:on|about|over|of|in|for|regarding|during) .+)", b)
            if shared and not tail.strip("?. ") and not re.search(r" (?:on|about|over|of|in|for|regarding|during) ", a):
                a += shared["rest"]  # "X and Y on Z" asks for both on Z
            return [f"{head}{one}{tail}".strip() for one in (a, b)]
    return [sentence]
