# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Pages in browsers: preflights, what answers say to whom, and (where there
is one) a real browser. docs/guide/browsers.md tells users the same."""
import hashlib
import http.client
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import pytest

from conftest import SLOW, wait_for
from upstream import Upstream

PAGE = "https://chat.example.com"
KEY = "sk-page"
SHA = hashlib.sha256(KEY.encode()).hexdigest()
ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}
CORS = f'cors = {{ origins = {{ "{PAGE}", "http://localhost:3000" }} }}'
MAY = {"authorization": "Bearer " + KEY}
ALLOW = "access-control-allow-origin"


def config(cors=CORS, more=""):
    return (f'listen "127.0.0.1:0" {{ {cors} }}\nprovider "sim"\n'
            f'key "page" {{ sha256 = "{SHA}" }}\n{more}')


def ask(p, path="/v1/chat/completions", origin=PAGE, method="POST",
        names="authorization,content-type"):
    head = {"origin": origin, "access-control-request-method": method,
            "access-control-request-headers": names}
    return p.request("OPTIONS", path,
                     headers={k: v for k, v in head.items() if v is not None})


def fields(answer):
    return {k: v for k, v in answer.headers.items()
            if k.startswith("access-control-") or k == "vary"}


def test_a_preflight_is_answered_before_anybody_is_asked_who_calls(penstock):
    p = penstock(config())
    a = ask(p)
    assert (a.status, a.body) == (204, b"")
    assert fields(a) == {
        ALLOW: PAGE, "vary": "Origin",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-max-age": "600"}
    assert a.headers["x-request-id"].startswith("req_")
    assert ask(p, "/v1/models", method="GET").headers[
        "access-control-allow-methods"] == "GET, HEAD"
    assert ask(p, "/nowhere").headers["access-control-allow-methods"] == \
        "GET, HEAD, POST", "the page is to read the 404 itself"
    assert "access-control-allow-headers" not in ask(p, names=None).headers
    assert "access-control-allow-headers" not in ask(
        p, names="x" * 1025).headers
    wait_for(lambda: len(p.logs("request")) == 5, why="lines")
    assert {line["status"] for line in p.logs("request")} == {204}


OTHERS = ["https://chat.example.com.evil.example", "http://chat.example.com",
          "https://chat.example.com:444", "https://chat.example.com:443",
          "https://evilchat.example.com", "https://chat.example.co",
          "https://CHAT.example.com", "https://chat.example.com/", "null",
          "https://a.chat.example.com", "*", "", "localhost:3000",
          "http://localhost:30000", "https://chat.example.com, null",
          "https://chat.example.com https://evil.example"]


def test_no_other_origin_is_let_in(penstock):
    p = penstock(config())
    for origin in OTHERS:
        a = ask(p, origin=origin)
        assert a.status == 403, origin
        assert a.json()["error"]["code"] == "not_allowed"
        assert fields(a) == {"vary": "Origin"}, origin
        a = p.post("/v1/chat/completions", ECHO,
                   headers={**MAY, "origin": origin})
        assert a.status == 200, "who holds a key may; no page can read it"
        assert fields(a) == {"vary": "Origin"}, origin


def test_every_answer_says_who_may_read_it(penstock):
    def down(conn, request):
        conn.answer({"error": {"message": "x", "type": "y"}}, 400, extra=[
            (ALLOW, "*"), ("vary", "Cookie"), ("retry-after", "9"),
            ("access-control-allow-credentials", "true")])

    with Upstream(down) as up:
        p = penstock(config(more=f'provider "up" {{ vendor = "openai-'
                            f'compatible", base_url = "{up.url}", keys = {{}}'
                            ' }'))
        stream = {**ECHO, "stream": True}
        rows = [
            (200, "POST", "/v1/chat/completions", ECHO, MAY),
            (200, "POST", "/v1/chat/completions", stream, MAY),
            (200, "GET", "/v1/models", None, MAY),
            (200, "GET", "/healthz", None, {}),
            (400, "POST", "/v1/chat/completions", "{", MAY),
            (400, "POST", "/v1/chat/completions", {**ECHO, "model": "up/m"},
             MAY),
            (401, "POST", "/v1/chat/completions", ECHO, {}),
            (401, "POST", "/v1/messages", {}, {"x-api-key": "no"}),
            (404, "POST", "/v1/chat/completions", {**ECHO, "model": "no"},
             MAY),
            (404, "GET", "/nowhere", None, {}),
            (405, "GET", "/v1/chat/completions", None, {}),
            (405, "OPTIONS", "/v1/chat/completions", None, {}),
        ]
        for status, method, path, body, head in rows:
            a = p.request(method, path, body, {**head, "origin": PAGE})
            assert a.status == status, (path, a.body)
            shown = a.headers.pop("access-control-expose-headers").split(", ")
            assert fields(a) == {ALLOW: PAGE, "vary": "Origin"}, path
            mine = "request-id" if "messages" in path else "x-request-id"
            assert {mine, "retry-after", "x-penstock-error"} <= set(shown)
            assert len(shown) == len(set(shown))
            names = {k for k in a.headers if k.startswith(("x-", "anth"))}
            assert names - {"x-accel-buffering"} <= set(shown), names


def test_limits_are_told_to_pages(penstock):
    limits = config().replace(f'"{SHA}"',
                              f'"{SHA}", limits = {{ requests = "1/min" }}')
    p = penstock(limits)
    head = {**MAY, "origin": PAGE}
    assert p.post("/v1/chat/completions", ECHO, headers=head).status == 200
    a = p.post("/v1/chat/completions", ECHO, headers=head)
    shown = a.headers["access-control-expose-headers"].split(", ")
    assert (a.status, a.headers[ALLOW]) == (429, PAGE)
    assert {"retry-after", "x-ratelimit-limit-requests"} <= \
        set(a.headers) & set(shown)


def test_without_a_block_nothing_is_said(penstock):
    p = penstock(config(cors=""))
    assert ask(p).status == 405 and not fields(ask(p))
    a = p.post("/v1/chat/completions", ECHO,
               headers={**MAY, "origin": PAGE})
    assert a.status == 200 and not fields(a)


def test_every_page_and_credentials(penstock):
    p = penstock(config('cors = { origins = "*", max_age = "0s" }')
                 + 'listen "localhost:0" { cors = { origins = { "null", '
                   f'"{PAGE}" }}, credentials = true }} }}\n'
                 .replace("localhost", "127.0.0.2"))
    a = ask(p, origin="https://anybody.example")
    assert fields(a) == {
        ALLOW: "*", "access-control-max-age": "0",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization,content-type"}
    assert ALLOW not in p.get("/healthz").headers
    c = http.client.HTTPConnection("127.0.0.2", p.ports[1], timeout=10)
    for origin in ("null", PAGE):
        c.request("GET", "/healthz", headers={"origin": origin})
        r = c.getresponse()
        r.read()
        assert r.getheader(ALLOW) == origin
        assert r.getheader("access-control-allow-credentials") == "true"
    c.close()


@pytest.mark.parametrize("cors,why", [
    ('{ origins = "*", credentials = true }', "with credentials"),
    ('{ origins = "https://x.example/" }', "is no origin"),
    ('{ origins = { "*", "https://x.example" } }', "write it alone")])
def test_check_refuses(cli, tmp_path, cors, why):
    conf = tmp_path / "c.conf"
    conf.write_text(f'listen "127.0.0.1:0" {{\n cors = {cors} }}\n'
                    'provider "sim"')
    got = cli("check", str(conf))
    assert got.returncode == 1 and why in got.stderr + got.stdout
    assert "c.conf:2" in got.stderr + got.stdout


# ---- a real browser --------------------------------------------------------

SCRIPT = """<!doctype html><script>
const url = "%s/v1/chat/completions", out = {};
const ask = (body, key) => fetch(url, { method: "POST", body: JSON.stringify({
  model: "sim/echo", messages: [{ role: "user", content: "one two" }],
  ...body }), headers: { authorization: "Bearer " + key,
  "content-type": "application/json", "x-stainless-os": "page" } });
(async () => {
  try {
    const whole = await ask({}, "%s");
    out.id = whole.headers.get("x-request-id");
    out.hidden = whole.headers.get("date");
    out.text = (await whole.json()).choices[0].message.content;
    const stream = await ask({ stream: true }, "%s");
    const reader = stream.body.getReader(), text = new TextDecoder();
    out.stream = "";
    for (let r; !(r = await reader.read()).done;)
      out.stream += text.decode(r.value, { stream: true });
    const no = await ask({}, "sk-wrong");
    out.status = no.status;
    out.code = (await no.json()).error.code;
    out.error = no.headers.get("x-penstock-error");
  } catch (e) { out.failed = e.name; }
  await fetch("/result", { method: "POST", body: JSON.stringify(out) });
})();
</script>"""


class Pages(http.server.BaseHTTPRequestHandler):
    """Serves the page, takes its result."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.results.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def browse(url, server):
    """Open the page in a headless Chromium; what its script found."""
    folder = tempfile.mkdtemp(prefix="penstock-chromium-")
    got = len(server.results)
    proc = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--no-first-run",
         f"--user-data-dir={folder}", "--remote-debugging-port=0", url],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: len(server.results) > got, 60, why="the page's end")
    finally:
        os.killpg(proc.pid, signal.SIGKILL)
        proc.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return server.results[-1]


@pytest.mark.skipif(SLOW == 1, reason="PENSTOCK_LONG=1")
def test_chromium(penstock):
    if not shutil.which("chromium"):
        print("skipped: no chromium")
        pytest.skip("no chromium")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.results = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    try:
        p = penstock(config(
            f'cors = {{ origins = "http://127.0.0.1:{port}" }}'))
        server.page = SCRIPT % (p.url, KEY, KEY)
        told = browse(f"http://127.0.0.1:{port}/", server)
        assert "failed" not in told, told
        assert (told["text"], told["hidden"]) == ("one two", None)
        assert told["id"].startswith("req_")
        assert told["stream"].endswith("data: [DONE]\n\n")
        assert (told["status"], told["code"]) == (401, "invalid_api_key")
        assert told["error"] == "invalid_api_key; side=client"
        wait_for(lambda: len(p.logs("request")) == 4, why="their lines")
        asked = [line["status"] for line in p.logs("request")]
        assert sorted(asked) == [200, 200, 204, 401], "one preflight, cached"
        told = browse(f"http://localhost:{port}/", server)
        assert told == {"failed": "TypeError"}, "another origin"
        wait_for(lambda: len(p.logs("request")) == 5, why="its line")
        assert p.logs("request")[-1]["status"] == 403
    finally:
        server.shutdown()
        server.server_close()
