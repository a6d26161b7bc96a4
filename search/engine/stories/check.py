"""Whether a stories part is that of its articles."""

from __future__ import annotations

import numpy as np

from search.engine.rebuilt import CHUNK, Read
from search.engine.stories.groups import links
from search.engine.stories.part import Rows, opened, prints
from search.storage.container import Part

_AGAIN = "'broadsheet regroup' finds the copies of all articles anew"


def differs(part: Part, rows: Rows, read: Read | None) -> str | None:
    """What in a part is not so for the articles of these rows, in words; None if all is. With ``read``, also whether
    they are found by their own texts; the dead are passed over. Raises ArchiveDamaged for a part that contradicts
    itself."""
    held = opened(part)
    if not np.array_equal(held.rows, rows):
        return f"holds other articles than its segment; {_AGAIN}"
    ends = links(part)
    if not np.isin(ends[:, 0], rows).all() or (ends[:, 1] >= ends[:, 0]).any():
        return f"links other articles than its own; {_AGAIN}"
    for start in range(0, len(rows) if read is not None else 0, CHUNK):
        assert read is not None
        articles = read(rows[start : start + CHUNK].tolist())
        places = start + np.flatnonzero(np.isin(rows[start : start + CHUNK], list(articles)))
        made = prints([articles[row] for row in rows[places].tolist()], rows[places].tolist())
        known = held.digests[places]
        if not np.array_equal(made.digests[known != 0], known[known != 0]):
            return f"has the fingerprints of other texts; {_AGAIN}"
    return None
