"""The product as new users meet it: scripts/newcomers finds nothing to frown at."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import SAMPLE

SCRIPT = SAMPLE.parent.parent / "scripts" / "newcomers"


@pytest.mark.parametrize("kind", ["desk", "odd", "python", "assistant"])
def test_nothing_to_frown_at(kind):
    done = subprocess.run([sys.executable, str(SCRIPT), kind], capture_output=True, text=True, check=False)
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if line.startswith(("$", "  FROWN"))]
    assert "first success after" in done.stdout
