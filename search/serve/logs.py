"""Log lines on standard error: one a record, without control characters, tracebacks indented below."""

from __future__ import annotations

import logging
from typing import Any

from search.exports.plain import clean, line


class PlainFormatter(logging.Formatter):
    """What a client sends can be in a message; it can neither begin a line of its own nor steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message; then the traceback, if there is one."""
        text = f"{self.formatTime(record)} {record.levelname.lower()} {line(record.getMessage())}"
        if record.exc_info:
            trace = clean(self.formatException(record.exc_info))
            text += "".join(f"\n  | {one}" for one in trace.splitlines())
        return text


def settings(*, requests: bool) -> dict[str, Any]:
    """For ``logging.config``: warnings and worse, and each request where ``requests`` says so."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"()": PlainFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "loggers": {
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "mcp": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "search.serve": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "search.serve.access": {"level": "INFO" if requests else "WARNING"},
        },
    }
