"""The comforts of the terminal: completion, the manual page, the pager."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import NamedTuple

import click
import pytest
from click.shell_completion import get_completion_class

from search import Archive, Article
from search._version import __version__
from search.cli.main import COMMANDS, cli
from search.cli.text import apart, isolated, width, wrap

from .effects import commands, run, shows


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_what_click_makes(shell):
    done = subprocess.run(
        [sys.executable, "-m", "search"],
        env={**os.environ, "_BROADSHEET_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=True,
    )
    ran = run("completion", shell)
    assert (ran.exit_code, ran.stdout) == (0, done.stdout)
    assert f"_BROADSHEET_COMPLETE={shell}_complete" in ran.stdout


def test_bash_reads_the_script():
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    script = run("completion", "bash").stdout + "\ncomplete -p broadsheet\n"
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("broadsheet")


def test_there_is_no_script_for_other_shells():
    ran = run("completion", "tcsh")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in ran.stderr


def offered(*words: str) -> list[str]:
    """What a shell offers for the last word."""
    complete = get_completion_class("bash")
    assert complete is not None
    asked = complete(cli, {}, "broadsheet", "_BROADSHEET_COMPLETE")
    return [one.value for one in asked.get_completions(list(words[:-1]), words[-1])]


def test_what_is_completed():
    assert offered("") == list(COMMANDS)
    assert offered("se") == ["search", "serve"]
    assert offered("search", "--mode", "") == ["auto", "hybrid", "keyword", "vector"]
    assert offered("search", "--sort", "n") == ["newest"]
    assert offered("search", "--timi") == ["--timings"]
    assert offered("alerts", "r") == ["remove", "run"]
    assert offered("help", "que") == ["query"]
    assert offered("help", "sh") == ["show"]
    assert offered("completion", "z") == ["zsh"]
    assert offered("nothing", "q") == []


def test_offering_a_name_imports_no_command():
    code = (
        "import sys\nfrom search.cli.main import cli\n"
        "try: cli(prog_name='broadsheet')\nexcept SystemExit: pass\n"
        "assert not [name for name in sys.modules if name == 'search.cli.search'], 'imported'"
    )
    environment = {
        **os.environ,
        "_BROADSHEET_COMPLETE": "bash_complete",
        "COMP_WORDS": "broadsheet f",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "plain,facets\nplain,first\n"


@pytest.mark.parametrize("name", [name for name in commands() if name])
def test_short_help_is_help(name):
    short, long = run(*name.split(), "-h"), run(*name.split(), "--help")
    assert short.exit_code == 0
    assert short.stdout == long.stdout
    assert "  -h, --help" in short.stdout


# The manual page


@shows("help", "--man")
def test_manual_page():
    ran = run("help", "--man")
    assert ran.exit_code == 0
    rows = ran.stdout.splitlines()
    assert rows[0] == f'.TH BROADSHEET 1 "" "broadsheet {__version__}" "User Commands"'
    headings = [row.removeprefix(".SH ") for row in rows if row.startswith(".SH ")]
    assert headings == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "ENVIRONMENT", "SEE ALSO"]
    assert rows[2] == r"broadsheet \- search news archives by words, by meaning, or by both"
    sections = [row for row in rows if row.startswith(".SS ")]
    assert len(sections) == len(commands()) - 1
    for name, command in commands().items():
        if name:
            assert any(row.startswith(f".SS {name} [OPTIONS]") for row in sections), name
        for option in command.params:
            if isinstance(option, click.Option):
                assert max(option.opts, key=len).replace("-", r"\-") in ran.stdout
    assert {row.split(" ")[0] for row in rows if row.startswith(".")} == {".TH", ".SH", ".SS", ".PP", ".TP", ".B"}
    assert not [row for row in rows if row.startswith("'")]
    assert run("help", "query", "--man").exit_code == 2


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_groff_has_nothing_to_say_of_the_manual_page():
    page = run("help", "--man").stdout
    command = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou"]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "search news archives by words, by meaning, or by both" in done.stdout
    assert "`broadsheet help index" in done.stdout
    assert "'news/*.jsonl.gz'" in done.stdout


# The pager


class Terminal(NamedTuple):
    """What a command wrote to a terminal, and to its pager."""

    screen: str
    pager: str | None
    less: list[str]


@pytest.fixture
def terminal(tmp_path):
    """Runs a command on a terminal of so many lines, with a pager that keeps what it gets."""
    pty = pytest.importorskip("pty")
    kept, settings = tmp_path / "paged.txt", tmp_path / "less.txt"
    pager = tmp_path / "less"
    pager.write_text(f'#!/bin/sh\nprintf "%s\\n" "$LESS" "$LESSSECURE" > {settings}\ncat > {kept}\n')
    pager.chmod(0o755)

    def on_terminal(*arguments: object, lines: int = 24, **environment: str) -> Terminal:
        for path in (kept, settings):
            path.unlink(missing_ok=True)
        near, far = pty.openpty()
        surroundings = os.environ | {"PAGER": str(pager), "LINES": str(lines), "COLUMNS": "80", "TERM": "xterm"}
        command = [sys.executable, "-m", "search", *map(str, arguments)]
        child = subprocess.Popen(command, stdin=far, stdout=far, stderr=far, env=surroundings | environment)
        os.close(far)
        screen = b""
        while True:
            try:
                more = os.read(near, 65536)
            except OSError:  # so Linux says that nobody writes any more
                break
            if not more:
                break
            screen += more
        os.close(near)
        assert child.wait() == 0
        text = screen.decode().replace("\r\n", "\n")
        if not kept.exists():
            return Terminal(text, None, [])
        return Terminal(text, kept.read_text(), settings.read_text().splitlines())

    return on_terminal


@pytest.fixture
def long_article(tmp_path):
    """An archive with a long article, whose text would like to command the terminal, and a short one."""
    folder = tmp_path / "archive"
    text = "\n".join(f"Line {number} \x1b[2J\x9b31m of it." for number in range(40))
    with Archive.open(folder, create=True) as archive:
        archive.add([Article(id="long", title="Long", text=text), Article(id="short", text="Brief.")], vectors=False)
    return folder


@shows("show", "--no-pager")
def test_a_long_article_goes_to_the_pager(terminal, long_article):
    show = ("show", "long", "--index", long_article)
    paged = terminal(*show)
    assert paged.screen == ""
    assert paged.less == ["-R", "1"]
    assert paged.pager is not None
    assert "Line 0 " in paged.pager
    assert "Line 39 " in paged.pager
    assert set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f].{3}", paged.pager)) <= {"\x1b[1m", "\x1b[0m", "\x1b[2m"}
    plain = terminal(*show, "--no-pager")
    assert plain.pager is None
    assert plain.screen == paged.pager
    assert terminal(*show, LESS="-r", LESSSECURE="0").less == ["-R", "1"]
    text = terminal(*show, "--format", "text")
    assert text.pager is not None
    assert "\x1b" not in text.pager


def test_no_pager_where_there_is_room_or_no_terminal(terminal, long_article, tmp_path):
    show = ("show", "long", "--index", long_article)
    assert terminal(*show, lines=200).pager is None
    assert terminal("show", "short", "--index", long_article).pager is None
    lines = terminal("show", "long", "--index", long_article, "--no-pager").screen.count("\n")
    assert terminal(*show, lines=lines + 1).pager is None  # the prompt has a line too
    assert terminal(*show, lines=lines).pager is not None
    out = tmp_path / "out.txt"
    assert terminal(*show, "--output", out).pager is None
    piped = run(*show)
    assert out.read_text() == piped.stdout
    assert "\x1b" not in piped.stdout


# From right to left

FSI, PDI = "\u2068", "\u2069"
ARABIC = Article(
    id="ar1",
    title="إضراب في ميناء 2021",
    text="أعلن عمال الميناء إضرابا مفتوحا يوم الثلاثاء. وقالت الشركة إن السفن 12 تنتظر.",
    source="جريدة الساحل",
    authors=("ليلى حداد",),
    section="News",
    published=datetime(2021, 3, 5, tzinfo=UTC),
    language="ar",
)
LATIN = Article(id="en1", title="Strike at the port", text="Dockers struck. שביתה in the port.", source="Coast Post")


def test_what_is_written_from_right_to_left_turns_nothing_round(terminal, tmp_path):
    """Each title, name and snippet by itself, so that numbers, dates and bars stay where they are."""
    folder = tmp_path / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add([ARABIC, LATIN], vectors=False)
    search = ("search", "ميناء", "--index", folder, "--mode", "keyword")
    shown = terminal(*search, lines=60).screen
    plain = re.sub(r"\x1b\[[0-9]*m", "", shown)
    lines = [line for line in plain.split("\n") if line]
    assert lines[0] == f"1. {FSI}إضراب في ميناء 2021{PDI}"
    assert lines[1].startswith(
        f"   {FSI}جريدة الساحل{PDI} · 2021-03-05 00:00 UTC · {FSI}ليلى حداد{PDI} · News · score "
    )
    assert lines[2].startswith(f"   {FSI}أعلن عمال")
    assert all(line.count(FSI) == line.count(PDI) for line in lines)
    piped = run(*search)
    assert FSI not in piped.stdout
    assert piped.stdout.lstrip().splitlines()[0] == "1. إضراب في ميناء 2021"
    facets = terminal("facets", "*", "--field", "source", "--index", folder).screen
    rows = [re.sub(r"\x1b\[[0-9]*m", "", line) for line in facets.split("\n") if "█" in line or "Post" in line]
    assert any(f"{FSI}جريدة الساحل{PDI}" in row for row in rows)
    assert len({width(row[: row.rindex("1")]) for row in rows if "1" in row}) == 1  # the numbers stand below each other
    story = terminal("show", "ar1", "--index", folder, "--no-pager").screen
    assert f"{FSI}جريدة الساحل{PDI}" in story


def test_an_article_cannot_leave_its_isolate():
    """The marks of an article are dropped before its own are put around it, and they take no column."""
    evil = f"{PDI}ميناء\u202eevil{PDI}{PDI}"
    (title,) = wrap(evil, 80)
    assert isolated(title) == f"{FSI}ميناءevil{PDI}"
    assert width(isolated(title)) == width(title) == 9
    assert isolated("Strike, 12 % – café") == "Strike, 12 % – café"
    assert apart("שלום · 2021 · Post", " · ") == f"{FSI}שלום{PDI} · 2021 · Post"
