"""The formats that can be read, and which of them an input has: by its bytes first, then by its name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from search.errors import UsageError
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.foreign import kind_of
from search.ingest.source import Head, Source

__all__ = [
    "AUTO",
    "CONTAINERS",
    "Format",
    "Record",
    "by_extension",
    "by_name",
    "kind_of",
    "known_formats",
    "knows",
    "named_format",
    "recognised",
    "rejected",
]

AUTO = "auto"
ENTRY_POINTS = "broadsheet.formats"
COMPRESSED = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
CONTAINERS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tzst")
# One module each, with a FORMAT. They are asked in this order: the particular before the general, plain text last.
BUILT_IN = (
    "nexis",
    "factiva",
    "proquest",
    "europresse",
    "docx",
    "rtf",
    "sheets",
    "ris",
    "pdf",
    "parquet",
    "sqlite",
    "wordpress",
    "feeds",
    "sitemap",
    "nitf",
    "newsml_g2",
    "newsml",
    "rcv1",
    "alto",
    "mets",
    "page_xml",
    "hocr",
    "tei",
    "iptc7901",
    "anpa1312",
    "epub",
    "chronicling",
    "warc",
    "mail",
    "html",
    "gdelt",
    "json_lines",
    "json_values",
    "table",
    "plain",
)
PLAIN = "text"


@cache
def known_formats() -> Mapping[str, Format]:
    """Every format by its name, in the order in which they are asked; other packages' before the built-in ones.

    One that cannot be loaded, or whose name is taken, is left out with a warning.
    """
    built_in: dict[str, Format] = {}
    for module in BUILT_IN:
        form = import_module(f"{__name__}.{module}").FORMAT
        built_in[form.name] = form
    others: dict[str, Format] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        try:
            form = point.load()
            if not isinstance(form, Format):
                raise TypeError(f"{point.value} is no Format")
            if form.name in built_in or form.name in others or form.name == AUTO:
                raise ValueError(f"there is a format {form.name!r} already")
        except Exception as error:  # another package's code: whatever it raises, the others are read
            warnings.warn(f"the format {point.name!r} ({point.value}) is left out: {error}", stacklevel=2)
            continue
        others[form.name] = form
    return {**others, **built_in}


def named_format(name: str) -> Format | None:
    """The format of this name, None for "auto". Raises ``UsageError`` for any other."""
    if name == AUTO:
        return None
    form = known_formats().get(name)
    if form is None:
        raise UsageError(f"no format {name!r}; there are {AUTO}, {', '.join(sorted(known_formats()))}")
    return form


def extension_of(name: str) -> str:
    """The extension of a file name, in lower case, without that of its compression."""
    name = name.lower()
    for compressed in COMPRESSED:
        name = name.removesuffix(compressed)
    dot = name.rfind(".")
    return name[dot:] if dot > max(name.rfind("/"), name.rfind("\\")) + 1 else ""


def by_extension(name: str) -> tuple[str, Format | None]:
    """The extension of a file name without that of its compression, and the format that has it."""
    extension = extension_of(name)
    return extension, next((form for form in known_formats().values() if extension in form.extensions), None)


def recognised(head: Head) -> Format | None:
    """The format that knows an input by its first bytes."""
    return next((form for form in known_formats().values() if knows(form, head)), None)


def knows(form: Format, head: Head) -> bool:
    """Whether a format recognises an input. One that fails to say is warned of, and does not."""
    try:
        return form.recognises(head)
    except Exception as error:
        warnings.warn(f"the format {form.name!r} failed to recognise an input: {error!r}"[:300], stacklevel=2)
        return False


def by_name(source: Source) -> Format | None:
    """The format of what none recognises: that which has the file's name, plain text where the name says nothing. None
    if the bytes are plainly something else; ``kind_of`` says what."""
    if kind_of(source.head) is not None:
        return None
    placed = next((form for form in known_formats().values() if form.named(source.name)), None)
    return placed or by_extension(source.name)[1] or known_formats()[PLAIN]
