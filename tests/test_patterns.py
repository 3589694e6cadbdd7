"""Keys are found in linear time, whatever text a pull request has.

Titles and texts of others are read by jobs of CI. A pattern that takes quadratic time
would keep such a job busy for hours.
"""

from __future__ import annotations

import time

import pytest

from flow64.secrets import mask

UNITS = (
    "a", "A1", " ", "-", "_", ".", "/", "\\", '"', "`", "[", "{", "\n", "a.", "a-",
    "%41", "sk_", "sk_a", "https://", "https://a:", "a@", "eyJ", "eyJa.", "AKIA",
    "ghp_a ", "-----BEGIN ", "Bearer ", "key=",
)  # fmt: skip
LENGTH = 40_000
MOST = 1.0
"""Seconds. Quadratic time would take over ten."""


@pytest.mark.parametrize("unit", UNITS)
def test_keys_are_masked_in_linear_time(unit):
    begun = time.process_time()

    mask(unit * (LENGTH // len(unit)) + "!")

    assert time.process_time() - begun < MOST
