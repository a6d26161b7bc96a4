"""What an archive holds, as one number that does not depend on the order, the segments or the rows of its articles.

Each article counts by 256 bits of BLAKE2b over its id and the hash of its content, and the number is their sum modulo
2^256 (an additive multiset hash: M. Bellare and D. Micciancio, EUROCRYPT 1997). Adding and burying an article is one
addition, so that a commit keeps it at no cost; merging changes nothing. It shows change, and no forgery: who may choose
articles freely can find others with the same sum.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple, Self

SETTING = "contents"
_MODULUS = 1 << 256


def weight(article_id: str, content: bytes) -> int:
    """What one article adds to the sum."""
    told = content if isinstance(content, bytes) else repr(content).encode()  # a flipped bit makes text of bytes
    data = len(told).to_bytes(8) + told + str(article_id).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=32, person=b"contents").digest())


class Contents(NamedTuple):
    """The live articles of a commit: how many, and the sum of what each counts by."""

    articles: int = 0
    total: int = 0

    @property
    def digest(self) -> str:
        """64 hexadecimal digits."""
        return f"{self.total:064x}"

    def changed(self, by: int, weights: Iterable[int]) -> Self:
        """With (1) or without (-1) articles of these weights."""
        added = list(weights)
        return self._replace(articles=self.articles + by * len(added), total=(self.total + by * sum(added)) % _MODULUS)

    def told(self, commit: int) -> list[Any]:
        """As the settings have it, with the commit of which it is so."""
        return [commit, self.articles, self.digest]

    @classmethod
    def read(cls, value: Any, commit: int) -> Self | None:
        """That of a commit; None where the settings tell of another one, or nothing that can be."""
        if not (isinstance(value, list) and len(value) == 3 and value[0] == commit):
            return None
        articles, digest = value[1:]
        if type(articles) is not int or articles < 0 or type(digest) is not str or len(digest) != 64:
            return None
        return cls(articles, int(digest, 16)) if set(digest) <= set("0123456789abcdef") else None


def set_down(connection: sqlite3.Connection, commit: int) -> Contents | None:
    """What the settings say that a commit holds; None where they say nothing of it."""
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (SETTING,)).fetchone()
    try:
        return None if row is None else Contents.read(json.loads(row[0]), commit)
    except (ValueError, TypeError, RecursionError):
        return None


def counted(connection: sqlite3.Connection, commit: int, last_row: int = (1 << 63) - 1) -> Contents:
    """What is live at a commit, whose last row this is, by a look at every article."""
    live = connection.execute(
        "SELECT id, content FROM articles WHERE row <= ? AND (died IS NULL OR died > ?)", (last_row, commit)
    )
    return Contents().changed(1, (weight(*article) for article in live))
