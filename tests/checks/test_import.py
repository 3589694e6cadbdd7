"""I checks that no room holds alone: what `from_json` is given by mistake or malice."""

from __future__ import annotations

import ast
import bz2
import gzip
import json
import lzma
from itertools import pairwise
from pathlib import Path

import pytest

import flow64
from flow64 import Workflow
from flow64.errors import FlowError, ReadError

NAMES = [
    "class", "a b", 'x=1,__import__("os")', "__class__", "self", "\ufb01", "\u0430",
    "x" * 10_000, "\0", "\u202e", "\x1b[2J", "../../x", "{", "%s", "\\N{BULLET}",
]  # fmt: skip


def body(*blocks, edges=()):
    return {
        "workflow_name": "Leads",
        "workflow_description": "",
        "workflow_definition": {"blocks": list(blocks), "edges": list(edges)},
    }


def block(name, **members):
    return {
        "block_id": name,
        "sequence_number": 1,
        "block_type": "x",
        "block_name": "new_kind",
        "specs": {},
        **members,
    }


def test_i7_hostile_names_are_kept():
    """As keys of blocks, kinds, fields and unknown members; and written again alike."""
    blocks = [
        block(name, block_name=name, specs={name: [name]}, **{f"_{name}": name})
        for name in NAMES
    ]
    edges = [
        {"from_block_id": first, "to_block_id": second, f"_{first}": [second]}
        for first, second in pairwise(NAMES)
    ]
    workflow = Workflow.from_json(json.dumps(body(*blocks, edges=edges)))

    text = workflow.to_json()

    again = Workflow.from_json(text)
    assert (again.to_json(), again.fingerprint()) == (text, workflow.fingerprint())
    kept = json.loads(text)["workflow_definition"]
    assert [b["block_name"] for b in kept["blocks"]] == NAMES
    assert [b["specs"] for b in kept["blocks"]] == [{name: [name]} for name in NAMES]
    assert len({b["block_id"] for b in kept["blocks"]}) == len(NAMES)


@pytest.mark.parametrize("null", [None, "absent"])
def test_an_answer_with_nulls_has_no_errors(null):
    """A server that fills in null for what nobody set does not make a file faulty."""
    specs = {"mode": None, "dataframe_type": None} if null is None else {}
    kinds = ("webhook", "find_email", "search")
    blocks = [block(kind, block_name=kind, specs=specs) for kind in kinds]
    data = body(*blocks)["workflow_definition"]
    answer = {"id": "x", "name": "n", "description": None, "workflow_definition": data}

    found = Workflow.from_json(json.dumps(answer)).check()

    assert [str(f) for f in found if f.severity == "error"] == []


@pytest.mark.parametrize(
    "packer", [gzip, bz2, lzma], ids=lambda packer: packer.__name__
)
def test_i8_packed_files_are_refused(packer):
    """Whatever packed them."""
    with pytest.raises(ReadError, match=r"<text> \(offset \d+\): not UTF-8"):
        Workflow.from_json(packer.compress(json.dumps(body(block("a"))).encode()))


def test_i8_no_loader_of_yaml_or_pickle_is_reachable():
    """No module of the package imports one, nor anything else that runs its input."""
    banned = {"yaml", "ruamel", "pickle", "marshal", "shelve", "toml", "jsonpickle"}
    imported, called = set(), set()
    for path in Path(flow64.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=names):
                    imported |= {name.name.split(".")[0] for name in names}
                case ast.ImportFrom(module=str(module), level=0):
                    imported.add(module.split(".")[0])
                case ast.Call(func=ast.Name(id=name)):
                    called.add(name)

    assert "json" in imported
    assert imported & banned == set()
    assert called & {"eval", "exec", "compile", "__import__"} == set()


def test_every_refusal_says_what_to_do():
    """An error of reading ends in words beyond what is wrong."""
    texts = [
        '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 1e999}', '{"a": ' + "9" * 5_000 + "}",
        '{"a": ' + "[" * 300 + "]" * 300 + "}", r'{"a": "\ud800"}',
        "{}", '{"blocks": [], "edges": []}',
    ]  # fmt: skip
    said = []
    for text in texts:
        with pytest.raises(FlowError) as caught:
            Workflow.from_json(text)
        said.append(str(caught.value))

    assert [text for text in said if ";" not in text] == []
