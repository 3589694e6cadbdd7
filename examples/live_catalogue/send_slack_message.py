"""Tell a channel about each good lead, with classes made from the service's list.

No document names the fields of `send_slack_message`, so without the list its settings
are written as `specs={...}`. `flow64 blocks sync` saves the list as `blocks.json`, and
`flow64 blocks generate -o blocks.py` writes the classes. The list here is made up.
"""

from __future__ import annotations

from blocks import ScoreLead, SendSlackMessage

from flow64 import LEAD, Project, Workflow
from flow64.blocks import Filter, Webhook

growth = Project("growth", namespace="acme.example")

columns = {"full_name": "string", "title": "string", "company": "string"}
flow = (
    Webhook(LEAD, input_schema=columns)
    >> ScoreLead(
        signals=[{"column": "title", "weight": 60}, {"column": "company", "weight": 40}]
    )
    >> Filter.where("score").greater(80)
    >> SendSlackMessage(
        channel="#inbound",
        message="{{full_name}} of {{company}} scores {{score}}",
        mention=["sales"],
    )
)
workflow = Workflow("Tell about good leads", flow, key="tell", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
