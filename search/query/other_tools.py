"""What other tools write in their queries, and what is said of it where it is read as words here."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from search.query.tokens import Kind, Token

_OPTION = re.compile(r"(?<!\S)--(?P<name>[a-z][a-z-]*)(?:=\S*)?(?=\s|$)")
_LETTER = re.compile(r"(?<!\S)-(?P<name>[A-Za-z])(?=\s|$)")
_BAR = re.compile(r"(?<=\s)\|(?=\s)")
_TILDE = re.compile(r"(?<!\S)~(?P<word>[^\W_][\w'’-]*)")
_SLASHES = re.compile(r"(?<![\w/])/(?=[^\s/]*[.*?+|^$\[\](){}\\])[^\s/]+/[gimsux]{0,6}(?=[\s)]|$)")
_RANGE = re.compile(r"[\[{][^\[\]{}]{1,60} TO [^\[\]{}]{1,60}[\]}]")
_COMPARED = re.compile(r"(?<![\w:])(?:date|published|year|length|words) ?(?:>=|<=|>|<|=) ?[\d\"']\S*")
_ENTITY = re.compile(
    r"&(?:quot|apos|amp|nbsp|[lr][ds]quo|bdquo|sbquo|[lr]s?aquo|"
    r"#0*(?:3[489]|160|171|187|82(?:1[6-8]|2[0-2]))|#x0*(?:2[267]|a0|ab|bb|201[89a]|201[c-e]));",
    re.IGNORECASE,
)
_ESCAPED = re.compile(r'(?<!\S)(?:\w+:)?\\(?P<mark>["“”„])(?P<phrase>\w[^"“”„\\]*\s[^"“”„\\]*)\\["“”„]')


def without_entities(text: str) -> tuple[str, str | None]:
    """A query with the marks that pages write as entities, &quot; and the like, and what is said of that."""
    if "&" not in text or (first := _ENTITY.search(text)) is None:
        return text, None
    return _ENTITY.sub(
        lambda entity: html.unescape(entity[0]), text
    ), f"{first[0]} was read as {html.unescape(first[0])}"


def remarks(text: str, scanned: Sequence[Token]) -> list[str]:
    """What to say of a query's ``text``, whose tokens are ``scanned``: of what stands in quotation marks, nothing."""
    shown = list(text)
    for token in scanned:
        if token.kind is Kind.PHRASE or not token.text:
            shown[token.start : token.end] = " " * (token.end - token.start)
    rest = "".join(shown)
    notes = []
    for escaped in _ESCAPED.finditer(text):
        notes.append(
            f"{escaped[0]} was read as words, for \\ makes a mark mean itself; for the phrase write "
            f'"{escaped["phrase"]}"'
        )
    for option in _OPTION.finditer(rest):
        word = option["name"].partition("-")[0]
        notes.append(
            f"'--{option['name']}' was read as words; options go outside of the query's quotation marks, and -{word} "
            f"leaves out {word}"
        )
    for letter in _LETTER.finditer(rest):
        notes.append(
            f"'-{letter['name']}' leaves out the word {letter['name']}; options go outside of the query's quotation "
            "marks"
        )
    if _BAR.search(rest):
        notes.append("'|' was read as punctuation; for either of two, write OR")
    for tilde in _TILDE.finditer(rest):
        notes.append(
            f"{tilde[0]} was read as the word {tilde['word']}; for words nearly like it, write {tilde['word']}~"
        )
    for slashes in _SLASHES.finditer(rest):
        notes.append(
            f"{slashes[0]} was read as words: regular expressions are not read; a word may have wildcards, * and ?"
        )
    for span in _RANGE.finditer(rest):
        notes.append(f"{span[0]} was read as words; a range of dates is written date:2020-01..2020-03")
    for compared in _COMPARED.finditer(rest):
        notes.append(f"{compared[0]} was read as words; write since:2020, before:2021 or length:>800")
    return notes
