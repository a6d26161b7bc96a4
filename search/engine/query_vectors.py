"""Queries to vectors with one model: its encoder, loaded by whoever asks first, and the vectors asked for last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.errors import ModeError

if TYPE_CHECKING:
    from search import encode
    from search.records import EncoderIdentity

_REMEMBERED = 256  # vectors, so that paging and trying modes do not encode the same words again


class QueryVectors:
    """The query side of one encoder. Threads may share it.

    A view keeps the one that fits its passages' vectors, whatever model the archive has afterwards.
    ``identity`` None is that of an archive without vectors; ``model`` is the encoder's name or path, or the one
    that a program brought.
    """

    def __init__(
        self, identity: EncoderIdentity | None, model: str | encode.Encoder | None, fetch: bool = True
    ) -> None:
        self.identity = identity
        self.model = model
        self._fetch = fetch
        self.asked = False
        self._encoder: encode.QueryEncoder | None = None
        self._loading = threading.Lock()
        self._lock = threading.Lock()
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def vector(self, text: str) -> NDArray[np.float32]:
        """float32[d] of norm 1. Raises ModeError where there are no vectors, EncoderError and ArchiveMismatch."""
        with self._lock:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
                return known
        vector = self._load().encode_query(text)
        with self._lock:
            self._known[text] = vector
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return vector

    def forget(self) -> None:
        """Encode again what is asked again."""
        with self._lock:
            self._known.clear()

    def load_ahead(self) -> None:
        """Begin to load the encoder, which takes as long as opening the index does: on another core."""
        if self.asked or self.identity is None:
            return
        self.asked = True

        def load() -> None:
            with suppress(Exception):  # whoever needs it asks again, and is told what is wrong
                self._load()

        threading.Thread(target=load, name="load query encoder").start()

    def _load(self) -> encode.QueryEncoder:
        with self._loading:
            if self._encoder is None:
                if self.identity is None:
                    raise ModeError("this archive has no vectors; use --mode keyword")
                from search import encode

                self._encoder = encode.load_query_encoder(self.identity, self.model, fetch=self._fetch)
            return self._encoder
