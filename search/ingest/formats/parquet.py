"""Parquet and Arrow files."""

from __future__ import annotations

from search.ingest.formats.base import Format
from search.ingest.formats.columns import is_parquet, read_parquet

FORMAT = Format(
    name="parquet",
    title="Parquet and Arrow files",
    recognises=is_parquet,
    read=read_parquet,
    extensions=(".parquet", ".arrow", ".feather"),
    needs=("pyarrow",),
    extra="parquet",
)
