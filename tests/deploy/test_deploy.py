"""Deploying with a session by hand: what is sent, and what is sent again."""

from __future__ import annotations

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow, errors, value
from flow64.blocks import Webhook
from flow64.client import Client
from flow64.definition import dumps, from_data
from flow64.deploy import History, plan_and_apply
from tests.service.support import (
    BROKEN,
    GROWTH,
    HTML,
    MISSING,
    OK,
    SECRET,
    TAKEN,
    Script,
    answer,
    deployed,
    flow,
    leads,
    lost,
    ready_of,
    searched,
    secret_leads,
    specs_of,
    stored,
    unreachable,
)

OLD, NEW = leads(), leads(mode="PERSONAL")
WAS, IS = answer(deployed(OLD)), answer(deployed(NEW))
EDITED = answer({**deployed(OLD), "name": "Edited"})
HIDDEN = answer({"detail": "Access denied"}, 403)
BUSY = answer({"detail": "slow down"}, 429)
FOUND = answer(deployed(searched()))
UNSTAMPED = answer({**deployed(NEW), "description": ""})


@pytest.fixture(autouse=True)
def history(tmp_path, monkeypatch):
    """What is replaced is saved there."""
    monkeypatch.setenv("FLOW64_HISTORY", str(tmp_path / "history"))
    return History.of()


def deploy_by(script, workflow, *, force=False, allow_spend=False, **values):
    ready = ready_of(workflow, **values)
    facts = {"force": force, "allow_spend": allow_spend}
    return script.play(lambda session: plan_and_apply(session, ready, **facts))


CREATE, UPDATE = "create_workflow", "update_workflow"


@pytest.mark.parametrize(
    ("code", "answers", "state", "lines"),
    [
        # All goes well.
        (NEW, [MISSING, OK, IS], "new", ["GET", CREATE, "GET"]),
        (NEW, [IS], "unchanged", ["GET"]),
        (NEW, [WAS, OK, IS], "update", ["GET", UPDATE, "GET"]),
        (NEW, [UNSTAMPED, OK, IS], "converged", ["GET", UPDATE, "GET"]),
        # Applied, and the answer was lost, broken or no JSON: no second write.
        (NEW, [MISSING, lost(), IS], "new", ["GET", CREATE, "GET"]),
        (NEW, [MISSING, BROKEN, IS], "new", ["GET", CREATE, "GET"]),
        (NEW, [MISSING, HTML, IS], "new", ["GET", CREATE, "GET"]),
        (NEW, [WAS, lost(), IS], "update", ["GET", UPDATE, "GET"]),
        # Not applied: once more.
        (
            NEW,
            [MISSING, lost(), MISSING, OK, IS],
            "new",
            ["GET", CREATE, "GET", CREATE, "GET"],
        ),
        (
            NEW,
            [WAS, BROKEN, WAS, OK, IS],
            "update",
            ["GET", UPDATE, "GET", UPDATE, "GET"],
        ),
        # An answer that comes late says that the first attempt was carried out.
        (
            NEW,
            [MISSING, lost(), MISSING, TAKEN, IS],
            "new",
            ["GET", CREATE, "GET", CREATE, "GET"],
        ),
        (NEW, [MISSING, TAKEN, IS], "new", ["GET", CREATE, "GET"]),
        # Nothing was sent: again, without a look.
        (
            NEW,
            [MISSING, unreachable(), OK, IS],
            "new",
            ["GET", CREATE, CREATE, "GET"],
        ),
    ],
)
def test_deploy_ends_with_what_was_sent_being_seen(code, answers, state, lines):
    """Every write is proved by a look, and repeated once at most."""
    script = Script(*answers)

    done = deploy_by(script, code)

    assert (done.state, done.has_written) == (state, state != "unchanged")
    assert (script.lines, script.answers) == (lines, [])


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        # The id of a new workflow is taken by what is not this code.
        ([MISSING, TAKEN, WAS], errors.StateRefusedError, "not deployed by this code"),
        (
            [MISSING, TAKEN, MISSING],
            errors.StateRefusedError,
            "taken by a workflow that this key may not see",
        ),
        ([WAS, TAKEN], errors.ConflictError, "409"),
        # Lost twice.
        (
            [MISSING, lost(), MISSING, lost(), MISSING],
            errors.OutcomeUnknownError,
            "connection broke",
        ),
        (
            [WAS, lost(), WAS, unreachable(), *[unreachable()] * 6, WAS],
            errors.OutcomeUnknownError,
            "nothing more was sent",
        ),
        # Nothing was ever sent.
        ([MISSING, *[unreachable()] * 7], errors.TransportError, "nothing was sent"),
        # Lost, and somebody else wrote meanwhile: theirs is not overwritten.
        ([WAS, lost(), EDITED], errors.OutcomeUnknownError, "neither old nor new"),
        ([WAS, lost(), MISSING], errors.OutcomeUnknownError, "neither old nor new"),
        # The look fails.
        ([WAS, lost(), answer({}, 401)], errors.OutcomeUnknownError, "read back"),
        ([WAS, OK, answer({}, 401)], errors.OutcomeUnknownError, "accepted"),
        # It is there, but not as it was sent.
        ([WAS, OK, WAS], errors.VerificationError, "mode"),
        ([MISSING, OK, MISSING], errors.VerificationError, "not there at all"),
        ([WAS, OK, UNSTAMPED], errors.VerificationError, "the stamp of this deploy"),
        # Refused by the service.
        ([WAS, answer({"detail": "bad"}, 422)], errors.ApiError, "bad"),
        ([answer({}, 401)], errors.AuthError, "SIXTYFOUR_API_KEY"),
    ],
)
def test_deploy_that_does_not_end_well_says_how_it_stands(answers, error, words):
    """Refused, not sent, unknown or otherwise: each is its own error."""
    script = Script(*answers)

    with pytest.raises(error, match=words):
        deploy_by(script, NEW)
    assert script.answers == []


@pytest.mark.parametrize("failure", [lost(), BROKEN, HTML])
def test_write_that_may_spend_is_never_sent_again(failure):
    """A look that finds nothing is outcome unknown; one that finds it is success."""
    script = Script(MISSING, failure, MISSING)

    with pytest.raises(errors.OutcomeUnknownError, match="nothing more was sent"):
        deploy_by(script, searched(), allow_spend=True)
    assert script.lines == ["GET", CREATE, "GET"]
    applied = Script(MISSING, failure, FOUND)
    assert deploy_by(applied, searched(), allow_spend=True).state == "new"
    assert applied.lines == ["GET", CREATE, "GET"]


def test_write_that_may_spend_is_sent_again_after_a_429_that_wrote_nothing():
    """A read shows what was there before, or what was written."""
    again = Script(MISSING, BUSY, MISSING, OK, FOUND)
    assert deploy_by(again, searched(), allow_spend=True).state == "new"
    assert again.lines == ["GET", CREATE, "GET", CREATE, "GET"]

    late = Script(MISSING, BUSY, FOUND, FOUND)
    assert deploy_by(late, searched(), allow_spend=True).state == "new"
    assert late.lines == ["GET", CREATE, "GET", "GET"]


def test_write_that_may_spend_needs_consent():
    """Without it nothing is written; nor is it asked for where nothing is written."""
    script = Script(MISSING)

    with pytest.raises(errors.ConsentError, match="search buys at creation"):
        deploy_by(script, searched())
    assert script.lines == ["GET"]
    assert deploy_by(Script(FOUND), searched()).state == "unchanged"


@pytest.mark.parametrize(
    ("live", "state"),
    [
        (EDITED, "conflict"),
        (answer({**deployed(NEW), "name": "Edited"}), "drifted"),
        (answer({**deployed(OLD), "description": "mine"}), "foreign"),
    ],
)
def test_what_others_wrote_is_overwritten_only_by_force(live, state):
    """Refused with what differs; with force, what was there is handed over."""
    script = Script(live)

    with pytest.raises(errors.StateRefusedError) as caught:
        deploy_by(script, NEW)
    assert (caught.value.state, script.lines) == (state, ["GET"])
    assert caught.value.changes
    forced = Script(live, OK, IS)
    done = deploy_by(forced, NEW, force=True)
    assert done.state == state
    assert done.changes
    assert done.replaced == from_data(live.json())


def test_update_sends_unmanaged_fields_back():
    """What is live and not the code's is in the body as it is."""
    live = deployed(OLD)
    specs_of(live, "find_email")["retries"] = 3
    script = Script(answer(live), OK)
    script.answers.append(stored(script))

    done = deploy_by(script, NEW)

    sent = script.asked[1].body["workflow_definition"]["blocks"][1]["specs"]
    assert sent == {"mode": "PERSONAL", "retries": 3}
    assert len(done.unmanaged) == 1


def test_secret_is_sent_as_its_text_and_shown_by_its_name():
    """It goes into the request, and nowhere else."""
    code = secret_leads()
    old = answer(deployed(code, hook="https://old.example.com/SENTINEL-OLD"))
    script = Script(old, OK)
    script.answers.append(stored(script))

    done = deploy_by(script, code, hook=SECRET, force=True)

    body = script.asked[1].body
    assert body["workflow_definition"]["blocks"][1]["specs"]["url"] == SECRET
    assert "SENTINEL" not in repr(done)
    assert '"url": "***"' in dumps(done.replaced)


def test_secret_that_is_not_known_is_overwritten_only_by_force(history):
    """What somebody set is saved nowhere, so it would be lost; that is said first."""

    def made(**specs):
        made = Webhook(LEAD) >> RawBlock("new_kind", specs={"a": 1, **specs})
        return Workflow("Secret", made, key="secret", project=GROWTH)

    data = deployed(made())
    specs_of(data, "new_kind")["url"] = "https://old.example.com/SENTINEL"
    code = made(url=value("hook", secret=True))
    script = Script(answer(data), answer(data), OK)
    script.answers.append(stored(script))

    with pytest.raises(errors.PlanRefusedError, match="url cannot be saved and") as e:
        deploy_by(script, code, hook=SECRET)
    assert "to allow it, add --force secret" in str(e.value)
    assert "SENTINEL" not in str(e.value)
    assert (script.lines, history.folder.exists()) == (["GET"], False)
    assert deploy_by(script, code, force=True, hook=SECRET).state == "update"
    (entry,) = history.entries()
    assert (entry.reason, len(entry.withheld)) == ("forced", 1)


@pytest.mark.parametrize(
    ("live", "reason"),
    [(WAS, "update"), (EDITED, "forced"), (UNSTAMPED, "stamp")],
)
def test_what_is_replaced_is_saved_before_the_write(history, live, reason):
    """Also where the description alone is written."""
    script = Script(live, lambda _: saved.extend(history.entries()) or OK, IS)
    saved = []

    deploy_by(script, NEW, force=True)

    (entry,) = saved
    assert (entry.key, entry.reason) == ("leads", reason)
    assert entry.definition == from_data(live.json())


def test_without_a_place_to_save_it_nothing_is_written(history):
    history.folder.write_text("no folder")
    script = Script(WAS)

    with pytest.raises(errors.HistoryError, match="cannot be used"):
        deploy_by(script, NEW)
    assert script.lines == ["GET"]
    assert deploy_by(Script(MISSING, OK, IS), NEW).state == "new"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("answers", [[HIDDEN, answer([])], [MISSING, TAKEN, HIDDEN]])
def test_taken_id_is_never_offered_to_force(answers, force):
    """What another organisation has is named as that, before or after the write."""
    script = Script(*answers)

    with pytest.raises(errors.StateRefusedError) as caught:
        deploy_by(script, NEW, force=force)

    assert (caught.value.state, script.answers) == ("taken", [])
    assert "give the other organisation an environment of its own" in str(caught.value)
    assert "force" not in str(caught.value)


def test_pin_to_what_is_not_there_creates_nothing():
    """Also not by force."""
    pinned = Workflow.from_definition(from_data(deployed(NEW)))
    script = Script(MISSING)

    with pytest.raises(errors.StateRefusedError, match="a pin is never created"):
        deploy_by(script, pinned, force=True)
    assert script.lines == ["GET"]


def test_values_and_namespace_are_judged_before_anything_is_sent():
    """No client needs to exist for that."""
    unbound = Workflow("x", flow(url=value("hook")), project=Project("p", "a.example"))
    client = Client("k", base_url="https://api.example.com")

    with pytest.raises(errors.UnboundValueError, match='"hook"'):
        unbound.deploy(client)
    with pytest.raises(errors.LocalNamespaceError, match=r"api\.example\.com"):
        leads(project=None).deploy(client)
    with pytest.raises(errors.LocalNamespaceError):
        leads(project=None).run([], client)
    client.close()
