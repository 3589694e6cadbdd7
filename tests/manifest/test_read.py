"""Reading a manifest: strict, with one error that says where."""

from __future__ import annotations

import json
import os
import time

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.definition import MAX_BYTES, ProjectKey
from flow64.errors import ManifestError, ReadError
from flow64.manifest import (
    MANIFEST,
    BlockEntry,
    Entry,
    Manifest,
    as_text,
    entry_of,
    read_folder,
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
    assert read_folder(tmp_path) is None


def test_least(read):
    """All members of an entry except key and path are optional."""
    assert read({"flow64:manifest": 1}) == Manifest()
    assert read(manifest()).files == {"a.json": Entry("leads", "workflow:leads")}


WRONG = {
    "no JSON": ("{", "", "it is not valid JSON: Expecting property name"),
    "no text": (b"\xff", "", "it is not UTF-8"),
    "deep": ("[" * 100_000, "", "it nests too deep"),
    "digits": ("1" * 5_000, "", "a number in it is too long"),
    "list": ([], "", "it must be an object, not []"),
    "other": ({"a": 1}, "", "it is not a manifest, since 'flow64:manifest' is missing"),
    "near": ({"flow64:manifst": 1}, "", "(did you mean 'flow64:manifst'?)"),
    "newer": (
        {"flow64:manifest": 2, "other": {}},
        "/flow64:manifest",
        "its format is 2, and this flow64 knows 1: update flow64, or compile or pull",
    ),
    "true": ({"flow64:manifest": True}, "/flow64:manifest", "its format is True"),
    "unknown": (
        {"flow64:manifest": 1, "file": {}},
        "/file",
        "it is not a known member (did you mean 'files'?)",
    ),
    "twice": (
        '{"flow64:manifest": 1, "files": {"a.json": 1, "b": 2, "a.json": 3}}',
        "/files",
        "it has the key 'a.json' twice",
    ),
    "files": ({"flow64:manifest": 1, "files": []}, "/files", "it must be an object"),
    "entry": (
        {"flow64:manifest": 1, "files": {"a.json": "x"}},
        "/files/a.json",
        "it must be an object, not 'x'",
    ),
    "member": (
        manifest(keys="x"),
        "/files/a.json/keys",
        "it is not a known member (did you mean 'key'?)",
    ),
    "no key": (
        {"flow64:manifest": 1, "files": {"a.json": {"path": "workflow:a"}}},
        "/files/a.json",
        "'key' is missing",
    ),
    "empty key": (manifest(key=""), "/files/a.json/key", "'' is not a key"),
    "number": (manifest(key=3), "/files/a.json/key", "it must be text, not 3"),
    "surrogate": (manifest(key="\udc80"), "/files/a.json/key", "it must be text"),
    "path": (manifest(path="leads"), "/files/a.json/path", "'leads' is not a path"),
    "owner": (
        manifest(path="ns:x/workflow:a"),
        "/files/a.json/path",
        "is not a path, such as 'workflow:inbound'",
    ),
    "other spelling": (
        manifest(path="workflow:%61"),
        "/files/a.json/path",
        "'workflow:%61' is not a path",
    ),
    "long": (
        manifest(path="workflow:" + "a" * 513),
        "/files/a.json/path",
        "is not a path",
    ),
    "half a project": (
        manifest(project="growth"),
        "/files/a.json",
        "'namespace' is missing",
    ),
    "env": (manifest(env=""), "/files/a.json/env", "'' is not a key"),
    "pins": (manifest(pins={"prod": 1}), "/files/a.json/pins/prod", "it must be text"),
    "allow": (manifest(allow="x"), "/files/a.json/allow", "it must be a list"),
    "allowed": (manifest(allow=[1]), "/files/a.json/allow/0", "it must be text"),
    "block": (
        manifest(blocks={"B": {"key": "x"}}),
        "/files/a.json/blocks/B",
        "the id of a block is a UUID in lower case",
    ),
    "block's key": (
        manifest(blocks={BLOCK: {}}),
        f"/files/a.json/blocks/{BLOCK}",
        "'key' is missing",
    ),
    "pulled": (manifest(pulled=[]), "/files/a.json/pulled", "it must be an object"),
    "fingerprint": (
        manifest(pulled={**PULLED, "bound": "x"}),
        "/files/a.json/pulled/bound",
        "a fingerprint here has 16 hex digits",
    ),
    "fields": (
        manifest(pulled={**PULLED, "fields": {"x": []}}),
        "/files/a.json/pulled/fields",
        "a block is named by 8 hex digits or its id",
    ),
    "whole": (
        {"flow64:manifest": 1, "whole": [{"project": "a"}]},
        "/whole/0",
        "'namespace' is missing",
    ),
    "whole, more": (
        {
            "flow64:manifest": 1,
            "whole": [{"project": "a", "namespace": "b", "key": "c"}],
        },
        "/whole/0/key",
        "it is not a known member",
    ),
    "twins": (
        {"flow64:manifest": 1, "files": {"a.json": ENTRY, "A.json": ENTRY}},
        "/files/A.json",
        "it is one file with 'a.json' on some machines",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong(read, tmp_path, what):
    """Wrong shapes, unknown members, other formats: what, where, and the way out."""
    data, pointer, problem = WRONG[what]

    with pytest.raises(ManifestError) as caught:
        read(data)

    if what != "near":
        assert problem in caught.value.problem
    assert (caught.value.path, caught.value.pointer) == (
        str(tmp_path / MANIFEST),
        pointer,
    )
    assert str(caught.value).startswith(f"{tmp_path / MANIFEST} at {pointer or '/'}: ")


@pytest.mark.parametrize(
    "name",
    ["../a.json", "/etc/a.json", "a/b.json", "C:\\a.json", "a\\b.json", "a:b.json",
     "a.txt", "flow64.json", "FLOW64.json", "\0.json", ""],
)  # fmt: skip
def test_names_that_leave_the_folder(read, name):
    """A name is that of a file right in the folder."""
    with pytest.raises(ManifestError, match="not the name of a JSON file right in"):
        read({"flow64:manifest": 1, "files": {name: ENTRY}})


def test_too_many_values_are_not_parsed(tmp_path):
    (tmp_path / MANIFEST).write_text(f"[{'1,' * 500_000}1]", "utf-8")

    with pytest.raises(ManifestError, match="more than 500,000 JSON values"):
        read_manifest(tmp_path / MANIFEST)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.symlink_to("elsewhere"), "it is a link, which is not"),
        (lambda path: path.mkdir(), "it is not a regular file"),
        (os.mkfifo, "it is not a regular file"),
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

    with pytest.raises(ManifestError, match=problem):
        read_folder(tmp_path)


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


def test_file_that_is_not_there(tmp_path):
    """The error gives advice."""
    compiled(tmp_path, leads())
    (tmp_path / "leads.json").unlink()

    with pytest.raises(
        ManifestError, match=r"at /files/leads\.json: the file is missing"
    ):
        read_folder(tmp_path)


def test_file_of_another_id(tmp_path):
    """A file that was swapped is not taken for the workflow of its entry."""
    compiled(tmp_path, leads(), leads("other"))
    (tmp_path / "leads.json").write_bytes((tmp_path / "other.json").read_bytes())

    with pytest.raises(ManifestError, match="its entry makes") as caught:
        read_folder(tmp_path)

    assert caught.value.pointer == "/files/leads.json"
    assert leads("other").id() in str(caught.value)


def test_file_without_an_id(tmp_path):
    """The entry has it."""
    compiled(tmp_path, leads())
    file = tmp_path / "leads.json"
    body = json.loads(file.read_text("utf-8"))
    del body["id"]
    file.write_text(json.dumps(body), "utf-8")

    (one,) = read_folder(tmp_path).workflows

    assert one.workflow.id("prod") == leads().id("prod")


def test_file_that_is_no_workflow(tmp_path):
    """It is the error of any such file."""
    compiled(tmp_path, leads())
    (tmp_path / "leads.json").write_text("[]", "utf-8")

    with pytest.raises(ReadError, match=r"leads\.json"):
        read_folder(tmp_path)


def test_unlisted(tmp_path):
    """Files that the manifest does not list are separate."""
    compiled(tmp_path, leads())
    for name in ("b.json", ".hidden.json", "c.txt"):
        (tmp_path / name).write_text("{}", "utf-8")

    folder = read_folder(tmp_path)

    assert ([one.file for one in folder.workflows], folder.unlisted) == (
        ["leads.json"],
        ["b.json"],
    )


def test_what_code_silences_stays_silent(tmp_path):
    """Allowed findings and extra fields of the code stay silent."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail(
        mode="NOT_A_WORD", allow=["unknown-word"], extra={"new_field": 1}
    )
    code = Workflow("Leads", flow, key="leads", project=GROWTH)

    entries = compiled(tmp_path, code)
    (one,) = read_folder(tmp_path).workflows

    def told(workflow):
        return [(f.code, f.message, f.where) for f in workflow.check()]

    assert told(one.workflow) == told(code)
    assert one.workflow.compile("prod").id == code.id("prod")
    assert entries["leads.json"].allow == ("key-from-title",)
    assert BlockEntry("find_email", ("unknown-word",), ("new_field",)) in [
        *entries["leads.json"].blocks.values()
    ]
    assert one.workflow.file == str(tmp_path / "leads.json")
    assert one.name == "leads"


def test_faulty_environment(tmp_path):
    """Faults in the name of an environment are found as for code."""
    compiled(tmp_path, leads())
    (one,) = read_folder(tmp_path).workflows

    codes = [[f.code for f in w.check("")] for w in (one.workflow, leads())]

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
    Entry("one", "workflow:one", project=A),
    Entry("two", "workflow:two", project=A),
    Entry("other", "workflow:other", project=B),
)
FILES = {"one.json": ONE, "two.json": TWO, "other.json": OTHER}


@pytest.mark.parametrize(
    ("made", "whole", "there", "files", "still"),
    [
        # Another project beside it.
        ({"new.json": OTHER}, [B], FILES, {"one.json", "two.json", "new.json"}, [A, B]),
        # A part of a project, which brings nothing new.
        ({"one.json": ONE}, [], FILES, {*FILES}, [A, B]),
        # A part that does.
        ({"new.json": ONE}, [], FILES, {*FILES, "new.json"}, [B]),
        # All of a project, which has one less.
        ({"one.json": ONE}, [A], FILES, {"one.json", "other.json"}, [A, B]),
        # A file went, and nobody said that this was all.
        ({"one.json": ONE}, [], {"one.json", "other.json"}, {"one.json", "other.json"},
         [B]),
        # A file becomes one of another project.
        ({"one.json": OTHER}, [B], FILES, {"one.json", "two.json"}, [B]),
        # Of no project.
        ({"new.json": Entry("n", "workflow:n")}, [], FILES, {*FILES, "new.json"},
         [A, B]),
    ],
    ids=["other", "same", "new", "whole", "gone", "taken", "none"],
)  # fmt: skip
def test_updated(made, whole, there, files, still):
    """Which entries and whole projects an update keeps."""
    before = Manifest(FILES, (A, B))
    given = [Project(one.key, namespace=one.namespace) for one in whole]

    after = before.update(made, whole=given, there=there)

    assert (set(after.files), [*after.whole]) == (files, still)


def test_whole_is_read_back(read):
    """Projects that are whole, in one order."""
    manifest_ = Manifest({"one.json": ONE}, (A, B))

    assert read(as_text(manifest_)) == manifest_
    assert Manifest().update({}, whole=[B, A]).whole == (A, B)


def test_what_a_killed_process_left_is_swept(tmp_path):
    """Old incomplete files are removed; newer ones may be in use."""
    left, begun = tmp_path / ".flow64.a.0.part", tmp_path / ".flow64.b.0.part"
    left.write_text("half a fi", "utf-8")
    begun.write_text("half a fi", "utf-8")
    long_ago = time.time() - 3601
    os.utime(left, (long_ago, long_ago))

    write_all(tmp_path, {"a.json": "{}\n"})

    assert sorted(path.name for path in tmp_path.iterdir()) == [begun.name, "a.json"]
