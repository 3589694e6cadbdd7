"""The language: flows and `>>`, blocks, row kinds, field maps, values."""

from __future__ import annotations

from .block import *  # noqa: F403 - a module's public names are those of the room
from .flow import *  # noqa: F403 - see above
