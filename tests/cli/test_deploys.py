"""`flow64 plan`, `deploy` and `restore`: what they print, write and return."""

from __future__ import annotations

import json
from pathlib import Path

from flow64 import Client
from flow64.deploy.writing import Write
from tests.cli.pipelines import SPENDING, commit_all, deployed, retitled


def edit(service, **what):
    with Client(journal=None) as client:
        (info,) = client.workflows.list()
    service.edit(info.id, **what)


# -- Plan ------------------------------------------------------------------------------


def test_plan_reads_and_says_in_every_form_what_changes(service, leads, flow64):
    flow64("deploy", "leads.py", "--yes")
    quiet = flow64("plan", "leads.py", "--exit-code")
    retitled(leads)
    service.requests.clear()

    code, text, _ = flow64("plan", "leads.py", "--exit-code")

    assert quiet[:2] == (0, "default: 1 unchanged\n")
    assert (code, text.splitlines()[0]) == (2, "default: 1 update")
    for form in ("markdown", "html", "json"):
        assert "New leads" in flow64("plan", "leads.py", "--format", form)[1]
    assert {seen.method for seen in service.requests} == {"GET"}


def test_old_names_are_read_in_git_and_keep_all(service, write, flow64, namespace):
    """Of the deployed commit, also if the project was renamed with them."""
    flow = "Webhook(LEAD) >> FindEmail().scoped('old')"
    source = write(f"w = made('w', {flow})")
    commit_all()
    flow64("deploy", source, "--yes")
    write(f"w = made('w', {flow.replace('old', 'new')})")
    lines = flow64("plan", source)[1].splitlines()

    file = Path(source)
    file.write_text(file.read_text("utf-8").replace('"growth"', '"sales"'), "utf-8")
    both = flow64("plan", source)[1].splitlines()
    was = f'"sales", was="{namespace}/growth"'
    code = file.read_text("utf-8").replace('"sales"', was)
    file.write_text(code.replace("'new'", "'new', was='old'"), "utf-8")

    scope = 'to keep ids  w: was="old" in scope new'
    assert scope in lines
    assert f'to keep ids  w: was="{namespace}/growth" in project sales' in both
    assert scope in both
    assert flow64("plan", source)[1] == "default: 1 unchanged\n"


def test_errors_of_workflows_make_no_plan(service, write, flow64):
    source = write("w = made('bad', Webhook(LEAD) >> FindEmail(mode='X'))")

    for command in (["plan"], ["deploy", "--yes"]):
        code, printed, told = flow64(*command, source)
        assert (code, printed) == (1, "")
        assert "unknown-word" in told
    assert deployed() == []


def test_saved_plan_is_applied_once_and_refused_after_a_change(service, leads, flow64):
    """It knows what it is made of."""
    saved = flow64("plan", "leads.py", "-o", "plan.json")
    first = flow64("deploy", "--plan", "plan.json", "--yes")
    again = flow64("deploy", "--plan", "plan.json", "--yes")
    retitled(leads)
    other = flow64("deploy", "--plan", "plan.json", "--yes")
    with_source = flow64("deploy", "leads.py", "--plan", "plan.json", "--yes")

    assert "flow64 deploy --plan plan.json" in saved[2]
    assert (first[0], first[1].split()[0]) == (0, "created")
    assert (again[0], again[1]) == (0, "")
    assert "applied already" in again[2]
    assert other[0] == 3
    assert "the code has changed" in other[2]
    assert with_source[0] == 64
    assert deployed() == ["Inbound leads"]


# -- Deploy ----------------------------------------------------------------------------


def test_exit_code_says_if_anything_was_written(service, write, flow64, monkeypatch):
    """Here the workflow was, and then somebody edits its schedule."""

    def timed(version):
        times = f"schedules=[Schedule('daily', '{version} 0 29 2 *')]"
        flow = f"w = made('w', Webhook(LEAD), title='{version}', {times})"
        return write(f"from flow64 import Schedule\n{flow}")

    flow64("deploy", timed(0), "--yes")
    run = Write.run

    def write_and_edit(self):
        run(self)
        with Client(journal=None) as client:
            (live,) = client.schedules.list()
            client.schedules.update(live.id, is_active=False)

    monkeypatch.setattr(Write, "run", write_and_edit)
    code, printed, told = flow64("deploy", timed(1), "--yes")

    assert (code, deployed()) == (1, ["1"])
    assert "schedule daily" in told
    assert ".flow64/history" in printed


def test_drift_is_refused_forced_or_skipped(service, leads, flow64):
    flow64("deploy", "leads.py", "--yes")
    edit(service, name="By hand")

    refused = flow64("deploy", "leads.py", "--yes")
    skipped = flow64("deploy", "leads.py", "--yes", "--skip-drifted")
    misspelled = flow64("deploy", "leads.py", "--yes", "--force", "inbund")
    names = deployed()
    forced = flow64("deploy", "leads.py", "--yes", "--force", "inbound")

    assert refused[0] == 3
    assert "needs  --force inbound to " in refused[2]
    assert "on the service, lost with --force" in refused[2]
    assert skipped[0] == 0
    assert (misspelled[0], "inbound" in misspelled[2]) == (64, True)
    assert names == ["By hand"]
    assert (forced[0], deployed()) == (0, ["Inbound leads"])


def test_what_buys_needs_consent(service, write, flow64):
    source = write(SPENDING)

    refused = flow64("deploy", source, "--yes")
    bought = flow64("deploy", source, "--yes", "--allow-spend", "buys")

    assert refused[0] == 3
    assert "buys   + search when it is created" in refused[2]
    assert "needs  --allow-spend buys" in refused[2]
    assert (bought[0], deployed()) == (0, ["buys"])


def test_misspelled_environment_makes_no_second_set(service, leads, flow64):
    """Also if no environment is configured, so that any name is one."""
    flow64("deploy", "leads.py", "--yes")

    refused = flow64("deploy", "leads.py", "-e", "prdo", "--yes")

    assert (refused[0], deployed()) == (3, ["Inbound leads"])
    assert "needs --create inbound" in refused[2]


def test_prune_takes_the_number_of_orphans(service, write, flow64):
    five = "w = [made(key, Webhook(LEAD), title=f'{key} one') for key in 'abcde']"
    source = write(five)
    flow64("deploy", source, "--yes")
    write("w = made('a', Webhook(LEAD), title='a one')")

    kept = flow64("deploy", source, "--yes")
    wrong = flow64("deploy", source, "--yes", "--prune=3")
    part = flow64("deploy", source, "--select", "a", "--yes", "--prune=4")
    count = len(deployed())
    done = flow64("deploy", source, "--yes", "--prune=4")

    assert "--prune=4" in kept[2]
    assert (kept[0], wrong[0], part[0], count) == (0, 3, 64, 5)
    assert (done[0], deployed()) == (0, ["a one"])


def test_json_of_a_deploy(service, leads, flow64):
    code, printed, _ = flow64("deploy", "leads.py", "--yes", "--json")
    edit(service, name="By hand")
    refused = flow64("deploy", "leads.py", "--yes", "--json")

    done, data = json.loads(printed), json.loads(refused[1])
    assert (code, done["workflows"][0]["outcome"]) == (0, "created")
    assert (refused[0], data["error"]["type"]) == (3, "ConsentError")
    assert data["plan"]["workflows"][0]["needs"]


# -- Restore ---------------------------------------------------------------------------


def test_restore_lists_and_brings_back_the_version_it_names(service, leads, flow64):
    flow64("deploy", "leads.py", "--yes")
    retitled(leads)
    flow64("deploy", "leads.py", "--yes")

    listed = flow64("restore")
    (entry,) = json.loads(flow64("restore", "inbound", "--json")[1])["entries"]
    done = flow64("restore", "inbound", entry["at"], "--yes")
    again = flow64("restore", "inbound", entry["at"], "--yes")
    unknown = flow64("restore", "inbund")

    assert "inbound" in listed[1]
    assert (entry["replaced_by"], Path(entry["file"]).is_file()) == ("update", True)
    assert (done[0], deployed()) == (0, ["Inbound leads"])
    assert (again[0], again[1]) == (0, "")
    assert unknown[0] == 64
    assert flow64("restore", "inbound", "1999", "--yes")[0] == 64


def test_restore_overwrites_a_schedule_that_people_edited_by_consent(
    service, leads, flow64
):
    text = leads.read_text("utf-8").replace("key=", "schedules=[daily], key=")
    daily = 'from flow64 import Schedule\ndaily = Schedule("daily", "0 1 29 2 *")\n'
    leads.write_text(daily + text, "utf-8")
    flow64("deploy", "leads.py", "--yes")
    retitled(leads)
    flow64("deploy", "leads.py", "--yes")
    with Client(journal=None) as client:
        (live,) = client.schedules.list()
        client.schedules.update(live.id, is_active=False)

        refused = flow64("restore", "inbound", "2", "--yes")
        done = flow64("restore", "inbound", "2", "--yes", "--force", "inbound")

        assert (refused[0], "--force inbound" in refused[2]) == (3, True)
        assert done[0] == 0
        assert client.schedules.get(live.id).is_active
