"""Keyword parts against plain Python over token lists: what is written, read back, and merged."""

from __future__ import annotations

import itertools
import threading
import tracemalloc
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import ArchiveDamaged, ArchiveMismatch
from search.keyword.analysis import (
    ANALYSIS_VERSION,
    GAP,
    SPACES,
    SUBFIELDS,
    TEXT_SPACE,
    analyze,
    analyze_token,
    value_term,
)
from search.keyword.part import merge, packing, surviving, united, vocabulary
from search.keyword.part.layout import KIND, KeywordSegment
from search.keyword.part.merge import merge_parts
from search.keyword.part.packing import (
    Strings,
    StringTable,
    code_bits,
    code_sizes,
    decode_codes,
    decode_term,
    encode_codes,
)
from search.keyword.part.write import build_part
from search.keyword.readings import readings, value_words
from search.keyword.whoosh.analysers import text_analyzer
from search.records import Article
from search.storage.container import Part, open_part, write_part
from tests.keyword_parts import SimpleLayout, make_part, make_segment, simple_layout

SAMPLE = [
    Article(
        id="1",
        title="Hostages freed in Gaza",
        text="The hostages were freed. U.S. envoys praised Israel's patience.\nSa’ar said: 'Hostage talks go on.'",
        source="The Hindu",
        authors=("Asha Rao", "B. K. Rao"),
        agency="IANS",
        dateline="JERUSALEM",
        caption="Freed hostages",
        section="world",
        language="en",
        published=date(2025, 2, 1),
    ),
    Article(id="2"),
    Article(id="3", title="Polish polish", text="polish Polish POLISH polished", source="The Hindu"),
]


def texts_of(article):
    """(sub-field, text) of each sentence, and the number of its paragraph."""
    byline = " ".join((*article.authors, article.agency))
    for name, text in (
        ("title", article.title),
        ("caption", article.caption),
        ("dateline", article.dateline),
        ("byline", byline),
    ):
        yield name, text, name
    layout = simple_layout(article.text)
    for start, end, paragraph in zip(*layout, strict=True):
        yield "text", article.text[start:end], paragraph


class Expected:
    """The index of the text space, one token at a time."""

    def __init__(self, articles):
        self.places = defaultdict(list)
        self.lengths = []
        self.sentences, self.paragraphs = [], []
        for row, article in enumerate(articles):
            sentences, paragraphs = [], []
            lengths = dict.fromkeys(SUBFIELDS, 0)
            position, field, paragraph = 0, "title", None
            for name, text, number in texts_of(article):
                if name != field:
                    # The sub-fields between have a start too, also without any sentence.
                    position += GAP
                    field = name
                sentences.append(position)
                if number != paragraph:
                    paragraphs.append(position)
                    paragraph = number
                other = readings(text)
                for number, token in enumerate(analyze(text)):
                    for one in (token, *(one.token for one in other if one.first == number)):
                        self.places[one.term].append((row, position, SUBFIELDS.index(name), one.surface))
                    position += 1
                    lengths[name] += 1
            self.lengths.append([lengths[name] for name in SUBFIELDS])
            self.sentences.append(sentences)
            self.paragraphs.append(paragraphs)


def check(segment, articles):
    expected = Expected(articles)
    assert segment.articles == len(segment) == len(articles)
    assert segment.lengths.tolist() == expected.lengths
    for starts, flat, wanted in (
        (segment.sentence_starts, segment.sentences, expected.sentences),
        (segment.paragraph_starts, segment.paragraphs, expected.paragraphs),
        (segment.sentence_starts, segment.offsets, [[0] * 4 + simple_layout(one.text).starts for one in articles]),
    ):
        assert [flat[a:b].tolist() for a, b in itertools.pairwise(starts)] == wanted
    text_terms = segment.prefix_range(TEXT_SPACE, "")
    assert [segment.term(tid) for tid in text_terms] == [(0, term) for term in sorted(expected.places, key=str.encode)]
    for term, places in expected.places.items():
        tid = segment.find(TEXT_SPACE, term)
        rows = Counter(row for row, *_ in places)
        assert segment.docs(tid).tolist() == sorted(rows)
        assert segment.docs(tid).dtype == segment.freqs(tid).dtype == np.uint32
        assert segment.freqs(tid).tolist() == [rows[row] for row in sorted(rows)]
        assert segment.document_frequency(tid) == len(rows)
        assert segment.frequency(tid) == len(places)
        assert segment.positions(tid).tolist() == [position for _, position, _, _ in places]
        forms = sorted({surface for *_, surface in places}, key=str.encode)
        assert segment.forms(tid) == forms
        codes = segment.codes(tid)
        assert (codes is None) == (len(forms) == 1)
        if codes is not None:
            assert [forms[code] for code in codes] == [surface for *_, surface in places]
        minor = Counter((sorted(rows).index(row), field) for row, _, field, _ in places if field < 4)
        assert list(zip(*(array.tolist() for array in segment.minors(tid)), strict=True)) == [
            (posting, field, minor[posting, field]) for posting, field in sorted(minor)
        ]
    check_words(segment, expected)
    check_metadata(segment, articles)


def check_words(segment, expected):
    words = Counter()
    surfaces = defaultdict(set)
    for term, places in expected.places.items():
        for *_, surface in places:
            word = analyze_token(surface)[1]
            words[word] += 1
            surfaces[word].add((term, surface))
    assert segment.words.between(0, len(segment.words)) == sorted(word.encode() for word in words)
    for number in range(len(segment.words)):
        word = segment.words[number].decode()
        assert segment.word_counts[number] == words[word]
        forms = segment.word_forms[segment.word_form_starts[number] : segment.word_form_starts[number + 1]]
        tids = np.searchsorted(segment.form_starts, forms, "right") - 1
        found = {(segment.term(t)[1], segment.surfaces[f].decode()) for t, f in zip(tids, forms, strict=True)}
        assert found == surfaces[word]


def check_metadata(segment, articles):
    expected = defaultdict(list)
    for space, name in enumerate(SPACES):
        if space == TEXT_SPACE:
            continue
        for row, article in enumerate(articles):
            value = getattr(article, name)
            position, wholes = 0, set()
            for one in (value,) if isinstance(value, str) else value:
                words, other = value_words(one)
                for i, word in enumerate(words):
                    for each in (word, *(reading for reading, place in other if place == i)):
                        expected[space, each].append((row, position + i))
                position += len(words) + GAP if words else 0
                if words:
                    wholes.add(value_term(words))
            for whole in wholes:
                expected[space, whole].append((row, 0))
    found = range(segment.prefix_range(TEXT_SPACE, "").stop, len(segment.terms))
    assert [segment.term(tid) for tid in found] == sorted(expected, key=lambda key: (key[0], key[1].encode()))
    for tid in found:
        places = expected[segment.term(tid)]
        assert np.repeat(segment.docs(tid), segment.freqs(tid)).tolist() == [row for row, _ in places]
        assert segment.positions(tid).tolist() == [position for _, position in places]
        assert segment.forms(tid) == []
        assert segment.codes(tid) is None
        assert segment.minors(tid)[0].tolist() == []


def same(left, right):
    assert left[1] == right[1]
    assert list(left[0]) == list(right[0])
    for name, array in left[0].items():
        assert array.dtype == right[0][name].dtype, name
        assert array.shape == right[0][name].shape, name
        assert np.array_equal(array, right[0][name]), name


PIECES = (
    "the", "The", "THE", "hostage", "Hostages", "hostages'", "Israel's", "ISRAEL", "u.s.", "U.S.", "Sa’ar", "sa'ar",
    "Saar", "polish", "Polish", "1,200", "a-b", "e-mail", "email", "l'Eau", "J. K. Rao", "gover-\nnor", "C++", "$5",
    "R&D",    "—", "…", "é", "É", "e\u0301", "中国", "x\x00y",
)  # fmt: skip
pieces = st.sampled_from(PIECES)
sentences = st.lists(pieces, max_size=6).map(" ".join)
bodies = st.lists(st.tuples(sentences, st.sampled_from([". ", ".\n", "\n\n"])), max_size=5)
short = st.lists(pieces, max_size=3).map(" ".join)
articles = st.builds(
    Article,
    id=st.just("x"),
    title=short,
    caption=short,
    dateline=short,
    source=st.sampled_from(["", "The Hindu", "the hindu", "BBC News"]),
    authors=st.lists(st.sampled_from(["", "Asha Rao", "B. K. Rao", "—"]), max_size=3).map(tuple),
    agency=st.sampled_from(["", "IANS"]),
    language=st.sampled_from(["", "en"]),
    text=bodies.map(lambda parts: "".join(a + b for a, b in parts)),
)


def test_sample():
    segment = make_segment(SAMPLE)
    check(segment, SAMPLE)
    # Title 0-3, caption from 4 + 256.
    tid = segment.find(TEXT_SPACE, "hostag")
    assert segment.docs(tid).tolist() == [0]
    assert segment.positions(tid).tolist() == [0, 261, 1038, 1048]
    assert segment.forms(tid) == ["Hostage", "Hostages", "hostages"]
    assert segment.codes(tid).tolist() == [1, 2, 2, 0]
    assert [array.tolist() for array in segment.minors(tid)] == [[0, 0], [0, 1], [1, 1]]
    assert segment.field_starts[0].tolist() == [0, 260, 518, 775, 1037]
    assert segment.find(TEXT_SPACE, "hindu") == -1
    assert segment.docs(segment.find(SPACES.index("source"), "hindu")).tolist() == [0, 2]
    assert segment.docs(segment.find(SPACES.index("authors"), value_term(["asha", "rao"]))).tolist() == [0]
    rao = segment.find(SPACES.index("authors"), "rao")
    assert segment.positions(rao).tolist() == [1, 2 + GAP + 1]  # initials are one word


@settings(max_examples=60, deadline=None)
@given(st.lists(articles, max_size=5))
def test_parts_hold_what_the_analysis_yields(batch):
    check(make_segment(batch), batch)


@settings(max_examples=40, deadline=None)
@given(articles)
def test_positions_give_back_the_whoosh_analyzers_tokens(article):
    segment = make_segment([article])
    found = defaultdict(set)
    for tid in segment.prefix_range(TEXT_SPACE, ""):
        for position in segment.positions(tid).tolist():
            found[position].add(segment.term(tid)[1])
    analyzer = text_analyzer()

    def places(text):
        """The terms at each position of a text."""
        at = defaultdict(set)
        for token in analyzer(text, positions=True):
            at[token.pos].add(token.text)
        return [at[position] for position in sorted(at)]

    body = [terms for name, text, _ in texts_of(article) if name == "text" for terms in places(text)]
    start = int(segment.field_starts[0, 4])
    assert [found[position] for position in sorted(found) if position >= start] == body
    assert [found[p] for p in range(int(segment.lengths[0, 0]))] == places(article.title)


@settings(max_examples=60, deadline=None)
@given(st.lists(articles, max_size=8), st.data())
def test_merged_is_built_at_once(batch, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(batch)), max_size=3)))
    runs = [batch[a:b] for a, b in zip([0, *cuts], [*cuts, len(batch)], strict=True)]
    keep = [np.array(data.draw(st.lists(st.booleans(), min_size=len(run), max_size=len(run))), bool) for run in runs]
    left = [
        article for run, mask in zip(runs, keep, strict=True) for article, kept in zip(run, mask, strict=True) if kept
    ]
    piece = data.draw(st.sampled_from([1, 7, 1 << 22]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surviving, "PIECE", piece)
        patch.setattr(united, "BLOCK", data.draw(st.sampled_from([1, 3, united.BLOCK])))
        patch.setattr(merge, "SHORT", data.draw(st.sampled_from([0, merge.SHORT])))
        merged = merge_parts([make_part(run) for run in runs], keep)
    same(merged, build_part(left, [simple_layout(article.text) for article in left]))


def wide_articles():
    """More than 255 of a term in a row, more than 65,535 positions, more than 256 forms of a term."""
    spellings = ["".join(c.upper() if bits >> i & 1 else c for i, c in enumerate("ceasefire")) for bits in range(300)]
    return [
        Article(id="1", title="peace talks", text="peace " * 300 + " ".join(spellings)),
        Article(id="2", title="long", text="war and peace " * 25_000, authors=("A B",) * 300),
        Article(id="3", title="peace " * 300, text=" ".join(reversed(spellings))),
        Article(id="4", text="short"),
    ]


@pytest.mark.parametrize("piece", [100, 5000, 1 << 22])
def test_wide_numbers(monkeypatch, piece):
    monkeypatch.setattr(surviving, "PIECE", piece)
    batch = wide_articles()
    part = make_part(batch)
    assert part["positions"].dtype == np.uint32
    check(KeywordSegment(part), batch)
    # With few of them wide, they are kept aside.
    padded = [*batch, *(Article(id=str(i), text="a few more words " * 10_000) for i in range(20))]
    part = make_part(padded)
    assert part["positions"].dtype == np.uint16
    assert len(part["positions_wide"]) == len(part["positions_wide_at"]) > 0
    segment = KeywordSegment(part)
    tid = segment.find(TEXT_SPACE, "war")
    assert segment.positions(tid).tolist() == [2 * GAP + GAP + GAP + 1 + 600 + 3 * i for i in range(25_000)]
    tid = segment.find(TEXT_SPACE, "peac")
    assert segment.freqs(tid).tolist() == [301, 25_000, 300]
    assert segment.codes(segment.find(TEXT_SPACE, "ceasefir")).dtype == np.uint16
    parts = [make_part(padded[:1]), make_part(padded[1:3]), make_part(padded[3:])]
    everything = [np.ones(len(part["lengths"]), bool) for part in parts]
    same(merge_parts(parts, everything), (part.arrays(), part.meta))
    without = [everything[0], np.array([False, True]), everything[2]]
    left = [padded[0], *padded[2:]]
    same(merge_parts(parts, without), build_part(left, [simple_layout(article.text) for article in left]))


def test_more_rows_than_two_bytes_hold():
    batch = [Article(id=str(i), title="a") for i in range(65_537)]
    part = make_part(batch, [SimpleLayout([], [], [])] * len(batch))
    assert part["docs"].dtype == np.uint32
    assert KeywordSegment(part).docs(0).tolist() == list(range(65_537))
    keep = np.ones(len(batch), bool)
    keep[7] = False
    arrays, meta = merge_parts([part], [keep])
    assert arrays["docs"].dtype == np.uint16
    assert meta == {"articles": 65_536, "analysis": ANALYSIS_VERSION}


def test_sentences_without_words_keep_their_number():
    article = Article(id="1", text="One two. … — ! Three.")
    part = make_part([article], [SimpleLayout([0, 9, 15], [8, 14, 21], [0, 0, 1])])
    segment = KeywordSegment(part)
    start = 4 * GAP
    assert segment.sentences.tolist() == [0, 256, 512, 768, start, start + 2, start + 2]
    assert segment.paragraphs.tolist() == [0, 256, 512, 768, start, start + 2]


def test_a_megabyte_between_two_spaces():
    batch = [
        Article(id="1", text="word " + "a" * 1_000_000 + " word"),
        Article(id="2", text="x-" * 50_000),
        Article(id="3", text="." * 1_000_000),
        Article(id="4", title="a" * 1_000_000, source="s" * 1_000_000, text="x-" * 50_000),
    ]
    part = make_part(batch, [SimpleLayout([0], [len(article.text)], [0]) for article in batch])
    segment = KeywordSegment(part)
    assert segment.lengths[:, 4].tolist() == [3, 50_000, 0, 50_000]
    tid = segment.find(TEXT_SPACE, "a" * 200)
    assert segment.docs(tid).tolist() == [0, 3]
    assert segment.forms(tid) == ["a" * 200]
    assert segment.freqs(segment.find(TEXT_SPACE, "x")).tolist() == [50_000, 50_000]
    assert part["terms_blob"].nbytes < 2_000


def test_no_article_and_no_words():
    for batch in ([], [Article(id="1"), Article(id="2")]):
        segment = make_segment(batch)
        check(segment, batch)
        assert segment.find(TEXT_SPACE, "x") == -1
        assert segment.prefix_range(TEXT_SPACE, "") == range(0)
    parts = [make_part(SAMPLE), make_part([])]
    same(merge_parts(parts, [np.zeros(3, bool), np.zeros(0, bool)]), build_part([], []))


def test_the_order_of_first_sight_changes_nothing(monkeypatch):
    layouts = [simple_layout(article.text) for article in SAMPLE]
    first = build_part(SAMPLE, layouts)
    build_part(SAMPLE[::-1], layouts[::-1])
    same(build_part(SAMPLE, layouts), first)
    monkeypatch.setattr(vocabulary, "_MOST_KEPT", 0)
    same(build_part(SAMPLE, layouts), first)


def test_threads_share_the_vocabulary():
    layouts = [simple_layout(article.text) for article in SAMPLE]
    expected = build_part(SAMPLE, layouts)
    found = []
    threads = [threading.Thread(target=lambda: found.append(build_part(SAMPLE, layouts))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for one in found:
        same(one, expected)


def test_written_and_opened(tmp_path):
    arrays, meta = build_part(SAMPLE, [simple_layout(article.text) for article in SAMPLE])
    write_part(tmp_path / "keyword.part", KIND, arrays, meta)
    part = open_part(tmp_path / "keyword.part", KIND)
    segment = KeywordSegment(part)
    check(segment, SAMPLE)
    assert not segment.positions(0).flags.writeable
    assert np.shares_memory(segment.positions(0), part["positions"])
    same(merge_parts([part], [np.ones(3, bool)]), (arrays, meta))


def test_another_analysis_is_refused():
    part = make_part(SAMPLE)
    for meta in ({**part.meta, "analysis": ANALYSIS_VERSION + 1}, {"articles": 3}):
        with pytest.raises(ArchiveMismatch, match="index the articles again"):
            KeywordSegment(Part(Path("keyword.part"), KIND, meta, part.arrays(), 0))


@pytest.mark.parametrize(
    "name",
    [
        "docs",
        "freqs",
        "positions",
        "terms_ends",
        "forms_blob",
        "codes",
        "lengths",
        "sentences",
        "sentence_offsets",
        "word_counts",
        "word_forms",
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(name):
    part = make_part(SAMPLE)
    arrays = {**part.arrays(), name: part[name][:-1]}
    with pytest.raises(ArchiveDamaged, match="do not fit together"):
        KeywordSegment(Part(Path("keyword.part"), KIND, part.meta, arrays, 0))


@pytest.mark.parametrize("name", ["docs", "minor_postings", "word_forms"])
@pytest.mark.parametrize("keep", [[True, True, True], [True, False, True]])
@pytest.mark.parametrize("piece", [1, 1 << 22])
def test_arrays_that_point_outside_are_refused_by_a_merge(tmp_path, monkeypatch, name, keep, piece):
    monkeypatch.setattr(surviving, "PIECE", piece)
    part = make_part(SAMPLE)
    arrays = {**part.arrays(), name: np.full_like(part[name], 60_000)}
    damaged = Part(Path("keyword.part"), KIND, part.meta, arrays, 0)
    with pytest.raises(ArchiveDamaged, match=r"cannot merge keyword\.part: .*; run 'broadsheet doctor'"):
        write_part(tmp_path / "merged", KIND, *merge_parts([damaged], [np.array(keep)]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["terms", "forms", "words"])
@pytest.mark.parametrize("block", [1, 1 << 12])
def test_a_dictionary_out_of_order_is_refused_by_a_merge(monkeypatch, name, block):
    monkeypatch.setattr(united, "BLOCK", block)
    part = make_part([Article(id="1", text="one two TWO six", source="Two One")])
    items = StringTable(part[f"{name}_blob"], part[f"{name}_ends"]).between(0, len(part[f"{name}_ends"]))
    damaged = Part(Path("p"), KIND, part.meta, {**part.arrays(), **Strings.of(items[::-1]).arrays(name)}, 0)
    with pytest.raises(ArchiveDamaged, match=r"cannot merge p: strings of a dictionary are not in order"):
        merge_parts([damaged], [np.ones(1, bool)])


def test_a_merge_never_holds_the_dictionary_as_objects(tmp_path, monkeypatch):
    """As Python's own strings, each form with a term and a word of its own would take some 690 bytes."""
    monkeypatch.setattr(united, "BLOCK", 500)
    forms = 40_000
    batch = [Article(id="1", text=" ".join(f"w{i}z" for i in range(forms)))]
    write_part(tmp_path / "part", KIND, *build_part(batch, [simple_layout(article.text) for article in batch]))
    parts = [open_part(tmp_path / "part", KIND)] * 2
    tracemalloc.start()
    try:
        write_part(tmp_path / "merged", KIND, *merge_parts(parts, [np.ones(1, bool)] * 2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 450 * forms


@pytest.mark.parametrize("piece", [1000, 1 << 22])
def test_what_is_read_of_a_merge_does_not_depend_on_the_order(monkeypatch, piece):
    monkeypatch.setattr(surviving, "PIECE", piece)
    batch = [*wide_articles()[:2], *(Article(id=str(i), text="a few more words " * 10_000) for i in range(20))]
    part = make_part(batch)
    arrays, _ = merge_parts([part], [np.ones(len(batch), bool)])
    assert len(part["positions_wide"]) > 0
    for name in reversed(arrays):
        assert np.array_equal(np.asarray(arrays[name]), part[name]), name


@pytest.mark.parametrize("kept", [1, 0.9])
def test_a_merge_never_holds_all_postings(tmp_path, monkeypatch, kept):
    """Not even those of a single term: "the" is half of all there is."""
    rng = np.random.default_rng(7)
    words = [f"{head}ord{i}" for i in range(100) for head in "wW"]
    texts = [" the ".join(words[i] for i in rng.integers(200, size=3000)) for _ in range(100)]
    batch = [Article(id=str(i), title=text[:60], text=text) for i, text in enumerate(texts)]
    write_part(tmp_path / "part", KIND, *build_part(batch, [simple_layout(article.text) for article in batch]))
    parts = [open_part(tmp_path / "part", KIND)] * 6
    keep = [rng.random(100) < kept for _ in parts]
    monkeypatch.setattr(surviving, "PIECE", 1 << 14)
    tracemalloc.start()
    try:
        merged = write_part(tmp_path / "merged", KIND, *merge_parts(parts, keep))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < merged.size / 4


def test_layouts_must_be_as_many_as_articles():
    with pytest.raises(ValueError, match="shorter"):
        build_part(SAMPLE, [simple_layout("")])


@given(st.lists(st.binary(max_size=4), max_size=12).map(lambda items: sorted(set(items))), st.binary(max_size=3))
def test_string_table(items, key):
    arrays = Strings.of(items).arrays("x")
    table = StringTable(arrays["x_blob"], arrays["x_ends"])
    assert len(table) == len(items)
    assert [table[i] for i in range(len(items))] == table.between(0, len(items)) == items
    assert table.between(1, len(items) - 1) == items[1:-1]
    assert table.find(key) == (items.index(key) if key in items else -1)
    assert table.lower_bound(key) == sum(item < key for item in items)
    if b"\xff" not in b"".join([key, *items]):
        assert [items[i] for i in table.prefix_range(key)] == [item for item in items if item.startswith(key)]


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 4, 8, 16]), st.lists(st.integers(0, 65_535), max_size=20))),
    st.sampled_from([1, 9, 1 << 18]),
)
def test_codes_round_trip(terms, piece):
    codes = [[code & ((1 << bits) - 1) for code in own] for bits, own in terms]
    bits = np.array([bits for bits, _ in terms], np.uint8)
    counts = np.array([len(own) for own in codes], np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "_PIECE", piece)
        packed = encode_codes(np.array(list(itertools.chain(*codes)), np.int64), counts, bits)
    assert len(packed) == code_sizes(counts, bits).sum()
    assert decode_codes(packed, counts, bits).tolist() == list(itertools.chain(*codes))
    ends = np.cumsum(code_sizes(counts, bits))
    for own, width, end, size in zip(codes, bits.tolist(), ends, code_sizes(counts, bits), strict=True):
        if width:
            assert decode_term(packed[end - size : end], len(own), width).tolist() == own


def test_bits_of_codes():
    forms = np.array([0, 1, 2, 3, 4, 5, 16, 17, 256, 257, 65_536])
    assert code_bits(forms).tolist() == [0, 0, 1, 2, 2, 4, 4, 8, 8, 16, 16]
