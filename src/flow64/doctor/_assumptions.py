"""Assumptions of flow64 about the service, compared with its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import cleandoc
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ..blocks import Confidence
from ._requests import RequestRecords

Mark: TypeAlias = Confidence | Literal["C"]
"""How well a fact is known, as in the catalogue. C: sources contradict each other."""

AssumptionVerdict: TypeAlias = Literal["confirmed", "contradicted", "not seen"]

Evidence: TypeAlias = tuple[AssumptionVerdict, str]
"""A verdict, and the reason for it: without a title, a text, a row or an id."""

Judge: TypeAlias = Callable[[RequestRecords], Evidence]
"""Compares an assumption with the answers."""


@frozen
class Assumption:
    """A fact about the service that flow64 relies on.

    Attributes:
        mark: How well it is known.
        says: The assumption, in words.
        looked: What is requested to see it.
    """

    name: str
    mark: Mark
    says: str
    looked: str


@frozen
class AssumptionResult(Assumption):
    """An assumption, and a verdict on it.

    Attributes:
        because: The reason for the verdict.
    """

    verdict: AssumptionVerdict
    because: str


ASSUMPTIONS: Final[list[tuple[Assumption, Judge]]] = []
"""Every assumption that reads can show, with its judge, in reading order."""


def assume(name: str, mark: Mark, looked: str) -> Callable[[Judge], Judge]:
    """Add the assumption that the docstring of a function states.

    Args:
        name: Its name in the report.
        mark: How well it is known.
        looked: What is requested to see it.
    """

    def add(judge: Judge) -> Judge:
        says = " ".join(cleandoc(judge.__doc__ or "").split())
        ASSUMPTIONS.append((Assumption(name, mark, says, looked), judge))
        return judge

    return add


def judge_assumptions(replies: RequestRecords) -> Sequence[AssumptionResult]:
    """Compare every assumption with the answers."""
    return [
        AssumptionResult(one.name, one.mark, one.says, one.looked, *judge(replies))
        for one, judge in ASSUMPTIONS
    ]
