"""Query text to tokens, in one pass and linear time. Every token knows its place in the text.

What makes prose safe is decided here: an operator counts only as a whole word (AND, OR, NOT in capitals only), a
quotation mark opens a phrase only at the start of a word (5'11" stays a word), a parenthesis likewise a group
(article(s) stays a word), ``+`` and ``-`` count only directly before a word, ``name:`` only directly before a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from search.errors import QueryError
from search.query import dates, fields, quotes

MAX_DISTANCE = 255
MAX_TOKENS = 25_000


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    PHRASE = "phrase"
    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "within"
    PREFIX = "+ or -"
    FIELD = "field"
    AT_LEAST = "atleast"


_OPERATORS = {Kind.AND, Kind.OR, Kind.NOT, Kind.NEAR}


@dataclass(slots=True)
class Token:
    """A piece of the query: ``text`` without its quotes or escapes, ``start`` and ``end`` in the query.

    ``literal``: nothing in the text is a wildcard. ``number``: the n of w/n and atleastN, 0 for w/s and w/p (``text``
    is then "s" or "p"). ``ordered``: pre/n. ``whole``: ``field:=``.
    """

    kind: Kind
    start: int
    end: int
    text: str
    literal: bool = False
    number: int = 0
    ordered: bool = False
    whole: bool = False


_SPACE = re.compile(r"\s+")
# An empty space is nothing inside a word, and a space beside one.
_NOT_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]|^\ufeff|(?<!\w)\u200b|\u200b(?!\w)|(?<!\S)[\u200e\u200f\u2060\ufeff]"
)
_POSSESSIVE = re.compile(r"['’]s\b")
_SLOP = re.compile(r"~(?P<number>[0-9]*)")
_ENDS = f"(?=[\\s(){quotes.MARKS}]|$)"
_BOOLEAN = re.compile(f"(AND|OR|NOT|&&|\\|\\|){_ENDS}")
_SIGNS = {"&&": "AND", "||": "OR"}
_NEAR = re.compile(f"(w|near|pre|onear)/([0-9]+|s|p|sent|sentence|para|paragraph){_ENDS}", re.IGNORECASE)
_AT_LEAST = re.compile(r"atleast([0-9]+)(?=\()", re.IGNORECASE)
_SEGMENT = re.compile(r"(HEADLINE|TITLE|BYLINE|AUTHOR|SECTION|DATELINE|PUBLICATION|SOURCE)(?=\()")
_NAMED = re.compile(r"([A-Za-z]{2,30}):(=?)(?=[^\s)])")
_UNKNOWN = re.compile(rf"([a-z]{{2,30}}):(?=[\w(=<>{quotes.MARKS}])")
_SPACED_COLON = re.compile(r"([A-Za-z]{2,30}):=?(?=[\s)]|$)")
_MEANT = dict.fromkeys(("site", "domain", "newspaper", "outlet", "paper"), "source")
_SCHEMES = {"mailto", "tel", "doi", "urn", "isbn", "issn"}
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|www\.|[^\s@()]+@[^\s@()]|[\w-]+(?:\.[\w-]+)+/", re.IGNORECASE)
_SIGN = re.compile(rf"[+!-](?=[\w(\\*?{quotes.MARKS}]|[#@$.]\w)")
_RUN = re.compile(r"(?:\\\S|[^\s()])+")
_EMPHASIS = re.compile(r"^\*\*+(?=[^*])|(?<=[^*\\])\*\*+$")  # **so**, as assistants write
_ESCAPE = re.compile(rf"\\([\\()+\-*?!~:/{quotes.MARKS}])")
# Between slashes, with a sign that only a regular expression has; a path has none.
_REGEX = re.compile(r"/(?=[^/\n]*(?:[\[\]{}|^$\\+]|[\w.)][*?]))(?:[^/\\\n]|\\.)+/[gimsux]*(?=[\s)]|$)")
_BOOST = re.compile(r"(?<=\w)\^[0-9]+(?:\.[0-9]+)?$")
_OTHER_NEAR = re.compile(f"(NEAR|ADJ)([0-9]*){_ENDS}")
_AROUND = re.compile(rf"(AROUND)\(([0-9]+)\){_ENDS}")


def scan(text: str, query: str, notes: list[str]) -> list[Token]:
    """The tokens of ``clean(query)``, which is ``text``. Raises QueryError; adds to ``notes`` what deserves a word."""
    tokens: list[Token] = []
    at, size = 0, len(text)
    while at < size:
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        last = tokens[-1] if tokens and tokens[-1].end == at else None
        if last is not None and last.kind is Kind.PHRASE and (slop := _SLOP.match(text, at)):
            tokens[-1:] = _sloppy(last, slop, tokens[-2:-1], query, notes)
            at = slop.end()
            continue
        token = (
            _phrase(text, at, query, last)
            or _regex(text, at, query, last, notes)
            or _value(text, at, last)
            or _sign(text, at, last, notes)
            or _named(text, at, query, notes)
            or _bracket(text, at)
            or _operator(text, at, query, notes)
            or _word(text, at, notes)
        )
        tokens.append(token)
        at = token.end
        if len(tokens) > MAX_TOKENS:
            raise QueryError(f"this query has more than {MAX_TOKENS:,} words and signs; shorten it", query[:200])
    return _without_dashes(tokens)


def _without_dashes(tokens: list[Token]) -> list[Token]:
    """The tokens less punctuation beside an operator: "the world - AND in many languages"."""
    kept: list[Token] = []
    for i, token in enumerate(tokens):
        before = tokens[i - 1].kind if i else None
        after = tokens[i + 1].kind if i + 1 < len(tokens) else None
        beside = before in _OPERATORS or (after in _OPERATORS and before is not Kind.FIELD)
        if not beside or token.kind is not Kind.WORD or token.text == "*" or fields.has_word(token.text):
            kept.append(token)
    return kept


def clean(query: str) -> str:
    """The query with control characters, stray surrogates and empty spaces as spaces: every place stays the same."""
    return _NOT_TEXT.sub(" ", query)


def _phrase(text: str, at: int, query: str, last: Token | None) -> Token | None:
    if last is not None and last.kind is Kind.PHRASE and (possessive := _POSSESSIVE.match(text, at)):
        # The 's of "Trump"'s: part of the sentence, not a word of its own.
        return Token(Kind.WORD, at, possessive.end(), "", literal=True)
    if not quotes.opens(text, at):
        return None
    quoted = quotes.quoted(text, at)
    if quoted is None:
        if text[at] not in quotes.UNCLOSED:
            return None
        raise QueryError(
            "this quotation mark is never closed; close it, or put \\ before it to search for the mark itself",
            query,
            at,
        )
    inside = text[quoted.start : quoted.end]
    if not fields.has_word(inside):
        if text[at] not in quotes.UNCLOSED:
            return None
        raise QueryError("there is no word between these quotation marks", query, at)
    return Token(Kind.PHRASE, at, quoted.after, _ESCAPE.sub(r"\1", inside))


def _regex(text: str, at: int, query: str, last: Token | None, notes: list[str]) -> Token | None:
    """A regular expression between slashes, which says what it looks for in no word."""
    if text[at] != "/" or (match := _REGEX.match(text, at)) is None:
        return None
    if (last is not None and last.kind is Kind.FIELD) or match[0] == text.strip():
        raise QueryError(
            "regular expressions are not read; a word may have wildcards, terror* or wom?n, or differ a little, iran~",
            query,
            at,
        )
    notes.append(f"{match[0]} was left out: regular expressions are not read; a word may have wildcards, * and ?")
    return Token(Kind.WORD, at, match.end(), "", literal=True)


def _sloppy(phrase: Token, slop: re.Match[str], before: list[Token], query: str, notes: list[str]) -> list[Token]:
    """The tokens of ``"first second"~5`` as Lucene writes ``first w/5 second``; ``before`` is the token before it."""
    words = [word for word in phrase.text.split() if fields.has_word(word)]
    number = int(slop["number"][:8] or 5)
    place = slop.start()
    if len(words) < 2:
        raise QueryError("~ goes with a single word without quotation marks, or with two words or more", query, place)
    if not number:
        phrase.end = slop.end()
        return [phrase]
    if number > MAX_DISTANCE:
        raise QueryError(f"{slop[0]} is out of range: from 1 to {MAX_DISTANCE} words", query, place)
    near = f"w/{number}"
    meant = f" {near} ".join(words)
    field = before[0] if before and before[0].kind is Kind.FIELD and before[0].end == phrase.start else None
    if field is not None and field.text not in fields.TEXT:
        raise QueryError(f"{field.text}: takes no words near each other; in the text write: {meant}", query, place)
    written = query[phrase.start : slop.end()]
    notes.append(f"{written} was read as {meant}")
    tokens = [Token(Kind.OPEN, phrase.start, phrase.start + 1, "(")]
    for count, word in enumerate(words):
        if count:
            tokens.append(Token(Kind.NEAR, phrase.start, phrase.end, near, number=number))
        tokens.append(Token(Kind.WORD, phrase.start, phrase.end, word, literal=True))
    return [*tokens, Token(Kind.CLOSE, slop.end() - 1, slop.end(), ")")]


def _sign(text: str, at: int, last: Token | None, notes: list[str]) -> Token | None:
    # Not the hyphen of "Boeing (BA)-Lockheed".
    match = _SIGN.match(text, at) if last is None or last.kind is Kind.OPEN else None
    if match is None:
        return None
    if match[0] == "!":
        notes.append("! before a word was read as -, which leaves it out")
    return Token(Kind.PREFIX, at, at + 1, "-" if match[0] == "!" else match[0])


def _bracket(text: str, at: int) -> Token | None:
    if text[at] == "(":
        return Token(Kind.OPEN, at, at + 1, "(")
    return Token(Kind.CLOSE, at, at + 1, ")") if text[at] == ")" else None


def _named(text: str, at: int, query: str, notes: list[str]) -> Token | None:
    """A field, a Nexis segment or ``atleastN(``."""
    if match := _AT_LEAST.match(text, at):
        count = int(match[1]) if len(match[1]) < 9 else MAX_DISTANCE + 1
        if not 1 <= count <= MAX_DISTANCE:
            raise QueryError(f"atleastN counts from atleast1 to atleast{MAX_DISTANCE}", query, at)
        return Token(Kind.AT_LEAST, at, match.end(), match[0], number=count)
    if match := _SEGMENT.match(text, at):
        return Token(Kind.FIELD, at, match.end(), fields.field_name(match[1]) or "")
    if (match := _NAMED.match(text, at)) and (name := fields.field_name(match[1])):
        return Token(Kind.FIELD, at, match.end(), name, whole=bool(match[2]))
    if (match := _SPACED_COLON.match(text, at)) and (name := fields.field_name(match[1])):
        notes.append(f"'{match[1]}:' was read as a word; for the field, write the value directly after the colon")
    if (match := _UNKNOWN.match(text, at)) and match[1] not in _SCHEMES:
        raise QueryError(_unknown(match[1]), query, at)
    return None


def _value(text: str, at: int, field: Token | None) -> Token | None:
    """What stands directly after ``field:``, unless it is a phrase or a group."""
    if field is None or field.kind is not Kind.FIELD or text[at] == "(":
        return None
    if field.text in fields.DATES and (spaced := dates.spaced().match(text, at)):
        return Token(Kind.WORD, at, spaced.end(), spaced[0])
    return _word(text, at)


def _operator(text: str, at: int, query: str, notes: list[str]) -> Token | None:
    if match := _BOOLEAN.match(text, at):
        name = _SIGNS.get(match[1], match[1])
        if name != match[1]:
            notes.append(f"{match[1]} was read as {name}")
        return Token(Kind(name), at, match.end(), name)
    if match := _AROUND.match(text, at) or _OTHER_NEAR.match(text, at):
        return _other_near(match, query, notes)
    match = _NEAR.match(text, at)
    if match is None:
        return None
    ordered = match[1].lower() in ("pre", "onear")
    reach = match[2].lower()
    if reach[0] in "sp":
        if ordered:
            raise QueryError("pre/ needs a number of words, as in pre/3; w/s and w/p have no order", query, at)
        return Token(Kind.NEAR, at, match.end(), reach[0])
    number = int(reach) if len(reach) < 9 else MAX_DISTANCE + 1
    if not 1 <= number <= MAX_DISTANCE:
        raise QueryError(
            f"{match[0]} is out of range: from 1 to {MAX_DISTANCE} words, or w/s (same sentence), w/p (same paragraph)",
            query,
            at,
        )
    return Token(Kind.NEAR, at, match.end(), match[0].lower(), number=number, ordered=ordered)


def _other_near(match: re.Match[str], query: str, notes: list[str]) -> Token:
    """NEAR5, AROUND(5) and ADJ3 as other tools write w/5 and pre/3."""
    ordered = match[1] == "ADJ"
    number = int(match[2][:8] or (1 if ordered else 10))
    written = f"{'pre' if ordered else 'w'}/{number}"
    if not 1 <= number <= MAX_DISTANCE:
        raise QueryError(f"{match[0]} is out of range: from 1 to {MAX_DISTANCE} words", query, match.start())
    notes.append(f"{match[0]} was read as {written}")
    return Token(Kind.NEAR, match.start(), match.end(), written, number=number, ordered=ordered)


def _word(text: str, at: int, notes: list[str] | None = None) -> Token:
    """Everything up to a space, or to a closing parenthesis that the word did not open."""
    end, depth = at, 0
    while end < len(text):
        if run := _RUN.match(text, end):
            end = run.end()
        elif text[end] == "(":
            depth, end = depth + 1, end + 1
        elif text[end] == ")" and depth:
            depth, end = depth - 1, end + 1
        else:
            break
    raw = text[at:end]
    plain = _ESCAPE.sub(r"\1", _EMPHASIS.sub("", raw))
    if raw[0] == "\\" and (_BOOLEAN.fullmatch(raw, 1) or _NEAR.fullmatch(raw, 1) or _OTHER_NEAR.fullmatch(raw, 1)):
        plain = raw[1:]
    if notes is not None and (boost := _BOOST.search(plain)):
        notes.append(f"{boost[0]} was left out: all words weigh alike")
        plain = plain[: boost.start()]
    return Token(Kind.WORD, at, end, plain, literal=plain != raw or _LINK.match(raw) is not None)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    close = [_MEANT[name]] if name in _MEANT else get_close_matches(name, (*fields.FIELDS, *fields.ALIASES), 1)
    guess = f"; did you mean {close[0]}:?" if close else "."
    return f"there is no field '{name}'{guess} The fields are {fields.LISTED}. To search for the text, quote it"
