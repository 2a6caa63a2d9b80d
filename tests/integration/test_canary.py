# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Secrets are in no output: known ones are put wherever there is one, all
sorts of things go right and wrong, and then everything that Penstock said or
wrote is searched for them. Memory is not written either: no core dumps."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import subprocess
import urllib.parse

from conftest import children, wait_for
from upstream import Upstream

SECRETS = {
    "provider": "sk-canary-provider-51f0a8d3c2",
    "client": "sk-canary-client-7b1e44d09a",
    "wrong": "sk-canary-wrong-c90d2f6611",
    "admin": "canary-admin-token-2fd87e3b40",
    "policy": "canary-policy-secret-88ab41e70c",
    "passed": "sk-canary-passed-on-0e5d7791bf",
}
TEXT = [{"role": "user", "content": "hi"}]
CHAT = "/v1/chat/completions"
POLICY = """local M = { api = 1, schema = { token = "secret" } }
function M.request(req, conf)
  ps.note("token " .. tostring(conf.token))
  ps.log("token " .. tostring(conf.token))
  if req.header["x-raise"] then error("failed with " .. tostring(conf.token)) end
end
return M
"""


def config(up, folder):
    digest = hashlib.sha256(SECRETS["client"].encode()).hexdigest()
    return f'''policy_path "{folder}"
listen "127.0.0.1:0" {{ detail = "full", cors = {{ origins = "https://x" }} }}
metrics "127.0.0.1:0"
admin "127.0.0.1:0" {{ token = env "ADMIN" }}
log {{ level = "debug" }}
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 keys = {{ env "PROVIDER" }} }}
provider "own" {{ vendor = "openai-compatible", base_url = "{up.url}",
                  keys = "client" }}
provider "sim"
model "m" {{ "up/m" }}
model "n" {{ "up/n" }}
model "o" {{ "own/o" }}
model "e" {{ "sim/echo" }}
key "page" {{ sha256 = "{digest}" }}
policies {{ {{ "says", conf = {{ token = env "POLICY" }} }}, "auth",
            "validate", "limits", "route" }}'''


def upstream(conn, request):
    """Says whatever it was sent, in every place where an answer has one."""
    said = request.header("authorization")
    if b'"n"' in request.body:
        conn.answer({"error": {"message": f"bad {said}", "code": said}}, 401,
                    extra=[("x-ratelimit-limit-requests", said),
                           ("www-authenticate", said), ("openai-x", said)])
    elif b'"stream"' in request.body:
        conn.answer('data: {"error": {"message": "%s"}}\n\n' % said, 200,
                    "text/event-stream")
    else:
        conn.answer({"error": {"message": f"no {said}", "type": said,
                               "param": said}}, 400, extra=[
            ("x-ratelimit-reset-tokens", said), ("openai-x", said),
            ("x-request-id", said), ("x-should-retry", said)])


def forms(secret):
    raw = secret.encode()
    code = base64.b64encode(raw).rstrip(b"=")[:-2]
    return {raw, code, raw.hex().encode(), urllib.parse.quote(raw).encode(),
            raw[:20], raw[-16:]}


def talk(p, new):
    """All sorts of requests; what came back, heads and bodies."""
    own, wrong = SECRETS["client"], SECRETS["wrong"]
    rows = [({}, "m", {}), ({"x-api-key": wrong}, "m", {}),
            ({"authorization": "Basic " + wrong}, "m", {}),
            ({"authorization": f"Bearer {wrong}", "x-api-key": own}, "m", {}),
            ({"authorization": f"Bearer {own}", "origin": "https://x"}, "e",
             {"stream": True}),
            ({"authorization": "Bearer " + new}, "e", {}),
            ({"authorization": "Bearer " + new[:-1] + "_"}, "e", {}),
            ({"authorization": f"Bearer {own}", "x-raise": "1"}, "e", {}),
            ({"x-penstock-key": own, "authorization":
              "Bearer " + SECRETS["passed"]}, "o", {})]
    rows += [({"authorization": "Bearer " + own}, model, more)
             for model in ("m", "n", "e", "none", "sim/none")
             for more in ({}, {"stream": True}, {"temperature": 9e9},
                          {"messages": 3})]
    for head, model, more in rows:
        yield p.post(CHAT, {"model": model, "messages": TEXT, **more},
                     headers=head)
    yield p.post("/v1/messages", {"model": "n", "messages": TEXT,
                                  "max_tokens": 5},
                 headers={"x-api-key": own, "anthropic-version": "x"})
    for path in ("/v1/models", "/v1/models/none", "/nowhere"):
        yield p.get(f"{path}?key={wrong}", headers={"x-api-key": own})
        yield p.get(path, headers={"x-api-key": wrong})
    yield p.post(CHAT, "{broken", headers={"x-api-key": own})


def fetch(address, path, head=None):
    c = http.client.HTTPConnection(*address.rsplit(":", 1), timeout=10)
    c.request("GET", path, headers=head or {})
    out = c.getresponse().read()
    c.close()
    return out


def addresses(status):
    for name in ("metrics", "admin"):
        at = status[name]
        at = at[0] if isinstance(at, list) else at
        yield at["address"] if isinstance(at, dict) else at


def test_no_output_has_a_secret(penstock, tmp_path):
    (tmp_path / "says.lua").write_text(POLICY)
    env = {name.upper(): value for name, value in SECRETS.items()}
    with Upstream(upstream) as up:
        p = penstock(config(up, tmp_path), env=env)
        made = json.loads(p.cli("key", "create", "--name", "new",
                                "--json").stdout)
        new = made["secret"]
        said = {}
        answers = list(talk(p, new))
        for i, a in enumerate(answers):
            said[f"answer {i}"] = repr(a.headers).encode() + a.body
        seen = {r.header("authorization") for r in up.requests}
        assert seen == {"Bearer " + SECRETS["provider"],
                        "Bearer " + SECRETS["passed"]}
        assert {a.status for a in answers} >= {200, 400, 401, 404, 500, 502}
        wait_for(lambda: len(p.logs("request")) == len(answers), why="lines")
        for line in p.logs("request"):
            said["explain " + line["id"]] = p.cli(
                "explain", line["id"]).stdout.encode()
        for verb in ("status", "status --json", "usage", "usage --json",
                     "key list --json", "key show new --json",
                     "policy list", f"config dump {p.conf}",
                     f"config dump --why {p.conf}", f"check {p.conf}"):
            got = p.cli(*verb.split())
            said[verb] = (got.stdout + got.stderr).encode()
            assert said[verb], verb
        metrics, admin = addresses(p.status())
        said["metrics"] = fetch(metrics, "/metrics")
        for token in (SECRETS["wrong"], SECRETS["admin"]):
            for path in ("/v1/keys", "/v1/status", "/v1/audit"):
                said[f"admin {path} {token[:13]}"] = fetch(
                    admin, path, {"authorization": "Bearer " + token})
        assert b"penstock_requests_total" in said["metrics"]
        said["log"] = p.stderr().encode()
        for f in pathlib.Path(p.dir).rglob("*"):
            if f.is_file():
                said[f"file {f.name}"] = f.read_bytes()
        for argument in ("cmdline", "comm"):
            for pid in (p.pid, *children(p.pid)):
                said[f"{argument} {pid}"] = pathlib.Path(
                    f"/proc/{pid}/{argument}").read_bytes()
        assert len(said) > 2 * len(answers)
        for name, secret in {**SECRETS, "new": new}.items():
            for form in forms(secret):
                found = [at for at, text in said.items() if form in text]
                assert not found, (name, form, found)


def test_no_process_writes_its_memory_down(penstock):
    p = penstock('server { workers = 2 }\nprovider "sim"')
    pids = [p.pid, *children(p.pid)]
    assert len(pids) >= 4, "master, keeper, workers"
    for pid in pids:
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        line = [x for x in limits.splitlines() if "core file size" in x][0]
        assert line.split()[4:6] == ["0", "0"], (pid, line)


def owner(pid):
    """Whose the process is to those who would look into its memory: root's
    where it may not be dumped, whoever runs it."""
    return os.stat(f"/proc/{pid}/mem").st_uid


def test_no_process_lets_itself_be_looked_into(penstock):
    # as an ordinary user: to become one from root would do it by itself
    uid = os.geteuid() or 65534
    plain = subprocess.Popen(["sleep", "60"], user=uid if not os.geteuid()
                             else None, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: owner(plain.pid) == uid, why="a process of that user")
        p = penstock('server { workers = 2 }\nprovider "sim"\n'
                     'keys { store = true }', uid=uid)
        pids = [p.pid, *children(p.pid)]
        told = p.status()
        kinds = {x["pid"] for x in told["workers"] + told["helpers"]}
        assert kinds <= set(pids) and len(pids) >= 4
        for pid in pids:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            assert f"Uid:\t{uid}\t{uid}" in status
            wait_for(lambda: owner(pid) != uid, why=f"rights of {pid}")
    finally:
        plain.kill()
        plain.wait()
