"""Starting a run once, whatever happens to the answer."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from uuid import UUID, uuid4, uuid5

import pytest

from flow64 import LEAD, Workflow, errors
from flow64.api import threads
from flow64.api.network import Policy
from flow64.blocks import FindEmail, Webhook
from flow64.definition import retry_key
from flow64.runs import journal as journals
from flow64.runs import starter
from flow64.runs.journal import Journal
from flow64.runs.payload import Budget
from flow64.runs.results import read_rows
from flow64.runs.starter import make_starter
from tests.runs.fake_service import CODE, ROWS, Bought, FakeService, launch, start
from tests.service.support import GROWTH, leads, specs_of

GOLDEN = "582b8c99-d715-5530-b7ac-7e0b46722848"
MORE = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]

FAULTS = (
    "",
    "unsent",
    "before lost",
    "after lost",
    "before 500",
    "after 500",
    "before 429",
    "after 429",
    "after 401",
    "after html",
    "after 409",
    "before 422",
    "after id {x}",
    "after id  ",
)
"""What becomes of a start: whether it was carried out, and what is answered."""


def begin(service, path=None, rows=ROWS, **options):
    """Start a run as a new process does."""
    journals._UNWRITTEN.clear()
    run_options = options.pop("launch", {})
    session = service.session(options.pop("endpoint", "https://api.example.com"))
    return start(session, launch(path, **run_options), rows, **options)


@pytest.fixture
def service():
    return FakeService().deploy()


@pytest.fixture
def forgetful():
    """A service that ignores the Idempotency-Key."""
    return FakeService(honours_key=False).deploy()


# -- One purchase for an intent -------------------------------------------------------


@pytest.mark.parametrize("honours_key", [True, False])
@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("first", FAULTS)
def test_nothing_is_bought_twice(tmp_path, first, late, honours_key):
    """Whatever is lost, and whoever repeats it: one run, and it is ours."""
    for number, second in enumerate(FAULTS):
        service = FakeService(honours_key, late, [first, second]).deploy()
        runs = []
        for _ in range(3):
            try:
                runs.append(begin(service, tmp_path / f"{number}"))
            except errors.FlowError:
                continue
        assert len(service.runs) <= 1, second
        assert {run.id for run in runs} <= {run.job_id for run in service.runs}, second


@pytest.mark.parametrize("first", FAULTS)
def test_processes_without_a_shared_journal_buy_once(tmp_path, first):
    """As far as the service honours the key, on which they rest."""
    for number, second in enumerate(FAULTS):
        service = FakeService(faults=[first, second]).deploy()
        runs = []
        for name in ("a", "b", "b"):
            with suppress(errors.FlowError):
                runs.append(begin(service, tmp_path / f"{name}{number}"))
        assert len(service.runs) <= 1, second
        assert {run.id for run in runs} <= {run.job_id for run in service.runs}, second


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_process_is_followed_by_one_that_looks(forgetful, tmp_path, fault):
    """Its start was sent, and nobody knows what became of it."""
    forgetful.faults += ["after killed", fault]
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")

    run = begin(forgetful, tmp_path / "j")

    assert [bought.job_id for bought in forgetful.runs] == [run.id]
    assert (run.is_presumed, run.is_attached) == (True, True)
    assert [row.raw["email"] for row in read_rows(forgetful.session(), run)]
    assert not run.is_presumed  # its rows have proven it


def test_threads_of_one_process_buy_once(forgetful):
    """They take turns, and remember what they bought without a file."""
    session, options = forgetful.session(), launch()
    threads = [Thread(target=start, args=(session, options, ROWS)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(forgetful.runs) == 1


def test_start_that_another_process_is_sending_is_looked_for(
    forgetful, tmp_path, monkeypatch
):
    """Both have listed the runs, and the other has written its line first."""
    write = journals.Ledger.write_intent

    def write_second(ledger, **facts):
        write(ledger, **facts | {"writer": "another"})
        forgetful.runs.append(Bought(str(uuid4()), CODE.id(), facts["key"], ROWS))
        write(ledger, **facts)

    monkeypatch.setattr(journals.Ledger, "write_intent", write_second)

    run = begin(forgetful, tmp_path / "j")

    assert (len(forgetful.runs), run.is_presumed) == (1, True)


def test_start_that_is_slow_to_arrive_is_waited_for(
    forgetful, tmp_path, waits, monkeypatch
):
    """Another process has sent it, and it is not in the list yet."""
    forgetful.faults.append("after killed")
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")
    bought = forgetful.runs.pop()

    def wait(seconds):
        waits.append(seconds)
        if seconds > max(starter.LOOKS) and bought not in forgetful.runs:
            forgetful.runs.append(bought)

    monkeypatch.setattr(threads, "sleep", wait)

    run = begin(forgetful, tmp_path / "j")

    assert forgetful.runs == [bought]
    assert run.id == bought.job_id


def test_refused_start_is_looked_for_after_the_wait(
    forgetful, tmp_path, waits, monkeypatch
):
    """Another process may send it while this one waits, as a 429 asks for."""
    forgetful.faults.append("before 429")

    def wait(seconds):
        waits.append(seconds)
        if seconds > max(starter.LOOKS):
            monkeypatch.setattr(threads, "sleep", waits.append)
            starter._TURNS.clear()  # those of another process
            begin(forgetful, tmp_path / "j")

    monkeypatch.setattr(threads, "sleep", wait)
    session = forgetful.session(policy=Policy(first_rest=20))

    run = start(session, launch(tmp_path / "j"), ROWS)

    assert [bought.job_id for bought in forgetful.runs] == [run.id]


def test_start_of_another_process_is_waited_for_until_it_ends(
    forgetful, tmp_path, waits, monkeypatch
):
    """That can be long before nobody can send it."""
    forgetful.faults += ["before killed"]
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")

    def wait(seconds):
        waits.append(seconds)
        if seconds > max(starter.LOOKS):  # it was alive, and is answered now
            ledger = launch(tmp_path / "j").journal.of(
                "https://api.example.com", CODE.id()
            )
            (key,) = ledger.memory().starts
            forgetful.runs.append(Bought("r1", CODE.id(), key, ROWS))
            ledger.write_run(key, "r1")

    monkeypatch.setattr(threads, "sleep", wait)

    run = begin(forgetful, tmp_path / "j")

    assert (run.id, run.is_presumed, len(forgetful.runs)) == ("r1", False, 1)
    assert sum(waits) < 30


def test_start_that_was_stopped_is_looked_for_at_once(
    forgetful, tmp_path, waits, monkeypatch
):
    """A Ctrl-C between two tries: nothing of it is under way."""
    forgetful.faults += ["unsent"]

    def stop(seconds):
        if seconds:
            raise KeyboardInterrupt

    monkeypatch.setattr(threads, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")
    monkeypatch.setattr(threads, "sleep", waits.append)
    waits.clear()

    begin(forgetful, tmp_path / "j")

    assert (len(forgetful.runs), max(waits)) == (1, max(starter.LOOKS))


@pytest.mark.parametrize("fault", ["", "after lost"])
def test_start_that_is_held_up_is_sent_by_one_process(
    forgetful, tmp_path, waits, monkeypatch, fault
):
    """It has no connection yet. Another one waits until it is over, and sends it."""
    forgetful.faults += ["unsent", fault]

    def wait(seconds):
        waits.append(seconds)
        if seconds:
            monkeypatch.setattr(threads, "sleep", waits.append)
            starter._TURNS.clear()  # those of another process
            begin(forgetful, tmp_path / "j")

    monkeypatch.setattr(threads, "sleep", wait)

    with pytest.raises(errors.TransportError):
        begin(forgetful, tmp_path / "j")

    run = begin(forgetful, tmp_path / "j")
    assert [bought.job_id for bought in forgetful.runs] == [run.id]


def test_start_that_is_given_up_is_sent_by_one_of_two_processes(
    forgetful, tmp_path, monkeypatch
):
    """Both have seen that nobody sends it any more, and one is killed after that."""
    forgetful.faults += ["before 422", "after killed"]
    with pytest.raises(errors.ApiError):
        begin(forgetful, tmp_path / "j")
    write = journals.Ledger.write_intent

    def write_second(ledger, **facts):
        if facts["instead"]:
            monkeypatch.setattr(journals.Ledger, "write_intent", write)
            starter._TURNS.clear()
            with pytest.raises(KeyboardInterrupt):
                begin(forgetful, tmp_path / "j")
        write(ledger, **facts)

    monkeypatch.setattr(journals.Ledger, "write_intent", write_second)

    run = begin(forgetful, tmp_path / "j")

    assert [bought.job_id for bought in forgetful.runs] == [run.id]


@pytest.mark.parametrize("end", ["unsent", "compared"])
def test_start_that_was_taken_over_may_still_have_a_run(
    forgetful, tmp_path, waits, end
):
    """It is listed late, and the call that took the start over could not send it."""
    forgetful.faults += ["after killed", *["unsent"] * 9]
    forgetful.late = 99
    forgetful.runs.append(Bought("r9", CODE.id(), "", MORE))
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")
    options = {"compared": frozenset()} if end == "compared" else {}
    with pytest.raises((errors.TransportError, errors.RunError)):
        begin(forgetful, tmp_path / "j", **options)
    forgetful.faults.clear()
    forgetful.runs[1].hidden = 0

    run = begin(forgetful, tmp_path / "j")

    assert (run.id, len(forgetful.runs)) == (forgetful.runs[1].job_id, 2)


def test_start_waits_no_longer_than_the_deadline(service, waits):
    """However long a 429 asks to wait."""
    service.faults += ["before 429"] * 9
    policy = Policy(deadline=30, first_rest=20)

    with pytest.raises(errors.ApiError, match="429"):
        start(service.session(policy=policy), launch(), ROWS)

    assert sum(waits) < 45
    assert service.runs == []


# -- Mistakes that were made once -----------------------------------------------------


def test_run_that_the_journal_could_not_take_is_remembered(
    forgetful, tmp_path, monkeypatch, caplog
):
    """The disk was full for a moment. The line is written with the next one."""
    append = Journal.append

    def full(journal, entry):
        if entry["event"] == "run":
            raise errors.RunError("there is no room left for it")
        append(journal, entry)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        run = begin(forgetful, tmp_path / "j")
    again = start(forgetful.session(), launch(tmp_path / "j"), ROWS)
    start(forgetful.session(), launch(tmp_path / "j"), MORE)

    assert (again.id, again.is_presumed, len(forgetful.runs)) == (run.id, False, 2)
    assert "only this process remembers" in caplog.text
    assert begin(forgetful, tmp_path / "j").id == run.id  # as another process


def test_full_list_of_runs_leaves_it_unknown(forgetful, tmp_path):
    """The newest 500 do not reach back to the start whose answer was lost."""
    forgetful.faults += ["after killed"]
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")
    ledger = Journal(tmp_path / "j").of("https://api.example.com", CODE.id())
    facts = dict.fromkeys(("digest", "env", "root", "code", "writer"), "x")
    facts |= {"intent": "a", "index": None, "known": [], "proof": {}, "seconds": 0}
    for _ in range(500):  # of other starts, which the journal knows
        key = str(uuid4())
        forgetful.runs.append(Bought(str(uuid4()), CODE.id(), key, MORE))
        ledger.write_intent(key=key, **facts)
        ledger.write_run(key, forgetful.runs[-1].job_id)

    with pytest.raises(errors.OutcomeUnknownError, match="ends at 500"):
        begin(forgetful, tmp_path / "j")
    assert forgetful.bought() == 1


def test_missing_run_on_loopback_is_no_reset(forgetful, tmp_path):
    """A tunnel may lead from there to the service."""
    endpoint = "http://127.0.0.1:9"
    begin(forgetful, tmp_path / "j", endpoint=endpoint)
    lost = forgetful.runs.pop()

    with pytest.raises(errors.OutcomeUnknownError) as unknown:
        begin(forgetful, tmp_path / "j", endpoint=endpoint)
    assert (unknown.value.candidates, forgetful.runs) == ([lost.job_id], [])


@pytest.mark.parametrize("other", ["http://LOCALHOST:80", "http://localhost"])
def test_endpoint_is_one_however_it_is_spelt(forgetful, tmp_path, other):
    """The journal knows the run under each spelling."""
    runs = [
        begin(forgetful, tmp_path / "j", endpoint=endpoint)
        for endpoint in ("http://127.0.0.1", other)
    ]

    assert runs[0].id == runs[1].id


def test_two_starts_in_doubt_buy_nothing_more(tmp_path):
    """Both answers were lost, and one run is there: it may be of either."""
    for honours_key in (True, False):
        path = tmp_path / f"{honours_key}"
        service = FakeService(honours_key).deploy()
        service.faults += ["before killed", "after killed"]
        for intent in ("a", "b"):
            with pytest.raises(KeyboardInterrupt):
                begin(service, path, [{"email": intent}], intent=intent)
        for intent in "abab":
            try:
                begin(service, path, [{"email": intent}], intent=intent)
            except errors.OutcomeUnknownError:
                continue
        assert service.bought([{"email": "b"}]) == 1
        assert service.bought([{"email": "a"}]) <= 1


def test_presumed_run_that_was_listed_before_is_not_in_doubt(forgetful, tmp_path):
    """A 429 to a later start, such as that of a batch, stops nothing."""
    forgetful.faults += ["after lost", "before 429"]
    first = begin(forgetful, tmp_path / "j")

    second = begin(forgetful, tmp_path / "j", MORE)

    assert [bought.job_id for bought in forgetful.runs] == [first.id, second.id]
    assert first.is_presumed


def test_run_that_was_presumed_by_mistake_may_be_of_another_start(forgetful, tmp_path):
    """It was the only new one, and then the start got a run of its own."""
    forgetful.faults += ["before killed", "after killed"]
    for rows in (ROWS, MORE):
        with pytest.raises(KeyboardInterrupt):
            begin(forgetful, tmp_path / "j", rows)
    assert begin(forgetful, tmp_path / "j").is_presumed
    forgetful.runs.append(Bought("r9", CODE.id(), "", ROWS))
    begin(forgetful, tmp_path / "j", attach="r9")

    run = begin(forgetful, tmp_path / "j", MORE)

    assert (run.id, len(forgetful.runs)) == (forgetful.runs[0].job_id, 2)


def test_presumed_run_of_others_gives_no_rows(forgetful, tmp_path):
    """Somebody else has started the only new run."""
    forgetful.faults += ["before killed"]
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")
    forgetful.runs.append(Bought("r9", CODE.id(), "", MORE))

    run = begin(forgetful, tmp_path / "j")

    assert (run.id, run.is_presumed) == ("r9", True)
    with pytest.raises(errors.OutcomeUnknownError, match="do not prove"):
        read_rows(forgetful.session(), run)


def test_answer_that_names_the_run_of_another_start_is_not_believed(service, tmp_path):
    """It would be a wrong attachment."""
    first = begin(service, tmp_path / "j", intent="a")
    service.faults.append(f"before id {first.id}")

    with pytest.raises(errors.OutcomeUnknownError, match=first.id):
        begin(service, tmp_path / "j", MORE, intent="b")


# -- The intent -----------------------------------------------------------------------


def test_keys_are_a_wire_format(service, tmp_path):
    """Of a named intent, of its batches and of retries: for all releases."""
    begin(service, tmp_path / "j", intent="2026-11-24")
    begin(service, intent="2026-11-24", index=3)
    service.runs[0].status = "failed"
    begin(service, tmp_path / "j", intent="2026-11-24", retry=service.runs[0].job_id)

    retried = str(retry_key(UUID(GOLDEN), service.runs[0].job_id))
    batch = "7831219f-0999-5444-a09e-d67b57d90e5e"
    assert [run.key for run in service.runs] == [GOLDEN, batch, retried]
    assert batch == str(uuid5(UUID(GOLDEN), "batch:3"))


def test_same_rows_and_definition_attach(service, tmp_path):
    """The next process buys nothing; `new` buys again."""
    first = begin(service, tmp_path / "j")
    again = begin(service, tmp_path / "j")
    elsewhere = begin(service, tmp_path / "on another machine")

    assert {again.id, elsewhere.id} == {first.id}
    assert (again.is_attached, elsewhere.is_attached) == (True, True)
    assert again.status == "completed"  # without a wait
    assert begin(service, tmp_path / "j", new=True).id != first.id
    assert begin(service, tmp_path / "j", MORE).id != first.id
    assert len(service.runs) == 3


@pytest.mark.parametrize("intent", [None, "2026-W20"])
def test_run_that_would_be_attached_to_is_found_without_a_request(
    service, tmp_path, intent
):
    """So nobody is asked to pay for it."""
    options = launch(tmp_path / "j")
    offline = service.session()
    assert make_starter(offline, options, ROWS, intent=intent).recall() is None
    first = begin(service, tmp_path / "j", intent=intent)
    asked = len(service.requests)

    assert make_starter(offline, options, ROWS, intent=intent).recall() == first.id
    assert make_starter(offline, options, MORE, intent=intent).recall() is None
    assert make_starter(offline, options, ROWS, new=True).recall() is None
    assert len(service.requests) == asked


def test_other_definition_is_another_intent(service, tmp_path):
    """The same rows through another prompt are not bought yet."""
    changed = leads(mode="PERSONAL")
    first = begin(service, tmp_path / "j")
    service.deploy(changed)

    second = begin(service, tmp_path / "j", launch={"code": changed})

    assert first.id != second.id


@pytest.mark.parametrize("first", [None, 0])
@pytest.mark.parametrize("second", [None, 0])
def test_other_rows_under_a_known_intent_are_refused(service, tmp_path, first, second):
    """Whether it was run as a whole or in batches."""
    begin(service, tmp_path / "j", intent="a", index=first)

    with pytest.raises(errors.IntentError):
        begin(service, tmp_path / "j", MORE, intent="a", index=second)
    assert len(service.runs) == 1


@pytest.mark.parametrize("journal", [True, False])
def test_failed_run_is_repeated_once_and_only_if_named(service, tmp_path, journal):
    """It may have charged."""
    path = tmp_path / "j" if journal else None
    service.new_status = "failed"
    first = begin(service, path)
    with pytest.raises(errors.RunFailedError) as failed:
        begin(service, path)
    assert (failed.value.run_id, failed.value.is_earlier) == (first.id, True)

    service.new_status = "completed"
    runs = {begin(service, path, retry=first.id).id for _ in range(2)}

    assert (len(runs), len(service.runs)) == (1, 2)
    with pytest.raises(errors.IntentError, match="completed"):
        begin(service, path, retry=runs.pop())


def test_user_can_name_the_run(forgetful, tmp_path):
    """Two new runs are there, and only the user can know which is theirs."""
    begin(forgetful, tmp_path / "j", MORE, intent="other")
    forgetful.faults += ["after killed"]
    with pytest.raises(KeyboardInterrupt):
        begin(forgetful, tmp_path / "j")
    ours = forgetful.runs[-1].job_id
    forgetful.runs.append(Bought("r9", CODE.id(), "", MORE))
    with pytest.raises(errors.OutcomeUnknownError) as unknown:
        begin(forgetful, tmp_path / "j")
    assert sorted(unknown.value.candidates) == sorted([ours, "r9"])

    with pytest.raises(errors.IntentError, match="other"):
        begin(forgetful, tmp_path / "j", attach=forgetful.runs[0].job_id)
    named = begin(forgetful, tmp_path / "j", attach=ours)

    assert begin(forgetful, tmp_path / "j").id == named.id == ours
    assert len(forgetful.runs) == 3


@pytest.mark.parametrize(
    "options",
    [{"intent": " "}, {"retry": ""}, {"attach": 5}, {"new": True, "intent": "a"}],
)
def test_name_that_says_nothing_is_refused(service, options):
    """An empty intent would make one run of all."""
    with pytest.raises(errors.BuildError):
        begin(service, **options)
    assert service.requests == []


# -- What is checked before -----------------------------------------------------------


def test_deployed_workflow_that_is_other_code_is_not_run(service):
    """It would buy something else."""
    changed = {"code": leads(mode="PERSONAL")}

    with pytest.raises(errors.RunError):
        begin(service, launch=changed)
    assert not service.runs


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Budget(max_rows=0), "max_rows=0"),
        (Budget(max_cost=0.01), "max_cost=0.01"),
    ],
)
def test_run_beyond_a_limit_is_refused(service, limit, words):
    """Before anything is sent."""
    with pytest.raises(errors.BudgetError, match=words):
        begin(service, launch={"budget": limit})
    assert service.requests == []


def test_what_is_deployed_during_a_wait_is_not_run(service, waits, monkeypatch):
    """As a 429 asks to wait, and a colleague deploys other code."""
    service.faults.append("before 429")

    def wait(seconds):
        waits.append(seconds)
        if seconds:
            specs_of(service.live[CODE.id()], "find_email")["mode"] = "PERSONAL"

    monkeypatch.setattr(threads, "sleep", wait)

    with pytest.raises(errors.OutcomeUnknownError, match="edited on the service"):
        begin(service)
    assert service.runs == []


@pytest.mark.parametrize("fault", ["before lost", "before killed"])
def test_start_without_its_line_in_the_journal_is_not_sent_again(
    forgetful, tmp_path, waits, monkeypatch, fault
):
    """Somebody deletes the file while an answer is lost, or another process waits."""
    forgetful.faults.append(fault)
    if "killed" in fault:
        with pytest.raises(KeyboardInterrupt):
            begin(forgetful, tmp_path / "j")

    def wait(seconds):
        waits.append(seconds)
        if seconds == starter.LOOKS[0]:
            (tmp_path / "j").unlink(missing_ok=True)

    monkeypatch.setattr(threads, "sleep", wait)

    with pytest.raises(errors.OutcomeUnknownError, match="does not have it"):
        begin(forgetful, tmp_path / "j")
    assert forgetful.runs == []


def test_limit_counts_what_the_service_has(service):
    """A field that code does not set costs more there."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
    code = Workflow("Leads", flow, key="unmanaged", project=GROWTH)
    service.deploy(code)
    options = {"code": code, "budget": Budget(max_cost=0.1)}
    assert begin(service, launch=options).id

    specs_of(service.live[code.id()], "find_email")["mode"] = "PERSONAL"

    with pytest.raises(errors.BudgetError, match="max_cost"):
        begin(service, launch=options, new=True)


def test_damaged_journal_makes_it_unknown(service, tmp_path):
    """A line of zeros may have been that of a start."""
    path = tmp_path / "j"
    begin(service, path, intent="a")
    meant, run = path.read_bytes().splitlines(keepends=True)
    for lines in ([meant, bytes(80) + b"\n"], [run, meant], [meant[:30], run]):
        path.write_bytes(b"".join(lines))
        with pytest.raises(errors.RunError):
            begin(service, path, MORE, intent="b")
    assert len(service.runs) == 1
    assert begin(service, path, MORE, new=True).id
