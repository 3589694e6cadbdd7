"""The install source: where the jobs of a new project get flow64 from.

Later steps of these jobs hold the production key, and anyone can claim a name that an
index does not have. So a release of an index is used only if this flow64 came from an
index. For a clone, it is the remote and the commit. In all other cases people decide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from attrs import frozen

from ..definition import load_json
from ..deploy import Git, run_git
from ._params import option_error

FILE: Final = "requirements-flow64.txt"
"""The file of a project that holds its install source."""

STOP: Final = "say where flow64 comes from: "
"""The beginning of a line that is not a requirement. pip and uv fail at it."""

EXTRAS: Final = frozenset({"cli", "emulator", "schemas"})
"""The extras that a project needs, for its jobs and for its tests."""

NAME: Final = f"flow64[{','.join(sorted(EXTRAS))}]"
"""The name with the extras, for pip."""

EXAMPLE: Final = "git+https://git.acme.example/acme/flow64@COMMIT"
"""An example of a source."""

_VERSION: Final = (
    r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?"
    r"(?:\.dev[0-9]+)?(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?"
)
_BOUND: Final = rf"(?:==|!=|~=|>=|<=|>|<) *{_VERSION}(?:\.\*)?"
_HOST: Final = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?"
_PATH: Final = r"(?:/[A-Za-z0-9._~%+-]+)+"
_FOLDER: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]*"

# None of these has a meaning in YAML, a shell, or pip: no space, quote, `$` or `;`.
_GIT: Final = re.compile(
    rf"git\+(?:https://|ssh://(?:[A-Za-z0-9._-]+@)?){_HOST}{_PATH}"
    r"(?:@(?P<revision>[A-Za-z0-9_][A-Za-z0-9._/-]*))?"
    rf"(?:#subdirectory={_FOLDER}(?:/{_FOLDER})*)?"
)
_ARCHIVE: Final = re.compile(
    rf"https://{_HOST}{_PATH}(?:#sha256=(?P<hash>[0-9a-f]{{64}}))?"
)
_REQUIREMENT: Final = re.compile(
    r"(?i:flow64) *(?:\[ *(?P<extras>[a-z0-9-]+(?: *, *[a-z0-9-]+)*) *\])? *"
    rf"(?:@ *(?P<address>[^ ]+)|(?P<bounds>{_BOUND}(?: *, *{_BOUND})*)?)"
)
_SCP: Final = re.compile(r"((?:[^@/:]+@)?[A-Za-z0-9.-]{2,}):(?!//)/?(.+)")
"""An ssh address in the form of git: `git@host:org/repo`."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOCAL: Final = re.compile(r"(?:.*\.)?localhost|127\.[0-9.]+|0\.0\.0\.0", re.IGNORECASE)

_NOT_RECORDED: Final = "it is unknown how this flow64 was installed"
_NO_RELEASE: Final = "this flow64 is a build that no index has"
_LOCAL_PLACE: Final = "this flow64 was installed from a path of this machine"
_NO_CLONE: Final = "this flow64 was installed from a folder that is not a clone"
_NO_REMOTE: Final = "the clone of this flow64 has no remote that the jobs can reach"
_NO_ADDRESS: Final = (
    "this flow64 was installed from an address that cannot be written down"
)


@frozen
class InstallSource:
    """The source that flow64 is installed from.

    Attributes:
        requirement: The requirement for pip; None if it is unknown.
        remark: Why it is unknown, or a warning about it.
    """

    requirement: str | None
    remark: str = ""

    def as_line(self) -> str:
        """Return the line of the requirements file. If unknown, pip stops at it."""
        advice = "replace this line by its requirement"
        return self.requirement or f"{STOP}{advice}"

    def describe(self) -> str:
        """Return one line for people."""
        if self.requirement is None:
            return (
                f"{STOP}{self.remark}; the jobs stop until {FILE} names its source, "
                f"such as {NAME} @ {EXAMPLE}"
            )
        doubt = f"; {self.remark}" if self.remark else ""
        return f"{FILE} installs {self.requirement}{doubt}"


def parse_install_source(text: str) -> InstallSource:
    """Parse an install source.

    Args:
        text: A requirement, a version of an index, or an address.

    Raises:
        click.BadParameter: The jobs could not install flow64 from it.
    """
    given = text.strip(" ")
    if re.fullmatch(_VERSION, given):
        given = f"flow64=={given}"
    elif given.startswith(("https://", "git+")):
        given = f"flow64 @ {given}"
    found = _REQUIREMENT.fullmatch(given)
    if found is None:
        raise _refuse(text)
    extras = {*EXTRAS, *re.findall("[a-z0-9-]+", found["extras"] or "")}
    name = f"flow64[{','.join(sorted(extras))}]"
    if found["address"] is None:
        return _from_index(name, (found["bounds"] or "").replace(" ", ""))
    if not _is_address(found["address"]):
        raise _refuse(text)
    return _from_address(name, found["address"])


def find_install_source() -> InstallSource:
    """Find the install source of this flow64, from its installed metadata."""
    about = distribution("flow64")
    text = about.read_text("direct_url.json")
    if text is None:
        return _find_release(about)
    data = load_json(text)
    match data:
        case {"url": str(url), "vcs_info": {"vcs": "git", "commit_id": str(commit)}}:
            return _find_commit(url, commit, str(data.get("subdirectory") or ""))
        case {"url": str(url), "dir_info": dict() as kind}:
            folder = Path(url2pathname(urlsplit(url).path))
            return _find_clone(folder, is_copy=kind.get("editable") is not True)
        case {"url": str(url), "archive_info": dict() as info}:
            return _find_archive(url, info)
        case _:
            return InstallSource(None, _NOT_RECORDED)


def _refuse(text: str) -> Exception:
    if re.search(r"https://[^/]*@|ssh://[^/@:]*:[^/@]*@|\?", text):
        reason = "it may hold a credential, and the file is committed"
    elif re.search(r"\b(http|git)://", text):
        reason = "without https or ssh, others on the network can replace it"
    elif re.search(r"^[.~/\\-]|^[A-Za-z]:[\\/]|file:|localhost|127\.", text.strip()):
        reason = "a path of this machine, or an option, means nothing to the jobs"
    else:
        reason = "it is not a requirement of flow64"
    return option_error(
        "--from",
        f"{reason}; give a version of an index, such as 0.1.0, or {EXAMPLE}, or the "
        "https address of a wheel",
    )


# -- Sources that are given -----------------------------------------------------------


def _from_index(name: str, bounds: str) -> InstallSource:
    remark = (
        "make sure that the index of the jobs has flow64 and that it is the one you "
        "mean: anyone can claim a name that an index does not have"
    )
    if not re.fullmatch(r"==[^*,]+", bounds):
        remark = f"{_advise_pin('==VERSION')}; {remark}"
    return InstallSource(name + bounds, remark)


def _from_address(name: str, address: str) -> InstallSource:
    archive, repository = _ARCHIVE.fullmatch(address), _GIT.fullmatch(address)
    remark = ""
    if archive is not None and archive["hash"] is None:
        remark = _advise_pin("#sha256=HASH")
    if repository is not None and not _COMMIT.fullmatch(repository["revision"] or ""):
        remark = _advise_pin("@COMMIT, in full")
    return InstallSource(f"{name} @ {address}", remark)


def _advise_pin(pin: str) -> str:
    return f"it is not pinned, so it may be another one tomorrow: add {pin}"


def _is_address(text: str) -> bool:
    """Return True if other machines can use an address, and it holds no credential."""
    found = _GIT.fullmatch(text) or _ARCHIVE.fullmatch(text)
    return found is not None and not _LOCAL.fullmatch(found["host"])


# -- Sources that are found -----------------------------------------------------------


def _find_release(about: Distribution) -> InstallSource:
    # A wheel of `--find-links` has no record either. So a build that no index has is
    # marked by a classifier that no public index accepts.
    if about.read_text("INSTALLER") is None:
        return InstallSource(None, _NOT_RECORDED)
    classifiers = about.metadata.get_all("Classifier") or []
    if any(classifier.startswith("Private ::") for classifier in classifiers):
        return InstallSource(None, _NO_RELEASE)
    return InstallSource(f"{NAME}=={about.version}")


def _find_commit(url: str, commit: str, subdirectory: str) -> InstallSource:
    if url.startswith("file:"):
        return InstallSource(None, _LOCAL_PLACE)
    base = _strip_credentials(url, "git+")
    return _describe_address(base and f"{base}@{commit}{_fragment(subdirectory)}")


def _find_archive(url: str, info: Mapping[str, Any]) -> InstallSource:
    if url.startswith("file:"):
        return InstallSource(None, _LOCAL_PLACE)
    match info:
        case {"hashes": {"sha256": str(digest)}}:
            fragment = f"#sha256={digest}"
        case _:
            fragment = ""
    base = _strip_credentials(url, "")
    return _describe_address(base and base + fragment)


def _find_clone(folder: Path, *, is_copy: bool) -> InstallSource:
    commit = Git().commit_of(str(folder / "pyproject.toml"))
    prefix = _ask(folder, "rev-parse", "--show-prefix")
    # Another repository may contain the folder.
    if commit is None or not prefix or not _has_flow64(folder):
        return InstallSource(None, _NO_CLONE)
    is_changed = not _COMMIT.fullmatch(commit)
    commit = commit[:-1] if is_changed else commit
    remotes = _remotes_with(folder, commit)
    if not remotes:
        return InstallSource(
            None,
            f"commit {commit[:12]} of this flow64 is on no remote that its clone "
            "knows; git push makes it known",
        )
    addresses = [_ask(folder, "remote", "get-url", remote)[0] for remote in remotes]
    bases = [base for one in addresses if (base := _strip_credentials(one, "git+"))]
    if not bases:
        return InstallSource(None, _NO_REMOTE)
    found = _describe_address(f"{bases[0]}@{commit}{_fragment(prefix[0])}")
    if found.requirement and (is_changed or (is_copy and not _is_copy_of(folder))):
        return InstallSource(
            found.requirement,
            "this flow64 differs from that commit: commit and push your changes, or "
            "install it anew",
        )
    return found


def _has_flow64(folder: Path) -> bool:
    text = "\n".join(_ask(folder, "show", "HEAD:./pyproject.toml"))
    try:
        match tomllib.loads(text):
            case {"project": {"name": "flow64"}}:
                return True
            case _:
                return False
    except tomllib.TOMLDecodeError:
        return False


def _remotes_with(folder: Path, commit: str) -> Sequence[str]:
    """Return the remotes that have a commit, as far as git knows offline."""
    form = "--format=%(refname:lstrip=2)"
    refs = _ask(folder, "for-each-ref", "--contains", commit, form, "refs/remotes")
    remotes = sorted(_ask(folder, "remote"), key=lambda name: name != "origin")
    return [
        remote
        for remote in remotes
        if any(ref.startswith(f"{remote}/") for ref in refs)
    ]


def _is_copy_of(folder: Path) -> bool:
    """Return True if this flow64 has the same files as a folder."""
    ours = _read_code(Path(__file__).parents[1])
    return ours == _read_code(folder / "src" / "flow64")


def _read_code(root: Path) -> Mapping[str, bytes]:
    files = root.rglob("*.py")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def _ask(folder: Path, *arguments: str) -> Sequence[str]:
    """Return the lines that a git command prints; none if it fails."""
    done = run_git(folder, *arguments)
    if done is None or done.returncode != 0:
        return []
    return done.stdout.removesuffix("\n").split("\n")


def _describe_address(address: str | None) -> InstallSource:
    if address is None or not _is_address(address):
        return InstallSource(None, _NO_ADDRESS)
    return _from_address(NAME, address)


def _strip_credentials(url: str, prefix: str) -> str | None:
    """Return an address for pip without credentials.

    Args:
        url: An address. That of ssh may be in the form of git.
        prefix: The prefix for pip, such as `git+`.

    Returns:
        None if other machines cannot use it safely.
    """
    if scp := _SCP.fullmatch(url):
        url = f"ssh://{scp[1]}/{scp[2]}"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.hostname or ""
    # A name without a dot is local, or from ~/.ssh/config.
    if "." not in host or parts.query or parts.fragment:
        return None
    user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
    path = parts.path.rstrip("/")
    address = f"{prefix}{parts.scheme}://{user}{host}{port}{path}"
    return address if "@" not in path and _is_address(address) else None


def _fragment(subdirectory: str) -> str:
    folder = subdirectory.strip("/")
    return f"#subdirectory={folder}" if folder else ""
