"""`flow64 blocks`: the catalogue, searched, and one block in full."""

from __future__ import annotations

import json

import pytest

from flow64 import Workflow
from flow64.blocks import CATALOGUE, describe_kind, facts_of, specs_schema
from tests.catalogue.answer import ANSWER, HOSTILE, SECRET

LIVE = [
    {
        "block_name": "find_email",
        "specs_schema": {"properties": {"mode": {}, "sp\x1bin": {}}},
    },
    {"block_name": "time_travel", "specs_schema": {"type": "object"}},
]


@pytest.fixture
def live(tmp_path):
    path = tmp_path / "blocks.json"
    path.write_text(json.dumps(LIVE), "utf-8")
    return path


def kinds(printed):
    return [line.split()[0] for line in printed.splitlines()]


def test_all(flow64):
    """Without words it is the whole catalogue, in its order."""
    code, printed, told = flow64("blocks")

    assert (code, kinds(printed), told) == (0, list(CATALOGUE), "")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["phone"], ["find_phone", "reverse_phone"]),
        (["PHONE", "reverse"], ["reverse_phone"]),
        (["email_status"], ["find_email", "filter"]),  # a column, and a description
        (["people_focus_prompt"], ["company_enrichment"]),  # a field
        (["spends-on-create"], []),  # nothing does so by itself
    ],
)
def test_search(words, found, flow64):
    """All words have to be somewhere in what is known of a block."""
    assert kinds(flow64("blocks", *words)[1]) == found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--takes", "company", "--role", "converter"], ["company_to_leads"]),
        (["--gives", "company", "--role", "converter"], ["leads_to_company"]),
        (["enrichment", "--takes", "lead"], ["lead_enrichment", "linkedin_enrichment"]),
        (["find_email", "--takes", "company"], []),
    ],
)
def test_options(options, found, flow64):
    """Row kinds and roles leave out what does not fit, also one that is named."""
    assert kinds(flow64("blocks", *options)[1]) == found


@pytest.mark.parametrize("named", ["find_email", "FindEmail"])
def test_one(named, flow64):
    """A kind or a class alone is shown in full, with how well each fact is known."""
    code, printed, _ = flow64("blocks", named)

    lines = printed.splitlines()
    assert code == 0
    assert lines[0] == "find_email  documented once (SK)"
    assert "import   from flow64.blocks import FindEmail" in lines
    assert "rows     takes LEAD rows, gives LEAD rows (documented once)" in lines
    assert "effects  costs credits in each run" in lines
    assert "price    at most $0.05 a row (documented; FE, SK)" in lines
    assert (
        "         with mode='PERSONAL': at most $0.20 a row (documented once; FE)"
        in (lines)
    )
    assert (
        "  verify_emails: bool · default true · inferred, unconfirmed (endpoint)"
    ) in lines
    assert "  flow = Webhook(LEAD) >> FindEmail()" in lines


def test_prose_is_wrapped(flow64):
    """The line ends of a docstring are not those of a terminal, or of a pipe."""
    lines = flow64("blocks", "search")[1].splitlines()

    start = lines.index("") + 1
    end = lines.index("import   from flow64.blocks import Search")
    text = lines[start:end]
    told = describe_kind(CATALOGUE["search"])
    assert " ".join(" ".join(text).split()) == " ".join(told.split())
    assert text.count("") == told.count("\n\n") + 1
    assert 70 < max(map(len, text)) <= 80


@pytest.mark.parametrize(
    ("named", "line"),
    [
        ("append_to_notebook", "with notebook_id='__create_new__': makes a place to"),
        ("search", "with auto_execute=True: spends as soon as it is created"),
        ("scrape_web", "price    unknown"),
        ("llm_openai", "no source names any; write specs={...}"),
        ("x_search", "role     source, perhaps step"),
        ("company_to_leads", "columns  those of its input are not kept"),
    ],
)
def test_what_matters(named, line, flow64):
    """Spending, unknown prices, and the effects of fields are shown."""
    assert line in flow64("blocks", named)[1]


@pytest.mark.parametrize("kind", CATALOGUE)
def test_whole(kind, flow64):
    """Nothing that the catalogue knows of a block is missing, in text or in data."""
    block = CATALOGUE[kind]

    (data,) = json.loads(flow64("blocks", kind, "--json")[1])["blocks"]
    printed = flow64("blocks", kind)[1]

    fields = {field.pop("name"): field for field in data["fields"]}
    assert fields.keys() == facts_of(block).keys()
    for name, fact in facts_of(block).items():
        assert fields[name]["confidence"] == fact.confidence
        assert f"\n  {name}: " in printed
        assert fact.source in printed
    assert data["specs_schema"] == specs_schema(block)
    assert (data["class"], data["role"]) == (block.__name__, block.about.role)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_example(kind, flow64):
    """The example of every block has it, and compiles."""
    (data,) = json.loads(flow64("blocks", kind, "--json")[1])["blocks"]
    made: dict[str, object] = {}

    exec(data["example"], made)

    workflow = made["example"]
    assert isinstance(workflow, Workflow)
    assert kind in [block.kind for block in workflow.compile().blocks]
    assert max(map(len, data["example"].splitlines())) <= 88


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["searc_h"], "no known block matches 'searc_h' (did you mean 'search'?)"),
        (
            ["FindEmial"],
            "no known block matches 'FindEmial' (did you mean 'FindEmail'?)",
        ),
        (
            ["enrich_lead"],
            "'enrich_lead' is an old name; the block is now 'lead_enrichment'",
        ),
        (["email", "zzz"], "no known block matches 'email zzz'"),
        (
            ["--takes", "lead", "--role", "converter", "--gives", "lead"],
            "no block matches",
        ),
        (["\x1b[31m"], "no known block matches '\\x1b[31m'"),
    ],
)
def test_nothing(words, said, flow64):
    """If nothing is found it exits with 1, and suggests a name."""
    code, printed, told = flow64("blocks", *words)

    assert (code, printed) == (1, "")
    assert told.startswith(said)
    assert "\x1b" not in told


def test_new(flow64):
    """For an unknown kind, a raw block is suggested."""
    told = flow64("blocks", "time_travel")[2]

    assert "RawBlock('time_travel', specs={...})" in told


def test_json_of_nothing(flow64):
    """As data, nothing is an empty list."""
    code, printed, _ = flow64("blocks", "zzz", "--json")

    assert (code, json.loads(printed)["blocks"]) == (1, [])


def test_live(live, flow64):
    """A saved list of the service shows what it lacks, and what it has besides."""
    printed = flow64("blocks", "--blocks", live)[1]

    lines = {line.split()[0]: line for line in printed.splitlines()}
    assert "(not listed)" in lines["find_phone"]
    assert "(not listed)" not in lines["find_email"]
    assert "RawBlock" in lines["time_travel"]


def test_live_one(live, flow64):
    """For one block, fields are compared with those of the service."""
    told = flow64("blocks", "find_email", "--blocks", live)[2]
    absent = flow64("blocks", "find_phone", "--blocks", live)[2]

    assert "and also has the fields: sp\\x1bin\n" in told
    assert "but does not have the fields: verify_emails, providers\n" in told
    assert absent == "the service does not list 'find_phone'\n"


@pytest.fixture
def answer(tmp_path):
    path = tmp_path / "answer.json"
    path.write_text(
        json.dumps({"date": "2026-11-28", "blocks": ANSWER}), encoding="utf-8"
    )
    return path


def test_live_fields(answer, flow64):
    """All fields of the live schema are shown, and what bounds them."""
    code, printed, told = flow64("blocks", "find_email", "--blocks", answer)

    of = "fields in the live catalogue of 2026-11-28:"
    shown = printed.splitlines()[printed.splitlines().index(of) + 1 :]
    assert (code, told) == (0, "")
    assert shown == [
        "  mode: PROFESSIONAL or PERSONAL or BOTH · default 'PROFESSIONAL'",
        "      Which addresses to find.",
        "  verify_emails: bool · default true",
        "      Check each address by SMTP.",
        "  providers: Sequence[str] or null · default null",
        "      Providers to ask, in this order.",
    ]


def test_live_kind(answer, flow64):
    """A kind that only the service knows is shown in full too."""
    code, printed, told = flow64("blocks", "score_lead", "--blocks", answer)

    lines = printed.splitlines()
    assert (code, told) == (0, "")
    assert lines[0] == "score_lead  the live catalogue of 2026-11-28"
    assert "input_type  LEAD" in lines
    assert "  signals: Sequence[Signal] · required · minItems 1 · maxItems 20" in lines
    assert "  signals[*].weight: float · required · minimum -100 · maximum 100" in lines
    assert lines[-1] == "  RawBlock('score_lead', specs={'signals': ...})"


def test_live_kind_without_fields(answer, flow64):
    """An entry without a schema, or without fields, says so."""
    damaged = flow64("blocks", "yc_batches", "--blocks", answer)[1]
    empty = flow64("blocks", "leads_to_company", "--blocks", answer)[1]

    assert damaged.endswith("\n  its entry has no schema that can be used\n")
    assert empty.endswith("\n  none\n")


def test_live_kind_data(answer, flow64):
    """As data, each field has what its schema says."""
    (data,) = json.loads(
        flow64("blocks", "reddit_search", "--blocks", answer, "--json")[1]
    )["blocks"]

    fields = {one["name"]: one for one in data["live_fields"]}
    assert data["live_other_keys"]["price_per_row"] == 0.02
    assert fields["sort"] == {
        "name": "sort",
        "type": "relevance or new or top",
        "required": False,
        "nullable": False,
        "words": ["relevance", "new", "top"],
        "default": "relevance",
        "limits": {},
        "description": "Order of the posts.",
    }
    assert "default" not in fields["query"]


def test_live_search(answer, flow64):
    """A search looks into what the service says of new kinds, and suggests them."""
    printed = flow64("blocks", "rubric", "--blocks", answer)[1]
    code, _, told = flow64("blocks", "scor_laed", "--blocks", answer)

    assert printed.startswith("score_lead  the live catalogue")
    assert (code, "(did you mean 'score_lead'?)" in told) == (1, True)


def test_hostile(answer, flow64):
    """No text of an entry steers the terminal, and no key is shown."""
    printed = flow64("blocks", HOSTILE, "--blocks", answer)[1]
    slack = flow64("blocks", "send_slack_message", "--blocks", answer)[1]
    table = flow64("blocks", "--blocks", answer)[1]
    data = flow64("blocks", "--blocks", answer, "--json")[1]

    assert all(
        line.isprintable() for line in [*printed.splitlines(), *table.split("\n")]
    )
    assert SECRET not in slack + data
    assert max(map(len, table.splitlines())) < 200


def test_settings(answer, flow64, monkeypatch):
    """The list that the settings name is used by itself."""
    monkeypatch.chdir(answer.parent)
    text = '[tool.flow64]\nblocks = "answer.json"\n'
    (answer.parent / "pyproject.toml").write_text(text, "utf-8")

    assert "score_lead" in flow64("blocks", "score_lead")[1]


def test_live_of_no_use(tmp_path, flow64):
    """A schema without fields says nothing of them."""
    path = tmp_path / "blocks.json"
    text = '[{"block_name": "find_email", "specs_schema": {"properties": 5}}]'
    path.write_text(text, "utf-8")

    assert flow64("blocks", "find_email", "--blocks", path)[::2] == (0, "")


def test_live_data(live, flow64):
    """The data has the schema of the service next to ours."""
    found = json.loads(flow64("blocks", "time", "--blocks", live, "--json")[1])[
        "blocks"
    ]
    (known,) = json.loads(
        flow64("blocks", "find_email", "--blocks", live, "--json")[1]
    )["blocks"]

    (raw,) = [one for one in found if one["class"] == "RawBlock"]
    assert raw["example"] == "RawBlock('time_travel', specs={...})"
    assert raw["live_schema"] == {"type": "object"}
    assert (known["is_listed"], known["live_schema"]) == (True, LIVE[0]["specs_schema"])


def test_command_with_a_slip(flow64, tmp_path, monkeypatch):
    """A misspelt second word of a command is no new kind of block."""
    monkeypatch.chdir(tmp_path)

    code, printed, told = flow64("blocks", "synk")

    assert (code, printed) == (1, "")
    assert told == "no known block matches 'synk' (did you mean 'sync'?)\n"
