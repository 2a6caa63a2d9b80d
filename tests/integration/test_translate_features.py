# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Each row of the guide's table of features (compatibility.md) through a
gateway: natively as it was sent, translated as the table says, and held to
`lossy = "refuse"`. The samples are those that the table is made from."""
import json
import os
import subprocess

import pytest

from conftest import BUILD
from test_translate import COMPLETION, MESSAGE
from upstream import Upstream

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}
CONF = """
provider "an" {{ vendor = "anthropic", base_url = "{url}",
                keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
provider "oa" {{ vendor = "openai", base_url = "{url}/v1",
                keys = {{ env("UNSET", "k") }}, retries = {{ attempts = 1 }} }}
{more}
"""
STRICT = "\n".join(f'endpoint "{e}" {{ lossy = "refuse" }}'
                   for e in ("chat", "messages"))


@pytest.fixture(scope="module")
def samples():
    """(feature, client, model, fate, body) of each cell of the table."""
    program = BUILD / "tests" / "unit" / "test_codec_features"
    if not program.exists():
        pytest.skip("skipped: tests/unit/test_codec_features is not built")
    said = subprocess.run([program], capture_output=True, timeout=60,
                          env={**os.environ, "PENSTOCK_SAMPLES": "1"}).stdout
    rows = [line.split("\t")[1:] for line in said.decode().split("\n")
            if line.startswith("#sample\t")]
    assert len(rows) > 120
    return rows


def taken(conn, request):
    if "messages" in request.path:
        conn.answer(MESSAGE)
        return
    n = request.json().get("n") or 1
    conn.answer({**COMPLETION, "choices": [
        {**COMPLETION["choices"][0], "index": i} for i in range(n)]})


def ask(p, client, provider, model, body):
    text = '{"model":"%s/%s",%s' % (provider, model, body[1:])
    return text, p.post(PATHS[client], text,
                        headers={"content-type": "application/json"})


def dropped(a):
    return [x.strip() for x in
            a.headers.get("x-penstock-dropped", "").split(",") if x.strip()]


def refused_as(a, feature):
    error = json.loads(a.body)["error"]
    return a.status == 400 and "cannot be asked for" in error["message"] \
        and feature in error["message"]


def test_natively_all_goes_through(penstock, samples):
    with Upstream(taken) as up:
        p = penstock(CONF.format(url=up.url[:-3], more=""))
        for feature, client, _, _, body in samples:
            provider = "oa" if client == "chat" else "an"
            text, a = ask(p, client, provider, "m", body)
            assert a.status == 200, (feature, a.body)
            assert "x-penstock-dropped" not in a.headers, feature
            assert up.requests[-1].body == text.replace(
                f'"{provider}/m"', '"m"', 1).encode(), feature


@pytest.mark.parametrize("lossy", ["drop", "refuse"])
def test_translated_as_the_table_says(penstock, samples, lossy):
    wrong = []
    with Upstream(taken) as up:
        p = penstock(CONF.format(url=up.url[:-3], more=STRICT
                                 if lossy == "refuse" else ""))
        for feature, client, model, fate, body in samples:
            before = len(up.requests)
            other = "an" if client == "chat" else "oa"
            _, a = ask(p, client, other, model, body)
            want_no = fate == "refused" or (fate == "dropped" and
                                            lossy == "refuse")
            if want_no:
                ok = refused_as(a, feature) and len(up.requests) == before
            elif lossy == "refuse" and a.status == 400:
                ok = b"cannot be asked for" in a.body and \
                    feature.encode() not in a.body  # by another feature of it
            else:
                ok = a.status == 200 and \
                    (feature in dropped(a)) == (fate == "dropped")
            if not ok:
                wrong.append((feature, client, model, fate, a.status,
                              dropped(a), a.body[:200]))
    assert not wrong, "\n".join(map(repr, wrong))
