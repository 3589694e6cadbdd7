"""A plan as text: each workflow by itself, or those that are alike as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import evolve

from ..definition import EMPTY
from ..deploy import Agreement, as_data, as_text, review_of_plan
from ..plan import Plan
from ..render import Review, factored
from ..render import as_text as review_text
from ._options import SAID
from ._terminal import give, give_data

WRITES: Final = ("create", "update", "stamp")
"""What is done to a workflow that is written."""

NOTHING: Final = Agreement()
"""Where nothing was agreed to by name."""


def plan_text(
    plan: Plan,
    agreement: Agreement = NOTHING,
    prices: Mapping[str, float] = EMPTY,
    *,
    in_full: bool = False,
) -> str:
    """A plan for people: what is the same for several workflows is said once.

    Where something was agreed to, or is still to be decided, for single workflows, each
    is shown by itself, with what was agreed to or what decides it.

    Args:
        plan: The plan.
        agreement: What was agreed to.
        prices: Dollars for one row by kind, in place of those that are documented.
        in_full: Whether each workflow is shown by itself all the same.
    """
    told = as_text(evolve(plan, prices=prices), agreement)
    is_open = any(not rename.is_decided for rename in plan.renames)
    if in_full or is_open or agreement != NOTHING:
        return told
    review = review_of_plan(plan, prices=prices, root=Path.cwd())
    if not _is_repeated(review):
        return told
    first, *_, last = told.splitlines()
    _, *lines = review_text(review).splitlines()
    return "\n".join([first, *lines, "", last, ""])


def give_plan(
    plan: Plan,
    agreement: Agreement = NOTHING,
    prices: Mapping[str, float] = EMPTY,
    *,
    as_json: bool,
) -> None:
    """Write a plan to stdout, as text or as data.

    Args:
        plan: The plan.
        agreement: What was agreed to.
        prices: Dollars for one row by kind, in place of those that are documented.
        as_json: Write data instead of text.
    """
    if as_json:
        give_data(as_data(plan))
        return
    text = plan_text(plan, agreement, prices, in_full=SAID.is_verbose)
    for line in text.splitlines():
        give(line)


def _is_repeated(review: Review) -> bool:
    """Whether the same is done to several workflows."""
    return any(
        len(group.views) > 1 and group.one.action in WRITES
        for group in factored(review)
    )
