"""Pages of the web: the text by trafilatura; title, date, authors and the rest as publishers state them, in JSON-LD,
Open Graph and other elements of a page's head, the surest first."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from search.ingest.dates import read_date
from search.ingest.formats import linked_data
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.foreign import kind_of
from search.ingest.formats.plain import ALSO_READ
from search.ingest.formats.trees import first, html_tree, inside, line, local, whole_text, words
from search.ingest.markup import without_markup
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

NO_TEXT = "no text of an article on the page"
EARLIEST = 1900  # the year of a date that says something
DEEPEST = 256  # levels of elements that trafilatura is given
_DATES = (
    "article:published_time", "og:article:published_time", "datepublished", "parsely-pub-date", "pubdate",
    "publishdate",
    "publish-date", "publication_date", "dc.date.issued", "dcterms.issued", "dc.date", "dcterms.date",
    "dcterms.created",
    "dc.date.created", "sailthru.date", "date", "article.published", "cxenseparse:recs:publishtime", "published-date",
    "published_time", "displaydate", "citation_publication_date", "citation_date", "originalpublicationdate", "pdate",
    "ptime", "article_date_original", "publication-date", "cxenseparse:publishtime", "bt:pubdate", "og:published_time",
)  # fmt: skip
_TITLES = (
    "og:title",
    "twitter:title",
    "parsely-title",
    "dc.title",
    "dcterms.title",
    "citation_title",
    "sailthru.title",
    "title",
)
_AUTHORS = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator", "byl", "byline",
    "citation_author", "article.author", "cxenseparse:author", "og:article:author", "authors", "article:author_name",
)  # fmt: skip
_SOURCES = (
    "og:site_name",
    "publisher",
    "dc.publisher",
    "dcterms.publisher",
    "application-name",
    "cre",
    "copyright-holder",
)
_SECTIONS = (
    "article:section",
    "parsely-section",
    "section",
    "articlesection",
    "cms-section",
    "category",
    "og:article:section",
)
_KEPT = {
    "description": ("description", "og:description", "twitter:description"),
    "keywords": ("news_keywords", "keywords", "article:tag", "parsely-tags", "sailthru.tags"),
    "modified": ("article:modified_time", "og:updated_time", "lastmod", "dcterms.modified", "last-modified"),
}
_SAVED = re.compile(r"<!--\s*saved from url=\(\d+\)(?P<url>\S+)\s*-->")
_COPYRIGHT = re.compile(r"(?:copyright|©|\(c\)\s*\d{4})|[^.!?]*\ball rights reserved\b", re.IGNORECASE)
_BETWEEN_PAGES = re.compile(r"(?<=</html>)\s*(?=<!doctype html|<html\b)", re.IGNORECASE)
_BETWEEN = re.compile(r"\s+(?:[|•·»–—-]|::)\s+")
_NO_BYLINES = frozenset(
    ("meta", "link", "body", "html", "label", "input", "form", "head", "script", "style", "section", "article", "main")
)
_NAMES = re.compile(r"(?:(?i:by|von|par|por|av|af|door)[: ]\s*)?[^\W\d_a-z][\w.'’-]*(?: |\Z)")
_BYLINE = re.compile(r"\b(?:byline|by-line|author-?name|article-?author|author|autor|auteur)\b", re.IGNORECASE)


def recognises(head: Head) -> bool:
    """It is a page of HTML."""
    return kind_of(head) == "HTML"


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article of the page; of each, where several pages were joined in one file."""
    pages = _BETWEEN_PAGES.split(whole_text(source, "a page"))
    if len(pages) > 1:
        source.note("files of several pages, parted where a page ends and another begins")
    for number, page in enumerate(pages, 1):
        place = f"page {number}" if len(pages) > 1 else None
        record = article(page, place=place, source=source)
        yield rejected(source, place, NO_TEXT, page) if record is None else record


def article(page: str, url: str = "", place: str | None = None, source: Source | None = None) -> Record | None:
    """The article of a page, None where it has no text. ``url`` is where it came from, if that is known."""
    tree = html_tree(page)
    if tree is None:
        return None
    meta = _meta(tree)
    address = _address(tree, meta) or url or ((saved["url"]) if (saved := _SAVED.search(page[:4000])) else "")
    scripts = (
        script.text or "" for script in inside(tree, "script") if "ld+json" in str(script.get("type", "")).lower()
    )
    stated = linked_data.article(scripts, address)
    extra: dict[str, Any] = {}
    text = _trimmed(_text(page, tree, stated), tree, extra)
    if not text:
        return None
    fields: dict[str, Any] = {"text": text, "url": address or _stated_address(stated)}
    fields["source"] = linked_data.name_of(stated.get("publisher")) or _of(meta, _SOURCES)
    fields["title"] = _title(tree, meta, stated, fields["source"])
    if not fields["source"] and fields["url"]:
        fields["source"] = (urlsplit(fields["url"]).hostname or "").removeprefix("www.")
    date, guessed = _date(page, tree, meta, stated)
    if date:
        fields["published"] = date
    if guessed:
        extra["published_from"] = "the text of the page"
        if source is not None:
            source.note("dates found in the text of a page")
    fields["authors"] = _authors(tree, meta, stated, fields["source"])
    fields["section"] = linked_data.name_of(stated.get("articleSection")) or _of(meta, _SECTIONS)
    fields["language"] = _language(tree, meta, stated)
    if caption := _caption(stated):
        fields["caption"] = caption
    for name, names in _KEPT.items():
        if value := _of(meta, names):
            extra[name] = value
    _keep(extra, stated)
    return Record(fields, place, text, False) if not extra else Record({**fields, "extra": extra}, place, text, False)


def _meta(tree: _Element) -> dict[str, str]:
    """What the head of a page states, by names in lower case; the first of a name."""
    found: dict[str, str] = {}
    for element in inside(tree, "meta"):
        content = str(element.get("content") or "").strip()
        if not content:
            continue
        for kind in ("property", "name", "itemprop", "http-equiv"):
            if name := str(element.get(kind) or "").strip().casefold():
                if name in ("article:tag", "citation_author", "article:author", "author") and name in found:
                    found[name] = f"{found[name]}; {content}"[:2000]
                found.setdefault(name, content[:5000])
    return found


def _of(meta: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((without_markup(meta[name]).strip() for name in names if name in meta), "")


def _address(tree: _Element, meta: Mapping[str, str]) -> str:
    for link in inside(tree, "link"):
        if str(link.get("rel", "")).lower() == "canonical" and str(link.get("href", "")).startswith("http"):
            return str(link.get("href")).strip()
    address = meta.get("og:url", "")
    return address if address.startswith("http") else ""


def _stated_address(stated: Mapping[str, Any]) -> str:
    for name in ("url", "mainEntityOfPage"):
        value = stated.get(name)
        value = value.get("@id") if isinstance(value, Mapping) else value
        if isinstance(value, str) and value.startswith("http"):
            return value
    return ""


def _text(page: str, tree: _Element, stated: Mapping[str, Any]) -> str:
    """The text of the article. What the publisher states as its body is taken where the page itself shows less than
    half of it."""
    import trafilatura

    for library in ("trafilatura", "htmldate", "courlan", "charset_normalizer"):  # what they log holds what pages hold
        logging.getLogger(library).setLevel(logging.CRITICAL)
    found = ""
    if not _too_deep(tree):
        try:
            found = trafilatura.extract(page, include_comments=False, include_tables=True, deduplicate=False) or ""
        except (ValueError, TypeError, AttributeError, RecursionError, LookupError):
            found = ""
    body = stated.get("articleBody")
    body = without_markup("\n\n".join(map(str, body)) if isinstance(body, list) else body) if body else ""
    if isinstance(body, str) and len(body.split()) > 2 * len(found.split()):
        found = body
    return _paragraphs(found)


def _trimmed(text: str, tree: _Element, extra: dict[str, Any]) -> str:
    """The text without the headline and the address above it, and without the lines below it and between that point to
    other articles or say whose the rights are."""
    paragraphs = text.split("\n\n")
    heads = {_words(line(one)) for one in inside(tree, "h1", "title")}
    while paragraphs and (_words(paragraphs[0]) in heads or re.fullmatch(r"https?://\S+", paragraphs[0])):
        paragraphs.pop(0)
    if paragraphs and len(paragraphs[-1]) < 300 and _COPYRIGHT.match(paragraphs[-1]):
        extra["copyright"] = paragraphs.pop()
    kept: list[str] = []
    for paragraph in paragraphs:
        found = ALSO_READ.fullmatch(paragraph) if len(paragraph) < 300 else None
        if found is None:
            kept.append(paragraph)
        elif found["value"]:
            extra.setdefault("also_read", []).append(found["value"])
    return "\n\n".join(kept).strip()


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _paragraphs(text: str) -> str:
    """Each line a paragraph, but those of lists, which stay together."""
    text = re.sub(r"\n(?![-\n])", "\n\n", re.sub(r"\n{2,}", "\n", text.strip()))
    return text.strip()


def _too_deep(tree: _Element) -> bool:
    depth = 0
    from lxml import etree

    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            return True
    return False


def _title(tree: _Element, meta: Mapping[str, str], stated: Mapping[str, Any], source: str) -> str:
    title = linked_data.name_of(stated.get("headline")) or _of(meta, _TITLES)
    headings = [line(one) for one in inside(tree, "h1")]
    heading = next((text for text in headings if text), "")
    if not title:
        title = heading or line(first(tree, "title"))
    title = " ".join(without_markup(title).split())
    if title != heading and len(heading) > 10 and (heading in title or (len(title) > 30 and heading.startswith(title))):
        title = heading
    parts = _BETWEEN.split(title)
    if (
        len(parts) > 1
        and source
        and parts[-1].casefold() in (source.casefold(), source.casefold().removeprefix("the "))
    ):
        title = title[: title.rindex(parts[-1])].rstrip(" |•·»–—-:")
    return title


def _date(page: str, tree: _Element, meta: Mapping[str, str], stated: Mapping[str, Any]) -> tuple[str, bool]:
    """The date as it is written, and whether it was found in the text, where publishers state none."""
    candidates = [stated.get("datePublished"), *(meta.get(name) for name in _DATES), stated.get("dateCreated")]
    for element in inside(tree, "time", "span", "abbr"):
        if str(element.get("itemprop", "")).lower() == "datepublished" or element.get("pubdate") is not None:
            candidates.append(element.get("datetime") or element.get("content") or line(element))
    times = [str(one.get("datetime")) for one in inside(tree, "time") if one.get("datetime")]
    if len(times) == 1:
        candidates.append(times[0])
    for value in candidates:
        text = value.strip() if isinstance(value, str) else ""
        day = read_date(text).value if text else None
        if day is not None and day.year >= EARLIEST:
            return text, False
    from htmldate import find_date

    try:
        found = find_date(page, original_date=True, extensive_search=False)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError):
        found = None
    return (found, True) if found else ("", False)


def _authors(tree: _Element, meta: Mapping[str, str], stated: Mapping[str, Any], source: str) -> list[str]:
    """The names that are stated; where that is the outlet's own or an account's, or nothing, those of the byline."""
    names = linked_data.names_of(stated.get("author")) or linked_data.names_of(stated.get("creator"))
    names = [name for name in names if _is_name(name)]
    for key in _AUTHORS:
        if names:
            break
        names = [name for name in re.split(r"\s*;\s*", meta.get(key, "")) if _is_name(name)]
    if not names or all(name.casefold() == source.casefold() for name in names):
        names = _printed_authors(tree) or names
    return [" ".join(without_markup(name).split()) for name in names]


def _printed_authors(tree: _Element) -> list[str]:
    """The first byline of the page, by the classes of its elements."""
    for element in tree.iter():
        if not isinstance(element.tag, str) or local(element) in _NO_BYLINES:
            continue
        if not _BYLINE.search(f"{element.get('itemprop', '')} {element.get('rel', '')} {element.get('class', '')}"):
            continue
        text = re.split(r"\n|\s\d|\s[|•–-]\s", words(element))[0].strip()
        if 3 < len(text) <= 80 and _is_name(text) and _NAMES.match(text):
            return [text]
    return []


def _is_name(text: str) -> bool:
    """Whether it may be the name of a person or an agency: no address, no name of an account."""
    if not text or len(text) > 200 or re.match(r"https?:|www\.|@|/", text):
        return False
    return re.fullmatch(r"[a-z0-9._-]+", text) is None


def _language(tree: _Element, meta: Mapping[str, str], stated: Mapping[str, Any]) -> str:
    root = next((one for one in tree.iter() if local(one) == "html"), tree)
    xml = next((str(v) for k, v in root.attrib.items() if str(k).endswith("lang")), "")
    return (
        xml
        or linked_data.name_of(stated.get("inLanguage"))
        or _of(meta, ("og:locale", "content-language", "dc.language", "language"))
    ).split(",")[0]


def _caption(stated: Mapping[str, Any]) -> str:
    image = stated.get("image")
    image = image[0] if isinstance(image, list) and image else image
    return linked_data.name_of(image.get("caption")) if isinstance(image, Mapping) else ""


def _keep(extra: dict[str, Any], stated: Mapping[str, Any]) -> None:
    """What publishers state that has no field."""
    for name in (
        "alternativeHeadline",
        "dateModified",
        "isAccessibleForFree",
        "wordCount",
        "dateline",
        "printSection",
        "copyrightYear",
    ):
        value = stated.get(name)
        if isinstance(value, str | int | float | bool) and value != "":
            extra[name] = value
    for name, value in (("stated_keywords", stated.get("keywords")), ("stated_about", stated.get("about"))):
        names = linked_data.names_of(value)
        if names:
            extra[name] = names
    kinds = stated.get("@type")
    if kinds:
        extra["type"] = kinds if isinstance(kinds, str) else [one for one in kinds if isinstance(one, str)]


FORMAT = Format(
    name="html",
    title="pages of the web",
    recognises=recognises,
    read=read,
    extensions=(".html", ".htm", ".xhtml"),
    needs=("trafilatura", "lxml_html_clean", "lxml"),
    extra="formats",
    single=True,
)
