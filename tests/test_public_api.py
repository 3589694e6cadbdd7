"""Every public name is there and has its place in the documentation."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
DOORS = (
    "flow64",
    "flow64.blocks",
    "flow64.client",
    "flow64.deploy",
    "flow64.emulator",
    "flow64.environments",
    "flow64.errors",
    "flow64.manifest",
    "flow64.testing",
    "flow64.webhooks",
)
PAGES = "".join((DOCS / name).read_text("utf-8") for name in ("api.md", "catalogue.md"))
DESCRIBED = re.compile(
    r"^(?:\.\. [\w:]+::|:::\{[\w:]+\}) ([\w.]+)|^`flow64\.([\w.]+)[`(]",
    re.MULTILINE,
)
NAMES = {(a or b).rpartition(".")[2] for a, b in DESCRIBED.findall(PAGES)}


@pytest.mark.parametrize("door", DOORS)
def test_public_names(door):
    """Nothing becomes public by accident: a name is described."""
    module = importlib.import_module(door)
    names = getattr(module, "__all__", [])

    assert sorted(names) == sorted({*names})
    assert [name for name in names if not hasattr(module, name)] == []
    assert [name for name in names if name not in NAMES | {"__version__"}] == []
