"""PDF with a text layer, or a scan that can be recognised: columns in their order, words that hyphens part joined,
running heads left out, pages kept.

One file is one article; ``pdf_layout`` says where its columns and paragraphs are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from search.errors import MissingExtraError
from search.ingest.formats import recognition
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.pdf_layout import Line, Piece, blocks, headline, without_running_heads
from search.ingest.formats.plain import parse
from search.ingest.formats.printed import HYPHENS, joined
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

_MOST_PAGES = 10_000
_LONGEST = 50_000_000  # characters
_LARGEST = 4_000_000  # of a page that is recognised, in square inches / 72²
_MOST_PIECES = 20_000  # of text on one page
_LINE_END_HYPHENS = {0x02: "-", 0xFFFE: "-"}  # as pdfium marks them


def recognises(head: Head) -> bool:
    """It begins as a PDF does."""
    return head.find(b"%PDF-", 0, 1024) >= 0


def read(source: Source) -> Iterator[Record | Rejection]:
    """The article of the file."""
    with source.seekable() as file:
        yield from _read(source, file)


def _read(source: Source, file: BinaryIO) -> Iterator[Record | Rejection]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(file)  # which reads of it what it needs
    except pypdfium2.PdfiumError as error:
        reason = "encrypted" if "password" in str(error).lower() else f"no PDF that can be read ({error})"
        raise SourceProblem(reason) from error
    try:
        if len(document) > _MOST_PAGES:
            raise SourceProblem(f"more than {_MOST_PAGES:,} pages")
        pages: list[list[Piece]] = []
        names: list[str] = []
        scores: list[tuple[int, float]] = []  # characters that were recognised, and how surely
        size = 0
        for number in range(len(document)):
            pieces = _of_page(document, number, source) or _recognised(document, number, source, scores)
            size += sum(len(piece.text) for piece in pieces)
            if size > _LONGEST:
                raise SourceProblem(f"more than {_LONGEST // 1_000_000} million characters")
            pages.append(pieces)
            names.append(_label(document, number))
        facts = _facts(document)
    finally:
        document.close()
    yield from _article(source, pages, names, facts, scores)


def _of_page(document: Any, number: int, source: Source) -> list[Piece]:
    """The pieces of a page."""
    import pypdfium2

    pieces: list[Piece] = []
    try:
        page = document[number]
        try:
            text = page.get_textpage()
            try:
                pieces = list(_pieces(text))
            finally:
                text.close()
        finally:
            page.close()
    except pypdfium2.PdfiumError:
        source.note("pages that cannot be read")
        return []
    return pieces


def _recognised(document: Any, number: int, source: Source, scores: list[tuple[int, float]]) -> list[Piece]:
    """The pieces of a page that is a picture, where what recognises them is installed."""
    import pypdfium2

    if not recognition.available():
        source.note("pages without text (scans)")
        return []
    try:
        page = document[number]
        try:
            wide, high = page.get_size()
            if wide * high > _LARGEST:
                source.note("pages too large to be recognised")
                return []
            image = page.render(scale=recognition.DOTS / 72, rev_byteorder=False, draw_annots=False).to_numpy()
        finally:
            page.close()
    except pypdfium2.PdfiumError:
        source.note("pages that cannot be read")
        return []
    runs = recognition.recognised(image[:, :, :3] if image.ndim == 3 else image[:, :, None].repeat(3, axis=2))
    source.note("pages recognised by OCR" if runs else "pages without text", 1)
    scores += ((len(words), score) for *_, words, score in runs)
    return [Piece(left, bottom, right, top, words) for left, bottom, right, top, words, _ in runs]


def _pieces(text: Any) -> Iterator[Piece]:
    """Runs of text, each as high as its font is, whichever letters it has."""
    for place in range(min(text.count_rects(), _MOST_PIECES)):
        left, bottom, right, top = text.get_rect(place)
        words = " ".join(text.get_text_bounded(left, bottom, right, top).translate(_LINE_END_HYPHENS).split())
        if not words or right <= left or top <= bottom:
            continue
        first = text.get_index(left + 0.5, (bottom + top) / 2, 5, 5)
        if first is not None:
            _, bottom, _, top = text.get_charbox(first, loose=True)
        yield Piece(left, bottom, right, top, words)


def _article(
    source: Source,
    found: list[list[Piece]],
    names: list[str],
    facts: dict[str, str],
    scores: list[tuple[int, float]],
) -> Iterator[Record | Rejection]:
    if not any(found):
        reason = "no text on any page" if found else "a PDF without pages"
        hint = "" if recognition.available() or not found else f": a scan; {MissingExtraError('rapidocr', 'ocr')}"
        yield rejected(source, None, f"{reason}{hint}")
        return
    if dropped := without_running_heads(found):
        source.note("running heads and page numbers left out", dropped)
    pages = [[line for block in blocks(pieces) for line in block] if pieces else [] for pieces in found]
    title = headline(pages[0]) if pages else []
    paragraphs: list[tuple[int, str, bool]] = []  # page, text, whether it goes on from the one before
    for number, lines in enumerate(pages):
        for line in lines:
            if number == 0 and line in title:
                continue
            _add(paragraphs, number, line)
    head = [" ".join(line.text for line in title)] if title else []
    parsed = parse("\n\n".join([*head, *(text for _, text, _ in paragraphs[:12])]))
    start = parsed["text"].partition("\n")[0]
    first = next((place for place, (_, text, _) in enumerate(paragraphs) if start and text.startswith(start[:80])), 0)
    body, used = _joined(paragraphs[first:])
    extra = dict(parsed.pop("extra", {}))
    fields: dict[str, Any] = {**parsed, "text": body}
    if title:
        fields["title"] = head[0]
    elif not fields.get("title"):
        fields["title"] = facts.get("title", "")
    extra |= {f"document_{name}": value for name, value in facts.items()}
    extra["page_count"] = len(pages)
    if scores:
        fields["ocr_quality"] = round(sum(n * score for n, score in scores) / sum(n for n, _ in scores), 4)
    yield Record({**fields, "extra": extra}, None, body, False, tuple(names[number] for number in used))


def _add(paragraphs: list[tuple[int, str, bool]], number: int, line: Line) -> None:
    """Add a line to the last paragraph, or as a new one."""
    if paragraphs:
        page, text, goes_on = paragraphs[-1]
        open_end = text[-1] not in '.!?:;"”“’»)' or text[-1] in HYPHENS
        if page == number and not line.begins:
            paragraphs[-1] = page, _with(text, line.text), goes_on
            return
        if open_end and line.text[:1].islower():  # in another column or on another page
            if page == number:
                paragraphs[-1] = page, _with(text, line.text), goes_on
            else:
                paragraphs.append((number, line.text, True))
            return
    paragraphs.append((number, line.text, False))


def _with(text: str, more: str) -> str:
    """Two lines of a paragraph."""
    text, between = joined(text, more)
    return text + between + more


def _joined(paragraphs: Sequence[tuple[int, str, bool]]) -> tuple[str, list[int]]:
    """The text with a form feed before each page, and the pages that have a part of it."""
    text = ""
    used: list[int] = []
    for page, paragraph, goes_on in paragraphs:
        if not used:
            used.append(page)
            text = paragraph
            continue
        if goes_on and text[-1:] in HYPHENS and text[-2:-1].isalpha():
            text, between = text[:-1], ""
        else:
            between = " " if goes_on else "\n\n"
        if page != used[-1]:
            used.append(page)
            between += "\f"
        text += between + paragraph
    return text, used


def _label(document: Any, number: int) -> str:
    try:
        return str(document.get_page_label(number) or number + 1)
    except Exception:  # labels of a damaged file
        return str(number + 1)


def _facts(document: Any) -> dict[str, str]:
    """What the file says of itself."""
    try:
        found = document.get_metadata_dict(skip_empty=True)
    except Exception:  # of a damaged file
        return {}
    names = {
        "Title": "title",
        "Author": "author",
        "Subject": "subject",
        "Keywords": "keywords",
        "CreationDate": "created",
    }
    return {names[name]: str(value)[:1000] for name, value in found.items() if name in names and str(value).strip()}


FORMAT = Format(
    name="pdf",
    title="PDF; scans with the extra ocr",
    recognises=recognises,
    read=read,
    extensions=(".pdf",),
    needs=("pypdfium2",),
    extra="pdf",
    single=True,
)
