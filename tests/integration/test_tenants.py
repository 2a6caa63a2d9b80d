# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Two tenants soaked together, each with a word of its own in all that it
sends: in both dialects, streamed or not, through policies that keep texts,
with a target that fails first and clients that leave in the middle. Neither
ever sees the other's word."""
import hashlib
import json
import os
import random
import re
import socket
import threading
import time

from conftest import free_port

LONG = os.environ.get("PENSTOCK_LONG") == "1"
SECONDS = 60 if LONG else 8
KEEPS = """
local M = { api = 1, dialects = { "openai-chat", "anthropic" },
            window = { hold = 16 } }
local seen = ps.kv("seen")
function M.admit(req)
  req:each_text(function(t) req.ctx.text = t end)
  seen:set(req.principal.id, req.ctx.text or "", { ttl = 5 })
end
function M.output(req, conf, w)
  if w.final and w.kind == "text" then
    w.text = w.text .. " <" .. req.principal.id .. ":" .. (req.ctx.text or "")
      .. ":" .. (seen:get(req.principal.id) or "") .. ">"
  end
end
return M
"""
CONFIG = """
server {{ workers = 2 }}
policy_path "{dir}"
log {{ level = "error" }}
provider "sim"
provider "gone" {{ vendor = "openai-compatible", keys = {{ env("UNSET", "k") }},
                  base_url = "http://127.0.0.1:{port}" }}
provider "far" {{ vendor = "anthropic", base_url = "http://127.0.0.1:{port}",
                 keys = {{ env("UNSET", "k") }} }}
model "echo" {{ "gone/x", "sim/echo" }}
model "claude" {{ "far/y", "sim/echo" }}
team "red" {{}} team "blue" {{}}
{keys}
policies {{ "auth", "validate", "limits", "pii", "keeps", "route" }}
"""


class Client(threading.Thread):
    """One of a tenant's clients; `wrong` is what it should not have got."""

    def __init__(self, p, tenant, other, seed, until):
        super().__init__()
        self.p, self.until = p, until
        self.tenant, self.other = tenant, other
        self.dice = random.Random(seed)
        self.wrong, self.answered, self.left = [], 0, 0

    def request(self, n):
        word = f"canary-{self.tenant}-{n:06d}"
        chat = self.dice.random() < 0.5
        stream = self.dice.random() < 0.7
        body = {"model": self.dice.choice(["echo", "claude"]),
                "stream": stream, "max_tokens": 60, "messages": [
                    {"role": "user",
                     "content": f"{word} a@{self.tenant}.example"}]}
        path = "/v1/chat/completions" if chat else "/v1/messages"
        head = {"authorization": f"Bearer sk-{self.tenant}",
                "content-type": "application/json"}
        if not chat:
            head["anthropic-version"] = "2023-06-01"
        return word, path, json.dumps(body), head, stream

    def one(self, conn, n):
        """True where the connection can be used again."""
        word, path, body, head, stream = self.request(n)
        leaves = self.dice.random() < 0.15
        conn.request("POST", path, body, head)
        if leaves and not stream:
            self.left += 1
            return False
        r = conn.getresponse()
        got = r.read(self.dice.randint(1, 400)) if leaves else r.read()
        text = got.decode(errors="replace")
        # a stream may cut a word: what its events say, joined
        text += "".join(re.findall(r'"(?:content|text)":"([^"]*)"', text))
        if f"-{self.other}-" in text or f"@{self.other}." in text or \
                f"<{self.other}" in text:
            self.wrong.append(text)
        if leaves:
            self.left += 1
            return False
        self.answered += 1
        mark = f"<{self.tenant}:{word}"     # the policy's own
        if r.status != 200 or mark not in text:
            self.wrong.append(f"{r.status} without {word}: {text}")
        return True

    def run(self):
        conn, n = None, 0
        while time.monotonic() < self.until and not self.wrong:
            conn = conn or self.p.connect(30)
            n += 1
            if not self.one(conn, n):
                if conn.sock:
                    conn.sock.shutdown(socket.SHUT_RDWR)
                conn.close()
                conn = None


def test_no_word_crosses(penstock, tmp_path):
    (tmp_path / "keeps.lua").write_text(KEEPS)
    tmp_path.chmod(0o755)
    keys = "\n".join(
        f'key "{t}" {{ team = "{t}", sha256 = "'
        f'{hashlib.sha256(f"sk-{t}".encode()).hexdigest()}" }}'
        for t in ("red", "blue"))
    p = penstock(CONFIG.format(dir=tmp_path, port=free_port(), keys=keys))
    until = time.monotonic() + SECONDS
    clients = [Client(p, *pair, seed, until) for seed in range(8)
               for pair in (("red", "blue"), ("blue", "red"))]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    assert [w for c in clients for w in c.wrong] == []
    assert sum(c.answered for c in clients) > 100
    assert sum(c.left for c in clients) > 10
    assert p.get("/healthz").status == 200
    print(sum(c.answered for c in clients), "answered",
          sum(c.left for c in clients), "left")
