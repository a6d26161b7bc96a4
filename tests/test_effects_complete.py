"""Every parameter of every interface has a test in which the real archive shows what it does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest
from starlette.testclient import TestClient

from .effects import SHOWN, commands, http_app, routes

for _path in Path(__file__).parent.glob("test_effects_*.py"):
    if _path.stem != "test_effects_complete":
        import_module(f"tests.{_path.stem}")  # fills SHOWN


def shown(part: str) -> set[str]:
    """The parameters of a part that a test shows the effect of."""
    return {name for of, name in SHOWN if of == part}


@pytest.mark.parametrize("command", [name for name in commands() if name not in ("serve", "mcp")])
def test_options_of_commands(command):
    options = [one for one in commands()[command].params if isinstance(one, click.Option)]
    assert shown(command) == {max(option.opts, key=len) for option in options}


def test_parameters_of_routes(sample_archive):
    with TestClient(http_app(sample_archive), base_url="http://127.0.0.1") as client:
        document = client.get("/openapi.json").json()
    for route, parameters in routes(document).items():
        assert (route, shown(route)) == (route, parameters)
