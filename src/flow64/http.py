"""The HTTP library, imported here and nowhere else.

It is httpx, or its maintained successor httpx2 if that is installed, as the extra
`flow64[httpx2]` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
else:
    try:
        import httpx2 as httpx
    except ImportError:
        import httpx

__all__ = ["httpx"]
