"""Messages of ANPA 1312."""

from __future__ import annotations

from search.ingest.formats.base import Format
from search.ingest.formats.wires import anpa1312, is_anpa1312

FORMAT = Format(
    name="anpa1312", title="wires (ANPA 1312)", recognises=is_anpa1312, read=anpa1312, needs=("lxml",), extra="formats"
)
