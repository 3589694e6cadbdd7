"""Clean up columns, with a class made from the service's list.

Of the fields of `transform_data`, documents name only `output_schema`. The class in
`blocks.py` has all of them, with their words and defaults. The list is made up.
"""

from __future__ import annotations

from blocks import TransformData

from flow64 import COMPANY, Project, Workflow
from flow64.blocks import OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

flow = (
    Webhook(COMPANY, input_schema={"company": "string", "address": "string"})
    >> TransformData(
        instructions="Split the address, and write the country as its ISO code.",
        output_schema={"city": "The city", "country": "Two letters, such as DE"},
        keep_columns=False,
        on_error="skip",
    )
    >> OutgoingWebhook(url="https://crm.acme.example/hooks/addresses")
)
workflow = Workflow("Clean up addresses", flow, key="clean-up", project=growth)

if __name__ == "__main__":
    print(workflow.to_json(), end="")
