"""The user's file of defaults: what an option is when neither the command line nor the environment says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from search.errors import UsageError

# At the head of the file: the options of every command that has them. There --index has a name that no table has.
SHARED = {"archive": "index", "format": "format", "model": "model"}

# A command, or one below it, with the values of its parameters by name, as click's default_map has them.
Defaults = dict[str, Any]
_DELETING = frozenset({"prune", "purge", "yes", "replace"})


def path() -> Path | None:
    """``BROADSHEET_CONFIG``, else config.toml in the platform's folder of settings; None where there is none.

    An empty BROADSHEET_CONFIG means none. Raises UsageError when it names no file.
    """
    chosen = os.environ.get("BROADSHEET_CONFIG")
    if chosen is not None:
        if chosen and not Path(chosen).is_file():
            raise UsageError(f"BROADSHEET_CONFIG names {chosen}, which is no file; make it, or unset the variable")
        return Path(chosen) if chosen else None
    usual = Path(click.get_app_dir("broadsheet")) / "config.toml"
    return usual if usual.is_file() else None


def defaults(ctx: click.Context, name: str, command: click.Command, known: Mapping[str, str]) -> Defaults:
    """What the file says of a command; ``known`` are the names of all commands. Raises UsageError for a file that
    cannot be read, and for a name or a value in it that is none."""
    file = path()
    if file is None:
        return {}
    import tomllib  # only those who have a file wait for it

    try:
        said = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read as TOML: {error}") from error
    for key, value in said.items():
        if key not in SHARED and key not in known:
            raise UsageError(
                f"{file}: there is no {key!r}; at its head stand {', '.join(SHARED)}, then tables such as [search]"
            )
        if isinstance(value, dict) != (key in known):
            raise UsageError(f"{file}: {key!r} must be {'a table' if key in known else 'a value'}")
    shared = {option: said[key] for key, option in SHARED.items() if key in said}
    return _of(ctx, file, name, command, said.get(name, {}), shared, frozenset())


def _of(
    ctx: click.Context,
    file: Path,
    table: str,
    command: click.Command,
    said: Mapping[str, Any],
    shared: Mapping[str, Any],
    above: frozenset[str],
) -> Defaults:
    """The values for one command, and for those below it, which leave to it what it has itself."""
    where = f"{file}: [{table}]"
    options = {
        max(one.opts, key=len).removeprefix("--"): one for one in command.params if isinstance(one, click.Option)
    }
    options = {key: one for key, one in options.items() if key not in above and not one.is_eager}
    below = command.commands if isinstance(command, click.Group) else {}
    values: Defaults = {}
    for key, value in shared.items():
        if key == "model" and command.name != "index":
            continue  # embed without a model keeps the archive's own
        if key in options and key not in said and _takes(options[key], value):
            values[_name(options[key])] = _value(ctx, f"{where} {key}", options[key], value)
    for key, value in said.items():
        if key in options and key in _DELETING:
            raise UsageError(f"{where} cannot have {key}: what deletes is asked for on the line, each time")
        if key in options:
            values[_name(options[key])] = _value(ctx, f"{where} {key}", options[key], value)
        elif key not in below or not isinstance(value, dict):
            raise UsageError(f"{where} has no {key!r}; it takes {', '.join(sorted((*options, *below)))}")
    for name, one in below.items():
        values[name] = _of(ctx, file, f"{table}.{name}", one, said.get(name, {}), shared, above | options.keys())
    return values


def _name(option: click.Option) -> str:
    assert option.name is not None
    return option.name


def _takes(option: click.Option, value: Any) -> bool:
    """Whether a value at the head of the file is for this option: a --format that has it, not the one of index."""
    if option.name == "format":
        return isinstance(option.type, click.Choice) and value in option.type.choices
    return True


def _value(ctx: click.Context, where: str, option: click.Option, value: Any) -> Any:
    """A value of the file as the option takes it. Raises UsageError when it does not."""
    if option.multiple:
        return [_plain(ctx, where, option, item) for item in (value if isinstance(value, list) else [value])]
    return _plain(ctx, where, option, value)


def _plain(ctx: click.Context, where: str, option: click.Option, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise UsageError(f"{where} takes one value")
    if option.is_flag != isinstance(value, bool):
        raise UsageError(f"{where} takes {'true or false' if option.is_flag else 'no true or false'}")
    if option.is_flag:
        return value
    text = str(value)
    if isinstance(option.type, click.Path):
        text = str(Path(text).expanduser())
    try:
        option.type(text, option, ctx)
    except click.BadParameter as error:
        raise UsageError(f"{where}: {error.message}") from error
    return text
