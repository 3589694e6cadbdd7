"""What the survival tests share: a quick client and a small workflow."""

from __future__ import annotations

from uuid import uuid4

from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.client import Policy

QUICK = Policy(
    first_wait=0.001,
    first_rest=0.002,
    longest_wait=0.02,
    timeout=1.0,
    requests_per_minute=None,
)
"""As patient as any, but for the length of its waits."""


def workflow(mode="PROFESSIONAL", *, key="leads", namespace=None):
    """A workflow of two blocks, in a namespace of its own."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail(mode=mode)
    project = Project("growth", namespace=namespace or f"{uuid4()}.example")
    return Workflow("Leads", flow, key=key, project=project)
