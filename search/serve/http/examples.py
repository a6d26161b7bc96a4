"""An example of each operation, for the OpenAPI document and its page: what to ask, and how a shell asks it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from search._version import __version__
from search.records import Answer, Copies
from search.records.receipts import CopiesRule, Held, Matches, Outcome, Ranking, Receipt, Stages
from search.serve.access import TOKEN

ADDRESS = "http://127.0.0.1:8000"


class Example(NamedTuple):
    """What is asked: values for the address by the parameters' names, and a body. ``answer`` is shown where nothing is
    asked for."""

    asked: Mapping[str, Any] = {}
    body: Mapping[str, Any] | None = None
    answer: Any = None


_NARROWED = {"q": "strike", "source": ["Harrowmouth Courier"], "from": "2024-09"}
_ARTICLE = "dam-2024-09-26-leaked-report"
_INQUIRY = "dam-2025-01-15-inquiry-opens"
_STORE = {
    "query": "How did the dock strike end?",
    "max_num_results": 3,
    "filters": {"type": "eq", "key": "source", "value": "Harrowmouth Courier"},
}
_FILTER = {
    "type": "and",
    "filters": [
        {"type": "eq", "key": "section", "value": "News"},
        {"type": "gte", "key": "published", "value": "2024-09"},
    ],
}


def examples(archive: str) -> Mapping[tuple[str, str], Example]:
    """By method and path, for an archive of this name."""
    return {
        ("get", "/healthz"): Example(answer={"status": "ok"}),
        ("get", "/readyz"): Example(
            answer={"status": "ready", "counts": {"catalog": 104, "keyword": 104, "vectors": 104}}
        ),
        ("get", "/v1/search"): Example({"q": '"Corran Dam" inspection', "limit": 3, "from": "2024-09"}),
        ("post", "/v1/search"): Example(body={"q": "dam inspection", "limit": 3, "filter": _FILTER}),
        ("get", "/v1/describe"): Example({"q": "ceasefire w/s hostages since:30d", "as_of": "2025-02-28"}),
        ("get", "/v1/similar"): Example({"id": _ARTICLE, "limit": 3}),
        ("get", "/v1/background"): Example({"id": _INQUIRY, "limit": 3}),
        ("get", "/v1/query-language"): Example(answer="How to write a query ..."),
        ("get", "/v1/facets"): Example(_NARROWED | {"field": ["author", "month"], "limit": 5}),
        ("post", "/v1/facets"): Example(body=_NARROWED | {"field": ["author", "month"], "limit": 5}),
        ("get", "/v1/timeline"): Example(_NARROWED | {"by": "month"}),
        ("post", "/v1/timeline"): Example(body=_NARROWED | {"by": "month"}),
        ("get", "/v1/stories"): Example({"q": "Zerrin", "sort": "newest", "limit": 5}),
        ("post", "/v1/stories"): Example(body={"q": "Zerrin", "sort": "newest", "limit": 5}),
        ("get", "/v1/story"): Example({"id": "zerrin-2025-01-05-first-exchange"}),
        ("get", "/v1/first"): Example({"q": "Corran Dam", "limit": 3}),
        ("get", "/v1/terms"): Example({"q": "dam", "limit": 5}),
        ("post", "/v1/receipts/verify"): Example(body=_receipt(archive).to_dict()),
        ("get", "/v1/stats"): Example(answer={"name": archive, "commit": 7, "articles": 104, "source_count": 9}),
        ("get", "/v1/articles"): Example({"id": [_ARTICLE], "passages": True}),
        ("get", "/v1/articles/{id}"): Example({"id": _ARTICLE, "passages": True}),
        ("get", "/v1/alerts"): Example(answer={"alerts": []}),
        ("get", "/v1/alerts/news"): Example({"limit": 10}),
        ("get", "/v1/context"): Example({"q": "Why did the engineer of the Corran Dam resign?", "budget": 500}),
        ("post", "/v1/context"): Example(
            body={"q": "Why did the engineer of the Corran Dam resign?", "budget": 500, "format": "text"}
        ),
        ("post", "/v1/check-quotes"): Example(
            body={
                "answer": 'The report calls it "a signature without a visit" [1].',
                "passages": [{"number": 1, "id": _ARTICLE, "start": 0, "end": 400}],
            }
        ),
        ("post", "/v1/vector_stores/{id}/search"): Example({"id": archive}, body=_STORE),
    }


def _receipt(archive: str) -> Receipt:
    """One that is whole; of an archive that is none."""
    nothing = "0" * 64
    return Receipt(
        of=Answer.FACETS,
        made=datetime(2026, 1, 31, 12, tzinfo=UTC),
        version=__version__,
        query="strike",
        read="all articles, ranked by: strike",
        settings={"fields": ["source"], "limit": 3},
        mode=None,
        notes=(),
        archive=Held(
            name=archive,
            identity=None,
            commit=7,
            digest=nothing,
            articles=0,
            undated=0,
            first=None,
            last=None,
            last_row=0,
        ),
        ranking=Ranking(analysis=2, language=None, bm25={}, model=None),
        copies=CopiesRule(choice=Copies.SHOW, shown=None, prefer=(), version=None, window=None),
        stages=Stages(visible=0, constrained=0, matched=0, stories=0, answered=None),
        sources=0,
        by_source={},
        undated=0,
        by_year={},
        outcome=Outcome(digest=nothing, ids=()),
        matches=Matches(digest=nothing, complete=True, articles={}),
    )


def describe(document: dict[str, Any], archive: str, *, secured: bool) -> None:
    """Put an example into each operation of an OpenAPI document."""
    known = examples(archive)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            example = known[method, path]
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in example.asked:
                    parameter["example"] = example.asked[parameter["name"]]
            if example.body is not None:
                (content,) = operation["requestBody"]["content"].values()
                content["example"] = example.body
            if example.answer is not None:
                content = operation["responses"]["200"]["content"]
                next(iter(content.values()))["example"] = example.answer
            operation["x-codeSamples"] = [
                {"lang": "Shell", "source": command(method, path, example, secured=secured and path.startswith("/v1"))}
            ]


def target(path: str, asked: Mapping[str, Any]) -> str:
    """The path with the values in it, and the rest behind it."""
    inside = {name: value for name, value in asked.items() if f"{{{name}}}" in path}
    for name, value in inside.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    rest = {name: _shown(value) for name, value in asked.items() if name not in inside}
    return f"{path}?{urlencode(rest, doseq=True)}" if rest else path


def _shown(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def command(method: str, path: str, example: Example, *, secured: bool) -> str:
    """A line for a shell."""
    words = ["curl", "-s"]
    if secured:
        words += ["-H", f"Authorization: Bearer ${TOKEN}"]
    if example.body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(example.body, ensure_ascii=False)]
    words.append(ADDRESS + target(path, example.asked))
    # The shell shall put in the token: single quotes would keep it from that.
    return " ".join(f'"{word}"' if f"${TOKEN}" in word else shlex.quote(word) for word in words)
