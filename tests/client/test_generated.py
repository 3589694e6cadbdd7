"""The blocking client is what the script writes from the async one.

It needs the formatter, so it runs with the slow tests.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[2] / "scripts" / "unasync.py"
spec = importlib.util.spec_from_file_location("unasync", SCRIPT)
unasync = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unasync)


@pytest.mark.parametrize(("source", "target"), unasync.MODULES.items())
def test_blocking_module_is_current(source, target):
    """If this fails, run `python scripts/unasync.py`."""
    expected = unasync.unasync(unasync.CLIENT / source)

    assert (unasync.CLIENT / target).read_text() == expected
