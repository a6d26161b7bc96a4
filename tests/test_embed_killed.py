"""``broadsheet embed`` in a process of its own, killed or interrupted while the model is at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from search import Archive, Article
from search.errors import ModeError

ARTICLES, CHUNK = 40, 5
# The command as it is, in small chunks; each text is noted before it is encoded, slowly enough to be killed in between.
COMMAND = f"""
import sys, time
from search.engine import reembed as embedding
from search.cli.main import cli
from search.encode.hashing import HashEncoder

embedding.CHUNK = {CHUNK}
encode = HashEncoder.encode

def slowly(self, texts, progress=None):
    with open(sys.argv[1], "a") as file:
        file.writelines(text.partition("\\n")[0] + "\\n" for text in texts)
    for _ in texts:
        time.sleep(float(sys.argv[2]) / {CHUNK})
        progress(0)
    return encode(self, texts, progress)

HashEncoder.encode = slowly
cli(["embed", "--index", sys.argv[3], "--model", "hash"], prog_name="broadsheet")
"""


def news():
    return [
        Article(id=f"a{i}", title=f"title {i}", text=f"The {i}th alder stands by {i % 7} birches.") for i in range(40)
    ]


def written(path):
    return list((path / "segments").rglob("embedding-*.part"))


@pytest.mark.skipif(os.name == "nt", reason="no such signals there")
@pytest.mark.parametrize(("by", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_what_a_killed_embed_has_written_is_used(tmp_path, by, code):
    path, log = tmp_path / "archive", tmp_path / "log"
    with Archive.open(path, create=True) as archive:
        archive.add(news(), vectors=False)
    with Archive.open(tmp_path / "built", create=True, model="hash") as archive:
        archive.add(news())
        expected = [(hit.article.id, hit.score) for hit in archive.search("alder birches", limit=40, mode="vector")]

    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(log), "0.3", str(path)], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while len(written(path)) < 2 and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(by)
        _, errors = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == code, errors
    kept = len(written(path))
    assert 2 <= kept < ARTICLES // CHUNK

    with Archive.open(path) as archive:  # as it was
        assert archive.check() == []
        assert [hit.article.id for hit in archive.search("title 7", limit=1)] == ["a7"]
        with pytest.raises(ModeError):
            archive.search("alder", mode="vector")
    finished = log.read_text().splitlines()[: kept * CHUNK]
    log.unlink()
    done = subprocess.run([sys.executable, "-c", COMMAND, str(log), "0", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr[:37]) == (0, "40 articles embedded with hash, 64 di")
    again = log.read_text().splitlines()
    assert sorted(finished + again) == sorted(article.title for article in news())  # each once, none for nothing
    with Archive.open(path) as archive:
        assert archive.check() == []
        found = [(hit.article.id, hit.score) for hit in archive.search("alder birches", limit=40, mode="vector")]
    assert found == expected
    assert written(path) == []
