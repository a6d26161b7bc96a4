"""What the values of a field of an unknown name look like: an outlet, people, headlines, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from search.ingest.agencies import agency_name
from search.ingest.names import is_institution, is_role

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+\.\S+", re.IGNORECASE)
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|svg|ico|mp[34]|m3u8|pdf|css|js)(?:[?#].*)?\Z", re.IGNORECASE)
_PICTURES = re.compile(r"im(?:g|age)|thumb|photo|picture|pic|video|logo|icon|avatar|media|audio", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+(?:[a-z]{2,6})", re.IGNORECASE)
_PAPER = re.compile(
    r"(?:.*\b(?:Post|Times|Herald|Gazette|Tribune|Courier|Chronicle|Journal|Daily|Weekly|News|Observer|Mail|Express|"
    r"Mirror|Star|Standard|Dispatch|Bulletin|Echo|Press|Review|Record|Register|Argus|Ledger|Sentinel|Mercury|Monitor|"
    r"Advertiser|Independent|Guardian|Telegraph|Globe|Sun|Examiner|Inquirer|Enquirer|Broadcasting|Today|Radio|TV|"
    r"Television|Shimbun|Nachrichten|Tageblatt|Rundschau|Anzeiger|Kurier|Diario|Jornal|Courrier|Gazzetta|Corriere)\b.*"
    r"|.*(?:[Zz]eitung|[Bb]latt|[Pp]ost))"
)
_PERSON = re.compile(
    r"(?:(?i:by|von|par|por)\s+)?[^\W\d_a-z][\w.'’-]*"
    r"(?: (?:de|da|di|van|von|bin|al|el|la|der|[^\W\d_a-z][\w.'’-]*)){1,3}"
)
_NO_PEOPLE = re.compile(
    r"city|place|location|town|country|region|state|geo|tag|keyword|topic|person|people|entit|organi|type|kind|status|"
    r"ort\Z|stadt|land\Z|lieu|ville|pays|lugar|ciudad",
    re.IGNORECASE,
)  # fields whose values look like names of people
_LONGEST_NAME = 60
_LEAST_WORDS, _MOST_LINE = 4, 250  # of a headline
_MOST = 0.6  # share of the values that look so


def looks_like(name: str, values: Sequence[str]) -> str | None:
    """``url``, ``source``, ``authors`` or ``title``, if most values of a field look so; ``name`` is the field's."""
    texts = [text for value in values if (text := value.strip())]
    if not texts:
        return None

    def most(test: Callable[[str], bool]) -> bool:
        return sum(map(test, texts)) >= _MOST * len(texts)

    different = len(set(texts)) / len(texts)
    if most(_is_address):
        return None if _PICTURES.search(name) else "url"
    few = len(texts) == 1 or different <= 0.5 or len(texts) < 5
    if few and most(_is_outlet):
        return "source"
    if not _NO_PEOPLE.search(name) and most(_is_person):
        return "authors"
    if different > 1 - _MOST and most(_is_headline):
        return "title"
    return None


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None and _PICTURE.search(text) is None


def _is_outlet(text: str) -> bool:
    if len(text) > _LONGEST_NAME:
        return False
    named = agency_name(text) is not None or _DOMAIN.fullmatch(text) is not None
    return named or (len(text.split()) <= 6 and text[0].isupper() and _PAPER.fullmatch(text) is not None)


def _is_person(text: str) -> bool:
    if len(text) > _LONGEST_NAME or is_institution(text) or is_role(text):
        return False
    return all(_PERSON.fullmatch(part.strip()) for part in re.split(r",|;| and ", text))


def _is_headline(text: str) -> bool:
    return (
        "\n" not in text
        and len(text) <= _MOST_LINE
        and len(text.split()) >= _LEAST_WORDS
        and not text.endswith((".", ";", ","))
        and (text[0].isupper() or not text[0].isalpha())
    )
