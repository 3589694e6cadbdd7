"""Messages for common mistakes: what is wrong, where, and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.pipelines import id_of, written

pytestmark = pytest.mark.unmeasured

USES_VALUE = (
    "hooks = made('hooks', Webhook(LEAD) >> OutgoingWebhook(url=value('hook')))"
)

VARIANTS = """
from flow64 import variants

inbound = made("inbound", Webhook(LEAD))

def build(url):
    return made("leads", Webhook(LEAD) >> OutgoingWebhook(url=url))

leads = variants(build, {c: {"url": f"https://x.example/{c}"} for c in ("us", "uk")})
"""

ENDS = """
ends = made(
    "ends",
    Webhook(LEAD) >> [
        LeadEnrichment(return_fields={"title": "Title"}, key="first"),
        LeadEnrichment(return_fields={"title": "Title"}, key="second"),
        FindEmail(key="third"),
    ],
)
"""


@pytest.fixture
def write(service, namespace, tmp_path, people):
    """Write workflows into a file, next to one of rows."""
    return lambda text: written(tmp_path, namespace, text)


def settings(**more):
    """Write a pyproject.toml with an environment `local` at the service of a test."""
    text = f"[tool.flow64]\nsource = {json.dumps(more.pop('source', 'two.py'))}\n"
    text += "[tool.flow64.environments.local]\n"
    text += 'api_key = { env = "SIXTYFOUR_API_KEY" }\n'
    text += "".join(f"{name} = {json.dumps(text)}\n" for name, text in more.items())
    Path("pyproject.toml").write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["run", "leads.py", "--max-cost", "free"],
            (
                "--max-cost: 'free' is not a number of dollars "
                "from 0 up; write for example --max-cost 50 (see flow64 run --help)"
            ),
        ),
        (
            ["watch", "x", "--every", "often"],
            (
                "--every: 'often' is not a number of seconds above "
                "0; write for example --every 5 (see flow64 watch --help)"
            ),
        ),
        (
            ["runs", "--limit", "all"],
            (
                "--limit: 'all' is not a whole number from 1 to "
                "500; write for example --limit 20 (see flow64 runs --help)"
            ),
        ),
        (
            ["runs", "--status", "failed"],
            (
                "--status: the service has no filter 'failed'; it "
                "has active, running, completed, cancelled; without --status all runs "
                "are listed, failed ones too (see flow64 runs --help)"
            ),
        ),
        (
            ["runs", "--status", "complete"],
            (
                "--status: the service has no filter 'complete' "
                "(did you mean 'completed'?); it has active, running, completed, "
                "cancelled; without --status all runs are listed, failed ones too (see "
                "flow64 runs --help)"
            ),
        ),
        *(
            (
                [command, "notanid", *more],
                (
                    "RUN_ID: 'notanid' is not the id of a run, "
                    "which is a UUID; `flow64 runs` lists the newest ones (see flow64 "
                    f"{command} --help)"
                ),
            )
            for command, *more in (["watch"], ["results", "-o", "out"], ["cancel"])
        ),
    ],
)
def test_command_line(service, flow64, arguments, problem):
    """An option or argument that cannot be used. Nothing is sent."""
    before = len(service.requests)

    assert flow64(*arguments) == (64, "", f"error: {problem}\n")
    assert len(service.requests) == before


@pytest.mark.parametrize(
    ("text", "code", "problem"),
    [
        (
            '{"hok": "https://x.example/h"}',
            1,
            (
                "'hooks' needs values that environment 'default' does not give: hook "
                "(did you mean 'hok'?); it gives hok\n"
                'to set it: values.NAME = { env = "VARIABLE" } in the table of the '
                "environment in pyproject.toml, or --values FILE, a JSON object such "
                'as {"name": "what it is"}'
            ),
        ),
        (
            '{"hook": "https://x.example/h",}',
            64,
            (
                "--values: values.json:1: it is not valid JSON: a "
                'comma follows the last entry; leave it out; write {"NAME": "its '
                'content"} (see flow64 run --help)'
            ),
        ),
        (
            '{"hook"',
            64,
            (
                "--values: values.json:1: it is not valid JSON: "
                'Expecting \':\' delimiter; write {"NAME": "its content"} (see flow64 '
                "run --help)"
            ),
        ),
        (
            "[1]",
            64,
            (
                "--values: values.json is not a JSON object; write "
                '{"NAME": "its content"} (see flow64 run --help)'
            ),
        ),
    ],
)
def test_values(write, flow64, text, code, problem):
    """A name in the file of values is misspelt, or the file is not right."""
    file = write(USES_VALUE)
    Path("values.json").write_text(text, "utf-8")

    given = ("--values", "values.json", "--new", "--yes")
    found = flow64("run", file, "people.csv", *given)

    assert found[:2] == (code, "")
    assert found[2].endswith(f"error: {problem}\n")


@pytest.mark.parametrize("command", [["check"], ["check", "code"], ["graph", "code:a"]])
def test_source_of_the_settings(service, flow64, command):
    """The message names the line of the settings."""
    Path("leads.py").write_text("", "utf-8")
    settings(source="leeds.py")

    assert flow64(*command) == (
        64,
        "",
        (
            "error: there is no file, folder or module 'leeds.py' (did you mean "
            "'leads.py'?); it is source = \"leeds.py\" under [tool.flow64] of "
            f"pyproject.toml (see flow64 {command[0]} --help)\n"
        ),
    )


def test_source_of_faulty_settings(service, flow64):
    """They say themselves what is wrong with them."""
    Path("pyproject.toml").write_text("[tool.flow64]\nsourc = 1\n", "utf-8")

    code, _, told = flow64("check", "leeds.py")

    assert (code, "leeds.py" in told, "pyproject.toml" in told) == (64, True, False)


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("api.sixtyfour.ai", "https://api.sixtyfour.ai"),
        ("localhost:6464", "http://localhost:6464"),
        ("127.0.0.1:6464/v1", "http://127.0.0.1:6464/v1"),
    ],
)
def test_endpoint_without_scheme(service, flow64, monkeypatch, endpoint, address):
    """In a variable, and in the settings."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", endpoint)
    given = flow64("list")
    settings(endpoint=endpoint)
    configured = flow64("list")

    assert given == (
        1,
        "",
        (
            "error: the endpoint given by SIXTYFOUR_API_ENDPOINT has no scheme; write "
            f"{address}\n"
        ),
    )
    assert configured == (
        1,
        "",
        (
            "error: pyproject.toml cannot be used:\n"
            "  line 5, [tool.flow64.environments.local]: endpoint has no scheme; write "
            f"{address}\n"
        ),
    )


def test_history_of_an_unknown_key(service, leads, flow64):
    """Whether or not anything else was replaced."""
    before = flow64("history", "nokey")
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Job title", "Role"), "utf-8")
    flow64("deploy", "leads.py", "--yes")

    assert before == (0, "", "nothing of 'nokey' was replaced yet\n")
    assert flow64("history", "inbond") == (
        64,
        "",
        (
            "error: KEY: there is no workflow 'inbond' (did you mean "
            "'inbound'?); there are inbound (see flow64 history --help)\n"
        ),
    )


@pytest.mark.parametrize("source", ["code:leads/*", "local:leads/*"])
def test_several_variants(service, write, flow64, source):
    """A plan writes `leads/*` for several. Where one is wanted, they are listed."""
    write(VARIANTS)
    settings(endpoint=service.url)
    flow64("deploy", "--yes")

    code, printed, told = flow64("code", source)
    every = flow64("code", source, "-o", "all.py")

    assert (code, printed, every[0]) == (64, "", 0)
    assert told in (
        f"error: {source} means 2 workflows: {names}; name one of them, or a file for "
        "all with -o FILE (see flow64 code --help)\n"
        for names in ("leads/us, leads/uk", "leads/uk, leads/us")
    )


@pytest.mark.parametrize(
    "command",
    [
        ["code", "local:ID"],
        ["graph", "local:ID"],
        ["diff", "local:ID", "leads.py"],
        ["run", "local:ID", "people.csv", "--new", "--dry-run"],
        ["runs", "local:ID"],
    ],
    ids=lambda command: command[0],
)
def test_id_in_the_place_of_a_key(service, leads, people, flow64, command):
    """It means one of ours all the same, as `local:id:ID` does, and `ID` alone."""
    settings(endpoint=service.url, source="leads.py")
    flow64("deploy", "--yes")
    own = id_of("leads.py", "local")

    found = [
        flow64(*(word.replace("local:ID", text) for word in command))
        for text in (f"local:{own}", f"local:id:{own}", own, f"id:{own}")
    ]

    assert [one[0] for one in found] == [0] * 4
    assert [one[1] for one in found] == [found[0][1]] * 4


UNKNOWN = "0f0e0d0c-5a0e-4d6f-9a2c-1f5d3c7e8a90"


@pytest.mark.parametrize("prefix", ["", "id:", "local:", "local:id:"])
def test_unknown_id(service, flow64, prefix):
    """The ids that there are can be listed."""
    settings(endpoint=service.url)

    assert flow64("graph", f"{prefix}{UNKNOWN}") == (
        64,
        "",
        (
            f"error: local has no workflow {UNKNOWN}; `flow64 list --env local` shows "
            "the ids (see flow64 graph --help)\n"
        ),
    )


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("find_email", "find_email is a kind, and its key path is third"),
        (
            "lead_enrichment",
            "lead_enrichment is the kind of first and second; name one",
        ),
        ("tihrd", "no block has the key path 'tihrd' (did you mean 'third'?)"),
        ("9", "no block has the number 9"),
    ],
)
def test_kind_in_the_place_of_a_key_path(write, flow64, block, problem):
    """Before the run is started."""
    file = write(ENDS)
    flow64("deploy", file, "--yes")

    found = flow64(
        *("run", file, "people.csv", "--new", "--yes"),
        *("--output", "out.csv", "--block", block),
    )

    assert found == (
        64,
        "",
        (
            f"error: --block: {problem}; there are webhook, first, "
            "second and third (see flow64 run --help)\n"
        ),
    )


def test_results_of_a_kind(service, leads, people, flow64):
    """The service knows the kinds of the blocks of a run."""
    flow64("deploy", "leads.py", "--yes")
    _, run, _ = flow64(
        "run", "leads.py", "people.csv", "--new", "--yes", "--every", 0.01
    )

    found = flow64("results", run.strip(), "-o", "out", "--block", "find_email")

    assert found == (
        1,
        "",
        (
            "error: --block: no block has the key path 'find_email'; there are "
            "webhook and lead_enrichment\n"
        ),
    )


# -- Renames --------------------------------------------------------------------------

BEFORE = "w = made('old', Webhook(LEAD) >> FindEmail())"


def test_new_key_of_a_workflow(service, write, flow64):
    """With --quiet the refusal says how the ids are kept."""
    settings(endpoint=service.url)
    write(BEFORE)
    flow64("deploy", "--yes")
    write(BEFORE.replace("'old'", "'new'"))

    plan = flow64("plan", "-q")
    result = flow64("deploy", "--yes", "-q")

    assert '\n        was="old"\n' in plan[1]
    assert result == (
        3,
        (
            "refused    new  it is not on the service yet; it may be old under another "
            'key; to keep its ids, write was="old"; to allow it, add --create new\n'
        ),
        "error: the plan was refused, and nothing was written\n",
    )


@pytest.mark.parametrize("options", [[], ["-q"]])
def test_new_key_of_a_block(service, write, flow64, options):
    """The plan says it in its first lines and at the change; else it is said once."""
    settings(endpoint=service.url)
    write(BEFORE)
    flow64("deploy", "--yes")
    write(BEFORE.replace("Email()", "Email(key='mail')"))

    code, _, told = flow64("deploy", "--yes", *options)

    said = told.count("with another id (was= keeps it)")
    assert (code, said) == (0, 1 if options else 2)
    if options:
        line = "old: block mail was find_email ("
        assert told.startswith(line)
