"""Rows of a run: the class that is asked for is the type of each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, assert_type

from flow64 import Client, Workflow, returns
from flow64.client import ResultRows, Run, Step


@returns
class Person:
    """A class that is also a field map."""

    title: Annotated[str, "Current job title"]
    skills: Annotated[list[str] | None, "Key skills"]


@dataclass
class Plain:
    """A class of the standard library."""

    score: float


class Loose(TypedDict):
    """A dict with known keys."""

    score: float


def use(workflow: Workflow, client: Client) -> None:
    """Deploy, run, wait, read."""
    assert_type(workflow.deploy(client, env="staging"), Step)
    run = workflow.run([{"email": "ada@example.com"}], client, intent="2026-11-24")
    assert_type(run, Run)
    assert_type(run.wait(), Run)
    assert_type(run.rows(), ResultRows[Mapping[str, Any]])
    assert_type(run.rows(Person), ResultRows[Person])
    assert_type(run.rows(Plain), ResultRows[Plain])
    assert_type(run.rows(Loose), ResultRows[Loose])
    for row in run.wait().rows(Person):
        assert_type(row.value, Person)
        assert_type(row.raw, Mapping[str, Any])
        assert_type(row.value.title, str)
        assert_type(row.value.skills, list[str] | None)
    run.rows("Person")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
