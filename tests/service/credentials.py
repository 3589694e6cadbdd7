"""Made-up keys and OAuth clients, and both kinds of client to run jobs with."""

from __future__ import annotations

import asyncio
import json
import traceback
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from flow64.api import OAuth
from flow64.client import AsyncClient, Client, Policy
from flow64.emulator import OAuthClient
from flow64.errors import FlowError

NAME = "client-1"
KID = "key-1"

KINDS = ("sync", "async")
"""Both kinds of client."""

QUICK = Policy(first_wait=0.001, first_rest=0.001, longest_wait=0.002, retries=3)
"""Hardly waits between repetitions."""


@cache
def key(_which="ours", size=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def pem(private=None, form=PrivateFormat.PKCS8, encryption=None):
    """A private key as text."""
    made = (private or key()).private_bytes(
        Encoding.PEM, form, encryption or NoEncryption()
    )
    return made.decode()


def public(private=None):
    """The public half of a key as text."""
    half = (private or key()).public_key()
    return half.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def oauth(private=None, **more):
    """An OAuth client that has a key of ours."""
    return OAuth(NAME, pem(private), **{"kid": KID, **more})


def known(**more):
    """The same as the emulator knows it."""
    return OAuthClient(client_id=NAME, public_key_pem=public(), kid=KID, **more)


def run_jobs(kind, *jobs, api_key=None, between=None, at_once=False, **options):
    """Run jobs with one client, and return their results, or their errors.

    Args:
        kind: Which kind of client.
        jobs: Functions of a session.
        api_key: Of the client.
        between: Called with the client's channel after each of them.
        at_once: Whether they run at the same time.
        options: Of the client.
    """
    options = {"journal": None, "policy": QUICK, **options}
    tell = between or (lambda _: None)
    if kind == "async":
        return asyncio.run(_run_jobs(jobs, api_key, tell, at_once, options))

    def each(job):
        try:
            return client.call(job)
        except FlowError as error:
            return error
        finally:
            tell(client._settings.channel)

    with (
        Client(api_key, **options) as client,
        ThreadPoolExecutor(len(jobs)) as threads,
    ):
        return list((threads.map if at_once else map)(each, jobs))


async def _run_jobs(jobs, api_key, tell, at_once, options):
    async def each(job):
        try:
            return await client.call(job)
        except FlowError as error:
            return error
        finally:
            tell(client._settings.channel)

    async with AsyncClient(api_key, **options) as client:
        if at_once:
            return list(await asyncio.gather(*map(each, jobs)))
        return [await each(job) for job in jobs]


def credentials_of(seen):
    """The names of the headers of a request that let somebody in."""
    return [name for name, _ in seen.headers if name in {"x-api-key", "authorization"}]


def frames(error):
    """A traceback as the most talkative of tools prints it, causes and all.

    Only the frames of tests are left out: what a caller holds is the caller's.
    """
    seen, told = set(), []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        made = traceback.TracebackException.from_exception(error, capture_locals=True)
        told += [
            line
            for frame, line in zip(made.stack, made.stack.format(), strict=False)
            if "/tests/" not in frame.filename
        ]
        told += [*made.format_exception_only(), repr(error), repr(vars_of(error))]
        error = error.__cause__ or error.__context__
    return "".join(told)


def vars_of(thing):
    """What an object holds, whether in a dictionary or in slots."""
    names = (
        name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())
    )
    held = {name: getattr(thing, name, None) for name in names}
    return {**held, **getattr(thing, "__dict__", {})}


def spellings(secret):
    """The texts under which a secret may be found: plain, and as others write it."""
    raw = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    for before in range(3):
        text = b64encode(bytes(before) + raw).rstrip(b"=").decode()
        yield text[(0, 2, 3)[before] : len(text) - 1]


def found(secrets, text):
    """Which secrets a text shows, in any spelling."""
    return [s for s in secrets if any(form in text for form in spellings(s))]
