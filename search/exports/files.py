"""The forms in which hits leave for other programs, each declared once: for the command line and for the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from search.exports import formats, references
from search.records import Hit


class Form(NamedTuple):
    """How hits are written, a line or record each; what it is called in HTTP; and the end of a file's name."""

    lines: Callable[[Iterable[Hit]], Iterable[str]]
    media: str
    suffix: str


FORMS: Mapping[str, Form] = {
    "jsonl": Form(formats.json_lines, "application/x-ndjson", "jsonl"),
    "csv": Form(formats.csv_table, "text/csv; charset=utf-8", "csv"),
    "ids": Form(formats.ids, "text/plain; charset=utf-8", "txt"),
    "bibtex": Form(references.bibtex, "application/x-bibtex; charset=utf-8", "bib"),
    "ris": Form(references.ris, "application/x-research-info-systems; charset=utf-8", "ris"),
    "csl": Form(references.csl_json, "application/vnd.citationstyles.csl+json; charset=utf-8", "json"),
}
