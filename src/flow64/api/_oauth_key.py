"""The private key of an OAuth client: read, checked, and used to sign."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from ..errors import ConfigError, FlowError, MissingExtraError, shortened

Signer: TypeAlias = Callable[[Mapping[str, Any], str], str]
"""Signs claims with a key, and names the key by its id."""

CLIENT_NAME: Final = "SIXTYFOUR_OAUTH_CLIENT_ID"
"""Environment variable of the client id (ours, like the next three)."""

KID_NAME: Final = "SIXTYFOUR_OAUTH_KEY_ID"
"""Environment variable of the key id."""

PEM_NAME: Final = "SIXTYFOUR_OAUTH_KEY"
"""Environment variable of the private key itself, as PEM."""

FILE_NAME: Final = "SIXTYFOUR_OAUTH_KEY_FILE"
"""Environment variable of the path of the private key."""

ALGORITHM: Final = "RS256"
"""How assertions are signed (documented)."""

SMALLEST: Final = 2048
"""Fewest bits of a key."""

MAX_KEY: Final = 64 * 2**10
"""Most bytes of a key file."""


def make_signer(pem: object) -> Signer | FlowError:
    """Return a function that signs with the key of a PEM, or an error as a value."""
    try:
        import jwt  # noqa: PLC0415 - it comes with an extra
        from cryptography.exceptions import (  # noqa: PLC0415 - as above
            UnsupportedAlgorithm,
        )
        from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415 - as above
            rsa,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
            load_pem_private_key,
        )
    except ImportError:
        return MissingExtraError("OAuth", "oauth")
    if isinstance(pem, str):
        pem = pem.encode(errors="replace")
    if not isinstance(pem, bytes):
        return ConfigError(f"OAuth(private_key=...) is not a PEM text; {_MAKE}")
    if b"PUBLIC KEY" in pem and b"PRIVATE KEY" not in pem:
        return ConfigError(
            f"the key is the public half, and the private one signs; {_MAKE}"
        )
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        return ConfigError(
            "the private key has a passphrase, which flow64 does not ask for: take it "
            "off with openssl rsa -in key.pem -out plain.pem"
        )
    except (ValueError, UnsupportedAlgorithm):
        problem = "the private key is not a PEM that can be read"
        return ConfigError(f"{problem}; {_advise_on_text(pem)}")
    if not isinstance(key, rsa.RSAPrivateKey):
        return ConfigError(
            f"the private key is not an RSA key, which RS256 needs; {_MAKE}"
        )
    if key.key_size < SMALLEST:
        return ConfigError(
            f"the private key has {key.key_size} bits, and {SMALLEST} are the least; "
            f"{_MAKE}"
        )
    signing = key  # a name that the checkers know to be of an RSA key
    return lambda claims, kid: jwt.encode(
        dict(claims), signing, ALGORITHM, {"kid": kid}
    )


def _advise_on_text(pem: bytes) -> str:
    """Return what is probably wrong with a text that is not a PEM."""
    if b"\\n" in pem:
        return "its line breaks are written as \\n: put real line breaks in their place"
    if b"-----BEGIN" not in pem:
        return (
            "a PEM begins with -----BEGIN; a path is for OAuth.from_file or the "
            f"variable {FILE_NAME}"
        )
    return _MAKE


_MAKE: Final = f"make one with openssl genrsa -out key.pem {SMALLEST}"


def read_key(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a key file. Warn if others may read it."""
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_KEY)
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "this is not a path"
    else:
        if os.name == "posix" and mode & 0o077:
            logging.getLogger("flow64").warning(
                "the key file %s may be used by others than its owner (mode %03o); "
                "let it be yours alone: chmod 600",
                path,
                mode & 0o777,
            )
        return content
    raise ConfigError(f"the key file {shortened(path, 200)} cannot be read: {reason}")


def read_variable(name: str) -> str:
    text = os.environ.get(name)
    if not text:
        raise ConfigError(
            f"{name} is not set; OAuth.from_env() needs {CLIENT_NAME}, {KID_NAME}, and "
            f"{PEM_NAME} or {FILE_NAME}"
        )
    return text


def read_key_of_env() -> bytes:
    if os.environ.get(PEM_NAME) and os.environ.get(FILE_NAME):
        raise ConfigError(f"both {PEM_NAME} and {FILE_NAME} are set; keep one of them")
    if os.environ.get(FILE_NAME):
        return read_key(read_variable(FILE_NAME))
    # Where a variable holds one line only, line breaks are written out.
    return read_variable(PEM_NAME).replace("\\n", "\n").encode(errors="replace")
