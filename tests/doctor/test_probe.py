"""The probe: what it finds out, and above all what it must not do."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from uuid import uuid4

import pytest
from attrs import evolve, fields

from flow64 import Client
from flow64.api import Request, StopNow
from flow64.blocks import CATALOGUE
from flow64.definition import split_stamp
from flow64.doctor import (
    HARMLESS,
    MOST,
    NAMESPACE,
    PROJECT,
    QUESTIONS,
    TITLE,
    GuardError,
    MadeFile,
    Probe,
    ProbeId,
    Sandbox,
)
from flow64.emulator import Emulator, Fault, Switches
from flow64.errors import ConfigError

OURS = "sk_test_not_a_real_key_ours"
THEIRS = "sk_test_not_a_real_key_theirs"


@pytest.fixture
def emulator():
    emulator = Emulator()
    yield emulator
    emulator.stop()


@pytest.fixture
def connect(emulator, tmp_path):
    """Makes a client of an organisation."""
    clients = []

    def connecting(key=OURS):
        client = Client(
            key,
            base_url="http://127.0.0.1",
            transport=emulator.transport(),
            journal=None,
            history=tmp_path / "history",
        )
        clients.append(client)
        return client

    yield connecting
    for client in clients:
        client.close()


@pytest.fixture
def made(tmp_path):
    with MadeFile.open(tmp_path / ".flow64") as made:
        yield made


@pytest.fixture
def sandbox(connect, made):
    return Sandbox(connect(), made, "prod http://127.0.0.1")


@pytest.fixture
def second(connect, made):
    return Sandbox(connect(THEIRS), made, "other http://127.0.0.1")


def probed(sandbox, other=None, **options):
    probe = Probe(sandbox, other)
    probe.look()
    probe.run(**options)
    return probe.result(was_stopped=False)


def answers(result):
    return {one.name: (one.answer, one.verdict) for one in result.answers}


def stored(emulator):
    return [one.id for one in emulator.store.workflows.all()]


# -- What it finds out -----------------------------------------------------------------

FOUND = (
    *("fill_defaults", "reorder", "drop_unknown", "keep_block_ids"),
    *("strip_description", "max_description", "bad_graph_status"),
    *("refuse_condition", "refuse_same_numbers", "check_row_kinds"),
    "untyped_gives_leads",
)
"""Switches that a probe finds out without a second organisation."""

SETTINGS = {
    "defaults": {},
    "a framework": {
        "fill_defaults": True,
        "drop_unknown": True,
        "bad_graph_status": 422,
        "refuse_condition": True,
        "foreign_status": 403,
    },
    "a database": {"reorder": True, "strip_description": True, "max_description": 1000},
    "strict": {
        "refuse_same_numbers": True,
        "untyped_gives_leads": True,
        "ids_per_organisation": True,
    },
    "lax": {"check_row_kinds": False, "keep_block_ids": True, "max_description": 0xFFF},
    "all": {
        "fill_defaults": True,
        "reorder": True,
        "drop_unknown": True,
        "refuse_condition": True,
        "refuse_same_numbers": True,
        "untyped_gives_leads": True,
        "strip_description": True,
        "bad_graph_status": 422,
        "max_description": 300,
    },
}


@pytest.mark.parametrize("given", SETTINGS.values(), ids=[*SETTINGS])
def test_finds_out_each_switch(given, emulator, sandbox, second):
    """Whatever the switches are, the probe reports them, and leaves nothing."""
    emulator.switches = Switches(**given)

    result = probed(sandbox, second)

    names = [*FOUND, "ids_per_organisation", "foreign_status"]
    expected = {name: getattr(emulator.switches, name) for name in names}
    if not expected["check_row_kinds"]:
        del expected["untyped_gives_leads"]  # it makes no difference
    assert dict(result.switches) == expected
    assert (result.problem, result.left, stored(emulator)) == (None, [], [])
    assert [one.name for one in result.answers] == [
        ask.__name__.removeprefix("ask_").replace("_", "-") for ask in QUESTIONS
    ]


def test_confirms_the_defaults(emulator, sandbox, second):
    """Against the emulator as it is, everything that flow64 assumes is confirmed."""
    result = probed(sandbox, second)

    assert {one.verdict for one in result.answers} == {"confirmed"}
    assert answers(result)["description-length"][0] == f"{MOST:,} characters are kept"
    assert result.requests < 60


def test_without_a_second_organisation(sandbox):
    """What needs a second organisation is not asked."""
    found = answers(probed(sandbox))

    assert {name for name, (_, verdict) in found.items() if verdict == "not seen"} == {
        "foreign-id",
        "id-scope",
    }


def test_same_organisation(connect, made, sandbox, emulator):
    """A second environment of the same organisation shows nothing, and is not used."""
    same = Sandbox(connect(), made, "other")

    found = answers(probed(sandbox, same))

    said = "the second environment is of the same organisation"
    assert found["foreign-id"] == (said, "not seen")
    assert found["id-scope"][1] == "not seen"
    assert stored(emulator) == []


def test_every_switch_exists():
    """The switches that a probe sets are those of the emulator."""
    names = {field.name for field in fields(Switches)}

    assert {*FOUND, "ids_per_organisation", "foreign_status"} <= names


# -- What it must not do ---------------------------------------------------------------


def test_no_block_spends():
    """None of its kinds has an effect or a price, whatever the specs."""
    for kind in HARMLESS:
        about = CATALOGUE[kind].about
        assert (about.effects, about.price) == ((), None)


def test_only_its_own(emulator, connect, made):
    """It reads, makes, changes and deletes workflows. It runs nothing."""
    sandbox = Sandbox(connect(), made, "prod")

    probed(sandbox)

    sent = [(one.method, one.path) for one in emulator.requests]
    writes = {path for method, path in sent if method != "GET"}
    assert writes == {
        "/workflows/create_workflow",
        "/workflows/update_workflow",
        "/workflows/delete_workflow",
    }
    assert emulator.store.runs.all() == []
    assert emulator.store.spendings.all() == []


@pytest.mark.parametrize(
    "request_",
    [
        ("POST", "/workflows/run", {"workflow_id": "ID"}, None),
        ("POST", "/workflows/cancel", {"job_id": "ID"}, None),
        ("POST", "/schedules", {"workflow_id": "ID"}, {}),
        ("GET", "/schedules", {}, None),
        ("GET", "/workflows/runs/ID/live_status", {}, None),
        ("DELETE", "/workflows/ID", {"workflow_id": "ID"}, None),
        ("POST", "/workflows/delete_workflow", {"workflow_id": "OTHER"}, None),
        ("POST", "/workflows/delete_workflow", {}, None),
        ("POST", "/workflows/update_workflow", {"workflow_id": "OTHER"}, {}),
        ("POST", "/workflows/create_workflow", {}, {}),
        ("POST", "/workflows/create_workflow", {}, {"id": "OTHER"}),
        ("POST", "/workflows/create_workflow", {"workflow_id": "ID"}, {"id": "OTHER"}),
        ("POST", "/workflows/update_workflow", {"workflow_id": "ID"}, "SPENDS"),
        ("POST", "/workflows/update_workflow", {"workflow_id": "ID"}, "TITLE"),
        ("POST", "/workflows/update_workflow", {"workflow_id": "ID"}, "STAMP"),
        ("POST", "/workflows/update_workflow", {"workflow_id": "ID"}, "TEXT"),
    ],
)
def test_guard(request_, sandbox, emulator):
    """Whatever code asks for, the sandbox sends nothing that a probe must not send."""
    probe_id = ProbeId()
    own, other = sandbox.use(probe_id), str(uuid4())
    method, path, query, body = json.loads(
        json.dumps(request_).replace("OTHER", other).replace('"ID"', f'"{own}"')
    )
    blocks = [{"block_name": "search", "specs": {"auto_execute": True}}]
    bodies = {
        "SPENDS": {"workflow_definition": {"blocks": blocks, "edges": []}},
        "TITLE": {"workflow_name": "Leads"},
        "STAMP": {"workflow_description": ProbeId().stamp},
        "TEXT": {"workflow_description": "no stamp"},
    }

    with pytest.raises(GuardError, match="was not sent"):
        sandbox.send(
            method, path, query, bodies[body] if isinstance(body, str) else body
        )

    assert emulator.requests == []


def put(emulator, client, *, name=TITLE, description="", kinds=("webhook",), id=None):
    """Store a workflow as somebody else makes it."""
    body = {
        "workflow_name": name,
        "workflow_description": description,
        "workflow_definition": {
            "blocks": [
                {
                    "block_id": str(uuid4()),
                    "block_name": kind,
                    "block_type": "x",
                    "sequence_number": at,
                    "specs": {},
                }
                for at, kind in enumerate(kinds, 1)
            ],
            "edges": [],
        },
        "id": str(id or uuid4()),
    }
    answer = client.call(post, body)
    assert answer.status == 200, answer.content
    return body["id"]


async def post(session, body):
    session.begin(10.0)
    return await session.exchange(
        Request("POST", "/workflows/create_workflow", body=body)
    )


def grow_old(emulator, workflow_id, seconds=3600):
    emulator.store.workflows.change(
        workflow_id,
        lambda one: evolve(one, updated_at=one.updated_at - timedelta(seconds=seconds)),
    )


def others(emulator, client):
    """Workflows that look like a probe's, and are not."""
    probe_id = ProbeId()
    users = f"[flow64:1 ns:acme.example/project:{PROJECT}/workflow:x {'0' * 16} "
    users += f"{'0' * 16} - .]"
    changed, renamed = ProbeId(), ProbeId()
    found = [
        put(emulator, client),
        put(emulator, client, description="probe"),
        put(emulator, client, description=probe_id.stamp),  # a copy: another id
        put(emulator, client, description=users),
        put(
            emulator,
            client,
            description=changed.stamp,
            kinds=("webhook", "find_email"),
            id=changed,
        ),
        put(emulator, client, name="Leads", description=renamed.stamp, id=renamed),
    ]
    for workflow_id in found:
        grow_old(emulator, workflow_id)
    return found


def test_never_touches_others(emulator, connect, made):
    """What a probe did not make stays as it is, however much it looks like it."""
    client = connect()
    there = others(emulator, client)
    before = [evolve(one) for one in emulator.store.workflows.all()]
    sandbox = Sandbox(client, made, "prod")

    probe = Probe(sandbox)
    probe.look()
    probe.run()

    assert probe.remains[0].ours == []
    assert {*probe.remains[0].kept} == {*there[:5]}
    assert emulator.store.workflows.all() == before


def test_a_young_probe_is_left_alone(emulator, connect, made):
    """A probe of another folder may be running: its workflow stays until it is old."""
    client = connect()
    probe_id = ProbeId()
    put(emulator, client, description=probe_id.stamp, id=probe_id)
    sandbox = Sandbox(client, made, "prod")

    young = sandbox.find_remains()
    grow_old(emulator, str(probe_id))
    old = sandbox.find_remains()

    assert young.ours == []
    assert "may be using it" in young.kept[str(probe_id)]
    assert (old.ours, old.kept) == ([str(probe_id)], {})


def test_remains_are_removed(emulator, connect, made):
    """What a killed probe noted is removed at once, also without a stamp."""
    client = connect()
    first = Sandbox(client, made, "prod")
    left = [first.use(ProbeId()) for _ in range(2)]
    gone = first.use(ProbeId())
    put(emulator, client, id=left[0])  # the service lost the stamp
    put(emulator, client, id=left[1], name="Mine now")

    result = probed(Sandbox(client, made, "prod"))

    assert result.remains == 1
    assert stored(emulator) == [left[1]]
    assert made.entries() == [("prod", left[1])]
    assert gone not in str(made.entries())


def test_remains_of_the_second_organisation(emulator, connect, sandbox, second):
    """What is left at the second organisation is removed too."""
    left = second.use(ProbeId())
    put(emulator, connect(THEIRS), id=left)

    result = probed(sandbox, second)

    assert (result.remains, stored(emulator)) == (1, [])


def test_other_targets_are_not_looked_for(sandbox, made, emulator):
    """What was made in another environment stays noted."""
    elsewhere = str(ProbeId())
    made.add("staging", elsewhere)

    probed(sandbox)

    assert made.entries() == [("staging", elsewhere)]


def test_changed_after_consent(emulator, connect, made):
    """What somebody took over between the question and the answer stays."""
    client = connect()
    probe_id = ProbeId()
    put(emulator, client, description=probe_id.stamp, id=probe_id)
    grow_old(emulator, str(probe_id))
    probe = Probe(Sandbox(client, made, "prod"))
    probe.look()
    assert probe.remains[0].ours == [str(probe_id)]
    emulator.edit(str(probe_id), name="Mine now")

    probe.run()

    assert probe.removed == 0
    assert stored(emulator) == [str(probe_id)]


# -- However it ends -------------------------------------------------------------------


@pytest.mark.parametrize("after", range(0, 36, 3))
def test_stopped(after, sandbox, second, emulator):
    """Wherever it is asked to stop, it cleans up and keeps what it found out."""
    left = iter(range(after))

    result = probed(sandbox, second, stopped=lambda: next(left, None) is None)

    assert result.problem == "it was stopped"
    assert (stored(emulator), result.left) == ([], [])


@pytest.mark.parametrize("at", [1, 4, 12, 19])
def test_stopped_at_once(at, sandbox, second, emulator, connect):
    """A second Ctrl-C leaves what there is; the next probe removes it."""
    asked = []

    def stop(name):
        asked.append(name)
        if len(asked) == at:
            raise StopNow

    probe = Probe(sandbox, second)
    probe.look()
    with pytest.raises(StopNow):
        probe.run(tell=stop)

    left = stored(emulator)
    assert len(left) == (at > 1)
    assert {*left} <= {*probe.result(was_stopped=True).left}
    assert probed(Sandbox(connect(), sandbox.made, sandbox.target)).remains == len(left)
    assert stored(emulator) == []


@pytest.mark.parametrize("at", range(0, 34, 3))
@pytest.mark.parametrize("kind", ["status_before", "status_after", "close_after"])
def test_bad_days(at, kind, emulator, sandbox):
    """Whatever answer fails, nothing is left."""
    status = {} if kind == "close_after" else {"status": 401}
    emulator.faults.add(Fault(kind, after=at, **status))

    result = probed(sandbox)

    assert stored(emulator) == []
    assert result.left == []


def test_no_deletion(emulator, sandbox):
    """What cannot be deleted is named, and stays noted."""
    path = "/workflows/delete_workflow"
    emulator.faults.add(Fault("status_before", path=path, status=500, times=99))

    result = probed(sandbox)

    assert result.left == stored(emulator)
    assert len(result.left) == 1
    assert result.as_data()["left"] == 1
    assert result.left[0] not in json.dumps(result.as_data())
    assert answers(result)["deleted-again"] == (
        "the first deletion was 500",
        "not seen",
    )


def test_too_many_requests(emulator, sandbox, monkeypatch):
    """After a 429 it waits; if there are too many, it ends."""
    waits = []

    async def sleep(_session, seconds, **_options):
        waits.append(seconds)

    monkeypatch.setattr("flow64.api.Session.sleep", sleep)
    emulator.faults.add(Fault("status_before", status=429, retry_after="7", after=3))
    emulator.faults.add(Fault("status_before", status=429, after=9, times=4))

    result = probed(sandbox)

    assert waits == [7.0, 5.0, 20.0, 40.0]
    assert result.problem == "the service answered 429"
    assert stored(emulator) == []


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault("status_before", status=403), "could not be made: refused with 403"),
        (Fault("status_before", status=500), "a workflow could not be made: 500"),
        (
            Fault("rewrite", members={"id": str(uuid4())}, times=2),
            "under another id than the one sent",
        ),
        (
            Fault("missing_field", word="workflow_definition", after=1),
            "read back without its blocks",
        ),
    ],
)
def test_no_workflow(fault, problem, emulator, sandbox):
    """Without a workflow of its own it ends, and leaves nothing."""
    sandbox.find_remains()
    emulator.faults.add(evolve(fault))

    probe = Probe(sandbox)
    probe.run()

    assert problem in probe.result(was_stopped=False).problem
    assert stored(emulator) == []


def test_file(tmp_path):
    """Each id is noted before it is used, by one probe of a folder at a time."""
    with MadeFile.open(tmp_path / "x") as made:
        first, second = str(uuid4()), str(uuid4())
        made.add("prod http://a", first)
        made.add("prod http://a", second)
        made.drop("prod http://a", first)
        with pytest.raises(ConfigError, match="another probe"):  # noqa: SIM117
            with MadeFile.open(tmp_path / "x"):
                pass

    file = tmp_path / "x" / "probe.txt"
    file.write_text(file.read_text("utf-8") + "? \n+ torn", "utf-8")
    with MadeFile.open(tmp_path / "x") as made:
        assert made.entries() == [("prod http://a", second)]
        made.drop("prod http://a", second)

    assert file.read_text("utf-8") == ""


@pytest.mark.parametrize("kind", ["folder", "file", "pipe"])
def test_file_that_cannot_be_written(kind, tmp_path):
    """Without the file there is no probe."""
    folder = tmp_path
    if kind == "folder":
        (tmp_path / "probe.txt").mkdir()
    elif kind == "file":
        folder = tmp_path / "in"
        folder.write_text("", "utf-8")
    else:
        os.mkfifo(tmp_path / "probe.txt")

    with pytest.raises(ConfigError, match="start it in another folder"):  # noqa: SIM117
        with MadeFile.open(folder):
            pass


def test_link(tmp_path):
    """A link is not followed."""
    (tmp_path / "probe.txt").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError), MadeFile.open(tmp_path):
        pass

    assert not (tmp_path / "elsewhere").exists()


def test_marks(emulator, sandbox):
    """Its workflow has the title and a genuine stamp of the project key."""
    seen = []

    def look(_name):
        seen.extend(emulator.store.workflows.all())

    probed(sandbox, tell=look)

    assert {one.name for one in seen} == {TITLE}
    for one in seen:
        stamp = split_stamp(one.description, one.id)[1]
        assert stamp.is_genuine(one.id)
        assert f"ns:{NAMESPACE}/project:{PROJECT}/workflow:" in stamp.path
        kinds = {block["block_name"] for block in one.definition["blocks"]}
        assert kinds <= {*HARMLESS}


# -- Services that answer otherwise ----------------------------------------------------


class Odd(Sandbox):
    """A sandbox at a service that answers some requests otherwise.

    `refuse` says which bodies get which status; `rewrite` changes what is read back.
    """

    refuse = staticmethod(lambda _body: None)
    rewrite = staticmethod(lambda data: data)

    def send(self, method, path, query, body=None):
        reply = super().send(method, path, query, body)
        status = self.refuse(body) if body else None
        if status is not None:
            answer = evolve(reply.answer, status=status, content=b"{}")
            return evolve(reply, answer=answer)
        if method == "GET" and reply.object:
            content = json.dumps(self.rewrite(dict(reply.object))).encode()
            return evolve(reply, answer=evolve(reply.answer, content=content))
        return reply


def odd(connect, made, *, refuse=None, rewrite=None):
    sandbox = Odd(connect(), made, "odd")
    if refuse is not None:
        sandbox.refuse = refuse
    if rewrite is not None:
        sandbox.rewrite = rewrite
    return sandbox


def test_a_service_that_refuses_updates(connect, made, emulator):
    """If nothing but the creation is accepted, each answer says so."""
    sandbox = odd(connect, made, refuse=lambda body: None if "id" in body else 500)

    found = answers(probed(sandbox))

    assert found["stored-order"] == ("a plain graph is 500", "not seen")
    assert found["uuid-ids"] == ("a plain graph is 500", "not seen")
    assert found["missing-ids"] == ("500", "contradicted")
    assert found["other-ids"] == ("500", "contradicted")
    assert found["unknown-keys"] == ("500", "contradicted")
    assert found["row-kinds"] == ("rows of the right kind are 500", "not seen")
    assert found["untyped-webhook"][0] == "500, and so it is without them"
    assert found["partial-update"] == ("500", "contradicted")
    assert found["description-text"] == ("500", "contradicted")
    assert stored(emulator) == []


def reads_back(rewrite):
    """What a rewritten definition is, inside a whole answer."""

    def whole(data):
        return {**data, "workflow_definition": rewrite(data["workflow_definition"])}

    return whole


@pytest.mark.parametrize(
    ("rewrite", "name", "expected"),
    [
        (
            lambda graph: {**graph, "edges": []},
            "other-ids",
            ("replaced, but edges do not match", "contradicted"),
        ),
        (
            lambda graph: {
                **graph,
                "blocks": [
                    {**one, "block_id": None, "sequence_number": 9}
                    for one in graph["blocks"]
                ],
            },
            "missing-ids",
            ("kept", "contradicted"),
        ),
        (
            lambda graph: {
                **graph,
                "blocks": [{**one, "sequence_number": 9} for one in graph["blocks"]],
            },
            "same-numbers",
            ("saved, and renumbered", "contradicted"),
        ),
        (
            lambda graph: {
                **graph,
                "edges": [{**one, "condition": None} for one in graph["edges"]],
            },
            "condition",
            ("accepted, and dropped", "contradicted"),
        ),
        (
            lambda graph: {
                **graph,
                "blocks": [
                    {key: one[key] for key in one if key != "flow64_probe"}
                    for one in graph["blocks"]
                ],
            },
            "unknown-keys",
            ("kept in: body, graph, edge", "contradicted"),
        ),
        (
            lambda graph: {
                **graph,
                "blocks": [
                    {**one, "specs": {**one["specs"], "a b": 1, "mode": 2}}
                    for one in graph["blocks"]
                ],
            },
            "spec-defaults",
            ("filled in: deduplicate.mode, webhook.mode", "contradicted"),
        ),
    ],
)
def test_what_is_stored(rewrite, name, expected, connect, made):
    """What was stored is compared with what was sent."""
    sandbox = odd(connect, made, rewrite=reads_back(rewrite))

    assert answers(probed(sandbox))[name] == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (str.rstrip, "stripped at the end"),
        (lambda text: text.replace("\r\n", "\n"), "line ends are changed"),
        (lambda text: text.replace("&amp;", "&"), "changed in another way"),
        (lambda text: text[:60_000], "kept"),
    ],
)
def test_descriptions(change, expected, connect, made):
    """How a description is changed is said in words."""

    def rewrite(data):
        return {**data, "description": change(data["description"])}

    found = answers(probed(odd(connect, made, rewrite=rewrite)))

    assert found["description-text"][0] == expected
    if expected == "kept":
        cut = "60,000 characters; a longer one is cut"
        assert found["description-length"] == (cut, "contradicted")


def test_partial_update_that_empties(connect, made):
    """An update that loses what it does not name is noticed."""

    def rewrite(data):
        is_partial = data["description"].endswith("changed")
        return {**data, "name": "Untitled"} if is_partial else data

    found = answers(probed(odd(connect, made, rewrite=rewrite)))

    assert found["partial-update"] == ("no", "contradicted")


def test_other_organisations_that_see_and_write(connect, made, emulator, monkeypatch):
    """If an organisation can read and change what another has, that is said."""
    ours = odd(connect, made)
    theirs = odd(connect, made)  # the same key, so it can do both

    monkeypatch.setattr("flow64.doctor._questions._organisation", lambda _: [uuid4()])
    found = answers(probed(ours, theirs))

    assert found["foreign-id"] == ("it can be read", "contradicted")
    assert found["id-scope"][0].endswith("and it changes the workflow of the other")
    assert stored(emulator) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": str(uuid4())}, "the answer is about another workflow"),
        ({"updated_at": "soon"}, "a probe elsewhere may be using it"),
        ({"updated_at": "2020-01-01T00:00:00"}, "a probe elsewhere may be using it"),
        ({"updated_at": None}, "a probe elsewhere may be using it"),
        ({"description": None}, "it has no stamp"),
    ],
)
def test_doubtful_remains(change, reason, emulator, connect, made):
    """In doubt, a workflow stays."""
    probe_id = ProbeId()
    put(emulator, connect(), description=probe_id.stamp, id=probe_id)
    grow_old(emulator, str(probe_id))
    sandbox = odd(connect, made, rewrite=lambda data: {**data, **change})

    found = sandbox.find_remains()

    assert found.ours == []
    assert reason in found.kept[str(probe_id)]


def test_remains_that_cannot_be_read(emulator, connect, made):
    """A workflow that cannot be read stays, and stays noted."""
    sandbox = Sandbox(connect(), made, "prod")
    left = sandbox.use(ProbeId())
    put(emulator, connect(), id=left)
    emulator.faults.add(Fault("status_before", status=500, after=1))

    found = sandbox.find_remains()

    assert (found.ours, found.kept) == ([], {})
    assert made.entries() == [("prod", left)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("is_empty", [False, True])
def test_wrong_organisation(which, is_empty, emulator, sandbox, second):
    """If a credential belongs to another organisation, it ends, and cleans up."""
    emulator.switches = Switches(ids_per_organisation=True)
    box = (sandbox, second)[which]
    box.expected = "org_of_prod"
    there = [] if is_empty else [put(emulator, box.client, name="Leads")]

    result = probed(sandbox, second)

    assert "another organisation than org_id says" in result.problem
    assert (stored(emulator), result.left) == (there, [])
    assert len(result.answers) < (2 if which == 0 or not is_empty else 19)
