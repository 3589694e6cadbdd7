"""The centre: the frozen definition, its canonical JSON, ids and fingerprints."""

from __future__ import annotations

from ..secrets import MASK as MASK
from ..secrets import walk as walk
from .freezing import *  # noqa: F403 - a module's public names are those of the room
from .ids import *  # noqa: F403 - see above
from .model import *  # noqa: F403 - see above
from .reading import *  # noqa: F403 - see above
from .secrets import *  # noqa: F403 - see above
