"""A fleet deploys and runs many workflows through a bad network, and all is counted.

    python tests/survival/black_box.py [--workflows 200] [--seed 0]

An emulator is served on loopback, and a good part of all requests to it goes wrong:
connections that end before or after a request was carried out, 429 and 5xx, answers
that break off or come too late. Half of the workflows are deployed and run by tasks of
one `AsyncClient`, half by threads of one `Client`. Whoever is told of a failure does
the same again, as a user would, and at the end all of it is done once more by clients
that are made anew.

Twice: with a service that honours the Idempotency-Key, where nobody remembers anything,
and with one that ignores it, where a journal does. Each workflow has to be there once,
with one run, which is the one that was handed out. Exits 1 otherwise.
"""

# ruff: noqa: T201 - a program that prints

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from attrs import define, field, frozen

from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.client import AsyncClient, Client, Policy
from flow64.emulator import Emulator, Switches
from flow64.errors import FlowError
from flow64.runs import _start
from tests.service.mishaps import Fault

POLICY = Policy(
    first_wait=0.01, first_rest=0.01, timeout=1, requests_per_minute=None, deadline=60
)
LOOKS = (0.02, 0.04)
ROWS = [{"email": "ada@acme.example"}, {"email": "grace@acme.example"}]
TRIES = 12
AT_ONCE = 6
"""So few of each kind that no answer is a second late only because all come at once."""

START = {"method": "POST", "path": "/workflows/run"}
SAVE = {"method": "POST", "path": "/workflows/*_workflow"}


def faults(*, is_honoured: bool) -> Sequence[Fault]:
    """What goes wrong: with about a third of all requests, and two thirds of starts."""

    def often(kind, probability, **more):
        return Fault(kind, times=None, probability=probability, **more)

    lost = [
        often(kind, 0.12, **at)
        for at in (START, SAVE)
        for kind in ("reset_after", "close_after", "status_after", "truncate")
    ]
    late = [often("hang_after", 0.02, seconds=1.5, **at) for at in (START, SAVE)]
    return [
        *lost,
        *late,
        often("reset_before", 0.04),
        often("close_before", 0.03),
        often("reset_after", 0.03),
        often("close_after", 0.02),
        often("status_before", 0.04, status=429),
        often("status_before", 0.04, status=503, retry_after="0"),
        often("status_after", 0.02, status=502),
        often("truncate", 0.03, size=20),
        often("truncate_chunked", 0.02),
        often("cut_json", 0.02),
        often("empty", 0.02),
        often("hang_before", 0.02, seconds=0.05),
        often("hang_after", 0.002, seconds=1.5),
    ]


@define
class Told:
    """What a fleet was told of its workflows.

    Attributes:
        ids: The workflows' ids, by name.
        runs: The runs that were handed out, by name; the same one each time, or more.
        states: What the last deploy of each found.
        failures: The errors on the way, by name of their class.
        given_up: What was not done after all those tries.
    """

    ids: dict[str, str] = field(factory=dict)
    runs: dict[str, set[str]] = field(factory=dict)
    states: dict[str, str] = field(factory=dict)
    failures: Counter[str] = field(factory=Counter)
    given_up: list[str] = field(factory=list)

    def note(self, made: Workflow, state: str, run_id: str) -> None:
        """Take note of what became of one."""
        self.ids[made.name] = made.id()
        self.states[made.name] = state
        self.runs.setdefault(made.name, set()).add(run_id)


@frozen
class Outcome:
    """What is there in the end.

    Attributes:
        workflows: How many were meant.
        stored: How many workflows the service has.
        runs: How many runs it has.
        faults: How many requests went wrong.
        failures: The errors that were shown.
        problems: What must not be, one line each.
    """

    workflows: int
    stored: int
    runs: int
    faults: int
    failures: Counter[str]
    problems: Sequence[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it for both kinds of service, print a table, and give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workflows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    print(f"{asked.workflows} workflows, seed {asked.seed}")
    print(f"{'Idempotency-Key':<16}{'workflows':>10}{'runs':>6}{'faults':>8}  seconds")
    problems: list[str] = []
    failures: Counter[str] = Counter()
    for word in ("honoured", "ignored"):
        began = time.monotonic()
        found = carried_out(asked.workflows, asked.seed, is_honoured=word == "honoured")
        seconds = time.monotonic() - began
        counts = f"{found.stored:>10}{found.runs:>6}{found.faults:>8}{seconds:>9.1f}"
        print(f"{word:<16}{counts}")
        problems += [f"{word}: {problem}" for problem in found.problems]
        failures += found.failures
    if failures:
        shown = ", ".join(f"{name} {n}" for name, n in sorted(failures.items()))
        print(f"errors that were shown, after which it was done again: {shown}")
    for problem in problems:
        print(f"  {problem}")
    print("not once each" if problems else "each workflow once, each with one run")
    return 1 if problems else 0


def carried_out(count: int, seed: int, *, is_honoured: bool) -> Outcome:
    """Deploy and run so many workflows through faults, twice, and count."""
    made = [workflow(number) for number in range(count)]
    switches = Switches(honour_idempotency=is_honoured)
    with (
        TemporaryDirectory() as folder,
        patch.object(_start, "LOOKS", LOOKS),
        told_nothing(),
        Emulator(seed=seed, switches=switches) as emulator,
    ):
        emulator.faults.add(*faults(is_honoured=is_honoured))
        journal = None if is_honoured else Path(folder) / "runs.jsonl"
        told = Told()
        for _ in range(2):
            fleet(emulator.url, made, told, journal)
        return Outcome(
            workflows=count,
            stored=len(emulator.store.workflows.all()),
            runs=len(emulator.store.runs.all()),
            faults=sum(fired["fired"] for fired in emulator.faults.data()),
            failures=told.failures,
            problems=list(problems_of(emulator, made, told)),
        )


def workflow(number: int) -> Workflow:
    """One of many, with an id of its own."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
    project = Project("black-box", namespace="acme.example")
    return Workflow(f"Leads {number}", flow, key=f"leads-{number}", project=project)


def problems_of(
    emulator: Emulator, made: Sequence[Workflow], told: Told
) -> Iterator[str]:
    """What is not as it was promised."""
    yield from told.given_up
    names = Counter(stored.name for stored in emulator.store.workflows.all())
    runs: dict[str, set[str]] = {}
    for run in emulator.store.runs.all():
        runs.setdefault(run.workflow_id, set()).add(run.id)
    for each in made:
        if names[each.name] != 1:
            yield f"{each.name} is there {names[each.name]} times"
        started = runs.pop(each.id(), set())
        if len(started) != 1:
            yield f"{each.name} has {len(started)} runs"
        if told.runs.get(each.name) != started:
            yield f"{each.name} was told of other runs than it has"
        if told.states.get(each.name) not in {"unchanged", None}:
            yield f"{each.name} was {told.states[each.name]} when deployed again"
    if runs:
        yield f"there are runs of {len(runs)} workflows that nobody made"


# -- The fleet ------------------------------------------------------------------------


def fleet(url: str, made: Sequence[Workflow], told: Told, journal: Path | None) -> None:
    """Deploy and run all: one half by tasks, the other by threads, at the same time."""
    with ThreadPoolExecutor(1) as pool:
        tasks = pool.submit(
            lambda: asyncio.run(of_tasks(url, made[::2], told, journal))
        )
        of_threads(url, made[1::2], told, journal)
        tasks.result()


def of_threads(
    url: str, made: Sequence[Workflow], told: Told, journal: Path | None
) -> None:
    """By threads that share a client."""

    def carried(each: Workflow) -> None:
        for _ in range(TRIES):
            try:
                state = client.deploy(each).state
                run = client.run(each, ROWS, intent="once")
                told.note(each, state, run.wait(every=0.01).id)
            except FlowError as error:
                told.failures[type(error).__name__] += 1
            else:
                return
        told.given_up.append(f"{each.name} was not done in {TRIES} tries")

    with (
        Client("any", base_url=url, policy=POLICY, journal=journal) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        list(pool.map(carried, made))


async def of_tasks(
    url: str, made: Sequence[Workflow], told: Told, journal: Path | None
) -> None:
    """By tasks that share a client."""
    places = asyncio.Semaphore(AT_ONCE)

    async def carried(each: Workflow) -> None:
        for _ in range(TRIES):
            try:
                state = (await client.deploy(each)).state
                run = await client.run(each, ROWS, intent="once")
                told.note(each, state, (await run.wait(every=0.01)).id)
            except FlowError as error:
                told.failures[type(error).__name__] += 1
            else:
                return
        told.given_up.append(f"{each.name} was not done in {TRIES} tries")

    async def in_its_place(each: Workflow) -> None:
        async with places:
            await carried(each)

    facts = {"base_url": url, "policy": POLICY, "journal": journal}
    async with AsyncClient("any", **facts) as client:
        await asyncio.gather(*map(in_its_place, made))


@contextlib.contextmanager
def told_nothing() -> Iterator[None]:
    """Warnings of all those faults would hide the table."""
    log = logging.getLogger("flow64")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


if __name__ == "__main__":
    sys.exit(main())
