"""Attention over texts that lie end to end, against softmax written out text by text."""

from __future__ import annotations

import numpy as np
import pytest

from search.encode import attention
from search.encode.attention import by_kernel, by_products

torch = pytest.importorskip("torch")

HEADS, SIZE = 3, 8
WIDTH = HEADS * SIZE
LENGTHS = [70, 70, 69, 65, 64, 64, 64, 33, 32, 31, 31, 2, 1]


def projections(rows, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 3 * WIDTH, generator=generator, dtype=torch.float32) * 2


def written_out(projected, lengths, rows, scale):
    """float64[rows, WIDTH]: each text's rows look at that text's rows alone."""
    mixed, start = np.zeros((rows, WIDTH)), 0
    for length in lengths:
        own = projected[start : start + length].double().numpy().reshape(length, 3, HEADS, SIZE)
        for head in range(HEADS):
            q, k, v = own[:, 0, head], own[:, 1, head], own[:, 2, head]
            weights = np.exp(q @ k.T * scale)
            found = weights / weights.sum(axis=1, keepdims=True) @ v
            mixed[start : start + length, head * SIZE : (head + 1) * SIZE] = found
        start += length
    return mixed


@pytest.mark.parametrize("spare", [0, 5])
def test_the_kernel_is_attention(spare):
    rows = sum(LENGTHS) + spare
    projected = projections(rows, 1)
    found = by_kernel(LENGTHS, rows, HEADS, WIDTH)(projected)
    assert found.numpy() == pytest.approx(written_out(projected, LENGTHS, rows, SIZE**-0.5), abs=1e-5)


@pytest.mark.parametrize("scores", [1, 50_000, attention.SCORES])
@pytest.mark.parametrize("lengths", [LENGTHS, LENGTHS[::-1], [1], [40, 3, 40]])
def test_products_are_attention(monkeypatch, scores, lengths):
    monkeypatch.setattr(attention, "SCORES", scores)
    rows = sum(lengths) + 5
    attend = by_products(lengths, rows, HEADS, WIDTH)
    attend((projections(rows, 2) * 1000).bfloat16())  # which leaves its traces beyond the ends of texts
    projected = projections(rows, 3) * 0.5
    projected[:, :WIDTH] *= SIZE**-0.5
    projected = projected.bfloat16()
    found = attend(projected)
    assert found.dtype == torch.bfloat16
    true = written_out(projected, lengths, rows, 1.0)
    assert np.abs(found.double().numpy() - true).max() < 0.02
    assert not found[sum(lengths) :].any()


def test_products_take_few_shapes():
    lengths = [length for length in range(256, 0, -1) for _ in range(7)]
    blocks = list(attention._blocks(lengths, 12))
    assert [length for own, _ in blocks for length in own] == lengths
    assert {padded for _, padded in blocks} == set(range(32, 257, 32))
    assert all(max(own) <= padded < min(own) + attention.STEP for own, padded in blocks)
    assert all(len(own).bit_count() == 1 for own, _ in blocks)
    assert all(len(own) == 1 or len(own) * 12 * padded**2 <= attention.SCORES for own, padded in blocks)
