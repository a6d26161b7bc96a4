"""Plain text as newspapers' sites and databases print it: one article a file.

The first line is the headline. Lines of labels follow ("Story by IANS | Posted by Tarique Anwar | Date 26-02-2025",
"By Jane Doe", "Published: 26 February 2025"), a caption (printed twice, or labelled), a dateline, and the body with its
subheads. "ALSO READ: ..." lines are no body text. All of it but a first line may be missing.

| also read | |
|---|---|
| headline, By Jane Doe, outlet, date | each on its line |
| headline, Jane Doe \\| outlet \\| date | |
| outlet, headline, date | each on its line |
| NEW DELHI, Feb 26 (Reuters) - The river ... | a wire story without a headline |
| Markdown | with its front matter (YAML or TOML between lines of --- or +++) |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from search.ingest.agencies import agency_name
from search.ingest.clean import clean_line, clean_text
from search.ingest.dates import read_date
from search.ingest.decode import EXCERPT, RECORD_LIMIT, TextStream
from search.ingest.formats import joined
from search.ingest.formats.base import Format, Record
from search.ingest.formats.foreign import kind_of
from search.ingest.formats.json_lines import TOO_LONG
from search.ingest.names import is_institution, is_person, split_names, unique
from search.ingest.source import Head, Source
from search.records import Rejection

_HEADLINE_LIMIT = 300  # a longer first line is a paragraph
_LABEL_LINE_LIMIT = 300
_STANDFIRST_LINES = 2  # between the headline and the byline
_DATELINE_LIMIT = 60

# A label, its field, and whether it needs a colon to be one.
_LABELS = (
    (r"story\s+by|reported\s+by|written\s+by|report\s+by|words\s+by", "author", False),
    (r"posted\s+by", "posted_by", False),
    (r"edited\s+by", "edited_by", False),
    (r"published\s+by", "published_by", False),
    (r"authors?|byline|reporter|by|auteur|autor(?:en|es)?|autore", "author", True),
    (
        r"date|(?:first\s+)?published(?:\s+on|\s+at)?|posted(?:\s+on|\s+at)?|publication\s+date|datum|fecha|"
        r"publié\s+le|mis\s+en\s+ligne\s+le|paru\s+le|veröffentlicht(?:\s+am)?|erschienen(?:\s+am)?|"
        r"publicad[oa](?:\s+el|\s+em)?|pubblicato(?:\s+il)?|gepubliceerd(?:\s+op)?|publicerad|publisert|julkaistu|"
        r"опубликовано",
        "published",
        False,
    ),
    (r"(?:last\s+)?updated(?:\s+on|\s+at)?|modified", "updated", False),
    (r"agency", "agency", True),
    (r"source|publisher|outlet|newspaper|publication|quelle|fuente|fonte", "source", True),
    (r"section|category", "section", True),
    (r"url|link", "url", True),
    (r"dateline|location|place", "dateline", True),
    (r"(?:file\s+)?photo(?:\s+caption)?|image|picture|caption", "caption", True),
)
_AFTER_LABEL = {True: r"\s*:", False: r"(?:\s*:|\s+-(?=\s)|(?=\s))"}
_LABELLED = tuple(
    (re.compile(rf"(?:{words}){_AFTER_LABEL[colon]}\s*(?P<value>\S.*)", re.IGNORECASE), name)
    for words, name, colon in _LABELS
)
_BY = re.compile(r"(?:by|par|por|von|door)\s+(?P<names>\S.*)", re.IGNORECASE)
_SMALL_WORDS = {"and", "of", "in", "at", "for", "the", "de", "da", "di", "du", "la", "le", "van", "von", "der", "den",
                "bin", "al", "el", "y", "with", "&", "|"}  # fmt: skip
_TITLE_LABEL = re.compile(r"(?:title|headline)\s*:\s*(?P<value>\S.*)", re.IGNORECASE)
_HEADING = re.compile(r"#{1,6}\s+(?P<value>\S.*?)\s*#*")
ALSO_READ = re.compile(
    r"(?:also\s+(?:read|see|watch)|read\s+(?:also|more)|must\s+read|related)\s*(?::|\||[-–—](?=\s))\s*(?P<value>.*)",
    re.IGNORECASE,
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_DAY = rf"(?:,\s*(?:{_MONTH}\s+\d{{1,2}}|\d{{1,2}}\s+{_MONTH})(?:,?\s+\d{{4}})?)?"
_PLACE = r"(?P<place>[^\W\d_][\w .,'’/-]{1,58}?)"
_WIRE_DATELINE = re.compile(rf"{_PLACE}{_DAY}\s*[(\[](?P<agency>[^()\[\]]{{2,40}})[)\]]\s*(?:[-–—:]|(?=\S))")
_CAPITALS_DATELINE = re.compile(rf"{_PLACE}{_DAY}\s*(?:--|[-–—])\s")
_NO_PLACE = {"BREAKING", "EXCLUSIVE", "UPDATE", "WATCH", "OPINION", "ANALYSIS", "EXPLAINER", "EDITORIAL", "REVIEW"}
# What databases write once for each article: its number, or how long it is.
_LAST_LINE = re.compile(
    r"^(?:Document [A-Z]{2,}[A-Za-z0-9]{15,}|Record(?: Number)?: ?\w{4,}|ProQuest document ID:? ?\d+|"
    r"(?:Accession|Document) (?:No\.?|Number):? ?\w+|"
    r"(?:LENGTH|LÄNGE|LONGUEUR|LONGITUD|LUNGHEZZA|LENGTE): ?\d[\d.,]* \w+)\s*$",
    re.MULTILINE,
)


def recognises(head: Head) -> bool:
    """Never: plain text is what nothing else recognises."""
    return False


def fault(source: Source) -> str | None:
    """What it is, if it is no text."""
    kind = kind_of(source.head)
    return None if kind is None else f"not plain text but {kind}"


def read(source: Source) -> Iterator[Record | Rejection]:
    """The one article of the file, the several that a database joined in it, or a rejection."""
    pieces: list[str] = []
    size = 0
    for chunk in TextStream(source).chunks():
        size += len(chunk)
        if size > RECORD_LIMIT:
            start = "".join(pieces)[:EXCERPT]
            yield Rejection(source=source.name, line=1, reason=TOO_LONG, record=start)
            return
        pieces.append(chunk)
    text = "".join(pieces)
    if (several := joined.articles(source, text, parse)) is not None:
        yield from several
        return
    if sum(1 for _ in islice(_LAST_LINE.finditer(text), 2)) > 1:
        source.note("texts that look like several articles, read as one")
    if (front := _front_matter(text)) is not None:
        fields, rest = front
        parsed = parse(rest)
        if "title" in fields and parsed.get("title") and not rest.lstrip().startswith("#"):
            parsed = {"text": _body(rest.split("\n"), _Layout())}  # the first line of the rest is no headline
        yield Record({**parsed, **fields, "text": parsed["text"]}, None, text[:EXCERPT])
    elif clean_text(text).strip():
        yield Record(parse(text), None, text[:EXCERPT])
    else:
        yield Rejection(source=source.name, line=1, reason="no text in the file", record=text[:EXCERPT])


@dataclass
class _Layout:
    """What was found so far. ``seen``: a line of labels has been read."""

    fields: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    authors: list[str] = field(default_factory=list)
    seen: bool = False


_FENCE = re.compile(r"\ufeff?\s*(---|\+\+\+)[ \t]*\n(.*?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_LIMIT = 20_000
_PAIR = re.compile(r"([A-Za-z_][\w .-]{0,60}?)\s*[:=]\s*(.*)")


def _front_matter(text: str) -> tuple[dict[str, Any], str] | None:
    """The pairs at the head of a Markdown file, and what follows. Strings and flat lists are read, the rest is kept as
    it is written."""
    found = _FENCE.match(text[:_FRONT_LIMIT])
    if found is None:
        return None
    fields: dict[str, Any] = {}
    name = ""
    for line in found[2].split("\n"):
        member = re.match(r"\s*-\s+(.*)", line)
        pair = _PAIR.fullmatch(line.rstrip()) if not line.startswith((" ", "\t")) else None
        if pair is not None:
            name = pair[1]
            fields[name] = _scalar(pair[2])
        elif member is not None and name:
            held = fields[name] if isinstance(fields[name], list) else []
            fields[name] = [*held, _scalar(member[1])]
        elif name and line.strip() and isinstance(fields[name], str):
            fields[name] = f"{fields[name].removeprefix('|').removeprefix('>')} {line.strip()}".strip()
    return (fields, text[found.end() :]) if fields else None


def _scalar(text: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.startswith("[") and text.endswith("]"):
        return [part for part in (_scalar(piece) for piece in text[1:-1].split(",")) if part]
    return text.split(" #")[0].strip()


def parse(text: str) -> dict[str, Any]:
    """The fields of an article that is laid out as plain text."""
    lines = [line.strip() for line in clean_text(text).split("\n")]
    layout = _Layout()
    place = _outlet_first(lines, _next(lines, 0), layout)
    if place < len(lines) and len(lines[place]) <= _HEADLINE_LIMIT and not _is_wire_start(lines[place]):
        labelled = _TITLE_LABEL.fullmatch(lines[place]) or _HEADING.fullmatch(lines[place])
        layout.fields["title"] = clean_line(labelled["value"] if labelled else lines[place])
        place = _next(lines, place + 1)
        if place < len(lines) and lines[place] == layout.fields["title"]:
            place = _next(lines, place + 1)
        kept, place = _labels(lines, place, layout)
        place = _caption(lines, place, layout)
        place = _dateline(lines, place, layout)
        lines = [*kept, *lines[place:]]
    body = _body(lines, layout)
    _wire_dateline(body, layout)
    if layout.authors:
        layout.fields["authors"] = list(unique(layout.authors))
    return {**layout.fields, "text": body, "extra": layout.extra}


def _outlet_first(lines: list[str], place: int, layout: _Layout) -> int:
    """The line of the headline: the second where the first is an outlet or a byline and the third a date."""
    headline = _next(lines, place + 1)
    dated = _next(lines, headline + 1)
    if dated >= len(lines) or len(lines[dated]) > _DATELINE_LIMIT or read_date(lines[dated], prose=True).value is None:
        return place
    names = split_names(byline["names"]) if (byline := _BY.fullmatch(lines[place])) else ()
    if names and all(map(is_person, names)) and not _BY.match(lines[headline]):
        layout.authors += names
        return headline
    if (
        _BY.match(lines[headline])
        or len(lines[headline]) > _HEADLINE_LIMIT
        or not _is_outlet(lines[place])
        or _is_outlet(lines[headline])
    ):
        return place
    layout.fields["source"] = clean_line(lines[place])
    return headline


def _is_outlet(line: str) -> bool:
    """A few capitalised words that name an institution, or two or three of nothing else."""
    words = line.split()
    if re.fullmatch(r"(?:www\.)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,10}", line):  # valleypost.example
        return True
    if not 1 <= len(words) <= 6 or line[-1:] in ".!?:;,…" or any(c.isdigit() for c in line):
        return False
    if not all(word[0].isupper() or word.casefold() in _SMALL_WORDS for word in words):
        return False
    return is_institution(line) or len(words) <= 3


def _is_wire_start(line: str) -> bool:
    """Whether a first line is the beginning of a wire story: a dateline and a sentence, no headline."""
    found = _WIRE_DATELINE.match(line)
    if found is not None and agency_name(found["agency"]) is not None:
        return True
    found = _CAPITALS_DATELINE.match(line)
    return (
        found is not None
        and found["place"].isupper()
        and found["place"].split()[0] not in _NO_PLACE
        and len(line) > _DATELINE_LIMIT + 20
        and line[-1] in '."”’'
    )


def _next(lines: list[str], place: int) -> int:
    """The first line from ``place`` that is not blank."""
    while place < len(lines) and not lines[place]:
        place += 1
    return place


def _labels(lines: list[str], place: int, layout: _Layout) -> tuple[list[str], int]:
    """Read the lines of labels. What stands before them (a standfirst) is returned to go with the body."""
    kept: list[str] = []
    ahead = place
    for _ in range(_STANDFIRST_LINES + 1):
        if ahead >= len(lines) or len(lines[ahead]) > _LABEL_LINE_LIMIT:
            break
        if _label_line(lines[ahead], layout):
            kept, place = [line for line in lines[place:ahead] if line], _next(lines, ahead + 1)
            break
        ahead = _next(lines, ahead + 1)
    if not layout.seen:
        return [], place
    while place < len(lines) and len(lines[place]) <= _LABEL_LINE_LIMIT:
        if not _label_line(lines[place], layout) and not _outlet_line(lines, place, layout):
            break
        place = _next(lines, place + 1)
    return [line for paragraph in kept for line in (paragraph, "")], place


def _label_line(line: str, layout: _Layout) -> bool:
    """Take in a line of labels; False, and nothing taken, for any other line."""
    segments = [clean_line(segment) for segment in re.split(r"[|•]", _parted(line)) if segment.strip()]
    found = [_label(segment, layout) for segment in segments]
    if not any(name for name, _ in found):
        return False
    layout.seen = True
    unnamed: list[str] = []
    for (name, value), segment in zip(found, segments, strict=True):
        if name == "author":
            _sign(value, layout)
        elif name == "source" and agency_name(value):
            layout.fields.setdefault("agency", agency_name(value))
        elif name in ("posted_by", "edited_by", "published_by", "updated"):
            layout.extra.setdefault(name, value)
        elif name:
            layout.fields.setdefault(name, value)
        else:
            unnamed.append(segment)
    _unnamed(unnamed, layout, dated=any(name == "published" for name, _ in found))
    return True


def _unnamed(segments: list[str], layout: _Layout, *, dated: bool) -> None:
    """What stands beside a date without a label: "Jane Doe | Valley Post | 26 Feb 2025"."""
    for segment in segments:
        if dated and not layout.authors and is_person(segment):
            layout.authors += split_names(segment)
        elif dated and "source" not in layout.fields and _is_outlet(segment):
            layout.fields["source"] = segment
        else:
            layout.extra.setdefault("byline", []).append(segment)


def _parted(line: str) -> str:
    """A line "Valley Post, 26 February 2025" with a bar before its date."""
    pieces = line.split(", ")
    for count in range(1, min(len(pieces), 4)):
        head, tail = ", ".join(pieces[:count]), ", ".join(pieces[count:])
        if read_date(tail, prose=True).value is not None:
            if read_date(line, prose=True).value is None and all(
                _is_outlet(one) or is_person(one) for one in pieces[:count]
            ):
                return f"{head.replace(', ', ' | ')} | {tail}"
            return line
    return line


def _outlet_line(lines: list[str], place: int, layout: _Layout) -> bool:
    """A line that names the outlet, between the byline and the date."""
    after = _next(lines, place + 1)
    if "source" in layout.fields or "published" in layout.fields or after >= len(lines):
        return False
    if not _is_outlet(lines[place]) or len(lines[after]) > _DATELINE_LIMIT:
        return False
    labelled = re.sub(r"\A(?:date|published|posted)(?:\s+on)?\s*:?\s+", "", lines[after], flags=re.IGNORECASE)
    if read_date(labelled, prose=True).value is None:
        return False
    layout.fields["source"] = clean_line(lines[place])
    return True


def _label(segment: str, layout: _Layout) -> tuple[str, str]:
    """The field that a segment of a line fills, and with what; two empty strings if it is no label."""
    for pattern, name in _LABELLED:
        if found := pattern.fullmatch(segment):
            value = found["value"].strip()
            # "Date palms wither" is no date line, "Published authors meet" no byline.
            if name in ("published", "updated") and ":" not in segment and read_date(value, prose=True).value is None:
                continue
            return name, value
    if (found := _BY.fullmatch(segment)) and _is_names(found["names"]):
        return "author", found["names"]
    if read_date(segment, prose=True).value is not None:
        return "published", segment
    if len(segment) <= 40 and (agency := agency_name(segment)):
        return "agency", agency
    return "", ""


def _is_names(text: str) -> bool:
    """Whether what follows "By" names people: a few capitalised words that are no sentence."""
    words = text.split()
    if len(words) > 12 or text[-1] in ".!?…:;" or any(c.isdigit() for c in text):
        return False
    if words[0].casefold() == "the" and agency_name(text) is None:  # "By The Numbers"
        return False
    return all(word[0].isupper() or word.strip(",").casefold() in _SMALL_WORDS for word in words)


def _sign(value: str, layout: _Layout) -> None:
    """What follows "Story by" names an agency or authors; "Jane Doe, Reuters" names one of each."""
    agency = agency_name(value)
    if agency is not None:
        layout.fields.setdefault("agency", agency)
        return
    names, comma, last = value.rpartition(",")
    agency = agency_name(last) if comma else None
    if agency is not None:
        layout.fields.setdefault("agency", agency)
        value = names
    for name in split_names(value):
        agency = agency_name(name)
        if agency is not None:
            layout.fields.setdefault("agency", agency)
        else:
            layout.authors.append(name)


def _caption(lines: list[str], place: int, layout: _Layout) -> int:
    """A line printed twice, as the text of an image and below it."""
    after = _next(lines, place + 1)
    body = _next(lines, after + 1)
    if body < len(lines) and lines[place] == lines[after] and len(lines[place]) <= _LABEL_LINE_LIMIT:
        layout.fields.setdefault("caption", clean_line(lines[place]))
        return body
    return place


def _dateline(lines: list[str], place: int, layout: _Layout) -> int:
    """A short line of capitalised words between the byline and the body."""
    after = _next(lines, place + 1)
    if not layout.seen or after >= len(lines):
        return place
    line = lines[place].rstrip(":")
    words = line.split()
    if not line or len(line) > _DATELINE_LIMIT or len(words) > 5 or line[-1] in ".!?…;\"'”’":
        return place
    if not all(w[0].isupper() or w[0].isdigit() or w[0] in "(/&" or w.casefold() in _SMALL_WORDS for w in words):
        return place
    if not line[0].isupper() or len(lines[after]) <= _DATELINE_LIMIT:
        return place
    layout.fields.setdefault("dateline", clean_line(line))
    return after


def _body(lines: list[str], layout: _Layout) -> str:
    """The lines without the ALSO READ ones; paragraphs stay parted by one blank line."""
    kept: list[str] = []
    for line in lines:
        found = ALSO_READ.fullmatch(line) if len(line) <= _LABEL_LINE_LIMIT else None
        if found is not None:
            if found["value"]:
                layout.extra.setdefault("also_read", []).append(clean_line(found["value"]))
        elif line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _wire_dateline(body: str, layout: _Layout) -> None:
    """Take place and agency from "NEW DELHI, Feb 26 (Reuters) - ..."; the words stay in the text."""
    start = body[:200].partition("\n")[0]
    found = _WIRE_DATELINE.match(start)
    if found is not None and (agency := agency_name(found["agency"])) is not None:
        layout.fields.setdefault("agency", agency)
    else:
        found = _CAPITALS_DATELINE.match(start)
        if found is None or not found["place"].isupper() or found["place"].split()[0] in _NO_PLACE:
            return
    layout.fields.setdefault("dateline", found["place"].strip(" ,"))


FORMAT = Format(
    name="text",
    title="plain text",
    recognises=recognises,
    read=read,
    extensions=(".txt", ".text", ".md", ".markdown"),
    fault=fault,
    single=True,
)
