"""Starting a run once: by hand, and against an emulator that behaves badly."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import time
from functools import cache
from random import Random
from threading import Thread
from uuid import UUID, uuid4, uuid5

import pytest
from attrs import define, field

from flow64 import errors
from flow64.api import Clock, Session, download_links, list_runs
from flow64.client import AsyncClient, Client
from flow64.definition import digest, retry_key
from flow64.deploy import plan_and_apply
from flow64.emulator import Emulator, Switches
from flow64.runs import (
    BatchPlace,
    Budget,
    IntendedStart,
    Journal,
    Launcher,
    StartedRun,
)
from tests.service.clients import BOTH, KEY, FakeClock, use, with_clock
from tests.service.fault_server import HUNG, PASS, FaultServer, Reply, answered
from tests.service.mishaps import Fault
from tests.service.support import (
    BROKEN,
    HTML,
    MISSING,
    SECRET,
    Script,
    answer,
    deployed,
    leads,
    lost,
    ready_of,
    secret_leads,
    unreachable,
)

CODE = leads()
READY = ready_of(CODE)
HERE = answer(deployed(CODE))
STARTED = answer({"job_id": "r1", "workflow_id": CODE.id(), "status": "queued"})
AGAIN = answer({"job_id": "r1", "already_started": True})
BODY = {"webhook_payload": [{"email": "ada@example.com"}]}
MORE = {"webhook_payload": [{"email": "ada@example.com"}, {"email": "g@example.com"}]}
INTENT = "2026-11-24"
AWAY, LOCAL = "https://api.example.com", "http://127.0.0.1:1"
GOLDEN = "582b8c99-d715-5530-b7ac-7e0b46722848"


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "runs.jsonl")


def listed(*ids):
    return answer([{"job_id": run_id, "new": 1, "status": None} for run_id in ids])


def status(word, **more):
    return answer({"overall_status": word, **more})


def start(script, payload=BODY, intent=INTENT, *, code=CODE, **more):
    return script.play(
        begin(compiled(code), payload, intent, **{"endpoint": AWAY, **more})
    )


@cache  # compiling asks git
def compiled(code):
    return ready_of(code)


def begin(ready, payload, intent, *, retry=None, batch=None, **options):
    """A job that starts a run with some options."""
    launcher = Launcher(ready, **options)
    return lambda session: launcher.start(
        session, payload, intent=intent, retry=retry, batch=batch
    )


def keys(script):
    return [step.idempotency_key for step in script.asked if step.idempotency_key]


def events(journal):
    return [entry["event"] for entry in journal.entries()]


def remembered(journal, *, endpoint=AWAY):
    """A journal with a start of which nothing else is known; gives its key."""
    meant = IntendedStart(GOLDEN, digest(BODY), "default", INTENT, rows=1, known=["r0"])
    journal.write_intent(endpoint, READY.id, meant)
    return GOLDEN


def knows(journal, job_id="r1", *, endpoint=AWAY, is_presumed=False, **more):
    """A journal that knows a run; gives the key that it was started with."""
    facts = {"fingerprint": READY.stamp.unbound, "rows": 1, **more}
    meant = IntendedStart(
        **{"key": GOLDEN, "digest": digest(BODY), "env": "default", **facts}
    )
    journal.write_intent(endpoint, READY.id, meant)
    journal.write_run(endpoint, READY.id, meant.key, job_id, is_presumed=is_presumed)
    return meant.key


# -- Keys -----------------------------------------------------------------------------


def test_start_looks_first_and_sends_the_key_of_its_intent():
    """The key is the same on every machine, in every release."""
    script = Script(HERE, listed("r0"), STARTED)

    found = start(script)

    assert found == StartedRun("r1", CODE.id())
    assert script.lines == ["GET", "GET", "run"]
    assert script.asked[2].body == BODY
    assert script.asked[2].query == {"workflow_id": CODE.id(), "save_json": "true"}
    assert keys(script) == [GOLDEN]
    assert script.turns == [f"{AWAY}|{CODE.id()}"]


def test_keys_are_a_wire_format():
    """Of a part of an intent, whatever its size, and of a retry: for all releases."""
    part = "7831219f-0999-5444-a09e-d67b57d90e5e"
    for size in (500, 9):
        script = Script(HERE, listed(), answer({"job_id": f"r{size}"}))
        start(script, batch=BatchPlace(3, size))
        assert keys(script) == [part] == [str(uuid5(UUID(GOLDEN), "batch:3"))]
    script = Script(HERE, status("failed"), listed(), answer({"job_id": "r2"}))
    retried(script)
    assert keys(script) == ["e8bdf25c-da17-5917-be8d-308b9e57e5d1"]


def test_start_without_an_intent_has_a_key_of_its_own():
    """Two of them are two runs."""
    runs = [answer({"job_id": run_id}) for run_id in ("r1", "r2")]
    scripts = [Script(HERE, listed(), run) for run in runs]

    for script in scripts:
        start(script, intent=None)
    first, second = (keys(script) for script in scripts)
    assert first != second
    assert [UUID(key).version for key in first] == [4]


def test_formats_of_results_are_asked_for():
    """In the query, where they take no part in the key."""
    script = Script(HERE, listed(), STARTED)

    start(script, save_json=False, result_formats=("csv", "ndjson"))

    assert script.asked[2].query == {
        "workflow_id": CODE.id(),
        "save_json": "false",
        "result_formats": ["csv", "ndjson"],
    }
    assert keys(script) == [GOLDEN]


@pytest.mark.parametrize(
    "wrong",
    [
        {"intent": ""},
        {"intent": " \n"},
        {"intent": 20},
        {"intent": "\ud800"},
        {"retry": ""},
        {"retry": ["r1"]},
        {"result_formats": "csv"},
        {"result_formats": ["xlsx"]},
        {"save_json": "no"},
    ],
)
def test_argument_that_says_nothing_is_refused(wrong):
    """An empty intent would make one run of all."""
    script = Script()

    with pytest.raises(errors.ArgumentError, match=next(iter(wrong))):
        start(script, **{"intent": INTENT, **wrong})
    assert script.asked == []


# -- The answer is lost ---------------------------------------------------------------


@pytest.mark.parametrize("failure", [lost(), BROKEN, HTML, answer({"job_id": 1})])
def test_one_new_run_after_a_lost_answer_is_presumed_to_be_ours(failure, journal):
    """It is looked for twice, seconds apart, and nothing is sent again."""
    script = Script(HERE, listed("r0"), failure, listed("r0"), listed("r1", "r0"))

    found = start(script, journal=journal)

    assert (found.id, found.is_presumed, found.is_attached) == ("r1", True, False)
    assert (script.waits, len(keys(script))) == ([2, 4], 1)
    assert events(journal) == ["meant", "found"]


def test_no_new_run_after_a_lost_answer_repeats_the_same_key():
    """Should the first have been carried out after all, the key makes them one."""
    nothing = [listed("r0")] * 2
    script = Script(HERE, listed("r0"), lost(), *nothing, STARTED)

    assert start(script).id == "r1"
    assert keys(script) == [GOLDEN] * 2


@pytest.mark.parametrize("live", [status("running"), MISSING])
def test_run_that_the_lost_start_has_made_is_no_old_one(live):
    """The answer says that it was started already: by this call."""
    script = Script(HERE, listed(), lost(), *NOTHING, AGAIN, live)

    found = start(script)

    assert (found.id, found.is_presumed, found.is_attached) == ("r1", False, False)


NOTHING = [listed(), listed()]


@pytest.mark.parametrize(
    ("answers", "sent", "words"),
    [
        ([lost(), listed("r1"), listed("r1", "r2")], 1, "2 new runs"),
        ([lost(), *NOTHING, lost(), *NOTHING], 2, "no new run"),
        # A refusal says nothing of the first attempt.
        ([lost(), *NOTHING, answer({}, 409), *NOTHING], 2, "409"),
        ([lost(), answer({}, 401)], 1, "could not be listed"),
    ],
)
def test_start_whose_fate_is_unknown_is_not_sent_again(answers, sent, words, journal):
    """Several new runs, or none twice: nobody pays on a guess."""
    script = Script(HERE, listed(), *answers)

    with pytest.raises(errors.OutcomeUnknownError, match=words):
        start(script, journal=journal)
    assert (len(keys(script)), script.answers) == (sent, [])
    assert events(journal) == ["meant"]  # so the same command looks again


def test_second_attempt_whose_answer_is_lost_is_looked_for_too():
    """Also after a refusal: the first attempt may have come through late."""
    script = Script(
        HERE, listed(), lost(), *NOTHING, answer({}, 409), listed("r1"), listed("r1")
    )

    assert start(script).is_presumed


def test_run_of_another_start_of_this_process_is_not_taken():
    """Not even where the list shows it late, and no journal is kept."""
    start(Script(HERE, listed(), answer({"job_id": "r9"})), intent="another")
    script = Script(HERE, listed(), lost(), listed("r9"), listed("r9"), STARTED)

    found = start(script)

    assert (found.id, found.is_presumed) == ("r1", False)


def test_run_of_another_process_is_not_taken(journal):
    """The journal is read again after the looks."""

    def late(_):
        other = str(uuid4())
        journal.write_intent(AWAY, READY.id, IntendedStart(other, "d", "default"))
        journal.write_run(AWAY, READY.id, other, "r9")
        return listed("r9")

    script = Script(HERE, listed(), lost(), listed(), late, STARTED)

    assert start(script, journal=journal).id == "r1"


def test_journal_that_breaks_during_the_looks_is_passed(journal):
    """The run is found all the same."""

    def broken(_):
        journal.path.unlink()
        journal.path.mkdir()
        return listed("r1")

    script = Script(HERE, listed(), lost(), listed(), broken)

    assert start(script, journal=journal).is_presumed


def test_start_that_was_never_sent_is_repeated(journal):
    """Nothing left this machine, so there is nothing to look for."""
    script = Script(HERE, listed(), unreachable(), unreachable(), STARTED)

    assert start(script).id == "r1"
    with pytest.raises(errors.TransportError):
        start(Script(HERE, listed(), *[unreachable()] * 9), journal=journal)
    assert events(journal) == ["meant", "ended"]


@pytest.mark.parametrize(
    ("code", "kind", "noted"),
    [
        (400, errors.BadRequestError, ["meant", "ended"]),
        (402, errors.PaymentError, ["meant", "ended"]),
        (422, errors.UnprocessableError, ["meant", "ended"]),
        # Something has the key: a later look may tell what.
        (409, errors.ConflictError, ["meant"]),
    ],
)
def test_refused_start_is_an_error_of_its_own(code, kind, noted, journal):
    """The service said why, and the intent is free for other rows."""
    script = Script(HERE, listed(), answer({"detail": "columns"}, code))

    with pytest.raises(kind, match="columns"):
        start(script, journal=journal)
    assert events(journal) == noted
    if len(noted) > 1:
        script = Script(HERE, *NOTHING, listed(), STARTED)
        assert start(script, MORE, journal=journal).id == "r1"


# -- The intent has a run -------------------------------------------------------------


@pytest.mark.parametrize("word", ["queued", "running", "completed", "paused"])
@pytest.mark.parametrize("reply", [AGAIN, STARTED])
def test_live_or_completed_run_of_the_intent_is_attached_to(word, reply):
    """The intent is fulfilled, or on its way."""
    found = start(Script(HERE, listed("r1"), reply, status(word)))

    assert (found.id, found.is_attached) == ("r1", True)


@pytest.mark.parametrize("word", ["failed", "CANCELED", "timed_out", "terminated"])
@pytest.mark.parametrize("reply", [AGAIN, STARTED])
def test_run_of_the_intent_that_failed_is_reported(word, reply):
    """It may have charged, so it is not repeated by itself."""
    script = Script(HERE, listed("r1"), reply, status(word))

    with pytest.raises(errors.IntentFailedError, match=r"may have charged.*retry='r1'"):
        start(script)


def test_run_that_the_journal_knows_is_attached_to_without_a_start(journal):
    """Nothing is sent but looks."""
    start(Script(HERE, listed(), STARTED), journal=journal)
    script = Script(HERE, status("completed"))

    found = start(script, journal=journal)

    assert (found.id, found.is_attached) == ("r1", True)
    assert script.lines == ["GET", "GET"]


def test_intent_is_one_name_however_it_is_typed(journal):
    """An accent may be one character, or two."""
    start(Script(HERE, listed(), STARTED), journal=journal, intent="\u00e9t\u00e9")
    script = Script(HERE, status("completed"))

    assert start(script, journal=journal, intent="e\u0301te\u0301").id == "r1"


def test_run_that_the_journal_knows_and_that_failed_is_reported(journal, caplog):
    """And written down once."""
    start(Script(HERE, listed(), STARTED), journal=journal)

    for _ in range(2):
        with pytest.raises(errors.IntentFailedError, match="ended as failed"):
            start(Script(HERE, status("failed")), journal=journal)
    assert events(journal) == ["meant", "started", "ended"]
    assert not caplog.records


def test_presumed_run_stays_presumed_until_it_is_proven(journal):
    """Also for the next process."""
    key = knows(journal, intent=INTENT, is_presumed=True)
    assert start(Script(HERE, status("running")), journal=journal).is_presumed

    journal.write_run(AWAY, READY.id, key, "r1", is_found=True)
    assert not start(Script(HERE, status("running")), journal=journal).is_presumed


def test_run_that_was_presumed_for_another_start_leaves_a_doubt(journal):
    """It may be the run of this one, so nothing is sent."""
    remembered(journal)
    other = IntendedStart(str(uuid4()), digest(BODY), "default", "another", rows=1)
    journal.write_intent(AWAY, READY.id, other)
    journal.write_run(AWAY, READY.id, other.key, "r1", is_presumed=True)
    script = Script(HERE, *[listed("r1", "r0")] * 2)

    with pytest.raises(errors.OutcomeUnknownError, match="nothing has proven it yet"):
        start(script, intent=INTENT, journal=journal)
    assert keys(script) == []


def test_run_that_was_disowned_is_looked_for_again(journal):
    """It is not taken a second time."""
    knows(journal, intent=INTENT, is_presumed=True)
    journal.write_end(AWAY, READY.id, "r1", "not ours")
    script = Script(HERE, listed("r1"), listed("r1", "r2"))

    assert start(script, journal=journal).id == "r2"


def test_run_of_other_code_is_told(journal, caplog):
    """It is the run of the intent, and yet somebody may wonder."""
    knows(journal, intent=INTENT, fingerprint="0" * 16)

    with caplog.at_level(logging.WARNING, "flow64"):
        start(Script(HERE, status("completed")), journal=journal)
    assert "started by other code" in caplog.text


def test_known_run_that_is_not_there_is_unknown(journal):
    """It may be hidden, so nothing is sent that could pay again."""
    knows(journal, intent=INTENT)
    script = Script(HERE, MISSING)

    with pytest.raises(errors.OutcomeUnknownError, match="answers 404"):
        start(script, journal=journal)
    assert script.lines == ["GET", "GET"]


def test_known_run_that_an_emulator_forgot_is_started_anew(journal):
    """On this machine alone, where nothing is paid."""
    knows(journal, endpoint=LOCAL, intent=INTENT)
    again = answer({"job_id": "r2"})
    script = Script(HERE, MISSING, listed(), again)

    assert start(script, journal=journal, endpoint=LOCAL).id == "r2"
    script = Script(HERE, status("running"))
    assert start(script, journal=journal, endpoint=LOCAL).id == "r2"


# -- The intent has changed -----------------------------------------------------------


def test_intent_with_another_payload_is_refused(journal):
    """Where the journal knows it; it would be a second run."""
    start(Script(HERE, listed(), STARTED), journal=journal)
    script = Script(HERE)

    with pytest.raises(errors.IntentChangedError, match=r"another body \(1 row\)"):
        start(script, MORE, journal=journal)
    assert script.lines == ["GET"]
    # Another intent, another endpoint and no journal are other runs.
    others = [{"intent": "next"}, {"endpoint": AWAY + "/v2"}, {"journal": None}]
    for n, more in enumerate(others):
        script = Script(HERE, listed(), answer({"job_id": f"other-{n}"}))
        facts = {"journal": journal, **more}
        assert start(script, MORE, **facts).id == f"other-{n}"


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (BatchPlace(0, 500), BatchPlace(0, 100), "batches of 500 rows"),
        (BatchPlace(0, 500), BatchPlace(1, 100), "batches of 500 rows"),
        (BatchPlace(0, 500), None, "batches of 500 rows"),
        (None, BatchPlace(0, 1), "one run for all"),
    ],
)
def test_intent_with_another_batch_size_is_refused(was, now, words, journal):
    """Other parts would buy the same rows again."""
    start(Script(HERE, listed(), STARTED), journal=journal, batch=was)

    with pytest.raises(errors.IntentChangedError, match=words):
        start(Script(HERE), journal=journal, batch=now)


def test_parts_of_an_intent_are_runs_of_their_own(journal):
    """Each has its key; a part with other rows is refused."""
    scripts = [Script(HERE, listed(), answer({"job_id": f"r{n}"})) for n in range(2)]
    for n, script in enumerate(scripts):
        start(script, [BODY, MORE][n], journal=journal, batch=BatchPlace(n, 2))

    assert keys(scripts[0]) != keys(scripts[1])
    found = start(
        Script(HERE, status("running")), MORE, journal=journal, batch=BatchPlace(1, 2)
    )
    assert found.id == "r1"
    with pytest.raises(errors.IntentChangedError, match="run r0"):
        start(Script(HERE), MORE, journal=journal, batch=BatchPlace(0, 2))


@pytest.mark.parametrize("is_there", [True, False])
def test_changed_intent_of_an_emulator_that_forgot_it_is_free(journal, is_there):
    """Nothing was paid, and nothing of it is left."""
    knows(journal, endpoint=LOCAL, intent=INTENT)
    if is_there:
        script = Script(HERE, status("completed"))
        with pytest.raises(errors.IntentChangedError):
            start(script, MORE, journal=journal, endpoint=LOCAL)
    else:
        script = Script(HERE, MISSING, MISSING, listed(), answer({"job_id": "r2"}))
        assert start(script, MORE, journal=journal, endpoint=LOCAL).id == "r2"


# -- A start that was cut off ---------------------------------------------------------


def test_start_that_was_cut_off_is_looked_for(journal):
    """By the next process, with the runs that were there before it."""
    remembered(journal)
    script = Script(HERE, listed("r0"), listed("r1", "r0"))

    found = start(script, journal=journal)

    assert (found.id, found.is_presumed, found.is_attached) == ("r1", True, True)
    assert events(journal) == ["meant", "found"]
    assert start(Script(HERE, status("running")), journal=journal).is_presumed


def test_start_that_was_cut_off_and_made_no_run_is_sent_with_its_key(journal):
    """Which makes one of both, should the first arrive late."""
    key = remembered(journal)
    script = Script(HERE, listed("r0"), listed("r0"), STARTED)

    assert start(script, journal=journal).id == "r1"
    assert keys(script) == [key]
    assert events(journal) == ["meant", "started"]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([listed("r1"), listed("r2", "r1")], errors.OutcomeUnknownError),
        ([answer({}, 401)], errors.AuthError),
        ([*NOTHING, lost(), *NOTHING], errors.OutcomeUnknownError),
        ([*NOTHING, answer({}, 400), *NOTHING], errors.OutcomeUnknownError),
    ],
)
def test_start_that_was_cut_off_and_stays_unknown(answers, kind, journal):
    """Nothing is sent where it might pay again; it stays open."""
    remembered(journal)

    with pytest.raises(kind):
        start(Script(HERE, *answers), journal=journal)
    assert events(journal) == ["meant"]


def test_start_that_was_cut_off_and_ran_already_is_an_old_one(journal):
    """The answer knows its key; if that run failed, it is reported."""
    remembered(journal)
    script = Script(HERE, *NOTHING, AGAIN, status("running"))
    assert start(script, journal=journal).is_attached


def test_start_that_another_process_is_at_is_attached_to(journal):
    """Its answer comes during our looks."""
    key = remembered(journal)

    def answered(_):
        journal.write_run(AWAY, READY.id, key, "r1")
        return listed()

    script = Script(HERE, listed(), answered, status("running"))
    found = start(script, journal=journal)

    assert (found.id, found.is_presumed, found.is_attached) == ("r1", False, True)


def test_start_that_another_process_is_at_may_be_forgotten(journal):
    """By an emulator; then it is sent."""
    key = remembered(journal, endpoint=LOCAL)

    def answered(_):
        journal.write_run(LOCAL, READY.id, key, "r1")
        return listed()

    script = Script(HERE, listed(), answered, MISSING, answer({"job_id": "r2"}))
    assert start(script, journal=journal, endpoint=LOCAL).id == "r2"


# -- Retry ----------------------------------------------------------------------------


def retried(script, failed="r1", **more):
    return start(script, retry=failed, **more)


@pytest.mark.parametrize("has_journal", [True, False])
def test_retry_starts_a_failed_run_again_once(has_journal, journal):
    """Under a key that any machine makes of the intent and the run."""
    more = {"journal": journal} if has_journal else {}
    if has_journal:
        knows(journal, intent=INTENT)
    script = Script(HERE, status("failed"), listed("r1"), answer({"job_id": "r2"}))

    assert retried(script, **more).id == "r2"
    assert keys(script) == [str(retry_key(UUID(GOLDEN), "r1"))]
    if has_journal:
        again = Script(HERE, status("running"))
    else:
        again = Script(
            HERE,
            status("failed"),
            listed("r2"),
            answer({"job_id": "r2", "already_started": True}),
            status("running"),
        )
    assert retried(again, **more).id == "r2"


def test_retry_of_a_retry_has_a_key_that_any_machine_makes(journal):
    """It derives from the intent, so that nobody needs the journal of the first."""
    knows(journal, intent=INTENT)
    first = Script(HERE, status("failed"), listed("r1"), answer({"job_id": "r2"}))
    retried(first, journal=journal)
    with pytest.raises(errors.IntentFailedError, match="r2, which ended"):
        retried(Script(HERE, status("failed")), journal=journal)
    made = []
    for run_id, more in [("r3", {"journal": journal}), ("r4", {})]:
        run = answer({"job_id": run_id})
        script = Script(HERE, status("failed"), listed("r2"), run)
        retried(script, "r2", **more)
        made += keys(script)

    assert made == [str(retry_key(UUID(GOLDEN), "r2"))] * 2
    # The run of the intent is the latest.
    assert start(Script(HERE, status("completed")), journal=journal).id == "r3"


def test_retry_needs_no_intent_where_the_journal_knows_the_run(journal):
    """Neither for a run of an intent, nor for one of its own."""
    knows(journal, intent=INTENT)
    script = Script(HERE, status("failed"), listed("r1"), answer({"job_id": "r2"}))
    assert retried(script, intent=None, journal=journal).id == "r2"
    assert start(Script(HERE, status("running")), journal=journal).id == "r2"

    own = str(uuid4())
    knows(journal, "r8", key=own)
    script = Script(HERE, status("failed"), listed(), answer({"job_id": "r9"}))
    assert retried(script, "r8", intent=None, journal=journal).id == "r9"
    assert keys(script) == [str(retry_key(UUID(own), "r8"))]
    with pytest.raises(errors.IntentFailedError, match=r"^run r9 ended as failed"):
        retried(Script(HERE, status("failed")), "r8", intent=None, journal=journal)


def test_retry_of_a_part_is_a_part(journal):
    """The journal knows which."""
    part = BatchPlace(4, 2)
    start(Script(HERE, listed(), STARTED), journal=journal, batch=part)
    script = Script(HERE, status("failed"), listed("r1"), answer({"job_id": "r2"}))
    retried(script, journal=journal)

    found = start(Script(HERE, status("running")), journal=journal, batch=part)
    assert found.id == "r2"


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (status("running"), "is running and goes on"),
        (status("paused"), "is paused"),
        (status("completed"), "has completed"),
        (status("failed", workflow_id=str(uuid4())), "another workflow"),
    ],
)
def test_retry_is_for_runs_that_ended_without_success(live, words):
    """Nothing else is started again."""
    script = Script(HERE, live)

    with pytest.raises(errors.RetryError, match=words):
        retried(script)
    assert keys(script) == []


def test_retry_of_a_run_that_is_not_there_is_not_found():
    """Nobody knows whether it failed."""
    with pytest.raises(errors.NotFoundError):
        retried(Script(HERE, MISSING))


@pytest.mark.parametrize(
    ("payload", "intent", "kind", "words"),
    [
        (BODY, None, None, None),
        (MORE, INTENT, errors.IntentChangedError, "another body"),
        (BODY, "other", errors.RetryError, "started for the intent '2026-11-24'"),
    ],
)
def test_retry_is_of_the_same_run(payload, intent, kind, words, journal):
    """The same rows, the same intent."""
    knows(journal, intent=INTENT)
    if kind is None:
        with pytest.raises(errors.RetryError, match="nothing here remembers"):
            retried(Script(HERE), "r7", intent=intent, journal=journal)
        return
    with pytest.raises(kind, match=words):
        retried(Script(HERE), payload=payload, intent=intent, journal=journal)


def test_retry_of_a_run_without_an_intent_takes_none(journal):
    """It was started for none."""
    knows(journal, key=str(uuid4()))

    with pytest.raises(errors.RetryError, match="for no intent in the environment"):
        retried(Script(HERE), journal=journal)


# -- What is refused before -----------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "code", "words"),
    [
        (MISSING, CODE, "not deployed"),
        (
            answer(deployed(leads(mode="PERSONAL"))),
            CODE,
            r'the code has changed .*mode: "PERSONAL" → "PROFESSIONAL"',
        ),
        (
            answer({**deployed(CODE), "name": "E\x1b"}),
            CODE,
            r'edited on the service since it was deployed \(~ title: "Leads" → ',
        ),
        (answer({**deployed(CODE), "name": "E"}), leads("New"), "and the code has"),
        (
            answer({**deployed(CODE), "description": "", "name": "E"}),
            CODE,
            "no code of yours deployed it",
        ),
    ],
)
def test_what_is_not_this_code_is_not_run(live, code, words):
    """It would buy something else; `stale=True` accepts it, without a look."""
    with pytest.raises(errors.StaleDeploymentError, match=words) as caught:
        start(Script(live), code=code)
    assert "\x1b" not in str(caught.value)
    assert start(Script(listed(), STARTED), code=code, stale=True).id == "r1"


def dearer():
    """What is deployed, with a mode that somebody chose by hand."""
    live = deployed(leads(mode="PERSONAL"))
    return answer(live)


def test_budget_counts_what_is_deployed():
    """It may be dearer than this code says."""
    cheap = Budget(max_cost=0.05)
    with pytest.raises(errors.BudgetError):
        start(Script(), MORE, budget=cheap)
    script = Script(dearer())
    with pytest.raises(errors.BudgetError, match=r"\$0.20"):
        start(script, budget=cheap, stale=True)
    assert script.lines == ["GET"]
    with pytest.raises(errors.StaleDeploymentError, match="not deployed"):
        start(Script(MISSING), budget=cheap, stale=True)
    assert start(Script(HERE, listed(), STARTED), budget=cheap).id == "r1"


def test_journal_that_cannot_be_written_stops_everything(tmp_path):
    """Before the first request, not after a run was paid."""
    script = Script()

    with pytest.raises(errors.JournalError):
        start(script, journal=Journal(tmp_path))
    assert script.asked == []


def test_disk_that_gets_full_stops_the_start(journal, monkeypatch):
    """What could not be written down is not sent."""
    script = Script(HERE, listed())
    monkeypatch.setattr(Journal, "append", full)

    with pytest.raises(errors.JournalError):
        start(script, journal=journal)
    assert keys(script) == []


def full(self, entry):
    raise errors.JournalError(str(self.path), "no room")


def test_disk_that_is_full_after_the_start_loses_no_run(journal, monkeypatch, caplog):
    """It is told, and the run is there."""

    def fills(_):
        monkeypatch.setattr(Journal, "append", full)
        return STARTED

    with caplog.at_level(logging.WARNING, "flow64"):
        assert start(Script(HERE, listed(), fills), journal=journal).id == "r1"
    assert "could not be written" in caplog.text


def test_journal_holds_no_row_and_no_secret(journal):
    """Of the body and of the values it has a hash."""
    code = secret_leads()
    ready = ready_of(code, hook=SECRET)
    here = answer(deployed(code, hook=SECRET))
    body = {**BODY, "specs_override": {"token": "SENTINEL-SPEC"}}

    found = Script(here, listed(), STARTED).play(
        begin(ready, body, INTENT, journal=journal, endpoint=AWAY)
    )

    said = journal.path.read_text() + repr(found)
    assert digest(body) in said
    assert not any(text in said for text in ("ada@", "SENTINEL", "hooks.example"))


# -- Against the emulator -------------------------------------------------------------

SLOW = Switches(speed=0.2)


@pytest.fixture
def emulator():
    with Emulator() as made:
        use(
            "sync",
            made.url,
            lambda c: c.call(plan_and_apply, READY, force=False, allow_spend=False),
        )
        yield made


def started(kind, url, *, payload=BODY, intent=INTENT, journal=None, **more):
    """A start by one kind of client, whose clock goes on by itself."""
    job = begin(READY, payload, intent, journal=journal, endpoint=url, **more)
    return use(kind, url, lambda client: with_clock(client, FakeClock()).call(job))


def runs_of(emulator):
    return {run.id for run in emulator.store.runs.all()}


LOST_ANSWER = Fault("reset_after", path="/workflows/run")
LOST_REQUEST = Fault("reset_before", path="/workflows/run")
ANSWERS = [
    Fault("status_after", path="/workflows/run", status=502),
    Fault("cut_json", path="/workflows/run"),
    Fault("empty", path="/workflows/run"),
    Fault("html", path="/workflows/run"),
    Fault("truncate", path="/workflows/run"),
]


@BOTH
@pytest.mark.parametrize(
    ("switches", "fault", "is_presumed"),
    [
        ({}, LOST_ANSWER, True),
        ({"honour_idempotency": False}, LOST_ANSWER, True),
        ({"list_runs_late": 1, "honour_idempotency": False}, LOST_ANSWER, True),
        ({"list_runs_late": 5}, LOST_ANSWER, False),
        ({}, LOST_REQUEST, False),
        ({"honour_idempotency": False}, LOST_REQUEST, False),
        *[
            ({"honour_idempotency": False}, fault, fault.kind != "status_before")
            for fault in ANSWERS
        ],
    ],
)
def test_lost_answer_leaves_one_run(kind, switches, fault, is_presumed, emulator):
    """With the key honoured or not, and with runs that are listed late."""
    emulator.switches = Switches(**switches)
    emulator.faults.add(fault)

    found = started(kind, emulator.url)

    emulator.switches = Switches()
    assert runs_of(emulator) == {found.id}
    assert found.is_presumed == is_presumed


@BOTH
def test_second_machine_attaches_to_the_run_of_the_intent(kind, emulator, tmp_path):
    """The same intent and rows, and a journal of its own; two intents are two runs."""
    here, there = Journal(tmp_path / "a.jsonl"), Journal(tmp_path / "b.jsonl")
    first = started(kind, emulator.url, journal=here)

    again = started(kind, emulator.url, journal=here)
    elsewhere = started(kind, emulator.url, journal=there)
    another = started(kind, emulator.url, journal=here, intent="next")
    own = [started(kind, emulator.url, journal=here, intent=None) for _ in range(2)]

    assert {again.id, elsewhere.id} == {first.id}
    assert len({first.id, another.id, *(run.id for run in own)}) == 4
    assert [run.is_attached for run in (first, again, elsewhere)] == [False, True, True]


@BOTH
def test_failed_run_is_retried_once_by_any_machine(kind, emulator, tmp_path):
    """And reported until somebody does."""
    emulator.switches = Switches(credits=0)
    first = started(kind, emulator.url)
    for _ in range(100):
        with pytest.raises(errors.FlowError) as caught:
            assert started(kind, emulator.url) is None
        if isinstance(caught.value, errors.IntentFailedError):
            break
        time.sleep(0.01)
    emulator.switches = Switches()
    with pytest.raises(errors.IntentFailedError, match=f"retry='{first.id}'"):
        started(kind, emulator.url)

    journals = [None, Journal(tmp_path / "a.jsonl"), Journal(tmp_path / "b.jsonl")]
    found = {
        started(kind, emulator.url, journal=journal, retry=first.id).id
        for journal in journals
    }

    assert len(found) == 1
    assert runs_of(emulator) == {first.id, *found}


@BOTH
def test_key_that_the_service_knows_with_something_else(kind, emulator):
    """It is an error of its own."""
    started(kind, emulator.url)

    with pytest.raises(errors.ConflictError, match="Idempotency-Key"):
        started(kind, emulator.url, result_formats=["ndjson"])
    assert len(runs_of(emulator)) == 1


def patient(client):
    """A client that gives the others time while it waits for a turn."""
    client._clock = Clock(lambda: 0.0, lambda _: asyncio.sleep(0.001))
    return client


def test_threads_that_start_at_once_never_take_each_others_run(emulator):
    """Each answer is lost, and the list tells them apart."""
    emulator.switches = Switches(honour_idempotency=False)
    emulator.faults.add(Fault("reset_after", path="/workflows/run", times=None))
    found = {}

    def run(name):
        job = begin(READY, BODY, name, endpoint=emulator.url)
        run = use("sync", emulator.url, lambda client: patient(client).call(job))
        found[name] = run.id

    threads = [Thread(target=run, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found.values())) == 6
    assert runs_of(emulator) == set(found.values())


def test_tasks_that_start_at_once_never_take_each_others_run(emulator):
    """The same for one client on an event loop."""
    emulator.switches = Switches(honour_idempotency=False)
    emulator.faults.add(Fault("reset_after", path="/workflows/run", times=None))

    async def all_of_them():
        async with AsyncClient(KEY, base_url=emulator.url, journal=None) as client:
            jobs = [begin(READY, BODY, str(n), endpoint=emulator.url) for n in range(6)]
            return await asyncio.gather(*map(patient(client).call, jobs))

    found = {run.id for run in asyncio.run(all_of_them())}

    assert len(found) == 6
    assert runs_of(emulator) == found


class Killed(BaseException):
    """The process is no more."""


@define(eq=False)
class Mortal(Session):
    """A session that is cut off after some steps, the last of them done or not."""

    steps: int = field(kw_only=True)
    is_last_done: bool = field(kw_only=True)

    async def exchange(self, request):
        return await self._step(lambda: super(Mortal, self).exchange(request))

    async def sleep(self, seconds, *, is_apart=False):
        await self._step(lambda: super(Mortal, self).sleep(seconds, is_apart=is_apart))

    async def _step(self, step):
        self.steps -= 1
        if self.steps == 0 and not self.is_last_done:
            raise Killed
        found = await step()
        if self.steps == 0:
            raise Killed
        return found


async def cut_off(session, job, luck):
    """Run a job, and maybe cut it off."""
    mortal = Mortal(
        session.channel,
        session.transport,
        session.clock,
        steps=luck.randint(1, 12),
        is_last_done=luck.random() < 0.5,
    )
    return await mortal.run(job)


FAULTS = ["reset_after", "reset_before", "status_after", "status_before", "cut_json"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_whatever_goes_wrong_an_intent_has_one_run(seed, journal, new_process):
    """Faults, crashes at any step, keys that are ignored, runs that are listed late."""
    luck = Random(seed)
    switches = Switches(
        honour_idempotency=seed % 2 == 0, list_runs_late=luck.choice([0, 1])
    )
    found = {}
    with Emulator(switches=switches) as emulator:
        transport = emulator.transport()
        with Client(KEY, base_url=LOCAL, transport=transport, journal=None) as client:
            with_clock(client, FakeClock())
            client.call(plan_and_apply, READY, force=False, allow_spend=False)
            for _ in range(12):
                intent, path = luck.choice("ab"), luck.choice(["/run", "/runs*"])
                fault = luck.choice(FAULTS)
                emulator.faults.clear()
                emulator.faults.add(Fault(fault, path=f"/workflows{path}"))
                payload = {"webhook_payload": [{"email": intent}]}
                job = begin(READY, payload, intent, journal=journal, endpoint=LOCAL)
                try:
                    run = client.call(cut_off, job, luck)
                except Killed:
                    new_process()
                except errors.OutcomeUnknownError:
                    pass
                else:
                    found.setdefault(intent, set()).add(run.id)
            emulator.faults.clear()
            client.call(list_runs, READY.id)  # since some are listed late
            listed = client.call(list_runs, READY.id)
            sent = [
                item.results[0]["email"]
                for entry in listed
                for item in client.call(download_links, entry.job_id, "json")[:1]
            ]

    assert sorted(sent) == sorted(set(sent))
    assert all(len(runs) == 1 for runs in found.values())


REPORTED = [400, 402, 403, 404, 422]
LOOKED_AFTER = [408, 425, 429, 499, 302, 303, 307]


def applied_but(status):
    """Carried out, and answered with an error."""
    where = "https://elsewhere.example/" if 300 <= status < 400 else ""
    return answered(status, where)


def starts(kind, server, journal):
    """Start the intent until a run is known; gives it, and how often that took."""
    for tries in range(1, 4):
        try:
            return started(kind, server.url, journal=journal), tries
        except errors.ApiError as error:
            assert error.status in REPORTED  # noqa: PT017 - the loop ends otherwise
    raise AssertionError("no run is known")


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("is_remembered", [True, False])
@pytest.mark.parametrize("code", [*REPORTED, *LOOKED_AFTER])
def test_start_that_was_applied_and_answered_with_an_error_is_one_run(
    kind, code, is_remembered, emulator, tmp_path
):
    """The service ignores the key. With and without a journal, in one process."""
    emulator.switches = Switches(honour_idempotency=False)
    journal = Journal(tmp_path / "runs.jsonl") if is_remembered else None
    with FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", applied_but(code))
        run, tries = starts(kind, server, journal)
        again = started(kind, server.url, journal=journal) if is_remembered else run

    assert (runs_of(emulator), again.id) == ({run.id}, run.id)
    assert len(server.applied("POST")) == 1
    assert (tries, run.is_presumed) == (2 if code in REPORTED else 1, True)


@BOTH
@pytest.mark.parametrize("code", REPORTED)
def test_refusal_is_reported_without_a_look(kind, code, emulator, tmp_path):
    """One list before the start, and none before the report."""
    journal = Journal(tmp_path / "runs.jsonl")
    with FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", Reply(code, {"detail": "no"}))
        with pytest.raises(errors.ApiError) as caught:
            started(kind, server.url, journal=journal)
        lists = len(server.of("GET", "/workflows/runs"))

    assert (caught.value.status, lists) == (code, 1)
    assert [entry.get("outcome") for entry in journal.entries()] == [
        None,
        f"answered {code}",
    ]


@BOTH
@pytest.mark.parametrize("code", LOOKED_AFTER)
def test_start_that_was_not_applied_is_looked_for_and_sent_again(kind, code, emulator):
    """With the same key: one run, that an answer names."""
    with FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", Reply(code, {"detail": "later"}))
        run = started(kind, server.url)
        lines = [seen.line for seen in server.requests]

    assert (runs_of(emulator), run.is_presumed) == ({run.id}, False)
    lists, starts_ = ["GET /workflows/runs"], ["POST /workflows/run"]
    assert lines[1:] == lists + starts_ + lists * 2 + starts_


@BOTH
def test_start_that_is_limited_again_and_again_is_looked_for_each_time(kind, emulator):
    """And reported as it was answered, if it never got through."""
    with FaultServer(emulator) as server:
        server.always("POST", "/workflows/run", Reply(429, {"detail": "later"}))
        with pytest.raises(errors.RateLimitedError) as caught:
            started(kind, server.url)
        sent = len(server.of("POST"))
        lists = len(server.of("GET", "/workflows/runs"))

    assert (caught.value.attempts, sent) == (lists // 2 + 1, lists // 2 + 1)
    assert sent > 2
    assert runs_of(emulator) == set()


def test_several_new_runs_after_a_429_are_unknown():
    """Nothing is sent on a guess."""
    script = Script(
        HERE, listed(), answer({}, 429), listed("r1"), listed("r2", "r1"), STARTED
    )

    with pytest.raises(errors.OutcomeUnknownError, match="2 new runs"):
        start(script)
    assert len(keys(script)) == 1


def test_other_rows_after_a_refusal_are_looked_for_first(journal):
    """A run that is there may be that of the refused start; else the intent is free."""
    with pytest.raises(errors.UnprocessableError):
        start(Script(HERE, listed("r0"), answer({}, 422)), journal=journal)
    script = Script(HERE, listed("r0"), listed("r1", "r0"))
    with pytest.raises(errors.IntentChangedError, match="run r1"):
        start(script, MORE, journal=journal)
    assert keys(script) == []

    script = Script(HERE, *[listed("r0")] * 3, answer({"job_id": "r2"}))
    assert start(script, MORE, journal=journal).id == "r2"
    # The look has answered the question, so it is not asked again.
    script = Script(HERE, status("running"))
    assert start(script, MORE, journal=journal).id == "r2"


def test_refusal_after_a_refusal_and_a_look_is_reported(journal):
    """The rows are still wrong; that is no unknown outcome."""
    for answers in ([listed()], [*NOTHING]):
        script = Script(HERE, *answers, answer({"detail": "columns"}, 422))
        with pytest.raises(errors.UnprocessableError, match="columns"):
            start(script, journal=journal)
        assert script.answers == []


def test_start_without_a_journal_is_written_down_by_the_next_one(journal):
    """With the list that the first one had seen."""
    with pytest.raises(errors.UnprocessableError):
        start(Script(HERE, listed("r0"), answer({}, 422)))

    found = start(Script(HERE, listed("r1", "r0"), listed("r1", "r0")), journal=journal)

    assert (found.id, found.is_presumed, events(journal)) == (
        "r1",
        True,
        ["meant", "found"],
    )


PROGRAM = """
import json, sys
from pathlib import Path
from flow64.client import Client
from flow64.runs import Journal, Launcher
from tests.service.clients import KEY, FakeClock, with_clock
from tests.service.support import leads, ready_of

url, place, body = sys.argv[1:]
launcher = Launcher(ready_of(leads()), Journal(Path(place)), url)
body = json.loads(body)
job = lambda session: launcher.start(session, body, intent="2026-11-24")
with Client(KEY, base_url=url, journal=None) as client:
    print(with_clock(client, FakeClock()).call(job).id)
"""


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("code", [*REPORTED, *LOOKED_AFTER])
def test_another_process_finds_the_run_of_a_start_answered_with_an_error(
    kind, code, emulator, tmp_path, new_process
):
    """A journal and the first list are all that it has; the key is ignored."""
    emulator.switches = Switches(honour_idempotency=False)
    journal = Journal(tmp_path / "runs.jsonl")
    with FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", applied_but(code))
        is_looked_after = code not in REPORTED
        # The look of this process fails, if it has one.
        server.on("GET", "/workflows/runs", PASS, *[Reply(404)] * is_looked_after)
        with pytest.raises(errors.FlowError):
            started(kind, server.url, journal=journal)
        new_process()
        assert server.unused == []
        run = started(kind, server.url, journal=journal)

    assert runs_of(emulator) == {run.id}
    assert (len(server.applied("POST")), run.is_attached) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("code", [422, 429])
def test_command_that_is_given_again_finds_the_run(code, emulator, tmp_path):
    """In another process, really."""
    emulator.switches = Switches(honour_idempotency=False)
    with FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", applied_but(code))
        command = [
            sys.executable, "-c", PROGRAM, server.url,
            str(tmp_path / "runs.jsonl"), json.dumps(BODY),
        ]  # fmt: skip
        first = subprocess.run(command, capture_output=True, text=True, check=False)
        done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert (first.returncode != 0, "422" in first.stderr) == (code == 422,) * 2
    assert runs_of(emulator) == {done.stdout.strip()}
    assert len(server.applied("POST")) == 1


@pytest.mark.slow
def test_killed_after_sending_is_one_run_for_the_same_command(emulator, tmp_path):
    """Also where the service ignores the key: the journal knows of the start."""
    emulator.switches = Switches(honour_idempotency=False)
    with FaultServer(emulator) as server:
        server.on("POST", "/workflows/run", HUNG)
        place = str(tmp_path / "runs.jsonl")
        command = [
            sys.executable, "-c", PROGRAM, server.url, place, json.dumps(BODY)
        ]  # fmt: skip
        child = subprocess.Popen(command)
        while not (applied := server.applied("POST")):
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()

        done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert runs_of(emulator) == {done.stdout.strip()}
    assert len(applied) == 1
