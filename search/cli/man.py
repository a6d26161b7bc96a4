"""The manual page, made of the commands' own help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from search._version import __version__


def page(cli: click.Group) -> Iterator[str]:
    """The lines of ``broadsheet(1)`` in roff."""
    yield f'.TH BROADSHEET 1 "" "broadsheet {__version__}" "User Commands"'
    yield ".SH NAME"
    yield _text(f"broadsheet - {_summary(cli)}")
    yield ".SH SYNOPSIS"
    yield r".B broadsheet"
    yield r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]..."
    yield ".SH DESCRIPTION"
    yield from _paragraphs(cli.help or "")
    yield ".SH OPTIONS"
    top = click.Context(cli, info_name="broadsheet", **cli.context_settings)
    yield from _options(cli, top)
    yield ".SH COMMANDS"
    yield from _commands(cli, top)
    yield ".SH ENVIRONMENT"
    for name, text in ENVIRONMENT.items():
        yield from (".TP", rf"\fB{name}\fR", _text(text))
    yield ".SH SEE ALSO"
    yield _text("broadsheet help lists pages on the query language, dates, formats, servers and more.")


ENVIRONMENT = {
    "BROADSHEET_INDEX": "The archive, where --index names none.",
    "BROADSHEET_CONFIG": "The file of defaults, in the place of the usual one; empty for none.",
    "BROADSHEET_CACHE": "Where query encoders are kept.",
    "BROADSHEET_DEBUG": "1 shows where an error comes from.",
    "NO_COLOR": "Any value: no bold and dim.",
    "PAGER": "The program that shows long articles.",
}


def _commands(group: click.Group, context: click.Context, before: str = "") -> Iterator[str]:
    """Each command with its description and options, and those below it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name)
        yield rf".SS {_text(f'{before}{name}')} {_text(' '.join(command.collect_usage_pieces(inner)))}"
        yield from _paragraphs(command.help or "")
        yield from _options(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{before}{name} ")


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(record[1]))


def _summary(command: click.Command) -> str:
    """The first sentence of a help text, as manuals have it."""
    sentence = (command.help or "").partition("\n")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """Text in roff: one line, no sign of it a command, hyphens that can be copied."""
    text = " ".join(text.replace("\b", " ").split())
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    text = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)
    return rf"\&{text}" if text.startswith(".") else text
