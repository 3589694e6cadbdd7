"""What nearly every definition is: one in which the safe rules can find nothing.

This is asked first, in one pass, and the rules only where the answer is no. A law holds
that they find nothing where it is yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ...blocks import (
    CREATE_NEW,
    DATAFRAME_TYPES,
    EMAIL_MODES,
    FILTER_LOGIC,
    FILTER_OPERATORS,
)
from ...definition import Definition
from .._row_kinds import BY_SPEC, words_of
from ._specs import PLAIN_URL


def is_plainly_right(definition: Definition) -> bool:
    """Whether the safe rules can find nothing; False says nothing."""
    blocks, topology = definition.blocks, definition.topology
    is_graph = topology.is_forward and len(topology.sources) == len(definition.edges)
    if not blocks or not is_graph:
        return False
    rows = set()
    for _, kind, specs, _, _, _ in blocks:
        is_plain = _PLAIN.get(kind)
        if is_plain is not None and not is_plain(specs):
            return False
        if kind in BY_SPEC:
            rows.add(specs.get("dataframe_type"))
    # One row kind fits everywhere; two may, and then the rule has to follow them.
    rows |= words_of(frozenset([block.kind for block in blocks]))
    rows.discard(None)
    return len(rows) < 2 and len({block.id for block in blocks}) == len(blocks)


_MODES: Final = (*EMAIL_MODES, None)
_ROWS: Final = (*DATAFRAME_TYPES, None)
_LOGIC: Final = (*FILTER_LOGIC, None)


def _filter(specs: Mapping[str, Any]) -> bool:
    found = specs.get("filters")
    if not isinstance(found, list):
        return False
    for condition in found:
        if not (
            isinstance(condition, dict)
            and condition.get("operator") in FILTER_OPERATORS
            and condition.get("logic") in _LOGIC
            and condition.get("column") not in ("", None)
        ):
            return False
    return True


def _outgoing_webhook(specs: Mapping[str, Any]) -> bool:
    url = specs.get("url")
    return isinstance(url, str) and PLAIN_URL.match(url) is not None


def _append_to_notebook(specs: Mapping[str, Any]) -> bool:
    found = specs.get("notebook_id")
    return isinstance(found, str) and found not in ("", CREATE_NEW)


_PLAIN: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "find_email": lambda specs: specs.get("mode") in _MODES,
    "webhook": lambda specs: specs.get("dataframe_type") in _ROWS,
    "search": lambda specs: specs.get("dataframe_type") in _ROWS,
    "filter": _filter,
    "outgoing_webhook": _outgoing_webhook,
    "append_to_notebook": _append_to_notebook,
}
"""Whether specs of a kind are beyond doubt; other kinds no safe rule judges."""
