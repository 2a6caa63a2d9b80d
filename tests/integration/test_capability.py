# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A target that cannot do what a request needs is passed over where another
is left; docs/guide/reliability.md, "What a model can do"."""
import pytest

from conftest import wait_for
from test_faults import body
from test_breaker import good
from upstream import Upstream

CONF = """
listen "127.0.0.1:0" {{ detail = "full" }}
provider "blind" {{ vendor = "openai-compatible", base_url = "{a}", keys = {{}} }}
provider "seeing" {{ vendor = "openai-compatible", base_url = "{b}", keys = {{}} }}
model "m" {{ "blind/x", "seeing/y" }}
model "alone" {{ "blind/x" }}
capability "blind/*" {{ {row} }}
"""
IMAGE = [{"role": "user", "content": [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    {"type": "text", "text": "what is it?"}]}]


@pytest.fixture
def two(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        yield lambda row: penstock(CONF.format(a=a.url, b=b.url, row=row))


def target(p, **more):
    got = p.post("/v1/chat/completions", dict(body(False, "m"), **more))
    assert got.status == 200, got.body
    return got.headers["x-penstock-target"]


TOOL = {"type": "function", "function": {"name": "f"}}
SCHEMA = {"type": "json_schema", "json_schema": {
    "name": "s", "schema": {"type": "object"}}}


@pytest.mark.parametrize("lacks, more", [
    ("vision", {"messages": IMAGE}),
    ("tools", {"tools": [TOOL]}),
    ("schema", {"response_format": SCHEMA}),
])
def test_who_cannot_is_passed_over(two, lacks, more):
    p = two(f'lacks = "{lacks}"')
    assert target(p) == "blind/x"
    assert target(p, **more) == "seeing/y"
    notes = wait_for(lambda: len(p.logs("request")) == 2 and
                     p.logs("request")[-1], why="the line")["notes"]
    assert f"passed over blind/x: its model has no {lacks}" in str(notes)


def test_who_is_too_small_is_passed_over(two):
    p = two("context = 1000")
    long = [{"role": "user", "content": "word and word " * 1000}]
    assert target(p) == "blind/x"
    assert target(p, messages=long) == "seeing/y"


def test_where_nobody_else_is_left_it_is_tried(two):
    p = two('lacks = { "vision", "tools" }')
    assert target(p, model="alone", messages=IMAGE) == "blind/x"


def test_what_the_catalogue_says_counts(penstock):
    with Upstream(good) as a, Upstream(good) as b:
        p = penstock(f"""
listen "127.0.0.1:0" {{ detail = "full" }}
provider "one" {{ vendor = "openai", base_url = "{a.url}", keys = {{}} }}
provider "two" {{ vendor = "openai", base_url = "{b.url}", keys = {{}} }}
model "m" {{ "one/gpt-3.5-turbo", "two/gpt-5" }}
""")
        long = [{"role": "user", "content": "word and word " * 9000}]
        assert target(p) == "one/gpt-3.5-turbo"
        assert target(p, messages=long) == "two/gpt-5"
