"""`flow64 completion`: print the script for shell completion."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import ShellComplete, get_completion_class

from . import _params as params
from ._outputs import CompletionScript
from ._terminal import print_json, print_text

PROFILES: Final = {
    "bash": ("~/.bashrc", 'eval "$(flow64 completion bash)"'),
    "zsh": ("~/.zshrc", 'eval "$(flow64 completion zsh)"'),
    "fish": ("~/.config/fish/config.fish", "flow64 completion fish | source"),
}
"""The profile of each shell, and the line to add to it."""

VARIABLE: Final = "_FLOW64_COMPLETE"
"""The environment variable with which a script asks for completions."""


@params.command("completion", *(f"flow64 completion {shell}" for shell in PROFILES))
@click.argument("shell", type=click.Choice([*PROFILES]))
@params.as_json
def command(*, shell: str, as_json: bool) -> int:
    """Print the script that completes commands, options and environments.

    Its first line shows what to add to your profile. Bash 4.4 or later is needed; zsh
    must have run `compinit`. Completion sends nothing and imports none of your code.
    """
    file, line = PROFILES[shell]
    script = _script(shell)
    if as_json:
        found: CompletionScript = {
            "shell": shell,
            "script": script,
            "file": file,
            "line": line,
        }
        print_json(found)
        return 0
    print_text(f"# for every new shell, add this line to {file}: {line}\n{script}\n")
    return 0


def _script(shell: str) -> str:
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    # Not that of the class, which in bash looks for the version of some other bash.
    return ShellComplete.source(kind(root, {}, "flow64", VARIABLE)).strip()
