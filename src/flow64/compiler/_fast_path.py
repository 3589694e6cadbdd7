"""A fast path of `Identity.resolve_head`: the path of an identity without faults.

Nearly every identity is plain. `find_plain_path` sees that faster than the search for
faults. If it returns a path, the search finds no fault: a law in tests/laws checks
that. Measured: without it, a fleet compiles in 1.08 times the time. The benchmark of
`check()` for a fleet needs that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..definition import DEFAULT_ENV, LOCAL, escape_key, is_plain, path_of, slug
from ._keys import is_key

if TYPE_CHECKING:
    from ._identity import Identity

_LOCAL_WORKFLOW: Final = f"{path_of([('ns', LOCAL)])}/workflow:"


def find_plain_path(identity: Identity, env: str) -> str | None:
    """Return the path of an identity if nothing can be wrong with it, or None."""
    name, description, key, was, project, segments, pinned, pins, _ = identity
    if not (
        pinned is None
        and not pins
        and type(name) is str
        and name.isascii()
        and type(description) is str
        and (not description or is_plain(description))
        and (project is None or project.namespace != LOCAL)
        and (was is None or is_key(identity.shown_key))
    ):
        return None
    if project is None and was is None and not segments and env == DEFAULT_ENV:
        key = slug(name) if key is None else key  # as nearly always without a project
        return f"{_LOCAL_WORKFLOW}{escape_key(key)}" if is_key(key) else None
    found = identity.segments_in(env)
    return path_of(found) if all(is_key(key) for _, key in found) else None
