"""What each setting does to answers over the sample archive: pairs that every interface is asked for.

Settings go by the names that ``Archive.search`` and ``Filters`` have; each interface has its own names for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from click.testing import CliRunner, Result

TEACHERS = "c-66efe1c56e22261c2ac3c1289f1605c9"
TUGS = "selwyn-2024-12-05-tug-ballot"
DEAL = "harbour-2024-11-02-deal"
SOUP = "c-5c39a71f33b5f3183d0e947ef5e4a419"
BISHOP = "u-78e2faed03736432d06f48747cdb2e11"
VOTE = "harbour-2024-10-03-strike-vote"
TOLLS = "law-2024-09-12-supreme-court-tolls"
LIGHTNING = "harbour-2024-09-05-lightning"
STRIKES = [TEACHERS, TUGS, DEAL, SOUP, BISHOP, VOTE, TOLLS, LIGHTNING]
"""All that ``title:strike`` matches, the newest first."""

LEAVES = "rovers-2025-02-01-halloran-leaves"
MATCH = "rovers-2025-02-08-selwyn-match"
RESIGNS = "c-33a1f807943d6e7df1976934d633b3ef"
SCARVES = "rovers-2024-10-30-scarves"
LEAKED = "dam-2024-09-26-leaked-report"
INQUIRY = "dam-2025-01-15-inquiry-opens"
HALLORANS = [LEAVES, MATCH, RESIGNS, SCARVES, LEAKED, INQUIRY]
"""All that ``Halloran`` matches, by words alone."""
HALLORAN_SCORES = [3.336687, 3.187217, 2.653822, 2.650393, 1.539956, 1.519935]

KITTEN = "u-5845349ede6267b6e83a17bbab3fc6f0"
TRANSCRIPTS = "tech-2025-01-27-court-transcripts"
DRUM = "sarayo-2025-02-10-drum"
MALETA = "sarayo-2024-12-11-maleta"
RENTNER = "meridon-2024-11-21-rentnerdaten"
MERIDON = [
    "meridon-2025-01-10-fine",
    MALETA,
    RENTNER,
    "meridon-2024-10-25-postmortem",
    "meridon-2024-10-11-leak",
    "c-40705646e1cdf5e397baee3e41ac87fc",
]
CORRECTED, CLOSED, DEATHS = (
    "ward7b-2024-09-20-closed-corrected",
    "ward7b-2024-09-19-closed",
    "c-af76b85860420d6f39be37e82286d8d2",
)
TUG_RIGHTS = "c-488bb52640acce62cb8b4a99ce5fb9a5"
CHESS_INQUIRY = "c-9c8e5978727f514c82e073c821ebf686"
SIRENS = "dam-2024-10-22-town-meeting"
BOARD = "u-efb2eb75499045dcc7f31fdd3666def2"
SARAYO = [
    "sarayo-2024-11-30-yellow",
    "sarayo-2024-12-10-ledger-orange",
    "u-5ab4c6e44a35e9f76f7733c3f160dbba",
    MALETA,
]
"""A context of ``Sarayo``, by words alone: sarayo-2024-12-09-orange is the wire's copy of the second."""
HUNDRED = "harbour-2025-01-18-hundred-days"
OVERTIME = "harbour-2024-09-30-overtime-ban"
CRANES = "c-05f604dc090858392d309ef617fc3eb4"
COURIER = "Harrowmouth Courier on the strike vote"
ARGUS = "The Wexcombe Argus on Halloran"
JANUARY = "strike in January 2025"
FIRST_EXCHANGE = "zerrin-2025-01-05-first-exchange"
PREFERRED = [
    VOTE,
    DEAL,
    HUNDRED,
    LIGHTNING,
    BISHOP,
    "c-30e5253ecd7ce9dec542ef4de7415304",
    TUGS,
    TEACHERS,
    "u-e060fd65729803a0b3ef2f16ea626a8c",
    OVERTIME,
    "u-b7adf35dc4a5813a70ea9c64e347852a",
]
FILM = "culture-2024-12-08-polish-film"
SMOKESTACK = "feline rescued from smokestack"  # no word of it is in the archive's right answer
MISHEAR = "Featherstone-Adu machines mishear"  # each leg alone puts a wrong article first


@dataclass(frozen=True)
class Effect:
    """Asked ``query`` with ``beside``, the archive answers with the ids ``before``; with ``setting`` as well, with
    ``after``, in this order."""

    setting: str
    query: str
    value: Any
    before: list[str]
    after: list[str]
    beside: dict[str, Any] = field(default_factory=dict)


MATCHING = [
    Effect("since", "title:strike", "2024-10-15", STRIKES, [TEACHERS, TUGS, DEAL, SOUP, BISHOP]),
    Effect("until", "title:strike", "2024-10-15", STRIKES, [VOTE, TOLLS, LIGHTNING]),
    # Later articles are hidden, and relative dates count from it.
    Effect("as_of", "title:strike", "2024-10-15", STRIKES, [VOTE, TOLLS, LIGHTNING]),
    Effect("as_of", "title:strike since:30d", "2024-11-05", [], [DEAL, SOUP, BISHOP]),
    Effect("sources", "title:strike", ["Harrowmouth Courier"], STRIKES, [DEAL, BISHOP, VOTE, LIGHTNING]),
    Effect(
        "sources",
        "title:strike",
        ["Harrowmouth Courier", "Port Selwyn Advertiser"],
        STRIKES,
        [TUGS, DEAL, BISHOP, VOTE, LIGHTNING],
    ),
    Effect("authors", "title:strike", ["Lanternwire", "Perpetua Knox"], STRIKES, [TEACHERS, DEAL]),
    Effect("sections", "title:strike", ["Port", "Law"], STRIKES, [DEAL, BISHOP, VOTE, TOLLS, LIGHTNING]),
    Effect("languages", "title:Meridon OR title:maleta", ["de", "es"], MERIDON, [MALETA, RENTNER]),
    Effect(
        "literal",
        "polish -film",
        True,
        [
            "chess-2025-02-17-rematch",
            "museum-2024-11-12-candlesticks",
            "chess-2024-10-21-rudzka-accuses",
            "chess-2024-10-06-veznik-champion",
        ],
        [FILM],
    ),
]
"""Settings that change the match set; ids are the newest first."""

COPIED = [
    "meridon-2025-01-10-fine",
    RENTNER,
    "meridon-2024-10-25-postmortem",
    "u-e74c7e5ebfb9758d3880e8cef54968bf",
    "meridon-2024-10-11-leak",
    "c-40705646e1cdf5e397baee3e41ac87fc",
]
"""The last three are one story."""
_KEYWORD = {"mode": "keyword"}
_HYBRID = {"mode": "hybrid", "limit": 3}
_NEWEST = {"sort": "newest"}
_ONCE = {"mode": "keyword", "copies": "collapse"}
ORANGE, LEDGER = "sarayo-2024-12-09-orange", "sarayo-2024-12-10-ledger-orange"
PACK = "c-df74b98647306b504af26734ddbe1686"

RANKING = [
    Effect("limit", "title:strike", 2, STRIKES, STRIKES[:2], _NEWEST),
    Effect("offset", "title:strike", 6, STRIKES, STRIKES[6:], _NEWEST),
    Effect("mode", SMOKESTACK, "keyword", [KITTEN], [], {"limit": 1}),
    Effect("mode", MISHEAR, "keyword", [TRANSCRIPTS], [TOLLS], {"limit": 1}),
    Effect("mode", MISHEAR, "vector", [TRANSCRIPTS], [DRUM], {"limit": 1}),
    Effect("mode", MISHEAR, "hybrid", [TRANSCRIPTS], [TRANSCRIPTS], {"limit": 1}),
    Effect("sort", "Halloran", "newest", HALLORANS, [MATCH, LEAVES, INQUIRY, SCARVES, RESIGNS, LEAKED], _KEYWORD),
    Effect("sort", "Halloran", "oldest", HALLORANS, [LEAKED, RESIGNS, SCARVES, INQUIRY, LEAVES, MATCH], _KEYWORD),
    Effect(
        "recency",
        "Halloran",
        "30d",
        HALLORANS,
        [MATCH, LEAVES, INQUIRY, SCARVES, RESIGNS, LEAKED],
        _KEYWORD | {"as_of": "2025-03-01"},
    ),
    Effect("diversity", "ward closed fungus", 0.35, [CORRECTED, CLOSED, DEATHS], [CORRECTED, DEATHS, CLOSED], _HYBRID),
    Effect("per_source", "Halloran", 1, HALLORANS, [LEAVES, MATCH, RESIGNS, LEAKED], _KEYWORD),
    Effect("copies", "title:Meridon OR title:pension", "collapse", COPIED, COPIED[:4], _NEWEST),
    *(
        Effect("shown", "Sarayo orange alert", value, [LEDGER], [after], {"limit": 1, **_ONCE})
        for value, after in (("earliest", PACK), ("latest", LEDGER), ("original", ORANGE), ("best", LEDGER))
    ),
    Effect("prefer", "Sarayo orange alert", ["Tirsa Herald"], [LEDGER], [ORANGE], {"limit": 1, **_ONCE}),
    Effect("fusion", MISHEAR, "rrf", [TRANSCRIPTS, TOLLS, DRUM], [TRANSCRIPTS, INQUIRY, TUG_RIGHTS], _HYBRID),
    Effect("fusion", JANUARY, "minmax", [TEACHERS, LIGHTNING, HUNDRED], [TEACHERS, LIGHTNING, VOTE], _HYBRID),
    Effect("weight", MISHEAR, 0.0, [TRANSCRIPTS, TOLLS, DRUM], [TOLLS, TRANSCRIPTS, TUG_RIGHTS], _HYBRID),
    Effect("weight", MISHEAR, 1.0, [TRANSCRIPTS, TOLLS, DRUM], [DRUM, BOARD, SIRENS], _HYBRID),
    Effect("detect", ARGUS, "off", [LEAVES, SCARVES, MATCH], [MATCH, LEAVES, SCARVES], _KEYWORD | {"limit": 3}),
    Effect("detect", JANUARY, "off", [TEACHERS, LIGHTNING, HUNDRED], [DEAL, BISHOP, VOTE], _HYBRID),
    Effect("detect", JANUARY, "filter", [TEACHERS, LIGHTNING, HUNDRED], [TEACHERS, HUNDRED, TUG_RIGHTS], _HYBRID),
]
"""Settings that change the ranking."""

CONTEXT = [
    Effect("budget", "Halloran", 400, HALLORANS, [LEAVES, MATCH]),
    Effect("mode", SMOKESTACK, "vector", [], [KITTEN]),
    Effect("per_source", "Halloran", 1, HALLORANS, [LEAVES, MATCH, RESIGNS, LEAKED]),
    # The Courier's alone; as if no outlet were named.
    Effect("detect", COURIER, "filter", PREFERRED, [VOTE, DEAL, HUNDRED, LIGHTNING, BISHOP]),
    Effect("detect", COURIER, "off", PREFERRED, [VOTE, DEAL, LIGHTNING, BISHOP, TUGS, OVERTIME, HUNDRED, CRANES]),
    Effect("since", "Halloran", "2025", HALLORANS, [LEAVES, MATCH, INQUIRY]),
    Effect("until", "Halloran", "2024-10-20", HALLORANS, [RESIGNS, LEAKED]),
    Effect("as_of", "Halloran", "2025-02-02", HALLORANS, [LEAVES, RESIGNS, SCARVES, LEAKED, INQUIRY]),
    Effect("sources", "Halloran", ["The Wexcombe Argus"], HALLORANS, [LEAVES, SCARVES]),
    Effect(
        "sources", "Halloran", ["The Wexcombe Argus", "Port Selwyn Advertiser"], HALLORANS, [LEAVES, MATCH, SCARVES]
    ),
    Effect("authors", "Halloran", ["Imogen Sarkany"], HALLORANS, [LEAKED, INQUIRY]),
    Effect("sections", "Halloran", ["Sport"], HALLORANS, [MATCH]),
    Effect("languages", "Sarayo", ["es"], SARAYO, [MALETA]),
    Effect("recency", "Halloran", "10d", HALLORANS, [MATCH, LEAVES], {"as_of": "2025-03-01"}),
]
"""Settings of a context, asked by words alone."""

DESCRIBED = [
    ("Halloran -dam", {}, "articles without 'dam', ranked by: Halloran"),
    ("Halloran -dam", {"since": "2025"}, "articles without 'dam', published since 1 Jan 2025, ranked by: Halloran"),
    (
        "Halloran -dam",
        {"until": "2024-10-20"},
        "articles without 'dam', published up to 20 Oct 2024, ranked by: Halloran",
    ),
    ("Halloran since:7d", {"as_of": "2025-03-01"}, "articles published since 22 Feb 2025, ranked by: Halloran"),
    ("Halloran -dam", {"sources": ["A", "B"]}, "articles without 'dam', from A or B, ranked by: Halloran"),
    (
        "Halloran -dam",
        {"authors": ["Imogen Sarkany"]},
        "articles without 'dam', by Imogen Sarkany, ranked by: Halloran",
    ),
    ("Halloran -dam", {"sections": ["Sport"]}, "articles without 'dam', in the section Sport, ranked by: Halloran"),
    ("Halloran -dam", {"languages": ["es"]}, "articles without 'dam', in the language es, ranked by: Halloran"),
    ("Halloran -dam", {"literal": True}, "all articles, ranked by: Halloran dam"),
]
"""A query, settings, and what it means by them."""

# What a test shows

SHOWN: set[tuple[str, str]] = set()
"""Each interface's part (a command, a route, a tool, a method) and its parameters that a test shows the effect of."""

Test = TypeVar("Test", bound=Callable[..., Any])


def shows(part: str, *names: str) -> Callable[[Test], Test]:
    """Marks a test that shows what these parameters do."""

    def note(test: Test) -> Test:
        SHOWN.update((part, name) for name in names)
        return test

    return note


# The command line

CLI_NAMES = {
    "since": "--from",
    "until": "--to",
    "sources": "--source",
    "authors": "--author",
    "sections": "--section",
    "languages": "--language",
}


def options(settings: dict[str, Any]) -> list[str]:
    """Settings as the command line takes them."""
    said: list[str] = []
    for name, value in settings.items():
        option = CLI_NAMES.get(name, f"--{name.replace('_', '-')}")
        if value is True:
            said.append(option)
        else:
            for one in value if isinstance(value, list) else [value]:
                said += [option, str(one)]
    return said


def run(*arguments: Any, **settings: Any) -> Result:
    """A command run in this process."""
    from search.cli.main import cli

    return CliRunner().invoke(cli, [str(one) for one in arguments], **settings)


def answer(*arguments: Any, code: int = 0) -> Any:
    """What a command prints as JSON."""
    ran = run(*arguments, "--format", "json")
    assert ran.exit_code == code, ran.output
    return json.loads(ran.stdout)


def commands() -> dict[str, click.Command]:
    """Every command by its name, ``alerts add`` among them; the group itself goes by the empty name."""
    from search.cli.main import cli

    found: dict[str, click.Command] = {}

    def walk(name: str, command: click.Command) -> None:
        found[name] = command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for below in command.list_commands(context):
                one = command.get_command(context, below)
                assert one is not None
                walk(f"{name} {below}".strip(), one)

    walk("", cli)
    return found


# The server


def http_app(folder: Path, **settings: Any) -> Any:
    """The application of ``broadsheet serve``, on loopback."""
    from search.serve import running
    from search.serve.app import create_app
    from search.serve.desk import Settings

    return create_app(running.settings_for(Settings(folder=folder, **settings), "127.0.0.1"))


def mcp_server(archive: Any, **settings: Any) -> Any:
    """The server of ``broadsheet mcp`` over an open archive."""
    from search.serve.desk import Desk, Settings
    from search.serve.mcp.server import build

    return build(Desk(Settings(folder=archive.path, **settings), archive))


def fields(schema: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """The names of an object's fields in a JSON schema; those of objects in it are dotted."""
    seen: set[str] = set()

    def walk(schema: dict[str, Any], before: str) -> Iterator[str]:
        if (reference := schema.get("$ref")) is not None:
            if reference in seen:  # a filter of filters
                return
            seen.add(reference)
            schema = definitions[reference.rpartition("/")[2]]
        for below in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from walk(below, before)
        if "items" in schema:
            yield from walk(schema["items"], before)
        for name, below in schema.get("properties", {}).items():
            yield before + name
            yield from walk(below, f"{before}{name}.")

    return set(walk(schema, ""))


def routes(document: dict[str, Any]) -> dict[str, set[str]]:
    """The parameters of each route of an OpenAPI document."""
    definitions = document["components"]["schemas"]
    found: dict[str, set[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names = found[f"{method.upper()} {path}"] = {one["name"] for one in operation.get("parameters", ())}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                names |= fields(content["schema"], definitions)
    return found
