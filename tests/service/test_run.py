"""Runs, played by hand: started once, watched through bad minutes, read back."""

from __future__ import annotations

import datetime as dt
import math
from threading import Thread

import pytest

from flow64 import LEAD, Project, Workflow, errors
from flow64.blocks import FindEmail, Search
from flow64.service import Run, run
from flow64.service import _run as runs
from flow64.service._run import starting
from tests.service.support import (
    BROKEN,
    HTML,
    MISSING,
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
HERE = answer(deployed(CODE))
STARTED = answer({"job_id": "r1", "workflow_id": CODE.id(), "status": "queued"})
AGAIN = answer({"job_id": "r1", "already_started": True})
BODY = {"webhook_payload": [{"email": "ada@example.com"}]}
GOLDEN = "582b8c99-d715-5530-b7ac-7e0b46722848"


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    monkeypatch.setattr(runs, "_STARTS", {})


def listed(*ids):
    return answer([{"job_id": run_id, "new": 1, "status": None} for run_id in ids])


def status(word, **more):
    return answer({"overall_status": word, **more})


def start(script, workflow=CODE, intent="2026-11-24", *, stale=False, ours=()):
    ready = ready_of(workflow)
    talk = starting(ready, BODY, intent, stale=stale, ours=frozenset(ours))
    return script.play(talk)


def keys(script):
    return [step.idempotency_key for step in script.asked if step.idempotency_key]


def test_run_looks_first_and_sends_the_key_of_its_intent():
    """The key is the same on every machine, in every release."""
    script = Script(HERE, listed("r0"), STARTED)

    found = start(script)

    assert (found.id, found.is_presumed) == ("r1", False)
    assert script.lines == ["GET", "GET", "run"]
    assert script.asked[2].body == BODY
    assert script.asked[2].query == {"workflow_id": CODE.id(), "save_json": "true"}
    assert keys(script) == [GOLDEN]


def test_run_without_an_intent_has_a_key_of_its_own():
    """Two of them are two runs."""
    scripts = [Script(HERE, listed(), STARTED) for _ in range(2)]

    for script in scripts:
        start(script, intent=None)
    first, second = (keys(script) for script in scripts)
    assert first != second


@pytest.mark.parametrize("failure", [lost(), BROKEN, HTML, answer({"job_id": 1})])
def test_one_new_run_after_a_lost_answer_is_presumed_to_be_ours(failure):
    """It is looked for twice, seconds apart, and nothing is sent again."""
    script = Script(HERE, listed("r0"), failure, listed("r0"), listed("r1", "r0"))

    found = start(script)

    assert (found.id, found.is_presumed) == ("r1", True)
    assert (script.waits, len(keys(script))) == ([2, 4], 1)


def test_no_new_run_after_a_lost_answer_repeats_the_same_key():
    """Should the first have been carried out after all, the key makes them one."""
    nothing = [listed("r0")] * 2
    script = Script(HERE, listed("r0"), lost(), *nothing, STARTED)

    assert start(script).id == "r1"
    assert keys(script) == [GOLDEN] * 2


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
def test_start_whose_fate_is_unknown_is_not_sent_again(answers, sent, words):
    """Several new runs, or none twice: nobody pays on a guess."""
    script = Script(HERE, listed(), *answers)

    with pytest.raises(errors.OutcomeUnknownError, match=words):
        start(script)
    assert (len(keys(script)), script.answers) == (sent, [])


def test_second_attempt_whose_answer_is_lost_is_looked_for_too():
    """Also after a refusal: the first attempt may have come through late."""
    script = Script(
        HERE, listed(), lost(), *NOTHING, answer({}, 409), listed("r1"), listed("r1")
    )

    assert start(script).is_presumed


def test_start_that_was_never_sent_is_repeated():
    """Nothing left this machine, so there is nothing to look for."""
    script = Script(HERE, listed(), unreachable(), unreachable(), STARTED)

    assert start(script).id == "r1"
    assert script.waits == [0.5, 2]
    with pytest.raises(errors.TransportError):
        start(Script(HERE, listed(), *[unreachable()] * 4))


def test_refused_start_is_an_error_of_its_own():
    """The service said why."""
    with pytest.raises(errors.BadRequestError, match="columns"):
        start(Script(HERE, listed(), answer({"detail": "columns"}, 400)))


def test_run_of_another_start_of_this_process_is_not_taken():
    """Not even where the list shows it late."""
    script = Script(HERE, listed(), lost(), listed("r9"), listed("r9"), STARTED)

    found = start(script, ours={"r9"})

    assert (found.id, found.is_presumed) == ("r1", False)


@pytest.mark.parametrize("word", ["queued", "running", "completed", "paused"])
def test_live_or_completed_run_of_the_intent_is_attached_to(word):
    """The intent is fulfilled, or on its way."""
    assert start(Script(HERE, listed("r1"), AGAIN, status(word))).id == "r1"


@pytest.mark.parametrize("word", ["failed", "CANCELED", "timed_out", "terminated"])
@pytest.mark.parametrize("reply", [AGAIN, STARTED])
def test_run_of_the_intent_that_failed_is_reported(word, reply):
    """It may have charged, so it is not repeated by itself."""
    script = Script(HERE, listed("r1"), reply, status(word))

    with pytest.raises(errors.IntentFailedError, match="may have charged"):
        start(script)


@pytest.mark.parametrize(
    ("live", "code", "words"),
    [
        (MISSING, CODE, "not deployed"),
        (
            answer(deployed(leads(mode="PERSONAL"))),
            CODE,
            r"the code has changed .*mode: 'PERSONAL' became 'PROFESSIONAL'",
        ),
        (
            answer({**deployed(CODE), "name": "E\x1b"}),
            CODE,
            r"edited on the service \(name: 'Leads' became",
        ),
        (answer({**deployed(CODE), "name": "E"}), leads("New"), "and the code has"),
        (
            answer({**deployed(CODE), "description": "", "name": "E"}),
            CODE,
            "not deployed by",
        ),
    ],
)
def test_what_is_not_this_code_is_not_run(live, code, words):
    """It would buy something else; `stale=True` accepts it, without a look."""
    with pytest.raises(errors.StaleDeploymentError, match=words) as caught:
        start(Script(live), code)
    assert "\x1b" not in str(caught.value)
    assert start(Script(listed(), STARTED), code, stale=True).id == "r1"


# -- What is given --------------------------------------------------------------------


def payload(rows, workflow=CODE):
    return runs._payload(ready_of(workflow).definition, rows)


ROW = {"email": "ada@example.com"}


@pytest.mark.parametrize("rows", [[ROW], (ROW,), ROW, iter([ROW]), (r for r in [ROW])])
def test_rows_are_any_iterable_of_mappings(rows):
    """A single mapping is one row."""
    assert payload(rows) == {"webhook_payload": [ROW]}


def test_payload_is_a_copy():
    """Changing a row afterwards changes nothing that is sent."""
    row = {"tags": ["a"]}
    made = payload([row])
    row["tags"].append("b")

    assert made == {"webhook_payload": [{"tags": ["a"]}]}


def test_every_bad_row_is_listed():
    """All together, by their place; nothing was sent."""
    bad = [ROW, {"n": math.nan}, "x", {"when": dt.date(2026, 1, 1)}, {1: 2}]

    with pytest.raises(errors.RowsError) as caught:
        payload(bad)
    places = [line.partition(":")[0] for line in caught.value.problems]
    assert sorted(places) == ["/1/n", "/2", "/3/when", "/4"]


@pytest.mark.parametrize("rows", [None, 3])
def test_rows_that_are_no_list_are_refused(rows):
    """With what a row is."""
    with pytest.raises(errors.RowsError, match="a row is a mapping"):
        payload(rows)


def test_rows_for_another_source_than_a_webhook_are_refused():
    """The service takes them for a webhook alone; none are an empty list."""
    search = Workflow(
        "x", Search(LEAD, query="q") >> FindEmail(), project=Project("p", "a.example")
    )

    assert payload([], search) == {"webhook_payload": []}
    with pytest.raises(errors.RowsError, match="begins with search"):
        payload([ROW], search)


class Player(Script):
    """A script in place of a client."""

    endpoint, is_local = "https://api.example.com", False

    def close(self):
        self.is_closed = True


@pytest.mark.parametrize("intent", ["", " ", dt.date(2026, 1, 1)])
def test_intent_must_be_a_name(intent):
    """An empty one would make one run of all."""
    player = Player()

    with pytest.raises(errors.ArgumentError, match="names no run"):
        run(CODE, [ROW], player, intent=intent)
    assert player.asked == []


def test_run_is_what_was_started():
    """It holds the id of the run, and whether it is presumed."""
    player = Player(HERE, listed(), lost(), listed("r1"), listed("r1"))

    made = run(CODE, [ROW], player)

    assert (made.id, made.workflow_id, made.is_presumed) == ("r1", CODE.id(), True)
    assert repr(made).startswith("Run(id='r1'")


def test_client_of_ones_own_is_closed_where_no_run_came_of_it(monkeypatch):
    """A client that was given stays open."""
    made = Player(MISSING)
    monkeypatch.setattr(runs, "Client", lambda: made)
    with pytest.raises(errors.StaleDeploymentError):
        run(CODE, [ROW])
    assert made.is_closed
    given = Player(MISSING)
    with pytest.raises(errors.StaleDeploymentError):
        run(CODE, [ROW], given)
    assert not hasattr(given, "is_closed")


def test_starts_of_one_workflow_go_one_after_the_other():
    """So none takes the run of another for its own, whatever the threads do."""
    inside, most = [], []

    class Slow(Player):
        def play(self, conversation):
            inside.append(1)
            most.append(len(inside))
            try:
                return super().play(conversation)
            finally:
                inside.pop()

    players = [Slow(HERE, listed(), answer({"job_id": f"r{n}"})) for n in range(8)]
    threads = [Thread(target=run, args=(CODE, [ROW], player)) for player in players]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (8, 1)


# -- Watching -------------------------------------------------------------------------


@pytest.fixture
def watched(monkeypatch):
    """A run whose clock goes on with its waits."""

    def made(*answers, word="queued"):
        player = Script(*answers)
        monkeypatch.setattr(runs, "monotonic", lambda: sum(player.waits))
        return Run("r1", "w1", player, status=word), player

    return made


def test_watch_gives_what_changed_until_the_end(watched):
    """A status that is the same is not given twice; unknown words go on."""
    made, player = watched(
        status("queued"), status("queued"), status("resting"), status("Completed")
    )

    words = [seen.overall_status for seen in made.watch(every=2)]

    assert words == ["queued", "resting", "Completed"]
    assert (player.waits, made.status) == ([2] * 3, "completed")


@pytest.mark.parametrize(
    "trouble",
    [
        [lost()] * 8,
        [BROKEN] * 4,
        [HTML],
        [MISSING],
        [answer({}, 429)] * 4,
        [status(None)],
    ],
)
def test_watch_goes_on_through_bad_minutes(watched, trouble, caplog):
    """A run that was paid for is not given up, and the log says what is wrong."""
    made, _ = watched(*trouble, status("completed"))

    assert made.wait() is made
    assert "looking again" in caplog.text


@pytest.mark.parametrize(
    "answers",
    [
        [answer({}, 401)],
        [status("running"), MISSING],
        [HTML, MISSING, *[HTML] * 13, MISSING],
    ],
)
def test_watch_ends_where_looking_again_cannot_help(watched, answers):
    """A key that is refused, or a run that was there and is gone."""
    made, player = watched(*answers)

    with pytest.raises(errors.ApiError):
        made.wait()
    assert player.answers == []


def test_watch_ends_when_its_time_is_over(watched):
    """The run goes on; the last trouble is the cause."""
    made, player = watched(*[status("running")] * 3, HTML)

    with pytest.raises(
        errors.WaitTimeoutError, match="still running after 7 s"
    ) as caught:
        made.wait(timeout=7, every=3)
    assert player.waits == [3, 3, 1]
    assert isinstance(caught.value.__cause__, errors.AnswerError)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            [
                status(
                    "failed",
                    blocks=[{"error_message": "e1"}, {}, {"error_message": "e2"}],
                )
            ],
            "e1; e2",
        ),
        (
            [
                status("failed"),
                answer(
                    [{"job_id": "r0"}, {"job_id": "r1", "status_reason": "no credits"}]
                ),
            ],
            "no credits",
        ),
        ([status("failed"), listed()], None),
        ([status("failed"), answer({}, 401)], None),
    ],
)
def test_run_that_fails_says_why(watched, answers, reason):
    """From its blocks, else from the list of runs."""
    made, _ = watched(*answers)

    with pytest.raises(errors.RunFailedError) as caught:
        made.wait()
    assert (caught.value.status, caught.value.reason) == ("failed", reason)


def test_cancel_gives_the_status_in_one_spelling(watched):
    """`canceled` is what the service answers."""
    made, _ = watched(answer({"status": "canceled"}))

    assert (made.cancel(), made.status) == ("cancelled", "cancelled")


# -- Results --------------------------------------------------------------------------


def item(number, **more):
    return {"filename": f"b{number}.json", "block_number": number, **more}


DONE = "completed"


def test_results_are_sorted_by_block(watched):
    """Whatever order the list has; the last is the final one."""
    made, _ = watched(
        answer([item(3, results=[{"c": 3}]), item(None, results=[]), item(2)]),
        word=DONE,
    )

    assert [found.block_number for found in made.results()] == [None, 2, 3]


@pytest.mark.parametrize(
    "json_answer",
    [answer([]), answer([item(1, message="not saved")]), MISSING, answer({}, 422)],
)
def test_results_are_csv_where_no_json_was_saved(watched, json_answer):
    """How the service answers then is unknown."""
    csv = answer([item(2, download_url="https://x.example/s")])
    made, player = watched(json_answer, csv, word=DONE)

    assert [found.block_number for found in made.results()] == [2]
    assert [step.query["format"] for step in player.asked] == ["json", "csv"]


def test_results_that_cannot_be_had_are_an_error(watched):
    """A service that fails is not taken for one that saved no JSON."""
    made, _ = watched(*[BROKEN] * 4, word=DONE)

    with pytest.raises(errors.ServerError):
        made.results()


def test_rows_are_those_of_the_final_file_inline_or_behind_its_link(watched):
    """Inline rows are taken where they are all of them."""
    first = item(1, results=[{"c": 1}])
    inline = item(2, results=[{"c": None}], row_count=1)
    part = item(2, results=[{"c": 1}], row_count=2, download_url="https://x.example/s")
    link = item(2, row_count=1, download_url="https://x.example/s")
    file = answer([{"c": 1}, {"c": 2}], content_type="application/json")

    def rows(*answers):
        made, player = watched(*answers, word=DONE)
        found = [row.raw for row in made.rows()]
        assert player.answers == []
        return found

    assert rows(answer([inline, first])) == [{"c": None}]
    assert rows(answer([part, first]), file) == [{"c": 1}, {"c": 2}]
    assert rows(answer([link]), file) == [{"c": 1}, {"c": 2}]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([answer([]), answer([])], "there is no file"),
        (
            [answer([item(1)]), answer([item(1, message="signing failed")])],
            "signing failed",
        ),
        ([answer([item(1)]), answer([])], "no link"),
    ],
)
def test_rows_that_are_not_there_are_an_error(watched, answers, words):
    """With what the service says of it."""
    made, _ = watched(*answers, word=DONE)

    with pytest.raises(errors.AnswerError, match=words):
        made.rows()


def test_rows_of_a_run_that_has_not_completed_are_refused(watched):
    """Its last file so far is not the final one."""
    made, _ = watched(status("running"), status("failed"), listed())

    with pytest.raises(errors.WaitTimeoutError):
        made.rows()
    with pytest.raises(errors.RunFailedError):
        made.rows()


def test_rows_look_whether_the_run_has_completed(watched):
    """A run that nobody waited for may have ended all the same."""
    made, _ = watched(status("completed"), answer([item(1, results=[ROW])]))

    assert [row.raw for row in made.rows()] == [ROW]


def test_stale_reason_shows_no_secret():
    """Live has the text of a secret."""
    live = deployed(secret_leads(), hook="https://example.com/SENTINEL")
    ready = ready_of(secret_leads("New"), hook="https://example.com/SENTINEL2")

    with pytest.raises(errors.StaleDeploymentError) as caught:
        Script(answer(live)).play(starting(ready, BODY, None, stale=False))
    assert "SENTINEL" not in str(caught.value)
