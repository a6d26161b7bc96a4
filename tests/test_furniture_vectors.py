"""What is left out of articles when their passages are cut and embedded: what they are about has no furniture in it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import Archive, Article
from search.encode.hashing import HashEncoder
from search.errors import ArchiveDamaged, EncoderError, PassagesAsCut
from search.storage.container import open_part, write_part
from search.text.sentences import lay_out
from search.text.stretches import Rest, without
from search.vector import without_of

from .test_furniture import FOOTER, PROMPT, item, outlets, paper


def held(archive):
    """Of each live article the offsets of its passages and their vectors, as the archive has them."""
    found = {}
    with archive._session.reading() as view:
        for base, segment in zip(view.columns.bases.tolist(), view.vectors.segments, strict=False):
            starts = segment.bounds
            for row in range(segment.articles):
                if view.snapshot.live[base + row]:
                    own = slice(int(starts[row]), int(starts[row + 1]))
                    spans = list(zip(segment.starts[own].tolist(), segment.ends[own].tolist(), strict=True))
                    (name,) = view.columns.ids([base + row])
                    found[name] = spans, np.asarray(segment.vectors[own]).tolist()
    return found


def assert_without(archive, articles):
    """Every passage's vector is that of its title and of its text without furniture, at whose edges none stands."""
    encoder, stored = HashEncoder(), held(archive)
    assert stored.keys() == {article.id for article in articles}
    for article in articles:
        blocks = [(block.start, block.end) for block in archive.furniture(article.id)]
        spans, vectors = stored[article.id]
        pieces = [without(article.text, start, end, blocks) for start, end in spans]
        words = " ".join(article.text[start:end] for own in pieces for start, end in own).split()
        assert (
            words == " ".join(article.text[s:e] for s, e in without(article.text, 0, len(article.text), blocks)).split()
        )
        for (start, end), own, vector in zip(spans, pieces, vectors, strict=True):
            assert (start, end) == (own[0][0], own[-1][1])
            text = "\n".join(article.text[first:last] for first, last in own)
            expected = encoder.encode([f"{article.title}\n{text}"])[0].astype(np.float16)
            assert vector == expected.tolist()


@pytest.fixture
def embedded(monkeypatch):
    """The texts that were encoded, in order."""
    texts: list[str] = []
    encode = HashEncoder.encode

    def counted(self, some, progress=None):
        texts.extend(some)
        return encode(self, some, progress)

    monkeypatch.setattr(HashEncoder, "encode", counted)
    return texts


def test_new_articles_are_embedded_without_what_is_known(tmp_path, embedded):
    articles = paper(60, after=[FOOTER], within=["Advertisement"])
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(articles, batch=30)
        assert not any("newsletter" in text or "Advertisement" in text for text in embedded)
        assert_without(archive, articles)
        passages = archive.passages(articles[3].id)
        assert [one.text for one in passages] == [articles[3].text[one.start : one.end] for one in passages]
        assert not passages[-1].text.endswith(FOOTER)


def test_what_is_learned_late_reaches_old_passages_at_optimize_and_only_those_are_embedded(tmp_path, embedded):
    plain = [item(number, source="Hill Herald", seed=1000 + number) for number in range(30)]
    early = [*paper(25), *[item(number, after=[FOOTER]) for number in range(25, 40)], *plain]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(early, batch=7)
        assert sum("newsletter" in text for text in embedded) == 15
        before = held(archive)
        embedded.clear()
        archive.optimize()
        assert len(embedded) == 15
        assert not any("newsletter" in text for text in embedded)
        assert_without(archive, early)
        after = held(archive)
        assert sum(before[one] != after[one] for one in after) == 15
        embedded.clear()
        archive.optimize()
        assert embedded == []
        assert archive.check(thorough=True) == []
        archive.optimize(furniture=False)
        assert sum("newsletter" in text for text in embedded) == 15
        assert held(archive) == before


@settings(max_examples=12, deadline=None)
@given(outlets(), st.randoms(use_true_random=False), st.integers(3, 20), st.integers(0, 8))
def test_after_optimize_vectors_and_offsets_are_those_of_one_build(tmp_path_factory, articles, chance, batch, gone):
    folder = tmp_path_factory.mktemp("order")
    left = articles[gone:]
    with Archive.open(folder / "whole", create=True, model="hash") as whole:
        whole.add(left)
        whole.optimize()
        assert_without(whole, left)
        expected = held(whole)
    shuffled = articles[:]
    chance.shuffle(shuffled)
    with Archive.open(folder / "parts", create=True, model="hash") as parts:
        parts.add(shuffled, batch=batch)
        parts.delete([article.id for article in articles[:gone]])
        parts.optimize()
        assert held(parts) == expected
        assert parts.check(thorough=True) == []


def test_without_the_model_passages_stay_as_they_were_and_that_is_said(tmp_path, monkeypatch):
    early = [*paper(25), *[item(number, after=[FOOTER]) for number in range(25, 40)]]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(early, batch=7)
        before = held(archive)

        def gone(*given, **named):
            raise EncoderError("no such model here")

        monkeypatch.setattr("search.encode.load_matching_encoder", gone)
        with pytest.warns(PassagesAsCut, match="no such model here"):
            archive.optimize()
        assert held(archive) == before
        assert len(archive.furniture(early[30].id)) == 1
        assert archive.check(thorough=True) == []
        monkeypatch.undo()
        archive.optimize()
        assert_without(archive, early)


def test_embed_leaves_out_what_is_known(tmp_path, embedded):
    articles = paper(40, after=[FOOTER], within=[PROMPT])
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(articles, vectors=False)
        archive.embed("hash")
        assert_without(archive, articles)
        embedded.clear()
        archive.optimize()
        assert embedded == []


def test_an_article_of_nothing_else_is_embedded_as_it_is(tmp_path, embedded):
    articles = [*paper(40, after=[FOOTER]), Article(id="bare", title="Bare", text=FOOTER, source="Valley Post")]
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(articles)
        assert f"Bare\n{FOOTER}" in embedded
        assert held(archive)["bare"][0] == [(0, len(FOOTER))]


# The rest of a text


@settings(deadline=None)
@given(st.text("ab. \n", max_size=60), st.lists(st.booleans(), min_size=20, max_size=20))
def test_offsets_in_the_rest_are_those_in_the_whole(text, chosen):
    layout = lay_out(text)
    every = list(zip(layout.starts, layout.ends, strict=True))
    left_out = [span for span, out in zip(every, chosen, strict=False) if out]
    left = Rest(text, left_out)
    kept = [span for span in every if span not in left_out]
    for start, end in every:
        moved = left.moved(start, end)
        assert (moved is None) == ((start, end) in left_out)
        if moved is not None:
            assert left.text[slice(*moved)] == text[start:end]
            assert left.whole(*moved) == (start, end)
    assert left.text.split() == " ".join(text[start:end] for start, end in kept).split()
    chance = random.Random(len(text))
    for _ in range(5 if kept else 0):
        first, last = sorted(chance.choices(range(len(kept)), k=2))
        start, end = left.moved(*kept[first])[0], left.moved(*kept[last])[1]
        assert left.whole(start, end) == (kept[first][0], kept[last][1])


def test_a_part_of_before_says_that_nothing_was_left_out(tmp_path):
    articles = paper(3)
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(articles)
    (file,) = (tmp_path / "a").glob("segments/*/vectors.part")
    part = open_part(file, "vectors")
    arrays = part.arrays()
    assert without_of(part, 3).tolist() == [0, 0, 0]
    write_part(tmp_path / "old", "vectors", {k: v for k, v in arrays.items() if k != "without"}, part.meta)
    assert without_of(open_part(tmp_path / "old", "vectors"), 3).tolist() == [0, 0, 0]
    write_part(tmp_path / "odd", "vectors", arrays | {"without": np.zeros(2, np.uint64)}, part.meta)
    with pytest.raises(ArchiveDamaged):
        without_of(open_part(tmp_path / "odd", "vectors"), 3)
