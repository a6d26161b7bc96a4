"""``rerank`` in a search: the first thirty in the order of a real cross-encoder, whose scores are asked directly."""

from __future__ import annotations

from datetime import date

import pytest

from search import Archive, Article
from search.encode.loading import load_cross_encoder
from search.encode.models import find_model
from search.errors import EncoderError, UsageError

pytestmark = pytest.mark.model
WORDS = ("ferry", "dock", "strike", "wage", "pilot", "harbour", "storm", "crane", "vote", "union")


@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    """The folder of a BERT of two layers with random weights that scores pairs, as safetensors."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "random"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(14)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=5 + len(WORDS), num_labels=1, initializer_range=0.8, **size)
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def oracle(random_model):
    """The model asked directly, a pair at a time."""
    model = load_cross_encoder(find_model(random_model), "cpu")
    return lambda query, text: float(model.predict([(query, text)], show_progress_bar=False)[0])


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Seventy articles on a strike: words in different numbers and orders, one a day."""
    articles = []
    for n in range(70):
        body = " ".join(WORDS[(n * k + k) % 10] for k in range(1, 12 + n % 7))
        articles.append(
            Article(
                id=f"a{n:02}", title=f"{WORDS[n % 10]} strike", text=body, published=date.fromordinal(738_000 + n),
                source="Tide" if n % 2 else "Gull",
            )
        )  # fmt: skip
    with Archive.open(tmp_path_factory.mktemp("archives") / "strikes", create=True, model="hash") as opened:
        opened.add(articles)
        yield opened


def ids(results):
    return [hit.article.id for hit in results]


@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
@pytest.mark.parametrize(
    "settings", [{}, {"filters": {"sources": ["Gull"]}}, {"copies": "collapse"}, {"recency": "9d"}]
)
def test_the_first_thirty_are_in_the_models_order(archive, random_model, oracle, mode, settings):
    asked = {"mode": mode, "as_of": "2025-01-01", **settings}
    query = "ferry strike vote"
    plain = archive.search(query, limit=70, passages=3, explain=True, **asked)
    results = archive.search(query, limit=70, rerank=random_model, explain=True, **asked)
    best = {
        hit.article.id: max(oracle(query, f"{hit.article.title}\n{one.text}") for one in hit.passages)
        for hit in plain.hits[:30]
    }
    expected = sorted(ids(plain)[:30], key=lambda one: (-round(best[one], 6), ids(plain).index(one)))
    assert expected != ids(plain)[:30]
    assert ids(results) == expected + ids(plain)[30:]
    before = {hit.article.id: hit for hit in plain}
    for hit in results:
        other = before[hit.article.id]
        assert (hit.score, hit.explain["parts"]) == (other.score, other.explain["parts"])
        if hit.rank > 30:
            assert "rerank" not in hit.explain
            continue
        assert hit.explain["rerank"]["score"] == pytest.approx(best[hit.article.id], abs=1e-4)
        assert hit.explain["rerank"]["before"] == other.rank
        assert hit.explain["rerank"]["model"] == "random"
    assert "the first 30 are in the order of random" in results.notes
    assert results.total == plain.total


def test_pages_are_parts_of_one_order(archive, random_model):
    asked = {"mode": "keyword", "rerank": random_model}
    whole = ids(archive.search("ferry strike vote", limit=45, **asked))
    assert ids(archive.search("ferry strike vote", limit=7, **asked)) == whole[:7]
    assert ids(archive.search("ferry strike vote", limit=10, offset=25, **asked)) == whole[25:35]
    first = archive.search("ferry strike vote", limit=7, **asked)
    assert ids(archive.search("ferry strike vote", limit=7, cursor=first.cursor, **asked)) == whole[7:14]
    with pytest.raises(UsageError, match="another query"):
        archive.search("ferry strike vote", limit=7, cursor=first.cursor, mode="keyword")
    beyond = archive.search("ferry strike vote", limit=7, offset=30, **asked)
    assert ids(beyond) == whole[30:37]
    assert "only the first 30 are reranked, and these come after them" in beyond.notes


class Counting:
    """Prefers longer texts, and counts how often it is asked."""

    name = "counting"

    def __init__(self, scores=None):
        self.asked, self.scores = [], scores

    def score(self, query, texts):
        self.asked.append((query, len(texts)))
        return [float(len(text)) for text in texts] if self.scores is None else self.scores


def test_it_reads_the_words_and_no_filter(archive):
    own = Counting()
    results = archive.search("ferry source:Gull since:2020", mode="keyword", rerank=own)
    assert {query for query, _ in own.asked} == {"ferry"}
    assert sum(count for _, count in own.asked) <= 30 * 3
    assert all(count <= 32 for _, count in own.asked)
    lengths = [len(f"{hit.article.title}\n{hit.article.text}") for hit in results]
    assert lengths == sorted(lengths, reverse=True)
    assert {hit.article.source for hit in results} == {"Gull"}


@pytest.mark.parametrize("query", ["source:Gull", "stri*"])
def test_without_words_nothing_is_reranked_and_that_is_said(archive, query):
    own = Counting()
    results = archive.search(query, mode="keyword", rerank=own)
    assert ids(results) == ids(archive.search(query, mode="keyword"))
    assert own.asked == []
    assert "there are no words to rerank by" in results.notes


def test_where_nothing_is_found_nothing_is_read(archive):
    own = Counting()
    results = archive.search("ferry source:Nobody", mode="keyword", rerank=own)
    assert (ids(results), own.asked) == ([], [])
    assert not any("rerank" in note or "counting" in note for note in results.notes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sort": "newest"}, "rerank orders by relevance, and sort newest by date"),
        ({"diversity": 0.5}, "rerank and diversity each order the first hits"),
    ],
)
def test_what_orders_otherwise_is_refused(archive, settings, message):
    with pytest.raises(UsageError, match=message):
        archive.search("ferry", rerank=Counting(), **settings)


@pytest.mark.parametrize("scores", [[], [1.0] * 99, [float("nan")] * 30])
def test_a_model_that_gives_no_numbers_is_refused(archive, scores):
    with pytest.raises(EncoderError, match="the reranker counting must give a number for each of"):
        archive.search("ferry", mode="keyword", rerank=Counting(scores))


@pytest.mark.parametrize("model", ["/no/such/model", ""])
def test_a_model_that_is_not_there_is_a_clear_line(archive, model):
    with pytest.raises((EncoderError, UsageError)):
        archive.search("ferry", mode="keyword", rerank=model)


def test_nothing_stands_in_for_a_reranker_that_cannot_be_fetched(archive):
    with pytest.raises(EncoderError, match=r"not on this machine.* name a folder that holds one, or search without"):
        archive.search("ferry", mode="keyword", rerank="nobody/nothing")


@pytest.mark.parametrize("model", [3, object()])
def test_what_is_no_model_is_refused(archive, model):
    with pytest.raises(UsageError, match="rerank takes"):
        archive.search("ferry", mode="keyword", rerank=model)
