"""Kinds that the catalogue does not know."""

from __future__ import annotations

from collections.abc import Sequence

from ..blocks import CATALOGUE, OLD_NAMES
from ..definition import Definition


def unknown_kinds(definition: Definition) -> Sequence[str]:
    """Return the kinds outside the catalogue; old names with the current ones."""
    return [
        f"{kind} (now {OLD_NAMES[kind]})" if kind in OLD_NAMES else kind
        for kind in definition.by_kind
        if kind not in CATALOGUE
    ]
