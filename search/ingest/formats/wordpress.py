"""Exports of WordPress (WXR): the posts and pages that were published, without shortcodes and comments of blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.trees import elements, html_tree, inside, line, local, words
from search.ingest.source import Head, Source
from search.records import Rejection

if TYPE_CHECKING:
    from lxml.etree import _Element

_KINDS = ("post", "page", "article", "news", "")
_CAPTION = re.compile(r"\[caption[^\]]*\](?P<inside>.*?)\[/caption\]", re.DOTALL | re.IGNORECASE)
_SHORTCODE = re.compile(r"\[/?[a-z][a-z0-9_-]{1,30}(?:\s[^\[\]]*)?/?\]")
_BLOCK = re.compile(r"<!--.*?-->", re.DOTALL)
_NO_DATE = "0000-00-00 00:00:00"


def recognises(head: Head) -> bool:
    """It is RSS with the namespace of WordPress' exports."""
    return "wordpress.org/export/" in head.text and "<rss" in head.text


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each published post or page; drafts, attachments and the rest are counted."""
    site: dict[str, str] = {}
    people: dict[str, str] = {}
    number = good = 0
    for element, _ in elements(source, ("item", "author", "title", "language", "base_blog_url")):
        name = local(element)
        if name == "author":
            login, shown = _child(element, "author_login"), _child(element, "author_display_name")
            full = f"{_child(element, 'author_first_name')} {_child(element, 'author_last_name')}".strip()
            people[login] = shown if shown and shown != login else full or shown or login
        elif name != "item":
            site.setdefault(name, line(element))
        else:
            number += 1
            kind, status = _child(element, "post_type"), _child(element, "status")
            if kind not in _KINDS:
                source.note(f"{kind[:30]} items left out")
            elif status not in ("publish", ""):
                source.note("unpublished posts left out")
            else:
                good += 1
                yield _record(element, site, people, number)
    if not number:
        yield rejected(source, None, "an export without posts")


def _record(element: _Element, site: dict[str, str], people: dict[str, str], number: int) -> Record:
    raw = {
        local(child): child.text or ""
        for child in element
        if local(child) not in ("encoded", "category", "postmeta", "comment")
    }
    contents = {str(child.tag): child.text or "" for child in element if local(child) == "encoded"}
    content = next((text for tag, text in contents.items() if "excerpt" not in tag), "")
    excerpt = next((text for tag, text in contents.items() if "excerpt" in tag), "")
    captions: list[str] = []
    text = _text(content, captions)
    fields: dict[str, Any] = {"title": _plain(raw.get("title", "")), "text": text, "url": raw.get("link", "").strip()}
    fields["id"] = raw.get("guid", "").strip() or fields["url"]
    gmt, local_time = raw.get("post_date_gmt", "").strip(), raw.get("post_date", "").strip()
    dates = (f"{gmt}Z" if gmt else "", raw.get("pubdate", "").strip(), local_time)
    fields["published"] = next(
        (date for date in dates if date and not date.startswith(_NO_DATE) and "-0001" not in date), ""
    )
    login = raw.get("creator", "").strip()
    fields["authors"] = people.get(login, login)
    fields["source"], fields["language"] = site.get("title", ""), site.get("language", "")
    terms = [(str(child.get("domain", "category")), line(child)) for child in element if local(child) == "category"]
    sections = [term for domain, term in terms if domain == "category" and term]
    if sections:
        fields["section"] = sections[0]
    if captions:
        fields["caption"] = "\n".join(captions)
    extra: dict[str, Any] = {"categories": sections, "tags": [term for domain, term in terms if domain == "post_tag"]}
    extra["summary"] = _plain(excerpt)
    extra["comments"] = sum(local(child) == "comment" for child in element)
    for child in element:
        if local(child) == "postmeta" and not (key := _child(child, "meta_key")).startswith("_") and key:
            extra.setdefault("meta", {})[key[:100]] = _child(child, "meta_value")[:2000]
    for name in ("post_id", "post_name", "post_modified_gmt", "post_date", "post_type", "post_parent"):
        if raw.get(name, "").strip():
            extra[name] = raw[name].strip()
    kept = {name: value for name, value in extra.items() if value}
    return Record({**fields, "extra": kept}, f"item {number}", text or fields["title"], False)


def _child(element: _Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if local(child) == name), "")


def _text(content: str, captions: list[str]) -> str:
    """The words of a post. Blank lines part paragraphs where tags do not."""
    content = _BLOCK.sub("", content)

    def caption(match: re.Match[str]) -> str:
        if text := _plain(match["inside"]):
            captions.append(text)
        return ""

    content = _SHORTCODE.sub(" ", _CAPTION.sub(caption, content))
    if not re.search(r"<p[\s>]", content, re.IGNORECASE):
        content = re.sub(r"\n[ \t\r]*\n", "<p>", content)
    tree = html_tree(content)
    if tree is None:
        return ""
    captions += (text for one in inside(tree, "figcaption") if (text := line(one)))
    return words(tree, skip=lambda element: local(element) == "figcaption")


def _plain(text: str) -> str:
    tree = html_tree(text) if "<" in text or "&" in text else None
    return text.strip() if tree is None else " ".join(words(tree).split())


FORMAT = Format(
    name="wordpress",
    title="WordPress exports (WXR)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
