"""The JSON Schema of flow64.json accepts what its reader accepts, and no more."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from flow64.definition import ProjectKey
from flow64.errors import ManifestError
from flow64.manifest import (
    BlockEntry,
    Entry,
    Manifest,
    Pulled,
    as_text,
    manifest_schema,
    read_manifest,
)

BLOCK = "d034b57e-fccf-55b2-afbc-a4ad3929d4d0"

FULL = Entry(
    key="inbound",
    path="workflow:inbound/variant:us",
    env="staging",
    project=ProjectKey("growth", "acme.example"),
    pins={"prod": BLOCK},
    allow=("isolated-block",),
    blocks={BLOCK: BlockEntry("work/find_email", ("a",), ("b",))},
    pulled=Pulled("prod", "0" * 16, "1" * 16, {"d034b57e": frozenset({"mode"})}),
)


def is_valid(data):
    schema = manifest_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid(data)


def data_of(**change):
    manifest = Manifest(
        {"inbound@us.json": FULL, "other.json": Entry("other", "workflow:other")},
        (ProjectKey("growth", "acme.example"),),
    )
    data = json.loads(as_text(manifest))
    data["files"]["inbound@us.json"] |= change
    return data


def is_read(data, folder):
    file = folder / "flow64.json"
    file.write_text(json.dumps(data), "utf-8")
    try:
        read_manifest(file)
    except ManifestError:
        return False
    return True


WRONG = {
    "member": {"ley": "x"},
    "key": {"key": 1},
    "empty key": {"key": ""},
    "path": {"path": "inbound"},
    "block id": {"blocks": {"x": {"key": "x"}}},
    "block": {"blocks": {BLOCK: {"allow": []}}},
    "mark": {"pulled": {"env": "prod", "unbound": "0", "bound": "1" * 16}},
    "pulled": {"pulled": {"env": "prod"}},
    "allow": {"allow": "isolated-block"},
}


def test_written(tmp_path):
    """What is written is valid, with all members and with few."""
    assert is_valid(data_of())
    assert is_valid({"flow64:manifest": 1})
    assert is_read(data_of(), tmp_path)


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_wrong(change, tmp_path):
    """What the reader refuses is not valid."""
    assert not is_read(data_of(**change), tmp_path)
    assert not is_valid(data_of(**change))


def test_wrong_at_the_top():
    """Another format is not valid, nor is a file elsewhere, nor half an owner."""
    half = data_of()
    del half["files"]["inbound@us.json"]["project"]

    assert not is_valid({"flow64:manifest": 2})
    assert not is_valid({"flow64:manifest": 1, "files": {"../a.json": {}}})
    assert not is_valid(half)


def test_members():
    """The members of an entry are those that are written."""
    schema = manifest_schema()["$defs"]["entry"]["properties"]

    assert schema.keys() == data_of()["files"]["inbound@us.json"].keys()
