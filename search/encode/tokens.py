"""Words to token ids by a model's own fast tokenizer, each word once: news repeats its words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Words remembered, by the characters they have together.
_REMEMBERED = 8_000_000
_BATCH = 8192
# Pre-tokenizers that cut at white space, whatever stands on both sides.
_CUTS_AT_SPACES = frozenset({"BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Metaspace"})


class WordTokenizer:
    """A fast tokenizer that remembers the tokens of words.

    ``additive`` says that a text's tokens are those of its words, white space between them being all the same: so it
    is with WordPiece and SentencePiece models. With byte-level ones a word's count is right up to the first word's
    missing space; ``additive`` given says so of a tokenizer that does not show it. ``limit`` is the most tokens of an
    input, special tokens and prefix not counted.
    """

    def __init__(self, tokenizer: Any, max_tokens: int, prefix: str = "", additive: bool = False) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        kinds = set() if additive else _pre_tokenizers(json.loads(tokenizer.to_str()).get("pre_tokenizer"))
        self.additive = additive or (bool(kinds & _CUTS_AT_SPACES) and "ByteLevel" not in kinds)
        self._space = " " if "ByteLevel" in kinds else ""
        self._known: dict[str, bytes] = {}
        self._size = 0
        self._max_tokens = max_tokens
        sample = tokenizer.encode("a")
        first = sample.special_tokens_mask.index(0) if 0 in sample.special_tokens_mask else len(sample.ids)
        inner = len(sample.ids) - sum(sample.special_tokens_mask)
        self._before = sample.ids[:first]
        self._after = sample.ids[first + inner :]
        self.limit = max(max_tokens - len(self._before) - len(self._after) - sum(self.count([prefix])), 1)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""
        return [len(ids) // 4 for ids in self._words(texts)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token of a text."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Token ids of each text with the special tokens, cut to the model's length."""
        room = self._max_tokens - len(self._before) - len(self._after)
        if self.additive:
            bare = [ids[:room] for ids in self.pieces(texts)]
        else:
            found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
            bare = [np.array(one.ids[:room], np.int32) for one in found]
        before, after = np.array(self._before, np.int32), np.array(self._after, np.int32)
        return [np.concatenate((before, ids, after)) for ids in bare]

    def pieces(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Token ids of each text, its words one after another: no special tokens, and nothing cut."""
        return [np.frombuffer(ids, np.int32) for ids in self._words(texts)]

    def _words(self, texts: Sequence[str]) -> list[bytes]:
        """The ids of each text's words, as the bytes of int32."""
        words = [text.split() for text in texts]
        known = self._known
        distinct: set[str] = set()
        distinct.update(*words)
        fresh = list(distinct.difference(known))
        size = sum(map(len, fresh))
        if self._size + size > _REMEMBERED:
            known = self._known = {}
            self._size = 0
            fresh = list(distinct)
            size = sum(map(len, fresh))
        self._size += size
        for start in range(0, len(fresh), _BATCH):
            batch = fresh[start : start + _BATCH]
            found = self._tokenizer.encode_batch_fast([self._space + word for word in batch], add_special_tokens=False)
            known.update((word, np.array(one.ids, np.int32).tobytes()) for word, one in zip(batch, found, strict=True))
        return [b"".join(map(known.__getitem__, own)) for own in words]


def _pre_tokenizers(description: Any) -> set[str]:
    if not isinstance(description, dict):
        return set()
    inner = [_pre_tokenizers(one) for one in description.get("pretokenizers", ())]
    return {str(description.get("type"))}.union(*inner)
