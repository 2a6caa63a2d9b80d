# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Tokens of an issuer that is there, gone, and rotates its keys; and those
that nobody should believe."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import wait_for

pytestmark = pytest.mark.skipif(not shutil.which("openssl"),
                                reason="no openssl")

CHAT = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


def b64(data):
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key that openssl made."""

    def __init__(self, folder, kid):
        self.kid, self.pem = kid, folder / f"{kid}.pem"
        subprocess.run(["openssl", "genrsa", "-out", str(self.pem), "2048"],
                       check=True, capture_output=True)
        text = subprocess.run(
            ["openssl", "rsa", "-in", str(self.pem), "-noout", "-modulus"],
            check=True, capture_output=True, text=True).stdout
        self.n = bytes.fromhex(text.strip().split("=")[1])
        self.public = subprocess.run(
            ["openssl", "rsa", "-in", str(self.pem), "-pubout"],
            check=True, capture_output=True).stdout

    def jwk(self):
        return {"kty": "RSA", "use": "sig", "kid": self.kid, "n": b64(self.n),
                "e": "AQAB"}

    def sign(self, claims, **header):
        header = {"alg": "RS256", "kid": self.kid, **header}
        text = f"{b64(header)}.{b64(claims)}"
        sig = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.pem)],
            input=text.encode(), check=True, capture_output=True).stdout
        return f"{text}.{b64(sig)}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return [Key(folder, kid) for kid in ("k1", "k2", "k3")]


class Issuer:
    """Description and keys over HTTP on a port that it keeps."""

    def __init__(self):
        self.keys, self.fetches, self.status = [], 0, 200
        self.cache_control, self.name = None, None
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = issuer.answer(self.path)
                self.send_response(issuer.status)
                self.send_header("content-length", str(len(body)))
                if issuer.cache_control:
                    self.send_header("cache-control", issuer.cache_control)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def answer(self, path):
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.name or self.url,
                               "jwks_uri": self.url + "/keys"}).encode()
        self.fetches += 1
        return json.dumps({"keys": [k.jwk() for k in self.keys]}).encode()

    def claims(self, **more):
        now = int(time.time())
        return {k: v for k, v in {
            "iss": self.url, "aud": "llm", "sub": "ann", "iat": now,
            "exp": now + 600, **more}.items() if v is not None}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer(keys):
    i = Issuer()
    i.keys = keys[:1]
    yield i
    i.close()


SHA = hashlib.sha256(b"sk-one").hexdigest()


def start(penstock, issuer, more="", workers=1, rest=""):
    return penstock(f"""
        server {{ workers = {workers},
                  auth_failures = "1000M/min" }}
        provider "sim"
        key "one" {{ sha256 = "{SHA}" }}
        jwt "corp" {{ issuer = "{issuer.url}", audience = "llm", {more} }}
        policies {{ "auth", "jwt", "route" }}
        {rest}
    """)


def ask(p, credential):
    return p.post("/v1/chat/completions", CHAT,
                  headers={"authorization": f"Bearer {credential}"})


def ready(p, token):
    wait_for(lambda: ask(p, token).status == 200, why="the first keys")


def test_discovered_and_believed(penstock, issuer, keys):
    p = start(penstock, issuer)
    ready(p, keys[0].sign(issuer.claims()))
    assert ask(p, keys[0].sign(issuer.claims(aud=["x", "llm"]))).status == 200
    assert ask(p, "sk-one").status == 200
    assert ask(p, "sk-two").status == 401
    assert p.post("/v1/chat/completions", CHAT).status == 401


def test_nobody_believes(penstock, issuer, keys):
    p = start(penstock, issuer)
    good = keys[0].sign(issuer.claims())
    ready(p, good)
    head, body, sig = good.split(".")
    now = int(time.time())
    none = b64({"alg": "none", "kid": "k1"})
    hs = f'{b64({"alg": "HS256", "kid": "k1"})}.{body}'
    forged = hmac.new(keys[0].public, hs.encode(), hashlib.sha256).digest()
    other = json.loads(base64.urlsafe_b64decode(body + "=="))
    twice = json.dumps(other)[:-1] + ', "sub": "root"}'
    refused = {
        "none": f"{none}.{body}.",
        "none with a signature": f"{none}.{body}.{sig}",
        "HS256 with the public key": f"{hs}.{b64(forged)}",
        "another's payload": f'{head}.{b64({**other, "sub": "root"})}.{sig}',
        "no signature": f"{head}.{body}.",
        "expired": keys[0].sign(issuer.claims(exp=now - 120)),
        "no exp": keys[0].sign(issuer.claims(exp=None)),
        "not yet": keys[0].sign(issuer.claims(nbf=now + 120)),
        "issued tomorrow": keys[0].sign(issuer.claims(iat=now + 120)),
        "another audience": keys[0].sign(issuer.claims(aud="other")),
        "no audience": keys[0].sign(issuer.claims(aud=None)),
        "another issuer": keys[0].sign(issuer.claims(iss="http://evil")),
        "no issuer": keys[0].sign(issuer.claims(iss=None)),
        "another algorithm": keys[0].sign(issuer.claims(), alg="RS384"),
        "extensions": keys[0].sign(issuer.claims(), crit=["exp"]),
        "a kid that climbs": keys[0].sign(issuer.claims(),
                                          kid="../../etc/passwd"),
        "its own key": keys[1].sign(issuer.claims(), jwk=keys[1].jwk()),
        "its own address": keys[1].sign(issuer.claims(),
                                        jku=issuer.url + "/mine"),
        "a certificate's address": keys[1].sign(
            issuer.claims(), x5u=issuer.url + "/mine"),
        "its own certificate": keys[1].sign(issuer.claims(), x5c=["MIIB"]),
        "a name twice": keys[0].sign({"x": 1}).replace(
            b64({"x": 1}), b64(twice.encode())),
    }
    for what, token in refused.items():
        a = ask(p, token)
        assert a.status == 401, (what, a.status, a.body)
        assert a.json()["error"]["code"] == "invalid_api_key", what
    assert ask(p, good).status == 200


def test_rotation(penstock, issuer, keys):
    p = start(penstock, issuer, 'refetch = "1s"', workers=2)
    old, new = (k.sign(issuer.claims()) for k in keys[:2])
    ready(p, old)
    assert ask(p, new).status == 401
    issuer.keys = keys[:2]
    time.sleep(1.1)
    fetches = issuer.fetches
    assert ask(p, new).status == 200  # it waited for the refetch
    assert issuer.fetches == fetches + 1
    issuer.keys = keys[1:2]           # the old key is gone, with its verdicts
    time.sleep(1.1)
    assert ask(p, keys[2].sign(issuer.claims())).status == 401
    wait_for(lambda: ask(p, old).status == 401, why="the old key's end")
    assert ask(p, new).status == 200


def test_refresh_and_cache_control(penstock, issuer, keys):
    issuer.cache_control = "public, max-age=1"
    p = start(penstock, issuer, 'refetch = "1s", refresh = "24h"')
    ready(p, keys[0].sign(issuer.claims()))
    wait_for(lambda: issuer.fetches >= 3, why="the refresh")


def test_unknown_kids_fetch_once(penstock, issuer, keys):
    p = start(penstock, issuer, 'refetch = "1h"', workers=2)
    ready(p, keys[0].sign(issuer.claims()))
    time.sleep(0.2)
    fetches = issuer.fetches
    token = keys[1].sign(issuer.claims())
    began = time.monotonic()
    for i in range(100):
        head = b64({"alg": "RS256", "kid": f"unknown-{i}"})
        assert ask(p, head + token[token.index("."):]).status == 401
    assert time.monotonic() - began < 10
    assert issuer.fetches == fetches


def test_issuer_down(penstock, issuer, keys):
    issuer.status = 500
    p = start(penstock, issuer, 'refetch = "1s"')
    good = keys[0].sign(issuer.claims())
    a = ask(p, good)
    assert a.status == 503
    assert a.json()["error"]["code"] == "auth_unavailable"
    assert a.headers["retry-after"] == "1"
    assert ask(p, "sk-one").status == 200
    wait_for(lambda: p.logs("jwt.keys_failed"), why="the event")
    issuer.status = 200
    ready(p, good)
    issuer.status = 500  # down again: the old keys serve
    time.sleep(1.1)
    assert ask(p, keys[1].sign(issuer.claims())).status == 503
    assert ask(p, keys[0].sign(issuer.claims())).status == 200


def test_keeper_dies(penstock, issuer, keys):
    p = start(penstock, issuer, 'refetch = "1s"')
    ready(p, keys[0].sign(issuer.claims()))
    issuer.status = 500
    keeper = [h["pid"] for h in p.status()["helpers"]
              if h["kind"] == "keeper"]
    os.kill(keeper[0], signal.SIGKILL)
    wait_for(lambda: p.logs("keeper.died"), why="the death")
    wait_for(lambda: p.logs("jwt.keys_failed"), why="the next one's fetch")
    assert ask(p, keys[0].sign(issuer.claims(sub="bob"))).status == 200


def test_another_issuers_description(penstock, issuer, keys):
    issuer.name = "http://evil.example"
    p = start(penstock, issuer)
    assert ask(p, keys[0].sign(issuer.claims())).status == 503
    wait_for(lambda: any("another issuer" in e["why"]
                         for e in p.logs("jwt.keys_failed")), why="the event")


def test_keys_from_a_file(penstock, issuer, keys, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [keys[0].jwk()]}))
    p = start(penstock, issuer, f'jwks = file "{path}"')
    assert ask(p, keys[0].sign(issuer.claims())).status == 200
    assert ask(p, keys[1].sign(issuer.claims())).status == 401
    assert issuer.fetches == 0


def test_what_a_token_carries(penstock, issuer, keys):
    p = start(penstock, issuer,
              'claims = { id = "sub", team = "groups[0]?", '
              'models = "llm.models?" }',
              rest='team "search" { models = { "sim/lorem*" } }')
    good = keys[0].sign(issuer.claims())
    ready(p, good)
    a = ask(p, keys[0].sign(issuer.claims(groups=["search"])))
    assert a.status == 403
    assert a.json()["error"]["code"] == "model_not_allowed"
    a = ask(p, keys[0].sign(issuer.claims(llm={"models": ["sim/tools"]})))
    assert a.status == 403
    a = ask(p, keys[0].sign(issuer.claims(llm={"models": ["sim/e*"]})))
    assert a.status == 200
    a = ask(p, keys[0].sign(issuer.claims(llm={"models": []})))
    assert a.status == 403
    assert a.json()["error"]["code"] == "not_allowed"


def test_keys_from_a_file_that_is_replaced(penstock, issuer, keys, tmp_path):
    path = tmp_path / "keys.json"

    def put(*those):
        new = tmp_path / "new.json"
        new.write_text(json.dumps({"keys": [k.jwk() for k in those]}))
        new.rename(path)

    put(keys[0])
    p = start(penstock, issuer, f'jwks_file = "{path}", refetch = "1s"',
              workers=2)
    old, new = (k.sign(issuer.claims()) for k in keys[:2])
    ready(p, old)
    assert ask(p, new).status == 401
    put(keys[0], keys[1])
    time.sleep(1.1)
    assert ask(p, new).status == 200  # it waited for the file
    path.write_text("no keys")        # the last good ones serve
    time.sleep(1.1)
    assert ask(p, keys[2].sign(issuer.claims())).status == 503
    wait_for(lambda: p.logs("jwt.keys_failed"), why="the event")
    assert ask(p, keys[0].sign(issuer.claims(sub="bob"))).status == 200
    assert issuer.fetches == 0


def test_limits_of_a_token(penstock, issuer, keys):
    p = start(penstock, issuer,
              'claims = { id = "sub", ["limits.requests"] = "quota.r" }')
    ready(p, keys[0].sign(issuer.claims(quota={"r": "1000/h"})))
    # a tenth of the limit may come at once
    bob = keys[0].sign(issuer.claims(sub="bob", quota={"r": "20/h"}))
    eve = keys[0].sign(issuer.claims(sub="eve", quota={"r": "20/h"}))
    assert [ask(p, bob).status for _ in range(3)] == [200, 200, 429]
    assert ask(p, eve).status == 200
    a = ask(p, keys[0].sign(issuer.claims(quota={"r": 600})))
    assert a.status == 403
    assert "limits.requests" in a.json()["error"]["message"]


def test_the_team_of_a_token(penstock, issuer, keys):
    """One number for all in a team, by a key or by a token."""
    p = start(penstock, issuer, 'claims = { id = "sub", team = "team" }',
              rest=f"""
        team "search" {{ limits = {{ requests = "30/h" }} }}
        key "two" {{ team = "search",
                     sha256 = "{hashlib.sha256(b'sk-two').hexdigest()}" }}
    """)
    ready(p, keys[0].sign(issuer.claims(team="others")))
    ann, bob = (keys[0].sign(issuer.claims(sub=who, team="search"))
                for who in ("ann", "bob"))
    assert ask(p, "sk-two").status == 200
    assert [ask(p, t).status for t in (ann, bob, ann)] == [200, 200, 429]
    assert ask(p, "sk-two").status == 429


def test_reload_takes_new_secrets(penstock, issuer, keys, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [keys[0].jwk()]}))
    p = start(penstock, issuer, f'jwks = file "{path}"')
    old, new = (k.sign(issuer.claims()) for k in keys[:2])
    assert (ask(p, old).status, ask(p, new).status) == (200, 401)
    path.write_text(json.dumps({"keys": [keys[1].jwk()]}))
    got = p.cli("reload")
    assert got.returncode == 0, got.stderr
    assert (ask(p, old).status, ask(p, new).status) == (401, 200)
