"""Live fields that code does not set, and that change what a run costs or does."""

from __future__ import annotations

import pytest

from flow64 import Workflow
from flow64.blocks import (
    CATALOGUE,
    facts_of,
)
from flow64.diff import find_settings
from tests.analysis.support import wired
from tests.deploy.planned import GROWTH, service


def workflow(flow):
    return Workflow("Plain", flow, key="plain", project=GROWTH)


def planned(flow, kind="sync", **specs):
    """The plan of a flow that is deployed, and edited by hand since."""
    with service() as here:
        here.edit(here.put(workflow(flow)), specs=specs)
        return here.plan(workflow(flow))


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_default_that_the_service_fills_in_never_counts(kind):
    """Whatever the documents say a field is, if nobody sets it."""
    facts = facts_of(CATALOGUE[kind])
    filled = {n: fact.value for n, fact in facts.items() if fact.value is not None}

    assert [*find_settings(wired((kind, {})), wired((kind, filled)), {})] == []
