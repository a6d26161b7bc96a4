"""What a program may bring itself: an encoder, a fusion, a reranker. Formats are in test_ingest_door."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from search import Archive, Article
from search.encode.hashing import HashEncoder, HashTokenizer
from search.errors import ArchiveMismatch, EncoderError, UsageError
from search.records import EncoderIdentity

HELP = Path(__file__).parent.parent / "search" / "help" / "extending.md"
NEWS = [
    Article(id="dam", title="Dam holds", text="The dam held through the night."),
    Article(id="ferry", title="Ferry late", text="A ferry left the harbour late."),
    Article(id="vote", title="Dockers vote", text="Dockers voted for a strike at the harbour."),
]
TOPICS = {"dam": 0, "night": 0, "ferry": 1, "harbour": 1, "boat": 1, "strike": 2, "voted": 2, "walkout": 2}


class Topics:
    """Three directions, so that cosines can be written down: a boat is as near to a harbour as a ferry is."""

    tokenizer = HashTokenizer()
    identity = EncoderIdentity(name="topics", weights_hash="0" * 64, dimension=4, max_tokens=256, pooling="none")

    def encode(self, texts, progress=None):
        vectors = np.zeros((len(texts), 4), np.float32)
        vectors[:, 3] = 0.01
        for row, text in enumerate(texts):
            for word in text.lower().replace(".", "").split():
                if word in TOPICS:
                    vectors[row, TOPICS[word]] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_query(self, text):
        return self.encode([text])[0]


@pytest.fixture
def folder(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model=Topics()) as archive:
        archive.add(NEWS)
    return tmp_path / "a"


def test_an_own_encoder_embeds_and_answers(folder):
    with Archive.open(folder, model=Topics()) as archive:
        hits = archive.search("boat", mode="vector")
        assert hits[0].article.id == "ferry"
        assert hits[0].score == pytest.approx(1.2, abs=1e-3)  # the best passage is the first
        archive.add([Article(id="boat", title="Boat lost", text="A boat was lost.")])
        assert {hit.article.id for hit in archive.search("harbour", mode="vector", limit=2)} == {"ferry", "boat"}
        assert archive.check() == []


def test_an_archive_of_an_own_encoder_says_how_to_open_it(folder):
    with Archive.open(folder) as archive:
        assert archive.search("dam", mode="keyword").total == 1
        with pytest.raises(EncoderError, match="of a program's own encoder, topics; open the archive with model=that"):
            archive.search("boat", mode="vector")
    with pytest.raises(ArchiveMismatch, match="built with the model program:topics, not hash"):
        Archive.open(folder, model="hash")


def test_embed_takes_one_too(tmp_path):
    with Archive.open(tmp_path / "a", create=True, model="hash") as archive:
        archive.add(NEWS)
        assert archive.embed(Topics()) == 3
        assert archive.search("walkout", mode="vector")[0].article.id == "vote"
        assert archive.embed("hash") == 3
        assert archive.embed() == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identity": "topics"}, "its identity must be an EncoderIdentity"),
        ({"encode": None}, "it has no method encode"),
        ({"tokenizer": None}, "its tokenizer needs the methods count and spans"),
        ({"encode": lambda texts: [[1.0] * 4] * 2}, r"must give float32\[2, 4\], not list"),
        ({"encode": lambda texts: np.ones((2, 4))}, r"must give float32\[2, 4\], not float64\[2, 4\]"),
        ({"encode": lambda texts: np.ones((2, 4), np.float32)}, "must give vectors of norm 1"),
        ({"encode_query": lambda text: np.ones(3, np.float32)}, r"must give float32\[4\], not float32\[3\]"),
    ],
)
def test_an_encoder_that_keeps_no_contract_is_refused_before_anything_is_written(tmp_path, changes, message):
    encoder = Topics()
    for name, value in changes.items():
        setattr(encoder, name, value)
    with (
        Archive.open(tmp_path / "a", create=True, model=encoder) as archive,
        pytest.raises(UsageError, match=message),
    ):
        archive.add(NEWS)


def test_an_encoder_that_fails_says_which(tmp_path):
    class Broken(Topics):
        def encode(self, texts, progress=None):
            raise ZeroDivisionError("no weights")

    with (
        Archive.open(tmp_path / "a", create=True, model=Broken()) as archive,
        pytest.raises(EncoderError, match="the encoder topics fails on a short text: no weights"),
    ):
        archive.add(NEWS)


def only_words(scores, matches, window):
    """Halves of the best score: easy to write down."""
    return np.where(matches, scores / max(window.max(initial=0.0), 1e-9), 0.0) / 2


def test_an_own_fusion_scores_and_explains(folder):
    with Archive.open(folder, model=Topics()) as archive:
        hits = archive.search("ferry", mode="hybrid", fusion=only_words, explain=True)
        assert hits[0].article.id == "ferry"
        assert hits[0].score == pytest.approx(0.5, abs=1e-6)  # half of each leg's best, at equal weights
        assert hits[0].explain["fusion"] == "only_words"
        assert sum(hits[0].explain["parts"].values()) == pytest.approx(hits[0].score)


@pytest.mark.parametrize("wrong", [lambda s, m, w: s[:1], lambda s, m, w: s * np.nan])
def test_a_fusion_that_gives_no_number_for_each_is_refused(folder, wrong):
    with (
        Archive.open(folder, model=Topics()) as archive,
        pytest.raises(UsageError, match="must give a finite number for each of 3 candidates"),
    ):
        archive.search("harbour", mode="hybrid", fusion=wrong)


def test_an_own_reranker_orders_the_passages(folder):
    class Longest:
        name = "longest"

        def score(self, query, texts):
            return [float(len(text)) for text in texts]

    with Archive.open(folder, model=Topics()) as archive:
        context = archive.retrieve("What happened at the harbour?", rerank=Longest())
        assert [passage.article_id for passage in context.passages] == ["vote", "ferry"]
        assert any(note.startswith("reranked 3 pairs with longest") for note in context.notes)


def test_the_test_encoder_keeps_the_contract():
    from search.encode import load_encoder

    encoder = HashEncoder()
    assert load_encoder(encoder) is encoder


@pytest.mark.model
@pytest.mark.parametrize(
    ("code", "printed"), re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", HELP.read_text(encoding="utf-8"), re.S)
)
def test_the_examples_of_the_page_work_as_printed(sample_archive, code, printed, capsys):
    exec(code.replace("indexes/sample", str(sample_archive)), {})
    assert capsys.readouterr().out == printed
