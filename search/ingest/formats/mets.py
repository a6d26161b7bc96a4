"""METS, the table of contents of a scanned issue: which blocks of which pages (ALTO, beside it) are an article."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Any

from search.ingest.formats.alto import pages_of
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.mets_issue import DAY, Area, Div, Issue, budget_of, issue_of, recognises
from search.ingest.formats.printed import Page, Printed, Word
from search.ingest.formats.xml_fields import told
from search.ingest.source import Source, SourceProblem
from search.records import Rejection

_HEADINGS = re.compile(r"(?:heading|title|headline|main_?title)\Z")
_AUTHORS, _CAPTIONS = re.compile(r"(?:author|byline)\Z"), re.compile(r"caption\Z")
_ARTICLES = re.compile(r"(?:article|story|item|)\Z")
_HELD = 64  # pages that are kept while an issue is read
_LOADS = 8  # times that one of them is read
_TIMES, _FREE = 8, 100_000  # words that articles may have, as a multiple of those on the pages


def read(source: Source) -> Iterator[Record | Rejection]:
    """A record for each article of the issue, of the pages beside the file."""
    issue = issue_of(source)
    if not issue.articles:
        source.note("METS files that tell no articles; their pages are read by themselves")
        return
    pages = _Pages(source, issue)
    for number, (div, above) in enumerate(issue.articles, 1):
        record = _record(issue, pages, div, above, number)
        yield rejected(source, f"article {number}", "no title and no words", div.id) if record is None else record
        yield from pages.missing()
    pages.tell_the_rest()


class _Pages:
    """The pages of an issue, the last ones used in memory."""

    def __init__(self, source: Source, issue: Issue) -> None:
        self._source = source
        self._issue = issue
        self._held: OrderedDict[str, Page | None] = OrderedDict()
        self._missing: list[Rejection] = []
        self._told: set[str] = set()
        self._left: dict[str, bytearray] = {}  # for each word of a file, whether no article has had it yet
        self._loads: Counter[str] = Counter()
        self._given = 0  # words

    def page(self, file: str) -> Page | None:
        """A page by the id of its file; None where it cannot be read, which ``missing`` tells."""
        if file not in self._held:
            self._held[file] = self._load(file)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(file)
        return self._held[file]

    def _load(self, file: str) -> Page | None:
        name, reason = self._issue.files[file], "it is not there"
        self._loads[file] += 1
        try:
            if self._loads[file] > _LOADS:
                raise SourceProblem("articles go back to it again and again")
            if self._source.beside is None:
                raise SourceProblem("what lies beside it cannot be reached here; unpack it, or give the folder")
            with self._source.beside.open(name) as opened:
                inner = Source(name, opened, owned=False, budget=budget_of(self._source))
                page = next(pages_of(inner), None)
            if page is not None:
                page.name = self._issue.pages.get(file) or page.name
                self._left.setdefault(file, bytearray(b"\x01") * len(page.words))
                return page
            reason = "no page of ALTO"
        except LookupError:
            pass
        except SourceProblem as problem:
            reason = str(problem)
        if file not in self._told:
            self._told.add(file)
            self._missing.append(rejected(self._source, f"page {name}", f"its words cannot be read: {reason}"))
        return None

    def words(self, area: Area) -> tuple[Page, list[Word]] | None:
        """The words of a part of a page; None where there is none."""
        page = self.page(area.file)
        if page is None:
            return None
        start, end = 0, len(page.words)
        if area.begin:
            if area.begin not in page.places:
                return None
            start, end = page.places[area.begin]
            end = max(end, page.places.get(area.end or area.begin, (0, end))[1])
        self._left[area.file][start:end] = bytes(end - start)
        self._given += end - start
        if self._given > _TIMES * sum(map(len, self._left.values())) + _FREE:
            raise SourceProblem("its articles have the same words over and over again: given up")
        return page, page.words[start:end]

    def missing(self) -> Iterator[Rejection]:
        """Pages that could not be read, each once."""
        while self._missing:
            yield self._missing.pop(0)

    def tell_the_rest(self) -> None:
        """Note the words that no article has."""
        if left := sum(map(sum, self._left.values())):
            self._source.note("words on pages that no article of the METS file has", left)


def _record(issue: Issue, pages: _Pages, div: Div, above: list[Div], number: int) -> Record | None:
    own = [issue.descriptions[name] for name in div.descriptions if name in issue.descriptions]
    around = [
        issue.descriptions[name]
        for one in reversed(above)
        for name in reversed(one.descriptions)
        if name in issue.descriptions
    ]
    parts: dict[str, Printed] = {name: Printed() for name in ("text", "title", "authors", "caption")}
    _gather(issue, pages, div, parts, "text")
    text, heading = parts["text"].text, " ".join(parts["title"].text.split())
    title = next((one["title"] for one in own if "title" in one), "") or div.label or heading
    if heading and title != heading and _bare(title) != _bare(heading):
        text = f"{heading}\n\n{text}".strip("\n")
    start, _, rest = text.partition("\n\n")
    if title and _bare(start) == _bare(title):
        text = rest
    if not text and not title:
        return None
    labels = [one.label for one in above if one.kind in ("newspaper", "periodical") and one.label]
    sources = [*labels, *(name for one in reversed(around) for name in (one.get("host"), one.get("title")) if name)]
    dates = [one["date"] for one in (*own, *around) if "date" in one]
    dates += [day[0] for one in (div, *reversed(above)) if (day := DAY.search(one.label)) is not None]
    sections = [one.label for one in reversed(above) if one.kind in ("section", "rubric") and one.label]
    label = issue.about.get("LABEL", "")
    fields: dict[str, Any] = {
        "title": title,
        "text": text,
        "published": next(iter(dates), "") or (day[0] if (day := DAY.search(label)) is not None else ""),
        "source": next(iter(sources), "") or DAY.sub("", label).strip(" ,.-"),
        "language": next((one["language"] for one in (*own, *around) if "language" in one), ""),
        "authors": next((one["authors"] for one in own if "authors" in one), []) or parts["authors"].text,
        "section": next(iter(sections), "") or ("" if _ARTICLES.match(div.kind) else div.kind.replace("_", " ")),
        "caption": parts["caption"].text.replace("\f", ""),
        "ocr_quality": parts["text"].quality or parts["title"].quality,
    }
    if issue.about.get("OBJID") and div.id:
        fields["id"] = f"{issue.about['OBJID']}#{div.id}"
    names = tuple(parts["text"].pages) or tuple(parts["title"].pages)
    extra = {
        "kind": div.kind,
        "division": div.id,
        "issue": issue.about | {"described": [one["all"] for one in around if "all" in one]},
    }
    extra["described"] = [one["all"] for one in own if "all" in one]
    return Record(told(fields) | {"extra": told(extra)}, f"article {number}", text, False, names)


def _gather(issue: Issue, pages: _Pages, div: Div, parts: dict[str, Printed], part: str) -> None:
    """Take in the words of a division and of those in it, each with its kind."""
    for pattern, name in ((_HEADINGS, "title"), (_AUTHORS, "authors"), (_CAPTIONS, "caption")):
        if pattern.match(div.kind) and (name != "title" or not parts["text"].text):
            part = name
    alone = Div(div.id, div.kind, "", [], div.areas)
    for area in issue.areas(alone):
        if (found := pages.words(area)) is not None:
            parts[part].add(*found)
    for one in div.children:
        _gather(issue, pages, one, parts, part)


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


FORMAT = Format(
    name="mets",
    title="issues of scanned pages (METS with ALTO)",
    recognises=recognises,
    read=read,
    needs=("lxml",),
    extra="formats",
)
