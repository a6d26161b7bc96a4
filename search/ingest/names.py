"""Bylines: the people and institutions in them, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from search.ingest.agencies import agency_name
from search.ingest.clean import clean_line

_BY = re.compile(
    r"^\s*(?:(?i:by|story\s+by|words\s+by|written\s+by|reported\s+by)(?::\s*|\s+|\Z)"
    r"|(?:Par|PAR|Por|POR|Door|DOOR|Af|AF|Av|AV|Von|VON)\s+(?=[^\W\d_a-z]\S*\s+[^\W\d_a-z]))"
)
# What was done by those who follow: "Reporting by", "Updated by", "Photos:".
_WORK = (
    r"(?:additional\s+)?(?:stor(?:y|ies)|words|text|written|wrote|report(?:ed|ing)?|updated|compiled|edited|editing|writing|"
    r"interview(?:ed)?|photo(?:s|graphs?|graphy)?|pictures?|videos?|illustrations?|graphics?|translat(?:ed|ion)|analysis|"
    r"review(?:ed)?|opinion|commentary|research|produced|posted|published)"
)
_DONE_BY = re.compile(rf"\s*(?i:{_WORK}(?:(?:\s+and\s+{_WORK})?\s+by\s*:?\s+|\s*:\s+))(?=[^\W\d_a-z])")
_FROM_WIRES = re.compile(
    r"\s+from\s+(?:wire|agency|staff|news|press)\s+(?:reports?|services?|releases?)\Z", re.IGNORECASE
)
_MAIL = re.compile(r"\s*[<(\[]?\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+[>)\]]?\s*")
_MAIL_FIRST = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,200}\s+\((?P<name>[^()]+)\)")  # as feeds have it
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_REMARK = re.compile(r"(?P<name>[^()]+?)\s*\((?P<remark>[^()]+)\)")
_NO_NAME = re.compile(
    r"(?:unknown|no|not given|n/?a|null|none|nan)(?:\s+(?:authors?|byline|name))?|authors?|byline|agencies|"
    r"\d+\s+min(?:ute)?s?\s+read|\d+\s+(?:minute|hour|day)s?\s+ago",
    re.IGNORECASE,
)
# What databases and programs write where there is no author; "Nan" and "Null" are names.
_NOTHING = re.compile(r"null|NULL|none|None|NONE|(?i:n/a|n\.a\.|<na>)|nan|NaN|NAN|NA|-+")
_NOT_GIVEN = re.compile(r"(?:\A|[,;|]\s*)n/a(?=\s*(?:[,;|]|\Z))", re.IGNORECASE)  # its slash parts no names
# Words of institutions: what has one is no person, and "and" does not part it from what follows.
_INSTITUTION = re.compile(
    r"\b(?:academy|administration|agency|agencies|alliance|association|authority|bank|board|bureau|cent(?:er|re)|chamber|"
    r"chronicle|club|college|commission|committee|company|confederation|congress|co-operative|corporation|corp|council|"
    r"department|dept|directorate|federation|foundation|fund|gazette|government|group|herald|hospital|inc|institute|"
    r"institution|journal|laborator(?:y|ies)|league|library|limited|ltd|llc|mail|media|ministry|ministerium|minist[eè]re|"
    r"museum|network|news|newsroom|observatory|office|organi[sz]ation|parliament|partners|party|police|post|press|"
    r"publications?|research|school|secretariat|service|society|studio|survey|syndicate|team|times|tribunal|trust|union|"
    r"universit(?:y|é|à|ät|at|ad)|watch)\b",
    re.IGNORECASE,
)
# What people are, not what they are called.
_ROLE = re.compile(
    r"\b(?:editors?|editorial|correspondents?|reporters?|writers?|staff|desk|bureau chief|columnists?|contributors?|"
    r"contributing|producers?|photographers?|photojournalist|journalists?|analysts?|critics?|special to|freelance|"
    r"intern|anchor|presenter|head of|chief|senior|political|diplomatic|redakteur(?:in)?|redacteur|redactrice|"
    r"correspondant(?:e)?|journaliste|reporterin|redaktion)\b",
    re.IGNORECASE,
)
_ROLE_ALONE = re.compile(
    r"(?:(?:the|our|own|a|an|and|staff|special|web|online|digital|news|sports?|political|politics|senior|chief|city|"
    r"foreign|national|international|business|economics?|science|technology|health|features?|culture|arts|education|"
    r"environment|crime|court|world|local|state|district|diplomatic|assistant|deputy|managing|contributing|editorial)"
    r"[\s-]+)*(?:editors?|correspondents?|reporters?|writers?|desk|staff|columnists?|contributors?|journalists?|"
    r"redaktion|bureau)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?P<name>.+?)\s+(?P<place>(?:in|à|en|aus|for|of\s+[Tt]he)\s+[^\W\d_a-z].*)")
_AFTER_NAME = re.compile(r"(?:Jr|Sr|II|III|IV|MD|M\.D|PhD|Ph\.D|MP|MBE|OBE|CBE|KC|QC|Esq)\.?", re.IGNORECASE)
_PARTICLES = {"de", "da", "di", "du", "del", "der", "den", "van", "von", "la", "le", "al", "el", "bin", "ibn", "dos",
              "st", "ten", "ter", "y"}  # fmt: skip
_INITIALS = re.compile(r"(?:[^\W\d_]\.?-?){1,3}\.?")


class Byline(NamedTuple):
    """The names of a byline, and what else stood in it: titles and desks."""

    names: tuple[str, ...]
    roles: tuple[str, ...]


def split_names(line: str) -> tuple[str, ...]:
    """The names in a byline: "By A; B and C" is A, B, C."""
    return byline(line).names


@lru_cache(maxsize=4096)
def byline(line: str) -> Byline:
    """The names in a byline and the titles beside them.

    "and" and "&" part names of persons only: "Ministry of Water and Dams" is one. A comma parts two names where every
    part has two words or more; "Ruiz, Ana" is Ana Ruiz; and "Ana Ruiz, political editor" is Ana Ruiz, with a title.
    """
    if _ADDRESS.fullmatch(line.strip()):
        return Byline((), (line.strip(),))
    line = _NOT_GIVEN.sub("", _FROM_WIRES.sub("", _BY.sub("", clean_line(line))))
    names: list[str] = []
    roles: list[str] = []
    for part, sign in _parts(line):
        if sign in ("|", "•") and names and not is_person(part) and (is_institution(part) or agency_name(part)):
            roles.append(part)  # "Ana Ruiz | Valley Post"
            continue
        for piece in _people(_DONE_BY.sub("", part)):
            _take(_without_mail(piece), names, roles)
    return Byline(unique(names), unique(roles))


def _parts(line: str) -> Iterator[tuple[str, str]]:
    """The parts of a byline between signs, each with the sign before it."""
    pieces = re.split(r"\s*([;|/•])\s*", line)
    yield from zip(pieces[::2], ["", *pieces[1::2]], strict=True)


def _without_mail(part: str) -> str:
    """A name without the address of its mail, where there is a name."""
    if "@" not in part:
        return part
    if (found := _MAIL_FIRST.fullmatch(part.strip())) is not None:
        return found["name"]
    return _MAIL.sub(" ", part).strip() or part


def is_role(name: str) -> bool:
    """Whether it says what somebody is rather than who: "Political editor"."""
    return _ROLE.search(name) is not None


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are not empty, each once, in order."""
    return tuple(dict.fromkeys(name for name in names if name))


def is_institution(text: str) -> bool:
    """Whether a word of it is one of institutions': ministry, university, post, times ..."""
    return _INSTITUTION.search(text) is not None


def _people(part: str) -> list[str]:
    """A part of a byline at the places where "and" joins two persons."""
    pieces = re.split(r",?\s+(?:and|with|und|et|y|e|og|och|en|&)\s+", part, flags=re.IGNORECASE)
    whole = re.split(r",?\s+(?:and|with|&)\s+", part, flags=re.IGNORECASE)
    if len(pieces) > 1 and all(is_person(piece) or agency_name(piece) or _placed(piece) for piece in pieces):
        return pieces
    if len(whole) > 1 and all(map(_parts_as_names, whole)):
        return whole
    return [part]


def _parts_as_names(text: str) -> bool:
    pieces = text.split(", ")
    named = all(is_person(piece) or _is_role(piece) or agency_name(piece) is not None for piece in pieces)
    return named or _inverted(text) is not None


def is_person(text: str) -> bool:
    """Two to five capitalised words, particles aside, none of an institution."""
    words = text.split()
    if not 2 <= len(words) <= 6 or _INSTITUTION.search(text) or any(c.isdigit() or c in "()[]:" for c in text):
        return False
    return all(not word[0].islower() or word.lower().strip(".") in _PARTICLES for word in words)


def _is_role(text: str) -> bool:
    return _ROLE.search(text) is not None and len(text.split()) <= 8


def _placed(text: str) -> re.Match[str] | None:
    """A person and where they write from: "Ana Ruiz in Lima"."""
    placed = _PLACE.fullmatch(text)
    return placed if placed is not None and is_person(placed["name"]) else None


def _take(part: str, names: list[str], roles: list[str]) -> None:
    part = ", ".join(piece for piece in map(str.strip, part.split(",")) if piece and not _NOTHING.fullmatch(piece))
    if not part:
        return
    if _ROLE_ALONE.fullmatch(part) or _NO_NAME.fullmatch(part) or _is_staff(part):
        roles.append(part)
        return
    if (found := _REMARK.fullmatch(part)) is not None and _is_remark(found["remark"]) and is_person(found["name"]):
        roles.append(found["remark"])
        part = found["name"]
    if (placed := _placed(part)) is not None:
        roles.append(placed["place"])
        part = placed["name"]
    if (inverted := _inverted(part)) is not None:
        names += inverted
        return
    pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
    people = [piece for piece in pieces if not _is_role(piece)]
    if len(people) > 1 and is_person(people[0]):  # "Ana Ruiz, Reuters"
        people = [people[0], *(p for p in people[1:] if agency_name(p) is None and not _INSTITUTION.search(p))]
    if len(pieces) > 1 and people and len(people) < len(pieces):
        roles += [piece for piece in pieces if piece not in people]
        part, pieces = ", ".join(people), people
    if len(pieces) > 1 and all(" " in piece for piece in pieces) and not _INSTITUTION.search(part):
        names += pieces
    elif part:
        names.append(part)


def _is_staff(part: str) -> bool:
    """Whether it names no person but who they work for, or what they write on: "Reuters Staff", "From our own
    correspondent", "Trade and Industry Correspondent"."""
    words = part.split()
    if len(words) < 2 or not _ROLE_ALONE.fullmatch(words[-1]):
        return False
    first = " ".join(words[:-1])
    return agency_name(first) is not None or " and " in first or words[0].lower() in ("from", "our", "by")


def _is_remark(text: str) -> bool:
    """Whether what stands behind a name in parentheses is no part of it: an agency, an institution, a title."""
    return agency_name(text) is not None or is_institution(text) or is_role(text)


def _inverted(part: str) -> list[str] | None:
    """The names of "Ruiz, Ana" and "Ruiz, Ana, Ode, Tom": one surname (with its particles) before each comma, and one
    or two first names or initials behind it."""
    pieces = [piece.strip() for piece in part.split(",")]
    if len(pieces) < 2 or len(pieces) % 2:
        return None
    pairs = list(zip(pieces[::2], pieces[1::2], strict=True))
    if all(_is_surname(last) and _is_first(first) for last, first in pairs):
        return [f"{first} {last}" for last, first in pairs]
    return None


def _is_surname(text: str) -> bool:
    words = text.split()
    return (
        bool(words)
        and words[-1][:1].isupper()
        and all(word.lower().strip(".") in _PARTICLES for word in words[:-1])
        and _is_plain(text)
    )


def _is_first(text: str) -> bool:
    words = text.split()
    if not 1 <= len(words) <= 3 or _AFTER_NAME.fullmatch(text) or not _is_plain(text):
        return False
    names = [word for word in words if not _INITIALS.fullmatch(word)]
    return len(names) <= 2 and all(word[0].isupper() or word.lower() in _PARTICLES for word in words)


def _is_plain(text: str) -> bool:
    return (
        not any(c.isdigit() or c in "()[]{}:@" for c in text)
        and not _INSTITUTION.search(text)
        and not _ROLE.search(text)
        and agency_name(text) is None
    )
