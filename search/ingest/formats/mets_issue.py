"""What a METS file says: the divisions of an issue, where the words of each stand, what each is called.

The articles are the divisions of its logical structure. They name parts of pages themselves, or by links to the
physical structure. Dates, titles and languages stand in descriptions (MODS or Dublin Core) of the issue and of the
articles.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from search.ingest.beside import Beside, relative
from search.ingest.formats.trees import elements, first, inside, line, local
from search.ingest.formats.xml_fields import (
    attribute,
    attributes_of,
    child,
    fields_of,
    first_line,
    lines_of,
    root_of,
    told,
)
from search.ingest.source import Budget, Head, Source, SourceProblem

if TYPE_CHECKING:
    from lxml.etree import _Element

# Divisions that hold others; any other one is an article.
_CONTAINERS = re.compile(
    r"(?:newspaper|volume|year|month|day|issue|contents?|section|supplement|page|publication|periodical|monograph|"
    r"serial|rubric|chapter|main|front|back|body|)\Z"
)
_FURNITURE = re.compile(
    r"(?:title_?section|masthead|running_?head|page_?number|print_?run|publishing_?stmt|head_?line)\Z"
)
DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_ISSUES = 8  # issues that are remembered while their pages are read


@dataclass
class Area:
    """Part of a page: from one of its parts to another, by their ids; the whole page without them."""

    file: str
    begin: str = ""
    end: str = ""


@dataclass
class Div:
    """A division of a structure."""

    id: str
    kind: str
    label: str
    descriptions: list[str]
    areas: list[Area] = field(default_factory=list)
    children: list[Div] = field(default_factory=list)

    def all(self) -> Iterator[Div]:
        """It, and those in it."""
        yield self
        for one in self.children:
            yield from one.all()


@dataclass
class Issue:
    """What a METS file says."""

    about: dict[str, str] = field(default_factory=dict)  # attributes of its root
    descriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # names by ids
    pages: dict[str, str] = field(default_factory=dict)  # what pages are called, by ids of files
    logical: list[Div] = field(default_factory=list)
    physical: dict[str, Div] = field(default_factory=dict)
    links: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def articles(self) -> list[tuple[Div, list[Div]]]:
        """Each article with the divisions that it is in, from the outermost."""
        return [found for div in self.logical for found in self._articles(div, [])]

    def _articles(self, div: Div, above: list[Div]) -> Iterator[tuple[Div, list[Div]]]:
        if not _CONTAINERS.match(div.kind) and not _FURNITURE.match(div.kind) and self.areas(div):
            yield div, above
            return
        for one in div.children:
            yield from self._articles(one, [*above, div])

    def areas(self, div: Div) -> list[Area]:
        """The parts of pages that a division and those in it have."""
        found: list[Area] = []
        for one in div.all():
            found += one.areas
            for name in self.links.get(one.id, ()):
                if (part := self.physical.get(name)) is not None:
                    found += (area for each in part.all() for area in each.areas)
        return [area for area in found if area.file in self.files]

    @cached_property
    def read_with_it(self) -> frozenset[str]:
        """The names of the files that its articles have parts of."""
        return frozenset(self.files[area.file] for div, _ in self.articles for area in self.areas(div))


def recognises(head: Head) -> bool:
    """Its root is that of METS."""
    return root_of(head).name == "mets"


def issue_beside(source: Source) -> str | None:
    """The name of the METS file beside a page that tells its articles, or None."""
    if source.beside is None:
        return None
    for name, issue in _issues(source, source.beside):
        mine = f"{source.beside.folder}/{source.beside.here}" if name.startswith("../") else source.beside.here
        if mine in issue.read_with_it:
            return name
    return None


_known: OrderedDict[Hashable, list[tuple[str, Issue]]] = OrderedDict()


def _issues(source: Source, beside: Beside) -> list[tuple[str, Issue]]:
    """The issues beside a page; remembered, since an issue has many pages."""
    try:
        key = beside.key
    except OSError:
        return []
    found = _known.pop(key, None)
    if found is None:
        found = [(name, issue) for name in beside.names() if (issue := _loaded(source, beside, name))]
    _known[key] = found
    while len(_known) > _ISSUES:
        _known.popitem(last=False)
    return found


def _loaded(source: Source, beside: Beside, name: str) -> Issue | None:
    try:
        with beside.open(name) as file:
            inner = Source(name, file, owned=False, budget=budget_of(source))
            return issue_of(inner) if recognises(inner.head) else None
    except (LookupError, SourceProblem, OSError):
        return None


def budget_of(source: Source) -> Budget | None:
    """That of the archive which a source is in; files on disk unfold nothing."""
    return source.budget if source.path is None else None


def issue_of(source: Source) -> Issue:
    """What a METS file says. Raises ``SourceProblem``."""
    issue = Issue()
    for element, _ in elements(source, ("dmdsec", "filesec", "structmap", "smlink", "smlinkgrp")):
        if not issue.about:
            issue.about = attributes_of(element.getroottree().getroot())
        match local(element):
            case "dmdsec":
                issue.descriptions[attribute(element, "ID")] = _description(element)
            case "filesec":
                for file in inside(element, "file"):
                    name = relative(attribute(first(file, "flocat"), "href"))
                    if name is not None and name.lower().endswith((".xml", ".xml.gz", ".alto")):
                        issue.files[attribute(file, "ID")] = name
            case "smlink":
                _link(issue, [attribute(element, "from"), attribute(element, "to")])
            case "smlinkgrp":
                _link(issue, [attribute(one, "href").lstrip("#") for one in inside(element, "smlocatorlink")])
            case _:
                top = [_div(one) for one in element if local(one) == "div"]
                if attribute(element, "TYPE", "LABEL").casefold().startswith("log"):
                    issue.logical += top
                else:
                    issue.physical |= {div.id: div for one in top for div in one.all() if div.id}
                    _name_pages(issue, element)
    return issue


def _link(issue: Issue, ends: list[str]) -> None:
    if len(ends) > 1:
        issue.links.setdefault(ends[0], []).extend(ends[1:])


def _div(element: _Element) -> Div:
    div = Div(
        attribute(element, "ID"),
        attribute(element, "TYPE").casefold(),
        attribute(element, "LABEL"),
        attribute(element, "DMDID").split(),
    )
    for one in element:
        if local(one) == "div":
            div.children.append(_div(one))
        elif local(one) == "fptr":
            parts = list(inside(one, "area"))
            for part in parts or [one]:
                if file := attribute(part, "FILEID"):
                    div.areas.append(Area(file, attribute(part, "BEGIN"), attribute(part, "END")))
    return div


def _name_pages(issue: Issue, structure: _Element) -> None:
    for one in inside(structure, "div"):
        if attribute(one, "TYPE").casefold() == "page":
            name = attribute(one, "ORDERLABEL", "ORDER", "LABEL")
            for pointer in one:
                if local(pointer) == "fptr":
                    for part in (pointer, *inside(pointer, "area")):
                        issue.pages.setdefault(attribute(part, "FILEID"), name)


def _description(element: _Element) -> dict[str, Any]:
    """What a description says: MODS, or Dublin Core."""
    mods = first(element, "mods")
    about = mods if mods is not None else element
    host = next((one for one in inside(about, "relateditem") if attribute(one, "type") == "host"), None)
    title = child(about, "titleinfo") if mods is not None else None
    names = [one for one in about if local(one) == "name"] if mods is not None else []
    found = {
        "title": " ".join(line(one) for one in title if local(one) in ("nonsort", "title"))
        if title is not None
        else first_line(about, "title")
        if mods is None
        else "",
        "host": first_line(host, "title") if host is not None else "",
        "date": first_line(about, "dateissued") or first_line(about, "date"),
        "language": first_line(about, "languageterm") or first_line(about, "language"),
        "authors": [" ".join(lines_of(one, "namepart")) for one in names] or lines_of(about, "creator"),
        "all": fields_of(about),
    }
    return told(found)
