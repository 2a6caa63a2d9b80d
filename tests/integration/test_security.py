# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Who may call, and what is never said: keys and paths in odd spellings, the
rule for local callers, addresses behind proxies, secrets of providers."""
import contextlib
import hashlib
import json
import socket

import pytest

from conftest import wait_for
from upstream import Upstream

CANARY = "sk-canary-4f1d0c9b7e"
WHOLE = {"id": "c", "object": "chat.completion", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "hello"},
     "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CALLS = {
    "chat": ("POST", "/v1/chat/completions", CHAT),
    "completions": ("POST", "/v1/completions", {"model": "m", "prompt": "x"}),
    "embeddings": ("POST", "/v1/embeddings", {"model": "m", "input": "x"}),
    "models": ("GET", "/v1/models", None),
    "model": ("GET", "/v1/models/m", None),
}


def key(name, more=""):
    digest = hashlib.sha256(f"sk-{name}".encode()).hexdigest()
    return f'key "{name}" {{ sha256 = "{digest}", {more} }}\n'


KEYS = (key("good") + key("other", 'models = { "else" }')
        + key("expired", 'expires = "2020-01-01"')
        + key("disabled", "disabled = true")
        + key("far", 'cidrs = { "192.0.2.0/24" }')
        + key("chat", 'endpoints = { "chat" }'))


def config(url, listen="", more=""):
    return f'''
listen "127.0.0.1:0" {{ {listen} }}
provider "up" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = {{ env "CANARY" }} }}
model "m" {{ "up/m" }}
{more}'''


@contextlib.contextmanager
def gateway(penstock, listen="", more=KEYS, handler=None):
    def answer(conn, request):
        if request.path.endswith("/models"):
            conn.answer({"object": "list", "data": [{"id": "m"}]})
        elif request.path.endswith("/embeddings"):
            conn.answer({"object": "list", "data": [
                {"object": "embedding", "index": 0, "embedding": [0.1]}]})
        else:
            conn.answer(WHOLE)

    with Upstream(handler or answer) as up:
        yield penstock(config(up.url, listen, more),
                       env={"CANARY": CANARY}), up


def raw(p, text, timeout=10):
    """Bytes in, all bytes out until the peer closes or is silent."""
    with socket.create_connection(("127.0.0.1", p.port), timeout) as s:
        s.sendall(text if isinstance(text, bytes) else text.encode())
        out = b""
        with contextlib.suppress(OSError):
            while more := s.recv(65536):
                out += more
        return out


def status_of(out):
    assert out.startswith(b"HTTP/1.1 "), out[:80]
    return int(out[9:12])


def bearer(token):
    return {"authorization": "Bearer " + token} if token else {}


# ---- keys ----------------------------------------------------------------

# the key, and the status for each endpoint that it is not let into
MATRIX = [
    (None, 401), ("sk-wrong", 401), ("sk-goo", 401), ("sk-good ", 200),
    ("sk-expired", 401), ("sk-disabled", 401), ("sk-far", 403),
    ("sk-good", 200),
]


def test_matrix(penstock):
    with gateway(penstock) as (p, up):
        for token, want in MATRIX:
            for name, (method, path, body) in CALLS.items():
                a = p.request(method, path, body, headers=bearer(token))
                assert a.status == want, (token, name, a.body)
                if want != 200:
                    error = a.json()["error"]
                    assert error["code"] in ("invalid_api_key", "not_allowed")
                    assert "side=client" in a.headers["x-penstock-error"]
        seen = {r.header("authorization") for r in up.requests}
        assert seen == {"Bearer " + CANARY}
        assert len(up.requests) == 2 * 3, "refused requests went upstream"


def test_model_and_endpoint_limits(penstock):
    with gateway(penstock) as (p, up):
        a = p.post("/v1/chat/completions", CHAT, headers=bearer("sk-other"))
        assert (a.status, a.json()["error"]["code"]) == \
            (403, "model_not_allowed")
        a = p.get("/v1/models", headers=bearer("sk-other"))
        assert (a.status, a.json()["data"]) == (200, [])
        assert p.get("/v1/models/m",
                     headers=bearer("sk-other")).status == 404
        assert p.post("/v1/embeddings", CALLS["embeddings"][2],
                      headers=bearer("sk-chat")).status == 403
        assert p.get("/v1/models", headers=bearer("sk-chat")).status == 403
        assert not up.requests


@pytest.mark.parametrize("headers,want", [
    ({"x-api-key": "sk-good"}, 200), ({"api-key": "sk-good"}, 200),
    ({"x-goog-api-key": "sk-good"}, 200),
    ({"x-penstock-key": "sk-good"}, 200),
    ({"authorization": "bEaReR   sk-good"}, 200),
    ({"authorization": "Bearer sk-good", "x-api-key": "sk-good"}, 200),
    ({"authorization": "Bearer sk-good", "x-api-key": "sk-x"}, 400),
    ({"authorization": "Bearer sk-wrong", "x-api-key": "sk-good"}, 400),
    ({"authorization": "Basic sk-good"}, 401),
    ({"authorization": "Basic sk-x", "x-api-key": "sk-good"}, 400),
    ({"authorization": "sk-good"}, 200), ({"authorization": "Bearer"}, 401),
    ({"authorization": "Bearer none"}, 401),
    ({"authorization": "Bearersk-good"}, 401),
    ({"authorization": "Bearer sk-good\tx"}, 401),
    ({"authorization": "Bearer " + "x" * 9000}, 401),
    ({"authorization": "Bearer sk-good\u00ff"}, 401),
    ({"cookie": "authorization=Bearer sk-good"}, 401),
])
def test_where_a_key_is_looked_for(penstock, headers, want):
    with gateway(penstock) as (p, _):
        a = p.get("/v1/models", headers=headers)
        assert a.status == want, a.body


def test_two_fields_of_one_name_that_differ(penstock):
    with gateway(penstock) as (p, _):
        for second, want in (("sk-good", 200), ("sk-wrong", 400)):
            out = raw(p, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
                         "Authorization: Bearer sk-good\r\n"
                         f"Authorization: Bearer {second}\r\n"
                         "Connection: close\r\n\r\n")
            assert status_of(out) == want


# ---- paths ---------------------------------------------------------------

ODD = ["//v1/models", "/v1//models", "/v1/./models", "/v1/x/../models",
       "/%76%31/models", "/v1%2fmodels", "/v1/%2e%2e/v1/models",
       "/v1/models;a=b", "/v1;x/models", "/V1/models", "/v1/Models",
       "/v1/models%00", "/v1/models%20", "/v1/models/", "/openai//v1/models",
       "/openai/v1/../v1/models", "/OPENAI/v1/models", "/healthz/../v1/models",
       "/healthz;/v1/models", "/healthz%2f..%2fv1%2fmodels", "/readyz/",
       "/v1/chat/completions/", "/v1/chat/completions%2f", "/metrics",
       "/admin", "/", "/v1", "/v1/", "/.well-known/x", "/v1/responses"]


@pytest.mark.parametrize("token", [None, "sk-good"])
def test_odd_paths_are_nothing(penstock, token):
    """A path is what the table says, byte for byte, or nothing."""
    head = f"Authorization: Bearer {token}\r\n" if token else ""
    with gateway(penstock) as (p, up):
        for path in ODD:
            for method in ("GET", "POST"):
                out = raw(p, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
                             f"{head}Content-Length: 0\r\n"
                             "Connection: close\r\n\r\n")
                assert status_of(out) in (400, 401, 404, 405), (path, out)
                assert b'"object"' not in out
        assert not up.requests


@pytest.mark.parametrize("target,host,want", [
    ("http://localhost/v1/models", "localhost", 401),
    ("http://localhost/v1/models", "evil.example", 401),
    ("http://evil.example/healthz", "localhost", 200),
    ("/v1/models?key=sk-good", "localhost", 401),
    ("/v1/models#/healthz", "localhost", 400),
    ("http://localhost", "localhost", 405), ("*", "localhost", None),
    ("localhost:80", "localhost", None),
])
def test_forms_of_a_target(penstock, target, host, want):
    with gateway(penstock) as (p, _):
        out = raw(p, f"GET {target} HTTP/1.1\r\nHost: {host}\r\n"
                     "Connection: close\r\n\r\n")
        assert status_of(out) == want if want else status_of(out) >= 400
        assert "sk-good" not in p.stderr()


# ---- anonymous = "local" ---------------------------------------------------

LOCAL = [
    ({}, 200), ({"Host": "127.0.0.1:8080"}, 200), ({"Host": "[::1]"}, 200),
    ({"Host": "LOCALHOST"}, 200), ({"Host": "evil.example"}, 401),
    ({"Host": "localhost.evil.example"}, 401),
    ({"Host": "127.0.0.1.evil.example"}, 401), ({"Host": "127.0.0.2"}, 401),
    ({"Host": "evil.example:127"}, 401), ({"Host": "[::1].evil"}, None),
    ({"Host": "localhost@evil.example"}, None),
    ({"Origin": "http://evil.example"}, 401), ({"Origin": "null"}, 401),
    ({"Origin": "http://localhost"}, 200),
    ({"Origin": "https://localhost"}, 401),
    ({"Origin": "http://localhost:81"}, 401),
    ({"Sec-Fetch-Site": "cross-site"}, 401),
    ({"Sec-Fetch-Site": "same-site"}, 401),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"X-Forwarded-For": "127.0.0.1"}, 401), ({"X-Forwarded-For": ""}, 401),
    ({"x-forwarded-client-cert": "x"}, 401), ({"Via": "1.1 x"}, 401),
    ({"Forwarded": "for=127.0.0.1"}, 401), ({"X-Real-IP": "127.0.0.1"}, 401),
    ({"Authorization": "Bearer sk-any"}, 401),
    ({"Authorization": "Basic x"}, 401), ({"x-api-key": "x"}, 401),
    ({"Authorization": "Bearer none"}, 200), ({"Authorization": ""}, 200),
]


def test_local_callers(penstock):
    """Without a key: this machine's programs, and no page in a browser."""
    with gateway(penstock, more="") as (p, _):
        for headers, want in LOCAL:
            fields = {"Host": "localhost", **headers}
            text = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
            out = raw(p, f"GET /v1/models HTTP/1.1\r\n{text}"
                         "Connection: close\r\n\r\n")
            assert status_of(out) == (want or 400), (headers, out)
        out = raw(p, "GET http://evil.example/v1/models HTTP/1.1\r\n"
                     "Host: localhost\r\nConnection: close\r\n\r\n")
        assert status_of(out) == 401, "the target's authority is the host"
        assert status_of(raw(p, "GET /v1/models HTTP/1.0\r\n\r\n")) == 401


# ---- proxies ---------------------------------------------------------------

FORWARDED = [  # trusted, X-Forwarded-For (a list: several fields), address
    ("127.0.0.0/8", ["192.0.2.7"], "192.0.2.7"),
    ("127.0.0.0/8", ["192.0.2.7, 198.51.100.1"], "198.51.100.1"),
    ("127.0.0.0/8", ["192.0.2.7", "127.0.0.9"], "192.0.2.7"),
    ("127.0.0.0/8", ["192.0.2.7:4711"], "192.0.2.7"),
    ("127.0.0.0/8", ["[2001:db8::1]:80"], "2001:db8::1"),
    ("127.0.0.0/8", ["192.0.2.7, nonsense"], "127.0.0.1"),
    ("127.0.0.0/8", ["192.0.2.7, 127.0.0.9, unknown, 127.0.0.8"],
     "127.0.0.8"),
    ("127.0.0.0/8", [], "127.0.0.1"), ("127.0.0.0/8", [""], "127.0.0.1"),
    ("10.0.0.0/8", ["192.0.2.7"], "127.0.0.1"),
    (None, ["192.0.2.7"], "127.0.0.1"),
]


def test_addresses_behind_proxies(penstock):
    for trusted in {row[0] for row in FORWARDED}:
        listen = f'trusted_proxies = {{ "{trusted}" }}' if trusted else ""
        with gateway(penstock, listen) as (p, _):
            rows = [row for row in FORWARDED if row[0] == trusted]
            for _, fields, address in rows:
                text = "".join(f"X-Forwarded-For: {f}\r\n" for f in fields)
                out = raw(p, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
                             f"Authorization: Bearer sk-far\r\n{text}"
                             "Connection: close\r\n\r\n")
                want = 200 if address.startswith("192.0.2.") else 403
                assert status_of(out) == want, (trusted, fields, out)
            wait_for(lambda: len(p.logs("request")) == len(rows), why="lines")
            # each worker writes its lines of a turn when the turn is over
            assert sorted(line["client"] for line in p.logs("request")) == \
                sorted(row[2] for row in rows)


# ---- what is never said ----------------------------------------------------

QUOTE = f"Incorrect API key provided: {CANARY}."


def whole_error(status, code):
    def handler(conn, request):
        conn.answer({"error": {"message": QUOTE, "type": "x", "code": code}},
                    status, extra=[("openai-organization", "o")])
    return handler


def error_in_200(conn, request):
    conn.answer({"error": {"message": QUOTE, "code": 401}})


def error_event(before):
    def handler(conn, request):
        chunk = {"id": "c", "choices": [
            {"index": 0, "delta": {"content": "x"}}]}
        text = f"data: {json.dumps(chunk)}\n\n" if before else ""
        error = json.dumps({"error": {"message": QUOTE, "code": "401"}})
        conn.answer(text + f"data: {error}\n\n", 200, "text/event-stream")
    return handler


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("handler", [
    whole_error(400, "x"), whole_error(401, "x"), whole_error(402, "x"),
    whole_error(429, "x"), whole_error(500, "x"), error_in_200,
    error_event(False), error_event(True)],
    ids=["400", "401", "402", "429", "500", "200", "event", "late_event"])
def test_a_quoted_credential_is_not_passed_on(penstock, handler, stream):
    with gateway(penstock, 'detail = "full"', "", handler) as (p, up):
        body = {**CHAT, "stream": stream}
        out = raw(p, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                     "Connection: close\r\nContent-Length: "
                     f"{len(json.dumps(body))}\r\n\r\n{json.dumps(body)}")
        assert up.requests[0].header("authorization") == "Bearer " + CANARY
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        said = [out.decode(), p.stderr(), p.cli("explain", line["id"]).stdout,
                p.cli("status", "--json").stdout,
                p.cli("config", "dump", str(p.conf)).stdout]
        for text in said:
            assert CANARY not in text


def test_fields_that_go_upstream(penstock):
    """By a list: what is not on it stays here, ours above all."""
    with gateway(penstock, more="") as (p, up):
        a = p.post("/v1/chat/completions", CHAT, headers={
            "x-penstock-tags": "a=b", "X-Penstock-Timeout": "3s",
            "cookie": "secret=1", "x-custom": "y", "referer": "z",
            "openai-beta": "assistants=v2", "idempotency-key": "k1",
            "x-stainless-os": "Linux", "accept-encoding": "gzip",
            "openai-project": "p" * 20000, "te": "trailers"})
        assert a.status == 200, a.body
        names = {k.lower() for k, _ in up.requests[0].headers}
        assert not [n for n in names if n.startswith("x-penstock")]
        assert not names & {"cookie", "x-custom", "referer", "te",
                            "x-stainless-os", "openai-project", "expect"}
        assert up.requests[0].header("accept-encoding") == "identity"
        assert {"openai-beta", "idempotency-key", "traceparent"} <= names


def test_many_fields_for_upstream_do_not_displace_the_key(penstock):
    with gateway(penstock, more="") as (p, up):
        a = p.post("/v1/chat/completions", CHAT,
                   headers={f"openai-x{i}": "y" for i in range(60)})
        assert a.status == 200, a.body
        assert up.requests[0].header("authorization") == "Bearer " + CANARY


def test_a_model_name_makes_no_field(penstock):
    with gateway(penstock, 'detail = "full"', "") as (p, _):
        for name in ("m\r\nx-evil: 1", "m\u0000", "up/m\nx", "\r\n\r\n"):
            a = p.post("/v1/chat/completions", {**CHAT, "model": name})
            assert a.status == 404 and "x-evil" not in a.headers
            assert a.json()["error"]["code"] == "model_not_found"


def test_what_a_provider_answers_makes_no_field(penstock):
    def handler(conn, request):
        conn.answer(WHOLE, extra=[
            ("set-cookie", "a=b"), ("x-penstock-error", "x; side=gateway"),
            ("server", "s"), ("connection", "keep-alive"),
            ("x-ratelimit-limit-requests", "9"), ("openai-version", "v"),
            ("x-request-id", "theirs")])

    with gateway(penstock, more="", handler=handler) as (p, _):
        a = p.post("/v1/chat/completions", CHAT)
        assert a.status == 200
        assert not set(a.headers) & {"set-cookie", "server",
                                     "x-penstock-error"}
        assert a.headers["x-ratelimit-limit-requests"] == "9"
        assert a.headers["x-penstock-upstream-request-id"] == "theirs"
        assert a.headers["x-request-id"].startswith("req_")
