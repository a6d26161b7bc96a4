"""Downloads of ProQuest as HTML or as text: a title, then labels and values, the full text among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.decode import TextStream
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import html_tree, inside, line, local, parted, text_of, words
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_ANCHOR = re.compile(r"""<a\b[^>]{0,80}\b(?:name|id)=["']?DocID_""", re.IGNORECASE)
_RULE = re.compile(r"^_{40,}[ \t]*$", re.MULTILINE)
_COUNTED = re.compile(r"\A_*\s*Document\s+\d+\s+of\s+\d+\s*", re.IGNORECASE)
_TEXTS = ("full text", "fulltext")
# Labels of fields; others are kept under their own name.
_NAMES = {
    "author": "authors", "publication date": "published", "section": "section", "document url": "url",
    "language of publication": "language", "proquest document id": "id", "language": "language", "url": "url",
    "abstract": "abstract", "title": "title", "publication title": "source", "caption": "caption",
    "dateline": "dateline",
}  # fmt: skip
_LABELS = (
    "author|publication info|abstract|links|full ?text|subject|location|people|company ?/ ?organization|company|"
    "classification|identifier ?/ ?keyword|title|publication title|publication date|publication year|pages|first page|"
    "dateline|section|publisher|place of publication|country of publication|publication subject|issn|source type|"
    "language of publication|document type|proquest document id|document url|copyright|last updated|database|volume|"
    "issue|edition|column|correction|credit|ethnic newswatch|document feature|number of pages|accession number|"
    "number of references|special feature|people|companies"
)
_LABELLED = re.compile(rf"^(?P<label>{_LABELS}):[ \t]*", re.IGNORECASE)
_INFO = re.compile(
    r"\A(?P<source>[^;\[]+?)(?:\s*;[^\[]*)?\s*(?:\[[^\]]*\])?\s*(?P<date>\d{1,2} \w+\.? \d{4})"
    r"(?:\s*:\s*(?P<page>[\w. -]+?)\.?)?\s*\Z"
)


def recognises(head: Head) -> bool:
    """It is HTML with ProQuest's anchors, or text with its rules and labels."""
    text = head.text
    if _ANCHOR.search(text):
        return "ProQuest" in text
    return _RULE.search(text) is not None and "ProQuest document ID" in text and not text.lstrip().startswith("<")


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each document, or a rejection in its place."""
    number = 0
    marked = _ANCHOR.search(source.head.text) is not None
    chunks = text_of(source) if marked else TextStream(source).chunks()
    for part in parted(chunks, _ANCHOR if marked else _RULE):
        if marked and _ANCHOR.match(part) is None:
            continue
        pairs = _of_html(part) if marked else _of_text(part)
        if not marked and len(pairs) < 3:
            continue  # the cover, what stands behind the last
        number += 1
        record = _record(pairs, number)
        yield rejected(source, f"document {number}", "no title and no text", part) if record is None else record


def _record(pairs: list[tuple[str, str]], number: int) -> Record | None:
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in pairs:
        bare = name.casefold()
        if not value:
            continue
        if bare in _TEXTS:
            fields["text"] = value
        elif (target := _NAMES.get(bare)) is not None and target not in fields:
            fields[target] = value if target == "abstract" else " ".join(value.split())
        elif target is None:
            extra[re.sub(r"\W+", "_", bare).strip("_")] = " ".join(value.split())
    if "source" in fields:
        extra["publication_title"] = fields["source"]
        fields["source"] = fields["source"].split(";")[0].strip()
    if (info := _INFO.match(extra.get("publication_info", ""))) is not None:
        fields.setdefault("source", info["source"].strip())
        fields.setdefault("published", info["date"])
        if info["page"]:
            extra.setdefault("pages", info["page"])
    for name in ("subject", "location", "people", "company_organization", "identifier_keyword"):
        if name in extra:
            extra[name] = [one.strip() for one in extra[name].split(";") if one.strip()]
    if ";" in fields.get("section", ""):
        extra["section_line"] = fields["section"]
        fields["section"] = fields["section"].split(";")[0].strip()
    if not fields.get("title") and not fields.get("text") and not fields.get("abstract"):
        return None
    if "text" in fields and "abstract" in fields:
        extra["abstract"] = fields.pop("abstract")
    page = str(extra.get("pages", "")).split(",")[0].strip()
    pages = (page,) if page and "text" in fields else ()
    excerpt = fields.get("text", "") or fields.get("title", "")
    return Record({**fields, "extra": extra}, f"document {number}", excerpt, False, pages)


def _of_html(part: str) -> list[tuple[str, str]]:
    """The labels and values of a document: bold labels, each at the start of a paragraph."""
    tree = html_tree(part)
    if tree is None:
        return []
    pairs: list[tuple[str, str]] = []
    for element in inside(tree, "text"):
        if element.get("wordcount") is not None or element.get("htmlcontent") is not None:
            pairs.append(("full text", words(element)))
            parent = element.getparent()
            if parent is not None:
                element.tail = None
                parent.remove(element)
            break
    title = ""
    last = -1
    for paragraph in inside(tree, "p", "div"):
        if any(local(child) in ("p", "div") for child in paragraph):
            continue
        strong = next((one for one in paragraph if local(one) in ("strong", "b")), None)
        text = words(paragraph)
        written = line(strong).rstrip(": ") if strong is not None and not (paragraph.text or "").strip() else ""
        found = _LABELLED.match(f"{written}: ") if written else None
        if found is not None:
            pairs.append((written, text[len(line(strong)) :].lstrip(": \n")))
            last = len(pairs) - 1
        elif not title and not pairs[1:] and text:
            title = text
            pairs.append(("title", text))
        elif text and last >= 0 and pairs[last][0].casefold() in ("abstract", *_TEXTS):
            pairs[last] = pairs[last][0], f"{pairs[last][1]}\n\n{text}".strip()
    return _with_link(pairs, tree)


def _with_link(pairs: list[tuple[str, str]], tree: _Element) -> list[tuple[str, str]]:
    if not any(name.casefold() == "document url" for name, _ in pairs):
        links = (str(one.get("href", "")) for one in inside(tree, "a"))
        pairs += (("document url", link) for link in links if link.startswith("http") and "docview" in link)
    return pairs


def _of_text(part: str) -> list[tuple[str, str]]:
    """The labels and values of a document: each label at the start of a line."""
    text = _COUNTED.sub("", _RULE.sub("", part)).strip()
    pairs: list[tuple[str, str]] = []
    name, held = "title", list[str]()
    for row in text.split("\n"):
        found = _LABELLED.match(row.strip())
        if found is None:
            held.append(row.strip())
            continue
        pairs.append((name, _flowing(held)))
        name, held = found["label"], [row.strip()[found.end() :]]
    pairs.append((name, _flowing(held)))
    return [(label, value) for label, value in pairs if value]


def _flowing(lines: list[str]) -> str:
    """Lines as paragraphs, which blank lines part."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


FORMAT = Format(
    name="proquest",
    title="ProQuest downloads (HTML, text)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
