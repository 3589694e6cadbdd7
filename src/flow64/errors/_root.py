"""The root of all errors."""

from __future__ import annotations


class FlowError(Exception):
    """Anything that flow64 raises on purpose."""

    def __repr__(self) -> str:
        first, *_ = str(self).splitlines() or [""]
        return f"{type(self).__name__}({first!r})"
