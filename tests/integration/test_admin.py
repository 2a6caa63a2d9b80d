# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The admin listener, its roles and its audit; and that no secret of anybody
comes out anywhere."""
import hashlib
import http.client
import json
import os
import sqlite3
import time
import urllib.request

import pytest

from conftest import wait_for
from upstream import Upstream

ADMIN, OPERATOR, VIEWER = ("canary-token-admin-51", "canary-token-operat-52",
                           "canary-token-viewer-53")
TOKENS = {"T_ADMIN": ADMIN, "T_OPERATOR": OPERATOR, "T_VIEWER": VIEWER}
CONFIG = """
server { workers = 2 }
provider "sim"
admin "127.0.0.1:0" { tokens = {
    { env "T_ADMIN", role = "admin", name = "root" },
    { env "T_OPERATOR", role = "operator", name = "oncall" },
    { env "T_VIEWER" } } }
"""
ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


class Admin:
    """The API as one token sees it."""

    def __init__(self, p, token):
        self.host, self.token = p.status()["admin"], token

    def __call__(self, method, path, body=None, headers=None, raw=None):
        c = http.client.HTTPConnection(self.host, timeout=10)
        try:
            head = dict(headers or {})
            if self.token:
                head.setdefault("authorization", "Bearer " + self.token)
            data = raw if raw is not None else \
                json.dumps(body).encode() if body is not None else None
            c.request(method, path, data, head)
            r = c.getresponse()
            self.headers = {k.lower(): v for k, v in r.getheaders()}
            text = r.read()
            return r.status, json.loads(text) if text else None
        finally:
            c.close()


@pytest.fixture
def instance(penstock):
    return penstock(CONFIG, env=TOKENS)


def call(p, secret):
    return p.post("/v1/chat/completions", ECHO,
                  headers={"authorization": "Bearer " + secret}).status


def becomes(p, secret, status):
    """The answer over HTTP may be ahead of the workers, by milliseconds."""
    return wait_for(lambda: call(p, secret) == status, 1,
                    why=f"status {status}")


def test_keys_by_http(instance):
    p, api = instance, Admin(instance, ADMIN)
    status, made = api("POST", "/v1/keys", {
        "name": "ci", "models": ["sim/*"], "limits": {"requests": "5/s"},
        "metadata": {"owner": "x"}})
    assert status == 200 and api.headers["cache-control"] == "no-store"
    secret, one = made["secret"], "/v1/keys/" + made["key"]["id"]
    assert becomes(p, secret, 200)
    assert api("GET", "/v1/keys")[1]["keys"][0]["name"] == "ci"
    assert api("GET", "/v1/keys/ci")[1]["key"]["metadata"] == {"owner": "x"}
    assert "secret" not in api("GET", one)[1]
    status, got = api("PATCH", one, {"models": ["none"], "metadata": None})
    assert status == 200 and "metadata" not in got["key"]
    assert becomes(p, secret, 403)
    assert api("PATCH", one, {"models": None})[0] == 200
    assert api("POST", one + "/disable")[0] == 200 and becomes(p, secret, 401)
    assert api("POST", one + "/enable")[0] == 200 and becomes(p, secret, 200)
    fresh = api("POST", one + "/rotate", {"grace": "1h"})[1]["secret"]
    assert becomes(p, fresh, 200) and becomes(p, secret, 200)
    assert api("DELETE", one)[0] == 200 and becomes(p, fresh, 401)
    digest = hashlib.sha256(b"imported-0001").hexdigest()
    assert api("POST", "/v1/keys/import",
               {"name": "old", "sha256": digest})[0] == 200
    assert becomes(p, "imported-0001", 200)
    assert [k["name"] for k in api("GET", "/v1/keys?revoked=true")[1]["keys"]
            if k["state"] == "revoked"] == ["ci"]


def test_teams_status_and_what_is_wrong(instance):
    api = Admin(instance, ADMIN)
    assert api("POST", "/v1/teams", {"name": "a b", "models": ["x"]})[0] == 200
    assert api("GET", "/v1/teams/a%20b")[1]["team"]["models"] == ["x"]
    assert api("PATCH", "/v1/teams/a%20b", {"tags": {"k": "v"}})[0] == 200
    assert api("POST", "/v1/teams", {"name": "c", "parent": "a b"})[0] == 200
    assert api("DELETE", "/v1/teams/a%20b")[0] == 409
    assert api("DELETE", "/v1/teams/c")[0] == 200
    assert len(api("GET", "/v1/teams")[1]["teams"]) == 1
    status, got = api("GET", "/v1/status")
    assert got["store"] == {"open": True, "why": ""}
    assert {"worker", "keeper"} <= {q["kind"] for q in got["processes"]}
    for method, path, body, want in [
            ("GET", "/v1/keys/none", None, 404), ("GET", "/", None, 404),
            ("GET", "/v1/keys//", None, 404), ("PUT", "/v1/keys", {}, 405),
            ("POST", "/v1/keys", {}, 400), ("POST", "/v1/keys", [], 400),
            ("POST", "/v1/keys", {"name": "k", "team": "no"}, 400),
            ("POST", "/v1/keys", {"name": "k", "cidrs": ["x"]}, 400),
            ("POST", "/v1/teams", {"name": "a b"}, 409)]:
        status, got = api(method, path, body)
        assert status == want, (method, path, got)
        assert got["error"]["message"]
    assert api("POST", "/v1/keys", raw=b"{nonsense")[0] == 400
    assert api("POST", "/v1/keys", raw=b'{"name":"a","name":"b"}')[0] == 400
    assert api("POST", "/v1/keys", raw=b" " * 40000)[0] == 413


def test_roles(instance):
    """Each verb by each role."""
    admin, operator, viewer = (Admin(instance, t)
                               for t in (ADMIN, OPERATOR, VIEWER))
    one = "/v1/keys/" + admin("POST", "/v1/keys",
                              {"name": "k"})[1]["key"]["id"]
    for method, path, body, least in [
            ("GET", "/v1/keys", None, 0), ("GET", one, None, 0),
            ("GET", "/v1/teams", None, 0), ("GET", "/v1/status", None, 0),
            ("GET", "/v1/audit", None, 1), ("POST", one + "/disable", None, 1),
            ("POST", one + "/enable", None, 1),
            ("POST", one + "/rotate", {}, 1),
            ("PATCH", one, {"user": "u"}, 2),
            ("POST", "/v1/keys", {"name": "other"}, 2),
            ("POST", "/v1/keys/import", {"name": "old", "sha256": "ab" * 32},
             2),
            ("POST", "/v1/teams", {"name": "t"}, 2),
            ("GET", "/v1/teams/t", None, 0),
            ("PATCH", "/v1/teams/t", {"models": ["m"]}, 2),
            ("DELETE", "/v1/teams/t", None, 2), ("DELETE", one, None, 2)]:
        for rank, api in enumerate((viewer, operator, admin)):
            status = api(method, path, body)[0]
            assert (status == 200) == (rank >= least), (path, rank, status)
            if rank < least:
                assert status == 403


def test_tokens_are_checked_and_tries_limited(instance):
    assert Admin(instance, None)("GET", "/v1/status")[0] == 401
    assert Admin(instance, ADMIN)("GET", "/v1/status")[0] == 200
    for head in ("Basic " + ADMIN, ADMIN, "Bearer", "Bearer " + ADMIN[:-1],
                 "Bearer " + ADMIN + "x"):
        api = Admin(instance, None)
        assert api("GET", "/v1/status",
                   headers={"authorization": head})[0] == 401
    wrong = Admin(instance, "wrong-token-wrong-token")
    got = [wrong("GET", "/v1/keys")[0] for _ in range(8)]
    assert got[0] == 401 and got[-1] == 429
    right = Admin(instance, ADMIN)           # nor does a right one help now
    assert right("GET", "/v1/status")[0] == 429
    assert 0 < int(right.headers["retry-after"]) <= 60
    assert instance.logs("admin.denied")


def test_every_change_is_audited(instance):
    api, operator = Admin(instance, ADMIN), Admin(instance, OPERATOR)
    one = "/v1/keys/" + api("POST", "/v1/keys",
                            {"name": "k"})[1]["key"]["id"]
    operator("POST", one + "/disable")
    api("PATCH", one, {"user": "ada"})
    instance.cli("key", "revoke", "k")
    assert api("PATCH", one, {"user": "eve"})[0] == 400
    lines = api("GET", "/v1/audit")[1]["audit"]
    assert [(x["who"], x["action"]) for x in lines] == [
        ("token root", "key.create"), ("token oncall", "key.disable"),
        ("token root", "key.update"),
        ("uid %d" % os.getuid(), "key.revoke")]
    assert lines[0]["before"] is None
    assert lines[2]["before"]["user"] is None
    assert lines[2]["after"]["user"] == "ada"
    assert lines[1]["after"]["state"] == "disabled"
    assert len(api("GET", "/v1/audit?after=3")[1]["audit"]) == 1
    db = sqlite3.connect(instance.dir / "state" / "store" / "penstock.db")
    for sql in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.DatabaseError, match="only added to"):
            db.execute(sql)


@pytest.mark.parametrize("block, word", [
    ('admin "0.0.0.0:9090" { token = env "T_ADMIN" }', "reached from outside"),
    ('admin "127.0.0.1:9090" {}', "lets nobody in"),
    ('admin "127.0.0.1:9090" { token = env("NO", "short") }', "shorter"),
    ('admin "127.0.0.1:9090" { token = "text" }', "env"),
])
def test_what_is_no_admin_listener(cli, tmp_path, block, word):
    conf = tmp_path / "c.conf"
    conf.write_text('listen "127.0.0.1:0"\nprovider "sim"\n' + block + "\n")
    got = cli("check", str(conf), env=TOKENS)
    assert got.returncode == 1 and word in got.stderr, got.stderr


# ---- canaries ------------------------------------------------------------

PROVIDER_KEYS = ["canary-provider-key-71", "canary-provider-key-72"]
POLICY = """
local M = { api = 1, schema = { pin = "secret" } }
function M.request(req)
  if req.header["x-raise"] then error("raised on purpose") end
end
return M
"""
CANARY = """
server { workers = 2 }
metrics "127.0.0.1:0"
policy_path "@dir@"
listen "127.0.0.1:0" { detail = "full" }
provider "sim"
provider "up" { vendor = "openai-compatible", base_url = "@url@",
                keys = { env "P1", env "P2" } }
provider "down" { vendor = "openai-compatible",
                  base_url = "http://127.0.0.1:1/v1", keys = env "P1" }
policies { { "tell", conf = { pin = env "PIN" } }, "auth", "route" }
log { level = "debug" }
""" + CONFIG.partition('provider "sim"')[2]


def chat(conn, request):
    """A provider that refuses each second call."""
    if len(conn.upstream.requests) % 2:
        conn.answer(json.dumps({"error": {"message": "no", "code": "x"}}),
                    status=401)
        return
    conn.answer(json.dumps({
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                  "total_tokens": 2}}))


def test_no_secret_comes_out_anywhere(penstock, tmp_path):
    """One run with every kind of secret; what it said, searched for each."""
    (tmp_path / "tell.lua").write_text(POLICY)
    os.chmod(tmp_path, 0o755)
    with Upstream(chat) as up:
        p = penstock(CANARY.replace("@dir@", str(tmp_path))
                     .replace("@url@", up.url),
                     env={**TOKENS, "P1": PROVIDER_KEYS[0],
                          "P2": PROVIDER_KEYS[1], "PIN": "canary-pin-91"})
        said, statuses = [], set()
        api = Admin(p, ADMIN)
        keys = [api("POST", "/v1/keys", {"name": n})[1]["secret"]
                for n in ("one", "two")]
        keys.append(api("POST", "/v1/keys/one/rotate",
                        {"grace": "1h"})[1]["secret"])
        old = "canary-imported-81"
        assert p.cli("key", "import", "--name", "old", "--key-stdin",
                     input=old + "\n").returncode == 0
        made = p.cli("key", "create", "--name", "three").stdout
        keys += [w for w in made.split() if w.startswith("sk-ps-")]
        api("POST", "/v1/keys/two/disable")
        typo = keys[0][:-1] + ("a" if keys[0][-1] != "a" else "b")
        unknown = "canary-unknown-82"
        for head, secret in [(h, s) for s in [*keys, old, typo, unknown]
                             for h in ("authorization", "x-api-key",
                                       "x-penstock-key")]:
            for model in ("sim/echo", "up/m", "down/m", "none/x"):
                value = ("Bearer " if head == "authorization" else "") + secret
                got = p.post("/v1/chat/completions",
                             {**ECHO, "model": model}, headers={head: value})
                said += [repr(got.headers), got.body.decode()]
                statuses.add(got.status)
                request = got.headers["x-request-id"]
        assert {200, 401, 404, 502} <= statuses and 500 not in statuses
        said.append(p.cli("explain", request).stdout)
        said.append(json.dumps(p.control({"verb": "explain",
                                          "id": request})))
        got = p.post("/v1/chat/completions", ECHO, headers={
            "authorization": "Bearer " + keys[0], "x-raise": "1"})
        said += [repr(got.headers), got.body.decode()]
        assert got.status == 500
        differ = p.post("/v1/chat/completions", ECHO, headers={
            "authorization": "Bearer " + keys[0], "x-api-key": old})
        assert differ.status == 400
        said += [differ.body.decode()]
        said.append(json.dumps(p.status()))
        url = "http://" + p.status()["metrics"] + "/metrics"
        said.append(urllib.request.urlopen(url, timeout=10).read().decode())
        for path in ("/v1/keys", "/v1/audit", "/v1/status", "/v1/keys/one"):
            said.append(json.dumps(api("GET", path)[1]))
        said.append(json.dumps(Admin(p, unknown)("GET", "/v1/keys")[1]))
        for args in (["key", "list"], ["key", "show", "one"], ["status"],
                     ["config", "dump", "-c", str(p.conf)],
                     ["config", "dump", "-c", str(p.conf), "--why"]):
            got = p.cli(*args)
            said += [got.stdout, got.stderr]
        for process in p.status()["workers"] + p.status()["helpers"]:
            limits = open(f"/proc/{process['pid']}/limits").read()
            core = [x for x in limits.splitlines()
                    if x.startswith("Max core file size")][0]
            assert core.split()[4:6] == ["0", "0"], core
        backup = p.dir / "b.db"
        assert p.cli("backup", str(backup)).returncode == 0
        time.sleep(0.2)
        said.append(p.stderr())
        everything = "\n".join(said).encode() + backup.read_bytes()
        for part in (p.dir / "state" / "store").iterdir():
            everything += part.read_bytes()
        # what would show: these are there, so the search can find something
        for visible in (b"raised on purpose", b"invalid_api_key",
                        b"key.create", b"penstock_requests_total"):
            assert visible in everything
        secrets = [*keys, old, typo, unknown, *PROVIDER_KEYS, *TOKENS.values(),
                   "canary-pin-91"]
        assert len(set(secrets)) == len(secrets) == 13
        for secret in secrets:
            at = everything.find(secret.encode())
            assert at < 0, everything[max(0, at - 200):at + 100]
        wait_for(lambda: up.requests, why="a call of the provider")
