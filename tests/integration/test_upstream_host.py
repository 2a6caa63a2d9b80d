# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""No client chooses where a request goes: whatever it says of hosts, the
provider is reached at its configured address, under its own name, and nobody
else is connected to."""
import json
import socket
import threading

from test_security import CANARY, raw, status_of
from upstream import Upstream

TEXT = [{"role": "user", "content": "hi"}]
WHOLE = {"id": "c", "object": "chat.completion", "model": "m", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "hello"},
     "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


class Trap:
    """An address that nobody is to connect to."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.seen = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            self.seen.append(peer)
            sock.close()


def heads(trap):
    """Fields that name another host."""
    at, url = f"127.0.0.1:{trap.port}", f"http://127.0.0.1:{trap.port}"
    for name in ("X-Forwarded-Host", "X-Host", "X-Original-Host",
                 "X-Forwarded-Server", "X-HTTP-Host-Override", "Forwarded"):
        yield {name: f"host={at}" if name == "Forwarded" else at}
    for name in ("X-Base-Url", "X-Upstream", "X-Target-Url", "x-portkey-"
                 "custom-host", "Helicone-Target-Url", "x-penstock-target",
                 "x-penstock-base-url", "x-penstock-provider", "X-Proxy",
                 "api-base", "Openai-Base-Url", "openai-api-base", "Referer",
                 "Destination", "Location", "X-Original-URL", "X-Rewrite-URL",
                 "Alt-Used", "Proxy", "Http-Proxy", "X-Envoy-Original-Dst-"
                 "Host", "anthropic-base-url"):
        yield {name: url}
    yield {"Host": at}
    yield {"Host": "169.254.169.254"}


def targets(trap):
    path = "/v1/chat/completions"
    at = f"127.0.0.1:{trap.port}"
    yield from (f"http://{at}{path}", f"http://localhost:{trap.port}{path}",
                f"http://169.254.169.254{path}",
                f"{path}?base_url=http://{at}", f"{path}?host={at}")


def models(trap):
    """Names of models, and whether there is such a one."""
    at = f"127.0.0.1:{trap.port}"
    return [f"http://{at}/v1", f"http://{at}/m", f"up/m@{at}", f"m@{at}",
            f"up@{at}/m", f"{at}/m", f"//{at}/m", "../m", "up/../m",
            "up/../../x", f"up/m?x=http://{at}", f"up/m#@{at}", "up/m\r\nHost:"
            f" {at}", "up/%2e%2e/m", f"@{at}", f"openai/{at}", "up:80/m",
            "file:///etc/passwd", f"\\\\{at}\\m", f"m {at}", "UP/m"]


def bodies(trap):
    """Members of a body that other gateways read, or a client may send."""
    url = f"http://127.0.0.1:{trap.port}/v1"
    for name in ("base_url", "api_base", "apiBase", "api_url", "endpoint",
                 "url", "host", "proxy", "custom_llm_provider", "upstream",
                 "provider", "target", "webhook", "callback_url", "route"):
        yield {name: url}
    yield {"extra_body": {"base_url": url}, "metadata": {"base_url": url}}
    yield {"litellm_params": {"api_base": url}}
    yield {"extra_headers": {"Host": url, "Authorization": "Bearer x"}}
    yield {"provider": {"order": [url], "base_url": url}}
    yield {"model_list": [{"litellm_params": {"api_base": url}}]}
    yield {"messages": [{"role": "user", "content": [
        {"type": "text", "text": url}, {"type": "image_url", "image_url":
                                        {"url": url + "/image.png"}}]}]}
    yield {"tools": [{"type": "function", "function": {
        "name": "f", "parameters": {"$ref": url, "type": "object"}}}]}


def post(target, fields, body):
    text = json.dumps(body)
    head = {"Host": "localhost", **fields}
    return (f"POST {target} HTTP/1.1\r\n"
            + "".join(f"{k}: {v}\r\n" for k, v in head.items())
            + f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            + text)


def gateway(penstock, up, trap):
    # a proxy of the environment is one more way to elsewhere
    url = f"http://127.0.0.1:{trap.port}"
    return penstock(f'''listen "127.0.0.1:0" {{ anonymous = "public" }}
provider "up" {{ vendor = "openai-compatible", base_url = "{up.url}",
                 keys = {{ env "CANARY" }} }}
model "m" {{ "up/m" }}
model "open-*" {{ "up/*" }}''', env={
        "CANARY": CANARY, "http_proxy": url, "HTTP_PROXY": url,
        "ALL_PROXY": url, "all_proxy": url, "OPENAI_BASE_URL": url,
        "OPENAI_API_BASE": url})


def test_nothing_said_by_a_client_is_a_host(penstock):
    body = {"model": "m", "messages": TEXT}
    path = "/v1/chat/completions"
    with Trap() as trap, Upstream(lambda c, r: c.answer(WHOLE)) as up:
        p = gateway(penstock, up, trap)
        rows = [post(path, h, body) for h in heads(trap)]
        rows += [post(t, {}, body) for t in targets(trap)]
        rows += [post(path, {}, {**body, **b}) for b in bodies(trap)]
        for row in rows:
            assert status_of(raw(p, row)) == 200, row
        assert len(up.requests) == len(rows)
        names = models(trap)
        for name in names:
            out = raw(p, post(path, {}, {**body, "model": name}))
            assert status_of(out) == 404, (name, out)
        assert len(up.requests) == len(rows), "one of the names was one"
        for name in names:          # behind a pattern it is only a name
            out = raw(p, post(path, {}, {**body, "model": "open-" + name}))
            assert status_of(out) in (200, 400, 404), (name, out)
        for r in up.requests:
            assert r.header("host") == f"127.0.0.1:{up.port}", r.headers
            assert r.path == "/v1/chat/completions"
            assert r.header("authorization") == "Bearer " + CANARY
            assert not [v for k, v in r.headers if str(trap.port) in v
                        and not k.lower().startswith("openai-")], r.headers
        assert not trap.seen, "somebody else was connected to"


def test_nor_is_what_a_provider_answers(penstock):
    """A redirect is an answer like others: it is not followed."""
    with Trap() as trap:
        to = f"http://127.0.0.1:{trap.port}/v1/chat/completions"

        def away(conn, request):
            conn.answer("", 307, extra=[("location", to), ("refresh", to),
                                        ("alt-svc", f'h2=":{trap.port}"')])

        with Upstream(away) as up:
            p = gateway(penstock, up, trap)
            out = raw(p, post("/v1/chat/completions", {},
                              {"model": "m", "messages": TEXT}))
            assert status_of(out) >= 500
            assert str(trap.port).encode() not in out
            assert not trap.seen and up.requests
