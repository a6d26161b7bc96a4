"""A stand-in for ``search.archive``: it records calls and answers with what a test has set."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import ModuleType

from search.errors import ArticleNotFound
from search.records import AddReport, Article, Highlight, Hit, Mode, Passage, Rejection, Results

FIRST = Article(
    id="ians-1",
    title="Hamas trains Kashmir groups, says al-Qaddoumi",
    text="Khaled al-Qaddoumi spoke in Rawalakot.\n\nOfficials watched.",
    published=datetime(2025, 2, 26, 9, 30, tzinfo=UTC),
    source="The Courier",
    authors=("Asha Rao", "Tom Bell"),
    url="https://example.org/a?b=1",
    section="World",
    language="en",
    agency="IANS",
    dateline="NEW DELHI",
    extra={"posted_by": "Desk"},
)
SECOND = Article(id="b 2", title="Ceasefire, day 3", text="=Quiet.", published=date(2025, 3, 1), agency="PTI")


def first_hit(**changes):
    hit = Hit(
        rank=1,
        score=0.8123456789,
        article=FIRST,
        matched=True,
        passages=(Passage(article_id="ians-1", start=0, end=38, text=FIRST.text[:38], score=0.71234567),),
        snippet=FIRST.text[:38],
        highlights=(
            Highlight(field="title", start=0, end=5, kind="word"),
            Highlight(field="snippet", start=7, end=18, kind="word"),
        ),
    )
    return replace(hit, **changes)


def second_hit(**changes):
    return replace(Hit(rank=2, score=0.5, article=SECOND, matched=False), **changes)


def results(*hits, **changes):
    found = Results(query="hamas", mode=Mode.HYBRID, total=340, took_ms=7.6, hits=tuple(hits))
    return replace(found, **changes)


@dataclass
class Told:
    """The shape of ``search.engine.intake.Progress``."""

    stage: str
    done: int
    total: int | None
    report: AddReport
    how: str | None = None


@dataclass
class FakeArchive:
    """One archive for all ``open`` calls of a test."""

    articles: dict[str, Article] = field(default_factory=dict)
    answer: Results = field(default_factory=lambda: results(first_hit(), second_hit()))
    answers: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=lambda: {"vectors": True})
    failure: BaseException | None = None
    calls: list[tuple] = field(default_factory=list)
    segments: int = 3
    path: str = ""

    def open(self, path, **settings):
        self.calls.append(("open", str(path), settings))
        self.path = str(path)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append(("close",))

    def __len__(self):
        return len(self.articles)

    def __contains__(self, article_id):
        return article_id in self.articles

    def get(self, article_id):
        if article_id not in self.articles:
            raise ArticleNotFound(f"no article has the id {article_id!r}")
        return self.articles[article_id]

    def passages(self, article_id):
        text = self.get(article_id).text
        return tuple(
            Passage(article_id=article_id, start=start, end=end, text=text[start:end])
            for start, end in ((0, 38), (40, len(text)))
        )

    def search(self, query, **settings):
        self.calls.append(("search", query, settings))
        self.fail()
        answer = self.answers.get(query, self.answer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def describe(self, query, **settings):
        self.calls.append(("describe", query, settings))
        return f"articles about {query}"

    def add(self, items, *, batch, vectors, progress):
        self.calls.append(("add", batch, vectors))
        report = AddReport()
        for item in items:
            if isinstance(item, Rejection):
                report = replace(report, rejected=report.rejected + 1, rejections=(*report.rejections, item)[:100])
            elif item.id in self.articles:
                report = replace(report, skipped=report.skipped + 1)
            else:
                self.articles[item.id] = item
                report = replace(report, added=report.added + 1)
            progress(Told("reading", report.added, None, report))
        progress(Told("writing", report.added, report.added, report))
        self.fail()
        return report

    def delete(self, ids, *, purge=False):
        ids = list(ids)
        self.calls.append(("delete", ids, purge))
        return sum(self.articles.pop(one, None) is not None for one in ids)

    def delete_matching(self, query, *, purge=False):
        self.calls.append(("delete_matching", query, purge))
        return self.answer.total

    def prune(self, keep):
        gone = [one for one in self.articles if one not in keep]
        self.calls.append(("prune", sorted(keep)))
        return self.delete(gone)

    def stats(self):
        return {
            "articles": len(self.articles),
            "segments": self.segments,
            "bytes": {"keyword": 999, "vectors": 1_234_567},
            "oldest": None,
            "sources": {"The Courier": 20_000},
            "bm25": {"k1": 0.9},
        }

    def check(self):
        self.fail()
        return self.problems

    def tune(self, **parameters):
        self.calls.append(("tune", parameters))
        return {"k1": 0.9, "b": 0.75, **parameters}

    def optimize(self):
        self.calls.append(("optimize",))
        self.segments = 1

    def fail(self):
        if self.failure is not None:
            raise self.failure

    def called(self, name):
        return [call for call in self.calls if call[0] == name]


def install(monkeypatch):
    """Put a fake in the place of the engine, for the length of a test."""
    archive = FakeArchive()
    module = ModuleType("search.archive")
    module.Archive = archive
    monkeypatch.setitem(sys.modules, "search.archive", module)
    return archive
