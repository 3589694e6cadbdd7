"""The text of a plan as a review."""

from __future__ import annotations
