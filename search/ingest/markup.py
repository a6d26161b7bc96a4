"""HTML in the strings of records: tags and entities are taken out, the words stay.

Only what is surely markup goes: tags of HTML's own names, entities with their semicolon. "a <b" and "R&D" are prose.
"""

from __future__ import annotations

import re
from html.entities import html5


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


BLOCKS = _set("""
    address article aside blockquote body caption center details dialog div dl fieldset figcaption figure footer form
    frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend main menu nav noframes ol optgroup p pre section
    summary table tbody tfoot thead title ul
""")
LINES = _set("br dd dt li option tr")
CELLS = _set("td th")
_INLINE = _set("""
    a abbr acronym amp-img applet area audio b base basefont bdi bdo big button canvas cite code col colgroup data
    datalist del dfn em embed font i iframe img input ins kbd label link map mark meta meter noscript object o:p output
    param picture progress q rp rt ruby s samp script select small source span strike strong style sub sup svg template
    textarea time track tt u var video wbr
""")
_NAMES = BLOCKS | LINES | CELLS | _INLINE
# The attributes of a tag have an equals sign somewhere, or are one of these: "a <b and c> d" is prose.
_BARE = (
    r"(?:allowfullscreen|async|checked|compact|controls|defer|disabled|hidden|itemscope|nowrap|noshade|open|readonly)"
)
_TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,15})"
    rf"(?:\s*/?>|\s+{_BARE}\s*/?>|\s(?=[^<>]*=)(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+>|\s(?=[^<>]*=)[^<>]*>)"
)
_DROPPED = re.compile(
    r"<(script|style|template|svg|noscript|iframe|object|select|button|canvas)(?:\s[^<>]*)?>.*?(?:</\1\s*>|\Z)"
    r"|<!--.*?(?:-->|\Z)|<!doctype[^<>]*>|<\?xml[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = re.compile(r"<head(?:\s[^<>]*)?>.*?</head\s*>", re.IGNORECASE | re.DOTALL)
_CUT_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,15})\s+[a-zA-Z-]{1,30}=[^<>]*\Z")
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_ENTITY = re.compile(
    r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));"
    r"|&(nbsp|quot|amp|lt|gt)\b(?=[^;=\w]|\Z)"
)
_CP1252 = {number: bytes([number]).decode("cp1252", "replace") for number in range(0x80, 0xA0)}
_BLANK_LINES = re.compile(r"\n{3,}")
_PASSES = 3  # text that was escaped twice, or three times


def without_markup(text: str) -> str:
    """The words of ``text``: block tags are breaks, scripts and styles go with what is in them."""
    if "<" not in text and "&" not in text:
        return text
    stripped = _without_tags(text)
    decoded = _decoded(stripped)
    if stripped == text and decoded != text and _is_markup(decoded):  # HTML that was escaped as a whole
        decoded = _decoded(_without_tags(decoded))
    return decoded


def _is_markup(text: str) -> bool:
    return re.search(r"</[a-z][a-z0-9]*\s*>|<(?:br|p|hr|img)\b[^<>]*>", text, re.IGNORECASE) is not None


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    bare = _CDATA.sub(r"\1", text)
    if "</head" in bare.lower():  # what is said of a page is none of its words
        bare = _HEAD.sub(" ", bare, count=1)
    bare = _DROPPED.sub(" ", bare)
    if re.search(r"<(?:p|div)[\s>]", bare, re.IGNORECASE) and "<pre" not in bare.lower():
        bare = re.sub(r"[ \t\r\n\f]+", " ", bare)  # line ends between tags mean nothing
    found = False

    def replacement(tag: re.Match[str]) -> str:
        nonlocal found
        name = tag[2].lower()
        if name not in _NAMES:
            return tag[0]
        found = True
        if name in LINES:
            return "" if tag[1] else "\n"
        if name in CELLS:
            return " "
        return "\n\n" if name in BLOCKS else ""

    bare = _TAG.sub(replacement, bare)
    if found and (start := bare.rfind("<")) >= 0 and (cut := _CUT_TAG.match(bare, start)) and cut[1].lower() in _NAMES:
        bare = bare[:start]  # the text was cut inside a tag
    if not found and bare == text:
        return text
    bare = re.sub(r" ?\n ?", "\n", re.sub(r"[ \t\r\f]+", " ", bare))
    return _BLANK_LINES.sub("\n\n", bare).strip()


def _decoded(text: str) -> str:
    for _ in range(_PASSES):
        if "&" not in text:
            break
        once = _ENTITY.sub(_character, text)
        if once == text:
            break
        text = once
    return text


def _character(found: re.Match[str]) -> str:
    decimal, hexadecimal, name, open_name = found.groups()
    if name is not None:
        return html5.get(f"{name};", found[0])
    if open_name is not None:
        return html5[f"{open_name};"]
    number = int(decimal) if decimal is not None else int(hexadecimal, 16)
    if number in _CP1252:  # as browsers read them
        return _CP1252[number]
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
