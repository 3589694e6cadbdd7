"""Rules of the whole room."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import flow64.webhooks

MODULES = sorted(Path(flow64.webhooks.__file__).parent.glob("*.py"))
COMPARING = {"eq", "ne", "__eq__", "__ne__", "is_", "indexOf", "index", "count"}
ORDERS = ast.Lt | ast.LtE | ast.Gt | ast.Is


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_nothing_is_compared_by_equality(path):
    """So no digest is: `hmac.compare_digest` is the one comparison there is."""
    tree = ast.parse(path.read_text("utf-8"))

    operators = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
    ]
    methods = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in COMPARING
    ]

    assert operators + methods == []


def test_digests_meet_in_one_place_only():
    """A membership test compares too, so what is made of a key goes nowhere else."""
    (path,) = [path for path in MODULES if path.stem == "_signature"]
    tree = ast.parse(path.read_text("utf-8"))
    tests = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and not all(isinstance(one, ORDERS) for one in node.ops)
    ]
    calls = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("compare_digest")
    ]

    assert tests == []
    assert calls == ["hmac.compare_digest(candidate, expected)"]


def test_import_is_light():
    """It loads no client, no converter and no server."""
    program = (
        "import sys, flow64.webhooks\n"
        "heavy = {'flow64.http', "
        "'cattrs', 'starlette', 'uvicorn', 'jwt', 'click', 'rich'}\n"
        "print(sorted(heavy & sys.modules.keys()), 'flow64.client' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[] False\n"
