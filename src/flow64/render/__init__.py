"""The text of a plan."""

from __future__ import annotations

from .review._diff import list_other_changes as list_other_changes
from .review._diff import make_new_step as make_new_step
from .review._text import as_text as as_text
