"""Whether a record is a new version of the article of its id, and which of the two the archive keeps.

Ids restart in each file of an export, and one address serves several stories. Two records of one run with one id and
another title and text are two stories: the later one gets an id of its own, made from its words, so that the same
command comes to rest. In another run they are what they always were: an update.

Where an agency says which version of an item a record is, that decides, whatever the order in which they came.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from search.records import Article
from search.records.editions import Edition
from search.storage import codec

PLACE = ("file", "place")  # in ``extra``: where a record stood, which makes it no other
_ID_KEPT = 480  # characters of an id that another is made from
_WORDS = re.compile(r"\w+")
_WORDS_LOOKED_AT = 4000  # characters
_FEW_WORDS = 10  # of so short a text nothing can be said
_AKIN = 0.7  # share of words that two versions have in common


def same(one: Article, other: Article) -> bool:
    """Whether two records say the same, wherever they stood."""
    return replace(one, extra=_without_place(one)) == replace(other, extra=_without_place(other))


def order(new: Edition | None, old: Edition | None) -> int | None:
    """1 where the new version comes after the old one, -1 before it, 0 for the same one, None where nothing tells."""
    return None if new is None or old is None else new.after(old)


def digest(article: Article) -> bytes:
    """The same for two records that say the same, wherever they stood."""
    return codec.content_hash(codec.to_json(replace(article, extra=_without_place(article))))


def poorer(new: Article, old: Article) -> str | None:
    """What ``new`` lacks that ``old`` has: "text" or "date"; None where it lacks nothing."""
    if old.text and not new.text:
        return "text"
    return "date" if old.published is not None and new.published is None else None


def two_stories(one: Article, other: Article) -> bool:
    """Whether titles and texts are both others, and not the revised words of one story, nor versions of one item."""
    if all(edition is not None and edition.ordered for edition in map(Edition.of, (one, other))):
        return False
    if _plain(one.title) == _plain(other.title) or _plain(one.text) == _plain(other.text):
        return False
    words, others = _words(one.text), _words(other.text)
    if min(len(words), len(others)) < _FEW_WORDS:
        return True
    return len(words & others) < _AKIN * min(len(words), len(others))


def own_id(article: Article) -> Article:
    """The article under an id made from the one it has and from its words."""
    digest = hashlib.sha256(f"{article.title}\0{article.text}".encode()).hexdigest()[:12]
    return replace(article, id=f"{article.id[:_ID_KEPT]}~{digest}")


def where(article: Article) -> str:
    """Where a record stood, as far as it says so."""
    file, place = (article.extra.get(name) for name in PLACE)
    return "" if file is None else f"{file}:{place}" if place is not None else str(file)


def _without_place(article: Article) -> dict[str, object]:
    return {name: value for name, value in article.extra.items() if name not in PLACE}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _words(text: str) -> set[str]:
    return set(_WORDS.findall(text[:_WORDS_LOOKED_AT].casefold()))
