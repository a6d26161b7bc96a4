"""Who may use a server: tokens, loopback, and the names that clients call it by."""

from __future__ import annotations

import hmac
import importlib.util
import ipaddress
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from search.errors import MissingExtraError, UsageError

TOKEN = "BROADSHEET_TOKEN"  # noqa: S105 - the variable's name
SHORTEST_TOKEN = 16
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def require(*packages: str, extra: str) -> None:
    """Raise MissingExtraError unless these can be imported; none is imported by asking."""
    for package in packages:
        if not installed(package):
            raise MissingExtraError(package, extra)


def installed(package: str) -> bool:
    """Whether a package can be imported; it is not."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # it was taken out of sys.modules by name
        return False


def read_token(file: Path | None) -> str | None:
    """The token of a file, else of BROADSHEET_TOKEN, or None. Raises UsageError for a short or blank one."""
    if file is not None:
        try:
            token, where = file.read_text("utf-8").strip(), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read a token from {file}: {error}") from None
    elif TOKEN in os.environ:
        token, where = os.environ[TOKEN].strip(), TOKEN
    else:
        return None
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"the token in {where} must have {SHORTEST_TOKEN} letters, digits or signs at least, and no blanks; "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one"
        )
    return token


def is_exposed(file: Path) -> bool:
    """Whether other users of this machine may read a file; False where there is none."""
    return os.name == "posix" and file.is_file() and bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def has_token(authorization: Iterable[bytes], token: bytes) -> bool:
    """Whether the values of the header are one, and it is ``Bearer TOKEN``. Compared in constant time."""
    given = list(authorization)
    if len(given) != 1:
        return False
    scheme, _, value = given[0].partition(b" ")
    return bool(hmac.compare_digest(value.strip(), token)) and scheme.lower() == b"bearer"


def host_name(header: str) -> str:
    """A Host header without its port, in lower case."""
    name = header.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def address_template(template: str | None) -> str | None:
    """The template for the addresses of articles. Raises UsageError for one without ``{id}``, or that is no web
    address."""
    if template is not None and (
        "{id}" not in template or not template.startswith(("http://", "https://")) or " " in template
    ):
        raise UsageError(
            f"{template!r} is no address of articles; it needs http(s) and {{id}}, as https://desk.example/a/{{id}}"
        )
    return template
