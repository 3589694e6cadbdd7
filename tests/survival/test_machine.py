"""A machine that starts runs while anything goes wrong, and counts what was bought."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from unittest.mock import patch
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from flow64 import errors
from flow64.api import threads
from flow64.runs import journal as journals
from flow64.runs.results import read_rows
from tests.runs.fake_service import CODE, Bought, FakeService, launch, start
from tests.runs.test_start import FAULTS

pytestmark = pytest.mark.slow

INTENTS = [(None, "x"), (None, "y"), ("a", "x"), ("a", "y"), ("b", "x")]
"""Names, and rows: the same name with other rows is refused."""

GET_FAULTS = ["", "", "before lost", "after lost", "before 500", "before 429"]


def rows_of(word):
    return [{"email": f"{word}{number}@example.com"} for number in range(2)]


class Runs(RuleBasedStateMachine):
    """What a user does, and what the world does to it.

    What is promised is compared with what the service has sold, which no fault reaches.
    """

    def __init__(self):
        super().__init__()
        self.folder = Path(mkdtemp())
        self.service = FakeService().deploy()
        self.handed_out = []
        self.clock = patch.object(threads, "sleep", lambda _: None)
        self.clock.start()

    def teardown(self):
        try:
            self.everything_is_reached()
        finally:
            self.clock.stop()
            rmtree(self.folder)

    @initialize(honours_key=st.booleans(), late=st.integers(0, 1))
    def begins(self, honours_key, late):
        self.service.honours_key, self.service.late = honours_key, late

    def start(self, intent, word, **options):
        session = self.service.session()
        given = launch(self.folder / "j")
        rows = rows_of(word)
        try:
            run = start(session, given, rows, intent=intent, **options)
        except errors.FlowError as error:
            return error
        finally:
            self.service.faults.clear()
            self.service.get_faults.clear()
        self.handed_out.append((run, word))
        return run

    @rule(
        intent=st.sampled_from(INTENTS),
        faults=st.lists(st.sampled_from(FAULTS), max_size=3),
        get_faults=st.lists(st.sampled_from(GET_FAULTS), max_size=6),
        is_killed=st.booleans(),
    )
    def starts(self, intent, faults, get_faults, is_killed):
        """Start a run; the process may die before it knows the answer."""
        self.service.faults = [*faults, *["after killed"] * is_killed]
        self.service.get_faults = [*get_faults]
        try:
            outcome = self.start(*intent)
        except KeyboardInterrupt:
            journals._UNWRITTEN.clear()
            return
        if isinstance(outcome, errors.RunFailedError) and outcome.is_earlier:
            self.start(*intent, retry=outcome.run_id)

    @rule()
    def another_process(self):
        """What only this one knows is gone."""
        journals._UNWRITTEN.clear()

    @rule(status=st.sampled_from(["completed", "failed", "running"]))
    def ends(self, status):
        """From now on, runs end so."""
        self.service.new_status = status

    @rule()
    def others_start_a_run(self):
        """With the same workflow, in the web editor."""
        job_id = str(uuid4())
        self.service.runs.append(Bought(job_id, CODE.id(), "", rows_of("others")))

    @invariant()
    def nothing_is_bought_twice(self):
        for word in ("x", "y"):
            keys = [run.key for run in self.service.runs if run.rows == rows_of(word)]
            assert len(keys) == len({*keys}), keys

    @invariant()
    def rows_are_those_of_the_run_that_was_wanted(self):
        """A presumed run of others gives none."""
        sold = {run.job_id: run for run in self.service.runs}
        for run, word in self.handed_out:
            assert run.is_presumed or sold[run.id].rows == rows_of(word)

    def everything_is_reached(self):
        """When all is well again, each intent leads to its run and its rows."""
        self.service.new_status = "completed"
        for intent, word in INTENTS:
            run = self.start(intent, word)
            if isinstance(run, errors.FlowError):
                continue
            session = self.service.session()
            self.service.runs = [
                Bought(r.job_id, r.workflow_id, r.key, r.rows, "completed")
                for r in self.service.runs
            ]
            try:
                found = [row.raw["email"] for row in read_rows(session, run)]
            except (errors.OutcomeUnknownError, errors.RunFailedError):
                continue
            assert found == [row["email"] for row in rows_of(word)]
        self.nothing_is_bought_twice()
        self.rows_are_those_of_the_run_that_was_wanted()


def test_nothing_is_paid_twice_lost_or_mixed():
    run_state_machine_as_test(
        Runs, settings=settings(stateful_step_count=20, max_examples=40)
    )
