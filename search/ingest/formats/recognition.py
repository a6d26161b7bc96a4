"""Scans become pieces of text by models of PP-OCR, which come with the package of the extra ``ocr``: no network."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Image = np.ndarray[Any, np.dtype[np.uint8]]

DOTS = 200  # an inch
_SURE = 0.5  # words that the model is less sure of are none


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("rapidocr") is not None


def recognised(image: Image) -> list[tuple[float, float, float, float, str, float]]:
    """The runs of text in a picture (uint8[rows, columns, 3], blue first): left, bottom, right, top in inches / 72 from
    its lower left corner, the words, and how sure they are, 0 to 1."""
    if image.size == 0 or image.min() == image.max():  # an empty page
        return []
    found = _engine()(image)
    if found.boxes is None or found.txts is None or found.scores is None:
        return []
    scale, height = 72 / DOTS, image.shape[0]
    runs: list[tuple[float, float, float, float, str, float]] = []
    for box, words, score in zip(found.boxes, found.txts, found.scores, strict=True):
        if score >= _SURE and words.strip():
            across, down = [float(x) for x, _ in box], [float(y) for _, y in box]
            bottom, top = (height - max(down)) * scale, (height - min(down)) * scale
            runs.append((min(across) * scale, bottom, max(across) * scale, top, words.strip(), float(score)))
    return runs


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})
