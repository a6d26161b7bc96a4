"""Connections that must not be kept by doing nothing: heads have a time and a length, and answers are taken.

Uvicorn bounds neither the time of a head nor that of an answer nor, of a connection that never asks, anything at all.
So its protocol stands behind one of ours, which only looks at what passes: asyncio tells both what arrives, and the
application says (through the state that ASGI hands to each request) when a request has begun and ended. The work for
a client that goes away ends with it.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from search.serve import problems
from search.serve.guard import CONNECTION, SAFETY

LONGEST_HEAD: Final = 1 << 16  # bytes of the request line and headers together
SLOWEST_HEAD: Final = 10.0  # seconds in which the request line and headers must be there
SLOWEST_READER: Final = 10.0  # seconds in which a client takes all that waits for it, or at least
LEAST_READ: Final = 1 << 16  # bytes of it
_LINGER = 2  # seconds in which the rest of a refused request is read, unseen, so that its sender gets to the answer
_REQUEST = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\xff]+ HTTP/[0-9.]+\r?\n")


class Connection(asyncio.Protocol):
    """One connection: passes everything on to uvicorn's protocol, unless a head is too slow, too long, or none."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._http = H11Protocol(config, server_state, {**app_state, CONNECTION: self}, _loop)
        self._transport: asyncio.Transport | None = None
        self._head: bytearray | None = bytearray()  # None while a request is under way
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None  # what the client has yet to take is looked at then
        self._written = 0  # bytes
        self._work: asyncio.Task[Any] | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for the first request."""
        self._transport = transport
        self._http.connection_made(transport)
        self.ended()

    def began(self, work: asyncio.Task[Any] | None) -> None:
        """A request's head is there; ``work`` makes its answer, and ends where the client goes away."""
        self._head = None
        self._work = work
        self._stop()

    def ended(self) -> None:
        """A request is answered, or none has come yet: the next head must be there in time."""
        self._head = bytearray()
        self._work = None
        self._stop()
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SLOWEST_HEAD, self._transport.close)
            self._watch_reader()

    @property
    def lost(self) -> bool:
        """Whether the client has gone."""
        return self._transport is None

    def wrote(self, size: int) -> None:
        """So many bytes of an answer go to the client."""
        self._written += size

    def _watch_reader(self, before: int | None = None) -> None:
        """Cut the connection where the client does not take what waits for it; ``before``: what it had taken when that
        was last looked at. What the system's own buffers hold is none of our memory, and of no concern."""
        transport = self._transport
        if transport is None or (before is None and self._reading is not None):
            return
        waits = transport.get_write_buffer_size()
        taken = self._written - waits
        if not waits:
            self._reading = None
        elif before is not None and taken < before + LEAST_READ:
            transport.abort()
        else:
            self._reading = asyncio.get_running_loop().call_later(SLOWEST_READER, self._watch_reader, taken)

    def data_received(self, data: bytes) -> None:
        """Pass on what has arrived."""
        if self._refused:
            return
        # What follows a request that was refused before its body came is that body, and no head.
        if self._head is not None and self._http.conn.their_state is not h11.SEND_BODY:
            self._head += data
            head = self._head.lstrip(b"\r\n")
            end = head.find(b"\r\n\r\n")
            if (len(head) if end < 0 else end) > LONGEST_HEAD:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    "RequestTooLarge",
                    f"the address and headers of a request have at most {LONGEST_HEAD:,} bytes; POST takes longer ones",
                )
                return
            if b"\n" in head and not _REQUEST.match(head):
                self._refuse(HTTPStatus.BAD_REQUEST, "RequestUnreadable", "this is not an HTTP request")
                return
            if end >= 0:
                self._head = None  # what follows is its body
        self._http.data_received(data)

    def _refuse(self, status: HTTPStatus, kind: str, text: str) -> None:
        assert self._transport is not None
        body = problems.body(kind, text)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *SAFETY,
        ]
        lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), *(b"%s: %s" % header for header in headers)]
        self._refused = True
        self._stop()
        self._transport.write(b"\r\n".join([*lines, b"", body]))
        self._transport.write_eof()
        self._watch_reader()
        asyncio.get_running_loop().call_later(_LINGER, self._transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._transport = None
        self._stop()
        if self._work is not None:
            self._work.cancel()
        if self._reading is not None:
            self._reading.cancel()
        self._http.connection_lost(exc)
        del self._http  # which knows us by its state: in a circle, both would wait for the collector

    def eof_received(self) -> None:
        """Pass on that nothing more will arrive."""
        self._http.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the client reads too slowly."""
        self._http.pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Pass on that it has caught up."""
        self._http.resume_writing()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
