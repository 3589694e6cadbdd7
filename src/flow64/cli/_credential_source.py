"""From where an environment has its endpoint and its credential, in words."""

from __future__ import annotations

import os

from ..api import CLIENT_NAME, DEFAULT_ENDPOINT, KEY_NAME, NAMES
from ..environments import Environment, OAuthFile, Reference, Settings


def credential_source(environment: Environment) -> str:
    """What holds the credential: a variable, or a file."""
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


def endpoint_source(environment: Environment) -> str:
    """What says where it leads: a variable, or the settings."""
    match environment.endpoint:
        case Reference(variable=name):
            return name
        case str(text):
            return f"the endpoint {text} of environment {environment.name!r}"
        case None:
            given = next((name for name in NAMES if os.environ.get(name)), None)
            return given or f"{NAMES[0]} (not set, so {DEFAULT_ENDPOINT})"


def no_settings(settings: Settings) -> str:
    """That no environment is configured, and where that was looked for."""
    if settings.file is None:
        return "no [tool.flow64] was found from here up"
    return f"[tool.flow64] of {settings.file.name} names no environment"


def unnamed(settings: Settings, environment: Environment, endpoint: str) -> str:
    """What an environment is that nothing is configured for: it may be misspelled."""
    endpoints = next((name for name in NAMES if os.environ.get(name)), NAMES[0])
    return (
        f"{no_settings(settings)}: environment {environment.name} is {endpoints} and "
        f"{credential_source(environment)} at {endpoint}"
    )
