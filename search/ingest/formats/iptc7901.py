"""Messages of IPTC 7901."""

from __future__ import annotations

from search.ingest.formats.base import Format
from search.ingest.formats.wires import iptc7901, is_iptc7901

FORMAT = Format(
    name="iptc7901", title="wires (IPTC 7901)", recognises=is_iptc7901, read=iptc7901, needs=("lxml",), extra="formats"
)
