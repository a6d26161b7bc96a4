"""Records are declared once: their JSON, their schemas and their columns are made from the same fields."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from search.declarations import UNTOLD, also_told, keys, told, values
from search.errors import UsageError
from search.rag.context import Context
from search.rag.verdicts import QuoteReport
from search.records import (
    Alert,
    Article,
    Bucket,
    Citation,
    Facet,
    FacetField,
    Facets,
    FacetValue,
    Filters,
    Highlight,
    Hit,
    Mode,
    News,
    Passage,
    Results,
    Timeline,
)
from search.serve.models import model

ARTICLE = Article(id="a", title="T", text="Long.", published=date(2025, 3, 1), authors=("X", "Y"), source="S")


@dataclass(frozen=True)
class Inner:
    name: str
    share: float = field(default=2 / 3, metadata=told("Of all.", digits=2))
    kind: str = "k"


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(metadata=told(keys=("name", "share")))
    first: int = field(metadata=told(after=""))
    hidden: object = field(metadata=UNTOLD)
    many: tuple[Inner, ...] = field(metadata=told(by="name"))
    spans: tuple[tuple[int, int], ...] = ((1, 2),)

    @property
    @also_told("Twice.", name="twice", after="name")
    def double(self) -> int:
        return self.first * 2


OUTER = Outer(inner=Inner("n"), first=4, hidden=object(), many=(Inner("x"), Inner("y", 0.5)))


def test_a_record_as_values():
    assert json.dumps(values(OUTER)) == json.dumps(
        {
            "first": 4,
            "name": "n",
            "twice": 8,
            "share": 0.67,
            "many": {"x": {"share": 0.67, "kind": "k"}, "y": {"share": 0.5, "kind": "k"}},
            "spans": [[1, 2]],
        }
    )
    assert values(OUTER, ("share", "spans", "first")) == {
        "name": "n",
        "twice": 8,
        "many": {"x": {"kind": "k"}, "y": {"kind": "k"}},
    }


def test_a_record_as_a_model():
    schema = model(Outer).model_json_schema()
    assert list(schema["properties"]) == ["first", "name", "twice", "share", "many", "spans"]
    assert schema["properties"]["twice"]["description"] == "Twice."
    assert schema["properties"]["share"] == {"description": "Of all.", "title": "Share", "type": "number"}
    assert model(Outer).model_validate(json.loads(json.dumps(values(OUTER)))).model_dump(mode="json") == values(OUTER)
    with pytest.raises(ValidationError):
        model(Outer).model_validate(values(OUTER) | {"more": 1})


def test_the_keys_of_a_hit():
    hit = Hit(
        rank=1,
        article=ARTICLE,
        score=1 / 3,
        matched=True,
        passages=(Passage(article_id="a", start=0, end=5, text="Long."),),
    )
    assert list(values(hit)) == [
        *("rank", "id", "score", "matched", "title", "source", "published", "authors", "url", "section"),
        *("language", "file", "place", "page", "ocr_quality", "snippet", "highlights", "passages", "copies", "explain"),
    ]
    assert values(hit)["score"] == 0.333333
    assert values(hit)["passages"] == [{"text": "Long.", "start": 0, "end": 5, "score": None}]
    assert values(ARTICLE)["published"] == "2025-03-01"
    at = datetime(2025, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert values(Article(id="b", published=at))["published"] == "2025-03-01T09:30:00+05:30"


def test_counts_and_news():
    facet = Facet(field=FacetField.SOURCE, values=(FacetValue(value="S", count=2, query=None),), distinct=1, none=0)
    facets = Facets(query="q", total=2, took_ms=1.0, facets=(facet,), notes=("n",))
    assert values(facets)["facets"] == {
        "source": {"distinct": 1, "none": 0, "values": [{"value": "S", "count": 2, "query": None, "others": None}]}
    }
    assert values(facets)["notes"] == ["n"]
    bucket = Bucket(label="2025", start=date(2025, 1, 1), end=date(2025, 12, 31), count=1, articles=3, query=None)
    assert list(values(bucket).items())[3:6] == [("count", 1), ("articles", 3), ("share", 0.333333)]
    alert = Alert(name="n", query="q", created=datetime(2025, 1, 1, tzinfo=UTC), last_row=7)
    assert values(News(alert=alert, items=(), seen=alert)) == {
        "name": "n",
        "query": "q",
        "created": "2025-01-01T00:00:00+00:00",
        "ran": None,
        "error": None,
        "total": 0,
        "articles": [],
        "copies": [],
    }


@pytest.mark.parametrize(
    "record", [Article, Alert, Bucket, Citation, Context, Facets, Hit, News, QuoteReport, Results, Timeline]
)
def test_every_record_has_a_model_of_the_same_keys(record):
    assert list(model(record).model_fields) == [key.name for key in keys(record)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider(Hit):
    mood: str | None = field(default=None, metadata=told("How it reads."))


def test_a_new_field_costs_its_one_line():
    hit = Wider(rank=1, article=ARTICLE, score=0.5, matched=True, mood="calm")
    assert list(values(hit).items())[-1] == ("mood", "calm")
    assert model(Wider).model_json_schema()["properties"]["mood"]["description"] == "How it reads."


def test_an_article_takes_iso_text_a_day_or_an_instant_and_nothing_else():
    instant = datetime(2025, 2, 26, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert Article(id="a", published="2025-02-26").published == date(2025, 2, 26)
    assert Article(id="a", published="2025-02-26T09:30+01:00").published == instant
    assert Article(id="a", published=instant).published is instant
    assert Article(id="a", authors="Asha Rao").authors == ("Asha Rao",)
    assert Article(id="a", authors=["Asha Rao", "Tom Bell"]).authors == ("Asha Rao", "Tom Bell")
    for wrong in ("26 February", "", 20250226, 1740560400.0, object()):
        with pytest.raises(UsageError, match=r"Article\.published takes"):
            Article(id="a", published=wrong)


@pytest.mark.parametrize("name", ["id", "title", "text", "source", "url", "authors", "extra"])
def test_an_article_refuses_a_value_of_another_type_by_name(name):
    with pytest.raises(UsageError, match=f"Article.{name} takes .*, not int"):
        Article(**{"id": "a", name: 7})


def test_filters_take_one_name_or_several_dates_and_a_mapping():
    assert Filters(sources="BBC") == Filters(sources=["BBC"]) == Filters.of({"sources": {"BBC"}})
    assert Filters(since=date(2025, 2, 1)).since == "2025-02-01"
    assert Filters(sources=[]).sources == ()
    assert Filters.of(None) is None
    with pytest.raises(UsageError, match=r"Filters\.sources takes text or a list of texts, not int"):
        Filters(sources=7)
    with pytest.raises(UsageError, match=r"Filters\.since takes a date"):
        Filters(since=2025)
    with pytest.raises(UsageError, match="there is no filter 'source'; use since, until, sources"):
        Filters.of({"source": "BBC"})


def test_what_a_console_and_a_notebook_show_is_short_and_escaped():
    article = Article(id="a", title="<b>Dam</b>", text="x" * 5000, source="S&P", published="2025-02-26")
    marks = (Highlight(field="snippet", start=1, end=4, kind="word"),)
    hit = Hit(rank=1, score=0.5, article=article, matched=True, snippet="<dam>", highlights=marks)
    results = Results(query="<dam>", mode=Mode.KEYWORD, total=1200, took_ms=1.0, hits=(hit,))
    assert repr(article) == "<Article 'a', '<b>Dam</b>' (S&P, 2025-02-26), 5,000 characters>"
    assert repr(hit) == "<Hit 1, 0.5000: 'a', '<b>Dam</b>' (S&P, 2025-02-26)>"
    assert repr(results) == "<Results for '<dam>': 1 hit of 1,200 articles, keyword>"
    assert results._repr_html_() == (
        "<p>1,200 articles match &lt;dam&gt;</p><table><tr><td>1</td><td>0.5000</td><td>&lt;b&gt;Dam&lt;/b&gt;<br>"
        "S&amp;P, 2025-02-26<br>&lt;<mark>dam</mark>&gt;</td></tr></table>"
    )
    assert "<b>" not in article._repr_html_()
    assert results == replace(results, took_ms=99.0)


def test_hits_as_dicts_and_as_flat_rows():
    article = Article(id="a", title="Dam", authors=("Asha Rao", "Tom Bell"), published="2025-02-26")
    hit = Hit(rank=1, score=0.123456789, article=article, matched=True)
    results = Results(query="dam", mode=Mode.KEYWORD, total=1, took_ms=1.0, hits=(hit,))
    assert results.to_dicts() == [values(hit)]
    (row,) = results.rows()
    assert row["authors"] == "Asha Rao; Tom Bell"
    assert row["score"] == 0.123457
    assert not any(isinstance(value, list | dict | tuple) for value in row.values())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda archive: archive.search(5), "a query is text, not int"),
        (lambda archive: archive.search(None), "a query is text, not NoneType"),
        (lambda archive: archive.search("dam", limit="5"), "limit takes a number, not str"),
        (lambda archive: archive.search("dam", weight=True), "weight takes a number, not bool"),
        (lambda archive: archive.retrieve("dam", budget="many"), "budget takes a whole number, not str"),
        (lambda archive: archive.retrieve(5), "a query is text, not int"),
        (lambda archive: archive.facets(5), "a query is text, not int"),
        (lambda archive: archive.get(5), "an article's id is text, not int"),
        (lambda archive: archive.add(ARTICLE), r"in a list or any other iterable: write \[article\]"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(tmp_path, wrong, said):
    from search import Archive

    with Archive.open(tmp_path / "a", create=True, model=None) as archive:
        assert repr(archive) == f"<Archive {str(tmp_path / 'a')!r}>"
        with pytest.raises(UsageError, match=said):
            wrong(archive)
