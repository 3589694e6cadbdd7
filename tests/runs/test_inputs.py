"""Rows that an earlier run had are left out: `new_since` and `by`."""

from __future__ import annotations

from contextlib import suppress

import pytest

from flow64 import Client, errors
from flow64.client import Run
from flow64.runs.inputs import select_rows
from flow64.runs.journal import Journal
from flow64.runs.state import RunState
from tests.runs.fake_service import CODE, Bought, FakeService, launch, start

ADA, BEN, CY, DEE = (
    {"email": f"{name}@x.example"} for name in ("ada", "ben", "cy", "dee")
)
BLOCKS = [
    {"block_name": "webhook", "sequence_number": 1, "metrics": None},
    {"block_name": "find_email", "sequence_number": 2},
]


@pytest.fixture
def service():
    return FakeService(blocks=BLOCKS).deploy()


def had(service, *inputs, status="completed"):
    """Runs with some input rows, oldest first."""
    for rows in inputs:
        name = f"run{len(service.runs) + 1}"
        service.runs.append(Bought(name, CODE.id(), name, list(rows), status))


def new(service, rows, since="latest", by=("email",), journal=None, **options):
    """The rows that are left."""
    session = service.session()
    return select_rows(session, launch(journal), rows, since, by, **options)[0]


def starts(service):
    return sum(request == "POST /workflows/run" for request in service.requests)


def test_a_file_that_grows_is_bought_once(service, tmp_path):
    """Each day the same call: also the rows of the runs before the latest count."""
    session, options = service.session(), launch(tmp_path / "j")

    def day(*rows):
        chosen, known = select_rows(session, options, rows, "latest", "email")
        return start(session, options, chosen, compared=known)

    day(ADA)
    day(ADA, BEN)
    day(BEN, ADA, CY)

    assert [run.rows for run in service.runs] == [[ADA], [BEN], [CY]]
    with pytest.raises(errors.NoNewRowsError, match="no row of 3 is new") as caught:
        day(CY, ADA, BEN)
    assert (caught.value.count, starts(service)) == (3, 3)


@pytest.mark.parametrize("since", ["run2", "RUN2", Run])
def test_a_run_and_those_after_it_count(service, since):
    """Not those before: their rows are new again, for whoever names a run."""
    had(service, [ADA], [BEN], [CY])
    if since is Run:
        session = service.session()
        ledger = Journal(None).of(session.place, CODE.id())
        since = Run(RunState("run2", ledger), session)

    assert new(service, [ADA, BEN, CY, DEE], since) == [ADA, DEE]


def test_without_a_run_all_rows_are_new(service):
    """On the first day."""
    assert new(service, [ADA]) == [ADA]


@pytest.mark.parametrize("since", ["run", "run9", "", "of another workflow"])
def test_a_run_that_is_not_listed_is_refused(service, since):
    had(service, [ADA], [BEN])

    with pytest.raises(errors.RunError, match="begin so"):
        new(service, [ADA], since)


def test_a_list_that_is_full_is_refused(service):
    """There may be older runs, so only a named one will do."""
    had(service, *[[ADA]] * 500)

    with pytest.raises(errors.RunError, match="may be older ones"):
        new(service, [BEN])
    assert new(service, [BEN], "run499") == [BEN]


def test_runs_that_are_not_found_are_no_list_without_runs(service):
    """A workflow that is deployed has one, so its rows may have been bought."""
    had(service, [ADA])
    service.get_faults = ["before 404"]

    with pytest.raises(errors.NotFoundError):
        new(service, [ADA])
    service.live.clear()
    service.get_faults = ["before 404"]
    with pytest.raises(errors.RunError, match="not deployed"):
        new(service, [ADA])


# -- Which rows agree -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "row", "is_new"),
    [
        ({"email": "a", "n": 1}, {"email": "a", "n": 2}, False),
        ({"email": "A"}, {"email": "a"}, True),
        ({"email": "a "}, {"email": "a"}, True),
        ({"email": "5"}, {"email": 5}, False),
        ({"email": "5.0"}, {"email": 5}, False),
        ({"email": "True"}, {"email": True}, False),
        ({"email": '["a"]'}, {"email": ["a"]}, False),
        ({"email": ""}, {"email": "a"}, True),
        ({"email": "1.1"}, {"email": "1.10"}, True),
        ({"email": "100000"}, {"email": "1e5"}, True),
        ({"email": "5"}, {"email": " 5"}, True),
        ({"email": "a"}, {"email": '"a"'}, True),
    ],
)
def test_values_agree_exactly_however_a_file_writes_them(service, earlier, row, is_new):
    """In case and spaces too; CSV has text for each value."""
    had(service, [earlier, {"email": "else"}])

    assert new(service, [row, DEE]) == [row, DEE] if is_new else [DEE]


def test_all_columns_have_to_agree(service):
    had(service, [{"email": "a", "company": "x"}])
    rows = [{"email": "a", "company": "y"}, {"email": "a", "company": "x"}]

    assert new(service, rows, by=["email", "company"]) == rows[:1]


def test_equal_rows_of_the_input_stay(service):
    """They were not bought before; the estimate counts them."""
    assert new(service, [ADA, ADA]) == [ADA, ADA]


@pytest.mark.parametrize(
    ("rows", "by", "words"),
    [
        ([ADA, {"email": None}], ["email"], "row 2 has no email"),
        ([ADA, {"email": ""}], ["email"], "row 2 has no email"),
        ([ADA, {**BEN, "n": 1}], ["n"], "row 1 has no n"),
        ([ADA], ["emial"], "no row has the column 'emial'.*email"),
        ([{"email": float("nan")}], ["email"], "row 1 /email"),
    ],
)
def test_a_row_that_cannot_be_compared_is_refused(service, rows, by, words):
    """It could be one that was bought. Nothing is read for it."""
    with pytest.raises(errors.RowsError, match=words):
        new(service, rows, by=by)
    assert service.requests == []


@pytest.mark.parametrize("options", [{"by": ()}, {"since": None}])
def test_one_option_without_the_other_is_refused(service, options):
    with pytest.raises(errors.BuildError, match="give both"):
        new(service, [ADA], **options)


@pytest.mark.parametrize("by", [5, [5], [None], [["email"]]])
def test_what_names_no_columns_is_refused(service, by):
    with pytest.raises(errors.BuildError, match="by is"):
        new(service, [ADA], by=by)


# -- What is not known ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "not listed"),
        ([{"filename": "b", "block_number": 2, "results": [ADA]}], "not listed"),
        ([{"filename": "b", "block_number": 1, "results": [{"mail": 1}]}], "no email"),
        ([{"filename": "b", "block_number": 1, "row_count": 3}], "it has no link"),
    ],
)
def test_input_rows_that_cannot_be_read_are_refused(service, items, words):
    had(service, [ADA])
    service.items = items

    with pytest.raises((errors.RunError, errors.TransportError), match=words):
        new(service, [BEN])
    assert starts(service) == 0


def test_a_file_with_too_few_rows_is_refused(service):
    """The service says how many rows the webhook returned."""
    had(service, [ADA])
    service.blocks = [{**BLOCKS[0], "metrics": {"row_count": 2}}]

    with pytest.raises(errors.RunError, match="its file has 1 of 2"):
        new(service, [BEN])


def test_rows_of_a_run_that_failed_may_be_paid_for(service):
    """They are refused; the others run. `retry` or `new` is the consent."""
    had(service, [ADA])
    had(service, [BEN], status="failed")

    with pytest.raises(errors.RunFailedError, match="charged for 1 row") as caught:
        new(service, [ADA, BEN, CY])
    assert (caught.value.run_id, caught.value.is_earlier) == ("run2", True)
    assert new(service, [ADA, CY]) == [CY]
    assert new(service, [ADA, BEN], retry="run2") == [BEN]
    assert new(service, [ADA, BEN, CY], new=True) == [BEN, CY]
    had(service, [BEN])  # it was repeated
    assert new(service, [ADA, BEN, CY]) == [CY]


def test_a_run_that_goes_on_is_waited_for(service, tmp_path):
    """Unless the same call has started it: then it attaches."""
    had(service, [ADA])
    options, session = launch(tmp_path / "j"), service.session()
    service.new_status = "running"
    run = start(session, options, new(service, [ADA, BEN], journal=tmp_path / "j"))

    again = new(service, [ADA, BEN], journal=tmp_path / "j")

    assert again == [BEN]
    assert start(session, options, again).id == run.id
    for rows, journal in (([ADA, BEN, CY], tmp_path / "j"), ([ADA, BEN], None)):
        with pytest.raises(errors.RunError, match="goes on"):
            new(service, rows, journal=journal)
    assert starts(service) == 1
    had(service, [CY])
    assert new(service, [ADA, BEN], journal=tmp_path / "j") == [BEN]


@pytest.mark.parametrize("status", ["completed", "running", "not shown"])
def test_a_run_that_is_not_listed_yet_counts(service, tmp_path, status):
    """The journal knows it. It is asked for by its id."""
    had(service, [CY])
    service.late, service.new_status = 9, status
    options, session = launch(tmp_path / "j"), service.session()
    run = start(session, options, new(service, [ADA], journal=tmp_path / "j"))

    if status == "completed":
        assert new(service, [ADA, BEN, CY], journal=tmp_path / "j") == [BEN]
        assert new(service, [ADA, BEN], run.id, journal=tmp_path / "j") == [BEN]
    else:
        if status == "not shown":
            service.get_faults = ["", "before 404"]
        with pytest.raises(errors.RunError, match="goes on"):
            new(service, [ADA, BEN, CY], journal=tmp_path / "j")
    assert starts(service) == 1


def test_a_run_that_is_listed_after_a_later_one_counts(service, tmp_path):
    """The journal knows both, and the list shows the later one alone."""
    for service.late, rows in ((9, [ADA]), (0, [BEN])):
        start(service.session(), launch(tmp_path / "j"), rows)

    assert new(service, [ADA, BEN, CY], journal=tmp_path / "j") == [CY]


def test_rows_of_a_start_that_is_sent_again_are_compared(service, tmp_path):
    """It was refused before. Meanwhile, another run has bought them."""
    session, options = service.session(), launch(tmp_path / "j")
    service.faults.append("before 422")
    with pytest.raises(errors.ApiError):
        start(session, options, [ADA])
    chosen, known = select_rows(session, options, [ADA], "latest", "email")
    start(session, options, [ADA, BEN])

    with pytest.raises(errors.RunError, match="meanwhile"):
        start(session, options, chosen, compared=known)


@pytest.mark.parametrize("how", ["presumed", "stopped"])
def test_a_start_whose_run_is_not_sure_may_be_buying(service, tmp_path, how):
    """The only new run was that of another, or a Ctrl-C came before the answer."""
    session, options = service.session(), launch(tmp_path / "j")
    service.faults.append("before killed" if how == "presumed" else "after stopped")
    service.late = 9
    with suppress(KeyboardInterrupt):
        start(session, options, [ADA])
    if how == "presumed":
        had(service, [CY])
        assert start(session, options, [ADA]).is_presumed
    chosen, known = select_rows(session, options, [ADA, BEN], "latest", "email")

    with pytest.raises(errors.RunError, match="meanwhile"):
        start(session, options, chosen, compared=known)


@pytest.mark.parametrize("status", ["completed", "running"])
@pytest.mark.parametrize("how", ["listed", "not listed yet", "killed"])
def test_a_run_that_begins_after_the_comparison_counts(service, tmp_path, how, status):
    """Such as by a colleague, while a question waits for its answer."""
    had(service, [CY])
    session, options = service.session(), launch(tmp_path / "j")
    chosen, known = select_rows(session, options, [ADA, BEN], "latest", "email")
    service.new_status, service.late = status, 9 if how == "not listed yet" else 0
    if how == "killed":
        service.faults = ["before killed"]
    with suppress(KeyboardInterrupt):
        start(session, options, [ADA, DEE])
    begun = starts(service)

    with pytest.raises(errors.RunError, match="meanwhile"):
        start(session, options, chosen, compared=known)
    assert starts(service) == begun


def test_says_what_is_left_out_and_what_that_saves(service, caplog):
    had(service, [ADA, BEN])

    new(service, [ADA, BEN, CY])

    assert "2 of 3 rows left out: run run1 had them (by email)" in caplog.text
    assert "Saves at most $0.10" in caplog.text


@pytest.mark.parametrize("form", ["json", "csv"])
def test_any_machine_can_compare(emulator, form, tmp_path):
    """Without a journal, by what the service has, also if that is CSV alone."""
    rows = [{**ADA, "n": 1, "x": None}, {**BEN, "n": 2, "x": "é"}]
    with Client("k", base_url=emulator.url, journal=None) as client:
        client.deploy(CODE)
        is_json = form == "json"
        client.runs.start(CODE.id(), rows, save_json=is_json).wait(every=0.01)
    with Client("k", base_url=emulator.url, journal=None) as client:
        facts = {"new_since": "latest", "by": ["email", "n"]}
        run = client.run(CODE, [*rows, {**CY, "n": 3}], **facts).wait(every=0.01)
        assert [row["email"] for row in run.rows()] == [CY["email"]]
        with pytest.raises(errors.NoNewRowsError):
            client.run(CODE, rows, **facts)
    sent = [r for r in emulator.requests if r.path.endswith("/workflows/run")]
    assert len(sent) == 2
