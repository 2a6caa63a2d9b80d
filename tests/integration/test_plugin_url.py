# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A provider of a plugin alone, `provider "mine" { plugin = "mine" }`: its
URL is the plugin's own, unless the configuration says another."""
import json

import pytest

import plugins
from test_faults import body
from upstream import Upstream

PLUGIN = """
#include <penstock/plugin.h>
static const ps_api apis[] = {
    { PS_CHAT, PS_OPENAI_CHAT, PS_SSE, "POST", "/chat/completions" },
};
static const ps_provider ops = {
    .size = sizeof ops, .apis = apis, .n_apis = 1, .base_url = URL,
};
PS_PLUGIN(PS_PROVIDER, "mine", "1.0", &ops);
"""


def answer(conn, _):
    text = json.dumps({"choices": [{"index": 0, "finish_reason": "stop",
                                    "message": {"role": "assistant",
                                                "content": "here"}}]})
    conn.head(200, "application/json", len(text))
    conn.send(text)


def conf(folder, url, more=""):
    plugins.build(folder, "mine", PLUGIN, f"-DURL={url}")
    return (f'plugin_path "{folder}"\n'
            f'provider "mine" {{ plugin = "mine", keys = {{}}{more} }}\n')


def test_the_plugins_own_serves(penstock, tmp_path):
    with Upstream(answer) as up:
        p = penstock(conf(tmp_path / "p", json.dumps(up.url)))
        r = p.post("/v1/chat/completions", body(False, "mine/m"))
        assert r.status == 200 and "here" in r.body.decode()


def test_the_configurations_wins(penstock, tmp_path):
    with Upstream(answer) as up:
        p = penstock(conf(tmp_path / "p", '"http://127.0.0.1:1/v1"',
                          f', base_url = "{up.url}"'))
        assert p.post("/v1/chat/completions",
                      body(False, "mine/m")).status == 200


@pytest.mark.parametrize("url,says", [
    ("0", 'penstock.conf:2: provider "mine" base_url is missing, and plugin '
          'mine has none of its own; write base_url = '
          '"https://api.example.com/v1"'),
    ('"api.mine.example"', 'penstock.conf:2: provider "mine": plugin mine\'s '
                           'own base_url: "api.mine.example" is not a URL')])
def test_what_is_missing_is_named(cli, tmp_path, url, says):
    file = tmp_path / "penstock.conf"
    file.write_text(conf(tmp_path / "p", url))
    state = {"PENSTOCK_STATE": str(tmp_path / "state")}
    for verb in (["check", str(file)], ["serve", "-c", str(file)]):
        got = cli(*verb, env=state)
        assert got.returncode == 1, got.stdout
        assert says in got.stderr
    assert cli("check", "--static", str(file), env=state).returncode == 0
