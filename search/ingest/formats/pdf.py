"""PDF with a text layer, or a scan that can be recognised: columns in their order, words that hyphens part joined,
running heads left out, pages kept.

A page is cut where white space goes through: into columns where it goes from top to bottom, else into what stands above
and below (the recursive cut of Nagy and Seth, 1984). One file is one article.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, BinaryIO, NamedTuple

from search.errors import MissingExtraError
from search.ingest.formats import recognition
from search.ingest.formats.base import Format, Record, rejected
from search.ingest.formats.plain import parse
from search.ingest.formats.printed import HYPHENS, joined
from search.ingest.source import Head, Source, SourceProblem
from search.records import Rejection

_MOST_PAGES = 10_000
_LONGEST = 50_000_000  # characters
_LARGEST = 4_000_000  # of a page that is recognised, in square inches / 72²
_MOST_PIECES = 20_000  # of text on one page
_DEEPEST = 40  # cuts in cuts
_GUTTER = 0.6  # the least white space between columns, in heights of a line
_SHORT = 0.6  # of the width of its block: a line that is shorter ends a paragraph
_LABEL_LINES, _LABEL = 3, 60  # lines and characters of a block whose lines are each for itself
_APART = 0.9  # the least white space between what stands above and below, in heights of a line
_EDGE = 2  # lines at the top and the bottom of a page that may be running heads
_HEADLINE = 1.25  # heights of a line of the text, from which on a line is a headline's
_PAGE_NUMBER = re.compile(
    r"[-–— ]*(?:(?:page|seite|p\.|s\.)\s*)?\d{1,4}(?:\s*(?:of|von|de|/)\s*\d{1,4})?[-–— ]*", re.IGNORECASE
)
_LINE_END_HYPHENS = {0x02: "-", 0xFFFE: "-"}  # as pdfium marks them


class Piece(NamedTuple):
    """A run of text and where it stands; ``top`` is above ``bottom``."""

    left: float
    bottom: float
    right: float
    top: float
    text: str

    @property
    def height(self) -> float:
        """Of its letters, about."""
        return self.top - self.bottom


@dataclass
class Line:
    """Pieces beside each other. ``begins``: it begins a paragraph."""

    pieces: list[Piece]
    begins: bool = False
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = _beside(self.pieces)

    @property
    def height(self) -> float:
        """Of its highest piece."""
        return max(piece.height for piece in self.pieces)


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


def blocks(pieces: Sequence[Piece]) -> list[list[Line]]:
    """The lines of a page, block by block."""
    height = median(piece.height for piece in pieces)
    found: list[list[Piece]] = []
    _cut(list(pieces), height, found, 0)
    return [_block(block, height) for block in found]


def _cut(pieces: list[Piece], height: float, found: list[list[Piece]], depth: int) -> None:
    if depth < _DEEPEST and len(pieces) > 1:
        # Columns first: space from top to bottom, with more than a line on either side.
        at = _gap([(piece.left, piece.right) for piece in pieces], _GUTTER * height)
        if at is not None:
            sides = [piece for piece in pieces if piece.right <= at], [piece for piece in pieces if piece.right > at]
            if min(map(_rows, sides)) > 1:
                for side in sides:
                    _cut(side, height, found, depth + 1)
                return
        at = _gap([(piece.bottom, piece.top) for piece in pieces], _APART * height)
        if at is not None:
            _cut([piece for piece in pieces if piece.bottom >= at], height, found, depth + 1)
            _cut([piece for piece in pieces if piece.bottom < at], height, found, depth + 1)
            return
    found.append(pieces)


def _gap(spans: list[tuple[float, float]], least: float) -> float | None:
    """The end of the widest stretch that no span covers, where it is wide enough."""
    best: tuple[float, float] | None = None
    end: float | None = None
    for start, stop in sorted(spans):
        if end is not None and start - end >= least and (best is None or start - end > best[0]):
            best = start - end, start - (start - end) / 2
        end = stop if end is None else max(end, stop)
    return None if best is None else best[1]


def _rows(pieces: Sequence[Piece]) -> int:
    return len({round(piece.bottom) for piece in pieces})


def _block(pieces: list[Piece], height: float) -> list[Line]:
    """The lines of a block from top to bottom; an indent or a wider gap begins a paragraph."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.bottom, piece.left)):
        middle = (piece.bottom + piece.top) / 2
        if rows and rows[-1][0].bottom - 0.2 * height <= middle <= rows[-1][0].top + 0.2 * height:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    lines = [Line(sorted(row, key=lambda piece: piece.left)) for row in rows]
    edge = min((line.pieces[0].left for line in lines), default=0.0)
    right = max((line.pieces[-1].right for line in lines), default=0.0)
    steps = [above.pieces[0].bottom - below.pieces[0].bottom for above, below in pairwise(lines)]
    step = median(steps) if steps else 0.0
    label = len(lines) <= _LABEL_LINES and all(len(line.text) <= _LABEL for line in lines)  # a byline, a date
    for place, line in enumerate(lines):
        if place == 0 or label:
            line.begins = True
            continue
        indented = height < line.pieces[0].left - edge < 6 * height and lines[place - 1].pieces[0].left - edge < height
        other = abs(line.height - lines[place - 1].height) > 0.2 * height
        before = lines[place - 1].pieces[-1].right
        line.begins = indented or other or steps[place - 1] > 1.4 * step or before - edge < _SHORT * (right - edge)
    return lines


def _beside(pieces: Sequence[Piece]) -> str:
    """The text of pieces in a line, with a space where there is one between them."""
    text = pieces[0].text
    for before, piece in pairwise(pieces):
        text += ("" if piece.left - before.right < 0.12 * piece.height else " ") + piece.text
    return text


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
    if dropped := _without_running_heads(found):
        source.note("running heads and page numbers left out", dropped)
    pages = [[line for block in blocks(pieces) for line in block] if pieces else [] for pieces in found]
    title = _headline(pages[0]) if pages else []
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


def _headline(lines: Sequence[Line]) -> list[Line]:
    """The lines of the first page in its largest letters, where these are larger than the text's."""
    if len(lines) < 3:
        return []
    usual = median(line.height for line in lines)
    largest = max(line.height for line in lines)
    if largest < _HEADLINE * usual:
        return []
    place = next(place for place, line in enumerate(lines) if line.height > 0.95 * largest)
    found: list[Line] = []
    for line in lines[place : place + 5]:
        if line.height < 0.9 * largest:
            break
        found.append(line)
    return found if sum(len(line.text) for line in found) < 300 else []


def _without_running_heads(pages: list[list[Piece]]) -> int:
    """Take pieces off the edges of pages that other pages have too, but for their numbers; returns how many."""
    edges = [_edges(pieces) for pieces in pages]
    counts = Counter(bare for edge in edges for bare in {_bare(piece.text) for piece in edge})
    filled = sum(bool(pieces) for pieces in pages)
    dropped = 0
    for pieces, edge in zip(pages, edges, strict=True):
        for piece in edge:
            bare = _bare(piece.text)
            repeated = filled > 1 and counts[bare] >= max(2, 0.4 * filled) and len(bare) < 120
            if len(pieces) > 1 and (repeated or _PAGE_NUMBER.fullmatch(piece.text)):
                pieces.remove(piece)
                dropped += 1
    return dropped


def _edges(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces in the highest and the lowest rows of a page."""
    rows = sorted({round(piece.bottom) for piece in pieces})
    if len(rows) <= 2 * _EDGE:
        return []
    edge = {*rows[:_EDGE], *rows[-_EDGE:]}
    return [piece for piece in pieces if round(piece.bottom) in edge]


def _bare(text: str) -> str:
    return re.sub(r"\d+", "#", text.casefold())


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
