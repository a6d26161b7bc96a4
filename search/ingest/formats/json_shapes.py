"""JSON whose fields are not told by their names alone: ninjs 1 to 3, Arc's ANS, AP's Media API, Trove.

Each becomes a record of plain fields; everything that the original holds is kept under ``extra``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search.ingest.editions import edition
from search.ingest.formats.printed import Page, Printed, Word
from search.ingest.markup import without_markup
from search.records.editions import KEY

_DEPTH = 8
_MOST = 5_000  # elements of a story
_SKIPPED = frozenset(
    (
        "image",
        "video",
        "gallery",
        "oembed_response",
        "raw_html",
        "interstitial_link",
        "link_list",
        "divider",
        "reference",
        "numeric_rating",
        "endorsement",
        "social_media",
        "code",
        "custom_embed",
        "story",
        "element_group",
        "correction",
    )
)
_OF_NINJS = {"versioncreated", "$standard", "standard", "pubstatus", "bodies", "headlines"}
_ANY_TAG = re.compile(r"</?[A-Za-z][\w.:-]*(?:\s[^<>]*)?/?>")


def shaped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of an object of a known shape; any other object as it is."""
    if "content_elements" in value and isinstance(value.get("headlines"), Mapping):
        return _ans(value)
    item = value.get("item", value)
    if (
        isinstance(item, Mapping)
        and isinstance(item.get("altids"), Mapping)
        and "itemid" in item["altids"]
        and ("headline" in item or "pubstatus" in item)
    ):
        return _associated_press(item)
    if (
        "heading" in value
        and isinstance(value.get("title"), Mapping)
        and ("articleText" in value or "troveUrl" in value)
    ):
        return _trove(value)
    if "lccn" in value and any(name.startswith("ocr_") for name in value):
        return _chronicling_america(value)
    if value.keys() == {"pk", "model", "fields"} and str(value["model"]).casefold().startswith("core."):
        return {"catalogue record": dict(value)}  # of issues and titles: no text
    names = {name.casefold() for name in value}
    if "uri" in names and (names & _OF_NINJS) and _is_ninjs(names):
        return _ninjs({name.casefold(): member for name, member in value.items()}, value)
    return value


def _is_ninjs(names: set[str]) -> bool:
    return bool(names & {"headline", "headlines", "pubstatus"}) or any(
        name.startswith(("body_", "bodies", "description_")) for name in names
    )


def _with(
    fields: dict[str, Any], original: Mapping[str, Any], used: Sequence[str], version: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """The record, with what else the original holds, and what that says of its ``version``."""
    taken = {name.casefold() for name in used}
    kept = {name: member for name, member in original.items() if name.casefold() not in taken}
    if version:
        kept[KEY] = version
    return {name: member for name, member in fields.items() if member not in ("", None, [])} | {"extra": kept}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _chosen(values: Any, *roles: str) -> str:
    """The value of the first member with one of these roles, else of the first."""
    members = [one for one in values if isinstance(one, Mapping)] if isinstance(values, list) else []
    members.sort(
        key=lambda one: next(
            (place for place, role in enumerate(roles) if role == str(one.get("role", "")).casefold()), len(roles)
        )
    )
    return _text(members[0].get("value")) if members else ""


def _names(values: Any, *keys: str) -> list[str]:
    members = values if isinstance(values, list) else [values]
    found = [
        one if isinstance(one, str) else next((_text(one.get(key)) for key in keys if _text(one.get(key))), "")
        for one in members
        if isinstance(one, str | Mapping)
    ]
    return [name for name in found if name]


def _ninjs(low: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    bodies = low.get("bodies") if isinstance(low.get("bodies"), list) else []
    marked: list[tuple[int, str]] = []
    for one in bodies or []:
        if isinstance(one, Mapping) and _text(one.get("value")):
            kind = f"{one.get('contenttype') or one.get('contentType') or ''} {one.get('role') or ''}".casefold()
            text = _text(one["value"])
            plain = text if "plain" in kind else without_markup(text) if "html" in kind else _untagged(text)
            marked.append((0 if "html" in kind else 1 if "plain" in kind else 2, plain))
    text = min(marked)[1] if marked else ""
    for name in ("body_html", "body_xhtml", "body_text", "body_nitf"):
        if not text:
            text = _text(low.get(name))
            text = text if name == "body_text" else _untagged(without_markup(text))
    if not text:
        text = next((without_markup(_text(member)) for name, member in low.items() if name.startswith("body_")), "")
    title = _text(low.get("headline")) or _chosen(low.get("headlines"), "main", "headline") or _text(low.get("title"))
    about = next((without_markup(_text(m)) for n, m in low.items() if n.startswith("description_") and _text(m)), "")
    about = about or _chosen(low.get("descriptions"), "caption", "text", "summary")
    picture = _text(low.get("type")).casefold() in ("picture", "graphic", "video", "audio")
    sources = low.get("infosources") or low.get("infosource")
    by = _text(low.get("byline")) or _text(low.get("by")) or _names(low.get("bylines"), "by", "name", "value")
    fields = {
        "id": _text(low.get("uri")) or None,
        "title": title,
        "text": text,
        "language": _text(low.get("language")),
        "published": low.get("versioncreated") or low.get("firstcreated") or low.get("contentcreated"),
        "authors": by,
        "dateline": _text(low.get("located")),
        "source": next(iter(_names(sources, "name", "literal")), "")
        or _text(low.get("provider"))
        or _text(low.get("copyrightholder")),
        "section": next(iter(_names(low.get("genres") or low.get("genre"), "name")), ""),
        "caption": about if picture else "",
        "summary": "" if picture or text else about,
    }
    if picture and not text and not title:
        fields["title"] = about[:200]
    used = (
        "uri",
        "headline",
        "language",
        "byline",
        "by",
        "located",
        *(name for name in low if name.startswith("body_")),
        "bodies",
    )
    version = edition(
        low.get("version"),
        low.get("versioncreated"),
        low.get("pubstatus"),
        low.get("evolvedfrom"),
        _words(low.get("signal"), low.get("signals"), low.get("correction_sequence") and "correction"),
        _text(low.get("ednote")),
    )
    return _with(fields, value, used, version if fields["id"] else None)


def _words(*values: Any) -> list[str]:
    """The codes, names and words in some values."""
    return [name for value in values for name in _names(value, "code", "qcode", "name", "value")]


def _untagged(text: str) -> str:
    """The words of XML whose elements are not HTML's."""
    text = re.sub(r"</(?:p|hl1|hl2|hedline|body\.head|title|div|block)>", "\n\n", text)
    text = without_markup(_ANY_TAG.sub("", text)) if "<" in text else text
    return re.sub(r"\n[ \t]+", "\n", re.sub(r"\n{3,}", "\n\n", text)).strip()


def _ans(value: Mapping[str, Any]) -> Mapping[str, Any]:
    taxonomy = value["taxonomy"] if isinstance(value.get("taxonomy"), Mapping) else {}
    section = (
        taxonomy.get("primary_section")
        or taxonomy.get("primary_site")
        or taxonomy.get("sections")
        or taxonomy.get("sites")
    )
    credits = value["credits"] if isinstance(value.get("credits"), Mapping) else {}
    promo = value["promo_items"] if isinstance(value.get("promo_items"), Mapping) else {}
    lead = promo.get("basic") if isinstance(promo.get("basic"), Mapping) else {}
    about = value["description"] if isinstance(value.get("description"), Mapping) else {}
    text = "\n\n".join(_elements(value.get("content_elements"), 0))
    distributor = value.get("distributor")
    outlets = _names(value.get("canonical_website"), "name") + _names(value.get("owner"), "name", "id")
    fields = {
        "id": _text(value.get("_id")) or None,
        "title": _basic(value["headlines"]),
        "text": text,
        "published": value.get("first_publish_date") or value.get("publish_date") or value.get("display_date"),
        "authors": _names(credits.get("by"), "name", "byline"),
        "section": next(iter(_names(section, "name", "_id")), ""),
        "language": _text(value.get("language")),
        "url": _text(value.get("canonical_url")) or _text(value.get("website_url")),
        "source": next((name for name in outlets if "deprecated" not in name), ""),
        "agency": next(iter(_names(distributor, "name")), "")
        if isinstance(distributor, Mapping) and distributor.get("category") == "wires"
        else "",
        "dateline": _text(value.get("location")),
        "caption": _text((lead or {}).get("caption")),
        "summary": "" if text else _basic(about),
    }
    version = edition(
        created=value.get("last_updated_date") or value.get("publish_date"),
        status=value.get("status"),
        signals=["correction"] if value.get("corrections") or _corrects(value.get("content_elements")) else [],
    )
    return _with(fields, value, ("content_elements", "_id", "language", "location"), version if fields["id"] else None)


def _corrects(elements: Any) -> bool:
    """Whether one of a story's elements is a correction."""
    listed = elements if isinstance(elements, list) else []
    return any(isinstance(one, Mapping) and one.get("type") == "correction" for one in listed[:_MOST])


def _basic(value: Mapping[str, Any]) -> str:
    return _text(value.get("basic")) or next((_text(member) for member in value.values() if _text(member)), "")


def _elements(values: Any, depth: int) -> Iterator[str]:
    """The text of a story's elements; of a type that is not known, its text if it has one."""
    for one in (values if isinstance(values, list) else [])[:_MOST]:
        if not isinstance(one, Mapping) or depth > _DEPTH or str(one.get("type")) in _SKIPPED:
            continue
        kind = str(one.get("type"))
        if kind == "list":
            items = [text for member in one.get("items") or [] for text in _elements([member], depth + 1)]
            yield "\n".join(f"- {text}" for text in items)
        elif kind == "table":
            rows = [one.get("header") or [], *(one.get("rows") or [])]
            yield "\n".join(
                " | ".join(without_markup(_text(cell.get("content"))) for cell in row if isinstance(cell, Mapping))
                for row in rows
                if isinstance(row, list) and row
            )
        elif "content_elements" in one:
            yield from _elements(one["content_elements"], depth + 1)
        elif text := without_markup(_text(one.get("content")) or _text(one.get("text"))).strip():
            yield text


def _associated_press(item: Mapping[str, Any]) -> Mapping[str, Any]:
    text = _untagged(_text(item.get("body_nitf")) or _text(item.get("body_html")) or _text(item.get("body")))
    about = _text(item.get("description_summary")) or _text(item.get("description_caption"))
    fields = {
        "id": _text(item["altids"].get("itemid")),
        "title": _text(item.get("headline")) or _text(item.get("title")),
        "text": text,
        "published": item.get("versioncreated") or item.get("firstcreated"),
        "language": _text(item.get("language")),
        "authors": _names(item.get("bylines"), "by", "name") or _text(item.get("byline")),
        "source": next(iter(_names(item.get("sources"), "name")), "") or _text(item.get("provider")),
        "dateline": _text(item.get("located")),
        "section": next(
            (
                name
                for one in item.get("subject") or []
                if isinstance(one, Mapping) and one.get("creator") != "Machine"
                for name in [_text(one.get("name"))]
                if name
            ),
            "",
        ),
        "caption": _text(item.get("description_caption")),
        "summary": "" if text else about,
        "url": _text(item.get("link")),
    }
    version = edition(
        item.get("version"),
        item.get("versioncreated"),
        item.get("pubstatus"),
        item.get("evolvedfrom"),
        _words(item.get("signals"), item.get("editorialtypes"), item.get("editorialrole")),
        _text(item.get("ednote")),
    )
    return _with(fields, item, ("headline", "body_nitf", "language", "located"), version if fields["id"] else None)


def _trove(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A newspaper's article as the National Library of Australia has it: a span for each printed line."""
    marked = re.sub(r"-\s*</span>\s*<span[^>]*>\s*", "", _text(value.get("articleText")))
    text = without_markup(re.sub(r"</span>\s*<span[^>]*>", " ", marked))
    title = value["title"]
    source = _text(title.get("title")) or _text(title.get("value"))
    page = _text(value.get("pageLabel")) or _text(value.get("page"))
    fields = {
        "id": _text(value.get("id")) or None,
        "title": _text(value.get("heading")),
        "text": text,
        "published": value.get("date"),
        "source": re.sub(r"\s*\([^()]*\d{4}[^()]*\)\Z", "", source),
        "section": _text(value.get("category")),
        "url": _text(value.get("troveUrl")) or _text(value.get("url")),
        "pages": [[0, page]] if page and text else None,
    }
    return _with(fields, value, ("articleText", "heading", "category", "date"))


def _chronicling_america(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page as the search of Chronicling America answers it: its text in lines, under the language that it is in."""
    languages = [name for name in value if name.startswith("ocr_") and _text(value[name])]
    text = max((_text(value[name]) for name in languages), key=len, default="")
    printed = Printed()
    page = Page(str(value.get("page") or value.get("sequence") or ""))
    for number, line in enumerate(text.split("\n")):
        printed.add(page, (Word(word, number) for word in line.split()))
    fields = {
        "id": _text(value.get("id")) or None,
        "text": printed.text,
        "published": value.get("date"),
        "source": _text(value.get("title")).rstrip(". "),
        "language": next(iter(_names(value.get("language"), "name")), "") or (languages[0][4:] if languages else ""),
        "url": _text(value.get("url")),
        "pages": [[0, page.name]] if page.name and printed.text else None,
    }
    return _with(fields, value, (*languages, "date"))
