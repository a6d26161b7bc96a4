"""Which paths are pages, and the cookie that lets a browser in where the server has a token.

The cookie is made of the token and cannot be turned back into it. It opens pages alone, and lets their one form keep an
article in a collection, beside the archive: no page changes the archive, and the API goes on asking for the token.
"""

from __future__ import annotations

import hashlib
import hmac
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

HOME, HELP, LOGIN, LOGOUT, CITE, ASSETS = "/", "/help", "/login", "/logout", "/cite", "/assets/"
RECEIPTS = ("/receipt.json", "/receipt.md")
TABLES = ("/timeline.csv", "/timeline.xlsx", "/facets.csv", "/facets.xlsx")
COLLECTIONS, COLLECTED, COLLECT = "/collections", "/collections/file", "/collect"
OPEN = frozenset({LOGIN, LOGOUT})
COOKIE = "broadsheet"
LONGEST_NEXT = 2_000
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"


def is_page(path: str) -> bool:
    """Whether a path is one of the page's, which a person opens in a browser."""
    return (
        path in (HOME, HELP, CITE, *RECEIPTS, *TABLES, COLLECTIONS, COLLECTED)
        or path.startswith(f"{HELP}/")
        or is_open(path)
    )


def is_form(path: str) -> bool:
    """Whether a form of a page sends what it keeps there: beside the archive, by POST, and from this server alone."""
    return path == COLLECT


def is_open(path: str) -> bool:
    """Whether it tells nothing of the archive, and is there before anybody has logged in."""
    return path in OPEN or path.startswith(ASSETS)


def stamp(token: bytes) -> str:
    """The cookie's value for a token."""
    return hmac.new(token, b"the pages of broadsheet", hashlib.sha256).hexdigest()


def has_stamp(cookies: list[str], token: bytes) -> bool:
    """Whether one of these headers holds the cookie of this token."""
    wanted = stamp(token)
    for header in cookies:
        try:
            morsel = SimpleCookie(header).get(COOKIE)
        except CookieError:
            continue
        if morsel is not None and hmac.compare_digest(morsel.value.encode(), wanted.encode()):
            return True
    return False


def login_of(path: str, query: bytes) -> str:
    """The address of the login form that leads on to a page."""
    target = path + (f"?{query.decode('latin-1')}" if query else "")
    return f"{LOGIN}?next={quote(target, safe='')}" if len(target) <= LONGEST_NEXT else LOGIN


def crossing(path: str, query: bytes) -> str:
    """What stands before a page for who comes from another site: nothing is asked until they say so here."""
    here = escape(path + (f"?{query.decode('latin-1')}" if query else ""))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Broadsheet</title>'
        f'<p>A page of another site leads here. <a href="{here}" rel="noreferrer">Search</a></p>'
    )


def safe_next(target: str) -> str:
    """Where to go after logging in: a page of this server, or the first one."""
    path = target.partition("?")[0].partition("#")[0]
    plain = target.isascii() and target.isprintable() and "\\" not in target and not target.startswith("//")
    return target if plain and is_page(path) and not is_open(path) else HOME
