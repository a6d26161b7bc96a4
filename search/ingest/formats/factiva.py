"""Downloads of Factiva: HTML and RTF by two-letter codes, and the XML of its publishing service (PPS).

Dates are in the language of the interface; an article's language may stand in the class of its element alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.nexis_layouts import dated
from search.ingest.formats.trees import elements, html_tree, inside, line, local, parted, text_of, words
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_ARTICLE = re.compile(r"""<div\b[^>]{0,80}\bclass=["']?article\s+(?P<language>[a-z]{2})Article\b""", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Dow Jones\s+)?Factiva\s*</title>", re.IGNORECASE)
_PPS = re.compile(
    r"<(?:\w+:)?(?:PPSResponse|ppsArticleResponse|ppsarticleResultSet|GetArticleResponse)\b", re.IGNORECASE
)
# What the codes stand for; the rest is kept under the code itself.
CODES: Mapping[str, str] = {
    "AN": "id", "HD": "title", "BY": "authors", "SN": "source", "SE": "section", "LA": "language", "ART": "caption",
    "LP": "lead", "TD": "text", "PD": "date", "ET": "time", "PG": "page", "WC": "length", "SC": "source_code",
    "ED": "edition", "CY": "copyright", "CR": "credit", "CLM": "column", "CO": "companies", "IN": "industries",
    "NS": "subjects", "RE": "regions", "IPC": "ipc", "IPD": "descriptors", "PUB": "publisher_name", "VOL": "volume",
    "RF": "reference", "RE1": "regions", "NGC": "group", "GC": "group_code", "CX": "correction", "PGN": "page",
}  # fmt: skip
_LISTS = frozenset(("subjects", "regions", "industries", "companies", "ipc", "descriptors"))
_FIELDS = frozenset(("id", "title", "authors", "source", "section", "language", "caption"))
_CODED = re.compile(
    rf"^[ \t]*(?P<code>{'|'.join(sorted(CODES, key=len, reverse=True))})(?:[ \t\xa0]*[|\t][ \t\xa0|]*|[ \t]*$)"
)
_COUNT = re.compile(r"[\d.,\s]+\s*(?:words|mots|wörter|palabras|parole|woorden|palavras|słów|слов)\Z", re.IGNORECASE)
_ATOMS = ("accessionno", "baselanguage", "sourcename", "wordcount", "copyright", "sourcecode", "reference")


def recognises(head: Head) -> bool:
    """It is HTML with Factiva's articles, or the XML of its publishing service."""
    text = head.text
    if _PPS.search(text[:4000]):
        return True
    return "activa" in text and (_ARTICLE.search(text) is not None or _TITLE.search(text) is not None)


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each article, or a rejection in its place."""
    if _PPS.search(source.head.text[:4000]):
        yield from _of_xml(source)
        return
    number = 0
    for part in parted(text_of(source), _ARTICLE):
        if (mark := _ARTICLE.match(part)) is not None:
            number += 1
            tree = html_tree(part)
            codes = {} if tree is None else _rows(tree) or _positions(tree)
            codes.setdefault("LA", mark["language"].lower())
            yield from article(source, codes, number, part)


def article(source: Source, codes: dict[str, str], number: int, part: str) -> Iterator[Record | Rejection]:
    """The article that values by codes make."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for code, value in codes.items():
        name = CODES.get(code, code.lower())
        target = fields if name in _FIELDS else extra
        target[name] = [one.strip() for one in value.split("|") if one.strip()] if name in _LISTS else value
    text = "\n\n".join(extra.pop(name) for name in ("lead", "text") if extra.get(name))
    if not text and not fields.get("title"):
        yield rejected(source, f"document {number}", "no headline and no text", part)
        return
    if when := extra.pop("date", ""):
        fields["published"] = f"{when} {extra.pop('time', '')}".strip()
    if "id" in fields:
        fields["id"] = re.sub(r"\A(?:document|dokument|documento)\s+", "", fields["id"], flags=re.IGNORECASE).strip()
        extra["accession_number"] = fields["id"]
    page = str(extra.get("page", "")).strip()
    yield Record({**fields, "text": text, "extra": extra}, f"document {number}", text, False, (page,) if page else ())


def of_lines(source: Source, lines: Iterable[str]) -> Iterator[Record | Rejection]:
    """The articles of a text in whose lines codes stand before values, or above them; AN is each one's last."""
    codes: dict[str, list[str]] = {}
    held = ""
    number = 0
    for text in lines:
        found = _CODED.match(text)
        if found is not None:
            if held == "AN" and codes.get("AN"):
                number += 1
                yield from article(source, _joined(codes), number, "")
                codes = {}
            held = found["code"]
            text = text[found.end() :]
        if held and text.strip(" |\t"):
            codes.setdefault(held, []).append(text.strip(" |\t"))
    if codes:
        yield from article(source, _joined(codes), number + 1, "")


def _joined(codes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {
        code: ("\n\n" if code in ("LP", "TD") else " ").join(lines[:1] if code == "AN" else lines)
        for code, lines in codes.items()
    }


def is_coded(text: str) -> bool:
    """Whether lines of a text begin with Factiva's codes, those of headline, text and number among them."""
    found = {match[0].strip(" \t|\xa0") for match in re.finditer(_CODED.pattern, text, re.MULTILINE)}
    return {"HD", "AN"} <= found and not found.isdisjoint(("LP", "TD"))


def _rows(tree: _Element) -> dict[str, str]:
    """The values of an article that is printed with its codes."""
    codes: dict[str, str] = {}
    for row in inside(tree, "tr"):
        cells = [cell for cell in row if local(cell) == "td"]
        code = line(cells[0]) if len(cells) == 2 else ""
        if re.fullmatch(r"[A-Z]{2,3}\d?", code):
            value = words(cells[1]) if code in ("LP", "TD") else line(cells[1])
            if value:
                codes[code] = f"{codes[code]}\n\n{value}" if code in codes else value
    return codes


def _positions(tree: _Element) -> dict[str, str]:
    """The values of an article that is printed without codes: lines by what they are, then the paragraphs."""
    codes: dict[str, str] = {}
    headline = next((one for one in tree.iter() if "headline" in str(one.get("class", "")).lower()), None)
    codes["HD"] = line(headline)
    body: list[str] = []
    for element in inside(tree, "div", "p"):
        if any(local(child) in ("div", "p", "table") for child in element):
            continue
        text = line(element)
        kind = str(element.get("class", ""))
        if not text or text == codes["HD"]:
            continue
        if "articleParagraph" in kind:
            body.append(text)
        elif body:
            if re.match(r"(?:Document|Dokument|Documento)\s+[A-Z0-9]+\S*\Z", text):
                codes["AN"] = text
        else:
            _place(codes, text)
    codes["TD"] = "\n\n".join(body)
    return {code: value for code, value in codes.items() if value}


def of_print(lines: Sequence[str]) -> dict[str, str]:
    """The values of an article in plain text: a headline, lines by what they are as far as the copyright, and
    paragraphs. Empty for another text."""
    codes = {"HD": lines[0]} if lines else {}
    body: list[str] = []
    for text in lines[1:]:
        if re.fullmatch(r"(?:Document|Dokument|Documento)\s+[A-Z0-9]{2,}\w*", text):
            codes["AN"] = text
        elif "CY" in codes:
            body.append(text)
        else:
            _place(codes, text)
    codes["TD"] = "\n\n".join(body)
    return codes if body and {"WC", "PD", "SN"} <= codes.keys() else {}


def _place(codes: dict[str, str], text: str) -> None:
    """Take a line without a code for what it looks like."""
    if _COUNT.match(text):
        codes["WC"] = text
    elif "PD" not in codes and dated(text) is not None:
        codes["PD"] = text
    elif re.fullmatch(r"\d{1,2}:\d\d(?:\s*[AP]M)?", text):
        codes["ET"] = text
    elif re.match(r"(?:©|\(c\)|copyright)", text, re.IGNORECASE):
        codes["CY"] = text
    elif "PD" not in codes:
        codes.setdefault("BY", text)
    elif "SN" not in codes:
        codes["SN"] = text
    elif re.fullmatch(r"[A-Z0-9]{2,8}", text):
        codes["SC"] = text
    elif re.fullmatch(r"[A-Z]?\d{1,3}", text):
        codes["PG"] = text
    elif "LA" not in codes and len(text) < 20:
        codes["LA"] = text


def _of_xml(source: Source) -> Iterator[Record | Rejection]:
    for number, (element, _) in enumerate(elements(source, ("article",)), 1):
        fields: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        text: list[str] = []
        for child in element:
            name = local(child)
            value = words(child)
            if not name or (not value and not child.attrib):
                continue
            if name in ("leadparagraph", "tailparagraphs"):
                text.append(_paragraphs(child))
            elif name == "headline":
                fields["title"] = " ".join(value.split())
            elif name in ("publicationdate", "modificationdate"):
                when = next((line(one) for one in inside(child, "datetime")), "") or line(child)
                fields["published" if name == "publicationdate" else "modified"] = when
            elif name in ("byline", "sectionname", "caption"):
                fields[{"byline": "authors", "sectionname": "section"}.get(name, name)] = " ".join(value.split())
            elif name in _ATOMS:
                extra[name] = " ".join(value.split())
            else:
                code = next((v for k, v in child.attrib.items() if str(k).endswith("code")), "")
                extra.setdefault(name, []).append(" : ".join(filter(None, (str(code), " ".join(value.split())))))
        fields["id"] = extra.get("accessionno", "")
        fields["language"] = extra.get("baselanguage", "")
        fields["source"] = extra.get("sourcename", "")
        body = "\n\n".join(filter(None, text))
        if not body and not fields.get("title"):
            yield rejected(source, f"document {number}", "no headline and no text")
        else:
            yield Record({**fields, "text": body, "extra": extra}, f"document {number}", body, False)


def _paragraphs(element: _Element) -> str:
    """The paragraphs of a lead or a rest: elements, or lines of which an indented one begins another."""
    if any(local(child) == "paragraph" for child in element):
        return words(element)
    text = re.sub(r"\n[ \t]{2,}(?=\S)", "\n\n", "".join(map(str, element.itertext())).strip("\n"))
    return "\n\n".join(one for one in (" ".join(block.split()) for block in text.split("\n\n")) if one)


FORMAT = Format(
    name="factiva",
    title="Factiva downloads (HTML, XML)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
