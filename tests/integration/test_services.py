# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Policies that ask a service: one that answers, and one that is silent, slow,
huge, redirecting, closing. What waits costs the others nothing, reads nothing
of its client's body, and is forgotten when the client leaves."""
import json
import shutil
import socket
import threading
import time

import pytest

from conftest import SANITIZED, SLOW, wait_for
from test_client_gone import rss_kb
from test_redis import certificate
from upstream import Upstream

CHAT = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}
STORY = """
local authz = ps.http("authz")
return { api = 1, request = function(req)
  local path = req.header["x-story"]
  if not path then return end
  local a, err = authz:post(path, { json = { id = req.id } })
  if not a then return ps.deny("x_none", err, { status = 418 }) end
  if a.json and a.json.allow then return end
  return ps.deny("x_said", a.status .. " " .. #a.body, { status = 418 })
end }
"""
SLEEPER = """
return { api = 1, request = function(req)
  if req.header["x-story"] == "sleep" then ps.sleep(1700) end
end, log = function() end }
"""


def serve(conn, request):
    path = request.path
    if path == "/v1/allow":
        conn.answer({"allow": True, "id": request.json()["id"]})
    elif path == "/v1/silent":
        conn.wait_gone()
    elif path == "/v1/drip":
        conn.head(200, length=100)
        for _ in range(100):
            conn.send("x")
            time.sleep(0.05)
    elif path == "/v1/huge":
        conn.head(200, length=50 << 20)
        conn.send(b"x" * (50 << 20))
    elif path == "/v1/endless":
        conn.head(200)
        for _ in range(5000):
            conn.chunk("x" * 65536)
    elif path == "/v1/redirect":
        conn.answer("", 302, extra=[("location",
                                     conn.upstream.url + "/allow")])
    elif path == "/v1/close":
        conn.close()
    elif path == "/v1/cut":
        conn.head(200, length=100)
        conn.send("half")
        conn.close()
    else:
        conn.answer("no", 403)


def start(penstock, tmp_path, service, more="", workers=1,
          policies='"story"'):
    tmp_path.chmod(0o755)
    (tmp_path / "story.lua").write_text(STORY)
    for i in range(3):
        (tmp_path / f"sleep{i}.lua").write_text(SLEEPER)
    return penstock(f"""
        server {{ workers = {workers}, max_body = "128MiB" }}
        policy_path "{tmp_path}"
        provider "sim"
        service "authz" {{ {service} }}
        policies {{ {policies}, "route" }}
        {more}
    """)


def ask(p, story=None, timeout=10):
    begin = time.monotonic()
    head = {"x-story": story} if story else {}
    answer = p.post("/v1/chat/completions", CHAT, headers=head,
                    timeout=timeout)
    took = time.monotonic() - begin
    if answer.status == 418:
        return answer.json()["error"]["message"], took
    return answer.status, took


def test_a_service_decides(penstock, tmp_path):
    with Upstream(serve) as up:
        p = start(penstock, tmp_path,
                  f'url = "{up.url}/", token = env("T", "tok"), '
                  'headers = { ["x-from"] = "gate" }')
        assert ask(p, "/allow")[0] == 200
        assert ask(p, "/other")[0] == "403 2"
        seen = up.requests[0]
        assert (seen.method, seen.path) == ("POST", "/v1/allow")
        assert seen.header("authorization") == "Bearer tok"
        assert seen.header("x-from") == "gate"
        assert seen.header("content-type") == "application/json"
        assert seen.header("host") == f"127.0.0.1:{up.port}"
        assert list(seen.json()) == ["id"]
        assert len(up.conns) == 1               # kept
        assert "tok" not in [w for line in p.stderr().splitlines()
                             for w in line.split('"')]


@pytest.mark.parametrize("path, says, late", [
    ("/silent", "timeout", True),
    ("/drip", "timeout", True),
    ("/huge", "too large", False),
    ("/endless", "too large", False),
    ("/redirect", "302 0", False),
    ("/close", "reset: ", False),
    ("/cut", "cut: ", False),
])
def test_a_service_at_its_worst(penstock, tmp_path, path, says, late):
    with Upstream(serve) as up:
        p = start(penstock, tmp_path, f'url = "{up.url}", timeout = "300ms"')
        ask(p)
        before = rss_kb(p.workers()[0]["pid"])
        what, took = ask(p, path)
        assert str(what).startswith(says)
        if late:
            assert 0.29 < took < 1.5 * SLOW
        assert all(r.path != "/v1/allow" for r in up.requests)
        assert rss_kb(p.workers()[0]["pid"]) - before < 8 << 10 or SANITIZED
        assert ask(p, "/allow")[0] == 200


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_tls_by_a_name_that_the_keeper_resolves(penstock, tmp_path):
    cert, key = certificate(tmp_path, "authz", "DNS:localhost")
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Upstream(serve) as up:
        up.listener.close()
        up.listener = context.wrap_socket(
            socket.create_server(("127.0.0.1", 0)), server_side=True)
        up.port = up.listener.getsockname()[1]
        threading.Thread(target=up._accept, daemon=True).start()
        url = f"https://localhost:{up.port}/v1"
        p = start(penstock, tmp_path, f'url = "{url}", ca_file = "{cert}"')
        assert wait_for(lambda: ask(p, "/allow")[0] == 200, why="an address")
        p = start(penstock, tmp_path, f'url = "{url}"')
        assert str(ask(p, "/allow")[0]).startswith("tls: ")


def test_a_name_that_does_not_exist(penstock, tmp_path):
    p = start(penstock, tmp_path,
              'url = "http://nowhere.invalid", timeout = "200ms"')
    what, took = ask(p, "/allow")
    assert what == "timeout" or what.startswith("connect: ")
    assert took < 1 * SLOW
    wait_for(lambda: ask(p, "/allow")[0].startswith("connect: "), 20,
             why="the keeper's answer")


def test_who_waits_costs_the_others_nothing(penstock, tmp_path):
    with Upstream(serve) as up:
        p = start(penstock, tmp_path, f'url = "{up.url}", timeout = "1500ms"')
        ask(p)
        done = []
        threads = [threading.Thread(
            target=lambda: done.append(ask(p, "/silent", 30)[0]))
            for _ in range(100)]
        for t in threads:
            t.start()
        wait_for(lambda: len(up.requests) == 100, why="100 that wait")
        took = sorted(ask(p)[1] for _ in range(50))
        assert took[45] < 0.1 * SLOW, took
        for t in threads:
            t.join()
        assert done == ["timeout"] * 100


def test_a_client_that_leaves_while_its_policy_waits(penstock, tmp_path):
    with Upstream(serve) as up:
        p = start(penstock, tmp_path, f'url = "{up.url}", timeout = "1500ms"')
        ask(p)
        for i in range(20):
            text = json.dumps(CHAT)
            s = socket.create_connection(("127.0.0.1", p.port), 10)
            s.sendall(("POST /v1/chat/completions HTTP/1.1\r\n"
                       "Host: localhost\r\nx-story: /silent\r\n"
                       "content-type: application/json\r\n"
                       f"content-length: {len(text)}\r\n\r\n{text}")
                      .encode())
            wait_for(lambda: len(up.requests) == i + 1, why="the call")
            s.close()
        # each call went with its client, long before the service's timeout
        wait_for(lambda: up.closed() == 20, 1.5, why="the end of the calls")
        wait_for(lambda: p.workers()[0]["in_flight"] == 0, why="nothing left")
        assert ask(p, "/allow")[0] == 200
        gone = [e for e in p.logs("request") if e["ended"] == "client_gone"]
        assert len(gone) == 20


def upload(p, size, seconds):
    """Send that much to a policy that sleeps; what was taken of it, and the
    worker's largest RSS meanwhile in KiB."""
    pid = p.workers()[0]["pid"]
    s = socket.create_connection(("127.0.0.1", p.port), 10)
    s.sendall(("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
               "x-story: sleep\r\ncontent-type: application/json\r\n"
               f"content-length: {size}\r\n\r\n").encode())
    s.setblocking(False)
    piece, taken, most = b" " * 65536, 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and taken < size:
        try:
            taken += s.send(piece)
        except BlockingIOError:
            time.sleep(0.02)
        most = max(most, rss_kb(pid))
    return s, taken, most


def test_a_body_is_not_read_while_a_policy_waits(penstock, tmp_path):
    """100 MB, and policies that sleep 5 s in all before it is asked for."""
    with Upstream(serve) as up:
        p = start(penstock, tmp_path, f'url = "{up.url}"',
                  policies='"sleep0", "sleep1", "sleep2"')
        ask(p)
        before = rss_kb(p.workers()[0]["pid"])
        s, taken, most = upload(p, 100 << 20, 4.8)
        # what the kernels hold on both sides, and none of it ours
        assert taken < 32 << 20
        assert most - before < 4 << 10 or SANITIZED, (before, most)
        assert p.workers()[0]["in_flight"] == 1
        # then it is read: the client can go on
        end = time.monotonic() + 10 * SLOW
        more = taken
        while more < taken + (32 << 20) and time.monotonic() < end:
            try:
                more += s.send(b" " * 65536)
            except BlockingIOError:
                time.sleep(0.02)
        assert more >= taken + (32 << 20)
        s.close()
        wait_for(lambda: p.workers()[0]["in_flight"] == 0, why="its end")
