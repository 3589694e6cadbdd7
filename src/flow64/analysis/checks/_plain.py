"""What nearly every definition is: one in which the safe rules can find no error.

A compile asks this first, in one pass, and goes through the rules only where the answer
is no. A law holds that the two agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ...blocks import CREATE_NEW, DATAFRAME_TYPES, EMAIL_MODES, FILTER_OPERATORS
from ...definition import Definition
from .._row_kinds import BY_SPEC, words_of
from ._specs import PLAIN_URL


def is_plainly_right(definition: Definition) -> bool:
    """Whether the safe rules can find no error; False says nothing."""
    blocks, topology = definition.blocks, definition.topology
    is_graph = topology.is_forward and len(topology.sources) == len(definition.edges)
    if not blocks or not is_graph:
        return False
    ids, kinds, rows = set(), set(), set()
    for block_id, kind, specs, _, _, _ in blocks:
        ids.add(block_id)
        kinds.add(kind)
        is_plain = _PLAIN.get(kind)
        if is_plain is not None and not is_plain(specs):
            return False
        if kind in BY_SPEC:
            rows.add(specs.get("dataframe_type"))
    # One row kind fits everywhere; two may, and then the rule has to follow them.
    rows = (rows | words_of(kinds)) - {None}
    return len(ids) == len(blocks) and len(rows) < 2


_MODES: Final = (*EMAIL_MODES, None)
_ROWS: Final = (*DATAFRAME_TYPES, None)


def _filter(specs: Mapping[str, Any]) -> bool:
    found = specs.get("filters")
    return isinstance(found, list) and all(
        isinstance(condition, dict) and condition.get("operator") in FILTER_OPERATORS
        for condition in found
    )


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
