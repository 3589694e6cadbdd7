"""A made-up answer of `GET /workflows/blocks`, and a later one.

Nobody here has seen a real one. It has the shapes that pydantic writes: `$defs`,
`$ref`, `anyOf` with null, enums, bounds, defaults and descriptions.

`ANSWER` lists our kinds, two new ones, and a hostile one. Three entries are damaged.
A kind of ours without an entry here is listed as its class has it. `LATER` is the
answer some weeks after; `CHANGES` says what happened.
"""

from __future__ import annotations

from copy import deepcopy

from flow64.blocks import CATALOGUE, is_built_in, specs_schema

SECRET = "sk_live_not_a_real_key_4f9c2b7d8e1a6053"
"""A text like a key, in the description of `send_slack_message`."""

HOSTILE = 'x"); import os; os.abort(); ("'
"""The name of the hostile kind."""

DAMAGED = ("kaggle_leaderboard", "yc_batches", "find_subdomains")
"""Kinds whose schema is null, missing, and text."""

NEW = ("reddit_search", "score_lead")


# -- Schemas of fields ----------------------------------------------------------------


def text(description, **more):
    return {"type": "string", "description": description, **more}


def whole(description, **more):
    return {"type": "integer", "description": description, **more}


def number(description, **more):
    return {"type": "number", "description": description, **more}


def flag(description, default):
    return {"type": "boolean", "description": description, "default": default}


def ref(name, description="", **more):
    """A reference; with siblings, as pydantic writes it."""
    found = {"$ref": f"#/$defs/{name}"}
    return {**found, "description": description, **more} if description else found


def maybe(schema, default=None):
    """What pydantic writes for `X | None = default`."""
    found = {key: schema[key] for key in schema if key != "description"}
    made = {"anyOf": [found, {"type": "null"}], "default": default}
    if "description" in schema:
        made["description"] = schema["description"]
    return made


def items(schema, description, **more):
    return {"type": "array", "items": schema, "description": description, **more}


def mapping(schema, description, **more):
    made = {"type": "object", "additionalProperties": schema}
    return {**made, "description": description, **more}


def entry(kind, properties=None, required=(), defs=None, **more):
    """One entry of the answer. Other keys are those that no document names."""
    properties = {} if properties is None else properties
    schema = {
        "title": "".join(word.title() for word in kind.split("_")) + "Specs",
        "type": "object",
        "properties": {
            name: {"title": name.replace("_", " ").title(), **found}
            for name, found in properties.items()
        },
    }
    if required:
        schema["required"] = [*required]
    if defs:
        schema["$defs"] = defs
    return {"block_name": kind, "specs_schema": schema, **more}


# -- Shared definitions ---------------------------------------------------------------

ROWS = {"DataframeType": {"enum": ["LEAD", "COMPANY"], "type": "string"}}

FIELD = {
    "FieldSpec": {
        "title": "FieldSpec",
        "type": "object",
        "properties": {
            "description": text("What to find."),
            "type": {
                "enum": ["string", "number", "boolean", "list"],
                "type": "string",
                "default": "string",
            },
        },
        "required": ["description"],
    }
}
FIELD_OR_TEXT = {"anyOf": [{"type": "string"}, ref("FieldSpec")]}

CONDITION = {
    "FilterCondition": {
        "title": "FilterCondition",
        "type": "object",
        "properties": {
            "column": text("The column to look at."),
            "operator": ref("Operator"),
            "value": {"title": "Value", "default": None},
            "logic": maybe({"enum": ["and", "or"], "type": "string"}),
        },
        "required": ["column", "operator"],
    },
    "Operator": {
        "title": "Operator",
        "type": "string",
        "enum": [
            *("equals", "not_equals", "contains", "not_contains", "greater", "less"),
            *("greater_or_equal", "in", "not_in", "is_empty", "is_not_empty"),
            "matches",
        ],
    },
}

CRITERION = {
    "Criterion": {
        "title": "Criterion",
        "type": "object",
        "properties": {
            "criteria_name": text("Short name, used as the column."),
            "description": text("What the agent decides."),
            "weight": number("Share of the score.", minimum=0, default=1),
            "threshold": maybe(number("Least score to pass.", minimum=0, maximum=10)),
        },
        "required": ["criteria_name", "description"],
        "additionalProperties": False,
    }
}

SIGNAL = {
    "Signal": {
        "title": "Signal",
        "description": "One thing that raises or lowers the score.",
        "type": "object",
        "properties": {
            "column": text("Column that the signal reads."),
            "weight": number("Points that it adds.", minimum=-100, maximum=100),
            "when": maybe(ref("FilterCondition")),
        },
        "required": ["column", "weight"],
        "additionalProperties": False,
    },
    **CONDITION,
}

PROVIDERS = {
    "providers": maybe(items({"type": "string"}, "Providers to ask, in this order."))
}

RETURN_FIELDS = mapping(FIELD_OR_TEXT, "Columns to add, each with what to find.")

ROW_KIND = ref("DataframeType", "Row kind of everything downstream.")


# -- The hostile entry ----------------------------------------------------------------

CODE = '"""\nimport os\nos.abort()\n"""'


def hostile():
    """One entry whose every text tries to become code, or to deceive the reader."""
    names = {
        "__class__": text(CODE, default=CODE),
        "self": text("The name of every first argument."),
        "kind": text("The name that a block class needs itself."),
        "import": text("A keyword.\x1b[2J\x1b[31mgone"),
        "a-b c": whole("No identifier.\u202e txt.exe", minimum=0),
        "x: int = __import__('os').abort()": text("Code as a name."),
        "\u0441ode": {"enum": ["a", "'); os.abort(); ('", CODE], "description": CODE},
    }
    made = entry(HOSTILE, names, required=["import", "no such field"])
    made["specs_schema"]["title"] = CODE
    made["specs_schema"]["description"] = f"{CODE} {'long ' * 200}"
    return {**made, "category": CODE, "price_per_row": "__import__('os').abort()"}


# -- The answer -----------------------------------------------------------------------


def _make_answer():
    tier = {"enum": ["micro", "low", "medium", "high"], "type": "string"}
    deep = {"enum": ["micro", "scout", "low", "medium", "high", "xhigh"]}
    return [
        entry(
            "webhook",
            {
                "dataframe_type": ROW_KIND,
                "input_schema": maybe(
                    mapping(FIELD_OR_TEXT, "Columns that callers send.")
                ),
                "webhook_input": maybe(text("Sample rows, as a JSON string.")),
            },
            required=["dataframe_type"],
            defs={**ROWS, **FIELD},
        ),
        entry(
            "read_csv",
            {
                "dataframe_type": ROW_KIND,
                "resource_handle_id": maybe(text("Handle of an uploaded file.")),
            },
            required=["dataframe_type"],  # we require none
            defs=ROWS,
        ),
        entry(
            "read_notebook",
            {"notebook_id": text("The notebook to read.", format="uuid")},
            required=["notebook_id"],  # we require none
        ),
        entry(
            "search",
            {
                "query": text("What to look for, in words.", minLength=3),
                "dataframe_type": ref("DataframeType", "LEAD or COMPANY.")
                | {"default": "LEAD"},  # we require it
                "max_results": whole("", minimum=1, maximum=5000, default=100),
                "auto_execute": flag("Search as soon as it is created.", False),
                "freshness": maybe(  # we do not know it
                    {"enum": ["day", "week", "month"], "type": "string"}, "month"
                ),
            },
            required=["query"],
            defs=ROWS,
        ),
        entry(
            "company_enrichment",
            {
                "return_fields": maybe(RETURN_FIELDS),  # a requirement that we have
                "find_people": flag("Also find people at the company.", False),
                "people_focus_prompt": maybe(text("Which people to find.")),
                "lead_struct": maybe(mapping(FIELD_OR_TEXT, "Fields of each person.")),
                "full_org_chart": flag("Find as many people as possible.", False),
                "research_plan": maybe(text("How to research.", maxLength=4000)),
                "tier": {**tier, "default": "low", "description": "How deep."},
            },
            defs=FIELD,
        ),
        entry(
            "lead_enrichment",
            {
                "return_fields": RETURN_FIELDS,
                "tier": {**deep, "default": "low", "description": "How deep."},
                "research_plan": maybe(text("How to research.", maxLength=4000)),
                "max_iterations": maybe(whole("Most steps.", minimum=1, maximum=50)),
            },
            required=["return_fields"],
            defs=FIELD,
        ),
        entry(
            "linkedin_enrichment", {"return_fields": maybe(RETURN_FIELDS)}, (), FIELD
        ),
        entry(
            "find_email",
            {
                "mode": ref("EmailMode", "Which addresses to find.")
                | {"default": "PROFESSIONAL"},
                "verify_emails": flag("Check each address by SMTP.", True),
                **PROVIDERS,
            },
            defs={
                "EmailMode": {
                    "enum": ["PROFESSIONAL", "PERSONAL", "BOTH"],  # we do not know BOTH
                    "title": "EmailMode",
                    "type": "string",
                }
            },
        ),
        entry("find_phone", PROVIDERS, price_per_row=0.3),
        entry(
            "verify_email",
            {"email_column": text("Column with addresses.", default="email")},
        ),
        entry("reverse_email", PROVIDERS),
        entry("reverse_phone", PROVIDERS),
        entry(
            "company_to_leads",
            {"max_people": maybe(whole("Most people of a company.", minimum=1))},
        ),
        entry(
            "github_find_people",
            {
                "repository": text("As `owner/name`.", pattern="^[^/ ]+/[^/ ]+$"),
                "max_results": whole("Most people.", minimum=1, default=100),
            },
            required=["repository"],
        ),
        entry(
            "google_maps_search",
            {
                "query": text("What to look for."),
                "location": text("Where to look."),
                "radius_km": number("", exclusiveMinimum=0, maximum=50, default=10.0),
            },
            required=["query", "location"],
        ),
        entry(
            "scrape_web",
            {
                "url_column": text("Column with addresses of pages."),
                "output_column": text("Column for the text.", default="page_text"),
                "render": flag("Run the page's scripts.", False),
            },
            required=["url_column"],
        ),
        entry(
            "backlinks_referring_domains",
            {"limit": whole("Most domains.", minimum=1, maximum=1000, default=100)},
        ),
        {"block_name": "find_subdomains", "specs_schema": "see the docs"},
        entry(
            "x_search",
            {
                "query": text("Search in X's own syntax."),
                "max_results": whole("", minimum=1, maximum=500, default=50),
            },
            required=["query"],
        ),
        entry(
            "tiktok_get_following",
            {"handle_column": text("Column with handles.", default="tiktok_handle")},
        ),
        {"block_name": "kaggle_leaderboard", "specs_schema": None},
        entry(
            "llm_openai",
            {
                "prompt": text("Prompt; `{{column}}` is replaced.", minLength=1),
                "output_column": text("Column for the reply.", default="llm_output"),
                "model": {"const": "gpt-5-mini", "default": "gpt-5-mini"},
                "temperature": number("", minimum=0, maximum=2, default=0.2),
            },
            required=["prompt"],
        ),
        entry(
            "qa_agent",
            {
                "qualification_criteria": items(ref("Criterion"), "What to decide."),
                "references": maybe(
                    items(mapping({"type": "string"}, "A source."), "Sources to use.")
                ),
                "struct": maybe(mapping(FIELD_OR_TEXT, "Further columns.")),
                "max_tool_calls": maybe(whole("Most calls.", minimum=1)),
            },
            defs={**CRITERION, **FIELD},
        ),
        entry(
            "research_agent",
            {
                "struct": maybe(mapping(FIELD_OR_TEXT, "Columns to add.")),
                "research_plan": maybe(text("How to research.")),
                "max_iterations": maybe(whole("Most steps.", minimum=1)),
            },
            defs=FIELD,
        ),
        entry(
            "transform_data",
            {
                "instructions": text("What to do with each row.", minLength=1),
                "output_schema": mapping(FIELD_OR_TEXT, "Columns that it makes."),
                "keep_columns": flag("Also keep the columns of the input.", True),
                "on_error": {
                    "enum": ["skip", "keep", "fail"],
                    "type": "string",
                    "default": "keep",
                    "description": "What to do with a row that fails.",
                },
            },
            required=["instructions", "output_schema"],
            defs=FIELD,
        ),
        entry(
            "filter",
            {"filters": items(ref("FilterCondition"), "Conditions.", minItems=1)},
            required=["filters"],
            defs=CONDITION,
        ),
        entry(
            "deduplicate", {"columns": maybe(items({"type": "string"}, "By these."))}
        ),
        entry(
            "deduplicate_wrt_notebook",
            {"notebook_id": text("Rows of this notebook are dropped.")},
            required=["notebook_id"],
        ),
        entry(
            "group_by",
            {
                "columns": items(
                    {"type": "string"}, "Columns to group by.", minItems=1
                ),
                "aggregate": mapping(
                    {"enum": ["count", "first", "sum", "mean"]}, "By column."
                ),
            },
            required=["columns"],
        ),
        entry(
            "remove_columns",
            {"columns": items({"type": "string"}, "Columns to drop.", minItems=1)},
            required=["columns"],
        ),
        entry(
            "append_to_notebook",
            {
                "notebook_id": text("An id, or `__create_new__`."),
                "notebook_name": maybe(text("The name of a new notebook.")),
            },
            required=["notebook_id"],
        ),
        entry(
            "send_slack_message",
            {
                "channel": text(f"`#channel`, or its id. Not {SECRET}."),
                "message": text("Text; `{{column}}` is replaced.", maxLength=4000),
                "mention": maybe(items({"type": "string"}, "Members to mention.")),
                "once_per_run": flag("One message a run, not one a row.", False),
            },
            required=["channel", "message"],
        ),
        entry(
            "outgoing_webhook",
            {
                "url": text("Where to post the rows.", format="uri"),
                "timeout_seconds": maybe(whole("", minimum=1, maximum=60), 30),
            },
            required=["url"],
        ),
        entry(
            "hubspot_import",
            {
                "object_type": {
                    "enum": ["contacts", "companies"],
                    "type": "string",
                    "description": "What to import.",
                },
                "list_id": maybe(text("Only this list.")),
            },
            required=["object_type"],
        ),
        {"block_name": "yc_batches"},
        entry(
            "yc_companies",
            {
                "batches": maybe(
                    items({"type": "string", "pattern": "^[WSFX][0-9]{2}$"}, "As W24.")
                )
            },
        ),
        entry(
            "reddit_search",
            {
                "query": text("What to look for.", minLength=1),
                "subreddits": maybe(items({"type": "string"}, "Only in these.")),
                "sort": {
                    "enum": ["relevance", "new", "top"],
                    "type": "string",
                    "default": "relevance",
                    "description": "Order of the posts.",
                },
                "max_results": whole(
                    "Most authors.", minimum=1, maximum=500, default=50
                ),
                "since": maybe(text("Only posts after it.", format="date-time")),
            },
            required=["query"],
            category="Social",
            input_type="none",
            output_type="LEAD",
            price_per_row=0.02,
        ),
        entry(
            "score_lead",
            {
                "rubric": text("What a good lead is, in words."),
                "signals": items(ref("Signal"), "Signals.", minItems=1, maxItems=20),
                "scale": {
                    "anyOf": [{"enum": [5, 10, 100], "type": "integer"}],
                    "default": 100,
                    "description": "The highest score.",
                },
                "output_column": text("Column for the score.", default="score"),
                "explain": maybe({"type": "boolean"}, default=False),
            },
            required=["signals"],
            defs=SIGNAL,
            category="AI",
            input_type="LEAD",
            output_type="LEAD",
            price_per_row=0.01,
        ),
        hostile(),
    ]


def _make_entries_of_classes(kinds):
    """Entries of our kinds other than these, with the fields of their classes."""
    for kind, cls in CATALOGUE.items():
        if is_built_in(cls) and kind not in kinds:
            schema = specs_schema(cls)
            for field in schema["properties"].values():
                del field["x-flow64"]
            yield entry(kind, schema["properties"], schema["required"])


ANSWER = _make_answer()
ANSWER += _make_entries_of_classes([one["block_name"] for one in ANSWER])
"""The answer."""


# -- Some weeks later -----------------------------------------------------------------

CHANGES = {
    "new": ("post_to_x",),
    "gone": ("yc_batches",),
    "changed": {
        "find_email": "another default of mode, and the word PERSONAL is gone",
        "find_phone": "another price",
        "find_subdomains": "has a schema now",
        "reddit_search": "a higher maximum, and a new required field subreddits",
        "score_lead": "rubric is required, scale is gone, explain has another text",
        "send_slack_message": "a new field thread",
        "search": "query is longer at least",
    },
}


def _make_later():
    found = {one["block_name"]: one for one in deepcopy(ANSWER)}
    del found["yc_batches"]

    email = found["find_email"]["specs_schema"]
    email["$defs"]["EmailMode"]["enum"].remove("PERSONAL")
    email["properties"]["mode"]["default"] = "BOTH"

    found["find_phone"]["price_per_row"] = 0.25
    found["find_subdomains"] = entry(
        "find_subdomains", {"limit": whole("Most names.", minimum=1, default=50)}
    )
    found["search"]["specs_schema"]["properties"]["query"]["minLength"] = 5

    reddit = found["reddit_search"]["specs_schema"]
    reddit["properties"]["max_results"]["maximum"] = 1000
    reddit["properties"]["subreddits"] = items(
        {"type": "string"}, "Only in these.", minItems=1
    )
    reddit["required"] = ["query", "subreddits"]

    score = found["score_lead"]["specs_schema"]
    score["required"] = ["rubric", "signals"]
    del score["properties"]["scale"]
    score["properties"]["explain"]["description"] = "Also say why."

    slack = found["send_slack_message"]["specs_schema"]["properties"]
    slack["thread"] = maybe(text("Reply to this message."))

    found["post_to_x"] = entry(
        "post_to_x",
        {"message": text("What to post.", maxLength=280)},
        required=["message"],
        category="Output",
        input_type="any",
        output_type="same",
    )
    return [found[kind] for kind in reversed(found)]  # the order means nothing


LATER = _make_later()
"""The answer some weeks later."""
