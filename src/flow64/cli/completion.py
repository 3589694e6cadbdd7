"""`flow64 completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import ShellComplete, get_completion_class

from ._shared import format_example, json_option
from ._terminal import print_json, print_text

PROFILES: Final = {
    "bash": ("~/.bashrc", 'eval "$(flow64 completion bash)"'),
    "zsh": ("~/.zshrc", 'eval "$(flow64 completion zsh)"'),
    "fish": ("~/.config/fish/config.fish", "flow64 completion fish | source"),
}
"""The file that a shell reads when it starts, and what to write there."""

VARIABLE: Final = "_FLOW64_COMPLETE"
"""By this environment variable a script asks what there is to complete."""


@click.command(
    "completion",
    epilog=format_example(*(f"flow64 completion {shell}" for shell in PROFILES)),
)
@click.argument("shell", type=click.Choice([*PROFILES]))
@json_option
def command(*, shell: str, as_json: bool) -> int:
    """Print the script that completes commands, options and environments.

    The line to add to the profile of the shell stands at its top. Bash has to be 4.4 or
    later, and zsh has to have run `compinit`. While it completes nothing is sent, and
    none of your code is imported.
    """
    file, line = PROFILES[shell]
    script = _script(shell)
    if as_json:
        print_json({"shell": shell, "script": script, "file": file, "line": line})
        return 0
    print_text(f"# for every new shell, add this line to {file}: {line}\n{script}\n")
    return 0


def _script(shell: str) -> str:
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    # Not that of the class, which in bash looks for the version of some other bash.
    return ShellComplete.source(kind(root, {}, "flow64", VARIABLE)).strip()
