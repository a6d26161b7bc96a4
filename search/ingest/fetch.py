"""Addresses of strangers are asked: over HTTP and HTTPS alone, within bounds of time, size and redirects, and of no
machine of the house unless that is allowed.

A name is resolved once, what it resolves to is looked at, and the connection goes to that very address: a name that
means another machine a moment later leads nowhere. Each redirect is looked at in the same way. No proxy is used, since
it would resolve names itself.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from search._version import __version__
from search.errors import AddressFailed, AddressRefused

SCHEMES = ("http", "https")
_PORTS = {"http": 80, "https": 443}
_PERMANENT, _TEMPORARY = (301, 308), (302, 303, 307)
_BLOCK = 1 << 16
_SAFE = "/%:=&?~#+!$,;'@()*[]-._"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one question may take. ``seconds`` in all, redirects and waiting included; ``size`` bytes as they are sent,
    ``unfolded`` bytes when they are decompressed; so many ``redirects``."""

    seconds: float = 30.0
    size: int = 16 << 20
    unfolded: int = 32 << 20
    redirects: int = 5


class Answer(NamedTuple):
    """What came back. ``changed`` False: nothing is new since it was asked last, and ``body`` is empty. ``moved``: the
    address that is to be asked from now on, where all redirects were for good, else None. ``etag`` and ``modified`` go
    with the next question. ``wait``: seconds that the server wants to be left alone, 0.0 where it says nothing."""

    changed: bool
    body: bytes
    address: str
    moved: str | None
    etag: str
    modified: str
    wait: float


class Client:
    """Asks addresses, from any number of threads. ``allow_private``: machines of the house may be asked, too."""

    def __init__(self, *, allow_private: bool = False, limits: Limits | None = None) -> None:
        self._allow_private = allow_private
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._aborted = False

    def abort(self) -> None:
        """End what is being asked; nothing is asked any more."""
        with self._lock:
            self._aborted = True
            for held in self._open:
                _shut(held)

    def get(self, address: str, etag: str = "", modified: str = "") -> Answer:
        """What is at an address. ``etag`` and ``modified`` are of the answer before.

        Raises AddressRefused where it may not be asked, AddressFailed where it gave nothing that is of use.
        """
        end = time.monotonic() + self._limits.seconds
        asked, moved = checked(address), None
        for_good = True
        for _ in range(self._limits.redirects + 1):
            with self._asked(asked, end, etag, modified) as response:
                status = response.status
                if status not in _PERMANENT + _TEMPORARY:
                    return self._answer(response, asked, moved)
                target = response.getheader("Location")
            if not target:
                raise AddressFailed(f"{asked}: a redirect (HTTP {status}) to nowhere")
            following = checked(urljoin(asked, target))
            if asked.startswith("https:") and following.startswith("http:"):
                raise AddressRefused(f"{asked}: it redirects from https to {following}")
            for_good &= status in _PERMANENT
            if for_good:
                moved = following
            asked = following
        raise AddressFailed(f"{address}: more than {self._limits.redirects} redirects")

    def _answer(self, response: HTTPResponse, asked: str, moved: str | None) -> Answer:
        wait = _wait(response)
        if response.status == 304:
            return Answer(False, b"", asked, moved, "", "", wait)
        if response.status == 410:
            raise AddressFailed(f"{asked}: gone for good (HTTP 410)", gone=True)
        if response.status != 200:
            raise AddressFailed(f"{asked}: HTTP {response.status}", wait=wait)
        body = self._body(response, asked)
        etag, modified = (response.getheader(name) or "" for name in ("ETag", "Last-Modified"))
        return Answer(True, body, asked, moved, etag, modified, wait)

    def _body(self, response: HTTPResponse, asked: str) -> bytes:
        """The whole of it, decompressed, within the limits."""
        encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
        if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
            raise AddressFailed(f"{asked}: it is encoded as {encoding[:40]!r}, which nobody asked for")
        if (response.length or 0) > self._limits.size:
            raise self._too_large(asked)
        held = bytearray()
        while block := response.read1(_BLOCK):
            held += block
            if len(held) > self._limits.size:
                raise self._too_large(asked)
        if response.length:
            raise AddressFailed(f"{asked}: the answer was cut short")
        if encoding in ("identity", ""):
            return bytes(held)
        return _unfolded(bytes(held), encoding, self._limits.unfolded, asked)

    def _too_large(self, asked: str) -> AddressFailed:
        return AddressFailed(f"{asked}: more than the {self._limits.size:,} bytes that are read")

    @contextmanager
    def _asked(self, address: str, end: float, etag: str, modified: str) -> Iterator[HTTPResponse]:
        """The response to one question. At ``end``, the connection is cut, whatever it waits for."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = parts.port or _PORTS[parts.scheme]
        path = urlunsplit(("", "", quote(parts.path or "/", safe=_SAFE), quote(parts.query, safe=_SAFE), ""))
        headers = {
            "Host": parts.netloc,
            "User-Agent": f"broadsheet/{__version__}",
            "Accept": "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
            "application/json;q=0.9, */*;q=0.5",
            "Accept-Encoding": "gzip",
            "Connection": "close",
            **({"If-None-Match": etag} if etag else {}),
            **({"If-Modified-Since": modified} if modified else {}),
        }
        with _faults(address, end), self._connected(address, host, port, end) as connection:
            try:
                connection.request("GET", path, headers=headers)
                yield connection.getresponse()
                if self._aborted or time.monotonic() >= end:  # a connection that is cut looks like the end of an answer
                    raise TimeoutError
            finally:
                connection.close()

    @contextmanager
    def _connected(self, address: str, host: str, port: int, end: float) -> Iterator[HTTPConnection]:
        failure: OSError | None = None
        for family, where in self._addresses(address, host, port):
            with socket.socket(family, socket.SOCK_STREAM) as plain, self._watched(plain, end):
                try:
                    plain.settimeout(max(end - time.monotonic(), 0.001))
                    plain.connect(where)
                except OSError as error:
                    failure = error
                    continue
                with _encrypted(plain, host) if address.startswith("https:") else plain as used:
                    connection = HTTPConnection(host, port)
                    connection.sock = used
                    yield connection
                return
        raise failure or OSError("no address")

    def _addresses(self, address: str, host: str, port: int) -> list[tuple[int, Any]]:
        """Where a host may be asked. Raises AddressRefused where all of it is of the house."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise AddressFailed(f"{address}: there is no {host!r} ({getattr(error, 'strerror', error)})") from error
        usable = [(int(family), where) for family, _, _, _, where in found if self._may(str(where[0]))]
        if not usable:
            where = f"{host} is {found[0][4][0]}, an address of this machine or its network"
            raise AddressRefused(f"{address}: {where}; --allow-private asks it")
        return usable

    def _may(self, number: str) -> bool:
        return self._allow_private or is_public(number)

    @contextmanager
    def _watched(self, held: socket.socket, end: float) -> Iterator[None]:
        """Cut the connection at ``end``, and when all is aborted: each wait for a byte has its own time limit, but they
        add up where bytes come one by one."""
        twin = socket.socket(held.family, held.type, fileno=os.dup(held.fileno()))
        timer = threading.Timer(max(end - time.monotonic(), 0.0), _shut, (twin,))
        timer.daemon = True
        with self._lock:
            if self._aborted:
                twin.close()
                raise AddressFailed("stopped")
            self._open.add(twin)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._open.discard(twin)
                twin.close()


def checked(address: str) -> str:
    """An address that may be asked, as it is asked: without its fragment, its name in ASCII. Raises AddressRefused."""
    shown = "".join(c if c.isprintable() else "?" for c in address)[:200]
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError) as error:
        raise AddressRefused(f"{shown}: no address ({error})") from None
    if parts.scheme.lower() not in SCHEMES:
        raise AddressRefused(f"{shown}: only http and https are asked")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("an address with a password in it is not asked, since it would be kept and shown")
    if not host or not shown.isprintable() or shown != address[:200] or any(c.isspace() for c in address.strip()):
        raise AddressRefused(f"{shown}: no address of a host")
    named = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    where = named if port is None or port == _PORTS[parts.scheme.lower()] else f"{named}:{port}"
    return urlunsplit((parts.scheme.lower(), where, parts.path or "/", parts.query, ""))


def is_public(number: str) -> bool:
    """Whether an IP address is of the public network, and no other in disguise."""
    try:
        found = ipaddress.ip_address(number.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _encrypted(plain: socket.socket, host: str) -> socket.socket:
    import ssl  # what has no https needs none

    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _shut(held: socket.socket) -> None:
    with suppress(OSError):  # it is over already
        held.shutdown(socket.SHUT_RDWR)


@contextmanager
def _faults(address: str, end: float) -> Iterator[None]:
    """What goes wrong on the way, as one error that says so."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        late = time.monotonic() >= end
        why = "it took too long" if late else getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise AddressFailed(f"{address}: {why}"[:500]) from error


def _unfolded(data: bytes, encoding: str, most: int, asked: str) -> bytes:
    """Decompressed, to no more than ``most`` bytes."""
    found = bytearray()
    raw = encoding == "deflate" and data[:2] != b"\x1f\x8b" and data[:1] and (data[0] & 0x0F) != 8
    bits = -zlib.MAX_WBITS if raw else 47
    try:
        while data:
            member = zlib.decompressobj(wbits=bits)
            found += member.decompress(data, most + 1 - len(found))
            if len(found) > most:
                raise AddressFailed(f"{asked}: it unfolds to more than {most:,} bytes")
            if not member.eof:
                raise AddressFailed(f"{asked}: the answer was cut short")
            data = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise AddressFailed(f"{asked}: its compression is damaged ({error})") from error
    return bytes(found)


def _wait(response: HTTPResponse) -> float:
    """Seconds for which the server wants to be left alone."""
    after = (response.getheader("Retry-After") or "").strip()
    if after.isdigit():
        return float(after[:9])
    if after:
        try:
            return max(parsedate_to_datetime(after).timestamp() - time.time(), 0.0)
        except (ValueError, TypeError, OverflowError):
            pass
    if (age := _MAX_AGE.search(response.getheader("Cache-Control") or "")) is not None:
        return float(age[1])
    return 0.0
