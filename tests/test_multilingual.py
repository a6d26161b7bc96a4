"""Each article in its own language: what is found, marked, counted and told, in one archive of many languages."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from search import Archive, Article, Filters
from search.keyword.analysis import ENGLISH, analyze, fold
from search.keyword.multilingual import EVERY, how_read, in_language
from search.keyword.readings import readings
from search.text.languages.detect import detected, language_of
from search.text.languages.table import known

from .effects import run, shows

ARTICLES = [
    Article(
        id="de1",
        title="Häuser in Köln",
        text="Der Bundestag hat am Donnerstag über die neuen Häuser beraten. "
        "Die Kinder und Angela Merkel waren nicht da.",
    ),
    Article(
        id="de2",
        title="Streik",
        text="Die Lokführer haben in der Nacht einen Streik begonnen, und die Züge standen "
        "bis 2024 still auf der Straße.",
    ),
    Article(
        id="en1",
        title="Merkel visits Paris",
        text="Angela Merkel was in Paris on Friday and met the children of the embassy. She was kind, and the election "
        "of 2024 was over. Herr Müller sang.",
        authors=("Jörg Öztürk",),
        language="en",
    ),
    Article(
        id="fr1",
        title="Les élections",
        text="Les élections ont été reportées par le gouvernement, et les enfants des écoles sont en vacances. "
        "L'Élysée n'a pas dit un mot.",
    ),
    Article(
        id="es1", title="Las canciones", text="La ministra de cultura escuchó las canciones que los niños cantaron."
    ),
    Article(
        id="pt1", title="Eleições", text="As eleições foram adiadas pelo governo, que não disse quando será a votação."
    ),
    Article(
        id="it1",
        title="Le città",
        text="Le città della costa hanno chiesto al governo di ridurre le tasse sugli alberghi.",
    ),
    Article(
        id="ru1",
        title="Выборы в Москве",
        text="В Москве прошли выборы мэра. Избиратели выбирали между тремя кандидатами. Артём пришёл с ёлкой.",
    ),
    Article(
        id="uk1", title="Вибори", text="Вибори в Києві відбулися, але мер сказав, що це ще не кінець і він буде чекати."
    ),
    Article(
        id="ar1", title="الانتخابات", text="جرت الانتخابات في المدينة الكبيرة، وقال الوزير إن المدارس ستفتح أبوابها."
    ),
    Article(id="fa1", title="کتاب", text="کتاب جدید دربارهٔ ایرانی‌ها است و علی گفت که این را برای آن نوشته است."),
    Article(id="hi1", title="किताबें", text="दिल्ली में किताबों का मेला शुरू हुआ और लड़कों ने ज़मीन पर बैठकर पढ़ा।"),
    Article(id="zh1", title="东京奥运会", text="东京奥运会在夏天开幕。运动员来自世界各地。"),
    Article(id="ja1", title="東京の地震", text="東京で大きな地震がありました。ニュースによると、けが人はいません。"),
    Article(id="ko1", title="서울시장 선거", text="서울에서 선거가 열렸다. 정부는 결과를 발표했다. 전문가들은 놀랐다."),
    Article(id="th1", title="ข่าว", text="ฉันชอบกินข้าวเช้าทุกวันในกรุงเทพมหานคร"),
    Article(
        id="tr1", title="Şehirler", text="Bakan, bu yıl için şehirlerde daha çok ev olacak ve yeni yollar da var dedi."
    ),
]
CODES = [article.id[:2] for article in ARTICLES]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("languages") / "a", create=True) as archive:
        for start in range(0, len(ARTICLES), 5):  # several segments
            archive.add(ARTICLES[start : start + 5], vectors=False)
        yield archive


def matched(archive, query, **settings):
    return sorted(hit.article.id for hit in archive.search(query, **settings) if hit.matched)


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_the_language_of_a_text(article):
    assert language_of("", article.title, article.text) == article.id[:2]


@pytest.mark.parametrize(
    ("declared", "text", "code"),
    [
        ("de", "The minister said that the ports would be closed.", "de"),  # what is declared counts
        ("de-AT", "Wien", "de"),
        ("pt_BR", "Rio", "pt"),
        ("en", "दिल्ली में किताबों का मेला शुरू हुआ", "hi"),  # unless no letter of it can be
        ("nb", "Oslo", "no"),
        ("xx", "abc", "xx"),
        ("", "A gnu.", ""),
        ("", "", ""),
        ("", "12345 %%% !!!", ""),
        ("English language, mostly", "A gnu.", ""),
    ],
)
def test_what_is_declared(declared, text, code):
    assert language_of(declared, "", text) == code


def test_every_language_has_stems_that_print():
    for code, language in known().items():
        for word in ("x", "abc", "ة", "和", "и", "करना", "가", "т", "@", "1", "oes"):
            stem = in_language(code).term(fold(word))
            assert stem
            assert stem.isprintable()
            assert stem == in_language(code).term(fold(word))
        assert language.stem("x")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Kind", ["de1", "en1"]),  # "Kinder" in one language, "kind" in the other
        ("Kinder", ["de1"]),
        ("children", ["en1"]),
        ("Haus", ["de1"]),
        ("Haeusern", ["de1"]),
        ("Koeln", ["de1"]),
        ("Strasse", ["de2"]),
        ("STRASSEN", ["de2"]),
        ("Mueller", ["en1"]),
        ("Müller", ["en1"]),
        ("Muller", ["en1"]),
        ("Merkel", ["de1", "en1"]),
        ("2024", ["de2", "en1"]),
        ("élection", ["en1", "fr1"]),
        ("elections", ["en1", "fr1"]),
        ("Elysee", ["fr1"]),
        ("enfant", ["fr1"]),
        ("canción", ["es1"]),
        ("cancion", ["es1"]),
        ("eleição", ["pt1"]),
        ("eleicoes", ["pt1"]),
        ("citta", ["it1"]),
        ("tassa", ["it1"]),
        ("выбор", ["ru1"]),
        ("Москва", ["ru1"]),
        ("Артем", ["ru1"]),
        ("елка", ["ru1"]),
        ("вибори", ["uk1"]),
        ("مدينة", ["ar1"]),
        ("مدينه", ["ar1"]),
        ("المدرسة", []),  # a broken plural is another word
        ("انتخابات", ["ar1"]),
        ("كتاب", ["fa1"]),
        ("كـتـاب", ["fa1"]),
        ("علي", ["fa1"]),
        ("ایرانی", ["fa1"]),
        ("किताब", ["hi1"]),
        ("लड़का", ["hi1"]),
        ("जमीन", ["hi1"]),
        ("东京", ["zh1"]),
        ("奥运", ["zh1"]),
        ("京东", []),
        ("東京", ["ja1"]),
        ("地震", ["ja1"]),
        ("ニュース", ["ja1"]),
        ("서울", ["ko1"]),
        ("정부", ["ko1"]),
        ("전문가", ["ko1"]),
        ("กรุงเทพมหานคร", ["th1"]),
        ("ข้าวเช้า", ["th1"]),
        ("เช้าข้าว", []),
        ("şehir", ["tr1"]),
        ("sehir", ["tr1"]),
        ("die Kinder", ["de1"]),
        ("les enfants", ["fr1"]),
        ("Kinder Merkel", ["de1"]),
        ("children Merkel", ["en1"]),
        ("children Kinder", []),
    ],
)
def test_words_are_found_in_the_language_of_each_article(archive, query, ids):
    assert matched(archive, query) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ('"einen Streik begonnen"', ["de2"]),
        ('"eines Streiks beginnen"', []),
        ('"neuen Haus"', ["de1"]),
        ('"die Kindern"', ["de1"]),
        ("Bundestag w/8 Häuser", ["de1"]),
        ("Bundestag w/2 Häuser", []),
        ("exact:Kinder", ["de1"]),
        ("exact:Kind", []),
        ("exact:Mueller", []),
        ("exact:Müller", ["en1"]),
        ("exact:東京", ["ja1"]),
        ("Häus*", ["de1"]),
        ("*führer", ["de2"]),
        ("Streek~1", ["de2"]),
        ("выбар~1", []),
        ("Моск*", ["ru1"]),
        ("किता*", ["hi1"]),  # behind the sign of a vowel
        ("किताबो*", ["hi1"]),
        ("दि?ली", []),
        ("दिल्ल*", ["hi1"]),
        ("किता!", ["hi1"]),
        ("title:Häuser", ["de1"]),
        ("title:Kinder", []),
        ("Kinder AND Merkel", ["de1"]),
        ("Merkel NOT children", ["de1"]),
        ("Merkel NOT Kinder", ["en1"]),
        ('"东京奥运会"', ["zh1"]),
        ('"奥运会在夏天"', ["zh1"]),
        ('"东京夏天"', []),
        ("东京 w/12 夏天", ["zh1"]),
        ('"กรุงเทพ"', ["th1"]),
        ("by:Oeztuerk", ["en1"]),
        ("by:Öztürk", ["en1"]),
        ("by:Ozturk", ["en1"]),
        ("lang:de", ["de1", "de2"]),
        ("lang:en Merkel", ["en1"]),
        ("lang:zh", ["zh1"]),
    ],
)
def test_operators_work_in_every_language(archive, query, ids):
    assert matched(archive, query) == ids


@pytest.mark.parametrize(
    ("query", "marks"),
    [
        ("Kind", {"de1": ["Kinder"], "en1": ["kind"]}),
        ("Haus", {"de1": ["Häuser"]}),
        ("Mueller", {"en1": ["Müller"]}),
        ("выбор", {"ru1": ["выборы"]}),
        ("مدينه", {"ar1": ["المدينة"]}),
        ("علي", {"fa1": ["علی"]}),
        ("东京奥运会", {"zh1": ["东京奥运会"]}),
        ('"东京奥运会"', {"zh1": ["东京奥运会"]}),
        ("서울", {"ko1": ["서울에서"]}),
        ("ข้าวเช้า", {"th1": ["ข้าวเช้า"]}),
        ('"die Kindern"', {"de1": ["Die", "Kinder"]}),
        ("Häus*", {"de1": ["Häuser"]}),
    ],
)
def test_marks_are_those_of_the_text(archive, query, marks):
    found = {}
    for hit in archive.search(query):
        assert hit.snippet in hit.article.text or "…" in hit.snippet
        shown = [hit.snippet[m.start : m.end] for m in hit.highlights if m.field == "snippet"]
        assert [
            hit.article.text[m.start : m.end] for m in archive.marks(hit.article.id, query) if m.field == "text"
        ] == shown
        found[hit.article.id] = shown
    assert found == marks


def test_hits_say_their_language_and_facets_count_it(archive):
    assert {hit.article.language for hit in archive.search("Merkel")} == {"de", "en"}
    assert [hit.article.id for hit in archive.search("Merkel", filters=Filters(languages=["de"]))] == ["de1"]
    (facet,) = archive.facets("Merkel", fields=["language"]).facets
    assert {value.value: value.count for value in facet.values} == {"de": 1, "en": 1}
    assert archive.get("de1").language == ""  # the record stays as it came


def test_a_word_weighs_as_much_in_each_language(archive):
    """idf is that of all articles with the word; so no language is preferred for being rare."""
    hits = {hit.article.id: hit.explain["keyword"]["terms"] for hit in archive.search("Merkel", explain=True)}
    assert {name: [term["term"] for term in terms] for name, terms in hits.items()} == {
        "de1": ["merkel@de"],
        "en1": ["merkel"],
    }
    count = len(ARTICLES)
    for (term,) in hits.values():
        assert term["df"] == 2
        assert term["idf"] == pytest.approx(math.log(1 + (count - 2 + 0.5) / 2.5))
        tf, norm = term["tf"], 0.9 * (1 - 0.75 + 0.75 * term["length"] / term["average_length"])
        assert term["contribution"] == pytest.approx(term["idf"] * tf / (tf + norm), rel=1e-5)


def test_the_words_of_a_language_say_nothing_in_a_query_of_it(archive):
    """ "die" is an English verb; in a German question it is an article."""
    assert matched(archive, "Was haben die Lokführer begonnen") == ["de2"]
    notes = archive.search("die Lokführer").notes
    assert not any("die" in note for note in notes)


def test_merged_checked_and_repaired(tmp_path):
    queries = ("Kind", '"东京奥运会"', "выбор", "Merkel 2024", "كتاب", "Mueller", "exact:Kinder")

    def answers(archive):
        return [
            [(hit.article.id, hit.score, hit.snippet, hit.highlights) for hit in archive.search(q)] for q in queries
        ]

    with Archive.open(tmp_path / "a", create=True) as archive:
        for article in ARTICLES:
            archive.add([article], vectors=False)
        before = answers(archive)
        assert archive.check(thorough=True) == []
        archive.optimize()
        assert answers(archive) == before
        assert archive.check(thorough=True) == []
        archive.delete(["de2"])
        archive.add([Article(id="de2", text=ARTICLES[1].text, title="Streik")], vectors=False)
        archive.optimize()
        assert answers(archive) == before
        archive.repair(thorough=True)
        assert answers(archive) == before
    with Archive.open(tmp_path / "b", create=True) as archive:
        report = archive.add(ARTICLES, vectors=False)
        assert report.languages == {code: CODES.count(code) for code in dict.fromkeys(CODES)}
        assert report.detected == len(ARTICLES) - 1
        assert answers(archive) == before


def written(folder):
    lines = [{"id": one.id, "title": one.title, "text": one.text, "language": one.language} for one in ARTICLES]
    (folder / "a.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    return folder / "a.jsonl"


@shows("reanalyse", "--index", "--analysis")
def test_an_archive_of_before_is_read_as_before_until_it_is_analysed_anew(tmp_path):
    source, folder = written(tmp_path), tmp_path / "old"
    assert run("index", source, "--index", folder, "--no-vectors", "--analysis", "english").exit_code == 0
    with Archive.open(folder) as archive:
        assert archive.settings.get("language") is None
        assert matched(archive, "Kind") == ["en1"]
        assert matched(archive, "Koeln") == []
        assert archive.stats()["words"]["note"].startswith("all articles are read as English; 'broadsheet reanalyse'")
        vectors = archive.stats()["bytes"].get("vectors")
    done = run("reanalyse", "--index", folder)
    assert done.exit_code == 0
    assert done.stderr.startswith(f"the words of {len(ARTICLES)} articles read again in ")
    assert "languages: de 2, ar 1, en 1" in done.stderr
    with Archive.open(folder) as archive, Archive.open(tmp_path / "new", create=True) as other:
        other.add([replace(one, authors=()) for one in ARTICLES], vectors=False)
        assert archive.settings["language"] == other.settings["language"] == "languages/1"
        for query in ("Kind", "Koeln", "东京奥运会", "lang:de", "Merkel 2024"):
            assert [(hit.article.id, hit.score) for hit in archive.search(query)] == [
                (hit.article.id, hit.score) for hit in other.search(query)
            ]
        assert archive.check(thorough=True) == []
        assert archive.stats()["bytes"].get("vectors") == vectors
    assert "were read so before" in run("reanalyse", "--index", folder).stderr
    back = run("reanalyse", "--index", folder, "--analysis", "english")
    assert back.exit_code == 0
    with Archive.open(folder) as archive:
        assert matched(archive, "Kind") == ["en1"]


def test_indexing_and_stats_say_how_languages_are_read(tmp_path):
    said = run("index", written(tmp_path), "--index", tmp_path / "a", "--no-vectors").stderr
    (line,) = (line for line in said.splitlines() if line.startswith("languages: "))
    assert line.startswith(
        "languages: de 2, fr 1, es 1, pt 1, it 1, ru 1, uk 1, ar 1, fa 1, hi 1, zh 1, ja 1, ko 1, th 1, tr 1"
    )
    assert "(told by the text of 16 articles)" in line
    assert line.endswith(
        "found: zh, ja, th by every two letters, for want of spaces; uk by words as they stand, without stems "
        "(help languages)"
    )
    with Archive.open(tmp_path / "a") as archive:
        stats = archive.stats()
        assert stats["languages"]["de"] == 2
        assert stats["words"] == {"analysis": "languages/1", "stems": 13, "letters": 3, "stand": 1, "english": 0}
    assert [how_read(code) for code in ("", "en", "de", "zh", "uk", "xx")] == [
        "english", "stems", "stems", "letters", "stand", "stand",
    ]  # fmt: skip


def test_english_archives_are_what_they_were(tmp_path):
    """An archive of English alone answers as it did when all was read as English, to the last bit."""
    texts = [
        "The runner's e-mail about AT&T reached J. K. Rowan, and the U.S. said that it was over.",
        "State-of-the-art ports were closed by the strike, which the unions said was the first — café and naïve.",
        "Ministers met in the capital and were told that 1,200 people had been moved from the coast.",
    ]
    articles = [Article(id=str(n), title=text[:20], text=text * 3) for n, text in enumerate(texts)]
    answers = []
    for name in ("english", "languages"):
        with Archive.open(tmp_path / name, create=True, analysis=name) as archive:
            archive.add(articles, vectors=False)
            answers.append(
                [
                    [(hit.article.id, hit.score, hit.snippet, hit.highlights, hit.explain) for hit in found]
                    for query in ("email", '"the runner\'s e-mail"', "strike ports", "naive", "minist*", "portt~", "us")
                    for found in [archive.search(query, explain=True)]
                ]
            )
    assert answers[0] == answers[1]
    for text in texts:
        assert analyze(text, EVERY) == analyze(text, ENGLISH)
        assert readings(text, EVERY) == readings(text, ENGLISH)
        assert EVERY.plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\u0e31\u0e31",
        "\u3099",
        "\u200b",
        "東\u200b京",
        "ü" * 500,
        "ก" * 3000,
        "a\u0308" * 99,
        "@de",
        "x@de",
        "한" * 300,
    ],
)
def test_no_text_makes_it_fail(tmp_path, text):
    with Archive.open(tmp_path / "a", create=True) as archive:
        archive.add(
            [Article(id="1", title=f"t {text}", text=f"Die {text} und der Hund sind nicht da.", language="de")],
            vectors=False,
        )
        archive.add([Article(id="2", title="t", text=f"{text} here", language="tlh")], vectors=False)
        assert archive.check(thorough=True) == []
        for query in (text, f'"{text}"', f"{text} Hund"):
            if query.strip(' \u200b"'):
                archive.search(query, literal=True)
        assert matched(archive, "Hund") == ["1"]
        assert matched(archive, "here") == ["2"]
        assert detected(text) in (*known(), "")


def test_a_question_is_about_no_word_of_its_asking_beside_another_language(tmp_path):
    with Archive.open(tmp_path / "archive", create=True) as archive:
        archive.add(
            [
                Article(id="en", text="The council met about the dam, and what it did was to wait."),
                Article(id="de", text="Der Damm hält, sagte der Wart, und die Stadt ist ruhig.", language="de"),
            ],
            vectors=False,
        )
        assert not archive.retrieve("What did The Washington Post report about the dam?")
        assert [passage.article_id for passage in archive.retrieve("What did the council do about the dam?")] == ["en"]
