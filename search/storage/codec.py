"""Articles as bytes: JSON under zstd, with a hash of their content and a checksum of their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any

import zstandard

from search.errors import ArchiveDamaged, UsageError
from search.records import Article

_LEVEL = 1  # level 3 takes half as long again, and saves 1.3 % of the bytes
_PLAIN = frozenset((str, int, bool, type(None)))  # types that two encoders write alike
_FIELDS = tuple(Article.__dataclass_fields__)
_RECORD_LIMIT = 1 << 30  # bytes: a crafted record cannot ask for more memory than this
_local = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _local.decompressor
    return decompressor


def to_json(article: Article) -> bytes:
    """The canonical JSON of an article: the same article gives the same bytes."""
    values: dict[str, Any] = {}
    for name in _FIELDS:
        value = getattr(article, name)
        if name == "published":
            value = None if value is None else value.isoformat()
        elif name == "extra":
            value = dict(value)
        if value not in ("", (), None, {}):
            values[name] = value
    if _PLAIN.issuperset(map(type, article.extra.values())):
        import orjson  # writers only

        with contextlib.suppress(TypeError):  # a key that is no text, a number of more than 64 bits, half a character
            # A copy: what orjson gives keeps room behind it, and a batch of records is held.
            return bytes(memoryview(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)))
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def from_json(data: bytes) -> Article:
    """The article of ``to_json``. Raises ValueError, TypeError, KeyError or UsageError for anything else."""
    values = json.loads(data)
    published = values.get("published")
    if published is not None:
        values["published"] = datetime.fromisoformat(published) if "T" in published else date.fromisoformat(published)
    values["authors"] = tuple(values.get("authors", ()))
    values["pages"] = tuple(values.get("pages", ()))
    return Article(**values)


def content_hash(data: bytes) -> bytes:
    """16 bytes that differ when the content does."""
    return hashlib.blake2b(data, digest_size=16, person=b"content").digest()


def checksum(blob: bytes) -> bytes:
    """8 bytes over a stored record; SQLite's own check does not see a flipped byte."""
    return hashlib.blake2b(blob, digest_size=8, person=b"record").digest()


def pack(data: bytes) -> bytes:
    """Compress a record."""
    return _compressor().compress(data)


def unpack(blob: bytes, check: bytes, row: int) -> Article:
    """The article of a stored record. Raises ArchiveDamaged when it does not match its checksum."""
    return unpack_hashed(blob, check, row)[0]


def unpack_hashed(blob: bytes, check: bytes, row: int) -> tuple[Article, Callable[[], bytes]]:
    """``unpack``, and what gives the hash of its content."""
    if not (isinstance(blob, bytes) and isinstance(check, bytes)) or checksum(blob) != check:
        raise ArchiveDamaged(f"the record in catalog row {row} does not match its checksum; run 'broadsheet doctor'")
    try:
        if zstandard.frame_content_size(blob) > _RECORD_LIMIT:
            raise ValueError("record too large")
        data = _decompressor().decompress(blob, max_output_size=_RECORD_LIMIT)
        return from_json(data), partial(content_hash, data)
    except (
        zstandard.ZstdError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        UsageError,
    ) as error:
        raise ArchiveDamaged(f"the record in catalog row {row} cannot be read; run 'broadsheet doctor'") from error
