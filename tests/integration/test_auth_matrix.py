# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every endpoint, by every kind of credential that does not do, by odd
spellings of its path: what the parsed endpoint says is what happens, and
nothing of it reaches a provider."""
import json
import os
import re
import socket

from test_security import CANARY, key
from upstream import Upstream

TEXT = [{"role": "user", "content": "hi"}]
CONTENT = {"parts": [{"text": "hi"}]}
MESSAGES = {"model": "m", "messages": TEXT, "max_tokens": 9}
WORDS = {"model": "m", "input": "x"}
GENERATE = {"contents": [CONTENT]}
OPENAI, ANTHROPIC, GEMINI = "openai", "anthropic", "gemini"
ANY = ("GET", "POST", "DELETE")
# path: method, body, family (None: of each family there is one)
ENDPOINTS = {
    "/v1/chat/completions": ("POST", {"model": "m", "messages": TEXT}, OPENAI),
    "/v1/responses": ("POST", WORDS, OPENAI),
    "/v1/completions": ("POST", {"model": "m", "prompt": "x"}, OPENAI),
    "/v1/embeddings": ("POST", WORDS, OPENAI),
    "/v1/models": ("GET", None, None),
    "/v1/models/m": ("GET", None, None),
    "/v1/messages": ("POST", MESSAGES, ANTHROPIC),
    "/v1/messages/count_tokens": ("POST", {"model": "m", "messages": TEXT},
                                  ANTHROPIC),
    "/v1beta/models/m:generateContent": ("POST", GENERATE, GEMINI),
    "/v1alpha/models/m:generateContent": ("POST", GENERATE, GEMINI),
    "/v1/models/m:generateContent": ("POST", GENERATE, GEMINI),
    "/v1beta/models/m:streamGenerateContent": ("POST", GENERATE, GEMINI),
    "/v1beta/models/m:countTokens": ("POST", GENERATE, GEMINI),
    "/v1beta/models/m:embedContent": ("POST", {"content": CONTENT}, GEMINI),
    "/v1beta/models/m:batchEmbedContents": (
        "POST", {"requests": [{"model": "models/m", "content": CONTENT}]},
        GEMINI),
    "/v1beta/models": ("GET", None, GEMINI),
    "/v1beta/models/m": ("GET", None, GEMINI),
    "/v1/images/generations": ("POST", {"model": "m", "prompt": "x"}, OPENAI),
    "/v1/images/edits": ("POST", {"model": "m", "prompt": "x"}, OPENAI),
    "/v1/images/variations": ("POST", {"model": "m"}, OPENAI),
    "/v1/audio/speech": ("POST", WORDS, OPENAI),
    "/v1/audio/transcriptions": ("POST", {"model": "m"}, OPENAI),
    "/v1/audio/translations": ("POST", {"model": "m"}, OPENAI),
    "/v1/moderations": ("POST", WORDS, OPENAI),
    "/v1/rerank": ("POST", {"model": "m", "query": "q", "documents": ["d"]},
                   OPENAI),
    "/v2/rerank": ("POST", {"model": "m", "query": "q", "documents": ["d"]},
                   OPENAI),
    "/v1/messages/batches": ("POST", {}, ANTHROPIC),
    "/v1/messages/batches/b-1/cancel": ("POST", {}, ANTHROPIC),
    "/v1/files": ("POST", {}, None),
    "/v1/files/file-1": ("GET", None, None),
    "/v1/uploads": ("POST", {}, OPENAI),
    "/v1/uploads/up-1/parts": ("POST", {}, OPENAI),
    "/v1/batches": ("POST", {}, OPENAI),
    "/v1/batches/b-1/cancel": ("POST", {}, OPENAI),
    "/v1/fine_tuning/jobs": ("GET", None, OPENAI),
    "/v1/assistants": ("GET", None, OPENAI),
    "/v1/assistants/a-1": ("DELETE", None, OPENAI),
    "/v1/threads": ("POST", {}, OPENAI),
    "/v1/threads/t-1/runs": ("POST", {}, OPENAI),
    "/v1/vector_stores": ("GET", None, OPENAI),
    "/v1/vector_stores/v-1": ("DELETE", None, OPENAI),
    "/v1/videos": ("POST", {}, OPENAI),
    "/v1/videos/v-1/content": ("GET", None, OPENAI),
    "/v1/containers": ("GET", None, OPENAI),
    "/v1/containers/c-1/files": ("POST", {}, OPENAI),
    "/v1/evals": ("GET", None, OPENAI),
    "/v1/evals/e-1/runs": ("POST", {}, OPENAI),
    "/v1/responses/input_tokens": ("POST", WORDS, OPENAI),
    "/v1/responses/resp_1": ("GET", None, OPENAI),
}
PUBLIC = {"/": "HEAD", "/healthz": "GET", "/readyz": "GET"}
MOUNTS = ("openai", "anthropic", "gemini")
# below these whatever is plain is an endpoint
TREES = ("/v1/messages/batches/", "/v1/files/", "/v1/uploads/",
         "/v1/batches/", "/v1/fine_tuning/", "/v1/assistants/",
         "/v1/threads/", "/v1/vector_stores/", "/v1/videos/",
         "/v1/containers/", "/v1/evals/", "/v1/responses/")
# all spellings by all callers; the others are of one kind with one of these
WHOLE = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings",
         "/v1/models", "/v1/models/m", "/v1/messages",
         "/v1/messages/count_tokens", "/v1beta/models/m:generateContent",
         "/v1/models/m:generateContent", "/v1beta/models",
         "/v1beta/models/m", "/v1/audio/speech", "/v1/files",
         "/v1/files/file-1", "/v1/responses/resp_1")
OWNED = "".join(f'endpoint "{name}" {{ provider = "up" }}\n' for name in (
    "fine_tuning", "assistants", "vector_stores", "videos", "containers",
    "evals", "responses")) + "".join(
        f'endpoint "{name}" {{ provider = "up", anthropic_provider = "claude" '
        "}\n" for name in ("files", "batches"))

# credential, status, code of the error
CALLERS = [
    (None, 401, "invalid_api_key"), ("sk-wrong", 401, "invalid_api_key"),
    ("sk-other", 403, "model_not_allowed"),
    ("sk-expired", 401, "invalid_api_key"),
    ("sk-disabled", 401, "invalid_api_key"), ("sk-far", 403, "not_allowed"),
]
TYPES = {401: "authentication_error", 403: "permission_error",
         404: "not_found_error"}
STATES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          405: "INVALID_ARGUMENT"}

ODD = [
    "{p}", "/{p}", "//{p}", "/.{p}", "/x/..{p}", "/%2e{p}", "/%2e%2e{p}",
    "{p}/", "{p}//", "{p}/.", "{p}/..", "{p}/%2e%2e", "{p};a=b", "{p};",
    "{p}/;/healthz", "{p}/..;/healthz", "{p}%2f", "{p}%00", "{p}%20",
    "{p}%3f", "{p}.json", "/healthz{p}", "/healthz/..{p}", "/healthz;{p}",
    "/healthz/..;{p}", "/healthz%2f..{p}", "/healthz%3b{p}", "/readyz/%2e.{p}",
    "/metrics/..{p}", "/openai{p}", "/anthropic{p}", "/gemini{p}",
    "/openai/openai{p}",
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


PLAIN = re.compile(r"(?!\.{1,2}(/|$))([\w.~:@,=+!$&'()*-]|%(?!2[ef5]|5c|7f)"
                   r"[2-9a-f][0-9a-f])+", re.I | re.A)
METHOD = re.compile(r"/models/.+(:|%3a)(generateContent|countTokens|"
                    r"streamGenerateContent|embedContent|batchEmbedContents)$",
                    re.I)


def in_google(below):
    """The one of ENDPOINTS below a version of Google's API."""
    method = METHOD.match(below)
    if method:
        return "/v1beta/models/m:" + method[2]
    if below.startswith("/models/") and below != "/models/":
        return "/v1beta/models/m" if below == "/models/m" else \
            "/v1beta/models/?"
    return "/v1beta/models" if below == "/models" else None


def in_tree(path):
    for tree in TREES:
        if path in ENDPOINTS or not path.startswith(tree):
            continue
        parts = path[len(tree):].split("/")
        return tree + "?" if all(map(PLAIN.fullmatch, parts)) else None
    return path


def whose(path):
    return {"messages": ANTHROPIC, "files": None}.get(path.split("/")[2],
                                                      OPENAI)


def found(path):
    """The endpoint at exactly this path, and the family that it names."""
    family = None
    for mount in MOUNTS:
        version = re.match(f"/{mount}(/v1|/v1beta|/v1alpha)/", path)
        if version and (version[1] == "/v1" or mount == GEMINI):
            path, family = path[len(mount) + 1:], mount
    google = re.match("(/v1|/v1beta|/v1alpha)(?=/)", path)
    below = path[google.end():] if google else ""
    if google and (family == GEMINI or google[1] != "/v1"
                   or family is None and METHOD.match(below)):
        return in_google(below), GEMINI
    if path.startswith("/v1/models/") and len(path) > len("/v1/models/"):
        path = "/v1/models/m" if path == "/v1/models/m" else "/v1/models/?"
    path = in_tree(path)
    if path in PUBLIC or path is None:
        return path, family or (path and OPENAI)
    known = ENDPOINTS.get(path.replace("?", "m"), (None, None, whose(path))
                          if path.endswith("/?") else None)
    if known and family and known[2] not in (None, family):
        return None, family
    return (path if known else None), family or (known and known[2])


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
    models = "/models" in path and ":" not in path
    wants = PUBLIC.get(path) or (
        ANY if path.endswith("/?") and not models else
        ENDPOINTS[path.replace("?", "m")][0])
    if path in ENDPOINTS and path + "/" in TREES or path.startswith(TREES):
        wants = "POST" if path.endswith("/input_tokens") else ANY
    if method == "POST" and path == "/v1beta/models/?" and \
            re.search(":|%3a", meant(target), re.I):
        return 404, "not_found"     # no such method
    if method not in wants:
        return 405, "method_not_allowed"
    if path in PUBLIC:
        return 200, None
    if code == "model_not_allowed" and models:
        return (200, None) if path.endswith("/models") else \
            (404, "model_not_found")            # a list of none
    return status, code


def check_shape(error, family, status, code):
    if family == ANTHROPIC:
        assert error["type"] == "error" and error["request_id"]
        assert error["error"]["type"] == TYPES.get(
            status, "invalid_request_error")
    elif family == GEMINI:
        if isinstance(error, list):     # the stream that is an array
            (error,) = error
        assert error["error"]["code"] == status
        assert error["error"]["status"] == STATES[status]
        assert error["error"]["details"][0]["reason"] == code
    else:
        assert set(error["error"]) == {"message", "type", "param", "code"}
        assert error["error"]["code"] == code


def check(answer, target, sent, want, where):
    """`sent`: the family that the request's fields told."""
    status, headers, body = answer
    if "\\" in target and status == 400:
        return                      # no target at all, for the server
    assert status == want[0], (where, want, body)
    if want[1] is None:
        assert b'"id"' not in body and b"models/m" not in body, where
        return
    assert headers["x-penstock-error"] == f"{want[1]}; side=client", where
    assert b"sk-" not in body, where
    path, family = found(meant(target))
    if not family:
        family = ANTHROPIC if meant(target).startswith("/v1/messages/") \
            else sent
    try:
        check_shape(json.loads(body), family, *want)
    except (AssertionError, LookupError) as e:
        raise AssertionError((where, family, body)) from e


def gateway(penstock, up, owned=OWNED):
    keys = (key("good") + key("other", 'models = { "else" }')
            + key("expired", 'expires = "2020-01-01"')
            + key("disabled", "disabled = true")
            + key("far", 'cidrs = { "192.0.2.0/24" }'))
    return penstock(f'''server {{ auth_failures = "1000M/min" }}
listen "127.0.0.1:0"
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 keys = {{ env "CANARY" }} }}
provider "claude" {{ vendor = "anthropic-compatible", base_url = "{up.url}",
                     keys = {{ env "CANARY" }} }}
model "m" {{ "up/m" }}
{owned}{keys}''', env={"CANARY": CANARY})


def upstream():
    return Upstream(lambda conn, request: conn.answer(
        {"error": {"message": "seen", "type": "x"}}, 418))


def requests():
    """Each endpoint by each caller: its path, the request, what is wrong."""
    for path, (method, body, family) in ENDPOINTS.items():
        head = {"anthropic-version": "2023"} if family == ANTHROPIC else {}
        for token, status, code in CALLERS:
            auth = {"Authorization": "Bearer " + token} if token else {}
            yield path, method, body, {**head, **auth}, token, status, code


def sent_by(headers):
    return ANTHROPIC if "anthropic-version" in headers else OPENAI


def queried(target, token):
    """Google's clients may send a key in the query: there it is no trick."""
    if found(meant(target))[1] == GEMINI:
        return target.replace("key=sk-good", f"key={token or 'sk-wrong'}")
    return target


def test_no_endpoint_is_left_out():
    """What the table of paths holds is in this matrix."""
    wire = os.path.join(os.environ["PENSTOCK_SRC"], "core/wire/")
    text = open(wire + "endpoint.c").read()
    text = text[:text.index("dialect_names")]
    text += open(wire + "passthrough.def").read()
    paths = set(re.findall(r'"(/[^"]*)"', text))
    assert len(paths) > 30 and set(PUBLIC) < paths
    for path in paths - set(PUBLIC):
        like = path.replace("/:", "/m:")
        assert like in ENDPOINTS or like.endswith("/") and any(
            p.startswith(like) for p in ENDPOINTS), path
    trees = {p for p in paths if p.endswith("/") and p != "/"}
    assert {p for p in trees if "models" not in p} == set(TREES)


def asked(plain, token, forms):
    """Where paths are of one kind callers and spellings take turns, but for
    the path as it is."""
    if plain in WHOLE:
        return forms
    turn = [caller[0] for caller in CALLERS].index(token)
    return [f for i, f in enumerate(forms)
            if i == 0 or (i + len(plain)) % len(CALLERS) == turn]


def test_every_endpoint_by_every_spelling(penstock):
    seen = set()
    with upstream() as up:
        p = gateway(penstock, up)
        client = Client(p.port)
        for plain, method, body, head, token, status, code in requests():
            for target in asked(plain, token, spellings(plain)):
                seen.add((plain, target))
                target = queried(target, token)
                answer = client.ask(method, target, head, body)
                check(answer, target, sent_by(head),
                      expected(target, method, status, code),
                      (token, method, target))
        assert len(seen) == len(ENDPOINTS) * len(ODD)
        assert not up.requests and not up.conns, "something went upstream"


def test_every_endpoint_by_every_trick(penstock):
    with upstream() as up:
        p = gateway(penstock, up)
        client = Client(p.port)
        for plain, method, body, head, token, status, code in requests():
            for trick in TRICKS:
                answer = client.ask(method, plain, {**head, **trick}, body)
                check(answer, plain, sent_by(head),
                      expected(plain, method, status, code),
                      (token, method, plain, trick))
        assert not up.requests and not up.conns, "something went upstream"


def test_the_key_that_does_opens_each(penstock):
    """The same requests with the right key: else the others prove nothing."""
    with upstream() as up:
        p = gateway(penstock, up)
        client = Client(p.port)
        for plain, (method, body, family) in ENDPOINTS.items():
            seen = len(up.requests)
            status, _, out = client.ask(
                method, plain, {"Authorization": "Bearer sk-good"}, body)
            assert status not in (401, 403, 404, 405), (plain, out)
            if plain.endswith("/input_tokens"):
                continue            # only who has Responses counts so
            if "count" not in plain and "/models" not in plain or (
                    ":" in plain and "count" not in plain):
                assert len(up.requests) > seen, plain
        assert {r.header("authorization") or "Bearer " + r.header("x-api-key")
                for r in up.requests} == {"Bearer " + CANARY}


def test_who_calls_is_asked_before_whose_it_is(penstock):
    """What the configuration lacks is told to callers and to nobody else."""
    with upstream() as up:
        p = gateway(penstock, up, owned="")
        client = Client(p.port)
        for path in ("/v1/files", "/v1/batches/b-1", "/v1/responses/resp_1"):
            for token, status, code in CALLERS:
                auth = {"Authorization": "Bearer " + token} if token else {}
                got, head, out = client.ask("GET", path, auth, None)
                if token == "sk-other":         # it names no model yet
                    assert got in (400, 403, 404), (token, path, out)
                    continue
                assert got == status, (token, path, out)
                assert b"endpoint" not in out, (token, path)
            got, head, out = client.ask(
                "GET", path, {"Authorization": "Bearer sk-good"}, None)
            assert got in (400, 404) and b"endpoint" in out, (path, out)
        assert not up.requests
