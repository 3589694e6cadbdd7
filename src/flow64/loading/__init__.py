"""Loading: from a text that a user typed to workflows, in code, in files or live."""

from __future__ import annotations

from .addresses import *  # noqa: F403 - all of them are public, here
from .live import *  # noqa: F403 - see above
from .sources import *  # noqa: F403 - see above
