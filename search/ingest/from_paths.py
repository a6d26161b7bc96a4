"""Dates and outlets in the names of files and folders, for articles that have none of their own:
``valley-post/2019/03/12/bridge.txt``, ``valley-post_2019-03-12.txt``."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

_YEAR, _MONTH, _DAY = r"(?P<y>1[6-9]\d\d|20\d\d)", r"(?P<m>0[1-9]|1[0-2])", r"(?P<d>0[1-9]|[12]\d|3[01])"
_FOLDERS = re.compile(rf"(?:(?:^|/)(?P<source>[^/]+))?(?:^|/){_YEAR}/{_MONTH}(?:/{_DAY})?/[^/]+\Z")
_FOLDER = re.compile(rf"(?:(?:^|/)(?P<source>[^/]+))?(?:^|/){_YEAR}[-_.]?{_MONTH}[-_.]?{_DAY}/[^/]+\Z")
_FILE = re.compile(
    rf"(?:(?P<source>[^\W\d_][^/\d]*?)[-_. ]+)?(?<!\d){_YEAR}(?P<mark>[-_.]?){_MONTH}(?P=mark){_DAY}(?!\d)"
)
# Folders and files are called so whatever is in them.
_ANY = """
    archive archives article articles backup content corpus data day dataset date doc docs document documents download
    downloads dump export exports feed file files home html import inbox index input issue item items json csv lines
    misc my new news old out output page pages paper press raw report reports scan scans source sources stories story
    temp test text texts tmp txt web www xml year
"""
_GENERIC = frozenset(_ANY.split())
_SMALL = frozenset(("the", "le", "la", "el", "der", "die", "das", "of", "and", "de", "il", "sun", "new", "day"))


class Found(NamedTuple):
    """What the path of a file says. ``day`` is the first of the month where ``precision`` is "month"."""

    day: date | None = None
    precision: str = "day"
    source: str = ""


NOTHING_FOUND = Found()


def from_path(path: str, *, single: bool) -> Found:
    """The date and the outlet in a path; an outlet only beside a date. The name of a file of many articles (not
    ``single``) tells when it was made, not when they were published."""
    path = path.replace("\\", "/")
    forms = [(_FOLDERS, path), (_FOLDER, path)]
    for form, text in [(_FILE, path.rpartition("/")[2]), *forms] if single else forms:
        found = form.match(text) if form is _FILE else form.search(text)
        if found is None:
            continue
        day = found["d"]
        try:
            when = date(int(found["y"]), int(found["m"]), int(day or 1))
        except ValueError:
            continue
        return Found(when, "day" if day else "month", _outlet(found["source"] or ""))
    return NOTHING_FOUND


def _outlet(name: str) -> str:
    words = [word for word in re.split(r"[-_.\s]+", name) if word]
    if not words or any(word.casefold() in _GENERIC or word.isdigit() for word in words) or len(name) < 3:
        return ""
    if len(words) > 5 or not all(word[0].isalpha() for word in words):
        return ""
    return " ".join(map(_written, words))


def _written(word: str) -> str:
    if not word.islower():
        return word
    return word.upper() if len(word) < 4 and word not in _SMALL else word.title()
