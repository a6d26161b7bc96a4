"""The query language: text becomes a constraint tree and free words."""

from __future__ import annotations

from search.query.dates import days, duration, instant
from search.query.describe import describe
from search.query.help import EXAMPLES, help_text
from search.query.parser import ParsedQuery, parse

__all__ = ["EXAMPLES", "ParsedQuery", "days", "describe", "duration", "help_text", "instant", "parse"]
