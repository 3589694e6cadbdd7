"""Batches of a large input: by hand with a clock that moves, and over the emulator."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tracemalloc
from collections import Counter, deque
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from threading import Thread

import pytest
from attrs import asdict, define, evolve, field

from flow64 import LEAD, Workflow, errors, tap
from flow64.api import Policy
from flow64.blocks import Deduplicate, FindEmail, LeadEnrichment, Webhook
from flow64.client import Client
from flow64.emulator import Emulator, Switches
from flow64.errors import BatchesError, FlowError
from flow64.runs import (
    DAY,
    BatchSettings,
    Budget,
    FailedBatch,
    Journal,
    Launcher,
    RowRange,
    StartedRun,
    run_in_batches,
)
from tests.service.by_hand import SessionByHand, events
from tests.service.clients import BOTH, KEY, use
from tests.service.mishaps import Fault
from tests.service.support import GROWTH, MISSING, answer, deployed, lost, ready_of

INTENT = "2026-W48"
AWAY = "https://api.example.com"


def found(key="found", **more):
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail(**more)
    return Workflow("Found", flow, key=key, project=GROWTH)


CODE = found()


def people(count, start=0):
    return [{"email": f"p{n}@example.com"} for n in range(start, start + count)]


# -- A service by hand ----------------------------------------------------------------


@cache  # making it asks git
def deployed_answer(code):
    return answer(deployed(code))


@define
class Job:
    """A run of the service by hand."""

    id: str
    key: str
    rows: list
    began: float
    seconds: float
    word: str = "completed"
    error: str | None = None


@define
class World:
    """A service, and the time in it, which passes while somebody waits.

    Attributes:
        fates: Seconds, last status and error of each run, by the order of the starts.
        starts: What happens to a start instead, by its number from 1.
        looks: What a look is answered with instead, by run id; a list is used up.
    """

    code: Workflow = CODE
    seconds: float = 8.0
    honours: bool = True
    fates: dict = field(factory=dict)
    starts: dict = field(factory=dict)
    looks: dict = field(factory=dict)
    links: dict = field(factory=dict)
    live: dict | None = None
    hidden: set = field(factory=set)
    jobs: dict = field(factory=dict)
    posts: int = 0
    most: int = 0
    now: float = 0.0
    began: list = field(factory=list)
    asked: Counter = field(factory=Counter)

    def run(self, settings, rows):
        """Yield the batches that a run of them emits."""
        return events(run_in_batches(InWorld(self), settings, rows))

    def answered(self, request):
        last = request.path.rpartition("/")[2]
        self.asked[last if len(last) < 30 else "workflow"] += 1
        match last:
            case "run":
                return self.start(request)
            case "runs":
                shown = [job for job in self.jobs.values() if job.id not in self.hidden]
                return answer(
                    [self.entry(job) for job in reversed(shown[-500:])],
                )
            case "live_status":
                return self.look(request.path.split("/")[-2])
            case "download-links":
                run_id = request.path.split("/")[-3]
                return self.links.get(run_id, answer(self.items(self.jobs[run_id])))
            case _:
                return answer(self.live) if self.live else deployed_answer(self.code)

    def entry(self, job):
        return {"job_id": job.id, "status": self.word(job), "error_message": job.error}

    def items(self, job):
        item = {"filename": "x.json", "row_count": len(job.rows), "results": job.rows}
        return [{**item, "block_number": number} for number in (1, 2)]

    def start(self, request):
        self.posts += 1
        instead = self.starts.get(self.posts)
        if instead is not None and not callable(instead):
            return instead
        reply = answer(self.started(request))
        return reply if instead is None else instead(reply)

    def started(self, request):
        key = request.idempotency_key
        same = [job for job in self.jobs.values() if job.key == key]
        if same and self.honours:
            return {"job_id": same[0].id, "already_started": True}
        number = len(self.jobs)
        seconds, word, error = self.fates.get(number, (self.seconds, "completed", None))
        rows = request.body["webhook_payload"]
        job = Job(f"r{number}", key, rows, self.now, seconds, word, error)
        self.jobs[job.id] = job
        self.began.append(self.now)
        self.most = max(self.most, sum(map(self.is_running, self.jobs.values())))
        return {"job_id": job.id, "workflow_id": self.code.id(), "status": "queued"}

    def is_running(self, job):
        return self.now < job.began + job.seconds

    def word(self, job):
        return "running" if self.is_running(job) else job.word

    def look(self, run_id):
        instead = self.looks.get(run_id)
        if isinstance(instead, list):
            instead = instead.pop(0) if instead else None
        if instead is not None:
            return instead
        job = self.jobs.get(run_id)
        if job is None:
            return MISSING
        return answer({"run_id": run_id, "overall_status": self.word(job)})

    @property
    def bought(self):
        """How often each row was paid for."""
        return Counter(row["email"] for job in self.jobs.values() for row in job.rows)


class InWorld(SessionByHand):
    """A session with a service by hand."""

    def __init__(self, world):
        super().__init__()
        self.world = world

    def now(self):
        return self.world.now

    async def sleep(self, seconds, *, is_apart=False):
        self.world.now += seconds

    @asynccontextmanager
    async def turn(self, name):
        assert self.turns == []
        self.turns.append(name)
        try:
            yield
        finally:
            self.turns.clear()

    async def emit(self, event):
        assert self.turns == []  # a slow consumer holds nobody up
        await super().emit(event)

    async def exchange(self, request):
        self.world.now += 0.01
        found = self.world.answered(request)
        if isinstance(found, FlowError):
            raise found
        return found

    def retry_wait(self, request, error, failures):
        return None


def planned(code=CODE, *, journal=None, folder=None, **options):
    """Settings of batches of two rows, three at a time."""
    limits = ("max_rows", "max_cost", "allow_unpriced")
    budget = Budget(**{name: options.pop(name) for name in limits if name in options})
    launcher = Launcher(
        compiled(code), None if journal is None else Journal(journal), AWAY, budget
    )
    facts = {
        "intent": INTENT,
        "size": 2,
        "concurrency": 3,
        "retry_failed": False,
        "every": 5.0,
        "timeout": DAY,
    }
    place = None if folder is None else Path(folder)
    return BatchSettings(launcher=launcher, folder=place, **{**facts, **options})


@cache  # compiling asks git
def compiled(code):
    return ready_of(code)


def asked(code=CODE, **options):
    """Ask a client for batches; nothing is sent."""
    client = Client(KEY, base_url=AWAY, journal=None)
    return client.run_batches(code, [], **{"intent": INTENT, **options})


def ran(world, rows, **options):
    """Run batches to the end; gives what was emitted, and how it ended."""
    done = []
    try:
        done.extend(world.run(planned(world.code, **options), rows))
    except FlowError as error:
        return done, error
    return done, None


def indices(done):
    return [each.part.index for each in done]


def told(error):
    """The batches that an error lists: index, run and status."""
    return [(b.part.index, b.run_id, b.status) for b in error.failed]


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "runs.jsonl"


# -- Order, pace, place ---------------------------------------------------------------


def test_rows_are_split_and_handed_out_in_their_order():
    """Whatever order the runs end in, each batch comes after those before it."""
    world = World(fates={0: (90, "completed", None), 3: (1, "completed", None)})

    done, error = ran(world, iter(people(9)))

    assert error is None
    assert [(d.part.index, d.part.first, d.part.count) for d in done] == [
        (0, 1, 2),
        (1, 3, 2),
        (2, 5, 2),
        (3, 7, 2),
        (4, 9, 1),
    ]
    assert [row for job in world.jobs.values() for row in job.rows] == people(9)
    assert [d.tracked.id for d in done] == ["r0", "r1", "r2", "r3", "r4"]


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_no_more_runs_are_under_way_than_were_asked_for(concurrency):
    """And as many as were; the next one is started when one of them has ended."""
    world = World(fates={n: (7.0 * (n % 4), "completed", None) for n in range(20)})

    done, error = ran(world, people(40), concurrency=concurrency)

    assert (indices(done), error) == (list(range(20)), None)
    assert world.most == concurrency
    assert len(set(world.began)) == 20


def test_consumer_that_is_slow_or_stops_loses_nothing(journal):
    """What it leaves is found by the next call, and not bought again."""
    world = World()
    events = world.run(planned(journal=journal), people(12))
    first = next(events)
    world.now += 2 * DAY
    second = next(events)
    events.close()
    left = world.posts

    done, error = ran(world, people(12), journal=journal)

    assert indices([first, second]) == [0, 1]
    assert (indices(done), error) == ([0, 1, 2, 3, 4, 5], None)
    assert set(world.bought.values()) == {1}
    assert left < 6
    assert [d.tracked.is_attached for d in done] == [n < left for n in range(6)]


@pytest.mark.parametrize("rows", [[], iter(())], ids=["list", "iterator"])
def test_nothing_to_run_is_nothing_done(rows):
    """Not even a look."""
    world = World()

    assert ran(world, rows) == ([], None)
    assert world.asked == Counter()


class Quick(Launcher):
    """Starts nothing: of very many rows, only how they are fed is looked at."""

    def payload(self, rows, first=1):
        return {"webhook_payload": rows}

    async def start(self, session, payload, **more):
        index = more["batch"].index
        return StartedRun(f"r{index}", CODE.id())


def test_memory_is_that_of_the_batches_under_way():
    """A quarter of a million rows take no more than ten thousand."""
    completed = {f"r{n}": answer({"overall_status": "completed"}) for n in range(250)}

    def peak(count):
        plan = planned(size=1000)
        options = asdict(plan.launcher, recurse=False)
        del options["definition"]  # made from the others
        plan = evolve(plan, launcher=Quick(**options))
        rows = ({"n": n} for n in range(count))
        tracemalloc.start()
        try:
            done = deque(World(looks=completed).run(plan, rows), 1)
            return tracemalloc.get_traced_memory()[1], done[0].part.first
        finally:
            tracemalloc.stop()

    peak(1000)
    small, _ = peak(10_000)
    large, last = peak(250_000)

    assert last == 249_001
    assert large < 1.5 * small


# -- What is refused before anything is started ---------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"intent": None}, "intent is missing"),
        ({"intent": " "}, "names no run"),
        ({"intent": "w1 "}, "names no run"),
        ({"size": 0}, "size is 0"),
        ({"size": True}, "size is True"),
        ({"concurrency": 1.5}, "concurrency is 1.5"),
        ({"retry_failed": "no"}, "not True or False"),
        ({"every": 0}, "every is 0"),
        ({"timeout": -1}, "timeout is -1"),
        ({"max_bytes": 0}, "max_bytes is 0"),
        ({"allow_unproven": 1}, "allow_unproven"),
    ],
    ids=range(11),
)
def test_what_cannot_be_meant_is_refused(options, words):
    """Before a single request."""
    with pytest.raises(errors.ArgumentError, match=words):
        asked(**options)


def test_folder_needs_one_final_block():
    """Of several ends none is the final one."""
    flow = Webhook(LEAD) >> [FindEmail(), LeadEnrichment(return_fields={"a": "str"})]
    code = Workflow("Two", flow, key="two", project=GROWTH)

    with pytest.raises(errors.AmbiguousRowsError) as caught:
        asked(code, folder="x")
    assert list(caught.value.ends) == ["find_email", "lead_enrichment"]
    assert "nothing was started" in str(caught.value)
    asked(code)
    asked(code, folder="x", block="find_email")
    with pytest.raises(errors.ArgumentError, match="did you mean 'find_email'"):
        asked(code, block="find_emial")


@pytest.mark.parametrize("kind", ["list", "file"])
def test_wrong_rows_of_a_list_or_a_file_are_all_found_first(kind, tmp_path):
    """Wherever they are; nothing is started."""
    rows = [*people(3), {"name": "x"}, *people(3), {"name": "y"}]
    if kind == "file":
        path = tmp_path / "rows.ndjson"
        lines = (str(row).replace("'", '"') + "\n" for row in rows)
        path.write_text("".join(lines))
        rows = path
    world = World()

    done, error = ran(world, rows)

    assert (done, world.posts) == ([], 0)
    assert isinstance(error, errors.RowsError)
    assert [text for text in error.problems if text.startswith("row")] == [
        "row 4 lacks email",
        "row 8 lacks email",
    ]
    assert len(error.problems) == 3  # what they have in common is said once


def test_not_all_of_very_many_wrong_rows_are_listed():
    """After a thousand it is plain."""
    world = World()

    _, error = ran(world, [{}] * 5000, size=100)

    assert 1000 <= len(error.problems) < 1200


def test_wrong_rows_of_the_first_batch_are_their_own_error():
    """And those of a later one end the launching, with what went before handed out."""
    rows = [*people(4), {"name": "x"}, *people(9)]

    first = ran(World(), iter(rows[4:]))
    world = World()
    done, error = ran(world, iter(rows))

    assert isinstance(first[1], errors.RowsError)
    assert indices(done) == [0, 1]
    assert told(error) == [(2, "", "was not started")]
    assert "row 5 lacks email" in error.stopped
    assert "\n" not in error.stopped + error.lines[0]
    assert isinstance(error.__cause__, errors.RowsError)
    assert world.posts == 2


def test_file_that_changes_meanwhile_ends_the_launching(tmp_path):
    """It was whole when it was judged, and is cut off when it is read."""
    path = tmp_path / "rows.ndjson"
    lines = "".join(f'{{"email": "p{n}@example.com"}}\n' for n in range(3000))
    path.write_text(lines)
    world = World()
    events = world.run(planned(size=50), path)
    next(events)
    os.truncate(path, len(lines) - 10)

    with pytest.raises(
        BatchesError, match=r"no more was started: .*rows\.ndjson"
    ) as it:
        list(events)
    assert (it.value.failed, type(it.value.__cause__)) == ([], errors.RowsError)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_iterator_that_fails_ends_it_with_its_own_error(serve, error):
    """A note says that nothing is lost."""

    def rows():
        yield from people(5)
        raise error("mine")

    with pytest.raises(error, match="mine") as caught:
        job("sync", serve().url, rows())
    assert "buys no finished batch again" in caught.value.__notes__[0]


def test_error_of_batches_needs_no_note(serve):
    """It says so itself."""
    _, error = job("sync", serve().url, iter([*people(5), {"name": "x"}]))

    assert isinstance(error, BatchesError)
    assert getattr(error, "__notes__", []) == []


def test_budget_is_of_all_batches():
    """A list is counted first; the rows of a generator as they come."""
    whole, counted = World(), World()

    _, refused = ran(whole, people(7), max_rows=6)
    done, stopped = ran(counted, iter(people(7)), max_rows=6)

    assert (type(refused), whole.posts) == (errors.BudgetError, 0)
    assert (indices(done), counted.posts) == ([0, 1, 2], 3)
    assert told(stopped) == [(3, "", "was not started")]
    assert type(stopped.__cause__) is errors.BudgetError


def test_cost_is_that_of_what_is_deployed():
    """A field that code does not set may be dearer there."""
    code = Workflow("Found", Webhook(LEAD) >> FindEmail(), key="live", project=GROWTH)
    live = deployed(code)
    blocks = live["workflow_definition"]["blocks"]
    blocks[1]["specs"]["mode"] = "PERSONAL"
    dear, cheap, gone = (
        World(code, live=live),
        World(code),
        World(code, live={"nothing": 1}),
    )

    _, refused = ran(dear, people(8), max_cost=0.5)
    done, error = ran(cheap, people(8), max_cost=0.5)
    _, unreadable = ran(gone, people(8), max_cost=0.5)

    assert (type(refused), dear.posts) == (errors.BudgetError, 0)
    assert (indices(done), error) == ([0, 1, 2, 3], None)
    assert (type(unreadable), gone.posts) == (errors.AnswerError, 0)


def test_workflow_that_is_not_deployed_is_told_as_such():
    """As by `run`, with nothing else around it; also where its price is asked for."""

    class Empty(World):
        def answered(self, request):
            return MISSING

    seen = [ran(Empty(), people(3), **more)[1] for more in ({}, {"max_cost": 9})]

    assert [type(error) for error in seen] == [errors.StaleDeploymentError] * 2


# -- Failures -------------------------------------------------------------------------


def test_two_failures_in_a_row_end_the_launching():
    """What is under way is still handed out, and what failed is listed."""
    failed = (8.0, "failed", "find_email: oops")
    world = World(fates={2: failed, 3: failed})

    done, error = ran(world, people(40), concurrency=2)

    assert told(error) == [(2, "r2", "failed"), (3, "r3", "failed")]
    assert error.stopped == "2 batches failed in a row"
    assert indices(done) == [n for n in range(world.posts) if n not in (2, 3)]
    assert world.posts <= 5


def test_failures_beside_each_other_count_as_well():
    """Also where another batch completes between them."""
    fates = {
        0: (60.0, "completed", None),
        1: (5.0, "failed", None),
        2: (80.0, "cancelled", None),
        3: (3.0, "completed", None),
    }
    world = World(fates=fates, seconds=20)

    _, error = ran(world, people(200), concurrency=3)

    assert told(error) == [(1, "r1", "failed"), (2, "r2", "cancelled")]
    assert "in a row" in error.stopped


def test_failures_apart_from_each_other_are_passed():
    """Each is listed, with what its rows may cost a second time."""
    fates = dict.fromkeys((1, 4), (8.0, "failed", None))
    world = World(fates=fates)

    done, error = ran(world, people(13), concurrency=1)

    assert (indices(done), error.stopped) == ([0, 2, 3, 5, 6], "")
    assert told(error) == [(1, "r1", "failed"), (4, "r4", "failed")]
    assert error.lines[0] == (
        "batch 1 (rows 3 to 4, run r1) failed; its rows again: up to $0.10"
    )
    assert "retry_failed=True" in str(error)


def test_message_about_credits_ends_the_launching_at_once():
    """One is enough; the list says why where no block does."""
    world = World(fates={1: (8.0, "failed", "Insufficient Credits")})

    _, error = ran(world, people(40), concurrency=1)

    assert told(error) == [(1, "r1", "failed")]
    assert error.stopped == "credits: Insufficient Credits"
    assert world.posts == 2


def test_start_that_is_to_be_paid_first_ends_the_launching():
    """Nothing was bought by it, and so its rows have no second cost."""
    world = World(starts={3: answer({"detail": "Payment required"}, 402)})

    done, error = ran(world, people(40), concurrency=1)

    assert indices(done) == [0, 1]
    assert told(error) == [(2, "", "was refused by the service")]
    assert error.stopped.startswith("credits: ")
    assert error.failed[0].dollars is None
    assert type(error.__cause__) is errors.PaymentError


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (answer({"detail": "no"}, 403), "was refused by the service"),
        (lost(sent=False), "was not started"),
        (answer({"detail": "taken"}, 409), "may have been started"),
        (lost(), "may have been started"),
    ],
    ids=["forbidden", "not sent", "key taken", "lost"],
)
def test_start_that_fails_ends_the_launching(reply, status):
    """What cannot be known is said to be unknown, and counts as bought."""
    world = World(starts=dict.fromkeys(range(2, 9), reply))

    _, error = ran(world, people(40), concurrency=1)

    assert told(error) == [(1, "", status)]
    assert (error.failed[0].dollars is None) == (not status.startswith("may"))
    assert len(world.jobs) == 1


def test_cost_that_is_not_known_is_not_passed_over():
    """Neither where a part of it is known, nor where nothing is."""
    part = RowRange(0, 1, 1000)
    batches = [
        FailedBatch(part, "r", "failed", None, dollars, is_priced)
        for dollars, is_priced in ((50.0, True), (50.0, False), (0.0, False))
    ]

    assert [str(batch).partition("; ")[2] for batch in batches] == [
        "its rows again: up to $50",
        "its rows again: $50 and what has no documented price",
        "its rows again: what has no documented price",
    ]


def test_words_of_the_service_are_made_safe():
    """They go to a terminal."""
    batch = FailedBatch(RowRange(1, 3, 2), "r\x1b[2J", "failed", "a\x1b[31m")

    assert "\x1b" not in str(batch)


# -- Again ----------------------------------------------------------------------------


@pytest.mark.parametrize("has_journal", [True, False])
def test_same_call_buys_no_finished_batch_again(has_journal, journal):
    """On this machine by the journal, on another one by the key alone."""
    world = World(fates={2: (8.0, "failed", "no credit left")})
    more = {"journal": journal} if has_journal else {}
    ran(world, people(20), concurrency=1, **more)
    assert world.posts == 3

    done, error = ran(world, people(20), concurrency=1, **more)

    assert indices(done) == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert (told(error), error.stopped) == ([(2, "r2", "failed")], "")
    assert set(world.bought.values()) == {1}
    assert error.failed[0].dollars == 0.1


@pytest.mark.parametrize("has_journal", [True, False])
def test_failed_batch_is_bought_again_only_when_asked(has_journal, journal):
    """Once for each time that it is asked and has failed before."""
    fates = {1: (8.0, "failed", None), 5: (8.0, "failed", None)}
    world = World(fates=fates)
    more = {"journal": journal} if has_journal else {}
    ran(world, people(10), concurrency=1, **more)
    paid = [max(world.bought.values())]

    ends = []
    for retry in (False, True, False, True, True):
        _, error = ran(world, people(10), concurrency=1, retry_failed=retry, **more)
        ends.append(error and told(error)[0][:2])
        paid.append(max(world.bought.values()))

    # Without a journal its key leads to its first run, unless retries are looked for.
    third = (1, "r5") if has_journal else (1, "r1")
    assert paid == [1, 1, 2, 2, 3, 3]
    assert ends == [(1, "r1"), (1, "r5"), third, None, None]
    assert Counter(world.bought.values()) == {1: 8, 3: 2}


def test_run_of_this_call_is_not_started_again_by_it(journal):
    """Its answer was lost, and it has failed by the time that it is sent again."""

    def cut(reply):
        world.hidden.add("r1")  # listed late, as well
        return lost()

    world = World(fates={1: (0.0, "failed", None)}, starts={2: cut})

    done, error = ran(
        world, people(6), concurrency=1, retry_failed=True, journal=journal
    )

    assert indices(done) == [0, 2]
    assert told(error) == [(1, "r1", "failed")]
    assert "not started again" in error.failed[0].reason
    assert set(world.bought.values()) == {1}
    world.hidden.clear()
    again, error = ran(
        world, people(6), concurrency=1, retry_failed=True, journal=journal
    )
    assert (indices(again), error) == ([0, 1, 2], None)


@pytest.mark.parametrize(
    ("rows", "size"),
    [(people(8), 3), ([{"email": "new@example.com"}, *people(8)], 2)],
    ids=["size", "shifted"],
)
def test_other_batches_under_the_same_intent_are_refused(rows, size, journal):
    """Where the journal knows them; nothing is bought."""
    world = World()
    ran(world, people(8), journal=journal)

    _, error = ran(world, rows, size=size, journal=journal)

    assert type(error) is errors.IntentChangedError
    assert world.posts == 4


def test_input_that_is_changed_in_the_middle_is_refused_there(journal):
    """What is before it goes on; whole batches may be added or be missing."""
    world = World()
    ran(world, people(8), journal=journal)
    changed = [*people(4), {"email": "new@example.com"}, *people(5, 5)]

    done, error = ran(world, changed, journal=journal)
    shorter = ran(world, people(4), journal=journal)
    longer = ran(world, people(12), journal=journal)

    assert indices(done) == [0, 1]
    assert told(error) == [(2, "", "was not started")]
    assert type(error.__cause__) is errors.IntentChangedError
    assert [indices(shorter[0]), indices(longer[0])] == [[0, 1], [0, 1, 2, 3, 4, 5]]
    assert set(world.bought.values()) == {1}


@pytest.mark.parametrize("is_saved", [True, False])
def test_run_that_the_service_has_forgotten_holds_nobody_up(
    is_saved, journal, tmp_path
):
    """It is not bought again; what was saved of it is handed out."""
    world = World()
    more = {"journal": journal, "folder": tmp_path / "out" if is_saved else None}
    ran(world, people(4), **more)
    del world.jobs["r0"]

    done, error = ran(world, people(8), **more)

    assert indices(done) == [0, 1, 2, 3][0 if is_saved else 1 :]
    if is_saved:
        assert (error, done[0].tracked.id) == (None, "r0")
        assert done[0].path.read_text("utf-8").count("\n") == 2
    else:
        assert told(error) == [(0, "r0", "completed")]
        assert "404" in error.failed[0].reason
    assert world.posts == 4


def test_run_that_is_forgotten_before_its_end_is_not_started_again(journal):
    """Nobody knows how it ended."""
    world = World(seconds=1e9)
    ran(world, people(4), journal=journal, size=4, timeout=1)
    world.looks["r0"] = MISSING

    _, error = ran(world, people(4), journal=journal, size=4)

    assert told(error) == [(0, "r0", "may have been started")]
    assert world.posts == 1


# -- Looks ----------------------------------------------------------------------------


def test_run_that_hangs_keeps_its_place():
    """The others go on without it, and never more at a time than were asked for."""
    world = World(fates={1: (1e9, "completed", None)})

    done, error = ran(world, people(20), concurrency=2, timeout=60)

    assert indices(done) == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert told(error) == [(1, "r1", "running")]
    assert "no end after 60 s; it goes on" in error.lines[0]
    assert (error.stopped, world.most) == ("", 2)


def test_launching_ends_where_every_place_is_taken_by_a_run_that_hangs():
    """How many more there would be, nobody knows."""
    hung = (1e9, "completed", None)
    world = World(fates={1: hung, 2: hung})

    done, error = ran(world, people(20), concurrency=2, timeout=60)

    assert indices(done) == [0]
    assert error.stopped == "runs that may go on and are not followed: 2"
    assert (world.posts, world.most) == (3, 2)


def test_faults_of_looks_are_passed():
    """Also that a new run is not visible for a while."""
    broken = answer({"detail": "oops"}, 503)
    world = World(looks={"r0": [MISSING, broken, lost()], "r1": [broken] * 9})

    done, error = ran(world, people(4))

    assert (indices(done), error) == ([0, 1], None)


def test_run_that_is_gone_is_listed():
    """It was there, and now there is no such run."""
    running = answer({"overall_status": "running"})
    world = World(looks={"r1": [running, *[MISSING] * 99]})

    done, error = ran(world, people(12), concurrency=2)

    assert indices(done) == [0, 2, 3, 4, 5]
    assert told(error) == [(1, "r1", "running")]
    assert error.stopped == ""


def test_key_that_is_revoked_ends_the_launching():
    """No look can help any more; what goes on is listed."""
    world = World()
    revoked = answer({"detail": "revoked"}, 401)
    world.looks = {f"r{n}": [revoked] * 99 for n in range(1, 9)}

    done, error = ran(world, people(20), concurrency=2)

    assert indices(done) == [0]
    assert {status for _, _, status in told(error)} == {"queued"}
    assert type(error.__cause__) is errors.AuthError
    assert world.posts <= 3


# -- Presumed runs --------------------------------------------------------------------


def test_run_that_was_presumed_is_proven_before_it_is_handed_out(journal):
    """By the rows of its first stage; its handle need not do it again."""
    world = World(starts={2: lambda reply: lost()})

    done, error = ran(world, people(6), journal=journal)

    assert (indices(done), error) == ([0, 1, 2], None)
    assert [d.tracked.is_presumed for d in done] == [False] * 3
    assert world.posts == 3
    assert ran(world, people(6), journal=journal)[0][1].tracked.is_presumed is False


def test_run_that_is_not_ours_is_never_handed_out(journal):
    """Somebody else's was the only new one."""

    def taken(reply):
        world.jobs["r1"].rows = people(2, 50)
        return lost()

    world = World(starts={2: taken})

    done, error = ran(world, people(6), journal=journal)

    assert indices(done) == [0, 2]
    assert told(error) == [(1, "r1", "may have been started")]
    assert "not those sent" in error.failed[0].reason


# -- Files ----------------------------------------------------------------------------


def test_files_are_of_their_runs_and_sort_like_the_input(tmp_path):
    """Another intent has other runs, so that no file is taken for its own."""
    world, folder = World(), tmp_path / "a" / "b"

    first, _ = ran(world, people(4), folder=folder)
    again, _ = ran(world, people(4), folder=folder)
    other, _ = ran(world, people(4, 4), folder=folder, intent="2026-W49")

    assert [d.path.name for d in first] == ["000000-r0.ndjson", "000001-r1.ndjson"]
    assert [d.path for d in again] == [d.path for d in first]
    assert [d.path.name for d in other] == ["000000-r2.ndjson", "000001-r3.ndjson"]
    assert "p4@example.com" in other[0].path.read_text("utf-8")
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("kind", ["file", "read-only", "below a file"])
def test_folder_that_cannot_be_written_to_is_refused_first(kind, tmp_path):
    """Nothing is started."""
    folder = tmp_path / "out"
    if kind == "read-only":
        folder = Path("/proc/nothing")
    else:
        folder.write_text("x")
    world = World()

    _, error = ran(
        world, people(4), folder=folder / "x" if kind == "below a file" else folder
    )

    assert (type(error), world.posts) == (errors.SaveError, 0)


def test_disk_that_fails_ends_the_launching(tmp_path, journal):
    """What completed is there to be saved by the next call."""
    world, folder = World(), tmp_path / "out"
    plan = planned(folder=folder, journal=journal, concurrency=1)
    events = world.run(plan, people(8))
    next(events)
    (folder / "000001-r1.ndjson").mkdir()

    with pytest.raises(BatchesError) as caught:
        list(events)
    (folder / "000001-r1.ndjson").rmdir()
    done, error = ran(world, people(8), folder=folder, journal=journal)

    assert told(caught.value) == [(1, "r1", "completed")]
    assert caught.value.failed[0].dollars is None
    assert "could not be had" in caught.value.lines[0]
    assert "was not written" in caught.value.stopped
    assert (len(done), error) == (4, None)
    assert set(world.bought.values()) == {1}


def test_other_process_that_was_faster_has_saved_it(tmp_path):
    """The same run gives the same file."""
    world, folder = World(), tmp_path / "out"
    plan = planned(folder=folder)

    def listed(request):
        (folder / "000000-r0.ndjson").write_text("theirs\n")
        return World.answered(world, request)

    class Late(World):
        def answered(self, request):
            is_last = request.path.endswith("download-links")
            return (listed if is_last else super().answered)(request)

    world = Late()

    (done,) = world.run(plan, people(2))

    assert done.path.read_text("utf-8") == "theirs\n"


def test_file_that_cannot_be_had_does_not_hold_up_the_others(tmp_path, journal):
    """It was paid for; the next call may have it."""
    world, folder = World(), tmp_path / "out"
    world.links = {"r0": answer([]), "r1": answer([])}

    done, error = ran(world, people(8), folder=folder, journal=journal)
    world.links.clear()
    again, after = ran(world, people(8), folder=folder, journal=journal)

    assert indices(done) == [2, 3]
    assert told(error) == [(0, "r0", "completed"), (1, "r1", "completed")]
    assert (error.stopped, error.failed[0].dollars) == ("", None)
    assert (indices(again), after) == ([0, 1, 2, 3], None)
    assert world.posts == 4


# -- Over the emulator, with both clients ---------------------------------------------


def job(kind, url, rows, *, code=CODE, **options):
    """Run batches with a client of a kind: what came, its rows, and how it ended."""
    facts = {"size": 5, "concurrency": 3, "intent": INTENT, "every": 0.01, **options}
    settings = {
        "journal": facts.pop("journal", None),
        "policy": facts.pop("policy", None),
    }
    come = []

    def sync(client):
        try:
            come.extend(
                (batch.index, [row.raw["email"] for row in batch.run.rows()])
                for batch in client.run_batches(code, rows, **facts)
            )
        except FlowError as error:
            return come, error
        return come, None

    async def awaited(client):
        try:
            async for batch in client.run_batches(code, rows, **facts):
                read = await batch.run.rows()
                come.append((batch.index, [row.raw["email"] for row in read]))
        except FlowError as error:
            return come, error
        return come, None

    return use(kind, url, sync if kind == "sync" else awaited, **settings)


@pytest.fixture
def serve():
    """An emulator on which the workflow is deployed."""
    made = []

    def serving(**switches):
        emulator = Emulator(switches=Switches(**switches)).start()
        made.append(emulator)
        use("sync", emulator.url, lambda client: client.deploy(CODE))
        return emulator

    yield serving
    for emulator in made:
        emulator.stop()


def spent(emulator):
    """Rows that were paid for, by run."""
    return Counter(
        {s.run_id: s.rows for s in emulator.store.spendings.all() if s.credits}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "has_journal"), [("sync", True), ("async", False), ("async", True)]
)
def test_credits_that_end_in_batch_21_of_40(kind, has_journal, serve, journal):
    """R17: launching stops, and no row is paid for twice unless that is asked for."""
    emulator = serve(credits=51)  # a row costs half of one: twenty batches, two rows
    facts = {"journal": journal if has_journal else None, "concurrency": 1}
    rows = people(200)

    came, error = job(kind, emulator.url, rows, **facts)

    assert [index for index, _ in came] == list(range(20))
    assert [row for _, part in came for row in part] == [r["email"] for r in rows[:100]]
    assert [(b.part, b.status) for b in error.failed] == [
        (RowRange(20, 101, 5), "failed")
    ]
    assert "credits: find_email: not enough credits" in error.stopped
    assert "its rows again: up to $0.25" in error.lines[0]
    assert sum(spent(emulator).values()) == 102

    emulator.switches = evolve(emulator.switches, credits=None)
    came, error = job(kind, emulator.url, rows, **facts)

    assert [index for index, _ in came] == [n for n in range(40) if n != 20]
    assert [b.part.index for b in error.failed] == [20]
    assert (error.stopped, len(spent(emulator))) == ("", 40)
    assert sum(spent(emulator).values()) == 197

    came, error = job(kind, emulator.url, rows, retry_failed=True, **facts)

    assert ([index for index, _ in came], error) == (list(range(40)), None)
    assert sum(spent(emulator).values()) == 202


def paid(emulator):
    """How often each row was paid for."""
    runs = spent(emulator)
    payloads = (emulator.rows(run_id, "webhook") for run_id in runs)
    return Counter(row["email"] for payload in payloads for row in payload)


FAULTS = [
    Fault("reset_after", path="/workflows/run", after=1, times=2),
    Fault("reset_before", path="/workflows/run", after=2),
    Fault("status_after", path="/workflows/run", after=1, status=502),
    Fault("html", path="/workflows/run", after=2),
    Fault("status_before", path="/workflows/run", status=429, retry_after="0"),
    Fault("reset_after", path="/workflows/runs*", after=3, times=3),
    Fault("cut_json", path="/workflows/runs/*", after=4, times=3),
    Fault("unknown_status", after=5, times=3),
    Fault("truncate", path="/workflows/runs/*/results/*", after=1),
]


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault.kind}{fault.path}{fault.after}"
)
def test_faults_on_the_way_cost_nothing(kind, fault, serve, journal, monkeypatch):
    """Each batch is bought once and handed out, also one whose answer was lost."""
    monkeypatch.setattr("flow64.runs._start.LOOKS", (0.01, 0.02))
    emulator = serve(honour_idempotency=False)
    emulator.faults.add(fault)

    came, error = job(
        kind,
        emulator.url,
        people(20),
        journal=journal,
        policy=Policy(first_wait=0.01, first_rest=0.01),
    )

    assert error is None
    assert [row for _, part in came for row in part] == [
        row["email"] for row in people(20)
    ]
    assert set(paid(emulator).values()) == {1}
    assert len(emulator.faults.log) > 0


@BOTH
def test_consumer_that_stops_leaves_runs_that_are_found_again(kind, serve, tmp_path):
    """Files come with them, into a folder that both calls name."""
    emulator, folder = serve(), tmp_path / "out"
    facts = {"size": 5, "intent": INTENT, "every": 0.01, "folder": folder}

    def first(client):
        return next(client.run_batches(CODE, iter(people(40)), **facts)).path

    async def first_of(client):
        batches = client.run_batches(CODE, iter(people(40)), **facts)
        return (await anext(batches)).path

    path = use(kind, emulator.url, first if kind == "sync" else first_of)
    left = len(spent(emulator))
    came, error = job(kind, emulator.url, iter(people(40)), folder=folder)

    assert path.name.startswith("000000-")
    assert left < 8
    assert ([index for index, _ in came], error) == (list(range(8)), None)
    assert set(paid(emulator).values()) == {1}
    assert len(list(folder.iterdir())) == 8
    assert [name.name[:6] for name in sorted(folder.iterdir())] == [
        f"{index:06}" for index in range(8)
    ]


@BOTH
def test_rows_of_one_of_several_ends_are_saved(kind, serve, tmp_path):
    """Another block of the same batches gets files of its own, and buys nothing."""
    emulator, folder = serve(), tmp_path / "out"
    flow = Webhook(LEAD) >> tap(Deduplicate(key="aside")) >> FindEmail(key="found")
    code = Workflow("Two", flow, key="two", project=GROWTH)
    with Client(KEY, base_url=emulator.url, journal=None) as client:
        client.deploy(code)

    for block in ("aside", "found"):
        _, error = job(
            kind, emulator.url, people(10), code=code, folder=folder, block=block
        )
        assert error is None

    texts = [path.read_text("utf-8") for path in sorted(folder.iterdir())]
    assert ["email_status" in text for text in texts] == [False, True, False, True]
    assert set(paid(emulator).values()) == {1}


def test_task_that_is_cancelled_is_told_that_nothing_is_lost(serve):
    """And so is who waits for it."""
    emulator = serve(speed=60)

    async def cancelled(client):
        batches = client.run_batches(CODE, people(9), size=3, intent=INTENT)
        task = asyncio.ensure_future(anext(batches))
        is_sent = False
        while not is_sent:
            await asyncio.sleep(0.01)
            is_sent = any(r.path == "/workflows/run" for r in emulator.requests)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error.__notes__

    (note,) = use("async", emulator.url, cancelled)

    assert note.startswith(f"runs of intent {INTENT!r} that were started go on")


def test_workflow_runs_in_batches_by_itself(serve, monkeypatch):
    """With a client that is given, and with one from the environment."""
    emulator = serve()
    facts = {"size": 5, "intent": INTENT, "every": 0.01}
    with Client(KEY, base_url=emulator.url, journal=None) as client:
        given = list(CODE.run_batches(people(7), client, **facts))
    monkeypatch.setenv("SIXTYFOUR_API_KEY", KEY)
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
    monkeypatch.setenv("FLOW64_JOURNAL", "")

    made = [b.run.id for b in CODE.run_batches(people(7), **facts)]

    assert [batch.count for batch in given] == [5, 2]
    assert made == [batch.run.id for batch in given]


PROGRAM = """
import sys
from flow64 import LEAD, Client, Project, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.runs import _start
_start.LOOKS = (0.05, 0.1)
url, journal, intent = sys.argv[1:]
flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
growth = Project("growth", namespace="acme.example")
code = Workflow("Found", flow, key="found", project=growth)
people = ({"email": f"p{n}@example.com"} for n in range(60))
with Client("sk_test_not_a_real_key", base_url=url, journal=journal) as client:
    for batch in code.run_batches(
        people, client, size=5, concurrency=3, intent=intent, every=0.01
    ):
        print(batch.index, *(row.raw["email"] for row in batch.run.rows()), flush=True)
"""


@pytest.mark.slow
def test_killed_in_the_middle_buys_nothing_twice(serve, journal):
    """The same command goes on, also where the service ignores the key."""
    emulator = serve(honour_idempotency=False)
    command = [sys.executable, "-c", PROGRAM, emulator.url, str(journal), INTENT]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = [child.stdout.readline() for _ in range(4)]
    child.send_signal(signal.SIGKILL)
    child.communicate()
    before = len(spent(emulator))

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert [line.split()[0] for line in lines] == ["0", "1", "2", "3"]
    assert 4 <= before < 12
    assert done.stdout.splitlines() == [
        " ".join([str(n), *(row["email"] for row in people(5, 5 * n))])
        for n in range(12)
    ]
    assert set(paid(emulator).values()) == {1}


@BOTH
def test_two_threads_that_run_the_same_batches_at_once_buy_them_once(
    kind, serve, journal, tmp_path
):
    """In one process both hand out all of them, and share the files.

    Between two processes that rests on the key, as the page on batches says.
    """
    emulator, ends = serve(honour_idempotency=False), []
    facts = {"journal": journal, "folder": tmp_path / "out"}

    def one():
        ends.append(job(kind, emulator.url, people(20), **facts))

    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [([index for index, _ in came], error) for came, error in ends] == [
        ([0, 1, 2, 3], None)
    ] * 2
    assert set(paid(emulator).values()) == {1}
    assert len(list((tmp_path / "out").glob("0*"))) == 4
