"""Records are declared once: their JSON, their schemas and their columns are made from the same fields."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from search.exports.values import keys, values
from search.rag.context import Context
from search.rag.verdicts import QuoteReport
from search.records import (
    UNTOLD,
    Alert,
    Article,
    Bucket,
    Citation,
    Facet,
    FacetField,
    Facets,
    FacetValue,
    Hit,
    News,
    Passage,
    Results,
    Timeline,
    also_told,
    told,
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
        *("snippet", "highlights", "passages", "explain"),
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
        "source": {"distinct": 1, "none": 0, "values": [{"value": "S", "count": 2, "query": None}]}
    }
    assert "notes" not in values(facets)
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
