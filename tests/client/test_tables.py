"""How many rows there are, how far saving them is, and several runs in one table."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest

from flow64 import LEAD, AsyncClient, Client, Project, Workflow, errors
from flow64.blocks import FindEmail, Webhook
from flow64.emulator import Emulator
from flow64.runs import _row_writer

people = Workflow(
    "People",
    Webhook(LEAD, input_schema={"full_name": "string"}) >> FindEmail(),
    key="people",
    project=Project("growth", namespace="acme.example"),
)


def named(*names):
    return [{"full_name": name} for name in names]


@pytest.fixture
def client():
    with (
        Emulator() as emulator,
        Client("k", base_url=emulator.url, journal=None) as made,
    ):
        people.deploy(made)
        yield made


@pytest.fixture
def done(client):
    """Two completed runs, of two rows and of one."""
    return [people.run(named(*names), client).wait(every=0.01) for names in ("ab", "c")]


# -- How many -------------------------------------------------------------------------


def test_number_of_rows(done):
    """It stays the same while they are read; a list of them has as many."""
    rows = done[0].rows()

    assert (len(rows), rows.total) == (2, 2)
    next(rows)
    assert (len(rows), len([*rows]), bool(rows)) == (2, 1, True)


# -- How far --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["to_csv", "to_ndjson"])
@pytest.mark.parametrize(
    ("step", "expected"),
    [(1000, [(0, 2), (2, 2)]), (1, [(0, 2), (1, 2), (2, 2)])],
)
def test_progress(monkeypatch, done, method, step, expected):
    monkeypatch.setattr(_row_writer, "STEP", step)
    seen = []

    count = getattr(done[0], method)(
        io.StringIO(), progress=lambda *given: seen.append(given)
    )

    assert (count, seen) == (2, expected)


# -- One table ------------------------------------------------------------------------


def table_of(out):
    return [*csv.DictReader(io.StringIO(out.getvalue()))]


def test_runs_in_one_table(client, done):
    """Handles, ids and batches; each row names its run."""
    first, second = done
    batches = people.run_batches(
        named("d", "e"), client, size=1, intent="all", every=0.01
    )
    out, seen = io.StringIO(), []

    count = client.runs.to_csv(
        [first, second.id, *batches], out, progress=lambda *given: seen.append(given)
    )

    found = table_of(out)
    assert (count, seen) == (5, [(0, 5), (5, 5)])
    assert [row["full_name"] for row in found] == ["a", "b", "c", "d", "e"]
    assert [row["run_id"] for row in found[:3]] == [first.id, first.id, second.id]
    assert next(iter(found[0])) == "run_id"
    assert len({row["run_id"] for row in found}) == 4


def test_no_runs_are_an_empty_table(client):
    out = io.StringIO()

    assert client.runs.to_csv([], out) == 0


def test_column_that_rows_have_is_refused(client, done, tmp_path):
    """Nothing is written; another name is accepted."""
    path = tmp_path / "all.csv"

    with pytest.raises(errors.ArgumentError, match=r"run_column=\.\.\."):
        client.runs.to_csv(done, path, run_column="full_name")
    assert not path.exists()
    assert client.runs.to_csv(done, path, run_column="run") == 3
    assert path.read_text("utf-8").startswith("run,full_name")


def test_name_of_another_format_is_refused(client, done, tmp_path):
    with pytest.raises(errors.SaveError, match="xlsx"):
        client.runs.to_csv(done, tmp_path / "all.xlsx")

    assert list(tmp_path.iterdir()) == []


def test_run_without_rows_stops_it(client, done, tmp_path):
    """One of them has no result, so nothing is written."""
    path = tmp_path / "all.csv"

    with pytest.raises(errors.NotFoundError):
        client.runs.to_csv([done[0], "00000000-0000-4000-8000-000000000000"], path)
    with pytest.raises(errors.ArgumentError):
        client.runs.to_csv(done, path, block="no such block")

    assert list(tmp_path.iterdir()) == []


def test_table_of_an_async_client(client, done):
    async def play():
        facts = {"base_url": client.endpoint, "journal": None}
        async with AsyncClient("k", **facts) as other:
            out = io.StringIO()
            return await other.runs.to_csv([run.id for run in done], out), out

    count, out = asyncio.run(play())

    assert (count, len(table_of(out))) == (3, 3)
