# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Who may call without a key: the rule of a listener, and what a page in a
browser on this machine could try (DNS rebinding, requests across sites).
docs/guide/listeners.md tells users the same."""
import contextlib
import socket
import subprocess

import pytest

from test_security import key, raw, status_of

# fields beside "Host: localhost" (None: left out), and whether that is local
CALLERS = [
    ({}, True),
    # a name that somebody made point at 127.0.0.1
    ({"Host": "rebound.evil.example"}, False),
    ({"Host": "rebound.evil.example:8080"}, False),
    ({"Host": "localhost.evil.example"}, False),
    ({"Host": "evil-localhost"}, False), ({"Host": "localhost.localdomain"},
                                          False),
    ({"Host": "127.0.0.1.nip.example"}, False),
    ({"Host": "localhost."}, False), ({"Host": "127.1"}, False),
    ({"Host": "2130706433"}, False), ({"Host": "0x7f000001"}, False),
    ({"Host": "0.0.0.0"}, False), ({"Host": "0.0.0.0:8080"}, False),
    ({"Host": "[::]"}, False), ({"Host": "[::ffff:127.0.0.1]"}, False),
    ({"Host": "127.0.0.2"}, False), ({"Host": "10.0.0.1"}, False),
    ({"Host": ""}, False), ({"Host": "localhost:evil.example"}, False),
    ({"Host": "localhost@evil.example"}, False),
    ({"Host": "localhost:8080"}, True), ({"Host": "LocalHost"}, True),
    ({"Host": "127.0.0.1:1"}, True), ({"Host": "[::1]:8080"}, True),
    ({"Host": "localhost:"}, True),
    # another site's page, by its own doing or within a frame of ours
    ({"Origin": "https://evil.example"}, False), ({"Origin": "null"}, False),
    ({"Origin": ""}, False), ({"Origin": "http://localhost:3000"}, False),
    ({"Origin": "http://localhost.evil.example"}, False),
    ({"Origin": "http://localhost/"}, False),
    ({"Origin": "file://"}, False), ({"Origin": "http://127.0.0.1"}, False),
    ({"Origin": "https://listed.example"}, False),
    ({"Origin": "http://localhost"}, True),
    ({"Origin": "http://localhost:81", "Host": "localhost:81"}, True),
    ({"Origin": "http://evil.example", "Host": "evil.example"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "CROSS-SITE"}, False),
    ({"Sec-Fetch-Site": "anything"}, False),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    # a proxy speaks for somebody, trusted or not
    ({"X-Forwarded-For": "127.0.0.1"}, False),
    ({"x-FORWARDED-host": "localhost"}, False),
    ({"X-Forwarded-Proto": ""}, False), ({"Via": "1.1 proxy"}, False),
    ({"Forwarded": "for=127.0.0.1;host=localhost"}, False),
    ({"X-Real-Ip": "127.0.0.1"}, False),
    # what is presented is looked at
    ({"Authorization": "Bearer sk-any"}, False),
    ({"Authorization": "Bearer none"}, True), ({"Api-Key": "x"}, False),
    ({"x-penstock-key": "x"}, False), ({"x-goog-api-key": "x"}, False),
    ({"Cookie": "session=1"}, True),
]
LISTED = 'cors = { origins = "https://listed.example" }, ' \
         'trusted_proxies = { "127.0.0.0/8" }'


def models(fields, target="/v1/models", version="1.1"):
    text = "".join(f"{k}: {v}\r\n" for k, v in fields.items()
                   if v is not None)
    return (f"GET {target} HTTP/{version}\r\n{text}"
            "Connection: close\r\n\r\n")


def ask_unix(path, text):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(text.encode())
        out = b""
        while more := s.recv(65536):
            out += more
        return out


def test_local_callers_and_nobody_else(penstock, tmp_path):
    """The same whether pages are listed or proxies trusted, and by socket."""
    path = tmp_path / "s"
    p = penstock(f'listen "127.0.0.1:0" {{ {LISTED} }}\n'
                 f'listen "unix:{path}"\nprovider "sim"')
    wrong = []
    for fields, is_local in CALLERS:
        text = models({"Host": "localhost", **fields})
        for out in (raw(p, text), ask_unix(str(path), text)):
            got = status_of(out)
            if got != 200 if is_local else got not in (400, 401):
                wrong.append((fields, got))
            if not is_local and b"data" in out.partition(b"\r\n\r\n")[2]:
                wrong.append((fields, "names of models"))
    assert not wrong, wrong


@pytest.mark.parametrize("text", [
    models({"Host": "localhost"}, "http://evil.example/v1/models"),
    models({"Host": "evil.example"}, "http://evil.example/v1/models"),
    models({}, version="1.0"), models({"Host": None}),
    "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\nHost: evil\r\nHost: localhost\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
    "Origin: http://localhost\r\nOrigin: http://evil\r\n"
    "Sec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n"])
def test_odd_forms_are_not_local(penstock, text):
    p = penstock('provider "sim"')
    assert status_of(raw(p, text)) in (400, 401)


def test_a_page_that_posts_as_a_form_does(penstock):
    """No preflight protects from these: the rule does, before the body."""
    p = penstock('provider "sim"')
    for origin in ("https://evil.example", "null"):
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            a = p.post("/v1/chat/completions", "{}", headers={
                "origin": origin, "content-type": kind, "host": "localhost"})
            assert a.status == 401
            assert a.json()["error"]["code"] == "invalid_api_key"
    a = p.request("OPTIONS", "/v1/chat/completions", headers={
        "origin": "https://evil.example", "host": "localhost",
        "access-control-request-method": "POST",
        "access-control-request-private-network": "true"})
    assert a.status == 405
    assert not [k for k in a.headers if k.startswith("access-control")]


# the rule as it is written or None, what else there is, and the statuses of a
# local caller, of a page's request, and of one with a wrong key
RULES = [
    (None, "", (200, 401, 401)), ("local", "", (200, 401, 401)),
    ("none", "", (401, 401, 401)), ("public", "", (200, 200, 401)),
    (None, key("a"), (401, 401, 401)), ("local", key("a"), (200, 401, 401)),
    ("public", key("a"), (200, 200, 401)), (None, 'team "a"', (401,) * 3),
    (None, "keys { store = true }", (401, 401, 401)),
    (None, 'policies { "auth", "route" }', (200, 401, 401)),
    (None, 'policies { "knows", "auth", "route" }', (401, 401, 401)),
    ("local", 'policies { "knows", "auth", "route" }', (200, 401, 401)),
]
KNOWS = """local M = { api = 1 }
function M.authenticate(req)
  if req.credential == "open-sesame" then return { id = "ali" } end
end
return M
"""


def test_the_rule_of_a_listener(penstock, tmp_path):
    (tmp_path / "knows.lua").write_text(KNOWS)
    for rule, more, want in RULES:
        said = f'anonymous = "{rule}"' if rule else ""
        p = penstock(f'policy_path "{tmp_path}"\nlisten "127.0.0.1:0" '
                     f'{{ {said} }}\nprovider "sim"\n{more}')
        got = tuple(status_of(raw(p, models({"Host": "localhost", **f})))
                    for f in ({}, {"Origin": "https://evil.example"},
                              {"Authorization": "Bearer sk-no"}))
        assert got == want, (rule, more)
        if "knows" in more:
            out = raw(p, models({"Host": "x", "x-api-key": "open-sesame"}))
            assert status_of(out) == 200
        p.stop()


def outside_address():
    out = subprocess.run(["hostname", "-I"], capture_output=True, text=True)
    found = [a for a in out.stdout.split() if "." in a]
    return found[0] if found else None


def test_local_is_the_peer_and_not_the_address(penstock):
    """A listener on every address: who comes over the network is not local,
    whatever he says his Host is."""
    address = outside_address()
    if not address:
        print("skipped: no address but loopback")
        pytest.skip("no address but loopback")
    p = penstock('listen "0.0.0.0:0" { anonymous = "local" }\n'
                 'provider "sim"\n' + key("a"))
    text = models({"Host": "localhost"})
    assert status_of(raw(p, text)) == 200
    with socket.create_connection((address, p.port), 10) as s:
        s.sendall(text.encode())
        out = b""
        with contextlib.suppress(OSError):
            while more := s.recv(65536):
                out += more
    assert status_of(out) == 401


@pytest.mark.parametrize("lines,why", [
    ('listen "0.0.0.0:0"', "is reached from outside"),
    ('listen "[::]:0" { anonymous = "local" }', "is reached from outside"),
    ('listen "0.0.0.0:0" { anonymous = "all" }', "none of the choices")])
def test_open_to_the_world_must_be_said(cli, tmp_path, lines, why):
    conf = tmp_path / "c.conf"
    conf.write_text(lines + '\nprovider "sim"\n')
    for verb in (["check", str(conf)], ["serve", "-c", str(conf)]):
        got = cli(*verb, env={"PENSTOCK_STATE": str(tmp_path / "state"),
                              "PENSTOCK_SOCKET": str(tmp_path / "sock")})
        assert got.returncode == 1 and why in got.stdout + got.stderr
