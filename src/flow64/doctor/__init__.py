"""What is set up on this machine, and what the service answers."""

from __future__ import annotations

from ._assumptions import Judgement, judged
from ._requests import Examination, examining

__all__ = ["Examination", "Judgement", "examining", "judged"]
