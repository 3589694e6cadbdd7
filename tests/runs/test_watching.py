"""Watching by hand: what is told, what is looked past, and when it ends."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64 import errors
from flow64.runs import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    Finished,
    IntendedStart,
    Journal,
    Progress,
    Queued,
    Running,
    Stages,
    Tracked,
    cancel_and_note,
    require_completed,
    require_times,
    wait_for_run,
    watch_run,
)
from tests.service.hands import Hand
from tests.service.support import BROKEN, HTML, MISSING, answer, lost

DENIED = answer({"detail": "no"}, 401)
NO_TOKEN = errors.TokenError("the token server is busy", may_pass=True)


def status(word, *blocks, **more):
    return answer({"overall_status": word, "blocks": list(blocks), **more})


def block(number, word, processed=0, total=0, **more):
    return {
        "block_id": f"id-{number}",
        "block_name": "find_email",
        "sequence_number": number,
        "status": word,
        "processed_count": processed,
        "total_count": total,
        **more,
    }


def watched(*answers, every=5.0, timeout=86400.0, luck=0.5, **known):
    """The events of a watch, the run, and the client by hand."""
    hand, run = Hand(*answers), Tracked("r1", "w1", **known)
    more = {"every": every, "timeout": timeout, "luck": lambda: luck}
    return list(hand.stream(watch_run, run, **more)), run, hand


def test_watch_tells_what_is_new_until_the_end():
    """Each once, and in order; waits are apart from the calls."""
    events, run, hand = watched(
        status("queued", block(1, "pending")),
        status("queued", block(1, "pending")),
        status("running", block(1, "running", 0, 10)),
        status("running", block(1, "running", 4, 10)),
        status("running", block(1, "running", 4, 10)),
        status("completed", block(1, "completed", 10, 10, metrics={"row_count": 8})),
    )

    assert events == [
        Queued(),
        Running(),
        BlockStarted(1, "find_email", 10),
        Progress(1, "find_email", 4, 10, 40.0),
        Progress(1, "find_email", 10, 10, 100.0),
        BlockDone(1, "find_email", 8),
        Finished("completed"),
    ]
    assert (run.status, run.reason, hand.answers) == ("completed", None, [])
    assert hand.waits == [(5.0, True)] * 5


def test_blocks_are_called_by_their_key_paths():
    """Where code is at hand."""
    events, *_ = watched(
        status("completed", block(1, "completed"), block(2, "completed")),
        stages=Stages(numbers={"work/find_email": 2}),
    )

    assert [e.name for e in events if isinstance(e, BlockDone)] == [
        "find_email",
        "work/find_email",
    ]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        # What a share lacks follows from the counts, and the other way round.
        ([block(1, "running", 1, 4)], [Progress(1, "find_email", 1, 4, 25.0)]),
        (
            [block(1, "running", progress_percentage=12.5)],
            [Progress(1, "find_email", 0, None, 12.5)],
        ),
        # Too much of it stays as it came, and is shown as all.
        (
            [block(1, "running", 9, 4, progress_percentage=225.0)],
            [Progress(1, "find_email", 9, 4, 225.0)],
        ),
        # An answer from before changes nothing.
        (
            [block(1, "running", 3, 4), block(1, "running", 1, 4)],
            [Progress(1, "find_email", 3, 4, 75.0)],
        ),
        # A total that grows, or that one answer leaves out, turns nothing back.
        (
            [
                block(1, "running", 3, 4),
                block(1, "running", 4, 16),
                block(1, "running", 5, 0),
            ],
            [
                Progress(1, "find_email", 3, 4, 75.0),
                Progress(1, "find_email", 4, 16, 75.0),
                Progress(1, "find_email", 5, 16, 75.0),
            ],
        ),
        # One that waits again has begun all the same.
        (
            [block(1, "running", 1, 4), block(1, "pending"), block(1, "running", 2, 4)],
            [
                Progress(1, "find_email", 1, 4, 25.0),
                Progress(1, "find_email", 2, 4, 50.0),
            ],
        ),
        # A word that nobody knows, or none: what was done says that it has begun.
        ([block(1, "resting")], []),
        ([block(1, "", 2, 4)], [Progress(1, "find_email", 2, 4, 50.0)]),
    ],
)
def test_progress_never_goes_back(looks, expected):
    """Whatever order the answers come in."""
    answers = [status("running", look) for look in looks]

    events, *_ = watched(*answers, status("completed"))

    assert [e for e in events if isinstance(e, Progress)] == expected
    assert [e.display_percentage for e in expected] == [
        min(e.percentage, 100) for e in expected
    ]


@pytest.mark.parametrize("missing", ["sequence_number", "block_id", "status"])
def test_fields_that_one_answer_leaves_out_confuse_nothing(missing):
    """Each block is told of once."""
    first, last = block(1, "completed", 2, 2), block(2, "running", 1, 2)
    cut = [{k: v for k, v in b.items() if k != missing} for b in (first, last)]
    done = [first, block(2, "completed", 2, 2)]

    events, *_ = watched(
        status("running", first, last),
        status("running", *cut),
        status("completed", *done),
    )

    told = [(type(e), e.number) for e in events if hasattr(e, "number")]
    assert told == [
        (BlockStarted, 1),
        (Progress, 1),
        (BlockDone, 1),
        (BlockStarted, 2),
        (Progress, 2),
        (Progress, 2),
        (BlockDone, 2),
    ]


def test_blocks_without_any_number_are_counted():
    """In the order of the answer."""
    bare = [{"status": "completed"}, {"status": "completed", "processed_count": 3}]

    events, *_ = watched(status("completed", *bare))

    done = [e for e in events if isinstance(e, BlockDone)]
    assert done == [BlockDone(1, "block 1"), BlockDone(2, "block 2", 3)]


@pytest.mark.parametrize("word", ["failed", "canceled", "timed_out"])
def test_block_that_fails_is_told_with_its_message(word):
    """Under the one spelling of how it ended."""
    failing = block(1, word, error_message="no credits")

    events, run, _ = watched(status("failed", failing))

    spelled = {"canceled": "cancelled", "timed_out": "timeout"}.get(word, word)
    assert events[-2:] == [
        BlockFailed(1, "find_email", spelled, "no credits"),
        Finished("failed", "find_email: no credits"),
    ]
    assert run.reason == "find_email: no credits"


def test_words_that_nobody_knows_are_shown_and_end_nothing():
    """Until the time given is over."""
    answers = [status("Resting"), status("running"), status("resting")]
    events = []
    hand, run = Hand(*answers), Tracked("r1", "w1")

    with pytest.raises(errors.WaitTimeoutError, match="still resting after 8 s"):
        events.extend(
            event
            for event in hand.stream(watch_run, run, timeout=8.0, luck=lambda: 0.5)
        )
    assert (hand.waits, run.status) == ([(5.0, True), (3.0, True)], "resting")


def test_status_never_goes_back():
    """Neither does the run wait again, nor is it told so."""
    events, run, _ = watched(
        status("running"),
        status("queued"),
        status("pending"),
        status("failed"),
        answer([]),
    )

    assert events == [Running(), Finished("failed")]
    assert run.status == "failed"


# -- What is looked past --------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        *[lost(), BROKEN, HTML, answer([]), NO_TOKEN],
        *[answer({}, code) for code in (408, 425, 429, 499, 503)],
    ],
)
def test_watch_goes_on_through_bad_minutes(trouble, caplog):
    """A run that was paid for is not given up, and the log says once what is wrong."""
    caplog.set_level(logging.DEBUG)

    events, run, _ = watched(status("running"), *[trouble] * 9, status("completed"))

    assert (events[-1], run.status) == (Finished("completed"), "completed")
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING"] + ["DEBUG"] * 8
    assert "looking again" in caplog.text


@pytest.mark.parametrize("code", [302, 400, 403, 404, 405, 408, 422])
def test_refusal_of_a_run_that_was_seen_is_doubted_for_a_minute(code):
    """It may be a proxy, or a page to log in at; each good look renews the patience."""
    refusals = [answer({"detail": "?"}, code)] * 12

    events, *_ = watched(
        status("running"), *refusals, status("running"), *refusals, status("completed")
    )

    assert events == [Running(), Finished("completed")]


def test_each_kind_of_trouble_is_told_once(caplog):
    """A server that is down, and one that is not there, are two."""
    watched(BROKEN, lost(), BROKEN, answer({}, 503), lost(), status("completed"))

    assert len(caplog.records) == 3


def test_run_may_not_be_visible_in_its_first_minute():
    """Afterwards, it is not there."""
    events, *_ = watched(*[MISSING] * 12, status("completed"))

    assert events == [Finished("completed")]
    with pytest.raises(errors.NotFoundError):
        watched(*[MISSING] * 13)


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        ([DENIED], {}),
        ([answer({}, 403)], {}),
        ([answer({}, 422)], {}),
        ([errors.TokenError("the key is refused")], {}),
        ([status("running"), errors.TokenError("the key is refused")], {}),
        ([status("running"), DENIED], {}),
        ([status("running"), *[MISSING] * 13], {}),
        ([status("running"), *[MISSING, HTML] * 6, answer({}, 403)], {}),
        ([MISSING], {"is_new": False}),
    ],
)
def test_watch_ends_where_looking_again_cannot_help(answers, known):
    """A key that is refused, a run that was there and is gone."""
    hand = Hand(*answers)

    with pytest.raises((errors.ApiError, errors.TokenError)):
        hand.call(watch_run, Tracked("r1", "w1", **known), luck=lambda: 0.5)
    assert hand.answers == []


@pytest.mark.parametrize("trouble", [MISSING, lost(), DENIED])
def test_run_that_is_known_to_have_ended_stays_so(trouble):
    """It may be gone by now."""
    events, run, hand = watched(trouble, status="completed")

    assert (events, run.status) == ([Finished("completed")], "completed")
    assert hand.waits == []


def test_end_that_is_known_is_told_with_its_blocks():
    """Watching again, also where an answer is older."""
    events, run, _ = watched(
        status("running", block(1, "completed", 1, 1)), status="completed"
    )

    assert [type(e) for e in events] == [BlockStarted, Progress, BlockDone, Finished]
    assert run.status == "completed"


# -- Time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "every", "waits"),
    [(0, 5.0, []), (7, 3.0, [3.0, 3.0, 1.0]), (5, 60.0, [5.0])],
)
def test_watch_ends_when_its_time_is_over(timeout, every, waits):
    """The run goes on, and the message says how to wait for it again."""
    hand, run = Hand(*[status("running")] * (len(waits)), HTML), Tracked("r1", "w1")

    with pytest.raises(errors.WaitTimeoutError) as caught:
        hand.call(watch_run, run, every=every, timeout=timeout, luck=lambda: 0.5)
    assert [seconds for seconds, _ in hand.waits] == waits
    assert isinstance(caught.value.__cause__, errors.AnswerError)
    text = str(caught.value)
    assert 'client.runs.get("r1").wait()' in text
    assert text.endswith("flow64 watch r1")
    assert hand.lines == ["live_status"] * (len(waits) + 1)


def test_line_that_resumes_holds_any_id():
    """Quoted for Python and for a shell."""
    text = str(errors.WaitTimeoutError('a "b";c', "running", 1))

    assert r'client.runs.get("a \"b\";c").wait()' in text
    assert """flow64 watch 'a "b";c'""" in text


def test_run_of_which_nothing_is_known_is_under_way():
    """Got by its id, at a bad minute."""
    hand = Hand(lost())

    with pytest.raises(errors.WaitTimeoutError, match="still under way"):
        hand.call(watch_run, Tracked("r1", "", status=""), timeout=0)


def test_each_look_is_a_call_of_its_own():
    """With what is left of the time, and with ten seconds at the least."""
    *_, hand = watched(
        *[status("running")] * 3, status("completed"), every=10.0, timeout=32
    )

    assert hand.begins == [32, 22, 12, 10.0]


@pytest.mark.parametrize(("luck", "wait"), [(0.0, 4.5), (1.0, 5.5)])
def test_waits_differ_by_luck(luck, wait):
    """So that many watchers do not ask at the same moments."""
    *_, hand = watched(status("running"), status("completed"), luck=luck)

    assert hand.waits == [(wait, True)]


@pytest.mark.parametrize("every", [0, -1, float("inf"), float("nan"), True, "5"])
def test_seconds_between_looks_are_above_zero(every):
    """Else it would never look, or never stop looking."""
    with pytest.raises(errors.ArgumentError, match="every is"):
        require_times("wait", every, 1)


@pytest.mark.parametrize("timeout", [-1, float("nan"), None, False])
def test_time_to_wait_is_no_less_than_nothing(timeout):
    """Endless is fine."""
    with pytest.raises(errors.ArgumentError, match="timeout is"):
        require_times("wait", 5, timeout)
    require_times("wait", 5, float("inf"))


# -- How it ended ---------------------------------------------------------------------


def listed(**entry):
    return answer([{"job_id": "r0"}, {"job_id": "r1", **entry}])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            [
                status(
                    "failed",
                    block(1, "failed", error_message="e1"),
                    block(2, "failed"),
                    block(3, "failed", error_message="e3"),
                )
            ],
            "find_email: e1; find_email: e3",
        ),
        ([status("failed"), listed(status_reason="no credits")], "no credits"),
        ([status("failed"), listed(status_reason="a", error_message="b")], "a; b"),
        ([status("failed"), answer([])], None),
        ([status("failed"), DENIED], None),
    ],
)
def test_run_that_fails_says_why(answers, reason):
    """Its blocks do, else the list of runs."""
    hand, run = Hand(*answers), Tracked("r1", "w1")

    with pytest.raises(errors.RunFailedError) as caught:
        hand.call(wait_for_run, run)
    assert (caught.value.status, caught.value.reason) == ("failed", reason)
    assert (run.reason, hand.answers) == (reason, [])


def test_run_that_has_completed_is_not_waited_for():
    """Nothing is asked; one that ended otherwise is asked why."""
    hand = Hand()
    assert hand.call(wait_for_run, Tracked("r1", "w1", status="completed")) is None
    hand = Hand(status("failed"), listed(status_reason="no credits"))

    with pytest.raises(errors.RunFailedError, match="no credits"):
        hand.call(wait_for_run, Tracked("r1", "w1", status="failed"))


def test_run_of_an_unknown_workflow_learns_it_by_looking():
    """And is not looked up in the list before."""
    hand, run = Hand(status("failed")), Tracked("r1", "")
    with pytest.raises(errors.RunFailedError):
        hand.call(wait_for_run, run)
    assert run.workflow_id == ""
    hand, run = Hand(status("completed", workflow_id="w9")), Tracked("r1", "")

    hand.call(wait_for_run, run)

    assert (run.workflow_id, run.is_new) == ("w9", False)


@pytest.mark.parametrize(
    ("answers", "known", "expected"),
    [
        ([status("completed")], {}, None),
        ([], {"status": "completed"}, None),
        ([], {"status": "failed"}, errors.RunFailedError),
        ([status("failed"), listed()], {}, errors.RunFailedError),
        ([status("running")], {}, errors.WaitTimeoutError),
        ([MISSING], {}, errors.WaitTimeoutError),
        ([MISSING], {"is_new": False, "status": ""}, errors.NotFoundError),
        ([BROKEN], {}, errors.ServerError),
    ],
)
def test_one_look_tells_whether_a_run_has_completed(answers, known, expected):
    """What goes wrong with it is not taken for a run that goes on."""
    hand, run = Hand(*answers), Tracked("r1", "w1", **known)

    if expected is None:
        assert hand.call(require_completed, run) is None
    else:
        with pytest.raises(expected):
            hand.call(require_completed, run)
    assert (hand.answers, hand.waits) == ([], [])


@pytest.mark.parametrize(
    ("reply", "before", "expected"),
    [
        (answer({"status": "canceled"}), "running", "cancelled"),
        (answer({"status": "Completed"}), "running", "completed"),
        (answer({"status": "cancelling"}), "running", "cancelling"),
        (answer({"status": "canceled"}), "completed", "completed"),
        (MISSING, "failed", "failed"),
    ],
)
def test_cancel_gives_the_real_state(reply, before, expected):
    """Of a run that has ended already, too."""
    run = Tracked("r1", "w1", status=before)

    assert Hand(reply).call(cancel_and_note, run) == run.status == expected


def test_cancel_of_a_run_that_is_not_there_is_an_error():
    """Unless it is known to have ended."""
    with pytest.raises(errors.NotFoundError):
        Hand(MISSING).call(cancel_and_note, Tracked("r1", "w1", status="running"))


# -- The journal ----------------------------------------------------------------------

HERE = ("https://api.example.com", "w1")
KEY = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def journal(tmp_path):
    """One that has a run r1."""
    made = Journal(tmp_path / "runs.jsonl")
    made.write_intent(*HERE, IntendedStart(KEY, "digest", "default"))
    made.write_run(*HERE, KEY, "r1", is_presumed=True)
    return made


def followed(journal, run_id="r1", **known):
    return Tracked(run_id, "w1", journal=journal, endpoint=HERE[0], **known)


@pytest.mark.parametrize("word", ["completed", "failed", "canceled"])
def test_how_a_run_ended_is_written_into_the_journal(journal, word):
    """Once, whoever sees it first."""
    for _ in range(2):
        run = followed(journal)
        Hand(status(word), answer([])).call(watch_run, run)

    assert journal.memory(*HERE).of_job("r1").outcome == run.status
    assert sum(e["event"] == "ended" for e in journal.entries()) == 1


def test_journal_is_left_alone_where_there_is_nothing_to_write(journal):
    """A run that it has not, or that goes on."""
    before = journal.path.read_bytes()
    Hand(status("running"), status("completed")).call(
        watch_run, followed(journal, "r2")
    )
    Hand(answer({"status": "running"})).call(cancel_and_note, followed(journal))

    assert journal.path.read_bytes() == before


def test_proven_run_is_written_into_the_journal_with_its_end(journal):
    """Being presumed is taken back; how it ended is not."""
    run = followed(journal, is_presumed=True, status="running")
    run.confirm()
    assert not journal.memory(*HERE).of_job("r1").is_presumed
    run = followed(journal, is_presumed=True, status="completed")

    run.confirm()

    start = journal.memory(*HERE).of_job("r1")
    assert (start.is_presumed, start.outcome) == (False, "completed")
    assert (run.is_presumed, run.proof) == (False, None)


def test_journal_that_cannot_be_used_loses_no_run(tmp_path, caplog):
    """It is told, and what was learned counts."""
    (tmp_path / "runs.jsonl").write_text('{"v":99}\n')

    run = followed(Journal(tmp_path / "runs.jsonl"))
    Hand(status("completed")).call(watch_run, run)

    assert run.status == "completed"
    assert "later release" in caplog.text


# -- A law ----------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["queued", "pending", "running", "resting", "", "completed", "failed", "canceled"]
)
COUNTS = st.integers(-3, 30)
SHARES = st.floats(-50, 250)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "status": WORDS,
        "processed_count": COUNTS,
        "total_count": COUNTS,
        "progress_percentage": SHARES,
    },
)
NAMES = st.sampled_from([(), ("block_id",), ("sequence_number",)])


def named(fields, left_out):
    """Blocks in their order, some without id or number."""
    blocks = []
    for at, (known, names) in enumerate(zip(fields, left_out, strict=False), 1):
        full = {"block_id": f"id-{at}", "sequence_number": at, **known}
        blocks.append({k: v for k, v in full.items() if k not in names})
    return blocks


BLOCKS = st.builds(
    named, st.lists(FIELDS, max_size=3), st.lists(NAMES, min_size=3, max_size=3)
)
LOOKS = st.builds(lambda word, blocks: status(word, *blocks), WORDS, BLOCKS)


@given(st.lists(st.one_of(LOOKS, st.just(BROKEN)), max_size=12))
def test_nothing_that_is_told_goes_back(looks):
    """Whatever the service says: each block starts once, grows, and ends once."""
    hand, run = Hand(*looks, status("completed")), Tracked("r1", "w1")

    events = list(hand.stream(watch_run, run, timeout=1e6))

    assert events[-1] == Finished(run.status, run.reason)
    assert sum(isinstance(event, Finished) for event in events) == 1
    stories = {}
    for event in events:
        if hasattr(event, "number"):
            stories.setdefault(event.number, []).append(event)
    for story in stories.values():
        begun = [e for e in story if isinstance(e, BlockStarted)]
        over = [e for e in story if isinstance(e, BlockDone | BlockFailed)]
        steps = [e for e in story if isinstance(e, Progress)]
        assert story[0] == begun[0]
        assert len(over) == 0 or over[0] == story[-1]
        assert (len(begun), len(over)) in {(1, 0), (1, 1)}
        assert [s.processed for s in steps] == sorted(s.processed for s in steps)
        assert [s.percentage for s in steps] == sorted(s.percentage for s in steps)
    words = [type(event) for event in events if isinstance(event, Queued | Running)]
    assert words == sorted(words, key=lambda kind: kind is Running)


# -- Runs that end without a row -------------------------------------------------------


def counted(number, rows, **more):
    metrics = {} if rows is None else {"row_count": rows}
    return block(number, "completed", metrics=metrics, **more)


LAST = "0 of 3 rows came out, none is left after filter"
FORK = Stages(numbers={"webhook": 1, "left": 2, "right": 3}, ends=["left", "right"])


@pytest.mark.parametrize(
    ("counts", "stages", "empty"),
    [
        ([3, 0], Stages(), LAST),
        ([3, 0, 0], Stages(), LAST),
        ([0, 0], Stages(), "0 rows came out, none is left after webhook"),
        ([1, 0], Stages(), "0 of 1 row came out, none is left after filter"),
        ([3, 0, 0], FORK, "0 of 3 rows came out, none is left after left"),
        ([3, 0, 2], FORK, None),
        ([3, 2], Stages(), None),
        ([3, None], Stages(), None),
        ([None, 0], Stages(), "0 rows came out, none is left after filter"),
        ([], Stages(), None),
    ],
)
def test_completed_run_without_a_row_says_so(counts, stages, empty):
    """Where the last row was lost; nothing if it is not known that none came out."""
    kinds = ("webhook", "filter", "find_email")
    blocks = [
        counted(number, rows, block_name=kind)
        for number, (rows, kind) in enumerate(zip(counts, kinds, strict=False), 1)
    ]

    events, run = watched(status("completed", *blocks), stages=stages)[:2]

    assert (events[-1].empty, run.empty) == (empty, empty)
    assert str(events[-1]) == (f"completed: {empty}" if empty else "completed")
