"""The command line on real archives: index, search, change, check, measure, and everything that can be wrong."""

from __future__ import annotations

import gzip
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from search.cli.main import cli
from search.storage.folder import Folder
from search.storage.locks import lock_writer

NEWS = [
    {
        "id": "dam",
        "title": "Dam inspectors warned of cracks",
        "text": "Engineers saw cracks in the wall.\n\nThe ministry did not act on Zoë Sa'ar's letter.",
        "date": "2024-10-01",
        "source": "Valley Herald",
        "author": "Mara Quill",
    },
    {
        "id": "port",
        "title": "Dockers' strike closes port",
        "text": "Dockers at the northern port walked out. Ships wait at anchor.",
        "date": "2024-11-02T08:15:00+02:00",
        "source": "Coast Daily",
    },
    {
        "id": "port2",
        "title": "Port strike ends",
        "text": "Dockers return to work after nine days. \x1b[2J\x9b2J\u202eThe port opens on Monday.",
        "date": "2024-11-11",
        "source": "Coast Daily",
    },
    {"id": "chess", "title": "Chess champion accused", "text": "A rival accused the champion of cheating."},
]


def run(*arguments, **settings):
    result = CliRunner().invoke(cli, [str(one) for one in arguments], **settings)
    assert "Traceback" not in result.output
    return result


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def news(tmp_path):
    return write(tmp_path / "news.jsonl", NEWS)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An archive that no test changes."""
    folder = tmp_path_factory.mktemp("built")
    source = write(folder / "news.jsonl", NEWS)
    result = run("index", source, "--model", "hash", "--index", folder / "archive")
    assert result.exit_code == 0, result.output
    return folder / "archive"


@pytest.fixture
def archive(tmp_path, news, monkeypatch):
    """An archive to change, named by the environment."""
    monkeypatch.setenv("BROADSHEET_INDEX", str(tmp_path / "archive"))
    result = run("index", news, "--model", "hash")
    assert result.exit_code == 0, result.output
    return tmp_path / "archive"


def found(archive, *arguments):
    return run("search", *arguments, "--index", archive, "--format", "ids").stdout.split()


# Index


def test_index_again_skips_replaces_and_prunes(archive, news):
    assert "0 added, 0 replaced, 4 skipped, 0 rejected in" in run("index", news).stderr
    changed = [dict(NEWS[0], title="Dam wall gives way"), *NEWS[1:3]]
    assert "0 added, 1 replaced, 2 skipped, 0 rejected in" in run("index", write(news, changed)).stderr
    assert found(archive, "title:gives") == ["dam"]
    assert found(archive, "id:chess") == ["chess"]
    assert "0 rejected, 1 pruned in" in run("index", news, "--prune").stderr
    assert run("show", "chess").exit_code == 1


def test_index_from_standard_input_and_a_folder(tmp_path):
    packed = gzip.compress("".join(json.dumps(one) + "\n" for one in NEWS[:2]).encode())
    index = ("--index", tmp_path / "a", "--no-vectors")
    assert "2 added" in run("index", "-", *index, input=packed).stderr
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "one.jsonl", NEWS[2:])
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    said = run("index", folder, *index).stderr
    assert "passed over .jpg files (a JPEG image): 1, such as" in said
    assert "2 added" in said


def test_bad_records_are_rejected_and_the_rest_goes_in(tmp_path):
    source = tmp_path / "mixed.jsonl"
    source.write_text(json.dumps(NEWS[0]) + '\n{"id": "cut", "ti\n[]\n' + json.dumps(NEWS[1]) + "\n")
    rejects = tmp_path / "rejects.jsonl"
    result = run("index", source, "--no-vectors", "--index", tmp_path / "a", "--rejects", rejects)
    assert result.exit_code == 0
    assert "2 added, 0 replaced, 0 skipped, 2 rejected in" in result.stderr
    assert f"rejected {source}:2: " in result.stderr
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == [2, 3]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("missing.jsonl", None, 2),
        ("empty.jsonl", b"", 1),
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(500), 2),
        ("cut.jsonl.gz", gzip.compress(b'{"text": "one two three"}\n' * 50, mtime=0)[:-12], 0),
        ("bad.csv", b"no,header\n1,2\n", 2),
    ],
)
def test_bad_inputs_have_a_message_and_an_exit_code(tmp_path, name, data, code):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    result = run("index", tmp_path / name, "--no-vectors", "--index", tmp_path / "a")
    assert result.exit_code == code
    assert name in result.stderr


def test_nothing_is_created_for_a_bad_input(tmp_path):
    run("index", tmp_path / "missing", "--index", tmp_path / "a")
    (tmp_path / "empty").mkdir()
    run("index", tmp_path / "empty", "--index", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_another_model_is_refused(built, news):
    result = run("index", news, "--index", built, "--model", "some/other-model")
    assert result.exit_code == 3
    assert "was built with the model hash" in result.stderr


@pytest.mark.parametrize(("room", "kept"), [(100_000, 0), (200_000, 91)])  # the first batch with a model is a small one
def test_a_full_disk_loses_nothing(archive, tmp_path, room, kept):
    more = write(tmp_path / "more.jsonl", [{"id": f"n{n}", "text": f"story {n} " * 500} for n in range(200)])
    code = "import sys; from search.__main__ import main; sys.argv[0] = 'broadsheet'; main()"
    limited = subprocess.run(
        [sys.executable, "-c", code, "index", str(more)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert limited.returncode == 3, limited.stderr
    assert "Traceback" not in limited.stderr
    assert f"the archive holds {4 + kept} articles (+{kept})" in limited.stderr
    assert json.loads(run("stats", "--format", "json").stdout)["articles"] == 4 + kept
    assert run("doctor").exit_code == 0
    assert f"{200 - kept} added, 0 replaced, {kept} skipped" in run("index", more).stderr


def test_ctrl_c_keeps_what_is_committed(tmp_path):
    folder = tmp_path / "a"
    command = [sys.executable, "-m", "search", "index", "-", "--batch", "50", "--no-vectors", "--index", str(folder)]
    records = [{"id": f"n{n}", "text": f"story {n} " + "words and words " * 100} for n in range(1000)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            child.stdin.write("".join(json.dumps(one) + "\n" for one in records).encode())
            child.stdin.flush()  # and left open: there is more to come
            held = 0
            for _ in range(600):
                if (folder / "catalog.sqlite").exists():
                    found = run("stats", "--format", "json", "--index", folder).stdout
                    held = json.loads(found or "{}").get("articles", 0)
                if held >= 200:
                    break
                time.sleep(0.05)
            child.send_signal(signal.SIGINT)
            _, said = child.communicate()
        finally:
            child.kill()
    assert child.returncode == 130, said
    held = json.loads(run("stats", "--format", "json", "--index", folder).stdout)["articles"]
    assert said.decode().splitlines()[-1] == (
        f"broadsheet: interrupted; the archive holds {held} articles (+{held}); the same command goes on from there"
    )
    assert held >= 200
    again = run("index", write(tmp_path / "all.jsonl", records), "--no-vectors", "--index", folder)
    assert f"{1000 - held} added, 0 replaced, {held} skipped" in again.stderr


# Search


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["dockers"], ["port2", "port"]),
        (["dockers", "--sort", "oldest"], ["port", "port2"]),
        (["--source", "Coast Daily", "--to", "2024-11-05"], ["port"]),
        (["by:Quill"], ["dam"]),
        (['"strike ends"'], ["port2"]),
        (["source:Herald -cracks"], []),
        (["date:2024-11 dockers -anchor"], ["port2"]),
        (["-n", "1", "--offset", "1", "dockers", "--sort", "newest"], ["port"]),
        (["--as-of", "2024-10-15", "--mode", "keyword", "cracks dockers"], ["dam"]),
        (["--literal", "AND cracks"], ["dam"]),
    ],
)
def test_search(built, arguments, ids):
    mode = [] if "--mode" in arguments else ["--mode", "keyword"]
    result = run("search", *arguments, *mode, "--index", built, "--format", "ids")
    if arguments == ["dockers"]:
        assert sorted(result.stdout.split()) == sorted(ids)
    else:
        assert result.stdout.split() == ids
    assert result.exit_code == (0 if ids else 1)


def test_hybrid_json_has_exact_offsets(built):
    record = json.loads(run("search", "port strike", "--index", built, "--format", "json", "--passages", 3).stdout)
    assert (record["mode"], record["total"]) == ("hybrid", 2)
    assert {hit["id"] for hit in record["hits"] if hit["matched"]} == {"port", "port2"}
    texts = {one["id"]: one["text"] for one in NEWS}
    for hit in record["hits"]:
        for passage in hit["passages"]:
            shown = json.loads(run("show", hit["id"], "--index", built, "--format", "json").stdout)["text"]
            assert shown[passage["start"] : passage["end"]] == passage["text"]
            assert texts[hit["id"]][:9] == shown[:9]
        assert hit["score"] == pytest.approx(hit["score"])


def test_explanations_sum_to_the_score(built):
    record = json.loads(run("search", "port strike", "--index", built, "--format", "json", "--explain").stdout)
    for hit in record["hits"]:
        assert sum(hit["explain"]["parts"].values()) == pytest.approx(hit["score"], abs=1e-5)
    assert run("search", "port strike", "--index", built, "--explain").exit_code == 0


def test_pages_follow_by_cursor(built):
    page = ("search", "port strike chess", "--index", built, "--format", "json", "-n", "1")
    first = json.loads(run(*page).stdout)
    second = json.loads(run(*page, "--cursor", first["cursor"]).stdout)
    assert [hit["rank"] for hit in second["hits"]] == [2]
    assert second["hits"][0]["id"] != first["hits"][0]["id"]
    assert run(*page, "--cursor", "nonsense").exit_code == 2


def test_what_the_archive_says_is_passed_on(built):
    said = run("search", "--as-of", "2024-12", "dockers chess", "--index", built).stderr
    assert "no article has all the words" in said
    assert "1 article" in said
    assert "without a date" in said
    assert "did you mean: Dockers" in run("search", "dokcers", "--index", built).stderr


def test_hostile_text_stays_out(built):
    for form in ("pretty", "json", "jsonl", "csv", "bibtex", "ris"):
        out = run("search", "opens", "--mode", "keyword", "--index", built, "--format", form).stdout
        assert out
        assert not {"\x1b", "\x9b", "\u202e"} & set(out)
    for form in ("pretty", "json", "text"):
        assert not {"\x1b", "\x9b", "\u202e"} & set(run("show", "port2", "--index", built, "--format", form).stdout)


@pytest.mark.parametrize("query", ['"open', "AND OR", "(((", "w/5", "date:soon", "-"])
def test_bad_queries_exit_2(built, query):
    result = run("search", "--index", built, "--", query)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("broadsheet: ")


def test_a_query_of_ten_thousand_words(built):
    assert run("search", " ".join(f"word{n}" for n in range(10_000)), "--index", built).exit_code in (0, 1, 2)


def test_vectors_are_asked_for_where_there_are_none(tmp_path, news):
    index = ("--index", tmp_path / "a")
    run("index", news, "--no-vectors", *index)
    for mode in ("hybrid", "vector"):
        assert run("search", "port", "--mode", mode, *index).exit_code == 2
    result = run("search", "port", *index)
    assert result.exit_code == 0
    assert "this archive has no vectors" in result.stderr
    assert "this archive was made with --no-vectors" in run("index", news, *index).stderr


def test_batch(built, tmp_path):
    queries = tmp_path / "q.tsv"
    queries.write_text('a\tdockers\nb\tnothing-like-this\nc\t"open\n')
    result = run("search", "--queries", queries, "--index", built, "--mode", "keyword")
    assert result.exit_code == 2
    assert "query c: " in result.stderr
    assert {json.loads(line)["query_id"] for line in result.stdout.splitlines()} == {"a"}
    assert run("search", "--queries", queries, "--index", built, "--literal").exit_code == 0


# The other commands


def test_delete_and_purge(archive):
    assert run("delete", "chess", "nobody").stderr == "no article has the id 'nobody'\n1 article deleted\n"
    assert run("delete", "--query", "source:Coast", "--yes", "--purge").stderr == "2 articles purged\n"
    assert run("search", "id:port").exit_code == 1
    assert json.loads(run("stats", "--format", "json").stdout)["articles"] == 1
    assert not [path for path in archive.rglob("*") if path.is_file() and b"Coast Daily" in path.read_bytes()]
    assert run("doctor").exit_code == 0


def test_optimize_changes_no_answer(archive, tmp_path):
    run("index", write(tmp_path / "more.jsonl", [{"id": "p3", "text": "Dockers vote on port pay."}]))
    before = run("search", "port strike", "--format", "jsonl").stdout
    assert "2 segments before, 1 now" in run("optimize").stderr
    assert run("search", "port strike", "--format", "jsonl").stdout == before


def test_doctor_finds_a_flipped_byte(archive):
    assert run("doctor").stderr == "no problems in 4 articles\n"
    part = max((path for path in archive.rglob("*") if path.is_file() and path.parent != archive), key=lambda p: p.name)
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.chmod(0o644)
    part.write_bytes(data)
    result = run("doctor")
    assert result.exit_code == 1
    assert "does not match its checksum" in result.stdout


@pytest.mark.parametrize(
    "command", [["search", "x"], ["show", "x"], ["delete", "x"], ["stats"], ["optimize"], ["doctor"]]
)
def test_without_an_archive(tmp_path, command):
    for folder in (tmp_path / "none", tmp_path):
        result = run(*command, "--index", folder)
        assert result.exit_code == 3
        assert str(folder) in result.stderr
    assert not (tmp_path / "none").exists()


def test_a_locked_archive(archive, news):
    lock = lock_writer(Folder.open(archive))
    try:
        for command in (["index", news], ["delete", "dam"], ["optimize"]):
            result = run(*command)
            assert result.exit_code == 3, result.output
        assert run("search", "dockers", "--mode", "keyword").exit_code == 0
    finally:
        lock.release()


def test_evaluate(built, tmp_path):
    queries = write(tmp_path / "q.jsonl", [{"_id": "1", "text": "dockers strike"}, {"_id": "2", "text": 'the "dam'}])
    qrels = tmp_path / "qrels.tsv"
    qrels.write_text("query-id\tcorpus-id\tscore\n1\tport\t1\n1\tport2\t1\n2\tdam\t1\n2\tgone\t1\n")
    arguments = ("evaluate", "--queries", queries, "--qrels", qrels, "--index", built)
    result = run(*arguments, "--format", "json", "--run", tmp_path / "r.run")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["measures"]["keyword"]["MRR@10"] == 1.0
    assert record["measures"]["keyword"]["R@100"] == 0.75
    assert list(record["measures"]) == ["keyword", "vector", "hybrid"]
    assert record["missing_documents"] == 1
    assert (tmp_path / "r.keyword.run").read_text().startswith("1 Q0 port")


def test_help_stays_quick_and_engine_free_after_all(built):
    code = (
        "import sys; from search.cli.main import cli\n"
        f"try: cli(['search', 'dockers', '--mode', 'keyword', '--index', {str(built)!r}])\nexcept SystemExit: pass\n"
        "print([name for name in ('torch', 'transformers', 'onnxruntime', 'onnx', 'faiss') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (
            ["dockers port", "--mode", "keyword"],
            ["whoosh", "faiss", "numpy.ma", "search.encode"],
        ),
        (["dockers port", "--mode", "hybrid"], ["whoosh", "numpy.ma", "onnxruntime", "search.query.parser"]),
        (["+dockers source:Coast", "--mode", "keyword"], ["faiss", "onnxruntime", "whoosh.searching"]),
    ],
)
def test_a_cold_search_imports_what_it_needs(built, arguments, unneeded):
    code = (
        "import sys; from search.cli.main import cli\n"
        f"try: cli(['search', *{arguments!r}, '--index', {str(built)!r}])\nexcept SystemExit: pass\n"
        f"print([name for name in {unneeded!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Dockers" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_files_named_in_messages_are_those_given(tmp_path):
    result = run("index", tmp_path / "é\x1b.jsonl", "--index", tmp_path / "a")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert Path(tmp_path).name in result.stderr
