"""The plan of one workflow for a deploy that follows at once."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import Conversation
from ..definition import BoundSecret
from ..plan import Step, Target
from ._planner import Planner


def plan_one(
    target: Target, *, env: str, endpoint: str, secrets: Sequence[BoundSecret] = ()
) -> Conversation[Step]:
    """What becomes of one workflow, told by one look at it.

    Nobody is shown it before it is carried out, so that what is at work with the
    workflow is not looked for: that look is the last one before the write.
    """
    planner = Planner([target], env, endpoint, hidden=secrets)
    return (yield from planner.step_of(target, None))
