"""`flow64 help addresses`: which workflows a text means."""

from __future__ import annotations

from typing import Final

TEXT: Final = """\
An address says which workflows a command works on.

\b
  pipelines  leads.py  live  acme.leads    a folder, a file, a module
  pipelines:leads/us                       one workflow of it, by its key
  code  code:leads/us                      the source of [tool.flow64]
  leads/us                                 a key of that source
  prod  prod:leads/us                      live workflows of an environment
  prod:id:UUID  UUID                       any live workflow, by its id
  -                                        JSON of one workflow, from stdin

A UUID alone is in the environment of -e. With `pull`, so is a key alone. If live
workflows of several projects have a key, it means that of your project.

If a text has two meanings, the first of these is taken, and a message names it: a file
or folder, the file of a module, an environment, a key, an installed module. code:KEY
and ENV:KEY are always clear, and so is ./FOLDER.

A key may be a pattern, as in 'leads/*': all variants of leads. `*` matches any text,
with slashes too, `?` one character, and `[ab]` one of these. Quote it for the shell.

\b
  -s, --select 'leads/*' only these keys; repeat it for more
  --exclude leads/jp     without these keys; repeat it for more
  --changed              only what differs in code from its last deploy; what is
                         new differs, an edit on the service does not

A pattern that matches nothing is an error. With a key or a selection, nothing is
pruned, since the rest of the project is not looked at. So to try a change on one
workflow, and then deploy the rest:

\b
Example:
  flow64 deploy leads/us
  flow64 deploy
"""
