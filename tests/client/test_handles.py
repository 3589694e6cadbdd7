"""`Run` and `AsyncRun`: the same facts hold for both."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import json
import pickle
import tempfile
from contextlib import suppress
from uuid import uuid4

import pytest
from attrs import define

from flow64 import errors
from flow64.api import LiveStatus, start_run
from flow64.client import AsyncClient, AsyncRun, Client, Run
from flow64.client._async_run import async_run_of
from flow64.client._run import run_of
from flow64.definition import digest
from flow64.emulator import Emulator, Switches
from flow64.runs import Finished, IntendedStart, Journal, Running, Stages, Tracked
from flow64.runs._outputs import SavedRows
from tests.service.hands import KINDS, AsyncHand, Blocking, Hand, held
from tests.service.support import BROKEN, MISSING, answer, leads

LINK = "https://store.example.com/final"
FIRST = "https://store.example.com/first"
ROWS = [{"email": "ada@example.com", "n": 1}, {"email": "grace@example.com", "n": 2}]
FORKED = Stages(numbers={"a": 1, "b": 2}, ends=["a", "b"])


@define
class Person:
    email: str
    n: int


@pytest.fixture(params=KINDS)
def hold(request, tmp_path, monkeypatch):
    """Makes a handle of each kind; what it downloads is to be gone afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def holding(*answers, **known):
        return held(request.param, answers, **known)

    yield holding
    if list(tmp_path.glob("flow64-*")):
        gc.collect()
    assert list(tmp_path.glob("flow64-*")) == []


def status(word, **more):
    return answer({"overall_status": word, **more})


def item(number, **more):
    return {"filename": f"b{number}.json", "block_number": number, **more}


def linked(number, url=LINK, **more):
    return item(
        number, download_url=url, content_type="application/json", row_count=2, **more
    )


def as_file(rows):
    return json.dumps(rows).encode()


DONE = {"status": "completed"}


# -- Watching -------------------------------------------------------------------------


def test_handle_shows_what_is_known_and_nothing_else(hold):
    """No client, no rows."""
    run, _ = hold(proof=ROWS)

    assert (run.id, run.workflow_id, run.status) == ("r1", "w1", "queued")
    made = getattr(run, "run", run)
    expected = f"{type(made).__name__}(id='r1', workflow_id='w1', status='queued')"
    assert repr(made) == expected


def test_repr_says_what_is_unusual(hold):
    """That it is only presumed to be ours, and that no row came out."""
    presumed, _ = hold(is_presumed=True)
    rows = {"metrics": {"row_count": 3}, "sequence_number": 1, "block_name": "webhook"}
    none = {"metrics": {"row_count": 0}, "sequence_number": 2, "block_name": "filter"}
    empty, _ = hold(status("completed", blocks=[none, rows]))
    empty.wait()

    said = "empty='0 of 3 rows came out, none is left after filter'"
    assert "status='queued', is_presumed=True)" in repr(
        getattr(presumed, "run", presumed)
    )
    assert f"status='completed', {said})" in repr(getattr(empty, "run", empty))


def test_watch_gives_events_and_wait_gives_the_run(hold):
    """And the status is what was seen last."""
    run, hand = hold(status("running"), status("Completed"))
    assert list(run.watch(every=2)) == [Running(), Finished("completed")]
    assert run.status == "completed"
    run, hand = hold(status("running"), status("completed"))

    assert run.wait(60, every=2) is run
    assert hand.lines == ["live_status"] * 2


def test_run_that_failed_is_an_error_of_wait_alone(hold):
    """`watch` says how it ended."""
    failed = [status("failed"), answer([{"job_id": "r1", "status_reason": "broke"}])]
    run, _ = hold(*failed)
    assert list(run.watch()) == [Finished("failed", "broke")]
    run, _ = hold(*failed)

    with pytest.raises(errors.RunFailedError, match="broke"):
        run.wait()
    assert run.reason == "broke"


@pytest.mark.parametrize("given", [{"every": 0}, {"timeout": -1}])
def test_times_are_judged_at_once(hold, given):
    """Before the first event is asked for."""
    run, hand = hold()

    with pytest.raises(errors.ArgumentError):
        run.wait(**given)
    with pytest.raises(errors.ArgumentError):
        run.watch(**given)
    assert hand.asked == []


def interrupted(_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["wait", "watch"])
def test_ctrl_c_cancels_no_run_and_says_how_to_wait_again(hold, method):
    """In what Python prints of it."""
    run, hand = hold(status("running"), interrupted)

    with pytest.raises(KeyboardInterrupt) as caught:
        list(getattr(run, method)() if method == "watch" else [run.wait()])
    assert hand.lines == ["live_status"] * 2
    (note,) = caught.value.__notes__
    assert note.startswith("run r1 was not cancelled, and goes on; wait again with")
    assert note.endswith("flow64 watch r1")


@pytest.mark.parametrize("is_watched", [True, False])
def test_task_that_is_cancelled_cancels_no_run(is_watched):
    """Neither while it waits nor while it asks."""
    hand = AsyncHand()
    asked = asyncio.Event

    class Slow(AsyncHand):
        async def call(self, job, *args, **kwargs):
            self.is_asked.set()
            await asyncio.sleep(60)

        async def stream(self, job, *args, **kwargs):
            await self.call(job)
            yield

    async def cancelled():
        hand = Slow()
        hand.is_asked = asked()
        run = AsyncRun(Tracked("r1", "w1"), hand)

        async def watch():
            async for _ in run.watch():
                pass

        task = asyncio.create_task(watch() if is_watched else run.wait())
        await hand.is_asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value.__notes__

    assert "flow64 watch r1" in asyncio.run(cancelled())[0]
    assert hand.asked == []


def test_watch_that_is_left_early_leaves_nothing_open():
    """The call is over with it."""
    run, hand = held("sync", [status("running"), status("completed")])
    for _ in run.watch():
        break
    made, async_hand = held("async", [status("running"), status("completed")])

    async def left():
        events = made.run.watch()
        async for _ in events:
            break
        await events.aclose()

    asyncio.run(left())
    assert hand.lines == async_hand.lines == ["live_status"]


def test_time_out_leaves_the_run_going(hold):
    """And it can be waited for again."""
    run, hand = hold(status("running"), status("running"), status("completed"))

    with pytest.raises(errors.WaitTimeoutError, match=r'client.runs.get\("r1"\)'):
        run.wait(timeout=1)
    assert run.wait().status == "completed"
    assert hand.lines == ["live_status"] * 3


def test_cancel_gives_the_status(hold):
    """In one spelling."""
    run, _ = hold(answer({"status": "canceled"}))

    assert (run.cancel(), run.status) == ("cancelled", "cancelled")


# -- Got by id ------------------------------------------------------------------------


def got(kind, hand, journal=None, **more):
    if kind == "sync":
        return run_of(hand, "r1", journal=journal, **more)
    return async_run_of(hand, "r1", journal=journal, **more)


KEY = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (None, ("", False)),
        ([], ("", False)),
        (["r2"], ("", False)),
        (["r1"], ("w1", False)),
        (["r1 presumed"], ("w1", True)),
        (["r1 presumed", "r1"], ("w1", False)),
        (["r1 presumed", "r1 ended"], ("w1", True)),
    ],
)
def test_run_got_by_id_is_what_the_journal_knows_of_it(
    kind, entries, expected, tmp_path
):
    """Also whether it was only presumed to be ours."""
    journal = None if entries is None else Journal(tmp_path / "runs.jsonl")
    for entry in entries or ():
        journal.write_intent(
            Hand.endpoint, "w1", IntendedStart(KEY, "digest", "default")
        )
        run_id, _, word = entry.partition(" ")
        if word == "ended":
            journal.write_end(Hand.endpoint, "w1", run_id, "completed", KEY)
        else:
            journal.write_run(Hand.endpoint, "w1", KEY, run_id, is_presumed=bool(word))

    run = got(kind, Hand(), journal)

    assert (run.workflow_id, run.is_presumed) == expected
    tracked = run._tracked
    assert (run.status, tracked.is_new, tracked.endpoint) == ("", False, Hand.endpoint)


@pytest.mark.parametrize("kind", KINDS)
def test_run_got_by_id_takes_the_workflow_that_is_known(kind):
    """The service has just said it."""
    seen = LiveStatus("running", "r1", "w2")
    run = got(kind, Hand(), seen=seen)

    assert (run.workflow_id, run.status) == ("w2", "running")


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]])
def test_presumed_run_got_by_id_is_proven_by_the_hash_of_the_journal(
    hold, tmp_path, rows
):
    """That knows no rows; so it wants them as they were sent."""
    journal = Journal(tmp_path / "runs.jsonl")
    sent = digest({"webhook_payload": ROWS})
    journal.write_intent(Hand.endpoint, "w1", IntendedStart(KEY, sent, "default"))
    journal.write_run(Hand.endpoint, "w1", KEY, "r1", is_presumed=True)
    answers = [status("completed"), answer([item(1, results=rows)])]
    run, hand = hold(*answers)
    made = got("async" if isinstance(hand, AsyncHand) else "sync", hand, journal)
    run = Blocking(made) if isinstance(made, AsyncRun) else made

    if rows is ROWS:
        assert [row.raw for row in run.rows()] == ROWS
    else:
        with pytest.raises(errors.OutcomeUnknownError, match="not those sent"):
            run.rows()
    assert journal.memory(Hand.endpoint, "w1").of_job("r1").is_presumed != (
        rows is ROWS
    )


def test_presumed_run_whose_start_is_torn_from_the_journal_is_not_proven(tmp_path):
    """Nothing says what was sent."""
    journal = Journal(tmp_path / "runs.jsonl")
    journal.write_run(Hand.endpoint, "w1", KEY, "r1", is_presumed=True)
    run = got("sync", Hand(answer([item(1, results=ROWS)])), journal)

    with pytest.raises(errors.OutcomeUnknownError, match="is not known here"):
        run.results()


# -- Results --------------------------------------------------------------------------


def test_results_are_those_of_all_stages_by_number(hold):
    """Whatever order the list has."""
    run, _ = hold(answer([item(3, results=[]), item(None, results=[]), item(2)]))

    assert [found.block_number for found in run.results()] == [None, 2, 3]


@pytest.mark.parametrize(
    ("answers", "files"),
    [
        ([answer([item(2, results=ROWS, row_count=2), item(1, results=[])])], {}),
        ([answer([linked(2), item(1, results=[])])], {LINK: as_file(ROWS)}),
        # Not all of them are in the list.
        (
            [answer([linked(2, results=ROWS[:1]), item(1, results=[])])],
            {LINK: as_file(ROWS)},
        ),
        # A link that could not be signed is asked for again.
        (
            [answer([linked(2, None), linked(1, FIRST)]), answer([linked(2)])],
            {LINK: as_file(ROWS)},
        ),
    ],
)
def test_rows_are_those_of_the_final_file(hold, answers, files):
    """In the list or behind its link."""
    run, hand = hold(*answers, files=files, **DONE)

    people = list(run.rows(Person))

    assert [row.value for row in people] == [Person(**row) for row in ROWS]
    assert hand.answers == []


def test_rows_of_no_rows_are_none(hold):
    """An empty list is a whole one."""
    run, _ = hold(answer([item(1, results=[], row_count=0)]), **DONE)

    assert list(run.rows()) == []


@pytest.mark.parametrize(
    ("listed", "total"),
    [
        (linked(1), 2),
        (item(1, results=ROWS), 2),
        (item(1, results=[], row_count=0), 0),
        ({**linked(1), "row_count": 0}, None),
    ],
)
def test_number_of_rows_is_known_or_not(hold, listed, total):
    """Only if the service leaves it out, reading alone tells."""
    run, _ = hold(answer([listed]), files={LINK: as_file(ROWS)}, **DONE)

    rows = run.rows(allow_unproven=True)

    assert rows.total == total
    if total is None:
        with pytest.raises(TypeError, match="count them as they are read"):
            len(rows)
    else:
        assert len(rows) == total
    assert len([*rows]) == (2 if total is None else total)


@pytest.mark.parametrize("block", ["a", 1])
def test_rows_of_any_block_are_there(hold, block):
    """By its key path or its number; the last is not guessed among several."""
    listed = answer([item(1, results=ROWS), item(2, results=[])])
    run, _ = hold(listed, stages=FORKED, **DONE)

    assert [row.raw for row in run.rows(block=block)] == ROWS
    with pytest.raises(errors.AmbiguousRowsError):
        run.rows()


def unseen(hold, *answers):
    """A handle of a run that has completed, as the answer to a cancel tells it."""
    run, hand = hold(*answers, **DONE)
    getattr(run, "run", run)._tracked.look = None
    return run, hand


def test_run_that_was_not_seen_is_looked_at_for_its_blocks(hold):
    """Once: what it says is kept."""
    block = {"block_name": "find_email", "sequence_number": 1, "status": "completed"}
    look = status("completed", run_id="r1", workflow_id="w1", blocks=[block])
    listed = answer([item(1, results=ROWS)])
    run, hand = unseen(hold, look, listed, listed)

    found = [list(run.rows(block=block)) for block in ("find_email", None)]

    assert [[row.raw for row in rows] for rows in found] == [ROWS, ROWS]
    assert hand.answers == []


def test_key_path_is_not_known_once_the_workflow_is_gone(hold):
    """The blocks that are known are named."""
    block = {"block_name": "find_email", "sequence_number": 1, "status": "completed"}
    run, hand = unseen(hold, status("completed", blocks=[block]), MISSING)

    with pytest.raises(errors.ArgumentError, match="it takes find_email"):
        run.rows(block="archive")
    assert hand.answers == []


@pytest.mark.parametrize(
    ("answers", "stages", "block", "words"),
    [
        ([answer([]), answer([])], Stages(), None, "has no result file; results"),
        ([answer([item(1, results=[])])], FORKED, "b", "no result file of block 'b'"),
        ([answer([item(1, results=[])])], Stages(), 7, "no result file of block 7"),
    ],
)
def test_rows_that_were_not_saved_are_an_error(hold, answers, stages, block, words):
    """That names the block."""
    run, _ = hold(*answers, stages=stages, **DONE)

    with pytest.raises(errors.NoResultError, match=words):
        run.rows(block=block)


def test_rows_want_a_run_that_has_completed(hold):
    """One look tells; what goes on has no final file yet."""
    run, hand = hold(status("running"))
    with pytest.raises(errors.WaitTimeoutError):
        run.rows()
    run, hand = hold(status("failed"), BROKEN)
    with pytest.raises(errors.RunFailedError):
        run.rows()
    run, hand = hold(status("completed"), answer([item(1, results=ROWS)]))

    assert len(list(run.rows())) == 2
    assert hand.answers == []


def test_type_without_columns_is_refused_before_anything_is_asked(hold):
    """Nothing is downloaded for it."""
    run, hand = hold(**DONE)

    with pytest.raises(errors.ArgumentError, match="not an attrs class"):
        run.rows(int)
    assert hand.asked == []


def test_file_is_gone_once_its_rows_are_read(hold, tmp_path):
    """And while they are read it is there."""
    run, _ = hold(answer([linked(1)]), files={LINK: as_file(ROWS)}, **DONE)
    rows = run.rows()
    assert len(list(tmp_path.glob("flow64-*/*"))) == 1

    assert len(list(rows)) == 2
    assert list(tmp_path.glob("flow64-*")) == []


def test_file_is_gone_where_its_rows_are_not_wanted(hold, tmp_path):
    """Read in part, or not at all."""
    for read in (0, 1):
        run, _ = hold(answer([linked(1)]), files={LINK: as_file(ROWS)}, **DONE)
        rows = run.rows()
        for _ in range(read):
            next(rows)
        del rows
        gc.collect()
        assert list(tmp_path.glob("flow64-*")) == []


def test_file_is_gone_where_it_cannot_be_read_or_had(hold, tmp_path):
    """Each with its error."""
    sized = linked(1, file_size=11)
    run, _ = hold(answer([sized]), files={LINK: b"[{}, {}, 1]"}, **DONE)
    rows = run.rows()
    with pytest.raises(errors.ResultError):
        list(rows)
    assert list(tmp_path.glob("flow64-*")) == []
    refused = errors.LinkRefusedError("store.example.com")
    run, _ = hold(answer([linked(1)]), files={LINK: refused}, **DONE)

    with pytest.raises(errors.LinkRefusedError):
        run.rows()
    assert list(tmp_path.glob("flow64-*")) == []


def test_rows_of_a_large_file_are_read_one_by_one(tmp_path):
    """Nothing is read ahead."""
    read = []

    def rows():
        for number in range(1000):
            read.append(number)
            yield {"n": number}

    found = SavedRows(tmp_path, rows())

    assert (next(found), read) == ({"n": 0}, [0])
    found.close()


def test_rows_are_tied_to_the_input(hold):
    """In the order of the input, by a column."""
    run, _ = hold(answer([item(1, results=ROWS[::-1])]), **DONE)

    ties = run.join_rows(iter(ROWS), Person, row_key="email")

    assert [tied.outputs[0].value.n for tied in ties] == [1, 2]


def test_input_that_cannot_be_tied_is_refused_before_anything_is_asked(hold):
    """Rows without the column."""
    run, hand = hold(**DONE)

    with pytest.raises(errors.RowKeyError):
        run.join_rows([{"n": 1}], row_key="email")
    assert hand.asked == []


def test_rows_are_saved_as_csv_and_ndjson(hold, tmp_path):
    """Every column of them; the number of rows is given."""
    run, _ = hold(*[answer([item(1, results=ROWS)])] * 2, **DONE)

    counts = (run.to_csv(tmp_path / "a.csv"), run.to_ndjson(str(tmp_path / "a.ndjson")))

    assert counts == (2, 2)
    with (tmp_path / "a.csv").open(newline="") as file:
        assert [row["n"] for row in csv.DictReader(file)] == ["1", "2"]
    lines = (tmp_path / "a.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == ROWS


@pytest.mark.parametrize("method", ["to_csv", "to_ndjson"])
def test_file_that_is_there_is_not_downloaded_for(hold, tmp_path, method):
    """Unless it is to be replaced."""
    target = tmp_path / "a"
    target.write_text("kept")
    run, hand = hold(*[answer([item(1, results=ROWS)])] * 2, **DONE)

    with pytest.raises(errors.SaveError, match="overwrite=True"):
        getattr(run, method)(target)
    assert (target.read_text(), hand.asked) == ("kept", [])
    assert getattr(run, method)(target, overwrite=True) == 2
    assert getattr(run, method)(io.StringIO()) == 2


def test_download_saves_the_final_file_as_it_is(hold, tmp_path):
    """Under a name that stays in the folder."""
    listed = answer([linked(1, FIRST), {**linked(2), "filename": "../../b.json"}])
    run, _ = hold(listed, files={LINK: as_file(ROWS)}, **DONE)

    (path,) = run.download(str(tmp_path / "new"))

    assert path == tmp_path / "new" / "b.json"
    assert path.read_bytes() == as_file(ROWS)


def test_download_saves_one_stage_or_all(hold, tmp_path):
    """All of them also of a run that has failed."""
    listed = answer([linked(1, FIRST), linked(2)])
    files = {LINK: as_file(ROWS), FIRST: as_file(ROWS[::-1])}
    run, _ = hold(listed, files=files, **DONE)
    (one,) = run.download(tmp_path, block=1)
    run, _ = hold(listed, files=files, status="failed")

    both = run.download(tmp_path, every_stage=True, overwrite=True)

    assert one.read_bytes() == files[FIRST]
    assert [path.name for path in both] == ["b1.json", "b2.json"]
    with pytest.raises(errors.ArgumentError, match="leave one of them out"):
        run.download(tmp_path, block=1, every_stage=True)
    with pytest.raises(errors.RunFailedError):
        run.download(tmp_path)


# -- Presumed runs --------------------------------------------------------------------

PRESUMED = {"is_presumed": True, "proof": ROWS, "stages": Stages({"webhook": 1})}
OURS = [{**row, "added": "x"} for row in reversed(ROWS)]


USES = {
    "rows": lambda run, _: list(run.rows()),
    "results": lambda run, _: run.results(),
    "to_csv": lambda run, folder: run.to_csv(folder / "x.csv"),
    "to_ndjson": lambda run, folder: run.to_ndjson(folder / "x.ndjson"),
    "join_rows": lambda run, _: run.join_rows(ROWS, row_key="email"),
    "download": lambda run, folder: run.download(folder),
    "every stage": lambda run, folder: run.download(folder, every_stage=True),
}


@pytest.mark.parametrize("use", USES)
def test_presumed_run_gives_nothing_until_it_is_proven(hold, tmp_path, use):
    """Rows of somebody else are never handed out, by any door."""
    others = [{"email": "eve@example.com", "n": 1}, ROWS[1]]
    listed = [linked(1, FIRST), linked(2)]
    run, _ = hold(answer(listed), files={FIRST: as_file(others)}, **PRESUMED, **DONE)
    with pytest.raises(errors.OutcomeUnknownError, match="not those sent"):
        USES[use](run, tmp_path)
    assert run.is_presumed
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []

    files = {FIRST: as_file(OURS), LINK: as_file(ROWS)}
    run, _ = hold(answer(listed), files=files, **PRESUMED, **DONE)
    USES[use](run, tmp_path)
    assert not run.is_presumed


def test_run_that_is_proven_once_is_not_asked_again(hold):
    """Its first stage is not downloaded any more."""
    run, _ = hold(
        answer([linked(1, FIRST), item(2, results=ROWS)]),
        answer([linked(1, "gone"), item(2, results=ROWS)]),
        files={FIRST: as_file(OURS)},
        **PRESUMED,
        **DONE,
    )

    assert [len(list(run.rows())) for _ in range(2)] == [2, 2]


@pytest.mark.parametrize(
    ("listed", "known", "words"),
    [
        ([item(1, results=ROWS)], {"proof": None}, "what rows were sent"),
        ([item(1, results=ROWS)], {"proof": []}, "what rows were sent"),
        ([item(1, results=ROWS)], {"proof": [{}]}, "what rows were sent"),
        ([item(2, results=ROWS)], {}, "were not kept"),
        ([], {}, "were not kept"),
        ([item(1, results=ROWS[:1])], {}, "not those sent"),
        ([item(1, results=[*ROWS, ROWS[0]])], {}, "not those sent"),
        ([linked(1, FIRST, file_size=3)], {}, "cannot be read"),
    ],
)
def test_what_cannot_be_proven_is_an_unknown_outcome(hold, listed, known, words):
    """It is not ours for want of anything better."""
    answers = [answer(listed)] + [answer([])] * (not listed)
    run, _ = hold(*answers, files={FIRST: b"[1]"}, **(PRESUMED | known), **DONE)

    with pytest.raises(errors.OutcomeUnknownError, match=words) as caught:
        run.rows()
    assert "nothing more was sent" in str(caught.value)
    assert run.is_presumed


def test_first_stage_of_unknown_code_is_the_first_file(hold):
    """As for a run that was got by its id."""
    listed = answer([item(4, results=OURS)])
    run, _ = hold(listed, **(PRESUMED | {"stages": Stages()}), **DONE)

    assert len(list(run.rows())) == 2
    assert not run.is_presumed


def test_bad_minute_proves_nothing_and_disproves_nothing(hold):
    """It can be tried again."""
    run, _ = hold(BROKEN, answer([item(1, results=OURS)]), **PRESUMED, **DONE)

    with pytest.raises(errors.ServerError):
        run.rows()
    assert len(list(run.rows())) == 2


@pytest.mark.parametrize(
    ("sent", "found", "expected"),
    [
        ([{"a": 1}], [{"a": "1"}], True),
        ([{"a": 1}], [{"a": 1.0}], True),
        ([{"a": 1.5}], [{"a": "1.50"}], True),
        ([{"a": True}], [{"a": "True"}], True),
        ([{"a": None}, {"b": "x"}], [{"b": "x", "a": ""}, {"a": "", "b": ""}], True),
        ([{"a": [1, {"b": 2}]}], [{"a": '[1.0, {"b": 2}]'}], True),
        ([{"a": (1, 2)}], [{"a": [1, 2]}], True),
        ([{"a": "x", "b": 1}], [{"a": "x", "b": 1, "c": 2}], True),
        ([{"a": "01"}], [{"a": "1"}], False),
        ([{"a": "x"}], [{"a": "X"}], False),
        ([{"a": True}], [{"a": 1}], False),
        ([{"a": "x"}], [{"b": "x"}], False),
        ([{"a": "x"}], [], False),
        ([{"a": "x"}, {"a": "x"}], [{"a": "x"}], False),
        ([{"a": "x"}], [{"a": "x"}, {"a": "x"}], False),
        ([{"a": "[" * 99_999}], [{"a": "[" * 99_999}], True),
    ],
)
def test_rows_are_compared_by_what_they_say(hold, sent, found, expected):
    """However a file spells it; added columns do not matter."""
    known = PRESUMED | {"proof": sent}
    run, _ = hold(answer([item(1, results=found)]), **known, **DONE)

    with suppress(errors.OutcomeUnknownError):
        run.rows()
    assert run.is_presumed is not expected


def test_proof_holds_no_row(hold):
    """Neither shown nor kept."""
    run, _ = hold(proof=[{"email": "SENTINEL@example.com"}])
    proof = getattr(run, "run", run)._tracked.proof

    assert "SENTINEL" not in repr(proof)
    assert b"SENTINEL" not in pickle.dumps(proof)


# -- Over sockets ---------------------------------------------------------------------


@pytest.fixture(params=KINDS)
def start(request):
    """Deploys and starts a workflow on an emulator; gives a handle of each kind."""
    with (
        Emulator() as emulator,
        asyncio.Runner() as runner,
        Client("sk_test_not_a_real_key", base_url=emulator.url, journal=None) as client,
    ):
        facts = {"base_url": emulator.url, "journal": None}
        other = AsyncClient("sk_test_not_a_real_key", **facts)

        def started(rows=ROWS, speed=0.0, **known):
            emulator.switches = Switches(speed=speed)
            leads().deploy(client)
            body = {"webhook_payload": rows}
            run_id = client.call(start_run, leads().id(), body, str(uuid4())).job_id
            facts = {"stages": Stages.of(leads().compile()), **known}
            facts["endpoint"] = emulator.url
            tracked = Tracked(run_id, leads().id(), **facts)
            if request.param == "sync":
                return Run(tracked, client), emulator
            return Blocking(AsyncRun(tracked, other), runner), emulator

        yield started
        runner.run(other.close())


@define
class Found:
    email: str
    email_status: str


def test_run_is_waited_for_and_read_over_sockets(start, tmp_path):
    """And what has ended is not cancelled any more."""
    run, _ = start()

    people = list(run.wait(every=0.01).rows(Found))

    assert {row.value.email for row in people} == {row.raw["email"] for row in people}
    assert len(people) == 2
    assert run.cancel() == "completed"
    assert list(run.watch())[-1] == Finished("completed")
    assert run.to_csv(tmp_path / "a.csv", block="find_email") == 2
    assert len(run.download(tmp_path / "all", every_stage=True)) == 3
    (path,) = run.download(tmp_path / "all", block="webhook", overwrite=True)
    assert [row["email"] for row in json.loads(path.read_text())] == [
        row["email"] for row in ROWS
    ]


def test_neither_time_out_nor_ctrl_c_ends_a_run_over_sockets(start):
    """`cancel` does."""
    run, emulator = start(speed=5.0)

    with pytest.raises(errors.WaitTimeoutError, match="it was not cancelled"):
        run.wait(timeout=0.05, every=0.02)
    with pytest.raises(errors.WaitTimeoutError):
        run.rows()
    assert emulator.store.runs.get(run.id).status == "running"
    assert run.cancel() == run.status == "cancelled"
    assert emulator.store.runs.get(run.id).status == "cancelled"


@pytest.mark.parametrize("is_ours", [True, False])
def test_presumed_run_is_proven_over_sockets(start, is_ours):
    """By the file of its first stage."""
    proof = ROWS if is_ours else [*ROWS, {"email": "eve@example.com", "n": 3}]
    run, _ = start(is_presumed=True, proof=proof)
    run.wait(every=0.01)

    if is_ours:
        assert len(list(run.rows())) == 2
    else:
        with pytest.raises(errors.OutcomeUnknownError, match="not those sent"):
            run.rows()
    assert run.is_presumed is not is_ours
