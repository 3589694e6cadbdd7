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
from ...definition import Definition, JoinedEdges
from .._row_kinds import BY_SPEC, WORDS
from ._specs import PLAIN_URL


def is_plainly_right(definition: Definition) -> bool:
    """Whether the safe rules can find nothing; False says nothing."""
    blocks, topology = definition.blocks, definition.topology
    edges = definition.edges
    if not blocks or not topology.is_forward:
        return False
    if type(edges) is not JoinedEdges and len(topology.sources) != len(edges):
        return False
    ids = set()
    rows = 0
    for block_id, kind, specs, _, _, _ in blocks:
        ids.add(block_id)
        known = _KNOWN.get(kind)
        if known is not None:
            is_plain, bits, says_rows = known
            rows |= bits
            if says_rows:
                word = specs.get("dataframe_type")
                if word not in _ROW_WORDS:
                    return False
                rows |= _ROWS[word]
            if is_plain is not None and not is_plain(specs):
                return False
    # One row kind fits everywhere; two may, and then the rule has to follow them.
    return rows in _ONE_KIND and len(ids) == len(blocks)


_MODES: Final = (*EMAIL_MODES, None)
_ROWS: Final[Mapping[Any, int]] = {
    None: 0,
    **{word: 1 << at for at, word in enumerate(DATAFRAME_TYPES)},
}
"""A bit for each row kind."""
_ONE_KIND: Final = frozenset(_ROWS.values())
_ROW_WORDS: Final = tuple(_ROWS)  # what is looked for here need not be hashable
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
    "filter": _filter,
    "outgoing_webhook": _outgoing_webhook,
    "append_to_notebook": _append_to_notebook,
}
"""Whether specs of a kind are beyond doubt; other kinds no safe rule judges."""

_KNOWN: Final = {
    kind: (
        _PLAIN.get(kind),
        sum(_ROWS[word] for word in WORDS.get(kind, ())),
        kind in BY_SPEC,
    )
    for kind in {*_PLAIN, *WORDS, *BY_SPEC}
}
"""The same of each kind with the row kinds that it takes or gives in any case, and
whether its `dataframe_type` says more."""
