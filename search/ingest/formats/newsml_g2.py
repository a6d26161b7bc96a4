"""NewsML-G2 of agencies: news items alone, in messages and with their packages.

Versions of an item have one ``guid``. Codes stay as they are written: no catalogue is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from search.ingest.agencies import agency_name
from search.ingest.editions import edition
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.nitf import authors_of_nitf, text_of_nitf
from search.ingest.formats.trees import elements, first, html_tree, inside, line, local, words
from search.ingest.formats.xml_fields import (
    attribute,
    attributes_of,
    child,
    fields_of,
    first_line,
    language_of,
    root_of,
    told,
)
from search.ingest.source import Head, Source
from search.records import Rejection
from search.records.editions import KEY

if TYPE_CHECKING:
    from lxml.etree import _Element

_OTHERS = ("conceptitem", "knowledgeitem", "planningitem", "catalogitem")
_ITEMS = ("newsitem", "packageitem", *_OTHERS)
_EARLIER = ("evolvedfrom", "previousversion", "updateof", "replaces")  # how a link says that it names an earlier one


def recognises(head: Head) -> bool:
    """Its root is an item or a message of the IPTC's family of standards (G2)."""
    root = root_of(head)
    return root.name in (*_ITEMS, "newsmessage") and (
        "iptc.org/std/nar/" in head.text[:20_000] or "NewsML-G2" in root.attributes
    )


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each news item. Packages are kept with the items that they name; what is no news is counted."""
    message: Any = None
    packages: dict[str, list[dict[str, str]]] = {}
    other: dict[str, int] = {}
    number = 0
    for element, place in elements(source, (*_ITEMS, "header")):
        name = local(element)
        if name == "header":
            message = fields_of(element)
        elif name == "packageitem":
            other["package"] = other.get("package", 0) + 1
            _package(element, packages)
        elif name in _OTHERS:
            kind = name.removesuffix("item")
            other[kind] = other.get(kind, 0) + 1
        else:
            number += 1
            yield _record(source, element, place, message, packages)
    if not number:
        found = " and ".join(f"{count} {kind} item{'s' * (count > 1)}" for kind, count in other.items())
        yield rejected(source, None, f"no news item in the document{f': {found}' if found else ''}")
        return
    for kind, count in other.items():
        source.note(
            "packages kept with the items that they name" if kind == "package" else f"{kind} items left out", count
        )


def _package(element: _Element, packages: dict[str, list[dict[str, str]]]) -> None:
    """Take down which items a package names."""
    told_of = told(
        {
            "item": attribute(element, "guid"),
            "title": first_line(element, "headline") or line(child(element, "itemmeta", "title")),
        }
    )
    for group in inside(element, "itemref"):
        if name := attribute(group, "residref", "href"):
            packages.setdefault(name, []).append(told_of)


def _record(
    source: Source, element: _Element, place: str, message: Any, packages: Mapping[str, list[dict[str, str]]]
) -> Record | Rejection:
    meta, content, rights = (child(element, name) for name in ("itemmeta", "contentmeta", "rightsinfo"))
    guid = attribute(element, "guid")
    kind = _code(child(meta, "itemclass"))
    language = attribute(child(content, "language"), "tag") or language_of(element)
    text, byline, heading = _content(source, element)
    roles = {
        attribute(one, "role").rpartition(":")[2].casefold(): line(one)
        for one in (content if content is not None else ())
        if local(one) == "description"
    }
    summary = roles.pop("summary", "") or next((value for name, value in roles.items() if name != "caption"), "")
    caption = roles.get("caption", "") or (summary if kind not in ("text", "composite", "") else "")
    fields: dict[str, Any] = {
        "id": guid,
        "title": _in_language(content, "headline", language) or line(child(meta, "title")) or heading,
        "text": text,
        "published": line(child(meta, "versioncreated")) or line(child(content, "contentcreated")),
        "language": language,
        "authors": _authors(content) or byline,
        "dateline": line(child(content, "dateline")) or _name(child(content, "located")),
        "source": _source(meta, content, rights),
        "agency": agency_name(_name(child(content, "infosource"))) or "",
        "section": _section(content),
        "caption": caption,
        "summary": "" if text or caption == summary else summary,
    }
    version = edition(
        attribute(element, "version"),
        line(child(meta, "versioncreated")),
        _code(child(meta, "pubstatus")),
        _earlier(meta),
        [_code(one) for one in (meta if meta is not None else ()) if local(one) == "signal"],
        line(child(meta, "ednote")),
    )
    if not fields["title"] and not text and caption:
        fields["title"] = caption[:200]
    if not (fields["title"] or text or fields["summary"] or (guid and version.get("withdrawn"))):
        return rejected(source, place, f"a news item without headline and text{f' ({kind})' if kind else ''}", guid)
    extra: dict[str, Any] = {
        KEY: version if guid else {},
        "kind": kind,
        "description": summary if text else "",
        "packages": packages.get(guid, []),
        "message": message,
        "remote": [attributes_of(one) for one in inside(element, "remotecontent")],
    }
    extra |= {
        str(one.tag).rpartition("}")[2]: fields_of(one, ("headline",) if local(one) == "contentmeta" else ())
        for one in (meta, content, rights)
        if one is not None
    }
    for name in ("partMeta", "assert"):
        extra[name] = [fields_of(one) for one in element if local(one) == name.lower()]
    return Record(told(fields) | {"extra": told(extra)}, place, text or fields["title"], False)


def _content(source: Source, element: _Element) -> tuple[str, list[str], str]:
    """The text, and the byline and headline that stand in it. Of several renditions the longest counts."""
    best: tuple[str, list[str], str] = "", [], ""
    longest = -1
    found = list(inside(element, "inlinexml", "inlinedata"))
    for one in found:
        text, byline, heading = _rendition(one)
        if len(text) > longest:
            best, longest = (text, byline, heading), len(text)
    if len(found) > 1:
        source.note("items with several renditions, of which the longest is read")
    return best


def _rendition(element: _Element) -> tuple[str, list[str], str]:
    kind = attribute(element, "contenttype").casefold()
    if attribute(element, "encoding"):  # base64: no text
        return "", [], ""
    if local(element) == "inlinedata" and len(element) == 0:
        raw = element.text or ""
        if "html" in kind or "xml" in kind:
            tree = html_tree(raw)
            return ("" if tree is None else words(tree)), [], ""
        return raw.strip("\n").rstrip(), [], ""
    if (story := first(element, "nitf")) is not None or first(element, "body.content") is not None:
        story = element if story is None else story
        return text_of_nitf(story), authors_of_nitf(story), first_line(story, "hl1")
    body = first(element, "body")
    return words(element if body is None else body), [], ""


def _code(element: _Element | None) -> str:
    """A code without its scheme: "stat:usable" is usable."""
    return attribute(element, "qcode", "uri", "literal").rstrip("/").rpartition(":")[2].rpartition("/")[2]


def _name(element: _Element | None) -> str:
    """What a party or a place is called."""
    return line(child(element, "name")) or attribute(element, "literal")


def _in_language(content: _Element | None, name: str, language: str) -> str:
    """What the child of this name in the language of the item says, else the first."""
    found = [one for one in (content if content is not None else ()) if local(one) == name and line(one)]
    same = [one for one in found if attribute(one, "lang").casefold() == language.casefold()]
    return line((same or found)[0]) if found else ""


def _authors(content: _Element | None) -> list[str]:
    by = [line(one) for one in (content if content is not None else ()) if local(one) == "by" and line(one)]
    people = [one for one in (content if content is not None else ()) if local(one) == "creator"]
    return by or [name for one in people if (name := _name(one))]


def _source(meta: _Element | None, content: _Element | None, rights: _Element | None) -> str:
    """Who publishes it, by a name where there is one."""
    provider = child(meta, "provider")
    code = attribute(provider, "qcode").rpartition(":")[2]
    names = (_name(provider), code, _name(child(rights, "copyrightholder")), _name(child(content, "infosource")))
    host = (urlsplit(attribute(provider, "uri")).hostname or "") if "[" not in attribute(provider, "uri") else ""
    return next((name for name in names if name), host.removeprefix("www."))


def _section(content: _Element | None) -> str:
    """The first subject that is a topic, else the genre."""
    topics = [
        _name(one)
        for one in (content if content is not None else ())
        if local(one) == "subject"
        and (attribute(one, "qcode").startswith(("medtop:", "subj:")) or attribute(one, "type").endswith(":abstract"))
    ]
    return next((name for name in topics if name), _name(child(content, "genre")))


def _earlier(meta: _Element | None) -> str:
    """The item that this one takes the place of."""
    for one in meta if meta is not None else ():
        if local(one) == "link" and attribute(one, "rel").rpartition(":")[2].casefold() in _EARLIER:
            return attribute(one, "residref", "href")
    return ""


FORMAT = Format(
    name="newsml-g2",
    title="NewsML-G2 items and messages",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
