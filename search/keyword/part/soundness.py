"""Whether the numbers of a keyword part agree with each other: what no checksum says of a part that a stranger made.

What reads a part follows its numbers without a look: where runs start, how often a word occurs, how long an article is.
Crafted ones would lead outside the arrays, or ask for memory without end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.errors import ArchiveDamaged
from search.keyword.analysis import ANALYSIS_VERSION, GAP, SPACES, SUBFIELDS, TEXT_SPACE
from search.keyword.part.layout import OFFSETS
from search.keyword.part.packing import Array, code_bits, code_sizes
from search.storage.container import Part

_TEXT = len(SUBFIELDS) - 1  # the sub-fields before it are the first units of every row
_BLOCK = 1 << 20  # numbers that are widened at once
_BYTES, _STARTS, _NUMBERS = ("|u1",), ("<i8",), ("|u1", "<u2", "<u4")
_TYPES = {
    "lengths": ("<u4",),
    **{f"{name}_blob": _BYTES for name in ("terms", "forms", "words")},
    **{f"{name}_ends": ("<u4", "<u8") for name in ("terms", "forms", "words")},
    "form_starts": ("<i4",),
    "word_form_starts": ("<u4",),
    "word_forms": ("<u4",),
    "word_counts": ("<u4", "<u8"),
    **{f"{name}_starts": _STARTS for name in ("posting", "position", "minor", "code", "sentence", "paragraph")},
    "docs": ("<u2", "<u4"),
    **dict.fromkeys(("freqs", "positions"), _NUMBERS),
    **{f"{name}_wide_at": ("<u8",) for name in ("freqs", "positions")},
    **{f"{name}_wide": ("<u4",) for name in ("freqs", "positions")},
    "minor_postings": ("<u4",),
    "minor_fields": _BYTES,
    "minor_freqs": _NUMBERS,
    "codes": _BYTES,
    "sentences": _NUMBERS,
    "paragraphs": _NUMBERS,
    OFFSETS: _NUMBERS,
}


def check_part(part: Part) -> bool:
    """Raise ArchiveDamaged for a part whose numbers contradict each other: some 3 bytes an occurrence are read.

    False where that cannot be said: another version of the analysis made it, and nothing here reads it.
    """
    if part.meta.get("analysis") != ANALYSIS_VERSION:
        return False
    for name, types in _TYPES.items():
        if name == OFFSETS and name not in part:
            continue
        if part[name].dtype.str not in types or part[name].ndim != (2 if name == "lengths" else 1):
            raise _damaged(part, f"{name!r}, of a wrong type")
    _check_runs(part)
    _check_dictionary(part)
    _check_postings(part)
    _check_minors(part)
    _check_units(part)
    return True


def _check_runs(part: Part) -> None:
    """Every array of starts ascends from 0 to the length of what it cuts."""
    rows, terms, words = len(part["lengths"]), len(part["terms_ends"]), len(part["words_ends"])
    runs = (
        ("posting_starts", terms, "docs"),
        ("position_starts", terms, "positions"),
        ("minor_starts", terms, "minor_postings"),
        ("form_starts", terms, "forms_ends"),
        ("code_starts", terms, "codes"),
        ("word_form_starts", words, "word_forms"),
        ("sentence_starts", rows, "sentences"),
        ("paragraph_starts", rows, "paragraphs"),
    )
    for name, count, items in runs:
        starts = part[name]
        if len(starts) != count + 1 or starts[0] != 0 or starts[-1] != len(part[items]) or not _ascends(starts):
            raise _damaged(part, repr(name))
    for table in ("terms", "forms", "words"):
        ends = part[f"{table}_ends"]
        if not _ascends(ends) or len(part[f"{table}_blob"]) != (int(ends[-1]) if len(ends) else 0):
            raise _damaged(part, f"'{table}_ends'")
    for first, second in (
        ("freqs", "docs"),
        ("minor_fields", "minor_postings"),
        ("minor_freqs", "minor_postings"),
        ("word_counts", "words_ends"),
        ("freqs_wide", "freqs_wide_at"),
        ("positions_wide", "positions_wide_at"),
    ):
        if len(part[first]) != len(part[second]):
            raise _damaged(part, repr(first))
    for name in ("freqs", "positions"):
        at = part[f"{name}_wide_at"]
        if not (at[1:] > at[:-1]).all() or (len(at) and int(at[-1]) >= len(part[name])):
            raise _damaged(part, f"'{name}_wide_at'")
    if part["lengths"].shape != (part.meta.get("articles"), len(SUBFIELDS)):
        raise _damaged(part, "'lengths'")


def _check_dictionary(part: Part) -> None:
    """Terms begin with the byte of a space, that of the text first; forms are those of some word each."""
    ends, blob = part["terms_ends"], part["terms_blob"]
    if len(ends):
        firsts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1]))
        if not (ends > firsts).all() or int(blob[firsts].max()) >= len(SPACES) or not _ascends(blob[firsts]):
            raise _damaged(part, "terms, of spaces that there are not,")
    forms, of_words = len(part["forms_ends"]), part["word_forms"]
    seen = np.zeros(forms, np.bool_)
    seen[of_words[of_words < forms]] = True
    if len(of_words) != forms or not seen.all():
        raise _damaged(part, "'word_forms'")
    counts = part["word_counts"]
    if not counts.all() or int(counts.sum(dtype=np.uint64)) != int(part["position_starts"][_text_terms(part)]):
        raise _damaged(part, "'word_counts'")
    # Only the text space has spellings.
    if part["form_starts"][_text_terms(part)] != forms:
        raise _damaged(part, "'form_starts'")
    counts = np.diff(part["position_starts"])
    if not np.array_equal(np.diff(part["code_starts"]), code_sizes(counts, code_bits(np.diff(part["form_starts"])))):
        raise _damaged(part, "'code_starts'")


def _check_postings(part: Part) -> None:
    """Each term's rows ascend below the number of articles, it occurs as often as its frequencies say, and nowhere
    behind the longest article."""
    docs, starts = part["docs"], part["posting_starts"]
    rows = len(part["lengths"])
    if len(docs) and int(docs.max()) >= rows:
        raise _damaged(part, "'docs', beyond the articles,")
    heads = np.zeros(len(docs) + 1, np.bool_)
    heads[starts] = True
    for low in range(0, len(docs) - 1, _BLOCK):
        block = docs[low : low + _BLOCK + 1]
        if not ((block[1:] > block[:-1]) | heads[low + 1 : low + len(block)]).all():
            raise _damaged(part, "'docs', out of order,")
    if not np.array_equal(_sums(part, starts), np.diff(part["position_starts"])):
        raise _damaged(part, "'freqs', which count other occurrences,")
    text = int(part["position_starts"][_text_terms(part)])
    lengths = part["lengths"]
    if int(lengths.sum(dtype=np.int64)) > text:  # readings count in no length
        raise _damaged(part, "'lengths', more than there are words,")
    longest = int(_extents(lengths).max()) if rows else 0
    if text and int(part["positions"][:text].max()) >= longest:
        raise _damaged(part, "'positions', behind the end of every article,")
    wide = part["positions_wide"][: np.searchsorted(part["positions_wide_at"], text)]
    if len(wide) and int(wide.max()) >= longest:
        raise _damaged(part, "'positions', behind the end of every article,")


def _sums(part: Part, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[T]: how often each term occurs, by its frequencies."""
    found = np.zeros(len(starts) - 1, np.int64)
    filled = np.flatnonzero(starts[1:] > starts[:-1])
    if len(filled):
        found[filled] = np.add.reduceat(part["freqs"], starts[filled], dtype=np.int64)
    at = part["freqs_wide_at"].astype(np.int64)
    more = part["freqs_wide"].astype(np.int64) - part["freqs"][at]
    np.add.at(found, np.searchsorted(starts, at, "right") - 1, more)
    return found


def _check_minors(part: Part) -> None:
    """What lies outside the text is of postings that there are, once for each sub-field, and no more than they have."""
    starts, postings = part["minor_starts"], part["minor_postings"]
    if not len(postings):
        return
    term = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    at = part["posting_starts"][term] + postings
    fields = part["minor_fields"]
    order = at * len(SUBFIELDS) + fields
    if (at >= part["posting_starts"][term + 1]).any() or int(fields.max()) >= _TEXT or (order[1:] <= order[:-1]).any():
        raise _damaged(part, "'minor_postings'")
    heads = np.flatnonzero(np.diff(at, prepend=-1))
    sums = np.add.reduceat(part["minor_freqs"], heads, dtype=np.int64)
    has = part["freqs"][at[heads]].astype(np.int64)
    wide = part["freqs_wide_at"].astype(np.int64)
    place = np.searchsorted(wide, at[heads])
    is_wide = np.flatnonzero(place < len(wide))
    is_wide = is_wide[wide[place[is_wide]] == at[heads][is_wide]]
    has[is_wide] = part["freqs_wide"][place[is_wide]]
    if (sums > has).any():
        raise _damaged(part, "'minor_freqs', more than the frequencies,")


def _check_units(part: Part) -> None:
    """The units of each row ascend, and lie in it; those before the text are all there."""
    extents = _extents(part["lengths"])
    for name in ("sentence", "paragraph"):
        starts, units = part[f"{name}_starts"], part[f"{name}s"]
        if (np.diff(starts) < _TEXT).any():
            raise _damaged(part, f"'{name}_starts'")
        if not len(units):
            continue
        heads = np.zeros(len(units) + 1, np.bool_)
        heads[starts] = True
        if not ((units[1:] >= units[:-1]) | heads[1:-1]).all() or (units[starts[1:] - 1] > extents).any():
            raise _damaged(part, f"'{name}s'")
        if name == "sentence" and OFFSETS in part:
            offsets = part[OFFSETS]
            if len(offsets) != len(units) or not ((offsets[1:] >= offsets[:-1]) | heads[1:-1]).all():
                raise _damaged(part, repr(OFFSETS))


def _text_terms(part: Part) -> int:
    """How many terms the text space has. It sorts first."""
    ends = part["terms_ends"]
    if not len(ends):
        return 0
    firsts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1]))
    return int(np.searchsorted(part["terms_blob"][firsts], TEXT_SPACE, "right"))


def _extents(lengths: NDArray[np.uint32]) -> NDArray[np.int64]:
    """int64[n]: one past the greatest position that each row may have."""
    extents: NDArray[np.int64] = lengths.sum(axis=1, dtype=np.int64)
    return extents + (len(SUBFIELDS) - 1) * GAP + 1


def _ascends(numbers: Array) -> bool:
    return bool((numbers[1:] >= numbers[:-1]).all())


def _damaged(part: Part, what: str) -> ArchiveDamaged:
    return ArchiveDamaged(f"{part.path} has {what} that contradict the rest; run 'broadsheet doctor', or index again")
