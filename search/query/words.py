"""What one written word or phrase means: itself, a wildcard pattern, or a misspelling."""

from __future__ import annotations

import re
from itertools import groupby

from search.errors import QueryError
from search.keyword.analysis import IN_WORDS, TOKEN, fold, normalise, surface_of
from search.keyword.tree import Every, Exact, Expanded, Fuzzy, Near, Node, Wildcard, Word
from search.query.fields import has_word
from search.query.tokens import Kind, Token

MAX_PIECES = 10
_OUTSIDE = ".,;:!?…\"'`“”‘’„«»‹›()[]{}<>|\\/*~^=_-–—"
_INITIAL = re.compile(r"[^\W\d_]\.")
_INITIALS = re.compile(r"\A(?:[^\W\d_]\. )*[^\W\d_]\.\Z|\A(?:[A-Z] )*[A-Z]\Z")
_ACRONYM = re.compile(r"(?:\w\.)+\w")
# A star beside a letter, or a question mark between two: "wom?n", but not the end of a question.
_PATTERN = re.compile(rf"[{IN_WORDS}]\?*\*|\*\?*\w|[{IN_WORDS}]\?+\w")
_TRUNCATED = re.compile(rf"[^\W_][{IN_WORDS}]*!\Z")
_STARS = re.compile(r"\*+")
# Stand for the wildcards while a pattern is cut into words: letters without case or parts, and not in any text.
_STAND_INS = {"*": "\ua78f", "?": "\ua7f7"}
_CUTTABLE = str.maketrans(_STAND_INS)
_UNCUT = str.maketrans({stand_in: wildcard for wildcard, stand_in in _STAND_INS.items()})


Scoring = str | Expanded
"""What scores: a word by its stem, or what stands for several words as one term."""


def plain(text: str) -> str:
    """The word without the punctuation around it; empty if it has no letter or digit."""
    if text.isalnum():
        return text
    if not has_word(text):
        return ""
    core = text.strip(_OUTSIDE)
    after = text[text.find(core) + len(core) :]
    if after.startswith(".") and _ACRONYM.fullmatch(core):
        return core + "."
    return core + ")" if after.startswith(")") and core.count("(") > core.count(")") else core


def add_plain(words: list[str], text: str) -> str:
    """Add a word as ``plain`` has it to those before it; an initial behind an initial to that one: "J. K." is one word.
    Returns the word as it stands there now; empty if there is none."""
    if not (word := plain(text)):
        return ""
    if len(word) == 1 and words and (initials := _INITIALS.search(words[-1])):
        dotted = initials[0].endswith(".")
        if dotted == text.endswith(".") and (dotted or word.isupper()):
            words[-1] += f" {text if dotted else word}"
            return words[-1]
    words.append(text if _INITIAL.fullmatch(text) else word)
    return words[-1]


def is_special(token: Token) -> bool:
    """Whether the word asks for more than itself: a wildcard or a misspelling. (``word!`` depends on its place.)"""
    if token.literal or token.text.isalnum():
        return False
    if _PATTERN.search(token.text):
        return True
    return token.kind is Kind.WORD and _misspelling(token.text) is not None


def is_truncated(token: Token) -> bool:
    """Whether the word ends as Nexis truncates: ``terror!``."""
    return not token.literal and token.text.endswith("!") and _TRUNCATED.search(token.text) is not None


def word_tree(token: Token, field: str | None, query: str) -> tuple[Node, list[Scoring]]:
    """The condition that a word states where it is required, and what in it can score.

    Raises QueryError for a word without letters or digits.
    """
    text = token.text
    if text == "*" and field is None:
        return Every(), []
    if not has_word(text):
        raise QueryError("there is no letter or digit here to search for", query, token.start)
    if token.kind is Kind.PHRASE:
        # A quoted sentence may well end in ? or !, and nothing in it is fuzzy.
        if _PATTERN.search(text):
            return _pattern(text, token, field, query)
        return Word(field, " ".join(text.split())), [*_scoring(text)]
    if not token.literal:
        if misspelling := _misspelling(text):
            return _fuzzy(token, *misspelling, field, query)
        if is_truncated(token):
            return _pattern(text[:-1].rstrip("*") + "*", token, field, query)
        if _PATTERN.search(text):
            return _pattern(text, token, field, query)
    return Word(field, plain(text)), [plain(text)]


def exact_tree(token: Token, field: str | None, query: str) -> tuple[Node, list[Scoring]]:
    """The condition that ``exact:`` states: these letters. Raises QueryError for wildcards and empty words."""
    quoted = token.kind is Kind.PHRASE
    text = " ".join(token.text.split()) if quoted else plain(token.text)
    if not has_word(text):
        raise QueryError("exact: has no letter or digit to look for", query, token.start)
    if not quoted and "*" in token.text and not token.literal:
        raise QueryError("exact: takes letters as written, so no wildcards", query, token.start)
    return Exact(field, text), [Exact(None, word) for word in _scoring(text)]


def _scoring(text: str) -> list[str]:
    return [word for word in map(plain, text.split()) if word]


def _misspelling(text: str) -> tuple[str, str] | None:
    """``word~`` or ``word~2`` as its word and number. The word has a letter: "5~10" is a stretch of numbers."""
    word, tilde, number = text.rpartition("~")
    if not tilde or len(number) > 2 or (number and not (number.isascii() and number.isdigit())):
        return None
    return (word, number) if any(c.isalpha() for c in word) else None


def _fuzzy(token: Token, word: str, number: str, field: str | None, query: str) -> tuple[Node, list[Scoring]]:
    if number not in ("", "1", "2"):
        raise QueryError(
            "a misspelling may differ by 1 or 2 letters: write word~ or word~2", query, token.end - len(number)
        )
    pieces = [str(piece) for piece in TOKEN.findall(normalise(word))]
    trees: list[Node] = [Word(field, piece) for piece in pieces[:-1]]
    trees.append(Fuzzy(field, pieces[-1], int(number or 1)))
    return _adjacent(trees, token, query), [*pieces[:-1], Fuzzy(None, pieces[-1], int(number or 1))]


def _pattern(text: str, token: Token, field: str | None, query: str) -> tuple[Node, list[Scoring]]:
    """Words and folded patterns; those between hyphens or spaces stand side by side: ``al-q*``."""
    trees: list[Node] = []
    scoring: list[Scoring] = []
    for written in TOKEN.findall(normalise(text).translate(_CUTTABLE)):
        piece = fold(surface_of(written)).translate(_UNCUT)
        if not has_word(piece):
            continue
        if _PATTERN.search(piece):
            pattern = _STARS.sub("*", piece.rstrip("?"))
            trees.append(Wildcard(field, pattern))
            scoring.append(Wildcard(None, pattern))
        else:
            original = written.translate(_UNCUT).rstrip("?")
            trees.append(Word(field, original))
            scoring.append(original)
    return _adjacent(trees, token, query), scoring


def _adjacent(trees: list[Node], token: Token, query: str) -> Node:
    """Nodes whose words follow one another directly; plain words side by side are one phrase."""
    merged: list[Node] = []
    for _, run in groupby(trees, key=lambda tree: isinstance(tree, Word)):
        group = list(run)
        phrase = [tree for tree in group if isinstance(tree, Word)]
        merged.extend([Word(phrase[0].field, " ".join(word.text for word in phrase))] if phrase else group)
    if len(merged) > MAX_PIECES:
        raise QueryError(f"more than {MAX_PIECES} parts with wildcards in one expression", query, token.start)
    joined = merged[0]
    for tree in merged[1:]:
        joined = Near(joined, tree, 1, True)
    return joined
