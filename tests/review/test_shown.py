"""What a change puts in the place of a secret is shown, and told apart by its text."""

from __future__ import annotations

import json

import pytest

from flow64 import RawBlock, value
from flow64.blocks import OutgoingWebhook
from flow64.diff import as_lines, diff
from flow64.render.review import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from tests.review.support import leads, pair, read, workflow

HOOK = value("hook", secret=True)
KEY = "https://x.example/?key=sk_live_not_a_real_key_"


def posting(url, key="inbound"):
    return workflow(leads() >> OutgoingWebhook(url=url), key)


def renderings(review):
    data = json.dumps(as_data(review), indent=1)
    return as_text(review), as_markdown(review), as_html(review), data


def fleet(urls):
    """Variants in which a secret is taken out for a text."""
    return review_of_diff(
        pair(posting(HOOK, f"r{at}"), posting(url, f"r{at}"), f"r{at}", f"r{at}.json")
        for at, url in enumerate(urls)
    )


def test_text_in_place_of_a_secret():
    """The text is shown, and where rows go; so it is as code."""
    evil = "https://evil.example/x"
    review = review_of_diff([pair(posting(HOOK), posting(evil))])
    for told in renderings(review):
        assert evil in told
        assert "posts to https://evil.example" in told
        assert "nothing differs" not in told
    assert f'~ url: secret "hook" → "{evil}"' in as_text(review)
    assert f"url='{evil}'" in as_markdown(review)


def test_secret_in_place_of_a_text():
    """The other way round what goes is shown: it stands in the old JSON."""
    old = "https://old.example/x"
    told = as_text(review_of_diff([pair(posting(old), posting(HOOK))]))
    assert f'~ url: "{old}" → secret "hook"' in told


def test_one_of_many_goes_elsewhere():
    """39 variants get one address, and one another: that one is told by itself."""
    urls = ["https://good.example/x"] * 40
    urls[17] = "https://evil.example/x"
    review = fleet(urls)
    for told in renderings(review):
        assert "https://evil.example/x" in told
        assert "posts to https://evil.example" in told
    text = as_text(review)
    assert '~ r17: secret "hook" → "https://evil.example/x"\n' in text
    assert "+ r17: posts to https://evil.example\n" in text


def test_paths_tell_variants_apart():
    """So it is where the host is the same, of which alone an effect speaks."""
    urls = ["https://a.example/x", "https://a.example/x", "https://a.example/evil"]
    text = as_text(fleet(urls))

    assert '~ r0, r1: secret "hook" → "https://a.example/x"\n' in text
    assert '~ r2: secret "hook" → "https://a.example/evil"\n' in text


@pytest.mark.parametrize(
    ("old", "lines"),
    [
        (
            HOOK,
            [
                "~ url, for each workflow",
                f'~ r0, r1: secret "hook" → "{KEY.partition("sk_")[0]}***"',
                f'~ r2: secret "hook" → "{KEY.partition("sk_")[0]}***"',
            ],
        ),
        (
            f"{KEY}0000",
            [
                f'~ r0, r1: url: "{KEY.partition("sk_")[0]}***" is another text',
                f'~ r2: url: "{KEY.partition("sk_")[0]}***" is another text',
            ],
        ),
    ],
)
def test_masked_texts_tell_variants_apart(old, lines):
    """Keys are masked, and yet two that differ are not one change."""
    keys = [f"{KEY}1111", f"{KEY}1111", f"{KEY}2222"]
    review = review_of_diff(
        pair(posting(old, f"r{at}"), posting(new, f"r{at}"), f"r{at}")
        for at, new in enumerate(keys)
    )
    found = [line.strip() for line in as_text(review).splitlines()]
    at = found.index("block outgoing_webhook") + 1
    assert found[at : at + len(lines)] == lines
    assert not any(
        end in told for told in renderings(review) for end in ("1111", "2222")
    )


def test_known_texts_tell_variants_apart():
    """So it is with the text of a secret that is filled in."""
    pairs = [
        Pair(key, filled("", key), filled(more, key))
        for key, more in (("a", "hush-hush 1"), ("b", "hush-hush 2"))
    ]
    review = review_of_diff(pairs)
    assert '~ a: "" → "***"\n' in as_text(review)
    assert '~ b: "" → "***"\n' in as_text(review)
    for told in renderings(review):
        assert "hush" not in told
        assert "nothing differs" not in told


def filled(more, key):
    """A workflow whose secret is filled in, and stands in another field too."""
    flow = leads() >> RawBlock("new_kind", specs={"token": HOOK, "more": more})
    return workflow(flow, key).compile(None, {"hook": "hush-hush"})


def test_code_says_that_it_does_not_show():
    """Where all that differs is masked, it is not said that nothing differs."""
    review = review_of_diff([pair(posting(f"{KEY}1111"), posting(f"{KEY}2222"))])
    why = "Not shown as code: what differs is masked, or stands for a secret."
    assert why in as_markdown(review)
    assert why in as_html(review)


@pytest.mark.parametrize("written", [(), ("before",), ("after",), ("before", "after")])
def test_live_text_stays_hidden(written):
    """A side that is not said to be code may be live: a secret stands there as text."""
    code, text = read(posting(HOOK)), read(posting("https://live.example/x"))
    onto = "\n".join(as_lines(diff(code, text, written=written)))
    away = "\n".join(as_lines(diff(text, code, written=written)))
    assert ("live.example" in onto) is ("after" in written)
    assert ("live.example" in away) is ("before" in written)
