"""Languages of one's own: what an archive takes for words, in all that reads and writes them."""

from __future__ import annotations

import re

import pytest

from search import Analysis, Archive, Article
from search.errors import ArchiveMismatch, UsageError
from search.keyword import languages
from search.keyword.analysis import ENGLISH, analyze, fold

from .effects import run, shows


class Beginnings(Analysis):
    """Words are found by their first five letters; "und" says nothing."""

    name = "beginnings"
    version = 3
    stop_words = frozenset({"und", "die"})

    def term(self, word):
        return word[:5]


class Syllables(Analysis):
    """Words without spaces between them, of a dictionary; what is in none is cut at white space."""

    name = "syllables"
    version = 1
    stop_words = frozenset()
    words = re.compile("กรุงเทพ|มหานคร|ข้าว|เช้า|[a-z]+|[^\\W\\d_]|\\d+", re.IGNORECASE)

    def tokens(self, text):
        return (match.span() for match in self.words.finditer(text))

    def term(self, word):
        return word


ARTICLES = [
    Article(id="1", title="Kindergarten", text="Die Kinder und die Katze. Der Hafen-Streik begann.", source="Post"),
    Article(
        id="2", title="Kind", text="Ein Kind lief. Kinderlachen am Hafen. Connection und connected.", source="Post"
    ),
    Article(id="3", title="Running", text="Runners run; the runner ran. Connecting.", published="2024-02-03"),
]
THAI = [
    Article(id="1", title="กรุงเทพมหานคร", text="ข้าวเช้าที่กรุงเทพ. Rice for breakfast."),
    Article(id="2", title="มหานคร", text="เช้า ข้าว กรุงเทพ"),
    Article(id="3", title="London", text="No rice."),
]


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("german") / "a", create=True, analysis=Beginnings()) as archive:
        for one in ARTICLES:
            archive.add([one], vectors=False)
        yield archive


@pytest.fixture(scope="module")
def thai(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("thai") / "a", create=True, analysis=Syllables()) as archive:
        for one in THAI:
            archive.add([one], vectors=False)
        yield archive


def found(archive, query, **settings):
    return sorted(hit.article.id for hit in archive.search(query, **settings) if hit.matched)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Kinderwagen", ["1", "2"]),  # "kinde"
        ("Kind", ["2"]),
        ("Running", ["3"]),
        ("run", ["3"]),
        ("ran", ["3"]),
        ("runs", []),  # English has a stem for it
        ("connect", ["2", "3"]),
        ('"Kinderwagen und Katzen"', []),
        ('"Kinderwagen und die Katze"', ["1"]),
        ("Kinder w/3 Katze", ["1"]),
        ("title:Kinder", ["1"]),
        ("exact:Kinderlachen", ["2"]),
        ("exact:Kinderlach", []),
        ("Hafenstreik", ["1", "2"]),  # as one word it begins as "Hafen" does
        ("katz*", ["1"]),
        ("Kazte~2", ["1"]),
        ("und", ["1", "2"]),  # alone it is all that is asked
        ("und Runners", ["3"]),
        ("the Runners", ["3"]),
    ],
)
def test_words_are_found_by_the_terms_of_the_language(german, query, ids):
    assert found(german, query) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("กรุงเทพ", ["1", "2"]),
        ("กรุงเทพมหานคร", ["1", "2"]),
        ("มหานคร", ["1", "2"]),
        ("ข้าวเช้า", ["1", "2"]),
        ('"ข้าวเช้า"', ["1"]),
        ("เช้าข้าว", ["1", "2"]),
        ('"เช้า ข้าว"', ["2"]),
        ("title:กรุงเทพ", ["1"]),
        ("RICE", ["1", "3"]),
        ("exact:Rice", ["1"]),
        ("london", ["3"]),
    ],
)
def test_a_language_cuts_its_own_words(thai, query, ids):
    assert found(thai, query) == ids


def test_what_matches_is_shown_and_marked(german, thai):
    hit = next(iter(german.search("Kinderwagen", limit=1)))
    marked = {(mark.field, hit.snippet[mark.start : mark.end]) for mark in hit.highlights if mark.field != "title"}
    assert marked in ({("snippet", "Kinder")}, {("snippet", "Kinderlachen")})
    (hit,) = german.search('"Kinderwagen und die"')
    assert [hit.snippet[mark.start : mark.end] for mark in hit.highlights if mark.field == "snippet"] == [
        "Kinder",
        "und",
        "die",
    ]
    hit = next(iter(thai.search('"ข้าวเช้า"')))
    assert [hit.snippet[mark.start : mark.end] for mark in hit.highlights if mark.field == "snippet"] == ["ข้าว", "เช้า"]


def test_scores_explanations_and_contexts_are_of_the_same_words(german, thai):
    hit = next(iter(german.search("Kinderwagen und", explain=True)))
    assert [term["term"] for term in hit.explain["keyword"]["terms"]] == ["kinde"]
    assert german.retrieve("Wo war der Kinderwagen?").passages[0].article_id in ("1", "2")
    assert thai.retrieve("กรุงเทพมหานคร").passages[0].article_id in ("1", "2")
    assert german.search("Kinderwagen Zebra").notes[-1] == "no article has 'Zebra'"
    with german.whoosh() as searcher:
        from whoosh.qparser import QueryParser

        query = QueryParser("text", searcher.schema).parse("Kinderwagen")
        assert {hit["id"] for hit in searcher.search(query)} == {"1", "2"}
    with thai.whoosh() as searcher:
        query = QueryParser("text", searcher.schema).parse("ข้าวเช้า")
        assert {hit["id"] for hit in searcher.search(query)} == {"1"}  # a phrase


@pytest.mark.parametrize(("language", "articles"), [(Beginnings(), ARTICLES), (Syllables(), THAI)])
def test_merged_checked_repaired_and_backed_up(tmp_path, language, articles):
    queries = ("Kinderwagen", '"ข้าวเช้า"', "Hafenstreik", "มหานคร", "run")
    with Archive.open(tmp_path / "a", create=True, analysis=language) as archive:
        archive.add(articles * 3, vectors=False, batch=1)
        before = [[(hit.article.id, hit.score) for hit in archive.search(query)] for query in queries]
        archive.optimize()
        assert archive.check(thorough=True) == []
        assert [[(hit.article.id, hit.score) for hit in archive.search(query)] for query in queries] == before
        archive.repair(thorough=True)
        assert [[(hit.article.id, hit.score) for hit in archive.search(query)] for query in queries] == before
        archive.backup(tmp_path / "b")
        Archive.restore(tmp_path / "b", tmp_path / "c")
        exported = list(archive.export())
    with Archive.open(tmp_path / "c", analysis=language) as archive:
        assert [[(hit.article.id, hit.score) for hit in archive.search(query)] for query in queries] == before
    with Archive.open(tmp_path / "d", create=True, analysis=language) as archive:
        assert not archive.import_(exported).notes
        assert [[(hit.article.id, hit.score) for hit in archive.search(query)] for query in queries] == before
    with Archive.open(tmp_path / "e", create=True) as archive:
        (note,) = archive.import_(exported).notes
        assert note == f"the words of the export are of the language {language.stamp}, and here they are of languages/1"


class Later(Beginnings):
    version = 4

    def term(self, word):
        return word[:4]


@shows("Archive.open", "analysis")
def test_an_archive_of_another_language_is_not_opened(tmp_path):
    folder = tmp_path / "a"
    with Archive.open(folder, create=True, analysis=Beginnings()) as archive:
        archive.add(ARTICLES, vectors=False)
        assert archive.settings["language"] == "beginnings/3"
    with pytest.raises(ArchiveMismatch, match="of the language beginnings/3, which is not installed here"):
        Archive.open(folder)
    with pytest.raises(ArchiveMismatch, match="are of the language beginnings, not syllables"):
        Archive.open(folder, analysis=Syllables())
    with pytest.raises(ArchiveMismatch, match="are of the language beginnings, not english"):
        Archive.open(folder, analysis="english")
    with pytest.raises(
        ArchiveMismatch, match="by version 3 of the language beginnings, and this program has version 4"
    ):
        Archive.open(folder, analysis=Later())
    done = run("search", "Kinder", "--index", folder)
    assert done.exit_code == 3
    assert "not installed here" in done.stderr
    with Archive.open(folder, analysis=Later(), outdated=True) as archive:
        assert any("version 'beginnings/3'" in problem for problem in archive.check())
        archive.repair()
        assert archive.check(thorough=True) == []
        assert found(archive, "Kindheit") == ["1", "2"]  # "kind"
    with Archive.open(folder, analysis=Later()) as archive:
        assert found(archive, "Kindheit") == ["1", "2"]
    with Archive.open(tmp_path / "b", create=True) as archive:
        archive.add(ARTICLES, vectors=False)
        assert archive.settings["language"] == "languages/1"
    with pytest.raises(ArchiveMismatch, match="are of the language languages, not beginnings"):
        Archive.open(tmp_path / "b", analysis=Beginnings())


class Point:
    name = value = "beginnings"

    def __init__(self, made):
        self.load = lambda: made


@pytest.fixture
def installed(monkeypatch):
    languages.named.cache_clear()
    monkeypatch.setattr(languages, "entry_points", lambda group: [Point(Beginnings)])
    yield
    languages.named.cache_clear()


@shows("index", "--analysis")
def test_an_installed_language_is_named_once(tmp_path, installed):
    (tmp_path / "a.jsonl").write_text('{"title": "Kindergarten", "text": "Die Kinder."}\n')
    asked = ["index", tmp_path / "a.jsonl", "--index", tmp_path / "a", "--no-vectors"]
    assert run(*asked, "--analysis", "beginnings").exit_code == 0
    assert run(*asked).exit_code == 0  # it is known by now
    assert "1 of 1 article" in run("search", "Kinderwagen", "--index", tmp_path / "a").stderr
    other = run(*asked, "--analysis", "english")
    assert other.exit_code == 3
    assert "of the language beginnings, not english" in other.stderr
    unknown = run(*asked[:-3], "--index", tmp_path / "b", "--analysis", "martian")
    assert unknown.exit_code == 2
    assert "there is no language 'martian' for words; there are beginnings, english, languages" in unknown.stderr
    assert not (tmp_path / "b").exists()


def made(**values):
    return type("Made", (Analysis,), {"name": "made", "version": 1} | values)()


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        (object(), "an object of type object is no language: it must be a search.Analysis"),
        (made(name="English"), "needs a name of its own, of letters a to z, digits and hyphens, not 'English'"),
        (made(name="english"), "needs a name of its own"),
        (made(version="1"), "the version of the language made must be a whole number, not '1'"),
        (made(stop_words={"a"}), "the stop words of the language made must be a frozenset of texts"),
        (made(term=lambda self, word: ""), "must give a printable term for each word, not ''"),
        (made(term=lambda self, word: None), "must give a printable term for each word, not None"),
        (made(term=lambda self, word: word[99]), "fails on a short text: string index out of range"),
        (made(tokens=lambda self, text: [(0, 0)]), "none empty, overlapping or with white space in it, not ''"),
        (made(tokens=lambda self, text: [(0, 12)]), "with white space in it, not 'Zwei Boote, '"),
        (made(tokens=lambda self, text: [(5, 7), (0, 2)]), "in order"),
    ],
)
def test_what_keeps_no_contract_is_refused_before_anything_is_written(tmp_path, analysis, said):
    with pytest.raises(UsageError) as raised:
        Archive.open(tmp_path / "a", create=True, analysis=analysis)
    assert said in str(raised.value)
    assert not (tmp_path / "a").exists()


def test_what_breaks_the_contract_later_is_told(tmp_path):
    late = made(term=lambda self, word: "" if word == "zebra" else word)
    with Archive.open(tmp_path / "a", create=True, analysis=late) as archive:
        archive.add([Article(id="1", text="A gnu.")], vectors=False)
        with pytest.raises(UsageError, match="the language made must give a printable term for 'zebra', not ''"):
            archive.add([Article(id="2", text="A zebra.")], vectors=False)
        assert found(archive, "gnu") == ["1"]


def test_english_is_the_usual_analysis(tmp_path):
    class Same(Analysis):
        name = "same"

    texts = ["The runner's e-mail: AT&T, J. K. Rowan and l'eau", "state-of-the-art U.S. 1,200 東京", "x" * 300]
    for text in texts:
        assert analyze(text, Same()) == analyze(text) == analyze(text, ENGLISH)
    assert ENGLISH.stamp is None
    assert [text[start:end] for text in texts[1:2] for start, end in ENGLISH.tokens(text)][-2:] == ["東", "京"]
    assert fold("Éa") == "ea"
    articles = [Article(id=str(n), title=text, text=f"{text}. Runners ran.") for n, text in enumerate(texts)]
    answers = []
    for number, analysis in enumerate(("english", Same())):
        with Archive.open(tmp_path / str(number), create=True, analysis=analysis) as archive:
            archive.add(articles, vectors=False)
            answers.append(
                [
                    [(hit.article.id, hit.score, hit.snippet, hit.highlights) for hit in archive.search(query)]
                    for query in (
                        "email",
                        '"the runner\'s e-mail"',
                        "JK Rowan",
                        "running",
                        "eau",
                        "exact:AT&T",
                        "東京",
                        "us",
                    )
                ]
            )
    assert answers[0] == answers[1]


def test_news_of_alerts_show_the_words_of_the_language(tmp_path):
    with Archive.open(tmp_path / "a", create=True, analysis=Beginnings()) as archive:
        archive.add_alert("children", "Kinderwagen")
        archive.add(ARTICLES, vectors=False)
        (news,) = archive.run_alerts()
        shown = {item.id: item.snippet for item in news.items}
        assert set(shown) == {"1", "2"}
        assert "Kinder" in shown["1"]


def test_the_marks_of_an_article_are_of_the_language(german):
    article = german.get("1")
    marked = {getattr(article, mark.field)[mark.start : mark.end] for mark in german.marks("1", "Kinderwagen")}
    assert marked == {"Kinder", "Kindergarten"}
