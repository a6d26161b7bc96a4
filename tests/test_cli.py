"""The command group: help without imports, one table of commands, one place for exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from search import Archive, Article, errors
from search.cli.main import COMMANDS, cli
from search.errors import SearchError

HEAVY = ("numpy", "torch", "transformers", "sentence_transformers", "faiss", "onnxruntime", "onnx", "whoosh", "sqlite3")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An archive that no test changes."""
    folder = tmp_path_factory.mktemp("built") / "archive"
    with Archive.open(folder, create=True) as archive:
        archive.add([Article(id="a", title="Zürich 日本", text="A dam leaks.")], vectors=False)
    return folder


@pytest.fixture
def archive(built, monkeypatch):
    """The same, named by the environment."""
    monkeypatch.setenv("BROADSHEET_INDEX", str(built))
    return built


@pytest.fixture
def failing(archive, monkeypatch):
    """Lets every search of the archive fail in a way."""

    def fail(error):
        def search(*_, **__):
            raise error

        monkeypatch.setattr(Archive, "search", search)

    return fail


def run(*arguments, **settings):
    return CliRunner().invoke(cli, arguments, **settings)


def modules_after(*arguments):
    """Names of the modules that a command leaves loaded."""
    code = (
        "import sys\nfrom search.cli.main import cli\n"
        f"try: cli({list(arguments)!r}, prog_name='broadsheet')\nexcept SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


def test_help_lists_every_command_and_imports_none():
    out, loaded = modules_after("--help")
    column = max(map(len, COMMANDS))
    for name, text in COMMANDS.items():
        assert f"  {name:<{column}}  {text}\n" in out
        assert f"search.cli.{name}" not in loaded
    assert not loaded & {*HEAVY, "search.archive", "search.evaluation"}


HELP_OF_EACH = """
import json, os, sys
from search.cli.main import COMMANDS, cli
for name in COMMANDS:
    if os.fork() == 0:  # each from the same beginning, without the start of another Python
        try:
            cli([name, "--help"], prog_name="broadsheet")
        except SystemExit:
            print(json.dumps([name, list(sys.modules)]), file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def helped():
    """What the help of each command prints, and the modules that it leaves loaded."""
    done = subprocess.run([sys.executable, "-c", HELP_OF_EACH], capture_output=True, text=True, check=True)
    loaded = dict(map(json.loads, done.stderr.splitlines()))
    printed = re.split(r"^(?=Usage: )", done.stdout, flags=re.M)[1:]
    return {name: (text, set(loaded[name])) for name, text in zip(loaded, printed, strict=True)}


@pytest.mark.skipif(os.name == "nt", reason="no fork there")
@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_no_engine(helped, name):
    out, loaded = helped[name]
    assert out.startswith(f"Usage: broadsheet {name} ")
    assert not loaded & {*HEAVY, "search.archive"}
    assert not {f"search.cli.{other}" for other in COMMANDS if other != name} & loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lines_in_the_table_are_the_commands_own(name):
    command = cli.get_command(click.Context(cli), name)
    assert command.name == name
    assert command.help.split("\n\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name):
    command = cli.get_command(click.Context(cli), name)
    options = [one for one in command.params if isinstance(one, click.Option)]
    without = {"help": {"--debug"}, "completion": set()}  # an archive
    assert without.get(name, {"--index", "--debug"}) <= {name for one in options for name in one.opts}
    assert all(one.help for one in options)


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("broadsheet, version 0")


def test_unknown_command_suggests_the_nearest():
    result = run("serach", "x")
    assert result.exit_code == 2
    assert "There is no command 'serach'. Did you mean 'search'?" in result.stderr
    assert "There is no command 'zzz'.\n" in run("zzz").stderr
    assert "\x1b" not in run("\x1b[2J").stderr


def test_unknown_option_and_no_command():
    assert run("search", "--nonsense", "x").exit_code == 2
    assert run("--nonsense").exit_code == 2
    assert run().exit_code == 2


def all_errors(kind=SearchError):
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


EXPECTED = {
    "SearchError": 3,
    "PurgeUnfinished": 3,
    "UsageError": 2,
    "QueryError": 2,
    "ModeError": 2,
    "MissingExtraError": 2,
    "ArchiveError": 3,
    "ArchiveNotFound": 3,
    "ArchiveLocked": 3,
    "ArchiveReplaced": 3,
    "ArchiveMismatch": 3,
    "ArchiveDamaged": 3,
    "StorageError": 3,
    "DiskFull": 3,
    "EncoderError": 3,
    "ServerError": 3,
    "ServerBusy": 3,
    "QueryTimeout": 3,
    "SourceError": 2,
    "AddressFailed": 2,
    "AddressRefused": 2,
    "ArticleNotFound": 1,
}


def test_every_error_has_an_expected_exit_code():
    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SearchError)]
    defined = {kind.__name__ for kind in kinds}
    assert defined == set(EXPECTED)


@pytest.mark.parametrize("kind", [one for one in all_errors() if one.__module__ == "search.errors"])
def test_errors_become_one_line_and_an_exit_code(failing, kind):
    arguments = ("onnx", "fast") if kind is errors.MissingExtraError else ("what, \x1b[31mwhere",)
    failing(kind(*arguments))
    result = run("search", "x")
    assert result.exit_code == EXPECTED[kind.__name__]
    assert result.stdout == ""
    said = f"onnx is not installed; install it with: {errors.install_line('fast')}"
    assert result.stderr == f"broadsheet: {said if len(arguments) == 2 else 'what, where'}\n"


def test_an_archive_is_closed_after_an_error(failing, archive, monkeypatch):
    closed = []
    close = Archive.close
    monkeypatch.setattr(Archive, "close", lambda self: closed.append(self.path) or close(self))
    failing(errors.StorageError("full"))
    run("search", "x")
    assert closed == [archive]


def test_query_errors_point_at_the_place(archive):
    result = run("search", 'a "b')
    assert result.exit_code == 2
    assert result.stderr == (
        "broadsheet: this quotation mark is never closed; close it, or put \\ before it to search for the mark itself\n"
        '  a "b\n    ^\n'
    )


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyboardInterrupt("interrupted; kept"), 130, "interrupted; kept"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 3, "/x/y: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), 3, "Permission denied"),
        (OSError("odd"), 3, "odd"),
        (MemoryError(), 3, "out of memory; a smaller --batch needs less"),
        (
            ZeroDivisionError("by\n0"),
            3,
            "internal error, ZeroDivisionError: by\n0; --debug shows where. Please report it.",
        ),
        (RecursionError(), 3, "internal error, RecursionError: ; --debug shows where. Please report it."),
    ],
)
def test_nothing_prints_a_traceback(failing, failure, code, said):
    failing(failure)
    result = run("search", "x")
    assert result.exit_code == code
    assert result.stderr == f"broadsheet: {said}\n"


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--debug", "search", "x"), {}),
        (("search", "x", "--debug"), {}),
        (("search", "x"), {"BROADSHEET_DEBUG": "1"}),
    ],
)
def test_debug_shows_where(failing, arguments, environment):
    failing(ZeroDivisionError("zero"))
    result = run(*arguments, env=environment)
    assert result.exit_code == 3
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert "test_cli.py" in result.stderr
    assert "broadsheet: internal error, ZeroDivisionError: zero" in result.stderr


def test_the_archive_is_the_option_then_the_variable_then_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("a/b", "c", "indexes/default"):
        with Archive.open(folder, create=True) as archive:
            archive.add([Article(id=folder, text="x")], vectors=False)

    def asked(*arguments, **environment):
        return run("search", "x", "--format", "ids", *arguments, env=environment).stdout

    assert asked("--index", "a/b", BROADSHEET_INDEX="c") == "a/b\n"
    assert asked(BROADSHEET_INDEX="c") == "c\n"
    assert asked(BROADSHEET_INDEX="") == asked() == "indexes/default\n"


def test_arguments_that_are_no_text_are_refused():
    result = run("search", "caf\udce9", "--index", "nowhere")
    assert result.exit_code == 2
    assert "not valid text" in result.stderr


def process(*arguments, **settings):
    command = [sys.executable, "-m", "search", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)


@pytest.mark.skipif(os.name == "nt", reason="needs sh")
@pytest.mark.parametrize(
    ("closed", "code", "told"),
    [
        (">&-", 3, "broadsheet: standard output is closed, so there is nowhere to answer\n"),
        ("2>&-", 0, ""),
        (">&- 2>&-", 3, ""),
        ("<&-", 0, ""),
    ],
)
@pytest.mark.parametrize("format", ["ids", "json", "csv", "pretty"])
def test_closed_standard_streams(sample_archive, closed, code, told, format):
    command = f'exec "{sys.executable}" -m search search harbor --format {format} --index "{sample_archive}" {closed}'
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert ran.returncode == code
    assert (ran.stderr == told) if closed != "<&-" else "error" not in ran.stderr
    assert bool(ran.stdout) is (">&-" not in closed.split())


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
@pytest.mark.parametrize("hits", [1, 99])  # more than a pipe holds
def test_a_closed_pipe_ends_quietly(sample_archive, hits):
    asked = ("*", "--sort", "newest", "-n", hits, "--format", "jsonl", "--passages", "9")
    child = process("search", *asked, "--index", sample_archive)
    child.stdout.close()
    said = child.stderr.read().decode()
    child.stderr.close()
    assert (child.wait(), "Traceback" in said, "Broken" in said) == (0, False, False)


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to a process there")
def test_ctrl_c_exits_130_with_one_line(archive, tmp_path):
    queries = tmp_path / "queries.txt"
    queries.write_text("dam\n" * 100_000)
    child = process("search", "--queries", queries)
    assert json.loads(child.stdout.readline())["id"] == "a"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate()
    assert (child.returncode, said) == (130, b"broadsheet: interrupted\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_pipe_gets_utf8(archive, encoding):
    child = process("search", "dam", env={**os.environ, "PYTHONIOENCODING": encoding})
    out, _ = child.communicate()
    assert child.returncode == 0
    assert out.decode().splitlines()[0] == "1. Zürich 日本"


def test_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "search", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("broadsheet, version ")
