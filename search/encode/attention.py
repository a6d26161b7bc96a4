"""Attention over texts of many lengths that lie end to end in one tensor.

``by_kernel`` is torch's own, a run of equal lengths at a time; with AMX nothing is faster. Where a processor has
bfloat16 products and no AMX that kernel multiplies in float32 and takes half of a layer's time: ``by_products`` writes
the scores out in bfloat16, a few texts at a time so that they stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

Attention = Callable[[Any], Any]

STEP = 32
"""Scores' rows and columns are a multiple of this: softmax takes twice as long over rows that end within a register."""

SCORES = 1_250_000
"""Scores of one step at the most, unless one text has more: 2.5 MB."""


def by_kernel(lengths: Sequence[int], rows: int, heads: int, width: int) -> Attention:
    """Attention of texts with these lengths as a function of their projections [rows, 3 * width] to [rows, width].

    What lies beyond the texts' tokens gives zeros.
    """
    import torch

    runs = [(length, len(list(group))) for length, group in groupby(lengths)]

    def attend(projected: Any) -> Any:
        mixed, start = [], 0
        for length, count in runs:
            part = projected[start : start + length * count]
            q, k, v = part.view(count, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            found = torch.nn.functional.scaled_dot_product_attention(q, k, v)
            mixed.append(found.transpose(1, 2).reshape(count * length, width))
            start += length * count
        if start < rows:
            mixed.append(projected.new_zeros(rows - start, width))
        return mixed[0] if len(mixed) == 1 else torch.cat(mixed)

    return attend


def by_products(lengths: Sequence[int], rows: int, heads: int, width: int) -> Attention:
    """As ``by_kernel``, of bfloat16 projections whose queries are scaled already."""
    import torch

    size = width // heads
    blocks, start = [], 0
    for own, padded in _blocks(lengths, heads):
        runs, text = [], 0
        for length, group in groupby(own):
            same = len(list(group))
            runs.append((slice(text, text + same), length, slice(start, start + same * length)))
            text, start = text + same, start + same * length
        blocks.append((text, padded, runs))
    most = max((count * padded for count, padded, _ in blocks), default=0)
    most_scores = max((count * padded * padded for count, padded, _ in blocks), default=0)
    # Zeros at first: what stands beyond a text's end is never looked at, but must be a number.
    three = torch.zeros(3 * heads * most * size, dtype=torch.bfloat16)
    scores = torch.empty(heads * most_scores, dtype=torch.bfloat16)
    found = torch.empty(heads * most * size, dtype=torch.bfloat16)

    def attend(projected: Any) -> Any:
        mixed = projected.new_empty(rows, width)
        for count, padded, runs in blocks:
            laid = three[: 3 * heads * count * padded * size].view(3, count, heads, padded, size)
            grid = scores[: heads * count * padded * padded].view(count, heads, padded, padded)
            result = found[: heads * count * padded * size].view(count, heads, padded, size)
            for texts, length, place in runs:
                part = projected[place].view(-1, length, 3, heads, size)
                laid[:, texts, :, :length].copy_(part.permute(2, 0, 3, 1, 4))
            q, k, v = laid.view(3, count * heads, padded, size)
            flat = grid.view(count * heads, padded, padded)
            torch.bmm(q, k.transpose(1, 2), out=flat)
            for texts, length, _ in runs:
                if length < padded:
                    grid[texts, :, :, length:].fill_(-torch.inf)
            torch.softmax(flat, -1, out=flat)
            torch.bmm(flat, v, out=result.view(count * heads, padded, size))
            for texts, length, place in runs:
                mixed[place].view(-1, length, heads, size).copy_(result[texts, :, :length].transpose(1, 2))
        mixed[start:] = 0
        return mixed

    return attend


def _blocks(lengths: Sequence[int], heads: int) -> Iterator[tuple[Sequence[int], int]]:
    """Neighbours of nearly one length, and that length: powers of two of them, so that few kernels are kept."""
    start = 0
    for padded, group in groupby(length + -length % STEP for length in lengths):
        left = len(list(group))
        while left:
            room = max(SCORES // (heads * padded * padded), 1)
            count = 1 << (min(room, left).bit_length() - 1)
            yield lengths[start : start + count], padded
            start, left = start + count, left - count
