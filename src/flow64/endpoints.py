"""Endpoints: the addresses of the service that are used, and the links that are opened.

It loads no HTTP library, so that settings are read quickly.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from .errors import ConfigError

DEFAULT_ENDPOINT: Final = "https://api.sixtyfour.ai"
"""Base URL of the service (documented)."""

NAMES: Final = ("SIXTYFOUR_API_ENDPOINT", "SIXTYFOUR_API_BASE_URL")
"""Environment variables of another base URL (documented); the first one wins."""


def find_endpoint_variable() -> str | None:
    """Return the environment variable of a base URL that is set, if one is."""
    return next((name for name in NAMES if os.environ.get(name)), None)


def endpoint_of(base_url: str | None, *, allow_http: bool = False) -> str:
    """Return the base URL: the one given, that of the environment, or the service.

    Args:
        base_url: The base URL, or None. An empty text is refused.
        allow_http: Allow http to another machine, such as an emulator in another
            container.

    Raises:
        ConfigError: It is not an https address. Only this machine may have http.
    """
    name = find_endpoint_variable() or ""
    source = name if base_url is None else "base_url="
    if base_url is None:
        base_url = os.environ.get(name, DEFAULT_ENDPOINT)
    text = str(base_url).rstrip("/")
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise ConfigError(f"the endpoint given by {source} is not a URL") from None
    if url.username is not None or url.password is not None:
        raise ConfigError("the endpoint has a user name or password in it; remove it")
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(" \\")
    if _BARE_HOST.fullmatch(text):
        way = f"write {'http' if is_loopback(text.split(':')[0]) else 'https'}://{text}"
        raise ConfigError(f"the endpoint given by {source} has no scheme; {way}")
    is_web = url.scheme in ("http", "https") and host
    if not is_plain or not is_web or "?" in text or "#" in text:
        raise ConfigError(
            f"the endpoint given by {source} is not a plain https address, such as "
            f"{DEFAULT_ENDPOINT}, or http://127.0.0.1:6464 for an emulator"
        )
    if url.scheme == "http" and not is_loopback(host) and not allow_http:
        raise ConfigError(
            f"the endpoint http://{host} given by {source} would let the key travel "
            "in the clear; write https (http is for this machine alone), or pass "
            "allow_http=True if that is meant"
        )
    return text


_BARE_HOST: Final = re.compile(
    r"(localhost|(\d+\.){3}\d+|([a-z0-9-]{1,63}\.){1,5}[a-z]{2,20})(:\d{1,5})?(/[a-z0-9/.-]*)?"
)
"""A host without a scheme. Nothing that may be a secret is one, since it is shown."""


def is_loopback(host: str) -> bool:
    """Return True if a host is this machine. The only such name is `localhost`."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(url: str) -> str:
    """Return the host of a URL in lower case; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_followed(link: str, endpoint: str) -> bool:
    """Return True if a signed link may be opened.

    Args:
        link: An https address. It may be http from this machine to itself, or to the
            host of an http endpoint.
        endpoint: Base URL of the client.
    """
    try:
        url = urlsplit(link)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return False
    home = urlsplit(endpoint)
    is_here = is_loopback(host_of(endpoint)) and is_loopback(host)
    is_same = (url.scheme, url.netloc) == (home.scheme, home.netloc)
    is_safe = url.scheme == "https" or (url.scheme == "http" and (is_here or is_same))
    is_plain = (
        url.username is None and link.isprintable() and not set(link) & set(" \\")
    )
    return bool(host) and is_safe and is_plain
