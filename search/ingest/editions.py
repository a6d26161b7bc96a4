"""What agencies say of the version of an item, in their own words, as an ``Edition``: a format puts what it gives under
``extra["edition"]`` of its record, and the engine keeps the newest version of each item."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from search.ingest.clean import clean_line
from search.ingest.dates import read_date
from search.records.editions import Edition
from search.text.copies.corrections import says_correction

# The last words of codes and addresses: "stat:canceled", "http://cv.iptc.org/newscodes/pubstatusg2/withheld".
_WITHDRAWN = frozenset(
    ("canceled", "cancelled", "withheld", "withhold", "killed", "kill", "recalled", "recall", "withdrawn", "withdrawal",
     "withdraw", "elimination", "retracted", "unpublished", "spiked")
)  # fmt: skip
_CORRECTING = frozenset(("correction", "corrected", "corrective", "rectification", "clarification"))
_CODE = re.compile(r"[a-z]+")
_KILL = re.compile(r"\W*(?:MANDATORY |BULLETIN |STORY |EDITORS?:? )?(?:KILL|WITHDRAWAL|WITHDRAW)\b\s*(?:[:\-–—(]|\Z)")


def edition(
    version: object = "",
    created: object = None,
    status: object = "",
    evolved_from: object = "",
    signals: Iterable[object] = (),
    note: object = "",
) -> dict[str, Any]:
    """What an item says of its version, for ``extra["edition"]``; {} where it says nothing.

    ``status`` is the word for whether it may be used, ``signals`` are words for what kind of version it is (update,
    correction), ``note`` is what it says to editors: each in any spelling or code that agencies have for it.
    """
    words = {_last(signal) for signal in signals}
    said = clean_line(_text(note))
    reading = read_date(created) if isinstance(created, str) and created else None
    made = reading.value if reading is not None else None
    found = Edition(
        version=clean_line(_text(version)),
        created=made if isinstance(made, datetime) else None,
        withdrawn=_last(status) in _WITHDRAWN or not words.isdisjoint(_WITHDRAWN) or _KILL.match(said) is not None,
        evolved_from=clean_line(_text(evolved_from)),
        correction=not words.isdisjoint(_CORRECTING) or says_correction(said, ""),
        note=said,
    ).plain()
    return found if found.keys() - {"note"} else {}


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _last(value: object) -> str:
    """The last word of a code: "stat:canceled" is "canceled"."""
    words = _CODE.findall(_text(value).casefold())
    return words[-1] if words else ""
