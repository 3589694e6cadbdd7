"""A secret is in nothing that a deploy shows or leaves behind, in no spelling (F26)."""

from __future__ import annotations

import io
import json
import logging
import traceback
from base64 import b64encode, urlsafe_b64encode
from itertools import cycle
from urllib.parse import quote, quote_plus

import pytest

from flow64 import LEAD, RawBlock, Workflow, errors, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.definition import as_body
from flow64.deploy import (
    Agreement,
    apply_saved_plan,
    as_data,
    as_text,
    load_plan,
    plan_restore,
    save_plan,
)
from flow64.diff import as_lines
from flow64.redaction import Secrets
from tests.deploy.planned import digest_quickly

TOKEN = 'SENTINEL "tok/en"+é\n%7Ab\\'
"""Each of its characters is spelled otherwise somewhere."""

INNER = "SENTINEL?in a dict&more"
HOOK = "https://hooks.example.com/SENTINEL/x?y=1&z=é"
VALUES = {"token": TOKEN, "hook": HOOK, "account": {"key": INNER, "n": [1, INNER]}}
SECRETS = (TOKEN, INNER, HOOK)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The digest of a secret is slow on purpose."""
    digest_quickly(monkeypatch)


def spelled(secret):
    """A secret as it may be written somewhere."""
    once = json.dumps(secret)[1:-1]
    return {
        "plain": secret,
        "json": once,
        "json as it is": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json twice": json.dumps(once)[1:-1],
        "json with slashes": once.replace("/", "\\/"),
        "url": quote(secret, safe=""),
        "path": quote(secret),
        "form": quote_plus(secret),
        "base64": b64encode(secret.encode()).decode().rstrip("="),
        "base64 for URLs": urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        "base64 after one": b64encode(b"a" + secret.encode()).decode()[4:-4],
        "base64 after two": b64encode(b"ab" + secret.encode()).decode()[4:-4],
        "repr": repr(secret)[1:-1],
    }


def told(text):
    """Which secret is in a text, and how it is spelled."""
    return [
        (secret, name)
        for secret in SECRETS
        for name, form in spelled(secret).items()
        if form in text
    ]


def made(place, name="S", **specs):
    flow = (
        Webhook(LEAD)
        >> RawBlock(
            "new_kind",
            key="k",
            specs={
                "token": value("token", secret=True),
                "account": value("account", secret=True),
                "list": [value("token", secret=True), 1],
                **specs,
            },
        )
        >> OutgoingWebhook(url=value("hook", secret=True))
    )
    return Workflow(name, flow, key="s", project=place.project)


def left_behind(folder):
    """The text of every file."""
    return {
        path.name: path.read_text("utf-8", "surrogateescape")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_no_spelling_of_a_secret_is_left_behind(place, tmp_path, caplog):
    """Deployed, planned, saved, replaced, pruned, restored."""
    caplog.set_level(logging.DEBUG)
    old, new = (
        place.target(made(place), **VALUES),
        place.target(made(place, "T", more=1), **VALUES),
    )
    shown = io.StringIO()

    def show(plan):
        lines = [line for step in plan.steps for line in as_lines(step.changes)]
        data = json.dumps(as_data(plan))
        print(repr(plan), as_text(plan), data, *lines, file=shown)
        return plan

    workflow_id = place.put(old)
    show(place.plan(old))
    plan = show(place.plan(new))
    save_plan(plan, tmp_path / "plan.json")
    where = {"env": "default", "endpoint": place.url, "values": VALUES}
    saved = load_plan(tmp_path / "plan.json")
    summary = place.play(apply_saved_plan, saved, history=place.history, **where)
    print(repr(summary), file=shown)
    gone = show(place.plan())
    summary = place.apply(gone, agreed=Agreement(prune=1), values=VALUES)
    print(repr(summary), file=shown)
    back = place.play(plan_restore, place.history, "s", **where)
    assert place.apply(show(back)).is_complete

    files = left_behind(tmp_path)
    assert {name: told(text) for name, text in files.items() if told(text)} == {}
    assert len([name for name in files if "Z.s." in name]) >= 2
    assert told(shown.getvalue() + caplog.text) == []
    # And what came back is whole.
    specs = place.live(workflow_id).blocks[1].specs
    assert (specs["token"], specs["list"], specs["account"]["n"]) == (
        TOKEN, [TOKEN, 1], [1, INNER],
    )  # fmt: skip
    assert place.live(workflow_id).blocks[2].specs["url"] == HOOK


TWICE = {"form", "json twice", "repr"}
"""Spellings of our own making, which are only looked for in what is left behind."""

FORMS = [name for name in spelled("") if name not in TWICE]
PLACES = ("spec", "nested", "name", "title", "description", "block", "edge", "graph")


def with_text(live, where, text):
    """An edit that puts a text into some place of a definition."""
    graph = as_body(live)["workflow_definition"]
    block = graph["blocks"][1]
    match where:
        case "spec":
            block["specs"]["by_hand"] = text
        case "nested":
            block["specs"]["by_hand"] = [{"a": [text]}]
        case "name":
            block["specs"]["by_hand"] = {text: 1}
        case "title":
            return {"name": text}
        case "description":
            return {"description": f"{text}\n{live.stamp}"}
        case "block":
            block["note"] = text
        case "edge":
            graph["edges"][0]["note"] = {"a": text}
        case _:
            graph["note"] = [text]
    return {"definition": graph}


@pytest.mark.parametrize("secret", SECRETS)
def test_every_spelling_is_known(secret):
    """Whatever stands before and after it in what is in base64."""
    texts = Secrets([secret]).texts
    whole = [name for name in FORMS if "after" not in name]
    found = [spelled(secret)[name] for name in whole]
    found += [
        b64encode(b"u" * before + secret.encode() + b"u" * after).decode()
        for before in range(4)
        for after in range(4)
    ]

    assert [form for form in found if not any(text in form for text in texts)] == []


@pytest.mark.parametrize(
    ("where", "name", "secret"),
    [
        *zip(PLACES, FORMS, cycle(SECRETS), strict=False),
        # Backslashes are written otherwise where they are shown; these are not.
        ("title", "plain", INNER),
        ("title", "base64", HOOK),
        ("description", "path", INNER),
    ],
)
def test_secret_that_somebody_wrote_elsewhere_is_neither_shown_nor_kept(
    place, tmp_path, where, name, secret
):
    """In whatever place of a live definition, and in whatever form."""
    workflow_id = place.put(place.target(made(place), **VALUES))
    text = f"by {spelled(secret)[name]} here"
    edit = with_text(place.live(workflow_id), where, text)
    place.emulator.edit(workflow_id, **edit)

    plan = place.plan(place.target(made(place, "T"), **VALUES))
    save_plan(plan, tmp_path / "plan.json")
    with pytest.raises(errors.PlanRefusedError) as caught:
        place.apply(plan)
    summary = place.apply(plan, agreed=Agreement(force=["s"]))

    assert summary.is_complete, summary.failed
    shown = repr(plan) + as_text(plan) + json.dumps(as_data(plan)) + repr(summary)
    assert told(shown + "".join(traceback.format_exception(caught.value))) == []
    files = left_behind(tmp_path)
    assert {name: told(text) for name, text in files.items() if told(text)} == {}
    assert len(files) == 2


def test_title_of_a_copy_shows_no_secret_either(place):
    target = place.target(made(place), **VALUES)
    copied = place.emulator.copy(place.put(target))
    place.emulator.edit(copied, name=f"copy of {INNER}")

    plan = place.plan(target)

    assert [step.state for step in plan.steps] == ["unchanged", "copy"]
    assert told(repr(plan) + as_text(plan) + json.dumps(as_data(plan))) == []
