"""Running the server: its socket, its workers, and how it stops."""

from __future__ import annotations

import gc
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from search.archive import Archive
from search.errors import MissingExtraError, ServerError, UsageError
from search.serve import logs
from search.serve.access import LOOPBACK_NAMES, TOKEN, is_loopback
from search.serve.desk import Settings

try:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from search.serve.app import create_app
    from search.serve.connections import LONGEST_HEAD, Connection
    from search.serve.guard import App
except ImportError as error:
    raise MissingExtraError("uvicorn", "server") from error

_BACKLOG = 512
_CONNECTIONS = 512  # more are told to come back
_GRACE = 2  # seconds that a stop waits beyond the longest query


def settings_for(settings: Settings, host: str) -> Settings:
    """The settings for an address, with the names it goes by. Raises UsageError where anybody could use it."""
    if "*" in settings.origins:
        raise UsageError("name the origins that may read the archive; * would let every web page do so")
    if is_loopback(host):
        return replace(settings, hosts=(*LOOPBACK_NAMES, *(settings.hosts or ())))
    if settings.token is None:
        raise UsageError(
            f"{host} can be reached from other machines, so it needs a token: --token-file FILE, or {TOKEN}"
        )
    # A page on the web cannot send the token, so any name will do unless names are given.
    return settings if settings.hosts is None else replace(settings, hosts=(*LOOPBACK_NAMES, *settings.hosts))


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    log_requests: bool,
    started: Callable[[str], None],
) -> None:
    """Serve until told to stop: SIGTERM returns, SIGINT raises KeyboardInterrupt, once requests under way are done.

    Port 0 is any free one; ``started`` is told the address. Raises what opening the archive raises, UsageError for an
    address that cannot be had, and ServerError where a worker cannot start.
    """
    settings = settings_for(settings, host)
    with Archive.open(settings.folder) as archive:
        len(archive)  # better to hear of damage now, in one line, than from each worker
    log = logs.settings(requests=log_requests)
    with _bound(host, port) as listening:
        config = uvicorn.Config(
            partial(_app, settings),
            factory=True,
            workers=workers,
            log_config=log,
            access_log=False,
            backlog=_BACKLOG,
            limit_concurrency=_CONNECTIONS,
            server_header=False,
            timeout_graceful_shutdown=int(settings.timeout) + _GRACE,
            ws="none",
            http=Connection,
            h11_max_incomplete_event_size=2 * LONGEST_HEAD,  # ours is told in our words
        )
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        started(f"http://{shown}:{listening.getsockname()[1]}")
        if workers == 1:
            _serve_alone(config, listening)
        else:
            _serve_together(config, listening)


def _app(settings: Settings) -> App:
    """The application, in a process whose collector passes over what is there from the start and stays: going through
    it takes a tenth of a second, in which nobody is answered."""
    app = create_app(settings)
    gc.collect()
    gc.freeze()
    return app


def _bound(host: str, port: int) -> socket.socket:
    bound = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        # With the protocol named, asyncio sends small answers at once: else each waits 40 ms for an acknowledgement.
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)  # a client that is told the address can connect
    except (OSError, UnicodeError) as error:
        if bound is not None:
            bound.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"cannot serve at {host}:{port}: {reason}; --port 0 takes any free port") from None
    bound.set_inheritable(True)
    return bound


def _serve_alone(config: uvicorn.Config, listening: socket.socket) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again once it has stopped
    try:
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
    except SystemExit:
        raise ServerError("the server could not start; the reason stands above") from None
    finally:
        gc.unfreeze()
        signal.signal(signal.SIGTERM, before)


def _serve_together(config: uvicorn.Config, listening: socket.socket) -> None:
    supervisor = Multiprocess(config, sockets=[listening])
    interrupted = threading.Event()
    stop: Any = signal.getsignal(signal.SIGINT)  # the supervisor's: it stops the workers, and does not tell why

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        stop(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    supervisor.run()
    if interrupted.is_set():
        raise KeyboardInterrupt
    if any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in supervisor.processes):
        raise ServerError("a worker could not start; the reason stands above")
