"""The comforts of the terminal: completion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import get_completion_class

from search.cli.main import COMMANDS, cli

from .effects import commands, run


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
    assert done.stdout == "plain,facets\n"


@pytest.mark.parametrize("name", [name for name in commands() if name])
def test_short_help_is_help(name):
    short, long = run(*name.split(), "-h"), run(*name.split(), "--help")
    assert short.exit_code == 0
    assert short.stdout == long.stdout
    assert "  -h, --help" in short.stdout
