"""Files, queries and archives that nobody meant: read, refused in this package's words, and never slowly."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search import Archive, Article, SearchError, ingest
from search.records import Rejection
from search.storage import codec

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from trials import crafted  # noqa: E402

SECONDS = 2.0  # of the processor, for one small file or one query

LINES = b'{"id": "1", "title": "Gull", "text": "A gull\\u2028fell.", "date": "2025-02-26"}\n{"id": "2", "title": "T"}\n'
WRAPPED = json.dumps(
    {
        "status": "ok",
        "articles": [{"source": {"name": "Coast"}, "title": "Gull", "publishedAt": "2025-02-26T08:00:00Z"}],
    }
).encode()
TABLE = b'id;title;text;date\n1;Gull;"A ""gull""\nfell";26.02.2025\n2;Tide;x;13.02.2025\n'
PLAIN = "Gull falls\n\nBy Ann Lee and Bo Wu\n\nPIER, Feb 26 (Coast) - A gull fell.\n\nIt — Größe — rose.\n".encode()
PAGE = b"<html><head><title>Gull</title><script>x</script></head><body><p>A &amp; gull&nbsp;fell.</p></body></html>"
MAIL = b"From: a@b.c\nSubject: =?utf-8?q?Gull?=\nDate: Wed, 26 Feb 2025 08:00:00 +0000\n\nA gull fell.\n"


def packed():
    """Containers, each with a file in it."""
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", LINES)
        archive.writestr("b/c.txt", PLAIN)
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(TABLE)
        archive.addfile(member, io.BytesIO(TABLE))
    return [
        ("a.zip", zipped.getvalue()),
        ("a.tar", tarred.getvalue()),
        ("a.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("a.csv.bz2", bz2.compress(TABLE)),
        ("a.json.xz", lzma.compress(WRAPPED)),
        ("a.jsonl.zst", zstandard.compress(LINES)),
    ]


CORPUS = [
    ("a.jsonl", LINES),
    ("a.json", WRAPPED),
    ("a.csv", TABLE),
    ("a.tsv", TABLE.replace(b";", b"\t")),
    ("a.txt", PLAIN),
    ("a.txt", PLAIN.decode().encode("utf-16")),
    ("a.html", PAGE),
    ("a.eml", MAIL),
    *packed(),
]
SIGNS = [
    b'"',
    b"{",
    b"[",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b",",
    b";",
    b"\\",
    b"<",
    b"&#x110000;",
    b"%%",
    b"1e999",
]
EDIT = st.one_of(
    st.tuples(st.just("flip"), st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
    st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
    st.tuples(st.just("drop"), st.floats(0, 1), st.integers(1, 40)),
    st.tuples(st.just("twice"), st.floats(0, 1), st.integers(1, 2000)),
    st.tuples(st.just("put"), st.floats(0, 1), st.integers(0, len(SIGNS) - 1)),
)


def edited(data, edits):
    """What becomes of some bytes. ``edits``: how, where (a share of the length), and how much."""
    data = bytearray(data)
    for kind, share, size in edits:
        at = int(share * len(data))
        if kind == "flip" and data:
            data[min(at, len(data) - 1)] ^= 1 << size
        elif kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + size]
        elif kind == "twice":
            data[at:at] = data[at : at + 20] * size
        elif kind == "put":
            data[at:at] = SIGNS[size]
    return bytes(data)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=st.sampled_from(CORPUS), other=st.sampled_from(CORPUS), edits=st.lists(EDIT, max_size=5))
@example(file=CORPUS[0], other=CORPUS[0], edits=[])
def test_whatever_is_in_a_file_is_read_or_refused(tmp_path, file, other, edits):
    data = edited(file[1], edits)
    for name in dict.fromkeys((file[0], other[0])):  # under its own name, and under that of something else
        path = tmp_path / name
        path.write_bytes(data)
        began = time.process_time()
        try:
            items = list(ingest.read([str(path)]))
        except SearchError:
            items = []
        took = time.process_time() - began
        path.unlink()
        assert took < SECONDS, (name, data)
        for item in items:
            assert isinstance(item, (Article, Rejection))
            if isinstance(item, Article):
                assert codec.from_json(codec.to_json(item)) == item
            else:
                assert item.reason


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harbour") / "desk"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add(
            Article(id=f"a{i}", title=f"Gull {i}", text=f"A gull met ferry {i}. " * (i % 9 + 1), source="Coast")
            for i in range(60)
        )
        yield archive


WORDS = ["gull", "ferry", "Gulls", "GULL", "tide", "a", "the", "東京", "é", "U.S.", "1,200", "🙂", "x" * 300]
OPERATORS = ["AND", "OR", "NOT", "w/3", "pre/2", "w/s", "w/p", "w/999", "atleast3(", "(", ")", '"', "“", "+", "-"]
FIELDS = [
    "title:",
    "source:",
    'source:="Coast"',
    "date:2025-02",
    "since:7d",
    "length:>8",
    "exact:",
    "id:",
    "lang:",
    "x:y",
]
ENDS = ["*", "?", "~", "~2", "!", "**", "*a*", "t*", "?" * 20, ":", "\\", "\0", "\u202e", " ", "  \n"]
QUERY = st.lists(st.sampled_from([*WORDS, *OPERATORS, *FIELDS, *ENDS]), max_size=16).flatmap(
    lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)])
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    query=st.one_of(QUERY, st.text(max_size=60)),
    mode=st.sampled_from(["keyword", "hybrid"]),
    repeats=st.integers(1, 40),
)
def test_whatever_is_asked_is_answered_or_refused(harbour, query, mode, repeats):
    asked = query if repeats < 30 else (query + " ") * repeats  # now and then a long one
    began = time.process_time()
    try:
        found = harbour.search(asked, mode=mode, limit=5)
        assert found.total >= 0
        harbour.describe(asked)
        harbour.retrieve(asked, budget=200)
    except SearchError:
        pass
    assert time.process_time() - began < SECONDS, asked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_crafted_archives_are_read_or_refused(tmp_path):
    """Each case in a process of its own: a crash is a failure. More of them: ``scripts/torture --crafted``."""
    trial = crafted.Crafted(tmp_path, 5)
    trial.run(24)
    assert trial.failures == []
    assert trial.counts.total() == 24
