"""What each option of the commands that write does to an archive: its articles, its commits, its bytes on disk."""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import date

import pytest

from search import Archive, Article
from search.storage.folder import Folder
from search.storage.locks import lock_writer

from .effects import answer, run, shows
from .test_doctor import forge

NEWS = [
    {"id": "dam", "title": "Dam leaks", "text": "The dam leaks.", "source": "Valley Herald", "date": "2024-10-01"},
    {"id": "port", "title": "Port strike", "text": "Dockers walk out.", "source": "Coast", "date": "2024-11-02"},
    {"id": "gate", "title": "Gate jams", "text": "A gate of the dam jams.", "date": "2024-11-03"},
]
ARTICLES = [
    Article(id=one["id"], title=one["title"], text=one["text"], published=date.fromisoformat(one["date"]))
    for one in NEWS
]
DAM, PORT, GATE = ("dam", "port", "gate")


@pytest.fixture
def news(tmp_path):
    return written(tmp_path / "news.jsonl", NEWS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An archive of words alone, which every command takes."""
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add(ARTICLES, vectors=False)
    monkeypatch.setenv("BROADSHEET_INDEX", str(folder))
    return folder


def written(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def index(path, *arguments):
    """Index without vectors; what is said."""
    ran = run("index", path, "--no-vectors", *arguments)
    assert ran.exit_code == 0, ran.output
    return ran.stderr


def held(folder):
    with Archive.open(folder) as archive:
        return sorted(hit.article.id for hit in archive.search("*", sort="newest", limit=1000))


# index


@shows("index", "--format")
def test_index_format(tmp_path):
    file = tmp_path / "news.jsonl"
    file.write_text('{"id": "dam", "title": "Dam leaks", "text": "The dam leaks."}\n')
    for form, title, text in (
        ("auto", "Dam leaks", "The dam leaks."),
        ("jsonl", "Dam leaks", "The dam leaks."),
        ("text", '{"id": "dam", "title": "Dam leaks", "text": "The dam leaks."}', ""),
    ):
        index(file, "--format", form, "--index", tmp_path / form)
        with Archive.open(tmp_path / form) as archive:
            (hit,) = archive.search("dam")
            assert (hit.article.title, hit.article.text) == (title, text)
    file.write_text('[{"id": "a", "text": "One."}, {"id": "b", "text": "Two."}]')
    index(file, "--format", "json", "--index", tmp_path / "json")
    assert held(tmp_path / "json") == ["a", "b"]
    file.write_text("id,text\na,One.\nb,Two.\nc,Three.\n")
    index(file, "--format", "csv", "--index", tmp_path / "csv")
    assert held(tmp_path / "csv") == ["a", "b", "c"]


@shows("index", "--map", "--mapping", "--set")
def test_index_names_of_fields(tmp_path):
    file = tmp_path / "news.csv"
    file.write_text("id,Kopf,Leib\ndam,Dam leaks,The dam leaks.\n")
    assert run("index", file, "--index", tmp_path / "unmapped").exit_code == 2
    names = tmp_path / "names"
    names.write_text("title=Kopf\n")
    index(file, "--mapping", names, "--map", "text=Leib", "--set", "source=Valley Post", "--index", tmp_path / "mapped")
    with Archive.open(tmp_path / "mapped") as archive:
        found = archive.get("dam")
    assert (found.title, found.text, found.source) == ("Dam leaks", "The dam leaks.", "Valley Post")


@shows("index", "--dates")
def test_index_dates(tmp_path):
    file = written(tmp_path / "news.jsonl", [{"id": "dam", "text": "The dam leaks.", "date": "05/02/2025"}])
    for order, day in (("day-first", "2025-02-05"), ("month-first", "2025-05-02")):
        index(file, "--dates", order, "--index", tmp_path / order)
        assert answer("show", "dam", "--index", tmp_path / order)["published"] == day


@shows("index", "--encoding")
def test_index_encoding(tmp_path):
    file = tmp_path / "news.csv"
    file.write_bytes("id,title\ndam,Straße\n".encode("cp850"))
    for encoding, title in (("cp850", "Straße"), ("cp1252", "Straáe")):
        index(file, "--encoding", encoding, "--index", tmp_path / encoding)
        assert answer("show", "dam", "--index", tmp_path / encoding)["title"] == title


@shows("index", "--dry-run", "--report")
def test_index_says_what_it_reads(tmp_path):
    file = written(tmp_path / "news.jsonl", [{"id": "dam", "text": "The dam leaks."}])
    said = run("index", file, "--dry-run", "--index", tmp_path / "ix")
    assert "1 article would be read" in said.stderr
    assert not (tmp_path / "ix").exists()
    index(file, "--report", tmp_path / "report.json", "--index", tmp_path / "ix")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["added"], report["kinds"]["jsonl"]["said"]["without a date"]["articles"]) == (1, 1)


@shows("index", "--batch")
def test_index_batch_is_a_commit(news, tmp_path):
    def commits(name, *batch):
        index(news, "--index", tmp_path / name, *batch)
        return answer("stats", "--index", tmp_path / name)["commit"]

    empty = 1
    assert commits("default") == empty + 1
    assert commits("pairs", "--batch", "2") == empty + 2
    assert commits("single", "--batch", "1") == empty + 3


@shows("index", "--model", "--no-vectors", "--dimension")
def test_index_vectors(news, tmp_path, sample_archive):
    def made(name, *how):
        assert run("index", news, "--index", tmp_path / name, *how).exit_code == 0
        stats = answer("stats", "--index", tmp_path / name)
        return stats["encoder"], stats["bytes"].get("vectors", 0)

    # Without --model it is the default one: so the sample archive was made.
    assert answer("stats", "--index", sample_archive)["model"] == "sentence-transformers/all-MiniLM-L6-v2"
    whole, size = made("hash", "--model", "hash")
    assert (whole["name"], whole["dimension"]) == ("hash", 64)
    part, smaller = made("part", "--model", "hash", "--dimension", "32")
    assert (part["name"], part["dimension"]) == ("hash", 32)
    passages = 3
    assert size - smaller == passages * (64 - 32) * 2  # float16
    assert made("words", "--no-vectors") == (None, 0)
    assert run("search", "dam", "--mode", "vector", "--index", tmp_path / "words").exit_code == 2
    assert run("search", "dam", "--mode", "vector", "--index", tmp_path / "hash").exit_code == 0


@pytest.mark.model
@shows("index", "--precision")
@shows("embed", "--precision", "--model")
def test_precision(tmp_path):
    """The vector of a passage, against that of the same words as a query, which is always of float32."""
    file = written(tmp_path / "one.jsonl", [{"id": "one", "text": "The dam leaks at noon."}])

    def cosine(folder):
        (hit,) = answer("search", "The dam leaks at noon.", "--mode", "vector", "--index", folder)["hits"]
        return hit["passages"][0]["score"]

    for precision in ("float32", "bfloat16"):
        folder = tmp_path / precision
        assert run("index", file, "--precision", precision, "--index", folder).exit_code == 0
        bare = tmp_path / f"bare-{precision}"
        index(file, "--index", bare)
        said = run("embed", "--precision", precision, "--index", bare)
        assert said.stderr.startswith("1 article embedded with sentence-transformers/all-MiniLM-L6-v2, 384 dimensions")
        assert cosine(bare) == cosine(folder)
    assert cosine(tmp_path / "float32") == pytest.approx(1.0, abs=3e-5)  # kept as float16
    assert 0.999 < cosine(tmp_path / "bfloat16") < 0.99999


@shows("index", "--rejects")
def test_index_rejects(tmp_path):
    file = tmp_path / "mixed.jsonl"
    file.write_text('{"id": "dam", "text": "The dam leaks."}\n{"id": "cut", "te\n')
    index(file, "--index", tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "mixed.jsonl"]
    index(file, "--index", tmp_path / "b", "--rejects", tmp_path / "rejects.jsonl")
    (rejected,) = map(json.loads, (tmp_path / "rejects.jsonl").read_text().splitlines())
    assert (rejected["source"], rejected["line"], rejected["record"]) == (str(file), 2, '{"id": "cut", "te')


@shows("index", "--prune")
def test_index_prune(news, folder, tmp_path):
    less = written(tmp_path / "less.jsonl", NEWS[:1])
    index(less)
    assert held(folder) == [DAM, GATE, PORT]
    assert ", 2 pruned in" in index(less, "--prune")
    assert held(folder) == [DAM]


# regroup


@shows("regroup", "--window", "--index")
def test_regroup(tmp_path):
    """Two copies, six weeks apart: of one story within sixty days and not within thirty."""
    text = "The dam at Corriedale will be inspected by a panel of engineers within six weeks, the minister said. " * 4
    lines = [{"id": name, "text": text, "date": day} for name, day in (("a", "2025-01-01"), ("b", "2025-02-12"))]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert run("index", "--index", tmp_path / "i", "--no-vectors", tmp_path / "a.jsonl").exit_code == 0
    for window, copies in (([], 0), (["--window", "60"], 1), ([], 1), (["--window", "30"], 0)):
        said = run("regroup", "--index", tmp_path / "i", *window)
        assert said.stderr.startswith(f"2 articles compared, {copies} of them copies of another, in ")
    assert run("regroup", "--index", tmp_path / "i", "--window", "-1").exit_code == 2


# embed


@shows("embed", "--model", "--dimension")
def test_embed(folder):
    assert run("search", "dam", "--mode", "vector").exit_code == 2
    assert "3 articles embedded with hash, 64 dimensions" in run("embed", "--model", "hash").stderr
    assert run("search", "dam", "--mode", "vector").exit_code == 0
    assert "nothing to embed: the vectors are of hash, 64 dimensions" in run("embed").stderr
    size = answer("stats")["bytes"]["vectors"]
    said = run("embed", "--model", "hash", "--dimension", "32").stderr
    assert "3 articles embedded with hash, 32 dimensions" in said
    assert size - answer("stats")["bytes"]["vectors"] == 3 * (64 - 32) * 2


# delete


@shows("delete", "--query", "--yes")
def test_delete_query_asks_unless_yes(folder):
    asked = run("delete", "--query", "dam")
    assert (asked.exit_code, held(folder)) == (2, [DAM, GATE, PORT])
    assert asked.stderr.splitlines() == [
        "gate Gate jams",
        "dam Dam leaks",
        "broadsheet: nobody can be asked here; add --yes to go ahead",
    ]
    gone = run("delete", "--query", "dam", "--yes")
    assert (gone.exit_code, gone.stderr, held(folder)) == (0, "2 articles deleted\n", [PORT])


@shows("delete", "--purge")
def test_delete_purge_takes_the_bytes(folder):
    def files_with(data):
        return {path.name for path in folder.rglob("*") if path.is_file() and data in path.read_bytes()}

    connection = sqlite3.connect(folder / "catalog.sqlite")
    records = dict(connection.execute("SELECT id, record FROM articles"))
    connection.close()
    run("delete", DAM)
    assert held(folder) == [GATE, PORT]
    assert files_with(records[PORT]) == {"catalog.sqlite"}
    assert "keyword.part" in files_with(b"leaks") & files_with(b"Dockers")  # deleted or not
    assert run("delete", PORT, "--purge").stderr == "1 article purged\n"
    assert held(folder) == [GATE]
    assert (files_with(records[PORT]), files_with(b"Dockers")) == (set(), set())


# doctor


@shows("doctor", "--thorough")
def test_doctor_thorough(folder):
    forge(folder, "keyword", "positions", lambda positions: positions + 1)
    assert run("doctor").exit_code == 0
    found = run("doctor", "--thorough")
    assert found.exit_code == 1
    assert "keyword.part has other words than its articles (positions); index them again" in found.stdout


# optimize


@shows("optimize", "--bm25")
def test_optimize_bm25_changes_scores_and_merges_nothing(folder, tmp_path):
    index(written(tmp_path / "more.jsonl", [{"id": "more", "title": "Port", "text": "More of the dam."}]))
    asked = ("search", "port", "--mode", "keyword", "-n", "1")
    before = answer(*asked, "--explain")["hits"][0]
    tuned = run("optimize", "--bm25", "title=0,k1=2")
    assert (
        tuned.stdout
        == "k1=2 b=0.75 title=0 caption=1 dateline=1 byline=1 text=1 near=0.2 exact=0.33 lead=0.2 weight=0.5\n"
    )
    assert answer("stats")["segments"] == 2
    assert before["explain"]["keyword"]["score"] > 0
    after = answer(*asked, "--explain")["hits"][0]
    assert after["score"] == 0.0  # the word stands in titles alone, which weigh nothing now
    assert "2 segments before, 1 now" in run("optimize").stderr
    assert answer("stats")["segments"] == 1
    assert answer("stats")["ranking"]["title"] == 0


@shows("optimize", "--furniture")
def test_optimize_furniture_says_what_is_left_out(tmp_path):
    rows = [
        {"id": f"p{n}", "title": f"Dam{n}", "text": f"Water{n} rose{n}.\n\nSign up for the Post.", "source": "Post"}
        | {"published": f"2025-0{1 + n // 20}-{1 + n % 20:02}"}
        for n in range(60)
    ]
    folder = ("--index", tmp_path / "i")
    assert run("index", *folder, "--no-vectors", written(tmp_path / "post.jsonl", rows)).exit_code == 0
    known = {"sentences": 60, "articles": 60, "sources": 1}
    for asked, expected in (((), known), (("--furniture", "keep"), None), ((), None), (("--furniture", "drop"), known)):
        assert run("optimize", *folder, *asked).exit_code == 0
        assert answer("stats", *folder)["furniture"] == expected


# alerts


@shows("alerts add", "--everything")
def test_alerts_add_everything(folder, tmp_path):
    run("alerts", "add", "new", "dam")
    run("alerts", "add", "all", "dam", "--everything")
    news = answer("alerts", "run")["alerts"]
    assert {one["name"]: [item["id"] for item in one["articles"]] for one in news} == {"all": [GATE, DAM], "new": []}


@shows("alerts list", "--format")
@shows("alerts run", "--format", "--peek")
def test_alerts_run_and_list(folder):
    run("alerts", "add", "dams", "dam", "--everything")
    (alert,) = answer("alerts", "list")["alerts"]
    assert (alert["name"], alert["query"], alert["ran"]) == ("dams", "dam", None)
    assert run("alerts", "list").stdout.startswith("dams\n  dam\n  saved ")
    told = [run("alerts", "run", "--peek", "--format", form) for form in ("text", "json", "rss")]
    assert [ran.exit_code for ran in told] == [0, 0, 0]
    assert told[0].stdout.split("\n\n") == [
        "dams",
        "  Gate jams\n  2024-11-03\n  A gate of the dam jams.\n  id gate",
        "  Dam leaks\n  2024-10-01\n  The dam leaks.\n  id dam\n",
    ]
    assert [one["id"] for one in json.loads(told[1].stdout)["alerts"][0]["articles"]] == [GATE, DAM]
    assert [line for line in told[2].stdout.splitlines() if line.startswith("<title>")] == [
        "<title>Broadsheet: dams</title>",
        "<title>Gate jams</title>",
        "<title>Dam leaks</title>",
    ]
    # Peeking has recorded nothing; a run does.
    assert run("alerts", "run").stdout == told[0].stdout
    again = run("alerts", "run")
    assert (again.exit_code, again.stdout, again.stderr) == (1, "", "dams: 0 new articles\n")


# Options of every command that writes


@pytest.fixture
def writing(folder, news):
    """A working call of each command that writes."""
    run("alerts", "add", "old", "dam", "--everything")
    return {
        "index": ["index", news],
        "embed": ["embed", "--model", "hash"],
        "delete": ["delete", DAM],
        "optimize": ["optimize"],
        "reanalyse": ["reanalyse"],
        "regroup": ["regroup"],
        "alerts add": ["alerts", "add", "new", "dam"],
        "alerts remove": ["alerts", "remove", "old"],
        "alerts run": ["alerts", "run"],
    }


WRITING = ("index", "embed", "delete", "optimize", "reanalyse", "regroup", "alerts add", "alerts remove", "alerts run")


@pytest.mark.parametrize("command", WRITING)
def test_wait(writing, folder, command):
    lock = lock_writer(Folder.open(folder))
    refused = run(*writing[command])
    assert refused.exit_code == 3
    assert refused.stderr.endswith("wait for it to finish, or use --wait\n")
    released = threading.Timer(0.1, lock.release)
    released.start()
    done = run(*writing[command], "--wait")
    assert not released.is_alive()
    assert done.exit_code == 0, done.output


for _command in WRITING:
    shows(_command, "--wait")(test_wait)
