"""Every parameter of every interface has a test in which the real archive shows what it does."""

from __future__ import annotations

import dataclasses
import inspect
import re
from importlib import import_module
from pathlib import Path

import click
import pytest
from mcp import Client
from starlette.testclient import TestClient

from search import Archive, Filters

from .effects import SHOWN, commands, fields, http_app, mcp_server, routes

for _path in Path(__file__).parent.glob("test_*.py"):
    if _path.name != Path(__file__).name and re.search(r"^@shows\(", _path.read_text("utf-8"), re.M):
        import_module(f"tests.{_path.stem}")  # fills SHOWN


@pytest.fixture
def anyio_backend():
    return "asyncio"


def shown(part: str) -> set[str]:
    """The parameters of a part that a test shows the effect of."""
    return {name for of, name in SHOWN if of == part}


@pytest.mark.parametrize("command", list(commands()))
def test_options_of_commands(command):
    options = [one for one in commands()[command].params if isinstance(one, click.Option)]
    assert shown(command) == {max(option.opts, key=len) for option in options}


def test_parameters_of_routes(sample_archive):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1") as client:
        document = client.get("/openapi.json").json()
    for route, parameters in routes(document).items():
        assert (route, shown(route)) == (route, parameters)


@pytest.mark.anyio
async def test_arguments_of_tools(sample_archive):
    with Archive.open(sample_archive) as archive:
        async with Client(mcp_server(archive)) as client:
            for tool in (await client.list_tools()).tools:
                schema = tool.input_schema
                assert (tool.name, shown(f"tool {tool.name}")) == (tool.name, fields(schema, schema.get("$defs", {})))
            for prompt in (await client.list_prompts()).prompts:
                assert shown(f"prompt {prompt.name}") == {one.name for one in prompt.arguments}
            for template in (await client.list_resource_templates()).resource_templates:
                assert shown(f"resource {template.uri_template}") == {"id"}


def test_arguments_of_methods():
    for name, method in inspect.getmembers(Archive, callable):
        if name.startswith("_") and name != "__contains__":
            continue
        arguments = set(inspect.signature(method).parameters) - {"self", "cls"}
        assert (name, shown(f"Archive.{name}")) == (name, arguments)
    assert shown("Filters") == {one.name for one in dataclasses.fields(Filters)}


def test_settings_of_adapters():
    from search.adapters import haystack, langchain, llamaindex, passages

    own = {"name", "description", "metadata", "tags"}  # what every LangChain retriever has
    assert shown("langchain") == set(langchain.BroadsheetRetriever.model_fields) - own
    every = {one.name for one in passages.SETTINGS}
    for name, adapter in (("llamaindex", llamaindex), ("haystack", haystack)):
        named = set(inspect.signature(adapter.BroadsheetRetriever.__init__).parameters) - {"self", "settings"}
        assert (name, shown(name)) == (name, named | every)
    assert shown("haystack.run") == set(inspect.signature(haystack.BroadsheetRetriever.run).parameters) - {"self"}
