"""`flow64 help environments`: which service, organisation and credential are used."""

from __future__ import annotations

from typing import Final

from ...definition import DEFAULT_ENV
from ...environments import EMULATOR

TEXT: Final = f"""\
An environment is a named place to deploy to: an endpoint, an organisation, a
credential, and values. [tool.flow64.environments.NAME] of pyproject.toml describes it.
The file names the variable that holds a key, never the key.

\b
Without --env NAME it is
  1. the only environment of [tool.flow64]; if there are several, name one,
  2. without [tool.flow64], the environment {DEFAULT_ENV!r}: SIXTYFOUR_API_ENDPOINT
     says where, and SIXTYFOUR_API_KEY or an OAuth client who.

The environment {EMULATOR!r} always exists. It is an emulator on this machine, at no
cost.

The name is part of the ids: one workflow has one id in each environment. Without
[tool.flow64] any name is taken, and the endpoint and the credential are shown before
anything is sent.

\b
Example:
  [tool.flow64]
  source = "pipelines"
\b
  [tool.flow64.environments.prod]
  api_key = {{ env = "SIXTYFOUR_PROD_KEY" }}
  org_id = "org_of_prod"
"""
