"""The language: flows and `>>`, blocks, row kinds, field maps, values."""

from __future__ import annotations

from .block import *  # noqa: F403 - a module's public names are those of the room
from .fields import *  # noqa: F403 - see above
from .flow import *  # noqa: F403 - see above
from .values import *  # noqa: F403 - see above
