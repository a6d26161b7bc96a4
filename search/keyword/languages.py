"""Languages that other packages or programs bring: an ``Analysis`` by its name, tried before anything is written."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from search.errors import ArchiveMismatch, UsageError
from search.keyword.analysis import ENGLISH, Analysis, fold, normalise, surface_of
from search.keyword.multilingual import EVERY

ENTRY_POINTS = "broadsheet.languages"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
_TRIAL = normalise("Zwei Boote, l'eau froide: 2.5 км, กรุงเทพ 東京 ٣ J. K. Rowan's co-op\n\nAT&T!")


def of(stamp: str | None, given: Analysis | None, path: Path) -> Analysis:
    """The language of an archive whose settings have this stamp: the one that was ``given``, or the installed one of
    its name, of whatever version. Raises ArchiveMismatch where there is none."""
    if given is not None:
        return given
    if stamp is None:
        return ENGLISH
    name = stamp.partition("/")[0]
    try:
        return named(name)
    except UsageError:
        raise ArchiveMismatch(
            f"the words of {path} are of the language {stamp}, which is not installed here; install the package that "
            f"brings it, or open the archive with analysis= from Python"
        ) from None


def agreed(stamp: str | None, analysis: Analysis, path: Path) -> None:
    """Raise ArchiveMismatch where an archive's words were analysed by another language or version."""
    if stamp == analysis.stamp:
        return
    name, _, version = (stamp or ENGLISH.name).partition("/")
    if name == analysis.name:
        raise ArchiveMismatch(
            f"the words of {path} were analysed by version {version} of the language {name}, and this program has "
            f"version {analysis.version}; 'broadsheet doctor --repair --index {path}' analyses them again and embeds "
            "nothing"
        )
    raise ArchiveMismatch(
        f"the words of {path} are of the language {name}, not {analysis.name}; leave analysis out, or index into a "
        "new archive"
    )


def chosen(asked: Analysis | str | None) -> Analysis | None:
    """The language that is asked for, after a trial. Raises UsageError for an unknown name and for what keeps no
    contract."""
    if asked is None or asked is ENGLISH or asked is EVERY:
        return asked
    return named(asked) if isinstance(asked, str) else checked(asked)


@cache
def named(name: str) -> Analysis:
    """The installed language of this name. Raises UsageError where there is none, or it is broken."""
    if name in (ENGLISH.name, EVERY.name):
        return ENGLISH if name == ENGLISH.name else EVERY
    points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in points:
        known = ", ".join(sorted({ENGLISH.name, EVERY.name, *points}))
        raise UsageError(f"there is no language {name!r} for words; there are {known}")
    try:
        found = points[name].load()
        found = found() if isinstance(found, type) else found
    except Exception as error:  # another package's code fails in any way
        raise UsageError(f"the language {name!r} ({points[name].value}) cannot be loaded: {error}") from error
    found = checked(found)
    if found.name != name:
        raise UsageError(f"the language {name!r} ({points[name].value}) calls itself {found.name!r}")
    return found


def checked(analysis: Any) -> Analysis:
    """The language, after a trial on a short text. Raises UsageError for what it lacks or gives wrongly."""
    if not isinstance(analysis, Analysis):
        raise UsageError(f"an object of type {type(analysis).__name__} is no language: it must be a search.Analysis")
    name, version = analysis.name, analysis.version
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in (ENGLISH.name, EVERY.name):
        raise UsageError(
            f"a language of your own needs a name of its own, of letters a to z, digits and hyphens, not {name!r}"
        )
    if type(version) is not int or version < 0:
        raise UsageError(f"the version of the language {name} must be a whole number, not {version!r}")
    if not isinstance(analysis.stop_words, frozenset) or not all(isinstance(one, str) for one in analysis.stop_words):
        raise UsageError(f"the stop words of the language {name} must be a frozenset of texts")
    try:
        spans = list(analysis.tokens(_TRIAL))
        again = list(analysis.tokens(_TRIAL))
        terms = [analysis.term(fold(surface_of(_TRIAL[start:end]))) for start, end in spans]
    except Exception as error:  # somebody else's code fails in any way
        raise UsageError(f"the language {name} fails on a short text: {error}") from error
    place = 0
    for start, end in spans:
        if not place <= start < end <= len(_TRIAL) or len(_TRIAL[start:end].split()) != 1:
            raise UsageError(
                f"the language {name} must give the words of a text in order, none empty, overlapping or with white "
                f"space in it, not {_TRIAL[start:end]!r}"
            )
        place = end
    if spans != again:
        raise UsageError(f"the language {name} gives other words when it is asked again")
    for term in terms:
        if not isinstance(term, str) or not term or not term.isprintable():
            raise UsageError(f"the language {name} must give a printable term for each word, not {term!r}")
    return analysis
