"""`flow64 help environments`: which service, organisation and credential are used."""

from __future__ import annotations

from typing import Final

from ...definition import DEFAULT_ENV
from ...environments import EMULATOR, ENV_NAME

TEXT: Final = f"""\
An environment is a named place to deploy to: an endpoint, an organisation, a
credential, and values. [tool.flow64.environments.NAME] of pyproject.toml describes it.
The file names the variable that holds a key, never the key.

\b
The first of these that there is says which one a command uses:
  1. -e NAME, or --env NAME,
  2. the variable {ENV_NAME}, unless it is empty; the command then says so,
  3. default_env = "NAME" under [tool.flow64],
  4. the only environment of [tool.flow64],
  5. without any of [tool.flow64], {DEFAULT_ENV!r}: SIXTYFOUR_API_ENDPOINT says where,
     and SIXTYFOUR_API_KEY or an OAuth client who.

Commands that send nothing, such as check, compile and graph, compute ids for the
environment of -e, else for {DEFAULT_ENV!r}, so that the same command gives the same
bytes on every machine. An address such as prod:leads names its environment itself, and
so does a saved plan.

The environment {EMULATOR!r} always exists. It is an emulator on this machine, at no
cost. It needs no server; if `flow64 serve --store` has its file open, that is used. An
endpoint on this machine needs no api_key, and gets none of yours.

The name is part of the ids: one workflow has one id in each environment. Without
[tool.flow64] any name is taken, and the endpoint and the credential are shown before
anything is sent.

\b
Example:
  [tool.flow64]
  source = "pipelines"
  default_env = "local"

\b
  [tool.flow64.environments.local]
  endpoint = "http://127.0.0.1:6464"

\b
  [tool.flow64.environments.prod]
  api_key = {{ env = "SIXTYFOUR_PROD_KEY" }}
  org_id = "org_of_prod"
"""
