"""No key is in the repository: what looks like one says that it is none."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from flow64.secrets import KEY_SHAPES

ROOT = Path(__file__).parent.parent

FAKE = re.compile(
    r"not[_-]?a[_-]?real|sentinel|0123456789|123456789|0{8}|a1b2c3d4|example|abcdef"
    r"|local|demo|fake|whsec_(?:test|old|new|another_one)",
    re.IGNORECASE,
)
"""What is in every key that is meant to be seen through."""


def files():
    """What git keeps; of an unpacked source distribution, everything."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if found.returncode == 0:
        return [ROOT / name for name in found.stdout.decode().split("\0") if name]
    return [path for path in ROOT.rglob("*") if path.is_file()]


def keys_in(text):
    """What in a text looks like a key."""
    return [match[0] for shape in KEY_SHAPES.values() for match in shape.finditer(text)]


@pytest.mark.slow
def test_whatever_looks_like_a_key_says_that_it_is_none():
    texts = {
        path: path.read_text("utf-8", errors="replace")
        for path in files()
        if path.is_file() and path.suffix not in {".png", ".svg"}
    }

    found = [
        f"{path.relative_to(ROOT)}: {key[:7]}..."
        for path, text in texts.items()
        for key in keys_in(text)
        if not FAKE.search(key) and "PRIVATE KEY" not in key
    ]

    assert len(texts) > 300
    assert found == []


@pytest.mark.parametrize("key", ["sk_live_" + "9fK2" * 5, "AKIA" + "Z7Q1" * 4])
def test_a_real_key_would_be_found(key):
    assert [one for one in keys_in(f"key = {key!r}") if not FAKE.search(one)] != []


def test_no_private_key_is_kept():
    """A key in PEM would have lines of base64 behind its head."""
    body = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")

    found = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.is_file() and body.search(path.read_text("utf-8", errors="replace"))
    ]

    assert found == []
