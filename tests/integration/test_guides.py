# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The guides are true in what test_docs.py cannot see from their blocks alone:
what the quick start's commands print; the manual names every verb and
variable."""
import re
import subprocess

from conftest import PENSTOCK, SRC
from test_as_printed import at_port, block, run

def test_the_quick_start(penstock):
    p = penstock('provider "sim"\nmetrics "127.0.0.1:0"')
    text = (SRC / "docs/guide/quick-start.md").read_text()
    out = run(["sh", "-c"], at_port(block(text, "curl -N"), p.port))
    assert "data: [DONE]" in out and '"id":"sim/lorem"' in out
    where = p.status()["metrics"]
    where = where[0] if isinstance(where, list) else where
    port = re.search(r":(\d+)", str(where)).group(1)
    line = block(text, "curl http://127.0.0.1:9091/metrics")
    line = re.search(r"curl .*", line).group().replace("9091", port)
    assert "# TYPE penstock_requests_total counter" in run(["sh", "-c"], line)


def test_explain_and_status_as_the_quick_start_says(penstock):
    p = penstock('provider "sim"')
    answer = p.post("/v1/chat/completions", {"model": "sim/nope", "messages": [
        {"role": "user", "content": "x"}]})
    told = p.cli("explain", answer.headers["x-request-id"])
    assert told.returncode == 0 and "sim/nope" in told.stdout
    assert "next:" in p.cli("status").stdout


def test_the_manual_names_every_verb_and_variable():
    manual = (SRC / "docs/man/penstock.8").read_text()
    listed = subprocess.run([PENSTOCK, "help"], capture_output=True,
                            text=True, timeout=30).stdout
    verbs = re.findall(r"^  ([a-z]+) ", listed, re.M)
    assert len(verbs) >= 11
    for verb in verbs:
        assert f".It Ic {verb}" in manual, verb
        usage = subprocess.run([PENSTOCK, "help", verb], timeout=30,
                               capture_output=True, text=True).stdout
        for option in re.findall(r"--([a-z]+)", usage.splitlines()[0]):
            assert f"Fl -{option}" in manual, (verb, option)
    names = set()
    for file in (SRC / "core").rglob("*.c"):
        names |= set(re.findall(r'(?:getenv|environment)\("([A-Z_]+)"\)|'
                                r'\{ "(PENSTOCK_[A-Z_]+)"', file.read_text()))
    names = {a or b for a, b in names}
    assert {"PENSTOCK_SOCKET", "PENSTOCK_PLUGIN_PATH"} <= names
    for name in names:
        assert name in manual, name


def test_the_client_is_not_told_where_providers_are(penstock):
    p = penstock('provider "dead" { vendor = "openai-compatible", keys = {},'
                 ' base_url = "http://127.0.0.1:1/v1" }')
    answer = p.post("/v1/chat/completions", {"model": "dead/x", "messages": [
        {"role": "user", "content": "x"}]})
    assert answer.status == 502
    message = answer.json()["error"]["message"]
    assert "provider dead" in message and "127.0.0.1" not in message
    told = p.cli("explain", answer.headers["x-request-id"]).stdout
    assert "127.0.0.1 port 1" in told
