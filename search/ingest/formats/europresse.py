"""Downloads of Europresse as HTML, in its present and its older layout. Dates are French, with the day of the week."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.nexis_layouts import dated
from search.ingest.formats.trees import html_tree, line, parted, text_of, words
from search.ingest.names import is_institution
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_SOURCE = re.compile(r"""<article\b|<(?:span|div|p)\b[^>]{0,80}\bclass=["']?DocPublicationName\b""", re.IGNORECASE)
_OWN = re.compile(r"DocPublicationName|TitreArticleVisu", re.IGNORECASE)
_NUMBER = re.compile(r"(?:Num[ée]ro de document|Document number|Dokumentnummer)\s*:\s*(?P<id>\S+)", re.IGNORECASE)
_PAGE = re.compile(r"\A(?:pp?\.|page|s\.)\s*(?P<page>[\w, +-]{1,20})\Z", re.IGNORECASE)
_END = re.compile(
    r"\A(?:©|\(c\)\s|Numéro de document|Document number|Ce certificat est émis|Cet article est paru dans)"
)
_HERE = "\ue000"
_HEADS = ("docpublicationname", "docheader", "docauthors")


def recognises(head: Head) -> bool:
    """It is HTML with the classes of Europresse."""
    return head.text.lstrip("\ufeff \n").startswith("<") and len(set(map(str.lower, _OWN.findall(head.text)))) == 2


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each document, or a rejection in its place."""
    number = 0
    for part in parted(text_of(source), _SOURCE):
        if _SOURCE.match(part) is None or (part[:8].lower() == "<article" and not _OWN.search(part)):
            continue
        tree = html_tree(part)
        if tree is None or not _of(tree, "docpublicationname"):
            continue
        number += 1
        record = _record(tree, number)
        yield rejected(source, f"document {number}", "no title and no text", part) if record is None else record


def _of(tree: _Element, name: str) -> list[_Element]:
    return [one for one in tree.iter() if name in str(one.get("class", "")).lower().split()]


def _record(tree: _Element, number: int) -> Record | None:
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    publication = line(_of(tree, "docpublicationname")[0])
    fields["source"] = re.split(r",\s*(?:no|n°|nº|vol)\b", publication, flags=re.IGNORECASE)[0].strip()
    if fields["source"] != publication:
        extra["publication"] = publication
    head = " ".join(line(one) for one in _of(tree, "docheader")).replace(" ,", ",")
    pages: tuple[str, ...] = ()
    before: list[str] = []
    pieces = [piece.strip() for piece in head.split(",") if piece.strip()]
    for place, piece in enumerate(pieces):
        if "published" not in fields and dated(piece) is not None:
            fields["published"] = piece
            fields["section"] = ", ".join(before)
        elif (page := _PAGE.match(piece)) is not None:
            pages = (page["page"].strip(),)
        elif "published" not in fields and place < 3:
            before.append(piece)
        else:
            extra.setdefault("header", []).append(piece)
    titles = _of(tree, "titrearticlevisu")
    fields["title"] = line(titles[0]) if titles else ""
    if titles:
        _mark(titles[0])
    if names := [line(one) for one in _of(tree, "docauthors") if line(one)]:
        fields["authors"] = names
    whole = words(tree, skip=lambda element: any(name in str(element.get("class", "")).lower() for name in _HEADS))
    above, marked, below = whole.partition(_HERE)
    if marked:
        whole = below
        if subtitle := " ".join(above.split()):
            extra["subtitle"] = subtitle
    if (found := _NUMBER.search(whole)) is not None:
        fields["id"] = found["id"]
        extra["document_number"] = found["id"]
    texts = _of(tree, "doctext") or _of(tree, "doccontent")
    blocks = (words(texts[0]) if texts else whole).split("\n")
    body: list[str] = []
    for block in blocks:
        if _END.match(block):
            extra.setdefault("copyright", block) if block[:1] in "©(" else None
            break
        body.append(block)
    paragraphs = [block for block in body if block.strip()]
    if not texts and "authors" not in fields and len(paragraphs) > 1 and _is_name(paragraphs[0]):
        fields["authors"] = paragraphs.pop(0)
    text = "\n\n".join(paragraphs)
    if not text and not fields["title"]:
        return None
    return Record({**fields, "text": text, "extra": extra}, f"document {number}", text, False, pages)


def _mark(title: _Element) -> None:
    """Leave nothing of a title but a mark of where it stood."""
    for child in list(title):
        title.remove(child)
    title.text = f"\n{_HERE}\n"
    title.set("class", "")


def _is_name(text: str) -> bool:
    """Whether a paragraph is a byline: a few capitalised words and no sentence."""
    found = text.split()
    return (
        2 <= len(found) <= 6
        and text[-1] not in ".!?:;»"
        and not is_institution(text)
        and all(word[0].isupper() or word in ("de", "et", "du", "d'", "le", "la", "van", "von") for word in found)
    )


FORMAT = Format(
    name="europresse",
    title="Europresse downloads (HTML)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
