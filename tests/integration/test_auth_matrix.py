# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every endpoint, by every kind of credential that does not do, by odd
spellings of its path: what the parsed endpoint says is what happens, and
nothing of it reaches a provider."""
import json
import socket

from test_security import CANARY, key
from upstream import Upstream

# path, method, body, Anthropic's family
TEXT = [{"role": "user", "content": "hi"}]
MESSAGES = {"model": "m", "messages": TEXT, "max_tokens": 9}
ENDPOINTS = {
    "/v1/chat/completions": ("POST", {"model": "m", "messages": TEXT}, False),
    "/v1/completions": ("POST", {"model": "m", "prompt": "x"}, False),
    "/v1/embeddings": ("POST", {"model": "m", "input": "x"}, False),
    "/v1/models": ("GET", None, None),
    "/v1/models/m": ("GET", None, None),
    "/v1/messages": ("POST", MESSAGES, True),
    "/v1/messages/count_tokens": ("POST", {"model": "m", "messages": TEXT},
                                  True),
}
PUBLIC = {"/": "HEAD", "/healthz": "GET", "/readyz": "GET"}
MOUNTS = {"/openai": False, "/anthropic": True}

# credential, status, code of the error
CALLERS = [
    (None, 401, "invalid_api_key"), ("sk-wrong", 401, "invalid_api_key"),
    ("sk-other", 403, "model_not_allowed"),
    ("sk-expired", 401, "invalid_api_key"),
    ("sk-disabled", 401, "invalid_api_key"), ("sk-far", 403, "not_allowed"),
]
TYPES = {401: "authentication_error", 403: "permission_error",
         404: "not_found_error"}

ODD = [
    "{p}", "/{p}", "//{p}", "/.{p}", "/x/..{p}", "/%2e{p}", "/%2e%2e{p}",
    "{p}/", "{p}//", "{p}/.", "{p}/..", "{p}/%2e%2e", "{p};a=b", "{p};",
    "{p}/;/healthz", "{p}/..;/healthz", "{p}%2f", "{p}%00", "{p}%20",
    "{p}%3f", "{p}.json", "/healthz{p}", "/healthz/..{p}", "/healthz;{p}",
    "/healthz/..;{p}", "/healthz%2f..{p}", "/healthz%3b{p}", "/readyz/%2e.{p}",
    "/metrics/..{p}", "/openai{p}", "/anthropic{p}", "/openai/openai{p}",
    "/OPENAI{p}", "/openai/..{p}", "/openai;{p}", "/openai/{p}",
    "{p}?key=sk-good", "{p}?x=/healthz", "{p}?", "/healthz?{p}",
    "http://localhost{p}", "http://evil.example{p}",
    "http://evil.example/{p}", "http://healthz{p}", "HTTP://localhost{p}",
    "http://localhost:1/healthz/..{p}", "{upper}", "{title}", "{encoded}",
    "{slash}", "{backslash}",
]
# fields that others take for the path, the host or the caller
TRICKS = [
    {}, {"Host": "evil.example"}, {"Host": "healthz"},
    {"X-Original-URL": "/healthz"}, {"X-Rewrite-URL": "/healthz"},
    {"X-Forwarded-Prefix": "/healthz"}, {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-For": "192.0.2.7"}, {"X-Real-IP": "192.0.2.7"},
    {"X-HTTP-Method-Override": "HEAD"}, {"X-Original-Method": "OPTIONS"},
    {"X-Forwarded-User": "good"}, {"X-Remote-User": "good"},
    {"Cookie": "key=sk-good"}, {"Proxy-Authorization": "Bearer sk-good"},
]


def spellings(path):
    return [form.format(
        p=path, upper=path.upper(), title=path.title(),
        encoded="/" + "".join(f"%{b:02x}" for b in path[1:].encode()),
        slash=path.replace("/", "%2f").replace("%2f", "/", 1),
        backslash=path.replace("/", "\\")) for form in ODD]


def meant(target):
    """The path behind a target: no more than its query and authority go."""
    if target.lower().startswith("http://"):
        target = target[target.index("/", 7):]
    return target.partition("?")[0]


def found(path):
    """The endpoint at exactly this path, and the family that it names."""
    family = None
    for mount, anthropic in MOUNTS.items():
        rest = path[len(mount):]
        if path.startswith(mount) and rest.startswith("/v1/"):
            path, family = rest, anthropic
    if path.startswith("/v1/models/") and len(path) > len("/v1/models/"):
        path = "/v1/models/m" if path == "/v1/models/m" else "/v1/models/?"
    known = ENDPOINTS.get("/v1/models/m" if path == "/v1/models/?" else path)
    if known and family is not None and known[2] not in (None, family):
        return None, family
    return (path if known or path in PUBLIC else None), family


class Client:
    """Requests on kept connections."""

    def __init__(self, port):
        self.port, self.file = port, None

    def ask(self, method, target, headers, body):
        if not self.file:
            sock = socket.create_connection(("127.0.0.1", self.port), 20)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = sock.makefile("rwb")
        fields = {"Host": "localhost", **headers}
        text = json.dumps(body).encode() if body is not None else b""
        fields["Content-Length"] = len(text)
        self.file.write(f"{method} {target} HTTP/1.1\r\n".encode() + b"".join(
            f"{k}: {v}\r\n".encode() for k, v in fields.items())
            + b"\r\n" + text)
        self.file.flush()
        status = int(self.file.readline().split()[1])
        got = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            got[name.lower()] = value
        out = b"" if method == "HEAD" else \
            self.file.read(int(got["content-length"]))
        if got.get("connection") == "close":
            self.file = None
        return status, got, out


def expected(target, method, status, code):
    """Status and code of the error; (200, None) where there is none."""
    path, _ = found(meant(target))
    if path is None:
        return 404, "not_found"
    wants = PUBLIC.get(path) or ENDPOINTS.get(path, ("GET",))[0]
    if method != wants:
        return 405, "method_not_allowed"
    if path in PUBLIC:
        return 200, None
    if code == "model_not_allowed" and path == "/v1/models":
        return 200, None            # a list of none
    if code == "model_not_allowed" and path.startswith("/v1/models/"):
        return 404, "model_not_found"
    return status, code


def check(answer, target, anthropic, want, where):
    status, headers, body = answer
    if "\\" in target and status == 400:
        return                      # no target at all, for the server
    assert status == want[0], (where, body)
    if want[1] is None:
        assert b'"id"' not in body, where
        return
    path, family = found(meant(target))
    known = ENDPOINTS[path][2] if path in ENDPOINTS else \
        False if path in PUBLIC else None
    shape = known if known is not None else \
        anthropic or meant(target).startswith("/v1/messages/")
    if family is not None:
        shape = family
    error = json.loads(body)
    assert headers["x-penstock-error"] == f"{want[1]}; side=client", where
    if shape:
        assert error["type"] == "error" and error["request_id"], where
        assert error["error"]["type"] == TYPES.get(
            want[0], "invalid_request_error"), where
    else:
        assert set(error["error"]) == {"message", "type", "param", "code"}
        assert error["error"]["code"] == want[1], where
    assert b"sk-" not in body, where


def gateway(penstock, up):
    keys = (key("good") + key("other", 'models = { "else" }')
            + key("expired", 'expires = "2020-01-01"')
            + key("disabled", "disabled = true")
            + key("far", 'cidrs = { "192.0.2.0/24" }'))
    return penstock(f'''server {{ auth_failures = "1000M/min" }}
listen "127.0.0.1:0"
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 keys = {{ env "CANARY" }} }}
model "m" {{ "up/m" }}
{keys}''', env={"CANARY": CANARY})


def upstream():
    return Upstream(lambda conn, request: conn.answer(
        {"error": {"message": "seen", "type": "x"}}, 418))


def test_every_endpoint_by_every_spelling(penstock):
    count = 0
    with upstream() as up:
        p = gateway(penstock, up)
        client = Client(p.port)
        for plain, (method, body, family) in ENDPOINTS.items():
            head = {"anthropic-version": "2023-06-01"} if family else {}
            for token, status, code in CALLERS:
                auth = {"Authorization": "Bearer " + token} if token else {}
                for target in spellings(plain):
                    answer = client.ask(method, target, {**head, **auth},
                                        body)
                    check(answer, target, bool(family),
                          expected(target, method, status, code),
                          (token, method, target))
                    count += 1
        assert count == len(ENDPOINTS) * len(CALLERS) * len(ODD)
        assert not up.requests and not up.conns, "something went upstream"


def test_every_endpoint_by_every_trick(penstock):
    with upstream() as up:
        p = gateway(penstock, up)
        client = Client(p.port)
        for plain, (method, body, family) in ENDPOINTS.items():
            head = {"anthropic-version": "2023-06-01"} if family else {}
            for token, status, code in CALLERS:
                auth = {"Authorization": "Bearer " + token} if token else {}
                for trick in TRICKS:
                    answer = client.ask(method, plain,
                                        {**head, **auth, **trick}, body)
                    check(answer, plain, bool(family),
                          expected(plain, method, status, code),
                          (token, method, plain, trick))
        assert not up.requests and not up.conns, "something went upstream"


def test_the_key_that_does_opens_each(penstock):
    """The same requests with the right key: else the others prove nothing."""
    with upstream() as up:
        p = gateway(penstock, up)
        client = Client(p.port)
        for plain, (method, body, family) in ENDPOINTS.items():
            head = {"anthropic-version": "2023-06-01"} if family else {}
            seen = len(up.requests)
            status, _, out = client.ask(
                method, plain, {**head, "Authorization": "Bearer sk-good"},
                body)
            assert status not in (401, 403, 405), (plain, out)
            if method == "POST" and "count" not in plain:
                assert len(up.requests) > seen, plain
        assert {r.header("authorization") for r in up.requests} == \
            {"Bearer " + CANARY}
