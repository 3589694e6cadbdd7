"""Your own rules, as tests with pytest: what no change of the variants may do.

`regional_variants.json` stands for what is deployed.
"""

from __future__ import annotations

import json
from pathlib import Path

from regional_variants import workflows

import flow64

BODIES = json.loads(Path(__file__).with_name("regional_variants.json").read_text())
DEPLOYED = [flow64.Workflow.from_json(json.dumps(body)) for body in BODIES]


def test_at_most_500_dollars() -> None:
    """1,000 rows cost at most $500, and every price is known."""
    for workflow in workflows.values():
        cost = workflow.facts()["cost",]
        assert cost["dollars"] <= 500, workflow.name
        assert not cost["unpriced"], workflow.name
        assert not cost["open"], workflow.name


def test_no_new_delivery_host() -> None:
    """Rows go to the hosts to which they went before."""
    deployed = {before.name: before for before in DEPLOYED}
    for workflow in workflows.values():
        changes = flow64.compare(deployed[workflow.name], workflow).changes
        assert not [path for path in changes if path[0] == "delivers"], workflow.name
