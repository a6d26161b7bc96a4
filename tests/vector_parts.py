"""Vector parts for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


class Held:
    """A part that was never written: what merge_parts and VectorIndex need of one."""

    def __init__(self, arrays: Mapping[str, Any], meta: dict[str, Any]) -> None:
        self.arrays = {name: np.asarray(array) for name, array in arrays.items()}
        self.meta = dict(meta)

    def __getitem__(self, name: str) -> Any:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays
