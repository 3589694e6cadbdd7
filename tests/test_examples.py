"""The examples: what they print, that it reads back, and what is found in them.

`make golden` writes the expected JSON beside each example anew.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from inline_snapshot import external_file, snapshot

from flow64 import Workflow

FOLDER = Path(__file__).parent.parent / "examples"

# The demo has no expected text: it talks to an emulator.
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "demo")


def workflows(name):
    """The workflows of an example: one, or several by name."""
    module = runpy.run_path(str(FOLDER / f"{name}.py"))
    return module.get("workflows") or {"": module["workflow"]}


def golden(name):
    return (FOLDER / f"{name}.json").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_prints_its_json(name, capsys):
    """Run as a script, an example prints exactly what is in the file beside it."""
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")

    printed = capsys.readouterr().out

    assert printed == external_file(FOLDER / f"{name}.json", format=".txt")


@pytest.mark.parametrize("name", NAMES)
def test_file_is_json(name):
    """The file holds one create body, or an array of them."""
    data = json.loads(golden(name))

    bodies = data if isinstance(data, list) else [data]

    assert [body["workflow_name"] for body in bodies] == [
        workflow.name for workflow in workflows(name).values()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_reads_back_to_the_same_bytes(name):
    """What was written is read, and written again as it was."""
    texts = [workflow.to_json() for workflow in workflows(name).values()]

    again = [Workflow.from_json(text).to_json() for text in texts]

    assert again == texts


def test_findings():
    """No example has an error; these are the warnings and notes of each."""
    found = {}
    for name in NAMES:
        for variant, workflow in workflows(name).items():
            codes = [f"{f.severity} {f.code}" for f in workflow.check()]
            # Variants that differ in nothing but words are listed once.
            if codes not in (found.get(key) for key in found if key.startswith(name)):
                found[f"{name} {variant}".strip()] = codes

    assert not [code for codes in found.values() for code in codes if "error" in code]
    assert found == snapshot(
        {
            "company_research": ["note effects", "note cost-estimate"],
            "contact_validation": ["note effects", "note cost-estimate"],
            "enrich_inbound_leads": [
                "note type-word-as-description",
                "note effects",
                "note cost-estimate",
            ],
            "environments": ["note effects", "note cost-estimate"],
            "new_kind": [
                "note unknown-kind",
                "note effects",
                "note cost-estimate",
                "note unconfirmed-facts",
            ],
            "regional_variants ae": ["note effects", "note cost-estimate"],
            "search_list": [
                "note first-block-not-webhook",
                "note create-new-notebook",
                "note effects",
                "note cost-estimate",
            ],
            "shared_fragment": [
                "warning several-parents",
                "note effects",
                "note cost-estimate",
            ],
            "side_branch": [
                "warning several-parents",
                "note effects",
                "note cost-estimate",
            ],
        }
    )


def test_ids():
    """Ids are a wire format: these never change, whatever else does."""
    assert {
        (name, variant): (workflow.id(), workflow.id("staging"))
        for name in NAMES
        for variant, workflow in workflows(name).items()
        if variant in {"", "de", "us"}
    } == IDS


def test_guide():
    """The first example has the graph and the specs of the service's own guide."""
    body = json.loads(golden("enrich_inbound_leads"))
    graph = body["workflow_definition"]
    by_id = {block["block_id"]: block["block_name"] for block in graph["blocks"]}

    assert [
        (block["block_type"], block["block_name"], block["specs"])
        for block in graph["blocks"]
    ] == [
        (
            "io",
            "webhook",
            {
                "dataframe_type": "LEAD",
                "input_schema": {"email": "string", "company": "string"},
            },
        ),
        (
            "enrichment",
            "lead_enrichment",
            {"return_fields": {"title": "string", "linkedin_url": "string"}},
        ),
        (
            "output",
            "outgoing_webhook",
            {"url": "https://example.com/hooks/sixtyfour", "timeout_seconds": 10},
        ),
    ]
    assert [
        (by_id[edge["from_block_id"]], by_id[edge["to_block_id"]])
        for edge in graph["edges"]
    ] == [("webhook", "lead_enrichment"), ("lead_enrichment", "outgoing_webhook")]


def test_one_variant_differs():
    """Of the forty regions one has a step that the others do not have."""
    kinds = {
        region: [block.kind for block in workflow.compile().blocks]
        for region, workflow in workflows("regional_variants").items()
    }

    assert len(kinds) == 40
    assert [region for region in kinds if "filter" in kinds[region]] == ["de"]


def test_values_are_filled_in():
    """Values change what they stand for and nothing else; the secret stays masked."""
    module = runpy.run_path(str(FOLDER / "environments.py"))
    workflow, values = module["workflow"], module["STAGING"]

    unbound = workflow.to_json(env="staging")
    bound = workflow.to_json(env="staging", values=values)

    marker = json.dumps({"flow64:value": "notebook"}, indent=2)
    shifted = marker.replace("\n", "\n          ")
    assert bound == unbound.replace(shifted, json.dumps(values["notebook"]))
    assert values["crm_hook"] not in bound


@pytest.mark.slow
def test_demo():
    """The demo runs from its folder to its end, and shows what it promises."""
    done = subprocess.run(
        [sys.executable, "demo.py"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )

    found = {
        part: len(re.findall(part, done.stdout, re.MULTILINE))
        for part in (
            r"^error\[row-kind-mismatch\]",
            r"^error\[unknown-word\]",
            r"^completed$",
            r"^\w+@example\.com +Person\(title='",
        )
    }
    assert (done.returncode, done.stderr, [*found.values()]) == (0, "", [1, 1, 1, 3])


# By example and variant: the id in the environment `default`, and in `staging`.
IDS = {
    ("company_research", ""): (
        "02a78b5a-fbb4-5b86-ab0c-a4d891bf2ff1",
        "6ce4d81f-0b9e-5455-b3ef-bfc1584f93ba",
    ),
    ("contact_validation", ""): (
        "52ff0dd4-6c65-5de2-8aec-da1711057a6f",
        "f8cdd353-6a40-5759-aeba-8dba3aaed7cd",
    ),
    ("enrich_inbound_leads", ""): (
        "daa12758-7a2b-51fe-b180-da1979d40573",
        "34fc74b4-6c9a-5b67-a49b-b9190b289394",
    ),
    ("environments", ""): (
        "28e397df-9046-5f3a-b081-c21ba8b22ce1",
        "c12bcfe5-c0ee-5ea2-a624-13c0e1691a19",
    ),
    ("new_kind", ""): (
        "085aff2f-5977-5305-a1d6-c4d456d6bbe8",
        "c0839ff4-5b61-5a7f-b284-61aeb77510b2",
    ),
    ("regional_variants", "de"): (
        "989e3065-1452-5b0b-9150-661c6a391a45",
        "b591e3ac-5b48-5660-a987-2a6aeb01898d",
    ),
    ("regional_variants", "us"): (
        "ed14fdd9-6ab5-51ed-b9ec-3c81782cd853",
        "8b45d74c-3d4f-50a8-abfa-eade25b1c310",
    ),
    ("search_list", ""): (
        "1cf258ec-e0fb-5d4c-afd7-ccbd3a0be46f",
        "bf15f696-7bdd-5314-aeab-6dde71bee71e",
    ),
    ("shared_fragment", ""): (
        "86095b67-1ef1-5c30-9562-84daba13f703",
        "7e695c3d-d284-5ca6-b146-eeabe5d16678",
    ),
    ("side_branch", ""): (
        "2cc0f440-3557-53e6-96fb-dfbdeac038a2",
        "101140de-4543-5406-a92b-548e59521c92",
    ),
}
