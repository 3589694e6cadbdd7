"""Descriptions of where an endpoint and a credential come from."""

from __future__ import annotations

import os

from ..api import CLIENT_NAME, DEFAULT_ENDPOINT, KEY_NAME, NAMES
from ..environments import Environment, OAuthFile, Reference, Settings


def describe_credential_source(environment: Environment) -> str:
    """Name the variable or file that holds the credential."""
    match environment.credential:
        case Reference(variable=name):
            return name
        case OAuthFile(file=Reference(variable=name)):
            return f"the OAuth client whose key is in the file that {name} names"
        case OAuthFile(file=file):
            return f"the OAuth client whose key is in {file}"
        case None if os.environ.get(CLIENT_NAME):
            return f"the OAuth client of {CLIENT_NAME}"
        case None:
            return KEY_NAME


def describe_endpoint_source(environment: Environment) -> str:
    """Name the variable or setting that holds the endpoint."""
    match environment.endpoint:
        case Reference(variable=name):
            return name
        case str(text):
            return f"the endpoint {text} of environment {environment.name!r}"
        case None:
            given = next((name for name in NAMES if os.environ.get(name)), None)
            return given or f"{NAMES[0]} (not set, so {DEFAULT_ENDPOINT})"


def describe_missing_settings(settings: Settings) -> str:
    """Say that no environment is configured, and where settings were looked for."""
    if settings.file is None:
        return "no [tool.flow64] was found from here up"
    return f"[tool.flow64] of {settings.file.name} names no environment"


def describe_default_environment(
    settings: Settings, environment: Environment, endpoint: str
) -> str:
    """Describe an environment without settings: its name may be misspelled."""
    endpoints = next((name for name in NAMES if os.environ.get(name)), NAMES[0])
    credential = describe_credential_source(environment)
    return (
        f"{describe_missing_settings(settings)}: environment {environment.name} is "
        f"{endpoints} and {credential} at {endpoint}"
    )
