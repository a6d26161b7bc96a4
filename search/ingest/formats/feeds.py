"""Feeds as files: RSS and Atom of all versions, by feedparser, which is given bytes alone and so fetches nothing."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from search.ingest.dates import read_date
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import html_tree, whole_text, words
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

_ROOT = re.compile(
    r"\ufeff?\s*(?:<\?[^>]*>\s*|<!--.*?-->\s*|<!doctype[^>\[]*(?:\[.*?\]\s*)?>\s*)*<(?:[\w.-]+:)?(?P<root>rss|feed|rdf)\b(?P<rest>[^>]*)",
    re.IGNORECASE | re.DOTALL,
)
_ENCODING = re.compile(r"""(<\?xml[^>]{0,100}?)\s+encoding\s*=\s*["'][^"']*["']""")
_AS_UTF8 = {"content-type": "application/xml; charset=utf-8"}  # as it is once decoded, whatever it declares
# Addresses, URNs, UUIDs, hashes.
_GLOBAL = re.compile(r"[a-z][a-z0-9+.-]*:|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-|[0-9a-f]{32}", re.I)
_KEPT = ("summary", "updated", "rights", "comments", "expired", "license", "subtitle", "dc_source", "itunes_duration")


def recognises(head: Head) -> bool:
    """Its root is that of RSS, Atom or RDF with RSS in it."""
    found = _ROOT.match(head.text[:20_000])
    return found is not None and (
        found["root"].lower() != "rdf" or "purl.org/rss" in found["rest"] or "rss" in head.text[:4000]
    )


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each item. Mistakes in the XML are told; where nothing can be read for them, that is the reason."""
    import feedparser

    text = _ENCODING.sub(r"\1", whole_text(source, "a feed"), count=1)
    try:
        feed = feedparser.parse(io.BytesIO(text.encode()), response_headers=_AS_UTF8, sanitize_html=False)
    except Exception as error:  # of a library that reads anything: what it raises is of any kind
        raise SourceProblem(f"no feed that can be read ({type(error).__name__})") from error
    fault = feed.get("bozo_exception")
    if not feed.entries:
        reason = "a feed without items" if fault is None else f"no feed that can be read ({str(fault)[:200]})"
        yield rejected(source, None, reason, text)
        return
    if fault is not None:
        source.note("feeds with mistakes in their XML")
    head: Mapping[str, Any] = feed.feed
    for number, entry in enumerate(feed.entries, 1):
        yield _record(dict(entry), head, number)  # its own kind of mapping warns of what is not there


def _record(entry: Mapping[str, Any], head: Mapping[str, Any], number: int) -> Record:
    contents = [
        part
        for part in entry.get("content", [])
        if "html" in str(part.get("type", "")) or "text" in str(part.get("type", ""))
    ]
    best = max(contents, key=lambda part: len(part.get("value") or ""), default=None)
    fields: dict[str, Any] = {"title": _plain(entry.get("title", "")), "url": entry.get("link", "")}
    extra: dict[str, Any] = {}
    text = "" if best is None else _plain(best.get("value") or "")
    summary = _plain(entry.get("summary", ""))
    if len(text) > len(summary):
        fields["text"] = text
        if summary:
            extra["summary"] = summary
    elif summary:
        fields["summary"] = summary
    fields["id"] = _id(entry.get("id"), fields["url"], head)
    fields["published"] = _date(entry)
    fields["source"] = _plain((entry.get("source") or {}).get("title") or head.get("title") or "")
    names = [str(one.get("name") or "") for one in entry.get("authors", []) if one.get("name")]
    fields["authors"] = (
        names or entry.get("author") or [one["name"] for one in head.get("authors", []) if one.get("name")]
    )
    fields["language"] = (
        (None if best is None else best.get("language")) or entry.get("language") or head.get("language") or ""
    )
    tags = [str(tag.get("term") or tag.get("label") or "") for tag in entry.get("tags", [])]
    tags = [tag for tag in tags if tag]
    if tags:
        fields["section"], extra["keywords"] = tags[0], tags
    for name in _KEPT:
        if isinstance(value := entry.get(name), str) and value and name not in fields and name != "summary":
            extra[name] = _plain(value)
    if links := [str(one.get("href")) for one in entry.get("enclosures", []) if one.get("href")]:
        extra["enclosures"] = links
    if names := [str(one.get("name")) for one in entry.get("contributors", []) if one.get("name")]:
        extra["contributors"] = names
    if "where" in entry and isinstance(entry["where"], Mapping) and entry["where"].get("coordinates"):
        extra["where"] = str(entry["where"]["coordinates"])
    excerpt = f"{fields['title']}\n{text or summary}"
    return Record({**{k: v for k, v in fields.items() if v}, "extra": extra}, f"item {number}", excerpt, False)


def _id(guid: str | None, url: str, head: Mapping[str, Any]) -> str | None:
    """The item's id where it is the only one of its kind: a number or a word is that in its feed alone, so that of two
    feeds one would take the place of the other; then the item goes by its address, else by that of its feed, too."""
    if not guid or _GLOBAL.match(guid):
        return guid or None
    return None if url else f"{head.get('link') or head.get('title') or ''}#{guid}"


def _plain(text: str | None) -> str:
    """Words without markup: what feeds hold is HTML, whatever they call it."""
    if not text:
        return ""
    if "<" not in text and "&" not in text:
        return text.strip()
    tree = html_tree(text)
    return "" if tree is None else words(tree)


def _date(entry: Mapping[str, Any]) -> str | None:
    for name in ("published", "updated", "created"):
        written = entry.get(name)
        if isinstance(written, str) and read_date(written).value is not None:
            return written
        if isinstance(parsed := entry.get(f"{name}_parsed"), time.struct_time):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", parsed)
        if written:
            return str(written)
    return None


FORMAT = Format(
    name="feed",
    title="RSS and Atom feeds",
    recognises=recognises,
    read=read,
    extensions=(".rss", ".atom", ".rdf"),
    needs=("feedparser", "lxml"),
    extra="formats",
)
