# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""One server that plays a cloud: token endpoints, metadata services and the
model behind them, on a loopback port of its own."""
import http.server
import json
import threading
import time
import urllib.parse

ANSWER = {"id": "c1", "object": "chat.completion", "created": 1,
          "model": "m", "choices": [
              {"index": 0, "finish_reason": "stop",
               "message": {"role": "assistant", "content": "hello"}}],
          "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                    "total_tokens": 2}}
CONVERSE = {"output": {"message": {"role": "assistant",
                                   "content": [{"text": "hello"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Cloud:
    """`asked`: requests that are no calls of a model, as (method, path,
    form or None, headers); `seen`: what models were called with."""

    def __init__(self):
        self.asked, self.seen, self.revoked = [], [], set()
        self.life, self.issued, self.broken = 3600, 0, None
        self.lock = threading.Lock()
        self.hold = {}  # model: an event that its next call waits for
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                n = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(n).decode()
                status, out = cloud.route(self.command, self.path, body,
                                          self.headers)
                if not isinstance(out, str):
                    out = json.dumps(out)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(out)))
                self.end_headers()
                self.wfile.write(out.encode())

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # -- what it says ------------------------------------------------------

    def route(self, method, path, body, headers):
        if path.startswith("/v1/") or path.startswith("/model/"):
            return self.model(path, body, headers)
        form = None
        if "form" in headers.get("content-type", ""):
            form = dict(urllib.parse.parse_qsl(body))
        with self.lock:
            self.asked.append((method, path, form, dict(
                (k.lower(), v) for k, v in headers.items())))
            if self.broken:
                return self.broken
        return self.give(method, path)

    def model(self, path, body, headers):
        sent = headers.get("authorization") or headers.get("api-key") or ""
        with self.lock:
            self.seen.append(dict((k.lower(), v)
                                  for k, v in headers.items()))
        name = json.loads(body).get("model") if body else None
        if name in self.hold:
            self.hold.pop(name).wait(20)
        if any(t in sent for t in self.revoked):
            return 401, {"error": {"message": "bad token", "code": "401"}}
        return 200, CONVERSE if path.startswith("/model/") else ANSWER

    def next(self):
        with self.lock:
            self.issued += 1
            return f"canary-token-{self.issued}"

    def aws(self):
        return {"Code": "Success", "AccessKeyId": "ASIAFROMCLOUD",
                "SecretAccessKey": "canary-secret", "Token": self.next(),
                "Expiration": rfc3339(time.time() + self.life)}

    def give(self, method, path):
        roles = "/latest/meta-data/iam/security-credentials/"
        if path.startswith("/off/"):
            return 403, {}
        if path == "/latest/api/token":
            return 200, "session" if method == "PUT" else (405, "")
        if path == roles:
            return 200, "the-role\n"
        if path == roles + "the-role" or path == "/container":
            return 200, self.aws()
        if path == "/sts/":
            a = self.aws()
            return 200, ("<R><C>" + "".join(
                f"<{k}>{a[v]}</{k}>" for k, v in (
                    ("AccessKeyId", "AccessKeyId"),
                    ("SecretAccessKey", "SecretAccessKey"),
                    ("SessionToken", "Token"),
                    ("Expiration", "Expiration"))) + "</C></R>")
        return 200, {"access_token": self.next(), "token_type": "Bearer",
                     "expires_in": self.life}
