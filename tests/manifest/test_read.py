"""Reading a manifest: strict, with one error that says where."""

from __future__ import annotations

import json
import os

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.definition import MAX_BYTES, ProjectKey
from flow64.errors import ReadError
from flow64.manifest import (
    MANIFEST,
    BlockEntry,
    Entry,
    Manifest,
    as_text,
    entry_of,
    read_content,
    read_manifest,
    write_all,
)

GROWTH = Project("growth", namespace="acme.example", allow=["key-from-title"])
BLOCK = "11111111-1111-4111-8111-111111111111"
ENTRY = {"key": "leads", "path": "workflow:leads"}
PULLED = {"env": "prod", "unbound": "0" * 16, "bound": "a" * 16, "fields": {}}


def leads(key="leads", **more):
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
    return Workflow("Leads", flow, key=key, project=GROWTH, **more)


def manifest(**entry):
    """The text of a manifest with one entry."""
    return {"flow64:manifest": 1, "files": {"a.json": {**ENTRY, **entry}}}


@pytest.fixture
def read(tmp_path):
    def reading(data):
        path = tmp_path / MANIFEST
        text = data if isinstance(data, str | bytes) else json.dumps(data)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_manifest(path)

    return reading


def test_there_is_none(tmp_path):
    """A folder need not have one."""
    assert read_manifest(tmp_path / MANIFEST) is None


def test_least(read):
    """All members of an entry except key and path are optional."""
    assert read({"flow64:manifest": 1}) == Manifest()
    assert read(manifest()).files == {"a.json": Entry("leads", "workflow:leads")}


MARK = {"flow64:manifest": 1}
WRONG = [
    ("{", ""),
    (b"\xff", ""),
    ("[" * 100_000, ""),
    ("1" * 5_000, ""),
    ('{"flow64:manifest": 1, "files": {"a.json": 1, "a.json": 3}}', ""),
    ([], ""),
    ({"flow64:manifest": 2}, ""),
    ({"flow64:manifest": "1"}, ""),
    ({**MARK, "file": {}}, "$: file"),
    ({**MARK, "files": []}, "$.files:"),
    ({**MARK, "files": {"a.json": "x"}}, "$.files['a.json']:"),
    ({**MARK, "files": {"a.json": {"path": "workflow:a"}}}, "$.files['a.json'].key:"),
    ({**MARK, "part": "no"}, "$.part:"),
]
WRONG_ENTRIES = [
    ({"keys": "x"}, ": keys"),
    ({"key": ""}, ".key:"),
    ({"key": 3}, ".key:"),
    ({"key": "\udc80"}, ".key:"),
    ({"path": ""}, ".path:"),
    ({"path": "leads"}, ".path:"),
    ({"path": "ns:x/workflow:a"}, ".path:"),
    ({"path": "workflow:%61"}, ".path:"),
    ({"path": "workflow:" + "a" * 513}, ".path:"),
    ({"project": "growth"}, ": "),
    ({"env": ""}, ".env:"),
    ({"pins": {"prod": 1}}, ".pins.prod:"),
    ({"allow": "x"}, ".allow:"),
    ({"allow": [1]}, ".allow:"),
    ({"blocks": {BLOCK: {}}}, f".blocks.{BLOCK}.key:"),
    ({"pulled": []}, ".pulled"),
    ({"pulled": {**PULLED, "fields": {"x": "y"}}}, ".pulled.fields.x:"),
]
WRONG += [
    (manifest(**entry), f"$.files['a.json']{place}") for entry, place in WRONG_ENTRIES
]


@pytest.mark.parametrize(("data", "place"), WRONG, ids=range(len(WRONG)))
def test_wrong(read, tmp_path, data, place):
    """Wrong shapes, unknown members, other formats: what, and where."""
    with pytest.raises(ReadError) as caught:
        read(data)

    assert caught.value.source == str(tmp_path / MANIFEST)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../a.json", "/etc/a.json", "a/b.json", "C:\\a.json", "a\\b.json", "a:b.json",
     "a.txt", "flow64.json", "FLOW64.json", "\0.json", "a\n.json", ""],
)  # fmt: skip
def test_names_that_leave_the_folder(read, name):
    """A name is that of a file right in the folder."""
    with pytest.raises(ReadError, match="not the name of a JSON file right in"):
        read({"flow64:manifest": 1, "files": {name: ENTRY}})


def test_too_many_values_are_not_parsed(tmp_path):
    (tmp_path / MANIFEST).write_text(f"[{'1,' * 500_000}1]", "utf-8")

    with pytest.raises(ReadError, match="more than 500,000 JSON values"):
        read_manifest(tmp_path / MANIFEST)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.symlink_to("elsewhere"), "it is a link, which is not"),
        (lambda path: path.mkdir(), "it is a folder"),
        (os.mkfifo, "it is not a file"),
        (lambda path: os.truncate(_touched(path), MAX_BYTES + 1), "larger than 32 MiB"),
    ],
    ids=["link", "folder", "pipe", "large"],
)
@pytest.mark.parametrize("file", [MANIFEST, "leads.json"])
def test_files_that_are_none(tmp_path, make, problem, file):
    """No link is followed out of the folder, and no pipe is waited for."""
    compiled(tmp_path, leads())
    (tmp_path / file).unlink()
    make(tmp_path / file)

    with pytest.raises(ReadError, match=problem):
        read_leads(tmp_path)


def _touched(path):
    path.touch()
    return path


# -- Folders ---------------------------------------------------------------------------


def compiled(folder, *workflows, env="default"):
    entries = {
        f"{one.key}.json": entry_of(one, one.compile(env), env) for one in workflows
    }
    texts = {f"{one.key}.json": one.to_json(env) for one in workflows}
    write_all(folder, {**texts, MANIFEST: as_text(Manifest(entries))})
    return entries


def read_leads(folder):
    path = folder / "leads.json"
    entry = read_manifest(folder / MANIFEST).files[path.name]
    return entry.read(read_content(path), path)


def test_file_that_is_not_there(tmp_path):
    """The error gives advice."""
    compiled(tmp_path, leads())
    (tmp_path / "leads.json").unlink()

    with pytest.raises(ReadError, match=r"leads\.json: the file is missing"):
        read_leads(tmp_path)


def test_file_of_another_id(tmp_path):
    """A file that was swapped is not taken for the workflow of its entry."""
    compiled(tmp_path, leads(), leads("other"))
    (tmp_path / "leads.json").write_bytes((tmp_path / "other.json").read_bytes())

    with pytest.raises(ReadError, match=r"entry in flow64\.json makes") as caught:
        read_leads(tmp_path)

    assert leads("other").id() in str(caught.value)


def test_file_without_an_id(tmp_path):
    """The entry has it."""
    compiled(tmp_path, leads())
    file = tmp_path / "leads.json"
    body = json.loads(file.read_text("utf-8"))
    del body["id"]
    file.write_text(json.dumps(body), "utf-8")

    assert read_leads(tmp_path).id("prod") == leads().id("prod")


def test_file_that_is_no_workflow(tmp_path):
    """It is the error of any such file."""
    compiled(tmp_path, leads())
    (tmp_path / "leads.json").write_text("[]", "utf-8")

    with pytest.raises(ReadError, match=r"leads\.json"):
        read_leads(tmp_path)


def test_what_code_silences_stays_silent(tmp_path):
    """Allowed findings and extra fields of the code stay silent."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail(
        mode="NOT_A_WORD", allow=["unknown-word"], extra={"new_field": 1}
    )
    code = Workflow("Leads", flow, key="leads", project=GROWTH)

    entries = compiled(tmp_path, code)
    found = read_leads(tmp_path)

    def told(workflow):
        return [(f.code, f.message, f.where) for f in workflow.check()]

    assert told(found) == told(code)
    assert found.compile("prod").id == code.id("prod")
    assert entries["leads.json"].allow == ("key-from-title",)
    assert BlockEntry("find_email", ("unknown-word",), ("new_field",)) in [
        *entries["leads.json"].blocks.values()
    ]
    assert (found.file, found.key) == (str(tmp_path / "leads.json"), "leads")


def test_faulty_environment(tmp_path):
    """Faults in the name of an environment are found as for code."""
    compiled(tmp_path, leads())
    codes = [[f.code for f in w.check("")] for w in (read_leads(tmp_path), leads())]

    assert codes[0] == codes[1]
    assert codes[0][0] == "invalid-key"


def test_as_read(tmp_path):
    """A workflow from JSON alone has no keys, and so no entry."""
    read = Workflow.from_json(leads().to_json())
    raw = Workflow("x", Webhook(LEAD) >> RawBlock("step"), project=GROWTH)

    assert entry_of(read, read.compile(), "default") is None
    assert entry_of(raw, raw.compile(), "default").key == "x"


# -- A second compile ------------------------------------------------------------------

A, B = ProjectKey("a", "x.example"), ProjectKey("b", "x.example")
ONE, TWO, OTHER = (
    Entry("one", "workflow:one", project="a", namespace="x.example"),
    Entry("two", "workflow:two", project="a", namespace="x.example"),
    Entry("other", "workflow:other", project="b", namespace="x.example"),
)
FILES = {"one.json": ONE, "two.json": TWO, "other.json": OTHER}


@pytest.mark.parametrize(
    ("entries", "whole", "there", "files", "part"),
    [
        # Another project beside it.
        ({"new.json": OTHER}, [B], FILES, {"one.json", "two.json", "new.json"}, False),
        # A part of a project, which brings nothing new.
        ({"one.json": ONE}, [], FILES, {*FILES}, False),
        # A part that does.
        ({"new.json": ONE}, [], FILES, {*FILES, "new.json"}, True),
        # All of a project, which has one less.
        ({"one.json": ONE}, [A], FILES, {"one.json", "other.json"}, False),
        # A file went, and nothing says that this is all.
        ({"one.json": ONE}, [], {"one.json", "other.json"}, {"one.json", "other.json"},
         True),
    ],
    ids=["other", "same", "new", "whole", "gone"],
)  # fmt: skip
def test_updated(entries, whole, there, files, part):
    """Which entries an update keeps, and whether it may miss workflows."""
    after = Manifest(FILES).update(entries, whole=whole, there=there)

    assert (set(after.files), after.part) == (files, part)


def test_part_is_whole_again(read):
    """If its projects are compiled with all of their workflows."""
    part = Manifest(FILES, part=True)

    assert read(as_text(part)) == part
    assert part.update({"one.json": ONE}, whole=[A], there=FILES).part
    assert not part.update({"one.json": ONE}, whole=[A, B], there=FILES).part
