"""Pulling: what is live becomes a folder that is planned and deployed like code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from flow64 import LEAD, RawBlock, Workflow, errors
from flow64.api.calls import delete_workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.definition import EMPTY, FrozenDict, Values, loads, split_stamp
from flow64.deploy.apply import apply_plan
from flow64.deploy.history import History
from flow64.deploy.make import make_plan
from flow64.deploy.target import target_of
from flow64.emulator import Emulator
from flow64.loading import read_live
from flow64.loading.pull import KnownValue, make_pull
from flow64.manifest import (
    MANIFEST,
    Manifest,
    name_parts,
    read_content,
    read_manifest,
    write_all,
)
from tests.deploy.planned import ENDPOINT, Commits, service
from tests.service.support import GROWTH, leads

KEY = "sk_live_not_a_real_key_SENTINEL"
WEB_HOOK = f"https://example.com/hooks?token={KEY}"


@pytest.fixture
def here():
    with service() as found:
        yield found


def made(title, *, url="https://example.com/hook", **fields):
    """A workflow as the web editor makes it: no key of ours, no stamp."""
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> FindEmail(**fields)
        >> OutgoingWebhook(url=url)
    )
    number = "".join(f"{ord(letter):02x}" for letter in title)[-12:].rjust(12, "0")
    workflow_id = f"11111111-1111-4111-8111-{number}"
    return evolve(Workflow(title, flow, key=title or "-").compile(), id=workflow_id)


def pulled(here, folder, env="prod", **options):
    """Pull into a folder, as the command does."""
    found = read_live(here.client)
    before = read_manifest(folder / MANIFEST) or Manifest()
    pull = make_pull(found, env, before, **options)
    write_all(folder, pull.texts(before, [path.name for path in folder.glob("*")]))
    return pull


def read(folder):
    """The workflows of a folder, each with its entry."""
    manifest = read_manifest(folder / MANIFEST)
    return [
        (entry.read(read_content(folder / file), folder / file), entry)
        for file, entry in manifest.files.items()
    ]


def planned(here, folder, env="prod", **values):
    targets = [
        target_of(
            workflow,
            env,
            values or None,
            git=Commits(),
            key="/".join(name_parts(workflow.identity)),
            pulled=entry.stamp_in(env),
        )
        for workflow, entry in read(folder)
    ]
    facts = {"endpoint": ENDPOINT, "git": Commits(), "values": Values(values)}
    return make_plan(here.session, targets, env=env, **facts)


def states(plan):
    return {step.key: step.state for step in plan.steps}


def test_schedules_stand_in_the_manifest(here, tmp_path):
    """Those of people too: the folder is the code from then on."""
    workflow_id = here.write(made("Timed"))
    facts = {"timezone": "Europe/Berlin", "is_active": False}
    here.client.schedules.create(workflow_id, "weekdays", "0 9 * * 1-5", **facts)

    pulled(here, tmp_path)
    plan = planned(here, tmp_path)
    apply_plan(here.session, plan, history=History(tmp_path / "history"))

    entries = json.loads((tmp_path / MANIFEST).read_text())["files"].values()
    texts = [entry["schedules"] for entry in entries]
    assert texts == [{"weekdays": "0 9 * * 1-5 Europe/Berlin paused"}]
    assert (plan.steps[0].state, plan.steps[0].needs) == ("update", ())
    assert planned(here, tmp_path).is_empty


# -- Twenty workflows on the first day -------------------------------------------------


@pytest.mark.slow
def test_twenty_workflows_of_the_web_editor(here, tmp_path):
    """Adopted, reviewed, and drift is seen: the folder is like code from then on."""
    ids = {here.write(made(f"Workflow {n}")) for n in range(20)}
    before = {one.id: here.client.workflows.get(one.id) for one in listed(here)}
    here.asked()

    pull = pulled(here, tmp_path)

    assert here.asked() == [
        "GET /workflows",
        *(f"GET /workflows/{workflow_id}" for workflow_id in _in_order(here, ids)),
        "GET /schedules",
    ]
    assert {one.id for one in pull.workflows} == ids
    assert pull.refused == []

    first = planned(here, tmp_path)

    assert {step.state for step in first.steps} == {"update"}
    assert {step.action for step in first.steps} == {"stamp"}

    here.asked()
    history = History(tmp_path / "history")
    result = apply_plan(here.session, first, history=history)
    writes = [asked for asked in here.asked() if asked.startswith("POST")]

    assert len(result.outcomes) == 20
    assert {write.split("?")[0] for write in writes} == {
        "POST /workflows/update_workflow"
    }
    assert len(writes) == 20
    for workflow_id, was in before.items():
        now = here.client.workflows.get(workflow_id)
        assert now.definition == was.definition
        assert split_stamp(now.description, workflow_id)[1] is not None

    assert set(states(planned(here, tmp_path)).values()) == {"unchanged"}

    here.edit(_id("Workflow 3"), name="Workflow 3, by hand")
    (file,) = [one.file for one in pull.workflows if one.name == "Workflow 7"]
    text = (tmp_path / file).read_text("utf-8")
    ours = text.replace("https://example.com/hook", "https://example.com/other")
    (tmp_path / file).write_text(ours, "utf-8")
    here.client.workflows.delete(_id("Workflow 5"))

    then = planned(here, tmp_path)

    told = {key: state for key, state in states(then).items() if state != "unchanged"}
    assert told == {
        "workflow-3": "drifted",
        "workflow-5": "new",
        "workflow-7": "update",
    }
    assert {step.key: step for step in then.steps}["workflow-5"].refusal


def _id(title):
    return str(made(title).id)


def listed(here):
    return here.client.workflows.list()


def _in_order(here, ids):
    found = [one.id for one in listed(here) if one.id in ids]
    here.asked()
    return found


def test_edit_between_pull_and_first_deploy_is_drift(here, tmp_path):
    """It is compared with the fingerprint of the pull, without a stamp."""
    workflow_id = here.write(made("Leads", mode="PROFESSIONAL"))
    pulled(here, tmp_path)
    here.edit(workflow_id, specs={"find_email": {"mode": "PERSONAL"}})

    (step,) = planned(here, tmp_path).steps

    assert (step.state, step.needs) == ("drifted", ("force",))


def test_file_that_was_edited_before_the_first_deploy(here, tmp_path):
    """It is an update, and no edit is overwritten."""
    here.write(made("Leads"))
    pulled(here, tmp_path)
    file = tmp_path / "leads.json"
    file.write_text(file.read_text("utf-8").replace("/hook", "/other"), "utf-8")

    (step,) = planned(here, tmp_path).steps

    assert (step.state, step.action) == ("update", "update")


def test_elsewhere_it_is_new(here, tmp_path):
    """A workflow that is pinned in one environment is new in another one."""
    here.write(made("Leads"))
    pulled(here, tmp_path)

    (step,) = planned(here, tmp_path, env="staging").steps

    assert step.state == "new"
    assert read(tmp_path)[0][1].stamp_in("staging") is None


def test_gone_meanwhile(here):
    """A workflow that is deleted after the list is left out."""
    ids = [here.write(made(title)) for title in ("Leads", "Others")]
    delete_workflow(here.client.session, ids[0])

    assert [live.name for live in read_live(here.client, ids)] == ["Others"]


# -- Names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "file"),
    [
        ("Leads: new!", "leads-new.json"),
        ("../../x", "x.json"),
        ("/etc/x", "etc-x.json"),
        ("CON", "con.json"),
        ("flow64", "flow64@@2850855b94e8.json"),
        ("", "workflow.json"),
        ("?!", "workflow.json"),
        ("x" * 300, "x" * 80 + ".json"),
        ("Füße", "f%C3%BC%C3%9Fe.json"),
    ],
)
def test_file_of_a_title(title, file):
    """Safe everywhere, and right in the folder."""
    (one,) = make_pull([evolve(made("w"), name=title)], "prod").workflows

    assert one.file == file


def test_twins_get_files_of_their_own(here, tmp_path):
    """Also those that differ in the case of letters alone; always the same ones."""
    ids = [f"{n}{'1' * 7}-1111-4111-8111-111111111111" for n in range(4)]
    titles = ["Leads", "leads", "ÉÈ", "éè"]
    found = [
        evolve(made("w"), name=title, id=workflow_id)
        for title, workflow_id in zip(titles, ids, strict=True)
    ]

    files = {one.id: one.file for one in make_pull(found, "prod").workflows}

    assert files == {
        one.id: one.file for one in make_pull(found[::-1], "prod").workflows
    }
    assert len({file.casefold() for file in files.values()}) == 4


def test_known_file_is_kept(here, tmp_path):
    """A second pull gives a workflow its file, and a twin of it another one."""
    here.write(made("Leads"))
    pulled(here, tmp_path)
    here.edit(_id("Leads"), name="Renamed")
    twin = "22222222-1111-4111-8111-111111111111"
    here.write(evolve(made("Leads"), id=twin))

    pull = pulled(here, tmp_path)

    files = {one.id: one.file for one in pull.workflows}
    assert files == {_id("Leads"): "leads.json", twin: "leads-22222222.json"}
    assert states(planned(here, tmp_path)) == {
        "leads": "update",
        "leads-22222222": "update",
    }


# -- Keys in specs ---------------------------------------------------------------------


def test_key_stops_a_pull_until_it_is_a_value(here, tmp_path):
    """F26: it is written nowhere; as a value of the environment it is recognised."""
    here.write(made("Leads", url=WEB_HOOK))

    (refused,) = pulled(here, tmp_path).refused
    pull = pulled(
        here, tmp_path, known_values=[KnownValue("hook", WEB_HOOK, [WEB_HOOK])]
    )

    assert "outgoing_webhook (" in refused.problem
    assert ") at /url holds what looks like a key" in refused.problem
    everything = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    assert "SENTINEL" not in everything + repr(pull) + repr(refused)
    assert planned(here, tmp_path).unset == ["hook"]
    (step,) = planned(here, tmp_path, hook=WEB_HOOK).steps
    assert (step.state, step.action) == ("update", "stamp")
    (step,) = planned(here, tmp_path, hook="https://example.com/o").steps
    assert (step.state, step.action) == ("update", "update")


def with_specs(**specs):
    block = RawBlock("custom", specs=specs, key="custom")
    return evolve(
        Workflow("Leads", Webhook(LEAD) >> block, key="leads").compile(),
        id="11111111-1111-4111-8111-111111111111",
    )


def _frozen(data):
    from flow64.definition import Freezer, unchanged

    made_ = Freezer([].append, read_marker=unchanged, is_code=False).freeze(data)
    assert isinstance(made_, FrozenDict)
    return made_


# -- What no file can hold -------------------------------------------------------------


def _changed(**what):
    return evolve(with_specs(a=1), **what)


def _with_extra(**extra):
    definition = with_specs(a=1)
    block = definition.blocks[-1]._replace(extra=FrozenDict(extra))
    return evolve(definition, blocks=(*definition.blocks[:-1], block))


@pytest.mark.parametrize(
    ("live", "problem"),
    [
        (_changed(description=f"key:\n{KEY}"), "holds what looks like a key"),
        (_changed(name=KEY), "holds what looks like a key"),
        (_with_extra(note=[{"x": KEY}]), "holds what looks like a key"),
        (
            _with_extra(note=_frozen({"flow64:value": "x"})),
            "cannot write and read all of it",
        ),
        (_changed(description="\udc80"), "cannot write and read all of it"),
        (_changed(id="42"), "its id is not a UUID"),
    ],
    ids=range(6),
)
def test_refused(live, problem):
    """It is reported, without the key, and nothing is lost."""
    pull = make_pull([live, made("Other")], "prod")

    (refused,) = pull.refused
    assert problem in refused.problem
    assert "SENTINEL" not in repr(pull)
    assert [one.name for one in pull.workflows] == ["Other"]


def test_what_an_answer_says_beside_it_stays_there():
    """Undocumented members of an answer are not part of the create body."""
    (one,) = make_pull([_changed(extra=FrozenDict(version=3))], "prod").workflows

    assert loads(one.text).extra == EMPTY
    assert "version" not in json.loads(one.text)


# -- Workflows that have a stamp -------------------------------------------------------


def test_workflow_of_a_project(here, tmp_path):
    """It is pulled, pinned and named as in its code, with the path of its stamp."""
    workflow_id = here.put(leads(), env="prod")

    pull = pulled(here, tmp_path)

    (one,) = pull.workflows
    assert one.file == "leads.json"
    assert read(tmp_path)[0][0].id("prod") == workflow_id
    (step,) = planned(here, tmp_path).steps
    path = step.target.stamp.path
    assert (step.state, path.rpartition("/")[2]) == ("update", f"pin:{workflow_id}")
    assert GROWTH.key not in (tmp_path / MANIFEST).read_text("utf-8")


def test_copy_is_nobodys(here, tmp_path):
    """The stamp of another workflow says nothing of this one, and is not written."""
    here.emulator.copy(here.put(leads(), env="prod"))

    pull = pulled(here, tmp_path)

    assert len(pull.workflows) == 2
    assert all("[flow64:1" not in one.text for one in pull.workflows)


def test_over_sockets(tmp_path):
    """It also works with a client over a socket."""
    from flow64 import Client

    with (
        Emulator() as emulator,
        Client("sk_test_not_a_real_key", base_url=emulator.url, journal=None) as client,
    ):
        client.workflows.create(made("Leads"))
        pull = make_pull(read_live(client), "prod")

    assert [one.file for one in pull.workflows] == ["leads.json"]


def test_path_is_a_folder(tmp_path):
    """A failed write is reported, and leaves no part of a file."""
    (tmp_path / "leads.json").mkdir()

    with pytest.raises(errors.SourceError, match="cannot be written"):
        write_all(tmp_path, {"leads.json": "{}"})

    assert [path.name for path in Path(tmp_path).iterdir()] == ["leads.json"]
