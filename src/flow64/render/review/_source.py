"""The changes of a workflow as flow64 code: a diff of the code of both sides.

Code shows a graph in fewer words than JSON. Pinned ids are left out: they are the same
on both sides.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import Final

from attrs import evolve, frozen

from ...compiler import Identity, Lifted, as_code, lift
from ...definition import Definition, ListedOrigins, canonical_id
from ...diff import digest_secrets
from ...errors import CannotLiftError
from ...redaction import redact_keys
from ...text import truncate
from ._view import View

MOST_BLOCKS: Final = 400
"""The most blocks of a workflow that is shown as code."""

MOST_TEXT: Final = 200_000
"""The most characters of code that is compared."""

LONGEST: Final = 240
"""The most characters of a line of code."""


@frozen
class SourceDiff:
    """The difference in code, before and after.

    Attributes:
        lines: The lines that differ, each with its sign.
        problem: The reason why there are no lines, if it is not that nothing differs.
    """

    lines: tuple[str, ...] = ()
    problem: str | None = None


def compare_source(view: View) -> SourceDiff:
    """Return the changes of a workflow as code, if there is code for both sides."""
    one, sides = view.step, view.step.details
    assert sides.after is not None  # a workflow that is gone has no code
    try:
        after = _lift_side(view, sides.after)
        before, old = sides.before, None
        if before is not None:
            old = _lift_side(view, before, after.identity)
    except CannotLiftError as error:
        return SourceDiff(problem=f"it cannot be written as code: {error.problems[0]}")
    except _TooLargeError:
        return SourceDiff(problem="it is too large to be shown as code")
    found = [("" if side is None else as_code([side]).text) for side in (old, after)]
    if sum(map(len, found)) > MOST_TEXT:
        return SourceDiff(problem="it is too large to be shown as code")
    # Masked before they are compared, so that no secret is in a line.
    was, now = (redact_keys(text).splitlines() for text in found)
    if was == now and (found[0] != found[1] or any(map(digest_secrets, one.changes))):
        return SourceDiff(problem="what differs is masked, or stands for a secret")
    _, _, *lines = [*unified_diff(was, now, lineterm="")] or ["", ""]
    return SourceDiff(tuple(map(_shorten, lines)))


class _TooLargeError(Exception):
    """A workflow has too many blocks to be shown as code."""


def _lift_side(
    view: View, definition: Definition, identity: Identity | None = None
) -> Lifted:
    """Lift a side, with the same names of blocks on both sides.

    Raises:
        CannotLiftError: It cannot be written as code.
        _TooLargeError: It is too large.
    """
    if len(definition.blocks) > MOST_BLOCKS:
        raise _TooLargeError
    named = [
        evolve(
            definition.origins[at],
            path=view.names.get(canonical_id(block.id), definition.origins.path(at)),
        )
        for at, block in enumerate(definition.blocks)
    ]
    made = lift(evolve(definition, origins=ListedOrigins(named)), identity)
    return evolve(made, identity=made.identity._replace(pins={}, id=None))


def _shorten(line: str) -> str:
    return truncate(line, LONGEST)
