"""Watching a run to its end, whatever happens to the polls."""

from __future__ import annotations

from random import Random

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64 import errors
from flow64.api.answers import BlockStatus, LiveStatus
from flow64.api.auth import Key
from flow64.api.network import Policy
from flow64.api.session import Session
from flow64.runs import watch
from flow64.runs.journal import Journal
from flow64.runs.state import RunState, Stages
from flow64.runs.watch import Event
from tests.runs.fake_service import CODE

QUICK = Policy(retries=0, first_wait=0.01, requests_per_minute=None)


def status(word, **blocks):
    """The answer to a poll: a kind and (status, processed, total) for each block."""
    listed = [
        {
            "block_name": kind,
            "sequence_number": number,
            "status": state,
            "processed_count": done,
            "total_count": total,
            "metrics": {"row_count": done},
        }
        for number, (kind, (state, done, total)) in enumerate(blocks.items(), 1)
    ]
    facts = {"overall_status": word, "blocks": listed, "workflow_id": CODE.id()}
    return httpx.Response(200, json=facts)


def answer(code):
    return httpx.Response(code, json={"detail": "no"})


def watched(*answers, **options):
    """Watch a run that is polled with these answers; return it and its events."""
    left = [*answers]

    def handle(_request):
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    session = Session(
        "https://api.example.com", Key("k"), QUICK, httpx.MockTransport(handle)
    )
    ledger = Journal(None).of(session.place, CODE.id())
    run = RunState("r1", ledger)
    events = []
    try:
        for event in watch.watch(session, run, **options):
            events.append(event)  # noqa: PERF402 - those before an error count too
    except errors.FlowError as error:
        return run, events, error
    return run, events, None


def test_events_of_a_run():
    """One class, and each is a line."""
    run, events, _ = watched(
        status("queued"),
        status("running", webhook=("completed", 2, 2), find_email=("pending", 0, 0)),
        status("running", webhook=("completed", 2, 2), find_email=("running", 1, 2)),
        status(
            "completed", webhook=("completed", 2, 2), find_email=("completed", 2, 2)
        ),
    )

    assert [str(event) for event in events] == [
        "queued",
        "running",
        "1 webhook: started, 2 rows",
        "1 webhook: 2 of 2 rows (100 %)",
        "1 webhook: done, 2 rows",
        "2 find_email: started, 2 rows",
        "2 find_email: 1 of 2 rows (50 %)",
        "2 find_email: 2 of 2 rows (100 %)",
        "2 find_email: done, 2 rows",
        "completed",
    ]
    assert (run.status, run.count, run.empty) == ("completed", 2, None)


def test_failure_names_its_block():
    failed = status("failed", find_email=("failed", 0, 2)).json()
    failed["blocks"][0]["error_message"] = "no\x1b credits"
    run, events, _ = watched(httpx.Response(200, json=failed))
    assert str(events[-2]) == "1 find_email: failed: no\\x1b credits"
    assert run.reason == "find_email: no\x1b credits"


def test_run_without_rows_says_after_which_block():
    """It completed, and nothing came of it."""
    run, events, _ = watched(
        status("completed", webhook=("completed", 2, 2), filter=("completed", 0, 2))
    )

    assert run.empty == "no row is left after filter"
    assert str(events[-1]) == f"completed: {run.empty}"


FAULTS = [
    httpx.ReadError("reset"),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("late"),
    answer(429),
    answer(500),
    answer(503),
    httpx.Response(200, text="<html>log in</html>"),
    httpx.Response(200, json={}),
    answer(404),
    answer(403),
]


@pytest.mark.parametrize("seed", range(8))
def test_random_faults_end_with_the_truth(seed):
    """No event takes back an earlier one, and the run is not cancelled."""
    random = Random(seed)
    states = ["queued", "running", "running", "completed"]
    answers = [status("running", webhook=("running", 1, 2))]
    for state in states:
        answers += random.sample(FAULTS, 3)
        answers.append(status(state, webhook=(state, 2, 2)))

    run, events, error = watched(*answers)

    assert (run.status, error, events[-1].kind) == ("completed", None, "ended")
    assert len({event.kind for event in events if event.number}) == 3


@pytest.mark.parametrize(
    ("answers", "kind", "most"),
    [
        ([answer(401)], errors.AuthError, 0),
        ([answer(403)], errors.ApiError, 72),
        ([answer(404)], errors.NotFoundError, 72),
        ([status("running"), answer(404)], errors.NotFoundError, 72),
        ([status("running")], errors.WaitTimeoutError, 610),
        ([httpx.ReadError("reset")], errors.WaitTimeoutError, 610),
    ],
)
def test_watch_ends_if_polling_cannot_help(answers, kind, most, waits):
    """Or if its time is over; the run goes on."""
    _, _, error = watched(*answers, timeout=600.0)

    assert isinstance(error, kind)
    assert sum(waits) <= most


def test_run_that_is_gone_keeps_its_end():
    """It was seen to end before."""
    run, *_ = watched(status("completed"))
    session = Session(
        "https://api.example.com",
        Key("k"),
        QUICK,
        httpx.MockTransport(lambda _: answer(404)),
    )

    assert [event.kind for event in watch.watch(session, run)] == ["ended"]
    watch.wait(session, run)


def test_wait_is_left_to_the_caller():
    """So that an event loop can do it."""
    transport = httpx.MockTransport(lambda _: status("running"))
    session = Session("https://api.example.com", Key("k"), QUICK, transport)
    run = RunState("r1", Journal(None).of(session.place, CODE.id()))

    steps = watch.steps(session, run, every=5.0)

    assert [type(next(steps)) for _ in range(3)] == [Event, float, float]


blocks = st.builds(
    BlockStatus,
    block_name=st.sampled_from(["a", "b"]),
    sequence_number=st.integers(0, 2),
    status=st.sampled_from(["pending", "running", "completed", "failed", "odd"]),
    processed_count=st.integers(0, 3),
    total_count=st.integers(0, 3),
    progress_percentage=st.sampled_from([0.0, 50.0, 100.0, 900.0]),
)
looks = st.lists(
    st.builds(
        LiveStatus,
        overall_status=st.sampled_from(["", "queued", "running", "odd"]),
        blocks=st.lists(blocks, max_size=3),
    ),
    max_size=6,
)


@given(looks)
def test_no_event_takes_back_an_earlier_one(answers):
    """Whatever order the answers come in."""
    news = watch._News(Stages())
    events = [e for seen in answers for e in news.read(seen, seen.overall_status)]

    for number in {event.number for event in events} - {None}:
        kinds = [event.kind for event in events if event.number == number]
        shares = [
            e.percentage for e in events if (e.number, e.kind) == (number, "progress")
        ]
        assert kinds[0] == "started"
        assert kinds.count("started") == 1
        assert not {"done", "failed"} & {*kinds[:-1]}
        assert shares == sorted(shares)
        assert all(0 <= share <= 100 for share in shares)
