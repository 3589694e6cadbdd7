"""The law of manifests: JSON and its entry are the code, in every environment."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from flow64 import Schedule
from flow64.definition import canonical_id, fingerprint
from flow64.deploy.target import target_of
from flow64.manifest import (
    MANIFEST,
    Manifest,
    as_text,
    entry_of,
    name_parts,
    read_content,
    read_manifest,
    stem_of,
    write_all,
)
from tests.deploy.planned import Commits
from tests.laws.test_compiler import keys, workflows

ENVS = ["default", "prod", "a/b", "ü"]
names = st.text("aé -", min_size=1, max_size=9)
pins = st.dictionaries(st.sampled_from(ENVS), st.uuids().map(str), max_size=2)


@st.composite
def identified(draw):
    """A workflow with everything that its ids may depend on."""
    workflow = draw(workflows())
    segments = []
    for axis in draw(st.lists(keys, max_size=2)):
        segments += [("axis", axis), ("variant", draw(keys))]
    identity = workflow.identity._replace(
        segments=segments,
        was=draw(st.none() | keys),
        id=draw(st.none() | st.uuids().map(lambda made: str(made).upper())),
        pins={"workflow": draw(pins)},
    )
    timed = st.builds(Schedule, names, st.just("0 9 * * 1-5"), active=st.booleans())
    listed = draw(st.lists(timed, max_size=2, unique_by=lambda each: each.name))
    return workflow._with(identity=identity, schedules=tuple(listed))


def written(workflow, folder, env):
    """Compile to a folder, and read that back."""
    definition = workflow.compile(env)
    file = f"{stem_of(name_parts(workflow.identity))}.json"
    manifest = Manifest({file: entry_of(workflow, definition, env)})
    write_all(folder, {file: workflow.to_json(env), MANIFEST: as_text(manifest)})
    assert read_manifest(folder / MANIFEST) == manifest
    return manifest.files[file].read(read_content(folder / file), folder / file)


def facts(workflow, env):
    """The facts that a plan depends on."""
    definition = workflow.compile(env)
    return {
        "id": canonical_id(workflow.id(env)),
        "compiled": canonical_id(definition.id),
        "path": definition.path,
        "blocks": [block.id for block in definition.blocks],
        "keys": [definition.origins[at].path for at in range(len(definition.blocks))],
        "unbound": fingerprint(definition),
        "schedules": definition.schedules,
        "stamp": workflow.fingerprint(),
    }


@given(identified(), st.sampled_from(ENVS))
def test_json_and_its_entry_are_the_code(workflow, env):
    """Ids, stamp path, fingerprint and keys of blocks are kept for any environment."""
    with TemporaryDirectory() as folder:
        found = written(workflow, Path(folder), env)

    assert [facts(found, at) for at in ENVS] == [facts(workflow, at) for at in ENVS]
    assert (found.key, found.name) == (workflow.key, workflow.name)
    assert UUID(found.id("default"))


@given(workflows())
def test_target_of_json_is_that_of_the_code(workflow):
    """A deploy of code and one of its JSON leave the same result."""
    git = Commits()
    with TemporaryDirectory() as folder:
        found = written(workflow, Path(folder), "default")
    names = {"values": _values(workflow)}

    ours, theirs = (
        target_of(one, "prod", git=git, **names) for one in (workflow, found)
    )

    assert (theirs.stamp, theirs.id) == (ours.stamp, ours.id)


def _values(workflow):
    from flow64.definition import unbound_names

    return dict.fromkeys(unbound_names(workflow.compile()), "x")


@given(identified(), st.sampled_from(ENVS))
def test_text_of_a_manifest_is_one(workflow, env):
    """It is sorted, ends with one newline, and does not depend on the order."""
    entry = entry_of(workflow, workflow.compile(env), env)
    one = as_text(Manifest({"a.json": entry, "b.json": entry}))
    other = as_text(Manifest({"b.json": entry, "a.json": entry}))

    assert one == other
    assert one.endswith("}\n")
    assert (
        one
        == json.dumps(json.loads(one), indent=2, ensure_ascii=False, sort_keys=True)
        + "\n"
    )
