"""What was replaced: saved whole, by name instead of secret, and found again."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from flow64 import LEAD, Workflow, errors, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.definition import (
    MASK,
    Edge,
    FrozenDict,
    Value,
    from_data,
    redact_for_storage,
    thaw,
)
from flow64.deploy import History, Saved
from tests.deploy.applied import Hours
from tests.service.support import GROWTH, SECRET, deployed, leads, specs_of

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / ".flow64" / "history", now=Hours())


def saved(key="leads", at=AT, env="default", **more):
    live = from_data(deployed(leads()))
    facts = {"workflow_id": str(live.id), "reason": "update", **more}
    return Saved.of(
        live, None, key=key, at=at, env=env, endpoint="https://a.example", **facts
    )


# -- Files ----------------------------------------------------------------------------


def test_what_is_saved_is_read_back_whole(history):
    """Stamp and all, in a file of its owner alone, in a folder that git ignores."""
    made = history.save(saved())

    assert history.entries() == [made]
    assert made.definition.stamp == from_data(deployed(leads())).stamp
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.folder.stat().st_mode) == 0o700
    assert made.file.name.startswith("20261125T093000.000000Z.leads.")
    assert (history.folder.parent / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        "a\\b",
        "a\x00b",
        "-rf",
        "con",
        "a/b.json",
        "ключ 🙂",
        "\ud800",
        "x" * 5000,
        "é" * 90,
        "",
    ],
)
def test_key_leads_out_of_no_folder_and_is_found_again(history, key):
    made = evolve(saved(), key=key)
    history.save(made)
    history.save(saved("other"))

    (found,) = history.entries(key)
    assert (found.key, found.file.parent) == (key, history.folder)
    assert len(list(Path(history.folder).iterdir())) == 2


def test_entries_are_listed_newest_first_by_key_id_and_environment(history):
    first = history.save(saved(at=AT))
    last = history.save(saved(at=AT + timedelta(days=1), env="prod"))
    other = history.save(saved("other", AT - timedelta(days=1), workflow_id="x"))

    assert history.entries() == [last, first, other]
    assert history.entries("leads") == [last, first]
    assert history.entries(first.workflow_id.upper()) == [last, first]
    assert history.entries("leads", env="prod") == [last]
    assert history.find("leads") == last
    assert history.find("leads", "2026-11-25") == first
    assert (history.find("leads", env="default"), history.find("other")) == (
        first,
        other,
    )


NO_ENTRY = "it is not an entry of a history; move it elsewhere"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flow64:history": 2}, "a later release"),
        ({"flow64:history": 0}, "not an entry of a history"),
        ({"flow64:history": "1"}, "not an entry of a history"),
        ({"reason": "other"}, "not an entry of a history"),
        ({"key": 1}, NO_ENTRY),
        ({"withheld": [1]}, NO_ENTRY),
        ({"withheld": 1}, NO_ENTRY),
        ({"at": "2026-11-25T09:30:00"}, NO_ENTRY),
        ({"at": "yesterday"}, NO_ENTRY),
        ({"definition": {}}, "no workflow_definition"),
        ({"definition": None}, "a workflow must be a JSON object"),
        ({"deployed": []}, NO_ENTRY),
        ({"deployed": {"a": "b"}}, NO_ENTRY),
        ({"deployed": {"a": [1]}}, NO_ENTRY),
        (None, NO_ENTRY),
    ],
)
def test_file_that_is_no_entry_is_named(history, change, words):
    made = history.save(saved())
    text = made.file.read_text()
    data = text[:50] if change is None else json.dumps({**json.loads(text), **change})
    made.file.write_text(data)

    with pytest.raises(errors.HistoryError, match=words) as caught:
        history.entries()
    assert made.file.name in str(caught.value)
    assert "overwritten" not in str(caught.value)


def test_folder_that_cannot_be_used_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)

    for folder in (tmp_path / "file", tmp_path / "file" / "inner", tmp_path / "link"):
        with pytest.raises(errors.HistoryError, match="FLOW64_HISTORY"):
            History(folder).save(saved())
        with pytest.raises(errors.HistoryError):
            History(folder).require_writable()
    with pytest.raises(errors.HistoryError, match="saved first is not overwritten"):
        History(tmp_path / "file" / "inner").save(saved())
    with pytest.raises(errors.HistoryError) as caught:
        History(tmp_path / "file").entries()
    assert str(caught.value).endswith(
        "it cannot be read: Not a directory; FLOW64_HISTORY names another folder"
    )


# -- Whether it was edited -------------------------------------------------------------


def test_what_a_deploy_left_has_its_fields_on_record(history):
    """So that a restore can tell a secret of another day from an edit."""
    live = from_data(deployed(leads()))
    edited = evolve(live, name="By hand")
    copied = evolve(live, id="22222222-1111-4111-8111-111111111111")
    bare = evolve(live, stamp=None)

    made = {
        name: Saved.of(
            one,
            None,
            key="leads",
            workflow_id=str(one.id),
            env="default",
            endpoint="https://a.example",
            at=AT,
            reason="update",
        ).deployed
        for name, one in (
            ("live", live),
            ("edited", edited),
            ("copied", copied),
            ("bare", bare),
        )
    }

    fields = {block.id.lower(): frozenset(block.specs) for block in live.blocks}
    assert made == {"live": fields, "edited": None, "copied": None, "bare": None}
    text = history.save(saved()).file.read_text("utf-8")
    assert json.loads(text)["deployed"] == {
        ref: sorted(names) for ref, names in fields.items()
    }


# -- Secrets (F26) --------------------------------------------------------------------

HOOK = value("hook", secret=True)


def secret_code(**specs):
    flow = Webhook(LEAD) >> OutgoingWebhook(url=HOOK, extra=specs)
    made = Workflow("S", flow, key="s", project=GROWTH)
    return made.compile(values={"hook": SECRET, "list": ["SENTINEL-1", "x"]})


def live_of(code, **specs):
    """What the service has of it, and what was done to it there."""
    made = Workflow.from_definition(code)
    data = deployed(made)
    specs_of(data, "outgoing_webhook").update({"url": SECRET, **specs})
    return from_data(data)


@pytest.mark.parametrize(
    ("ours", "live", "shown", "withheld"),
    [
        # As it is bound: by name.
        ({}, {}, {"url": {"flow64:value": "hook", "secret": True}}, []),
        # Another text in its place: left out.
        ({}, {"url": "https://SENTINEL"}, {"url": HOOK.as_data()}, ["/url"]),
        # In places that code says nothing of.
        ({}, {"b": SECRET}, {"b": HOOK.as_data()}, []),
        ({}, {"b": f"x {SECRET} y"}, {"b": MASK}, ["/b"]),
        ({}, {"b": [1, {"c": SECRET + "y"}]}, {"b": [1, {"c": MASK}]}, ["/b/1/c"]),
        ({}, {"b": {SECRET: 1}}, {"b": MASK}, ["/b"]),
        # What would be read as a value, and is data.
        ({}, {"b": {"flow64:value": "x"}}, {"b": MASK}, ["/b"]),
        # Inside a field: the rest of it is kept.
        (
            {"h": {"key": HOOK, "n": 1}},
            {"h": {"key": SECRET, "n": 2}},
            {"h": {"key": HOOK.as_data(), "n": 2}},
            [],
        ),
        (
            {"h": {"key": HOOK, "n": 1}},
            {"h": {"key": "SENTINEL", "n": 2}},
            {"h": {"key": HOOK.as_data(), "n": 2}},
            ["/h/key"],
        ),
        ({"h": [HOOK, 1]}, {"h": [SECRET, 2]}, {"h": [HOOK.as_data(), 2]}, []),
        ({"h": [HOOK, 1]}, {"h": ["SENTINEL"]}, {"h": MASK}, ["/h"]),
        ({"h": [HOOK]}, {"h": {"a": "SENTINEL"}}, {"h": MASK}, ["/h"]),
        ({"h": [HOOK]}, {"h": "SENTINEL"}, {"h": MASK}, ["/h"]),
        # A number is no secret that can be told by itself.
        ({}, {"b": 1, "c": True, "d": None, "e": ""}, {"b": 1, "c": True, "e": ""}, []),
    ],
)
def test_no_text_of_a_secret_is_kept(ours, live, shown, withheld):
    code = secret_code(**ours)

    found = redact_for_storage(live_of(code, **live), code)

    specs = thaw(found.definition.blocks[1].specs, plain)
    assert {name: specs[name] for name in shown} == shown
    head = "/workflow_definition/blocks/1/specs"
    assert list(found.withheld) == [f"{head}{path}" for path in withheld]
    assert "SENTINEL" not in repr(found)


def plain(item):
    return item.as_data() if isinstance(item, Value) else item


def test_secret_is_kept_in_no_other_part_of_a_definition():
    code = secret_code()
    dirty = FrozenDict({"note": SECRET + "!"})
    live = live_of(code)
    first, second = live.blocks
    live = evolve(
        live,
        name=f"by {SECRET}",
        description=f"{SECRET} and more",
        blocks=(first._replace(extra=dirty), second),
        edges=(Edge(first.id, second.id, dirty),),
        extra=dirty,
        graph_extra=dirty,
    )

    found = redact_for_storage(live, code)

    assert "SENTINEL" not in repr(found) + str(thaw(found.definition.graph_extra))
    assert (found.definition.name, found.definition.extra) == (MASK, {})
    assert len(found.withheld) == 5
