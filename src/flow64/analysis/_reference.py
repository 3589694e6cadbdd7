"""The page of findings, written from the rules: one section for each code."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..diagnostics import Family, Severity
from .checks import rules_by_code


class Page(NamedTuple):
    """What the page of a code says beside the docstring of its rule.

    Attributes:
        severities: Those that its findings may have.
        mend: How to mend it.
        example: A program that makes `flow` or `workflow`, or the JSON of a workflow,
            with such a finding; empty where no kind of today's catalogue leads to it,
            and where it takes the service's own list of blocks.
    """

    severities: Sequence[Severity]
    mend: str
    example: str = ""


class Fault(NamedTuple):
    """What a code of the compiler means; such a code has no rule."""

    family: Family
    meaning: str


def findings_reference() -> str:
    """The sections of all findings, as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def faults_by_code() -> Mapping[str, Fault]:
    """The codes that the compiler gives by itself, while it makes a definition."""
    return _FAULTS


def pages_by_code() -> Mapping[str, Page]:
    """What the page says of each code."""
    return _PAGES


def _lines() -> Iterator[str]:
    rules = rules_by_code()
    for code in sorted(_PAGES):
        page = _PAGES[code]
        if code in rules:
            family, rule = rules[code]
            meaning = inspect.getdoc(rule) or ""
        else:
            family, meaning = _FAULTS[code].family, _FAULTS[code].meaning
        yield f"## {code}\n"
        yield f"*{' or '.join(page.severities)}* · family *{family}*\n"
        yield f"{meaning}\n"
        yield f"**Mend it:** {page.mend}\n"
        if page.example:
            language = "json" if page.example.startswith("{") else "python"
            # Examples of faults are shown and not run with the other examples.
            yield f"```{{code-block}} {language}\n{page.example.rstrip()}\n```\n"


def _body(
    specs: Mapping[str, Any] | None = None, *, kind: str = "filter", **changes: Any
) -> str:
    """The JSON of a small workflow: a source and one more block."""
    first, second = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    changes = {"id": "00000000-0000-4000-8000-000000000000", **changes}
    edge = {"from_block_id": first, "to_block_id": second}
    edge |= changes.pop("edge", {})
    second = changes.pop("second", second)
    blocks = [
        _block(1, "webhook", first, {"dataframe_type": "LEAD"}),
        _block(2, kind, second, specs or {}),
    ]
    body = {
        "id": changes["id"],
        "workflow_name": "Leads",
        "workflow_description": "",
        "workflow_definition": {"blocks": blocks, "edges": [edge]},
    }
    return json.dumps(body, indent=2)


def _block(
    number: int, kind: str, block_id: str, specs: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "block_id": block_id,
        "sequence_number": number,
        "block_type": kind,
        "block_name": kind,
        "specs": specs,
    }


_FAULTS: Final[Mapping[str, Fault]] = {
    "extra-repeats-field": Fault(
        "values", "`extra=` sets a field that the block sets itself."
    ),
    "invalid-id": Fault(
        "keys",
        "An `id=` or a pin is no UUID; the service would replace it (documented).",
    ),
    "invalid-key": Fault(
        "keys",
        "A key, scope name, `was=` or namespace is no text of 1 to 512 characters.",
    ),
    "invalid-name": Fault(
        "keys", "The title or the description is no text that UTF-8 can hold."
    ),
    "key-needed": Fault("keys", "The title has no letter or digit that makes a key."),
    "not-json": Fault("values", "A spec holds a value that JSON cannot hold exactly."),
    "reserved-literal": Fault(
        "values", "A literal looks like a value that an environment fills in."
    ),
    "too-deep": Fault("values", "A spec nests deeper than 256 levels."),
    "unknown-pin": Fault("keys", "`pins=` names a part or a block that is not there."),
}

_ERROR: Final = ("error",)
_WARNING: Final = ("warning",)
_NOTE: Final = ("note",)

_PAGES: Final[Mapping[str, Page]] = {
    "ambiguous-default-key": Page(
        _ERROR,
        "Name one of the blocks, or put it into a scope.",
        "flow = Webhook(LEAD) >> FindEmail() >> FindEmail()",
    ),
    "auto-execute": Page(
        ("warning", "note"),
        "Leave `auto_execute` false, and start a run when you want to buy.",
        'flow = Search(LEAD, query="Heads of finance", auto_execute=True)',
    ),
    "block-id-not-uuid": Page(
        _NOTE,
        "Nothing needs mending; a UUID in the file would be kept as it is.",
        _body(second="second", edge={"to_block_id": "second"}, kind="deduplicate"),
    ),
    "company-to-leads-without-people": Page(
        _WARNING,
        "Set `find_people=True` on a `CompanyEnrichment` before it.",
        "flow = Webhook(COMPANY) >> CompanyToLeads()",
    ),
    "condition-present": Page(
        _WARNING,
        "Use a `Filter` on each branch.",
        _body(edge={"condition": "email"}, kind="deduplicate"),
    ),
    "cost-estimate": Page(
        _NOTE,
        "Nothing needs mending; try a workflow with few rows first.",
        'flow = Webhook(LEAD) >> FindEmail(mode="PROFESSIONAL")',
    ),
    "create-new-notebook": Page(
        _WARNING,
        "Run it once, then write the id of the notebook that it made.",
        "flow = Webhook(LEAD) >> AppendToNotebook(\n"
        '    notebook_id="__create_new__", notebook_name="Leads of May"\n)',
    ),
    "cycle": Page(
        _ERROR,
        "Write `block.again(key=...)` for a step that comes twice.",
        "first, second = FindEmail(), FindPhone()\n"
        "flow = Webhook(LEAD) >> first >> second >> first",
    ),
    "dangling-edge": Page(
        _ERROR,
        "Add the block, or remove the edge.",
        _body(edge={"to_block_id": "gone"}, kind="deduplicate"),
    ),
    "duplicate-key": Page(
        _ERROR,
        "Give one of the blocks another key, or put it into a scope.",
        'flow = Webhook(LEAD) >> FindEmail(key="find") >> FindPhone(key="find")',
    ),
    "effects": Page(
        _NOTE,
        "Nothing needs mending; it is what to know before a run.",
        "flow = Webhook(LEAD) >> FindEmail()",
    ),
    "extra-repeats-field": Page(
        _ERROR,
        "Write the field itself alone.",
        'flow = Webhook(LEAD) >> FindEmail(mode="PERSONAL", extra={"mode": None})',
    ),
    "first-block-not-webhook": Page(
        _NOTE,
        "Begin with `Webhook(...)` where rows come from your own program.",
        'flow = Search(LEAD, query="Heads of finance")',
    ),
    "insecure-url": Page(
        ("error", "note"),
        "Write an absolute https address.",
        'flow = Webhook(LEAD) >> OutgoingWebhook(url="http://example.com/hook")',
    ),
    "invalid-id": Page(
        _ERROR,
        "Leave `id=` out, or pin the UUID of what was imported.",
        'flow = Webhook(LEAD, id="inbound")',
    ),
    "invalid-key": Page(
        _ERROR,
        "Write a key of 1 to 512 characters.",
        'flow = Webhook(LEAD, key="")',
    ),
    "invalid-name": Page(
        _ERROR,
        "Write it as a plain `str`.",
        'workflow = Workflow(5, Webhook(LEAD), key="leads")',
    ),
    "isolated-block": Page(
        _WARNING,
        "Join it, or remove it.",
        "flow = Webhook(LEAD) >> FindEmail()\n"
        'workflow = Workflow("Leads", flow, FindPhone(), key="leads")',
    ),
    "key-from-title": Page(
        _NOTE,
        'Name the workflow: `Workflow(..., key="inbound")`.',
        'workflow = Workflow("Leads", Webhook(LEAD))',
    ),
    "key-needed": Page(
        _ERROR,
        'Name the workflow: `Workflow(..., key="inbound")`.',
        'workflow = Workflow("!", Webhook(LEAD))',
    ),
    "late-deduplicate": Page(
        _NOTE,
        "Put it before the block that costs credits.",
        "flow = Webhook(LEAD) >> FindEmail() >> Deduplicate()",
    ),
    "late-filter": Page(
        _WARNING,
        "Put it before the block that costs credits.",
        'flow = (\n    Webhook(LEAD, input_schema={"country": "string"})\n'
        '    >> FindEmail()\n    >> Filter.where("country").equals("SE")\n)',
    ),
    "mergeable-enrichment": Page(
        _NOTE,
        "Ask for all the fields in one block.",
        "flow = (\n    Webhook(LEAD)\n"
        '    >> LeadEnrichment(return_fields={"title": "Job title"})\n'
        '    >> LeadEnrichment(return_fields={"city": "City"}, key="city")\n)',
    ),
    "missing-field": Page(
        ("error", "warning"),
        "Set the field.",
        'flow = Webhook(LEAD) >> OutgoingWebhook(url="")',
    ),
    "mixed-logic": Page(
        _WARNING,
        "Write two filters, one after the other.",
        'both = Filter.where("email").is_empty().and_("phone").is_empty()\n'
        'flow = Webhook(LEAD) >> both.or_("name").is_empty()',
    ),
    "near-miss-column": Page(
        _WARNING,
        "Mend the spelling; declare the column if both are meant.",
        'flow = Webhook(LEAD) >> FindEmail() >> Filter.where("emial").is_not_empty()',
    ),
    "no-blocks": Page(
        _ERROR,
        "Begin with a source.",
        json.dumps(
            {
                "workflow_name": "Leads",
                "workflow_description": "",
                "workflow_definition": {"blocks": [], "edges": []},
            },
            indent=2,
        ),
    ),
    "no-source": Page(
        _WARNING,
        "Begin with a source.",
        "flow = FindEmail() >> FindPhone()",
    ),
    "not-json": Page(
        _ERROR,
        "Convert the value where you write it.",
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs={"share": float("nan")})',
    ),
    "notebook-name-missing": Page(
        _ERROR,
        "Name the new notebook.",
        'flow = Webhook(LEAD) >> AppendToNotebook(notebook_id="__create_new__")',
    ),
    "old-kind-name": Page(
        _WARNING,
        "Write the current name.",
        'flow = Webhook(LEAD) >> RawBlock("enrich_lead")',
    ),
    "read-csv-source": Page(
        _WARNING,
        "Begin with `Webhook(...)`, or give each run the handle of an uploaded file.",
        "flow = ReadCsv(LEAD) >> FindEmail()",
    ),
    "reserved-literal": Page(
        _ERROR,
        'Write `value("name")` for a value that differs by environment.',
        'specs = {"region": {"flow64:value": "region"}}\n'
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)',
    ),
    "row-kind-mismatch": Page(
        _ERROR,
        "Put the converter between.",
        "flow = Webhook(COMPANY) >> FindEmail()",
    ),
    "schema-mismatch": Page(
        _WARNING,
        "Look the field up in the live schema, and write what it takes.",
    ),
    "secret-in-specs": Page(
        _WARNING,
        'Write `value("name", secret=True)`, and revoke what was shown to others.',
        'specs = {"token": "sk_live_" + "0123456789abcdef"}\n'
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)',
    ),
    "self-edge": Page(
        _ERROR,
        "Write `block.again(key=...)` for a step that comes twice.",
        "step = FindEmail()\nflow = Webhook(LEAD) >> step >> step",
    ),
    "several-parents": Page(
        _WARNING,
        "End each branch in a block of its own, or try it with few rows first.",
        "flow = Webhook(LEAD) >> [FindEmail(), FindPhone()] >> Deduplicate()",
    ),
    "several-sources": Page(
        _WARNING,
        "Make one workflow of each source.",
        'people = Search(LEAD, query="Heads of finance")\n'
        "flow = fan(Webhook(LEAD), people) >> FindEmail()",
    ),
    "sink-with-successor": Page(
        _WARNING,
        "Put the sink beside the chain with `tap(...)`, or last.",
        'out = OutgoingWebhook(url="https://example.com/hook")\n'
        "flow = Webhook(LEAD) >> out >> FindEmail()",
    ),
    "source-with-predecessor": Page(
        _WARNING,
        "Begin a workflow of its own with it.",
        'flow = Webhook(LEAD) >> RawBlock("read_csv")',
    ),
    "too-deep": Page(
        _ERROR,
        "Flatten the value, or send it as JSON text.",
        "deep = []\nfor _ in range(300):\n    deep = [deep]\n"
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs={"deep": deep})',
    ),
    "type-word-as-description": Page(
        _NOTE,
        "Write an object with a description and a type, or a class under `@returns`.",
        'flow = Webhook(LEAD) >> LeadEnrichment(return_fields={"title": "string"})',
    ),
    "unchecked-field": Page(
        _NOTE,
        "Look the field up in the service's own list of blocks.",
        'flow = Webhook(LEAD) >> FindEmail(extra={"region": "eu"})',
    ),
    "unconfirmed-facts": Page(
        _NOTE,
        "Try it with few rows first.",
        "flow = Webhook(LEAD) >> FindEmail(verify_emails=False)",
    ),
    "unknown-allow": Page(
        _WARNING,
        "Write the code that the finding shows; leave out one that is no more.",
        'flow = Webhook(LEAD) >> FindEmail(allow=["no-sources"])',
    ),
    "unknown-column": Page(_WARNING, "Mend the spelling, or add the column before."),
    "unknown-field": Page(
        _WARNING,
        "Mend the spelling; where the service knows the field, nothing needs mending.",
        'flow = Webhook(LEAD) >> FindEmail(extra={"moode": "PERSONAL"})',
    ),
    "unknown-kind": Page(
        _NOTE,
        "Mend the spelling; where the service knows the kind, nothing needs mending.",
        'flow = Webhook(LEAD) >> RawBlock("find_emails")',
    ),
    "unknown-pin": Page(
        _ERROR,
        "Pin a block by its key path, such as `work/find_email`.",
        'pins = {"blocks": {"gone": "00000000-0000-4000-8000-000000000001"}}\n'
        'workflow = Workflow("Leads", Webhook(LEAD), key="leads", pins=pins)',
    ),
    "unlisted-kind": Page(
        _WARNING,
        "Mend the spelling; where the kind is newer than the list, fetch it again.",
    ),
    "unknown-type-word": Page(
        _WARNING,
        "Write one of the documented words.",
        'flow = Webhook(LEAD, input_schema={"email": "text"})',
    ),
    "unknown-word": Page(
        ("error", "warning"),
        "Write one of the documented words.",
        _body({"mode": "Personal"}, kind="find_email"),
    ),
    "unusable-schema": Page(
        _WARNING,
        "Fetch the list again; where it stays so, that kind is judged without it.",
    ),
    "unused-input": Page(
        _NOTE,
        "Leave it out, unless it is meant to come back with the result.",
        'columns = {"email": "string", "campaign": "string"}\n'
        "flow = Webhook(LEAD, input_schema=columns) >> FindPhone()",
    ),
    "workflow-id-not-uuid": Page(
        _WARNING,
        "Leave the id out, or write the UUID of the workflow.",
        _body(id="leads", kind="deduplicate"),
    ),
    "wrong-field-type": Page(
        _WARNING,
        "Write a value of the documented type.",
        'url = "https://example.com/hook"\n'
        'flow = Webhook(LEAD) >> OutgoingWebhook(url=url, timeout_seconds="10")',
    ),
}
