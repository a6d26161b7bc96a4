"""The recipes name files that exist, and the one that is done as an example works as it stands."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from search.ingest import formats, read
from search.records import Article, Rejection

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_example_of_a_format_reads_its_file(tmp_path, monkeypatch):
    code = re.search(r"<!-- example format -->\n```python\n(.*?)```\n<!-- /example format -->", TEXT, re.S)[1]
    space: dict = {"__name__": "digest"}
    exec(compile(code, "CONTRIBUTING.md", "exec"), space)
    form = space["FORMAT"]
    known = {form.name: form, **formats.known_formats()}
    monkeypatch.setattr(formats, "known_formats", lambda: known)
    data = TEXT.split("```text\n")[1].split("```")[0]
    for name in ("news.digest", "news"):  # told by its bytes, whatever its name
        path = tmp_path / name
        path.write_text(data)
        article, rejection = read([str(path)])
        assert isinstance(article, Article)
        assert (article.title, article.text, article.published) == (
            "Ferry freed",
            "Hostages left the ferry.",
            date(2025, 2, 26),
        )
        assert article.extra["Subject"] == "none of the names of a title, so it is kept in extra"
        assert isinstance(rejection, Rejection)
        assert (rejection.line, rejection.reason) == (8, "fields and text need a blank line between")


def test_every_file_that_is_named_exists():
    named = set(re.findall(r"`((?:search|tests|scripts)/[^` ]+)`", TEXT))
    assert len(named) > 15
    for name in named:
        assert (ROOT / name).exists(), name
