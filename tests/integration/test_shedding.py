# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A worker with too much to do turns requests away: batch first, in the
client's dialect, with a time to come again; never its own checks."""
import hashlib
import http.client
import urllib.request

from conftest import free_port, wait_for

DIGEST = hashlib.sha256(b"sk-batch").hexdigest()
CONFIG = """
listen "127.0.0.1:0" {{ anonymous = "public" }}
metrics "127.0.0.1:{port}"
server {{ workers = 1, max_connections = 40 }}
shed {{ lag = "1m", {shed} }}
provider "sim"
key "batch" {{ sha256 = "{digest}", tags = {{ priority = "batch" }} }}
"""
BODY = {"model": "sim/echo", "max_tokens": 10,
        "messages": [{"role": "user", "content": "hi"}]}


def start(penstock, shed):
    port = free_port()
    return penstock(CONFIG.format(port=port, shed=shed, digest=DIGEST)), port


def ask(p, path="/v1/chat/completions", **headers):
    return p.post(path, BODY, headers=headers)


def level(p):
    return p.workers()[0].get("shedding")


def metrics(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                  timeout=10).read().decode()


def test_everybody_at_the_worst(penstock):
    p, port = start(penstock, 'memory = "1MiB"')
    wait_for(lambda: level(p) == "all")
    got = ask(p)
    assert got.status == 503 and got.json()["error"]["code"] == "overloaded"
    assert 1 <= int(got.headers["retry-after"]) <= 30
    assert "x-should-retry" not in got.headers
    assert got.headers["x-penstock-error"] == "overloaded; side=gateway"
    got = ask(p, "/v1/messages", **{"anthropic-version": "2023-06-01"})
    assert got.status == 529 and int(got.headers["retry-after"]) >= 1
    assert got.json()["error"]["type"] == "overloaded_error"
    assert p.request("GET", "/healthz").status == 200
    assert p.request("GET", "/readyz").status == 200
    assert 'penstock_shed_total{reason="memory",class="interactive"} 2' in \
        metrics(port)
    told = p.logs("load.shedding")
    assert len(told) == 1 and told[0]["reason"] == "memory"
    assert told[0]["class"] == "all" and told[0]["value"] > told[0]["limit"]
    # a limit that is raised while it runs is heeded
    p.conf.write_text(p.conf.read_text().replace("1MiB", "64GiB"))
    assert p.cli("reload").returncode == 0
    wait_for(lambda: len(p.logs("load.normal")) >= 1)
    assert ask(p).status == 200


def test_batch_first(penstock):
    p, port = start(penstock, 'connections = "50%"')  # 20; batch: 16
    idle = []
    for _ in range(16):
        c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=10)
        c.request("GET", "/healthz")
        c.getresponse().read()
        idle.append(c)
    wait_for(lambda: level(p) == "batch")
    assert "turns away: batch" in p.cli("status").stdout
    assert ask(p).status == 200
    by_tag = ask(p, **{"x-penstock-tags": "a=b, priority=batch"})
    by_key = ask(p, authorization="Bearer sk-batch")
    # a key that is batch does not talk itself out of it
    both = ask(p, authorization="Bearer sk-batch",
               **{"x-penstock-tags": "priority=interactive"})
    for got in (by_tag, by_key, both):
        assert got.status == 503 and int(got.headers["retry-after"]) >= 1
        assert "connections" in got.json()["error"]["message"]
    assert 'penstock_shed_total{reason="connections",class="batch"} 3' in \
        metrics(port)
    for c in idle:
        c.close()
    wait_for(lambda: level(p) is None)
    assert ask(p, authorization="Bearer sk-batch").status == 200
    assert len(p.logs("load.shedding")) == len(p.logs("load.normal")) == 1
