"""Emulators with clients. Every response is held to the published document."""

from __future__ import annotations

import re

import httpx
import pytest

from flow64.emulator import Emulator
from flow64.emulator.operations import DOCUMENT, make_validator


def hold_to_document(response):
    """Fail if a response violates the document."""
    path, method = response.request.url.path, response.request.method.lower()
    templates = sorted(DOCUMENT["paths"], key=lambda template: template.count("{"))
    for template in templates:
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method in DOCUMENT["paths"][template]:
            responses = DOCUMENT["paths"][template][method]["responses"]
            answer = responses[str(response.status_code)]
            name = answer.get("$ref", "").rpartition("/")[2]
            answer = DOCUMENT["components"]["responses"].get(name, answer)
            response.read()
            if "content" in answer:
                schema = answer["content"]["application/json"]["schema"]
                make_validator(schema).validate(response.json())
            else:
                assert response.content == b""
            return


def connect(emulator, key="key", **options):
    """Make a client of an emulator that needs no port."""
    return httpx.Client(
        transport=emulator.transport(),
        base_url="http://localhost",
        headers={"x-api-key": key},
        event_hooks={"response": [hold_to_document]},
        **options,
    )


@pytest.fixture
def emulator():
    """An emulator in memory, without a port."""
    made = Emulator()
    yield made
    made.stop()
    made.store.close()


@pytest.fixture
def client(emulator):
    with connect(emulator) as made:
        yield made
