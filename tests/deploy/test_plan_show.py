"""How plans read: a golden text and golden JSON for each state.

`make golden` writes what is expected anew.
"""

# ruff: noqa: E501 - golden text is as wide as it is

from __future__ import annotations

import json
import re

import pytest
from inline_snapshot import snapshot

from flow64.deploy import Agreement, as_data, as_text
from tests.deploy import planned as at
from tests.deploy.planned import service

IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MADE_UP = "11111111-1111-4111-8111-111111111111"


def steady(text):
    """A text whose random ids, of copies and runs, are told apart and not shown."""
    found = dict.fromkeys(IDS.findall(text))
    found.pop(MADE_UP, None)
    for number, name in enumerate(found, 1):
        text = text.replace(name, f"<id {number}>").replace(name[:8], f"<{number}>")
    return text


def plan_of(arrange):
    with service(speed=60.0 if arrange is at.at_work else 0.0) as here:
        wanted, options = arrange(here)
        return here.plan(*wanted, **options)


def text_of(arrange):
    return steady(as_text(plan_of(arrange)))


def data_of(arrange):
    """The data, proved to be JSON."""
    data = as_data(plan_of(arrange))
    text = steady(json.dumps(data, ensure_ascii=False))
    return json.loads(text)


TEXTS = snapshot(
    {
        "new": """\
plan for environment default at http://127.0.0.1 (2 requests)
asked of you: agree to the change, and at most $50 per 1,000 input rows
what changes: 1 workflow will be created (leads)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    at most $50, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

+ leads: will be created
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    it is not on the service yet
    what follows:
        output columns
            + email
            + email_status: str
            + unknown columns
    blocks: webhook, find_email, outgoing_webhook
    costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com
    cost per 1,000 input rows: at most $50
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "new_by_title": """\
plan for environment default at http://127.0.0.1 (2 requests)
asked of you:
    agree to the change, and an unknown amount per 1,000 input rows
    agree to what found-people spends at deploy
what changes: 1 workflow will be created (found-people)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    an unknown amount
    found-people spends at deploy
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

+ found-people: will be created
    Found people (4dadc2f8-6be7-532e-a793-b5712d4b02c3)
    it is not on the service yet
    its key is made of its title: another title is another workflow
    what follows:
        output columns
            + email
            + email_status: str
            + unknown columns
        findings
            + note first-block-not-webhook (search): it begins with search, and sources disagree on starting it by API
            + note key-from-title: its key is made from its title, so a new title is a new workflow
            + warning auto-execute (search): auto_execute buys as soon as the workflow is created, before any run
    blocks: search, find_email
    spends as soon as it is created: search; costs credits in each run: search, find_email
    cost per 1,000 input rows: find_email $0.05 a row, for an unknown number of rows + unknown for search
    spends as soon as it is written: search buys at creation; to allow it, add --allow-spend found-people
    in tests/deploy/planned.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --allow-spend found-people --yes
""",
        "absent": """\
plan for environment default at http://127.0.0.1 (2 requests)
asked of you:
    change the code of leads
    until then nothing is deployed
what changes: 1 workflow is pinned to a workflow that is not on the service (leads)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    unchanged
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

! leads: absent: is pinned to a workflow that is not on the service; this stops the deploy of all workflows: choose an option below
    Leads (11111111-1111-4111-8111-111111111111)
    it is pinned to a workflow that is not there, or that is not shown to you
    in tests/deploy/planned.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads: what it is pinned to is missing
    1. correct the pin, or remove it so that a new workflow is created
""",
        "unchanged": """\
plan for environment default at http://127.0.0.1 (1 request): nothing changes (1 of 1 unchanged)

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand
""",
        "unmanaged": """\
plan for environment default at http://127.0.0.1 (1 request)
asked of you: nothing; no deploy is needed
what changes: nothing (1 of 1 unchanged)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows: unchanged
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

· leads: unchanged
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    left as it is, not set by code: find_email (362c3001).tier
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: nothing has to be deployed
""",
        "update": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you: agree to the change, and at most $150 more per 1,000 input rows
what changes:
    1 workflow will change (leads)
    find_email: mode: "PROFESSIONAL" → "PERSONAL"
    the output gains the column personal_email; outgoing_webhook gets it too, and posts to https://example.com
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    at most $50 → $200 (+$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

~ leads: will change
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    what changes:
        block find_email
            ~ mode: "PROFESSIONAL" → "PERSONAL"
    what follows:
        output columns
            + personal_email
    cost per 1,000 input rows: at most $50 → $200 (+$150)
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "at_work": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you: agree to the change, and at most $150 more per 1,000 input rows
what changes:
    1 workflow will change (leads)
    find_email: mode: "PROFESSIONAL" → "PERSONAL"
    the output gains the column personal_email; outgoing_webhook gets it too, and posts to https://example.com
    1 schedule will run the changed version: Weekly (every Monday 09:00 UTC)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    at most $50 → $200 (+$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    how many rows the schedule brings
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

~ leads: will change
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    what changes:
        block find_email
            ~ mode: "PROFESSIONAL" → "PERSONAL"
    what follows:
        output columns
            + personal_email
    cost per 1,000 input rows: at most $50 → $200 (+$150)
    1 active schedule: Weekly (every Monday 09:00 UTC)
    1 run in flight: <id 1> (running)
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "drifted": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 overwrite the edit, 2 deploy nothing or 3 keep the edit
    until then nothing is deployed
what changes: 1 workflow was edited on the service since the last deploy (leads)
breaks or is lost:
    if you overwrite leads: the service loses title: "Renamed by hand"
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $50, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what was edited on the service (1 workflow)
    what the blocks return (a plan starts no run)

! leads: drifted: was edited on the service since the last deploy; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    the code would change:
        ~ title: "Renamed by hand" → "Leads"
    cost per 1,000 input rows: unchanged, at most $50
    not checked: cannot show the edit: the last deployed version was not found
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads was edited on the service (drifted)
    1. overwrite it with the code. flow64 restore leads --env default brings back what is overwritten on the service:
        - leads: title: "Renamed by hand"
        flow64 deploy --env default --force leads
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "drifted_with_base": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 overwrite the edit, 2 deploy nothing or 3 keep the edit
    until then nothing is deployed
what changes: 1 workflow was edited on the service since the last deploy (leads)
breaks or is lost:
    if you overwrite leads: the service loses title: "Renamed by hand"
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $50, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

! leads: drifted: was edited on the service since the last deploy; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    the code would change:
        ~ title: last deploy "Leads" · service now "Renamed by hand" · code "Leads"
    cost per 1,000 input rows: unchanged, at most $50
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads was edited on the service (drifted)
    1. overwrite it with the code. flow64 restore leads --env default brings back what is overwritten on the service:
        - leads: title: "Renamed by hand"
        flow64 deploy --env default --force leads
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        - leads keeps title: "Renamed by hand"
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "conflict": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 overwrite the edit, 2 deploy nothing or 3 keep the edit
    until then nothing is deployed
what changes:
    1 workflow changes in the code, and was also edited on the service (leads)
    if you overwrite leads: the output gains the column personal_email; outgoing_webhook gets it too, and posts to https://example.com
breaks or is lost:
    if you overwrite leads: the service loses title: "Renamed by hand"
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    at most $50 → $200 (+$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

! leads: conflict: changes in the code, and was also edited on the service; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    the code would change:
        ~ title: last deploy "Leads" · service now "Renamed by hand" · code "Leads"
        block find_email
            ~ mode: "PROFESSIONAL" → "PERSONAL"
    what follows:
        output columns
            + personal_email
    cost per 1,000 input rows: at most $50 → $200 (+$150)
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads was edited on the service (drifted)
    1. overwrite it with the code. flow64 restore leads --env default brings back what is overwritten on the service:
        - leads: title: "Renamed by hand"
        flow64 deploy --env default --force leads
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        - leads keeps title: "Renamed by hand", and gets mode: "PERSONAL"
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "converged": """\
plan for environment default at http://127.0.0.1 (1 request)
asked of you: agree to the change
what changes: 1 workflow will only get its stamp (leads)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $200, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

= leads: will only get its stamp
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    it is what the code says, and its stamp does not say so
    cost per 1,000 input rows: unchanged, at most $200
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "adopted": """\
plan for environment default at http://127.0.0.1 (1 request)
asked of you: agree to the change
what changes: 1 workflow will only get its stamp (leads)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $50, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

= leads: will only get its stamp
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    it is what the code says, and no code of yours deployed it
    cost per 1,000 input rows: unchanged, at most $50
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "behind": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 update this code, 2 overwrite it, 3 deploy nothing or 4 let every branch deploy
    until then nothing is deployed
what changes: 1 workflow was deployed by newer code (leads)
breaks or is lost: if you overwrite leads: the output loses the column personal_email; outgoing_webhook no longer gets it; the service loses mode: "PERSONAL" (block find_email)
cost per 1,000 input rows:
    at most $200 → $50 (-$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

! leads: behind: was deployed by newer code; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    newer code, or that of another branch, deployed it
    your code is not built on commit bbbbbbbbbbbb that deployed it
    the code would change:
        block find_email
            ~ mode: "PERSONAL" → "PROFESSIONAL"
    what follows:
        output columns
            - personal_email
    cost per 1,000 input rows: at most $200 → $50 (-$150)
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads was deployed by newer code, or by another branch
    1. bring this code up to that commit, and plan again:
        git pull
    2. overwrite it with the code. flow64 restore leads --env default brings back what is overwritten on the service:
        - leads: mode: "PERSONAL" (block find_email)
        flow64 deploy --env default --allow-behind leads
    3. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    4. let every branch deploy there, from now on: in pyproject.toml, [tool.flow64.environments.default]:
        branches = true
""",
        "foreign": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 overwrite it, 2 deploy nothing or 3 keep it
    until then nothing is deployed
what changes: 1 workflow was not deployed by this code (leads)
breaks or is lost: if you overwrite leads: the output loses the column personal_email; outgoing_webhook no longer gets it; the service loses mode: "PERSONAL" (block find_email)
cost per 1,000 input rows:
    at most $200 → $50 (-$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

! leads: foreign: was not deployed by this code; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    no code of yours deployed it, and it is not what the code says
    the code would change:
        block find_email
            ~ mode: "PERSONAL" → "PROFESSIONAL"
    what follows:
        output columns
            - personal_email
    cost per 1,000 input rows: at most $200 → $50 (-$150)
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads was not deployed by this code
    1. overwrite it with the code. flow64 restore leads --env default brings back what is overwritten on the service:
        - leads: mode: "PERSONAL" (block find_email)
        flow64 deploy --env default --force leads
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "orphan": """\
plan for environment default at http://127.0.0.1 (4 requests)
asked of you: nothing; no deploy is needed
what changes: 1 workflow is on the service and no longer in the code (gone)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows: unchanged
not checked: what the blocks return (a plan starts no run)

· gone: orphan: is on the service and no longer in the code; it stays there
    Gone (73686e8d-5f18-56e7-a44f-a508af759c46)
    no longer in the code

next: nothing has to be deployed; to delete 1 workflow that is no longer in the code, with history and schedules:
    flow64 deploy --env default --prune=1
""",
        "pruned": """\
plan for environment default at http://127.0.0.1 (4 requests)
asked of you: agree to the change
what changes: 1 workflow will be deleted (gone)
breaks or is lost: gone: deleted, with its history and schedules
cost per 1,000 input rows:
    unchanged
    the deploy itself spends nothing
not checked: what the blocks return (a plan starts no run)

- gone: orphan: is on the service and no longer in the code; will be deleted
    Gone (73686e8d-5f18-56e7-a44f-a508af759c46)
    no longer in the code

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --prune=1 --yes
""",
        "pinned_orphan": """\
plan for environment default at http://127.0.0.1 (2 requests)
asked of you: nothing; no deploy is needed
what changes: 1 workflow is on the service and no longer in the code (leads)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows: unchanged
not checked: what the blocks return (a plan starts no run)

· leads: orphan: is on the service and no longer in the code; it stays there
    Leads (11111111-1111-4111-8111-111111111111)
    no longer in the code
    it is pinned: prune never takes it

next: nothing has to be deployed
""",
        "copy": """\
plan for environment default at http://127.0.0.1 (2 requests)
asked of you: nothing; no deploy is needed
what changes:
    1 workflow is a copy made on the service (leads (copy))
    1 of 2 unchanged
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows: unchanged
not checked: what the blocks return (a plan starts no run)

· leads (copy): copy: is a copy made on the service
    Leads (copy) (<id 1>)
    it carries the stamp of another workflow, so it is a copy of that

next: nothing has to be deployed
""",
        "renamed": """\
plan for environment default at http://127.0.0.1 (5 requests)
asked of you:
    old → new: choose 1 renamed or 2 a second workflow
    until then nothing is deployed
what changes: old is gone from the code, and new is new and otherwise the same: renamed, or a second workflow?
breaks or is lost:
    if new is a second workflow: it starts without history and schedules; old stays on the service and keeps running
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    renamed: unchanged, at most $50; a second workflow: at most $50 for each of the two, if every row reaches every block
    the deploy itself spends nothing
not checked: what the blocks return (a plan starts no run)

! old → new: may be a rename, or a second workflow; this stops the deploy of all workflows: choose an option below
    Leads (85130e7b-91ba-562f-bcaf-40fc3111aa13; as a second workflow 0448b51f-dc97-543b-8b1b-1b75e2a59385)
    apart from the key, nothing differs
    cost per 1,000 input rows: renamed: unchanged, at most $50; a second workflow: at most $50 for each of the two
    in tests/service/support.py

to decide: old → new: renamed, or a second workflow?
    1. renamed: it keeps its id, history and schedules. Write this into Workflow(...), and the next plan asks nothing more:
        was="old"
    2. a second workflow: new gets a new id, without history and schedules. old stays on the service and its schedules go on:
        flow64 deploy --env default --create new
""",
        "secret": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    secret: choose 1 overwrite the edit, 2 deploy nothing or 3 keep the edit
    until then nothing is deployed
what changes: 1 workflow changes in the code, and was also edited on the service (secret)
breaks or is lost:
    if you overwrite secret: the service loses url: "***" (block outgoing_webhook)
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $0, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

! secret: conflict: changes in the code, and was also edited on the service; this stops the deploy of all workflows: choose an option below
    Leads (7aa02b2a-0374-5757-b1c9-707bac4c6742)
    it was edited on the service, and a value has changed as well
    /workflow_definition/blocks/1/specs/url cannot be saved and would be lost: it is text in the place of a secret
    the code would change:
        block outgoing_webhook
            ~ url: last deploy secret "hook" · service now "***" · code secret "hook"
    cost per 1,000 input rows: unchanged, at most $0
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: secret was edited on the service (drifted)
    1. overwrite it with the code. flow64 restore has no copy of what cannot be saved:
        - secret: url: "***" (block outgoing_webhook)
        flow64 deploy --env default --force secret
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        - secret keeps url: "***" (block outgoing_webhook)
        flow64 code default:id:7aa02b2a-0374-5757-b1c9-707bac4c6742
""",
        "orphan_of_branch": """\
plan for environment default at http://127.0.0.1 (5 requests)
asked of you:
    extra → leads: choose 1 renamed or 2 a second workflow
    extra: choose 1 update this code or 2 delete it
    until then nothing is deployed
what changes:
    1 workflow is on the service and no longer in the code (extra)
    extra is gone from the code, and leads is new: renamed, or a second workflow?
breaks or is lost:
    if leads is a second workflow: it starts without history and schedules; extra stays on the service and keeps running
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    renamed: unchanged, at most $50; a second workflow: at most $50 for each of the two, if every row reaches every block
    the deploy itself spends nothing
not checked: what the blocks return (a plan starts no run)

! extra → leads: may be a rename, or a second workflow; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    what differs between the two:
        ~ title: "Extra" → "Leads"
    cost per 1,000 input rows: renamed: unchanged, at most $50; a second workflow: at most $50 for each of the two
    in tests/service/support.py

! extra: orphan: is on the service and no longer in the code; this stops the deploy of all workflows: choose an option below
    Extra (c18b3897-ce19-53de-b454-da6d1fa59250)
    newer code, or that of another branch, deployed it
    your code is not built on commit bbbbbbbbbbbb that deployed it

to decide: extra → leads: renamed, or a second workflow?
    1. renamed: it keeps its id, history and schedules. Write this into Workflow(...), and the next plan asks nothing more:
        was="extra"
    2. a second workflow: leads gets a new id, without history and schedules. extra stays on the service and its schedules go on:
        flow64 deploy --env default --create leads

to decide: delete extra?
    1. bring this code up to what deployed it, and plan again. If that is in no commit yet, its author commits it first:
        git pull
    2. delete it, with its history and schedules; flow64 restore keeps a copy of the definition:
        flow64 deploy --env default --prune=1 --allow-behind extra
""",
        "edited_orphan": """\
plan for environment default at http://127.0.0.1 (5 requests)
asked of you:
    extra → leads: choose 1 renamed or 2 a second workflow
    extra: choose 1 update this code or 2 delete it
    until then nothing is deployed
what changes:
    1 workflow is on the service and no longer in the code (extra)
    extra is gone from the code, and leads is new: renamed, or a second workflow?
breaks or is lost:
    if leads is a second workflow: it starts without history and schedules; extra stays on the service and keeps running
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    renamed: unchanged, at most $50; a second workflow: at most $50 for each of the two, if every row reaches every block
    the deploy itself spends nothing
not checked: what the blocks return (a plan starts no run)

! extra → leads: may be a rename, or a second workflow; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    what differs between the two:
        ~ title: "Renamed by hand" → "Leads"
    cost per 1,000 input rows: renamed: unchanged, at most $50; a second workflow: at most $50 for each of the two
    in tests/service/support.py

! extra: orphan: is on the service and no longer in the code; this stops the deploy of all workflows: choose an option below
    Renamed by hand (c18b3897-ce19-53de-b454-da6d1fa59250)
    newer code, or that of another branch, deployed it
    your code is not built on commit bbbbbbbbbbbb that deployed it

to decide: extra → leads: renamed, or a second workflow?
    1. renamed: it keeps its id, history and schedules. Write this into Workflow(...), and the next plan asks nothing more:
        was="extra"
    2. a second workflow: leads gets a new id, without history and schedules. extra stays on the service and its schedules go on:
        flow64 deploy --env default --create leads

to decide: delete extra?
    1. bring this code up to what deployed it, and plan again. If that is in no commit yet, its author commits it first:
        git pull
    2. delete it, with its history and schedules; flow64 restore keeps a copy of the definition:
        flow64 deploy --env default --prune=1 --allow-behind extra --force extra
""",
        "uncommitted": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you: fix what breaks, or agree to the change although it breaks something
what changes:
    1 workflow will change (leads)
    find_email: mode: "PERSONAL" → "PROFESSIONAL"
breaks or is lost: the output loses the column personal_email; outgoing_webhook no longer gets it
cost per 1,000 input rows:
    at most $200 → $50 (-$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

! leads: will change, and loses output columns
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    what changes:
        block find_email
            ~ mode: "PERSONAL" → "PROFESSIONAL"
    what follows:
        output columns
            - personal_email
    cost per 1,000 input rows: at most $200 → $50 (-$150)
    not checked: whether it takes back work: it was deployed from a dirty working tree
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to fix it: keep personal_email in the output if something reads it there

next: to deploy it although it breaks something (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "of_others": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    theirs: choose 1 overwrite it, 2 deploy nothing or 3 keep it
    until then nothing is deployed
what changes:
    1 workflow was not deployed by this code (theirs)
    if you overwrite theirs: the output gains the column personal_email; outgoing_webhook gets it too, and posts to https://example.com
breaks or is lost:
    if you overwrite theirs: the service loses mode: "PROFESSIONAL" (block find_email)
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    at most $50 → $200 (+$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

! theirs: foreign: was not deployed by this code; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    other code deployed it, and it is not what yours says: workflow leads of project growth (acme.example)
    the code would change:
        ~ 3 blocks have other ids: webhook, find_email, outgoing_webhook
        block find_email
            ~ mode: "PROFESSIONAL" → "PERSONAL"
    what follows:
        output columns
            + personal_email
    cost per 1,000 input rows: at most $50 → $200 (+$150)
    in tests/deploy/planned.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: theirs was not deployed by this code
    1. overwrite it with the code. flow64 restore theirs --env default brings back what is overwritten on the service:
        - theirs: mode: "PROFESSIONAL" (block find_email)
        flow64 deploy --env default --force theirs
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "taken_over": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 overwrite it, 2 deploy nothing or 3 keep it
    until then nothing is deployed
what changes: 1 workflow was not deployed by this code (leads)
breaks or is lost: if you overwrite leads: the output loses the column personal_email; outgoing_webhook no longer gets it; the service loses title: "Renamed by hand", mode: "PERSONAL" (block find_email)
cost per 1,000 input rows:
    at most $200 → $50 (-$150), if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    whether the receiver of outgoing_webhook takes the changed columns
    what the blocks return (a plan starts no run)

! leads: foreign: was not deployed by this code; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    other code deployed it, and it is not what yours says: workflow theirs of project sales (acme.example) by a pin
    it was edited on the service since then
    the code would change:
        ~ 3 blocks have other ids: webhook, find_email, outgoing_webhook
        ~ title: "Renamed by hand" → "Leads"
        block find_email
            ~ mode: "PERSONAL" → "PROFESSIONAL"
    what follows:
        output columns
            - personal_email
    cost per 1,000 input rows: at most $200 → $50 (-$150)
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: leads was not deployed by this code
    1. overwrite it with the code. flow64 restore leads --env default brings back what is overwritten on the service:
        - leads: title: "Renamed by hand"
        - leads: mode: "PERSONAL" (block find_email)
        flow64 deploy --env default --force leads
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "taken_over_equal": """\
plan for environment default at http://127.0.0.1 (1 request)
asked of you: agree to the change
what changes: 1 workflow will only get its stamp (leads)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $50, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

= leads: will only get its stamp
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    it is what the code says; the stamp of workflow theirs of project sales (acme.example) by a pin goes
    cost per 1,000 input rows: unchanged, at most $50
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "searching": """\
plan for environment default at http://127.0.0.1 (1 request)
asked of you:
    agree to the change
    agree to what found spends at deploy
what changes: 1 workflow will only get its stamp (found)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    unchanged, an unknown amount
    found spends at deploy
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

= found: will only get its stamp
    Found (6d96a2bd-0a27-5c65-ab59-b828a41b09ef)
    it is what the code says, and no code of yours deployed it
    this writes its description alone; whether that buys is not documented
    cost per 1,000 input rows: unchanged, find_email $0.05 a row, for an unknown number of rows + unknown for search
    may spend as soon as it is stamped: search buys at creation; to allow it, add --allow-spend found
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --allow-spend found --yes
""",
        "rotated": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you: agree to the change
what changes:
    1 workflow will change (secret)
    outgoing_webhook: url: "***" → secret "hook"
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    unchanged, at most $0, if every row reaches every block
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

~ secret: will change
    Leads (7aa02b2a-0374-5757-b1c9-707bac4c6742)
    a value has changed: hook
    what changes:
        block outgoing_webhook
            ~ url: "***" → secret "hook"
    cost per 1,000 input rows: unchanged, at most $0
    in tests/service/support.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: to deploy it (--yes: without asking):
    flow64 deploy --env default --yes
""",
        "losing": """\
plan for environment default at http://127.0.0.1 (3 requests)
asked of you:
    leads: choose 1 overwrite it, 2 deploy nothing or 3 keep it
    until then nothing is deployed
what changes: 1 workflow differs (leads)
breaks or is lost:
    if you overwrite leads: the service loses url: "***" (block new_kind)
    nothing else breaks that flow64 can see
cost per 1,000 input rows:
    unchanged, an unknown amount
    the deploy itself spends nothing
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

! leads: differs; this stops the deploy of all workflows: choose an option below
    Leads (8c3c91bb-4d11-5075-b493-0478774c2aed)
    the code has changed since it was deployed
    /workflow_definition/blocks/1/specs/url cannot be saved and would be lost: it is text in the place of a secret
    the code would change:
        block new_kind
            ~ url: "***" → secret "hook"
    cost per 1,000 input rows: unchanged, unknown for new_kind
    in tests/deploy/planned.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

to decide: a deploy of leads replaces text that cannot be saved
    1. overwrite it with the code. flow64 restore has no copy of what cannot be saved:
        - leads: url: "***" (block new_kind)
        flow64 deploy --env default --force leads
    2. deploy nothing; it stays as it is on the service. As long as it does, each deploy without --skip-drifted is refused, in CI too:
        flow64 deploy --env default --skip-drifted
    3. keep what is on the service. Copy it into the code, and plan again. This command shows it as code:
        flow64 code default:id:8c3c91bb-4d11-5075-b493-0478774c2aed
""",
        "dearer": """\
plan for environment default at http://127.0.0.1 (1 request)
asked of you: nothing; no deploy is needed
what changes:
    1 workflow has settings that the code does not set (plain)
    1 of 1 unchanged
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    at most $500, if every row reaches every block
    not set by code: plain mode at most $350 → $500 (+$150)
not checked:
    orphans (workflows that are no longer in the code)
    what the blocks return (a plan starts no run)

· plain: has settings that the code does not set
    Plain (5c30b323-bb8b-59c5-9160-b553b47321f9)
    cost per 1,000 input rows: at most $500
    set on the service and not by code, so a deploy leaves it:
        find_email.mode is "PERSONAL"; default: PROFESSIONAL
            price of a row: $0.05 → $0.20
            cost per 1,000 input rows: at most $350 → $500 (+$150)
            to keep it, write: FindEmail(mode="PERSONAL")
        to take it into the code: flow64 code default:id:5c30b323-bb8b-59c5-9160-b553b47321f9
    left as it is, not set by code: find_email (e3d23c93).mode
    in tests/deploy/planned.py

not checked:
    orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand

next: nothing has to be deployed
""",
    }
)
DATA = snapshot(
    {
        "new": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "new",
                    "action": "create",
                    "reasons": ["it is not on the service yet"],
                    "cost": {
                        "dollars": 50.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "live": None,
                }
            ],
            "requests": 2,
        },
        "absent": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "workflow_id": "11111111-1111-4111-8111-111111111111",
                    "path": "ns:local/workflow:leads/pin:11111111-1111-4111-8111-111111111111",
                    "state": "absent",
                    "action": "refuse",
                    "reasons": [
                        "it is pinned to a workflow that is not there, or that is not shown to you"
                    ],
                    "live": None,
                    "stamp": "[flow64:1 ns:local/workflow:leads/pin:11111111-1111-4111-8111-111111111111 93f17320fb610e61 93f17320fb610e61 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa dataframe_type,input_schema=da929a01;mode=304adaac;url=00b5bfc8]",
                }
            ],
            "requests": 2,
        },
        "dearer": {
            "has_changes": True,
            "workflows": [
                {
                    "key": "plain",
                    "workflow_id": "5c30b323-bb8b-59c5-9160-b553b47321f9",
                    "name": "Plain",
                    "path": "ns:acme.example/project:growth/workflow:plain",
                    "unmanaged": ["find_email (e3d23c93).mode"],
                    "settings": [
                        {
                            "block": {
                                "id": "e3d23c93-0220-555a-9ebc-a3a52f00544e",
                                "kind": "find_email",
                                "path": "find_email",
                            },
                            "path": "/mode",
                            "value": "PERSONAL",
                            "default": "PROFESSIONAL",
                            "price": [0.05, 0.2],
                            "rows": [],
                            "appeared": [],
                            "vanished": [],
                            "before": {
                                "dollars": 350.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                            "after": {
                                "dollars": 500.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                            "code": 'FindEmail(mode="PERSONAL")',
                            "dollars": 150.0,
                        }
                    ],
                    "live": "96e8f17926cb04348714007a9415c03b1259e08293a80dceb52286bfe97ca0cf",
                    "stamp": "[flow64:1 ns:acme.example/project:growth/workflow:plain 59d4ad635e8d8369 59d4ad635e8d8369 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa =e3d23c93,f57e5627;dataframe_type=2ad8ebce]",
                }
            ],
        },
        "at_work": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "update",
                    "action": "update",
                    "reasons": ["the code has changed since it was deployed"],
                    "base": "stamp",
                    "changes": [
                        {
                            "change": "field-changed",
                            "block": {
                                "id": "362c3001-b936-5980-abc0-a0bf5fbe5bdd",
                                "kind": "find_email",
                                "path": "find_email",
                            },
                            "path": "/mode",
                            "before": "PROFESSIONAL",
                            "after": "PERSONAL",
                        }
                    ],
                    "consequences": [
                        {
                            "change": "column-added",
                            "name": "personal_email",
                            "type": None,
                        },
                        {
                            "change": "cost-changed",
                            "before": {
                                "dollars": 50.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                            "after": {
                                "dollars": 200.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                        },
                    ],
                    "impact": "adds-column",
                    "cost": {
                        "dollars": 200.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "touched": {
                        "schedules": [
                            {
                                "id": "<id 1>",
                                "name": "Weekly",
                                "cron_expression": "0 9 * * 1",
                                "timezone": "UTC",
                            }
                        ],
                        "runs": [{"id": "<id 2>", "status": "running"}],
                    },
                    "stamp": "[flow64:1 ns:acme.example/project:growth/workflow:leads b5764f3d4ae95e39 b5764f3d4ae95e39 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa dataframe_type,input_schema=1733cc61;mode=362c3001;url=fe74f988]",
                }
            ],
            "requests": 3,
        },
        "drifted": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "drifted",
                    "action": "refuse",
                    "lifted_by": "force",
                    "reasons": ["it was edited on the service since it was deployed"],
                    "changes": [
                        {
                            "change": "title-changed",
                            "before": "Renamed by hand",
                            "after": "Leads",
                        }
                    ],
                    "cost": {
                        "dollars": 50.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "not_checked": [
                        "cannot show the edit: the last deployed version was not found"
                    ],
                    "live": "3662eddc72c5092e4f45ec5ad7b3299cbe1028f89e4dbde77d3b779794ce8812",
                }
            ],
            "requests": 3,
        },
        "conflict": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "conflict",
                    "action": "refuse",
                    "lifted_by": "force",
                    "reasons": [
                        "it was edited on the service, and the code has changed as well"
                    ],
                    "base": "found",
                    "edits": [
                        {
                            "change": "title-changed",
                            "before": "Leads",
                            "after": "Renamed by hand",
                        }
                    ],
                    "changes": [
                        {
                            "change": "title-changed",
                            "before": "Renamed by hand",
                            "after": "Leads",
                        },
                        {
                            "change": "field-changed",
                            "block": {
                                "id": "362c3001-b936-5980-abc0-a0bf5fbe5bdd",
                                "kind": "find_email",
                                "path": "find_email",
                            },
                            "path": "/mode",
                            "before": "PROFESSIONAL",
                            "after": "PERSONAL",
                        },
                    ],
                    "consequences": [
                        {
                            "change": "column-added",
                            "name": "personal_email",
                            "type": None,
                        },
                        {
                            "change": "cost-changed",
                            "before": {
                                "dollars": 50.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                            "after": {
                                "dollars": 200.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                        },
                    ],
                    "impact": "adds-column",
                    "cost": {
                        "dollars": 200.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "live": "3662eddc72c5092e4f45ec5ad7b3299cbe1028f89e4dbde77d3b779794ce8812",
                    "stamp": "[flow64:1 ns:acme.example/project:growth/workflow:leads b5764f3d4ae95e39 b5764f3d4ae95e39 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa dataframe_type,input_schema=1733cc61;mode=362c3001;url=fe74f988]",
                }
            ],
            "requests": 3,
        },
        "behind": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "behind",
                    "action": "refuse",
                    "lifted_by": "behind",
                    "reasons": [
                        "newer code, or that of another branch, deployed it",
                        "your code is not built on commit bbbbbbbbbbbb that deployed it",
                    ],
                    "base": "stamp",
                    "changes": [
                        {
                            "change": "field-changed",
                            "block": {
                                "id": "362c3001-b936-5980-abc0-a0bf5fbe5bdd",
                                "kind": "find_email",
                                "path": "find_email",
                            },
                            "path": "/mode",
                            "before": "PERSONAL",
                            "after": "PROFESSIONAL",
                        }
                    ],
                    "consequences": [
                        {
                            "change": "column-dropped",
                            "name": "personal_email",
                            "type": None,
                        },
                        {
                            "change": "cost-changed",
                            "before": {
                                "dollars": 200.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                            "after": {
                                "dollars": 50.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                        },
                    ],
                    "impact": "drops-column",
                    "cost": {
                        "dollars": 50.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "live": "3cbf67274397407e4ceb70e64acdbe5ca9711157f022c0ac8c44991d6aed20f4",
                }
            ],
            "requests": 3,
        },
        "pruned": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "key": "gone",
                    "workflow_id": "73686e8d-5f18-56e7-a44f-a508af759c46",
                    "name": "Gone",
                    "path": "ns:acme.example/project:growth/workflow:gone",
                    "state": "orphan",
                    "action": "delete",
                    "reasons": ["no longer in the code"],
                    "live": "f7248fdbbe10c7dcf3d7577ea03a32d47be98f10801dd7a7771d29894350e5d4",
                    "stamp": None,
                }
            ],
            "projects": [{"key": "growth", "namespace": "acme.example"}],
            "not_checked": [],
            "requests": 4,
        },
        "copy": {
            "workflows": [
                {},
                {
                    "key": "leads (copy)",
                    "workflow_id": "<id 1>",
                    "name": "Leads (copy)",
                    "state": "copy",
                    "reasons": [
                        "it carries the stamp of another workflow, so it is a copy of that"
                    ],
                    "live": None,
                    "stamp": None,
                },
            ],
            "projects": [{"key": "growth", "namespace": "acme.example"}],
            "not_checked": [],
            "requests": 2,
        },
        "secret": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "key": "secret",
                    "workflow_id": "7aa02b2a-0374-5757-b1c9-707bac4c6742",
                    "path": "ns:acme.example/project:growth/workflow:secret",
                    "state": "conflict",
                    "action": "refuse",
                    "lifted_by": "force",
                    "lost": ["/workflow_definition/blocks/1/specs/url"],
                    "reasons": [
                        "it was edited on the service, and a value has changed as well",
                        "/workflow_definition/blocks/1/specs/url cannot be saved and would be lost: it is text in the place of a secret",
                    ],
                    "base": "found",
                    "edits": [
                        {
                            "change": "field-changed",
                            "block": {
                                "id": "fe3309b5-f825-5bca-97da-f457eb965723",
                                "kind": "outgoing_webhook",
                                "path": "outgoing_webhook",
                            },
                            "path": "/url",
                            "before": {"flow64:value": "hook", "secret": True},
                            "after": "***",
                        }
                    ],
                    "changes": [
                        {
                            "change": "field-changed",
                            "block": {
                                "id": "fe3309b5-f825-5bca-97da-f457eb965723",
                                "kind": "outgoing_webhook",
                                "path": "outgoing_webhook",
                            },
                            "path": "/url",
                            "before": "***",
                            "after": {"flow64:value": "hook", "secret": True},
                        }
                    ],
                    "cost": {
                        "dollars": 0.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "leaves something outside at each run: posts to value 'hook'",
                    "live": "c86eb33071a6481eda91e3a49c9f9c04c4146498acdf81cb9fb070678f891e11",
                    "stamp": "[flow64:1 ns:acme.example/project:growth/workflow:secret d483426f14ab48ad 20480e9cea0abcc7 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa dataframe_type=bf0f7331;url=fe3309b5]",
                }
            ],
            "requests": 3,
        },
        "edited_orphan": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "new",
                    "action": "refuse",
                    "lifted_by": "create",
                    "reasons": [
                        "it is not on the service yet",
                        "it may be extra under another key",
                    ],
                    "cost": {
                        "dollars": 50.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "live": None,
                },
                {
                    "key": "extra",
                    "workflow_id": "c18b3897-ce19-53de-b454-da6d1fa59250",
                    "name": "Renamed by hand",
                    "path": "ns:acme.example/project:growth/workflow:extra",
                    "state": "orphan",
                    "action": "refuse",
                    "lifted_by": "behind",
                    "also": ["force"],
                    "reasons": [
                        "newer code, or that of another branch, deployed it",
                        "your code is not built on commit bbbbbbbbbbbb that deployed it",
                        "it was edited on the service since it was deployed",
                    ],
                    "live": "8b336da3fb8b703d19dc3c4697056a24bc26ecb09fe81983f13d3751f69f2cad",
                    "stamp": None,
                },
            ],
            "renames": [
                {
                    "key": "leads",
                    "orphan": "extra",
                    "orphan_id": "c18b3897-ce19-53de-b454-da6d1fa59250",
                    "was": "extra",
                    "is_decided": False,
                    "others": [],
                }
            ],
            "projects": [{"key": "growth", "namespace": "acme.example"}],
            "not_checked": [],
            "requests": 5,
        },
        "taken_over": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "state": "foreign",
                    "action": "refuse",
                    "lifted_by": "force",
                    "reasons": [
                        "other code deployed it, and it is not what yours says: workflow theirs of project sales (acme.example) by a pin",
                        "it was edited on the service since then",
                    ],
                    "changes": [
                        {
                            "change": "title-changed",
                            "before": "Renamed by hand",
                            "after": "Leads",
                        },
                        {
                            "change": "block-renamed",
                            "block": {
                                "id": "1733cc61-d3ca-5278-845c-d53432b3daa6",
                                "kind": "webhook",
                                "path": "webhook",
                            },
                            "before": {
                                "id": "1191bf7e-7527-57f0-b156-8da9d4b1cfda",
                                "kind": "webhook",
                                "path": None,
                            },
                        },
                        {
                            "change": "block-renamed",
                            "block": {
                                "id": "362c3001-b936-5980-abc0-a0bf5fbe5bdd",
                                "kind": "find_email",
                                "path": "find_email",
                            },
                            "before": {
                                "id": "1be6adfc-e223-5bfe-b55d-840b3de62db7",
                                "kind": "find_email",
                                "path": None,
                            },
                        },
                        {
                            "change": "field-changed",
                            "block": {
                                "id": "362c3001-b936-5980-abc0-a0bf5fbe5bdd",
                                "kind": "find_email",
                                "path": "find_email",
                            },
                            "path": "/mode",
                            "before": "PERSONAL",
                            "after": "PROFESSIONAL",
                        },
                        {
                            "change": "block-renamed",
                            "block": {
                                "id": "fe74f988-36ff-51c7-8475-94740c4efcd5",
                                "kind": "outgoing_webhook",
                                "path": "outgoing_webhook",
                            },
                            "before": {
                                "id": "853becfb-eecb-5590-bfb1-ea72665a4c5e",
                                "kind": "outgoing_webhook",
                                "path": None,
                            },
                        },
                    ],
                    "consequences": [
                        {
                            "change": "column-dropped",
                            "name": "personal_email",
                            "type": None,
                        },
                        {
                            "change": "cost-changed",
                            "before": {
                                "dollars": 200.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                            "after": {
                                "dollars": 50.0,
                                "unpriced": [],
                                "open": [],
                                "unconfirmed": {},
                            },
                        },
                    ],
                    "impact": "drops-column",
                    "cost": {
                        "dollars": 50.0,
                        "unpriced": [],
                        "open": [],
                        "unconfirmed": {},
                    },
                    "effects": "costs credits in each run: find_email; leaves something outside at each run: posts to https://example.com",
                    "live": "f532f198820f0fc2f5a57f7ef8f21bd7285338946008c02b67cb8cd2edab272d",
                }
            ],
            "requests": 3,
        },
        "searching": {
            "is_empty": False,
            "has_changes": True,
            "workflows": [
                {
                    "key": "found",
                    "workflow_id": "6d96a2bd-0a27-5c65-ab59-b828a41b09ef",
                    "name": "Found",
                    "path": "ns:acme.example/project:growth/workflow:found",
                    "state": "converged",
                    "action": "stamp",
                    "reasons": [
                        "it is what the code says, and no code of yours deployed it",
                        "this writes its description alone; whether that buys is not documented",
                    ],
                    "cost": {
                        "dollars": None,
                        "unpriced": ["search"],
                        "open": [{"kind": "find_email", "dollars": 0.05}],
                        "unconfirmed": {},
                    },
                    "spends": ["search buys at creation"],
                    "live": "52830b62ca10f6152eb614253375d8030e894aa1c32b2cf6665c570c0bf41a39",
                    "stamp": "[flow64:1 ns:acme.example/project:growth/workflow:found c5366b8665b9ae6a c5366b8665b9ae6a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa =14057a10;auto_execute,dataframe_type,query=5c3f7f8a]",
                }
            ],
        },
    }
)
"""What other plans say that the usual one does not."""

ARRANGED = [
    at.new,
    at.new_by_title,
    at.absent,
    at.unchanged,
    at.unmanaged,
    at.dearer,
    at.update,
    at.at_work,
    at.drifted,
    at.drifted_with_base,
    at.conflict,
    at.converged,
    at.adopted,
    at.behind,
    at.foreign,
    at.orphan,
    at.pruned,
    at.pinned_orphan,
    at.copy,
    at.renamed,
    at.secret,
    at.orphan_of_branch,
    at.edited_orphan,
    at.uncommitted,
    at.of_others,
    at.taken_over,
    at.taken_over_equal,
    at.searching,
    at.rotated,
    at.losing,
]
NAMES = [arrange.__name__ for arrange in ARRANGED]


@pytest.mark.parametrize("arrange", ARRANGED, ids=NAMES)
def test_plan_reads_as_expected(arrange):
    """Text for people: what is done, why, and what is not known."""
    assert text_of(arrange) == TEXTS[arrange.__name__]


IN_JSON = [
    at.new,
    at.absent,
    at.dearer,
    at.at_work,
    at.drifted,
    at.conflict,
    at.behind,
    at.pruned,
    at.copy,
    at.secret,
    at.edited_orphan,
    at.taken_over,
    at.searching,
]
"""Together, these have each member, state and action that a plan of the others has."""


@pytest.mark.parametrize("arrange", IN_JSON, ids=lambda arrange: arrange.__name__)
def test_plan_is_json(arrange, usual):
    """Data for programs: the same, and all of it."""
    assert unusual(data_of(arrange), usual) == DATA[arrange.__name__]


def test_plan_of_an_unchanged_workflow(usual):
    """Every plan has its members, and every step those of its step."""
    assert usual == snapshot(
        {
            "env": "default",
            "endpoint": "http://127.0.0.1",
            "is_empty": True,
            "has_changes": False,
            "workflows": [
                {
                    "key": "leads",
                    "workflow_id": "8c3c91bb-4d11-5075-b493-0478774c2aed",
                    "name": "Leads",
                    "path": "ns:acme.example/project:growth/workflow:leads",
                    "state": "unchanged",
                    "action": "none",
                    "lifted_by": None,
                    "also": [],
                    "lost": [],
                    "reasons": [],
                    "base": None,
                    "edits": [],
                    "changes": [],
                    "consequences": [],
                    "impact": "none",
                    "cost": None,
                    "unmanaged": [],
                    "settings": [],
                    "spends": [],
                    "effects": "",
                    "touched": {"schedules": [], "runs": []},
                    "not_checked": [],
                    "live": "cfcbf251b8d7747c4f3c99e0f1962ae22aa4bb1274d1e46c475c599f31449f7f",
                    "stamp": "[flow64:1 ns:acme.example/project:growth/workflow:leads 5c5f1842ed740136 5c5f1842ed740136 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa dataframe_type,input_schema=1733cc61;mode=362c3001;url=fe74f988]",
                }
            ],
            "renames": [],
            "projects": None,
            "not_checked": [
                "orphans (workflows that are no longer in the code): not looked for, since not all code of a project is at hand"
            ],
            "requests": 1,
            "vouched": 0,
        }
    )


@pytest.fixture(scope="module")
def usual():
    return data_of(at.unchanged)


def unusual(data, usual):
    """The members of a plan, and of its steps, that are not as usual."""
    assert data.keys() == usual.keys()
    found = {key: value for key, value in data.items() if value != usual[key]}
    if "workflows" in found:
        (step,) = usual["workflows"]
        found["workflows"] = [unusual(one, step) for one in found["workflows"]]
    return found


@pytest.mark.parametrize("arrange", [at.secret, at.rotated, at.losing])
@pytest.mark.parametrize("make", [text_of, data_of])
def test_no_secret_is_shown(make, arrange):
    """Neither the one that is bound now, nor the last one, nor what stands there."""
    assert "SENTINEL" not in str(make(arrange))


def test_consent_to_spend_is_shown():
    """Once it was given, nothing more is asked for."""
    told = as_text(plan_of(at.searching), Agreement(allow_spend=["found"]))

    assert "search buys at creation; as --allow-spend allows\n" in told
    assert "to allow it" not in told
