"""Commands that import a module send nothing that it asks for at top level."""

from __future__ import annotations

import pytest

CALLS = [
    "inbound.deploy()",
    "inbound.run([{'email': 'ada@acme.example'}])",
    "from flow64 import Client; Client().workflows.list()",
    "import asyncio, flow64; asyncio.run(flow64.AsyncClient().workflows.list())",
]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("command", ["check", "plan", "graph", "compile", "run"])
def test_module_that_sends_is_refused(service, leads, flow64, command, call):
    """With its line, and with what to write."""
    leads.write_text(f"{leads.read_text('utf-8')}{call}\n", "utf-8")
    line = leads.read_text("utf-8").count("\n")
    requests = len(service.requests)
    rows = ["people.csv", "--yes"] if command == "run" else []

    code, printed, told = flow64(command, "leads.py", *rows)

    assert code != 0
    assert f"leads.py:{line}" in printed + told
    assert 'if __name__ == "__main__":' in printed + told
    assert len(service.requests) == requests
