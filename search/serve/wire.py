"""HTTP on the wire: what is not a request, or too long a one, is told so in the one shape of every fault."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from search.serve import problems
from search.serve.guard import SAFETY

LONGEST_HEAD: Final = 1 << 16  # bytes of the request line and headers together
_LINGER = 2  # seconds in which the rest of a refused request is read, unseen, so that its sender gets to the answer


class JsonProtocol(H11Protocol):
    """Uvicorn's protocol, whose own refusals are in JSON too."""

    _refused = False

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if not self._refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 could not read: 431 for too long a head, 400 for anything else."""
        error = sys.exc_info()[1]
        status, kind, text = HTTPStatus.BAD_REQUEST, "RequestUnreadable", "this is not an HTTP request"
        if isinstance(error, h11.RemoteProtocolError) and error.error_status_hint == 431:
            status, kind = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "RequestTooLarge"
            text = f"the address and headers of a request have at most {LONGEST_HEAD:,} bytes; POST takes longer ones"
        body = problems.body(kind, text)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *SAFETY,
        ]
        start = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self._refused = True
        self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)
