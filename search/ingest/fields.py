"""A record of names and values becomes an article: fields by their common names, ids made where there is none."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from search.errors import UsageError
from search.ingest.aliases import (
    FIELDS,
    NAME_LIMIT,
    NESTED,
    VALUE_PLACES,
    VALUES,
    are_codes,
    bare_name,
    code_of,
    is_part,
    is_unsure,
    place_of,
    wraps,
)
from search.ingest.clean import clean_line, clean_text, clean_value
from search.ingest.dates import Order, read_date
from search.ingest.from_paths import NOTHING_FOUND, Found
from search.ingest.languages import language_code
from search.ingest.markup import without_markup
from search.ingest.mojibake import mended
from search.ingest.names import byline, is_person, unique
from search.records import Article
from search.records.editions import KEY as EDITION
from search.records.editions import Edition

ID_LIMIT = 512
DEPTH_LIMIT = 64  # levels of objects and lists in what goes to ``extra``
PLACE = ("file", "place")  # in ``extra``: where a record stood
PRINTED = ("furniture", "passages")  # stretches of its text that an article is printed with, none of its fields
PUBLISHED_RAW = "published_raw"
PRECISION = "published_precision"
TITLES = "author_titles"

_LABELS = ("source", "section", "language", "agency", "dateline", "caption")
_NOTHING = frozenset(
    ("null", "none", "nan", "nat", "n/a", "#n/a", "na", "<na>", "nil", "undefined", "(null)", "\\n", "[]", "{}", "()",
     "-", "--", "—", "[none]", "['']", '[""]', "(none)", "no value", "not available")
)  # fmt: skip
_NOTHING_LENGTH = max(map(len, _NOTHING))
_FLOAT_ID = re.compile(r"(\d{1,18})\.0+")
_PRINTED_LIST = re.compile(r"\[.*\]|\(.*,.*\)|\{[^:]*\}", re.DOTALL)
_PRINTED_MEMBER = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,'"\[\]{}()]+))\s*,?""")
_PRINTED_OBJECT = re.compile(r"\s*\[?\s*\{\s*['\"]")
_OPENING = ("[", "(", "{", " ")
_PRINTED_LIMIT = 2000


_ADDRESS = re.compile(r"https?://(?:www\.)?(?P<host>[^/\s?#]+)/?(?P<page>\S*)", re.IGNORECASE)
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|svg|mp4)(?:[?#]|\Z)", re.IGNORECASE)
_MEDIA = ("media", "brand", "publisher")  # whose addresses are pictures and homes


# Where rich text is an object: its members that hold more of it; and stretches of one line among them.
_PARTS = ("summary", "headline", "header", "sections", "blocks", "paragraphs", "content", "children", "nodes", "data",
          "body", "text", "items", "document", "root")  # fmt: skip
_RUNS = ("text", "span", "link", "strong", "em", "mark", "a", "hardBreak")
_BLOCKS = 12  # levels of them


class BadRecord(Exception):
    """The record cannot become an article; the message says why."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a user says of the fields: ``names`` from a column's name (bare) to a field, ``constants`` from a field to
    the value of all articles that have none."""

    names: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, map: Mapping[str, str | list[str]] | None, set: Mapping[str, str] | None) -> Mapped:
        """From ``{"text": "Artikeltext"}`` (several names: a list, or with commas) and ``{"source": "Valley Post"}``.
        Raises ``UsageError`` for a field that there is not."""
        names: dict[str, str] = {}
        for target, given in (map or {}).items():
            _check_field(target)
            for name in given.split(",") if isinstance(given, str) else given:
                if name.strip():
                    names[bare_name(name)] = target
        for target in set or {}:
            _check_field(target)
            if target in ("id", "pages", "ocr_quality", "extra"):
                raise UsageError(f"{target} cannot be the same for all articles")
        return cls(names, dict(set or {}))


def _check_field(name: str) -> None:
    if name not in FIELDS:
        raise UsageError(f"an article has no field {name!r}; its fields are {', '.join(FIELDS)}")


UNMAPPED = Mapped()


class Draft:
    """A record whose fields have been told apart, so that its date can be looked at before the article is made.

    After ``article()``: ``two_ways`` (its date could be read in two ways), ``precision`` of the date, ``mended`` (its
    text had been decoded wrongly), ``summary`` (the name of the field that stands for a text that is not there),
    ``filled`` (fields that the file's path gave).
    """

    __slots__ = (
        "_candidates", "_chosen", "_extra", "_inside", "_markup", "_names", "_pages", "_sources", "filled", "mended",
        "precision", "summary", "two_ways",
    )  # fmt: skip

    def __init__(
        self,
        record: Mapping[str, Any],
        mapped: Mapped = UNMAPPED,
        *,
        markup: bool = True,
        pages: tuple[str, ...] = (),
    ) -> None:
        self._chosen: dict[str, tuple[int, str, Any]] = {}
        self._candidates: list[tuple[int, str, Any]] = []  # dates
        self._sources: list[tuple[int, str, Any]] = []
        self._extra: dict[str, Any] = {}
        self._names = record
        self._inside = False
        self._markup = markup
        self._pages = pages
        self.two_ways = self.mended = False
        self.precision = "day"
        self.summary = ""
        self.filled: tuple[str, ...] = ()
        simple = not mapped.names
        for name, value in (_decoded(record) if are_codes(record) else record).items():
            place = place_of(name) if simple and type(value) is str else self._place(name, value, mapped)
            if place is None:
                self._unknown(name, value, mapped)
            elif not _is_empty(value):
                self._choose(*place, name, value)
        if "text" not in self._chosen and "title" not in self._chosen:
            self._look_inside(mapped)
        for target, value in mapped.constants.items():
            self._chosen.setdefault(target, (0, target, value))

    @property
    def date(self) -> Any:
        """The raw value of its date, None without one."""
        return self._chosen["published"][2] if "published" in self._chosen else None

    @property
    def is_article(self) -> bool:
        """Whether it has a title, or a text and something else, as a mere paragraph has not. In an object inside is not
        enough."""
        return not self._inside and (
            "title" in self._chosen
            or ("text" in self._chosen and any(name in self._chosen for name in ("published", "url", "id", "source")))
        )

    @property
    def has_id(self) -> bool:
        """Whether it has an id of its own."""
        return "id" in self._chosen

    @property
    def withdrawn(self) -> bool:
        """Whether it is no article but the word that an item must not be used any more."""
        _, _, extra = self._chosen.get("extra", (0, "", None))
        edition = Edition.read(extra.get(EDITION)) if isinstance(extra, Mapping) else None
        return edition is not None and edition.withdrawn and self.has_id

    @property
    def size(self) -> int:
        """Characters of its text, about."""
        value = self._chosen["text"][2] if "text" in self._chosen else ""
        return len(value) if isinstance(value, str) else 1000

    @property
    def shape(self) -> tuple[str, ...]:
        """The names of the record's fields."""
        return tuple(self._names)

    @property
    def named(self) -> Iterator[tuple[str, str]]:
        """Each field that the record has, with the name it goes by there."""
        return ((target, chosen[1]) for target, chosen in self._chosen.items())

    @property
    def chosen(self) -> Iterator[tuple[str, str, Any]]:
        """Each field that the record has, with the name and the value that it has there."""
        return ((target, name, value) for target, (_, name, value) in self._chosen.items())

    @property
    def unused(self) -> Iterator[tuple[str, Any]]:
        """The fields of unknown names that hold something."""
        return ((name, value) for name, value in self._extra.items() if not _is_empty(value))

    def _place(self, name: str, value: Any, mapped: Mapped) -> tuple[str, int] | None:
        if len(name) > NAME_LIMIT:
            return None
        if mapped.names and (target := mapped.names.get(bare_name(name))) is not None:
            return target, -1
        place = place_of(name)
        if place is not None and isinstance(value, Mapping) and wraps(name):
            return None if place[0] == "published" or _holds_article(value) else place
        return place

    def _choose(self, target: str, rank: int, name: str, value: Any) -> None:
        if target == "published":
            if is_unsure(rank) and read_date(value).value is None:
                self._extra[name] = value
                return
            self._candidates.append((rank, name, value))
        elif target == "source":
            self._sources.append((rank, name, value))
        held = self._chosen.get(target)
        if held is not None and held[0] <= rank:
            self._extra[name] = value
            return
        if held is not None:
            self._extra[held[1]] = held[2]
        self._chosen[target] = rank, name, value

    def _unknown(self, name: str, value: Any, mapped: Mapped) -> None:
        wrapped = isinstance(value, Mapping) and wraps(name)
        if not isinstance(value, Mapping) or not (wrapped or mapped.names):
            self._extra[name] = value
            return
        self._unfold(name, value, mapped, known=wrapped)

    def _look_inside(self, mapped: Mapped) -> None:
        """Take the fields of an object of an unknown name in which the article stands."""
        for name, value in list(self._extra.items()):
            if isinstance(value, Mapping) and _holds_article(value):
                del self._extra[name]
                self._inside = True
                self._unfold(name, value, mapped, known=True)
                return

    def _unfold(self, name: str, value: Mapping[str, Any], mapped: Mapped, *, known: bool) -> None:
        """Take the fields of an object; of one that is not ``known`` to hold some, those that a user names."""
        left: dict[str, Any] = {}
        for inner, member in value.items():
            target = mapped.names.get(bare_name(f"{name}.{inner}"))
            place = (target, -1) if target is not None else self._place(str(inner), member, mapped) if known else None
            if place is None or _is_empty(member):
                left[inner] = member
            else:
                self._choose(
                    place[0], place[1] if place[1] < 0 else place[1] % NESTED + NESTED, f"{name}.{inner}", member
                )
        if left:
            self._extra[name] = left

    def article(
        self,
        order: Order | None = None,
        file: str | None = None,
        place: int | str | None = None,
        path: Found = NOTHING_FOUND,
    ) -> Article:
        """The article. Raises ``BadRecord`` where there is none. ``order`` is that of day and month in its column;
        ``file`` and ``place`` are where it stood, kept in ``extra``; ``path`` is what the file's path says of it.

        The fields of unknown names, and those of known ones that were not used, go to ``extra``. A date that cannot be
        read, or could be read in two ways, costs the article nothing: its raw value is kept as
        ``extra["published_raw"]``; a month or a year alone as its first day with ``extra["published_precision"]``.
        """
        chosen, extra = self._chosen, self._extra
        text, pages = self._paged(self._text("text"))
        title = clean_line(self._words(self._text("title")))
        if not text.strip():
            if not title and not self.withdrawn:
                found = ", ".join(clean_line(str(name))[:40] for name in list(self._names)[:12]) or "none"
                raise BadRecord(f"neither title nor text (fields found: {found})")
            text = ""
        elif is_part(chosen["text"][0]):
            self.summary = chosen["text"][1]
        fields: dict[str, Any] = {"title": title, "text": text}
        if pages:
            fields["pages"] = pages
        self._measured(fields)
        for target in _LABELS:
            if target in chosen:
                _, name, value = chosen[target]
                label, whole = self._label(value)
                if target == "source" and "://" in label:
                    name, value, label, whole = self._outlet(name, value, label)
                if target == "language":
                    code = language_code(label)
                    whole = whole and (code == label or label.isalpha())
                    label = code
                fields[target] = label
                if not whole:
                    extra[name] = value
        if "authors" in chosen:
            _, name, value = chosen["authors"]
            names, roles, whole = self._authors(value)
            fields["authors"] = names
            if roles:
                extra[TITLES] = list(roles)
            if not whole:
                extra[name] = value
        if "url" in chosen:
            _, name, value = chosen["url"]
            fields["url"], whole = _url(_printed(value) if isinstance(value, str) else value)
            if not whole:
                extra[name] = value
        if self._candidates or "published" in chosen:
            self._date(fields, order)
        if fields.get("published") is None and (parts := self._date_in_parts()) is not None:
            fields["published"] = parts
            extra.pop(PUBLISHED_RAW, None)
        if path is not NOTHING_FOUND:
            self._fill(fields, path)
        if "extra" in chosen:
            _, name, value = chosen["extra"]
            if isinstance(value, Mapping):  # an article as it was printed; where it stood then is no matter now
                extra = {**{inner: member for inner, member in value.items() if inner not in PLACE}, **extra}
            else:
                extra = {**extra, name: value}
        for name in PRINTED:
            if name in extra and _stretches_of(text, extra[name]):
                del extra[name]
        if extra:
            extra = {clean_value(str(name)): _json_value(value) for name, value in extra.items()}
        if file is not None:
            extra = _with_place(extra, file, place)
        if extra:
            fields["extra"] = extra
        given = _given_id(chosen["id"][2]) if "id" in chosen else None
        return Article(id=given or _made_id(fields), **fields)

    def _paged(self, text: str) -> tuple[str, tuple[tuple[int, str], ...]]:
        """The text, clean, and where its pages begin: form feeds part them, where their names are given."""
        pieces = [clean_text(self._words(piece)) for piece in (text.split("\f") if self._pages else (text,))]
        starts = accumulate(map(len, pieces[:-1]), initial=0)
        return "".join(pieces), tuple(zip(starts, map(clean_line, self._pages), strict=False))

    def _measured(self, fields: dict[str, Any]) -> None:
        """Take in pages and quality as articles are printed; what is none of these is kept as it stands."""
        for target in ("pages", "ocr_quality"):
            if target not in self._chosen:
                continue
            _, name, value = self._chosen[target]
            try:
                Article(id="-", text=fields["text"], **{target: value})
            except UsageError:
                self._extra[name] = value
            else:
                fields.setdefault(target, value)

    def _fill(self, fields: dict[str, Any], found: Found) -> None:
        """Take from the path what the record does not have."""
        if fields.get("published") is None and found.day is not None and PUBLISHED_RAW not in self._extra:
            fields["published"] = found.day
            self.filled += ("published",)
            if found.precision != "day":
                self._extra[PRECISION] = found.precision
        if not fields.get("source") and found.source:
            fields["source"] = found.source
            self.filled += ("source",)

    def _words(self, text: str) -> str:
        if self._markup and ("<" in text or "&" in text):
            text = without_markup(text)
        if text.isascii():
            return text
        repaired = mended(text)
        if repaired is not text and repaired != text:
            self.mended = True
        return repaired

    def _text(self, target: str) -> str:
        if target not in self._chosen:
            return ""
        _, name, value = self._chosen[target]
        if isinstance(value, str):
            if value[:2] in ("['", '["') and (parts := _printed_list(value, len(value))) is not None:
                return ("\n\n" if target == "text" else " ").join(parts)  # paragraphs, or a title in a list
            return value
        text = _joined(value)
        if text is None and target == "title" and isinstance(value, int | float) and not isinstance(value, bool):
            text = str(value)
        if text is None:
            raise BadRecord(f"{clean_line(name)} must be a string, not {json_type(value)}")
        return text

    def _label(self, value: object) -> tuple[str, bool]:
        """One line for a value, and whether that is all of it."""
        if isinstance(value, str):
            value = _printed(value)
        label, whole = _label(value)
        return clean_line(self._words(label)), whole

    def _outlet(self, name: str, value: Any, label: str) -> tuple[str, Any, str, bool]:
        """The source where the likeliest field of one holds an address: the next that holds a name, else the host. An
        address of a page that no other field gives is the article's."""
        found = _ADDRESS.match(label)
        if found is None:
            return name, value, label, True
        for _, other, candidate in sorted(self._sources, key=lambda one: one[0]):
            outlet, whole = self._label(candidate)
            if outlet and "://" not in outlet:
                self._extra.pop(other, None)
                if not self._is_page(found, name):
                    self._extra[name] = value
                return other, candidate, outlet, whole
        return name, value, found["host"], self._is_page(found, name)

    def _is_page(self, found: re.Match[str], name: str) -> bool:
        """Whether the address under a source's name is taken for the article's own."""
        if "url" in self._chosen or not found["page"] or bare_name(name) in _MEDIA or _PICTURE.search(found["page"]):
            return False
        self._chosen["url"] = NESTED, name, found[0]
        return True

    def _authors(self, value: object) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        """The names, the titles beside them, and whether that is all."""
        if isinstance(value, str):
            value = _printed(value)
        members: list[Any] = value if isinstance(value, list) else [value]
        names: list[str] = []
        roles: list[str] = []
        whole = True
        for member in members:
            if isinstance(member, Mapping) and isinstance(member.get("by"), list):  # Arc's credits
                inner, others, _ = self._authors(member["by"])
                names += inner
                roles += others
                whole = False
                continue
            label, complete = _person(member)
            whole &= complete
            words = self._words(label)
            lines = words.splitlines()
            for each in lines if len(lines) > 1 and all(map(is_person, lines)) else (words,):  # a name a line
                line = byline(clean_line(each))
                names += line.names
                roles += line.roles
        return unique(names), unique(roles), whole

    def _date(self, fields: dict[str, Any], order: Order | None) -> None:
        chosen = self._chosen["published"]
        raw = chosen[2]
        reading = read_date(raw, order)
        if reading.value is None:
            for _, name, value in sorted(self._candidates, key=lambda candidate: candidate[0]):
                if name != chosen[1] and (other := read_date(value, order)).value is not None:
                    reading, raw = other, value
                    self._extra.pop(name, None)
                    self._extra[chosen[1]] = chosen[2]
                    break
        fields["published"] = reading.value
        self.two_ways, self.precision = reading.two_ways, reading.precision
        if not reading.certain or reading.precision != "day":
            self._extra[PUBLISHED_RAW] = raw
        if reading.precision != "day":
            self._extra[PRECISION] = reading.precision

    def _date_in_parts(self) -> Any:
        """The date of three columns: year, month, day."""
        bare = {bare_name(name): value for name, value in self._names.items() if len(name) < 8}
        if not bare.keys() >= {"year", "month"}:
            return None
        parts = [str(bare.get(name, 1)).removesuffix(".0") for name in ("year", "month", "day")]
        if not all(part.isdigit() for part in parts):
            return None
        reading = read_date("-".join([parts[0].zfill(4), parts[1].zfill(2), parts[2].zfill(2)]))
        if reading.value is not None and "day" not in bare:
            self.precision = self._extra[PRECISION] = "month"
        return reading.value


def to_article(record: Mapping[str, Any], *, markup: bool = True) -> Article:
    """The article that ``record`` describes. Raises ``BadRecord`` where there is none."""
    return Draft(record, markup=markup).article()


def _stretches_of(text: str, value: object) -> bool:
    """Whether a value says no more than which stretches of a text there are: each with its words and where they stand,
    as articles are printed with."""
    return isinstance(value, list) and all(
        isinstance(stretch, Mapping)
        and set(stretch) == {"text", "start", "end"}
        and type(start := stretch["start"]) is int
        and type(end := stretch["end"]) is int
        and 0 <= start < end
        and stretch["text"] == text[start:end]
        for stretch in value
    )


def _with_place(extra: dict[str, Any], file: str, place: int | str | None) -> dict[str, Any]:
    """``extra`` with where the record stood; fields of the record's own of these names make way."""
    given = {f"{name}_given" if name in PLACE else name: value for name, value in extra.items()}
    given["file"] = clean_value(file)
    if place is not None:
        given["place"] = place
    return given


def _holds_article(value: Mapping[str, Any]) -> bool:
    """Whether an object has a text or a title and another field of an article, so that it is no mere name."""
    names = (str(name)[:NAME_LIMIT] for name in list(value)[:100])
    targets = {place[0] for name in names if name not in ("name", "label") and (place := place_of(name)) is not None}
    return len(targets) > 1 and not targets.isdisjoint(("title", "text")) and not targets <= {"title", "id", "url"}


def _decoded(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of Factiva's codes by names of fields: its lead and the rest are one text, its day and time one date."""
    parts = [record[code] for code in ("LP", "TD") if isinstance(record.get(code), str)]
    when = " ".join(str(record[code]) for code in ("PD", "ET") if record.get(code))
    others = {code_of(name) or name: value for name, value in record.items() if name not in ("LP", "TD", "PD", "ET")}
    return {**others, "text": "\n\n".join(parts), "published": when}


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        if len(value) <= _NOTHING_LENGTH:
            return not value or value.isspace() or value.strip().casefold() in _NOTHING
        return value.isspace()
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, list | dict) and not value)


def _joined(value: object, depth: int = 0) -> str | None:
    """The text of paragraphs in a list, or of an object that holds it, by itself or in sections and blocks. None for
    anything else."""
    if isinstance(value, str):
        return value
    if depth > _BLOCKS:
        return None
    if isinstance(value, Mapping):
        members = sorted((VALUE_PLACES[str(name).casefold()], v) for name, v in value.items()
                         if str(name).casefold() in VALUE_PLACES and isinstance(v, str))  # fmt: skip
        strings = [v for v in value.values() if isinstance(v, str)]
        if members or (len(value) == 1 and strings):
            return members[0][1] if members else strings[0]
        blocks = [_joined(v, depth + 1) for name, v in value.items()
                  if str(name) in _PARTS and isinstance(v, list | dict)]  # fmt: skip
        return "\n\n".join(block for block in blocks if block) or None
    if isinstance(value, list) and value:
        runs = all(isinstance(member, Mapping) and member.get("type", member.get("_type")) in _RUNS for member in value)
        parts = [_joined(member, depth + 1) for member in value]
        found = [part for part in parts if part is not None]
        return ("" if runs else "\n\n").join(found) if found else None
    return None


def json_type(value: object) -> str:
    """What JSON calls a value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an object" if isinstance(value, Mapping) else "an array"


def _label(value: object) -> tuple[str, bool]:
    """The words for a value, and whether they are all of it. An object gives its name, an array its first member."""
    if isinstance(value, str):
        return value, True
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value), True
    if isinstance(value, Mapping):
        for name in VALUES:
            if isinstance(member := value.get(name), str) and not _is_empty(member):
                return member, all(other == name or _is_empty(v) for other, v in value.items())
        return "", False
    if isinstance(value, list) and value:
        label, whole = _label(value[0]) if not isinstance(value[0], list) else ("", False)
        return label, whole and len(value) == 1
    return "", False


def _person(value: object) -> tuple[str, bool]:
    if isinstance(value, int | float):  # the number of an author is no name
        return "", False
    label, whole = _label(value)
    if label or not isinstance(value, Mapping):
        return label, whole
    members = {bare_name(str(name)): member for name, member in value.items() if isinstance(member, str)}
    first = next((members[n] for n in ("firstname", "givenname", "first", "given", "vorname") if n in members), "")
    last = next((members[n] for n in ("lastname", "familyname", "surname", "last", "family") if n in members), "")
    return f"{first} {last}".strip(), len(value) <= 2


def _url(value: object) -> tuple[str, bool]:
    if isinstance(value, Mapping):
        for name in ("@id", "url", "href"):
            if isinstance(member := value.get(name), str):
                return clean_line(member), len(value) == 1
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        address, whole = _url(value[0])
        return address, whole and len(value) == 1
    label, whole = _label(value)
    return clean_line(label.replace("&amp;", "&")), whole


def _printed_list(text: str, limit: int = _PRINTED_LIMIT) -> list[str] | None:
    """The members of a list that a program printed: "['Ana Ruiz', 'Tom Ode']", "[]", "{a,b}". None for other text."""
    if text[:1] not in _OPENING or len(text) > limit:
        return None
    text = text.strip()
    if text[:1] not in _OPENING[:3] or len(text) > limit or not _PRINTED_LIST.fullmatch(text):
        return None
    inside = text[1:-1].strip()
    members: list[str] = []
    place = 0
    while place < len(inside):
        found = _PRINTED_MEMBER.match(inside, place)
        if found is None or found.end() == place:
            return None
        member = found[1] if found[1] is not None else found[2] if found[2] is not None else found[3]
        members.append(re.sub(r"\\(.)", r"\1", member).strip())
        place = found.end()
    if text[0] == "(" and not any(mark in text for mark in "'\""):
        return None
    return [member for member in members if not _is_empty(member)]


def _printed(text: str) -> Any:
    """The value of a field that a program printed as a list or an object: "[{'name': 'Ana Ruiz'}]"; else the text."""
    if _PRINTED_OBJECT.match(text) is not None and len(text) <= _PRINTED_LIMIT:
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(text)
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
            if isinstance(value, dict | list):
                return value
    members = _printed_list(text)
    return text if members is None else members


def _given_id(value: object) -> str | None:
    if isinstance(value, Mapping) and len(value) == 1 and "$oid" in value:  # as MongoDB exports write it
        value = value["$oid"]
    if isinstance(value, float) and value.is_integer():  # a column of whole numbers with a gap, as pandas writes it
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRecord(f"id must be a string, not {json_type(value)}")
    text = str(value).strip()
    if (whole := _FLOAT_ID.fullmatch(text)) is not None:
        text = whole[1]
    if not 0 < len(text) <= ID_LIMIT:
        raise BadRecord(f"id has {len(text)} characters; 1 to {ID_LIMIT} are allowed")
    if not text.isprintable():
        raise BadRecord("id has control characters or others that cannot be printed")
    return text


def _made_id(fields: Mapping[str, Any]) -> str:
    """``u-`` and 32 hex digits of SHA-256 over the url; without a url ``c-`` and those over title, text, date and
    source, so that two outlets' copies of one text stay two articles."""
    if fields.get("url"):
        return "u-" + hashlib.sha256(fields["url"].encode()).hexdigest()[:32]
    published = fields.get("published")
    parts = fields["title"], fields["text"], published.isoformat() if published else "", fields.get("source", "")
    return "c-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _json_value(value: Any, depth: int = 1) -> Any:
    """``value`` as any JSON file can hold it: no lone surrogates, no NaN or infinity (they become null)."""
    if isinstance(value, str):
        return clean_value(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if depth > DEPTH_LIMIT:
        raise BadRecord(f"objects and arrays nested deeper than {DEPTH_LIMIT}")
    if isinstance(value, Mapping):
        return {clean_value(str(name)): _json_value(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(member, depth + 1) for member in value]
    return clean_value(str(value))
