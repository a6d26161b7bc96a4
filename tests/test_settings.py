"""Settings are declared once: options, parameters, arguments and fields are made from the same declarations."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter, ValidationError

from search import Archive, Filters
from search.adapters.passages import SETTINGS, Retrieval
from search.cli.main import COMMANDS, cli
from search.cli.options import asks, given
from search.declarations import Setting, setting, settings
from search.engine.request import (
    CONTEXT,
    FACETS,
    NARROWING,
    RELATED,
    SEARCH,
    TIMELINE,
    RelatedSettings,
    Request,
    gathered,
)
from search.errors import UsageError
from search.records import Fusion, Mode
from search.serve.arguments import argument
from search.serve.http import requests


@dataclass(frozen=True, kw_only=True)
class Wider(Request):
    mood: str | None = setting(None, "How it reads.", option="how-it-reads", example="MOOD")
    depth: int = setting(3, "How deep.", least=1, most=9)
    moods: tuple[Mode, ...] | None = setting(None, "Only these.", kind=Mode, many=True)


MOOD, DEPTH, MOODS = settings(Wider)[-3:]


def test_a_setting_is_an_option():
    @click.command()
    @asks(MOOD, DEPTH, MOODS, depth=4)
    def command(**asked):
        click.echo(repr(sorted(given(asked).items(), key=str)))

    def run(*arguments):
        return CliRunner().invoke(command, arguments)

    assert "[('depth', 4), ('filters', " in run().stdout
    assert "('mood', None), ('moods', None)" in run().stdout
    said = run("--how-it-reads", "calm", "--depth", "9", "--moods", "auto", "--moods", "vector").stdout
    assert "('depth', 9)" in said
    assert "('mood', 'calm'), ('moods', ('auto', 'vector'))" in said
    for wrong in (["--depth", "10"], ["--depth", "0"], ["--moods", "x"], ["--how-it-reads", "\udc80"]):
        assert run(*wrong).exit_code == 2
    help = " ".join(run("--help").stdout.split())
    assert "--how-it-reads MOOD How it reads. --depth N How deep. [default: 4; 1<=x<=9]" in help
    assert "Only these; may be repeated." in help


def test_a_setting_is_an_argument():
    deep = TypeAdapter(argument(DEPTH, {"depth": 5}))
    assert deep.json_schema() == {"description": "How deep.", "maximum": 5, "minimum": 1, "type": "integer"}
    with pytest.raises(ValidationError):
        deep.validate_python(6)
    many = TypeAdapter(argument(MOODS, {}))
    assert many.validate_python("vector") == many.validate_python(["vector"]) == ["vector"]
    assert many.validate_python(None) is None
    with pytest.raises(ValidationError):
        many.validate_python("loud")


def test_filters_become_one():
    assert gathered({"limit": 3, "since": "7d", "sources": ["A"]}) == {
        "limit": 3,
        "filters": Filters(since="7d", sources=["A"]),
    }


def test_one_name_is_a_list_of_one():
    assert Filters(sources="The Hindu", authors="A") == Filters(sources=("The Hindu",), authors=("A",))


@pytest.mark.parametrize(
    ("method", "declared"), [("search", SEARCH), ("facets", FACETS), ("timeline", TIMELINE), ("retrieve", CONTEXT)]
)
def test_the_methods_of_an_archive_take_them(method, declared):
    """The one place where they are written again, for editors and type checkers."""
    parameters = inspect.signature(getattr(Archive, method)).parameters
    narrowing = {one.name for one in settings(Filters)}
    for one in declared:
        if one.name not in narrowing:
            assert parameters[one.name].default == one.default, one.name
    beside = {"self", "query", "question", "filters", "where", "watch", "count_tokens"}
    assert set(parameters) - beside == {one.name for one in declared} - narrowing


def test_what_belongs_to_an_article_takes_them():
    """Written again once for both methods."""
    narrowing = {one.name for one in settings(Filters)}
    declared = {one.name for one in RELATED} - narrowing | {"filters"}
    assert RelatedSettings.__annotations__.keys() == declared
    for method in (Archive.similar, Archive.background):
        assert set(inspect.signature(method).parameters) == {"self", "article_id", "settings", "watch"}


def test_a_request_takes_what_a_program_writes():
    asked = Request.of(query="a", mode="vector", prefer="B", filters={"sources": "C"}, fusion="rrf")
    assert asked == Request(
        query="a", mode=Mode.VECTOR, prefer=("B",), filters=Filters(sources=["C"]), fusion=Fusion.RRF
    )
    assert Request.of(query="a") == Request(query="a", filters=Filters.of(None))
    with pytest.raises(UsageError, match="'loud' is not a mode; use one of auto, hybrid"):
        Request.of(query="a", mode="loud")


@pytest.mark.parametrize(
    ("command", "declared"), [("search", SEARCH), ("facets", FACETS), ("timeline", TIMELINE), ("context", CONTEXT)]
)
def test_every_command_has_its_settings(command, declared):
    assert command in COMMANDS
    found = {one.name: one for one in cli.get_command(click.Context(cli), command).params}
    for one in declared:
        assert f"--{one.option}" in found[one.name].opts
        assert found[one.name].help.startswith(one.help[:-1])


@pytest.mark.parametrize(
    ("model", "declared"),
    [
        (requests.SearchRequest, SEARCH),
        (requests.FacetsRequest, FACETS),
        (requests.TimelineRequest, TIMELINE),
        (requests.DescribeRequest, NARROWING),
    ],
)
def test_every_request_has_its_settings(model, declared):
    properties = model.model_json_schema()["properties"]
    for one in declared:
        if one.name != "rerank":  # which model that is, is the server's to say
            assert properties[one.option.replace("-", "_")]["description"] == one.help
        assert model(q="x").settings()["filters"] == Filters()


def test_null_is_not_given_and_one_text_is_a_list_of_one():
    asked = requests.SearchBody.model_validate(
        {"q": "dam", "limit": None, "mode": None, "source": "A", "from": None, "explain": None, "filter": None}
    )
    assert asked.settings() == requests.SearchBody(q="dam", source=["A"]).settings()
    assert asked.settings()["limit"] == 10
    nested = {"type": "in", "key": "source", "value": ["A"]}
    assert requests.SearchBody.model_validate({"q": "x", "filter": nested}).filter.value == ["A"]
    with pytest.raises(ValidationError):
        requests.SearchBody.model_validate({"q": "x", "sourc": None})
    with pytest.raises(ValidationError):
        requests.SearchBody.model_validate({"q": "x", "source": 7})


def test_adapters_take_what_a_search_does():
    names = {one.name for one in SETTINGS}
    assert names == {one.name for one in SEARCH} - {one.name for one in settings(Filters)} - {
        *("limit", "offset", "cursor", "explain")
    }
    _, asked = Retrieval(settings={"sort": "newest"}).override(3, None, {"weight": 0.2, "mode": None}).search("x")
    assert (asked["limit"], asked["sort"], asked["weight"], asked["mode"]) == (3, "newest", 0.2, Mode.AUTO)
    with pytest.raises(UsageError, match="there is no setting 'sorting'; use one of mode, "):
        Retrieval(settings={"sorting": "newest"})


def test_bounds_hold_in_python_too():
    for wrong in ({"limit": 0}, {"offset": -1}, {"passages": -1}, {"weight": 1.5}, {"diversity": float("nan")}):
        with pytest.raises(UsageError, match=f"{next(iter(wrong))} must be "):
            Request(query="x", **wrong).check()
    assert Setting("limit", 10, "How many hits.", int, "limit", short="n", least=1) == SEARCH[0]
