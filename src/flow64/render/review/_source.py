"""What changes as flow64 code: the difference of the sources that both sides make.

It is there to be read, since code says a graph in fewer words than JSON. Ids that are
pinned are left out: they say nothing to a reader, and the same on both sides.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import Final

from attrs import evolve, frozen

from ...compiler import Identity, Lifted, as_code, lift
from ...definition import Definition, ListedOrigins, canonical_id
from ...diff import digest_masked
from ...errors import CannotLiftError
from ...redaction import redact_keys
from ...text import truncate
from ._view import View

MOST_BLOCKS: Final = 400
"""Blocks of a workflow that is shown as code."""

MOST_TEXT: Final = 200_000
"""Characters of code that is compared."""

LONGEST: Final = 240
"""Characters of a line of code that are shown."""


@frozen
class Source:
    """A workflow as code, before and after.

    Attributes:
        lines: What differs, each line with its sign; none where nothing does.
        problem: Why there are none, in words; None where that is no matter.
    """

    lines: tuple[str, ...] = ()
    problem: str | None = None


def source_of(view: View) -> Source:
    """What a workflow changes as code, as far as both sides can be written so."""
    one, sides = view.step, view.step.details
    assert sides.after is not None  # of what is gone there is no code
    try:
        after = _lifted(view, sides.after)
        before, old = sides.before, None
        if before is not None:
            old = _lifted(view, before, after.identity)
    except CannotLiftError as error:
        return Source(problem=f"it cannot be written as code: {error.problems[0]}")
    except _TooLargeError:
        return Source(problem="it is too large to be shown as code")
    found = [("" if side is None else as_code([side]).text) for side in (old, after)]
    if sum(map(len, found)) > MOST_TEXT:
        return Source(problem="it is too large to be shown as code")
    # Masked before they are compared: what differs is not told by what it is.
    was, now = (redact_keys(text).splitlines() for text in found)
    if was == now and (found[0] != found[1] or any(map(digest_masked, one.changes))):
        return Source(problem="what differs is masked, or stands for a secret")
    _, _, *lines = [*unified_diff(was, now, lineterm="", n=2)] or ["", ""]
    return Source(tuple(map(_short, lines)))


class _TooLargeError(Exception):
    """A workflow has more blocks than are shown as code."""


def _lifted(
    view: View, definition: Definition, identity: Identity | None = None
) -> Lifted:
    """A side as code says it, blocks called alike on both.

    Raises:
        CannotLiftError: Code cannot say it.
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


def _short(line: str) -> str:
    return truncate(line, LONGEST)
