"""What was replaced: saved whole, by name instead of secret, and found again."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from attrs import evolve

from flow64 import LEAD, Workflow, errors, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.definition import (
    MASK,
    BoundSecret,
    Edge,
    FrozenDict,
    Value,
    bound_secrets,
    freeze,
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


def test_time_is_told_in_utc_and_finds_the_entry(history):
    east = timezone(timedelta(hours=2))
    made = history.save(saved(at=datetime(2026, 11, 25, 11, 30, tzinfo=east)))

    assert made.when == "2026-11-25T09:30:00.000000Z"
    assert history.find("leads", made.when) == made
    assert history.find("leads", "2026-11-25T09:30:00Z") == made  # as tables show it


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


def test_entry_that_is_not_meant_alone_is_not_guessed(history):
    history.save(saved(at=AT))
    history.save(saved(at=AT + timedelta(minutes=1)))

    with pytest.raises(errors.HistoryError, match="several begin with '2026-11-25'"):
        history.find("leads", "2026-11-25")
    with pytest.raises(errors.HistoryError, match="there is 2026-11-25T09:31"):
        history.find("leads", "2025")
    with pytest.raises(errors.HistoryError, match="nothing of 'x' in 'prod' was saved"):
        history.find("x", env="prod")
    assert History(history.folder / "none").entries() == []


def test_strange_files_are_passed_over(history):
    made = history.save(saved())
    (history.folder / "notes.txt").write_text("mine")
    (history.folder / "a.json").write_text("{}")

    assert history.entries() == [made]


NO_ENTRY = "it is not an entry of a history; move it elsewhere"

GOOD = {"reason": "update", "at": "2026-11-25T09:30:00Z", "withheld": []}


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


def test_file_that_cannot_be_read_is_named(history, monkeypatch):
    """A link, or one that goes away while the folder is read."""
    made = history.save(saved())
    target = history.folder.parent / "else"
    made.file.rename(target)
    made.file.symlink_to(target)

    with pytest.raises(errors.HistoryError, match=r"\.json"):
        history.entries()
    made.file.unlink()
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([made.file]))
    assert history.entries() == []


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


def test_nothing_that_was_saved_is_told_in_words_for_reading(tmp_path):
    with pytest.raises(errors.HistoryError) as caught:
        History(tmp_path).find("leads", env="prod")
    assert str(caught.value) == (
        f"the history {tmp_path}: nothing of 'leads' in 'prod' was saved; flow64 "
        "restore lists what was"
    )


def test_what_is_not_in_a_file_is_told_in_words():
    """Names that look like keys are not shown there either."""
    places = ["/a/url", "/b/sk_live_not_a_real_key_SENTINEL"]

    assert saved().without == ""
    assert evolve(saved(), withheld=places).without == "without /a/url, /b/***"


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


def test_disk_that_is_full_is_told_and_leaves_nothing(history, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(errors.HistoryError, match="No space left"):
        history.save(saved())
    with pytest.raises(errors.HistoryError, match="No space left"):
        history.require_writable([saved()])
    assert list(history.folder.iterdir()) == []


def test_folder_that_goes_away_is_told(history, monkeypatch):
    """Between its making and the first file in it."""
    monkeypatch.setattr(History, "_make", lambda _: None)

    with pytest.raises(errors.HistoryError, match="No such file"):
        history.save(saved())
    with pytest.raises(errors.HistoryError, match="No such file"):
        history.require_writable()


def test_place_is_that_of_the_environment_or_the_usual_one(monkeypatch, tmp_path):
    monkeypatch.setenv("FLOW64_HISTORY", str(tmp_path))
    assert History.of().folder == tmp_path
    monkeypatch.setenv("FLOW64_HISTORY", "")
    assert History.of().folder == Path(".flow64/history")
    assert History.of("x").folder == Path("x")
    assert History.of(History.of("x")).folder == Path("x")
    assert History(tmp_path).now().tzinfo is UTC
    with pytest.raises(errors.ConfigError, match="history is 1"):
        History.of(1)


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


def test_secret_of_more_than_one_text_is_told_by_each():
    """Of texts that are too short to tell it by, none is looked for."""
    flow = Webhook(LEAD) >> OutgoingWebhook(
        url="https://a.example", extra={"list": value("list", secret=True)}
    )
    made = Workflow("S", flow, key="s", project=GROWTH)
    code = made.compile(values={"list": ["SENTINEL-1", "x"]})
    data = deployed(made, list=["SENTINEL-1", "x"])
    specs_of(data, "outgoing_webhook")["b"] = ["SENTINEL-1", "x-ray"]

    found = redact_for_storage(from_data(data), code)

    specs = thaw(found.definition.blocks[1].specs, plain)
    assert specs["b"] == [MASK, "x-ray"]
    assert specs["list"] == {"flow64:value": "list", "secret": True}


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


def test_value_that_is_not_bound_is_no_less_secret():
    flow = Webhook(LEAD) >> OutgoingWebhook(url=HOOK)
    code = Workflow("S", flow, key="s", project=GROWTH).compile()

    found = redact_for_storage(live_of(secret_code(), url="https://SENTINEL"), code)

    assert found.withheld == ["/workflow_definition/blocks/1/specs/url"]
    assert found.definition.blocks[1].specs["url"] == Value("hook", secret=True)


def test_secrets_of_other_workflows_are_known_too():
    """Each is found once, and one that is empty tells nothing."""
    code = secret_code(b=HOOK)
    known = bound_secrets([code, code])
    live = live_of(secret_code())

    assert [item.value.name for item in known] == ["hook"]
    empty = BoundSecret(Value("none", secret=True), "")
    found = redact_for_storage(live, None, [*known, empty])
    assert found.definition.blocks[1].specs["url"] == Value("hook", secret=True)
    assert found.withheld == []


def test_unknown_keys_hold_no_value_but_are_left_out():
    """Values are filled in only in specs, so none may stand beside them."""
    live = from_data(deployed(leads()))
    first, *rest = live.blocks
    unknown = freeze({"a": [SECRET, "x"], "b": {SECRET: 1}, "c": {"n": [1]}}, (), [])
    known = [
        BoundSecret(Value("hook", secret=True), SECRET),
        BoundSecret(Value("account", secret=True), freeze({"n": [1]}, (), [])),
    ]

    found = redact_for_storage(
        evolve(live, blocks=(first._replace(extra=unknown), *rest)), None, known
    )

    assert thaw(found.definition.blocks[0].extra) == {
        "a": [MASK, "x"],
        "b": MASK,
        "c": MASK,
    }
    place = "/workflow_definition/blocks/0"
    assert found.withheld == [f"{place}/a/0", f"{place}/b", f"{place}/c"]
