"""What wires sent before there was XML: IPTC 7901 (Europe) and ANPA 1312 (North America). Bytes of control part heads
from texts; a file may hold many messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from search.ingest.agencies import agency_name
from search.ingest.formats.base import Record, rejected
from search.ingest.formats.plain import parse
from search.ingest.formats.trees import parted, text_of
from search.ingest.formats.xml_fields import told
from search.ingest.source import Head, Source
from search.records import Rejection

_BEGINS = re.compile(r"\x16*\x01")
_EUROPE = re.compile(
    r"\x16*\x01(?P<service>[A-Za-z]{1,6})(?P<number>\d{1,5}) (?P<priority>[1-9]) (?P<category>\S{1,3}) "
    r"(?P<words>\d{0,5})(?P<keywords>[^\n\x02]*)"
)
_AMERICA = re.compile(
    r"\x16*\x01(?P<service>[A-Za-z])(?P<number>\d{4})\x1f(?P<routing>[^\n\x02]*)\n?(?P<format>[^\n\x02]*)"
)
_SENT = re.compile(
    r"(?P<day>\d\d)(?:\d\d)?[ ]?(?P<hour>\d\d)(?P<minute>\d\d)\s+(?P<month>[A-Za-z]{3})\w*\s+(?P<year>\d\d(?:\d\d)?)\b"
)
_FILED = re.compile(
    r"(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d\d)\s+(?P<hour>\d\d)(?P<minute>\d\d)(?P<zone>GMT|[A-Z]{3})"
)
_ASIDE = re.compile(
    r"^[ \t]*(?:#+ \S[^\n]*NOTEBOOK[^\n]*\n\s*)?The following information is not intended for publication.*",
    re.MULTILINE | re.DOTALL,
)
_NATIONAL = re.compile(r"[^\W\d_][{|}\[\]\\~][^\W\d_]")
_CONTROLS = {code: None for code in range(32) if code not in (9, 10)} | {127: None}


def is_iptc7901(head: Head) -> bool:
    """It begins with a head as IPTC 7901 has it."""
    return _EUROPE.match(head.text) is not None


def is_anpa1312(head: Head) -> bool:
    """It begins with a head as ANPA 1312 has it."""
    return _AMERICA.match(head.text) is not None


def iptc7901(source: Source) -> Iterator[Record | Rejection]:
    """A record for each message."""
    for number, message, head in _messages(source, _EUROPE):
        if head is None:
            yield rejected(source, f"message {number}", "no head as IPTC 7901 has it", _plain(message))
            continue
        before, _, rest = message[head.end() :].partition("\x02")
        body, _, end = rest.partition("\x03")
        aside = _ASIDE.search(body)
        headline, _, text = body[: aside.start() if aside else len(body)].lstrip("\n").partition("\n")
        if national := len(_NATIONAL.findall(text)):
            source.note("letters of a national 7-bit set left as they are", national)
        fields = parse(f"{_headline(headline)}\n\n{_paragraphs(text)}")
        extra = dict(fields.pop("extra", {})) | {
            name: value.strip() for name, value in head.groupdict().items() if value
        }
        extra |= {"slug": " ".join(_plain(before).split()), "not for publication": _plain(aside[0]) if aside else ""}
        extra["sent"] = " ".join(_plain(end).split())
        yield from _record(source, number, fields, extra, _when(_SENT.search(_plain(end))))


def anpa1312(source: Source) -> Iterator[Record | Rejection]:
    """A record for each message."""
    for number, message, head in _messages(source, _AMERICA):
        if head is None:
            yield rejected(source, f"message {number}", "no head as ANPA 1312 has it", _plain(message))
            continue
        body, _, end = message[head.end() :].partition("\x02")[2].partition("\x03")
        body = re.sub(r".\x08", "", body).replace("``", '"').replace("''", '"').replace(" _ ", " — ")
        lines = body.strip("\n").split("\n")
        slug = lines.pop(0).strip("^<") if lines else ""
        marked: list[str] = []
        while lines and lines[0].startswith("^"):
            marked.append(lines.pop(0).strip("^<= "))
        bylines = [text for text in marked if re.match(r"by\s", text, re.IGNORECASE)]
        notes = [text for text in marked if re.match(r"(?:eds|editors)\s*:", text, re.IGNORECASE)]
        others = [text for text in marked if text not in (*bylines, *notes)]
        text = re.sub(r"^\^(?P<head>[^\n]*?)[<=]?$", r"\n\g<head>\n", "\n".join(lines), flags=re.MULTILINE)
        fields = parse(f"{others[0] if others else _plain(slug)}\n\n{_paragraphs(text)}")
        fields["authors"] = bylines or fields.get("authors")
        extra = dict(fields.pop("extra", {})) | {
            "service": head["service"],
            "number": head["number"],
            "routing": _plain(head["routing"]).strip(),
            "format": " ".join(_plain(head["format"]).split()),
            "slug": _plain(slug),
            "notes": notes,
            "marked": others[1:],
            "sent": " ".join(_plain(end).split()),
        }
        for name in others[1:]:
            if agency := agency_name(name):
                fields.setdefault("agency", agency)
        if others[1:] and not fields.get("source"):
            fields["source"] = others[-1]
        yield from _record(source, number, fields, extra, _when(_FILED.search(_plain(end))))


def _messages(source: Source, pattern: re.Pattern[str]) -> Iterator[tuple[int, str, re.Match[str] | None]]:
    """The messages of a file, with their heads."""
    number = 0
    for part in parted(text_of(source), _BEGINS):
        if _plain(part).strip():
            number += 1
            yield number, part, pattern.match(part)


def _record(
    source: Source, number: int, fields: dict[str, Any], extra: dict[str, Any], when: str
) -> Iterator[Record | Rejection]:
    if not fields.get("title") and not fields.get("text"):
        yield rejected(source, f"message {number}", "no headline and no text", str(extra.get("slug", "")))
        return
    if when:
        fields["published"] = when
    yield Record(told(fields) | {"extra": told(extra)}, f"message {number}", fields.get("text", ""), False)


def _headline(text: str) -> str:
    return _plain(text).strip(" =<^")


def _plain(text: str) -> str:
    return text.translate(_CONTROLS)


def _paragraphs(text: str) -> str:
    """Lines that are wrapped as paragraphs: a blank line or an indent begins one. Where a blank line follows each line,
    it says nothing."""
    text = _plain(text).strip("\n")
    lines = text.split("\n")
    if len(lines) > 4 and all(not text.strip() for text in lines[1::2]):
        lines = lines[::2]
    found: list[list[str]] = []
    begins = True
    for one in lines:
        bare = " ".join(one.split())
        if not bare:
            begins = True
            continue
        if begins or one[0] == "\t" or one.startswith("  "):
            found.append([])
        begins = False
        found[-1].append(bare)
    return "\n\n".join(" ".join(each) for each in found)


def _when(found: re.Match[str] | None) -> str:
    """When a message was sent, as it can be read by anyone; in GMT where it does not say."""
    if found is None:
        return ""
    zone = found.groupdict().get("zone") or "GMT"
    return f"{found['day']} {_month(found['month'])} {_year(found['year'])} {found['hour']}:{found['minute']} {zone}"


def _month(text: str) -> str:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return months[int(text) - 1] if text.isdecimal() and 1 <= int(text) <= 12 else text


def _year(text: str) -> str:
    """Two digits are of 1970 to 2069."""
    return text if len(text) == 4 else f"{19 if int(text) >= 70 else 20}{text}"
