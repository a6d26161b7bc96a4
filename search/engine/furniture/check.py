"""Whether a furniture part is that of its articles."""

from __future__ import annotations

import numpy as np

from search.engine.furniture.learn import Block, Integers
from search.engine.furniture.part import check_part, is_current, opened, printed
from search.engine.rebuilt import CHUNK, Read
from search.storage.container import Part
from search.text.copies.words import Hashes, mixed
from search.text.furniture import SentenceReader
from search.text.sentences import lay_out

_AGAIN = "'broadsheet doctor --repair' learns it anew"


def differs(part: Part, rows: Integers, lengths: Integers, read: Read | None) -> str | None:
    """What in a part is not so for the articles of these rows, whose texts have so many characters, in words; None if
    all is. With ``read``, also whether their sentences are those of their own texts; the dead are passed over. Raises
    ArchiveDamaged for a part that contradicts itself."""
    if not is_current(part):
        return None
    check_part(part)
    held = opened(part)
    if len(held.starts) - 1 != len(rows):
        return f"holds other articles than its segment; {_AGAIN}"
    owners = np.repeat(np.arange(len(rows)), np.diff(held.starts))
    if (held.spans[:, 1] > lengths[owners]).any():
        return f"has furniture outside of texts; {_AGAIN}"
    if read is None:
        return None
    known = _digests(Block(part["values"], part["owners"].astype(np.int64), part["places"]), len(rows))
    for start in range(0, len(rows), CHUNK):
        articles = read(rows[start : start + CHUNK].tolist())
        places = start + np.flatnonzero(np.isin(rows[start : start + CHUNK], list(articles)))
        some = [articles[row] for row in rows[places].tolist()]
        reader = SentenceReader([article.text for article in some], [lay_out(article.text) for article in some])
        made = printed(some, reader.sentences())
        same = known[places] == _digests(made.block, len(some))
        gone = known[places] == 0  # it was dead when the part was made
        if not (same | gone).all() or (part["titles"][places] != made.titles)[~gone].any():
            return f"has the sentences of other texts; {_AGAIN}"
    return None


def _digests(block: Block, count: int) -> Hashes:
    """uint64[count]: a number for the sentences of each article, 0 for none."""
    sums = np.zeros(count, np.uint64)
    np.add.at(sums, block.owners, mixed(block.values ^ mixed(block.places)))
    return sums
