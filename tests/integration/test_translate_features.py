# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Each row of the guide's tables of features (compatibility.md) through a
gateway: natively as it was sent, translated as the table says, and held to
`lossy = "refuse"`. The samples are those that the tables are made from; each
goes to one of the models, with PENSTOCK_LONG=1 to every one."""
import json
import os
import subprocess

import pytest

from conftest import BUILD
from pair_upstream import answer
from test_all_pairs import CONF, KEY
from upstream import Upstream

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages",
         "responses": "/v1/responses",
         "gemini": "/v1beta/models/{}:generateContent"}
NATIVE = {"chat": "chat/m", "messages": "messages/m",
          "responses": "responses/o3-pro", "gemini": "gemini/m"}
PROVIDERS = {"openai-chat": "chat", "anthropic": "messages",
             "gemini": "gemini", "openai-responses": "responses",
             "bedrock-converse": "converse", "cohere": "cohere",
             "mistral": "mistral", "ollama": "ollama"}
STRICT = "\n".join(f'endpoint "{e}" {{ lossy = "refuse" }}'
                   for e in PATHS)
LONG = os.environ.get("PENSTOCK_LONG") == "1"


@pytest.fixture(scope="module")
def samples():
    """(feature, client, provider's dialect, model, fate, body) of each cell
    of the tables."""
    program = BUILD / "tests" / "unit" / "test_codec_features"
    if not program.exists():
        pytest.skip("skipped: tests/unit/test_codec_features is not built")
    said = subprocess.run([program], capture_output=True, timeout=60,
                          env={**os.environ, "PENSTOCK_SAMPLES": "1"}).stdout
    rows = [line.split("\t")[1:] for line in said.decode().split("\n")
            if line.startswith("#sample\t")]
    assert len(rows) > 1400
    return rows


def some(samples):
    """One cell of each feature and client, another column each time. Models
    of OpenAI's that a client asks for by Responses have chat, too: it takes
    the nearer. Claude on Bedrock is native to clients of Messages."""
    of = {}
    samples = [row for row in samples if row[2] != "openai-responses" and not (
        row[1] == "messages" and row[3].startswith("anthropic.claude"))]
    for row in samples:
        of.setdefault((row[0], row[1]), []).append(row)
    return samples if LONG else [
        rows[(7 * i) % len(rows)] for i, rows in enumerate(of.values())]


@pytest.fixture
def gateway(penstock):
    with Upstream(answer) as up:
        url = up.url[:-3] if up.url.endswith("/v1") else up.url

        def start(more=""):
            return penstock(CONF.format(
                url=url, key=KEY.format("k"), pair=KEY.format("ID:secret"))
                + more), up

        yield start


def ask(p, client, model, body):
    text = body if client == "gemini" else \
        '{"model":"%s",%s' % (model, body[1:])
    return text, p.post(PATHS[client].format(model), text,
                        headers={"content-type": "application/json"})


def dropped(a):
    return [x.strip() for x in
            a.headers.get("x-penstock-dropped", "").split(",") if x.strip()]


def refused_as(a, feature):
    error = json.loads(a.body)["error"]
    return a.status == 400 and "cannot be asked for" in error["message"] \
        and feature in error["message"]


def test_natively_all_goes_through(gateway, samples):
    p, up = gateway()
    for feature, client, body in sorted({(r[0], r[1], r[5])
                                         for r in samples}):
        model = NATIVE[client]
        text, a = ask(p, client, model, body)
        assert a.status == 200, (feature, client, a.body)
        assert "x-penstock-dropped" not in a.headers, (feature, client)
        assert up.requests[-1].body == text.replace(
            f'"{model}"', f'"{model.split("/")[1]}"', 1).encode(), \
            (feature, client)


@pytest.mark.parametrize("lossy", ["drop", "refuse"])
def test_translated_as_the_table_says(gateway, samples, lossy):
    wrong = []
    p, up = gateway(STRICT if lossy == "refuse" else "")
    for feature, client, dialect, model, fate, body in some(samples):
        before = len(up.requests)
        target = f"{PROVIDERS[dialect]}/{model}"
        _, a = ask(p, client, target, body)
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
            wrong.append((feature, client, target, fate, a.status,
                          dropped(a), a.body[:300]))
    assert not wrong, "\n".join(map(repr, wrong))
