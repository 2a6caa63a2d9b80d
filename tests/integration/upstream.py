# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""An upstream for stories: raw sockets on loopback, one thread a connection.

    with Upstream(handler) as up:      # up.port, up.url
        ...
        up.requests                    # what came, in order
        up.wait_closed(n)              # the peer closed n connections

`handler(conn, request)` sends whatever bytes it likes with conn.send; it may
close or reset the connection, or return to read the next request. Recordings
are replayed by `Replay`, cut as the test wants.
"""
import json
import os
import pathlib
import socket
import struct
import threading
import time

SHARED = pathlib.Path(
    os.environ.get("PENSTOCK_SHARED")
    or pathlib.Path(os.environ.get("PENSTOCK_SRC")
                    or pathlib.Path(__file__).resolve().parents[2])
    / ".." / "shared")


class Gone(Exception):
    """The peer closed the connection."""


class Request:
    """One request as it came: method, path, headers (a list), body."""

    def __init__(self, method, path, headers, body):
        self.method, self.path = method, path
        self.headers, self.body = headers, body

    def header(self, name):
        for k, v in self.headers:
            if k.lower() == name.lower():
                return v
        return None

    def json(self):
        return json.loads(self.body)


class Conn:
    """One accepted connection."""

    def __init__(self, sock, upstream):
        self.sock, self.upstream, self.buffer = sock, upstream, b""
        self.closed_by_peer = False

    def _more(self):
        got = self.sock.recv(65536)
        if not got:
            self.closed_by_peer = True
            raise Gone()
        self.buffer += got

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = [tuple(x.split(": ", 1)) if ": " in x
                   else (x.rstrip(":"), "") for x in lines[1:]]
        length = 0
        for k, v in headers:
            if k.lower() == "content-length":
                length = int(v)
        body = bytearray(self.buffer[:length])
        self.buffer = self.buffer[length:]
        while len(body) < length:   # a large one in linear time
            got = self.sock.recv(min(1 << 20, length - len(body)))
            if not got:
                self.closed_by_peer = True
                raise Gone()
            body += got
        body = bytes(body)
        return Request(method, path, headers, body)

    def send(self, data, size=0, pause=0.0):
        """All at once, or in pieces of `size` bytes."""
        if isinstance(data, str):
            data = data.encode()
        step = size or len(data) or 1
        for i in range(0, len(data), step):
            try:
                self.sock.sendall(data[i:i + step])
            except (BrokenPipeError, ConnectionResetError):
                self.closed_by_peer = True
                raise Gone() from None
            if pause:
                time.sleep(pause)

    def head(self, status=200, ctype="application/json", length=None,
             extra=()):
        text = f"HTTP/1.1 {status} X\r\ncontent-type: {ctype}\r\n"
        for k, v in extra:
            text += f"{k}: {v}\r\n"
        if length is None:
            text += "transfer-encoding: chunked\r\n"
        else:
            text += f"content-length: {length}\r\n"
        self.send(text + "\r\n")

    def chunk(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def end(self):
        self.send(b"0\r\n\r\n")

    def answer(self, body, status=200, ctype="application/json", extra=()):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self.head(status, ctype, len(body), extra)
        self.send(body)

    def close(self):
        self.sock.close()
        raise Gone()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.close()

    def wait_gone(self, seconds=10):
        """Wait until the peer closes; True if it did."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
        except socket.timeout:
            return False
        except OSError:
            pass
        self.closed_by_peer = True
        return True


class Upstream:
    """Accepts on a free port; every connection runs `handler`."""

    def __init__(self, handler):
        self.handler = handler
        self.requests, self.conns, self.errors = [], [], []
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in (self.listener, *(c.sock for c in self.conns)):
            try:  # who waits in it wakes; its number is another's next
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = Conn(sock, self)
            with self.lock:
                self.conns.append(conn)
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, conn):
        try:
            while True:
                request = conn.read_request()
                with self.lock:
                    self.requests.append(request)
                self.handler(conn, request)
        except (Gone, OSError):
            pass
        except Exception as e:  # a test wants to know
            self.errors.append(e)
        finally:
            conn.sock.close()

    def closed(self):
        with self.lock:
            return sum(1 for c in self.conns if c.closed_by_peer)


def same(a, b):
    """JSON equality: numbers by value, keys in any order."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


def difference(a, b, at=""):
    """Pointer of the first place where two JSON values differ, or None."""
    if same(a, b):
        return None
    if isinstance(a, dict) and isinstance(b, dict):
        for k in list(a) + [k for k in b if k not in a]:
            if k not in a or k not in b:
                return f"{at}/{k} (only on one side)"
            d = difference(a[k], b[k], f"{at}/{k}")
            if d:
                return d
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            d = difference(x, y, f"{at}/{i}")
            if d:
                return d
    return f"{at}: {json.dumps(a)[:80]} != {json.dumps(b)[:80]}"


def recordings(*apis):
    """The recorded exchanges of these APIs, or [] without the folder."""
    found = []
    for api in apis:
        provider = api.split(".")[0]
        folder = SHARED / "wire" / provider
        for f in sorted(folder.rglob("*.json")):
            d = json.loads(f.read_text())
            if d["api"] == api:
                found.append(d)
    return found


class Replay(Upstream):
    """Answers with recordings. `ours` undoes the edits that a gateway makes
    on purpose before bodies are compared."""

    def __init__(self, exchanges, size=0, ours=None):
        super().__init__(self._answer)
        self.table, self.size, self.ours = exchanges, size, ours
        self.missed = []

    def _find(self, request):
        best = "no recording of that path"
        wanted = request.header("x-client-request-id")
        for x in self.table:
            r = x["request"]
            if wanted and x["id"] != wanted:
                continue
            if r["method"] != request.method:
                continue
            if "body" not in r or r["body"] is None:
                if not request.body:
                    return x, None
                continue
            got = request.json()
            if self.ours:
                got = self.ours(got, r["body"])
            where = difference(got, r["body"])
            if where is None:
                return x, None
            best = where
        return None, best

    def _answer(self, conn, request):
        x, why = self._find(request)
        if x is None:
            self.missed.append(why)
            conn.answer({"error": {"message": f"no match: {why}"}}, 599)
            return
        r = x["response"]
        body = (r.get("body") or "")
        if not isinstance(body, str):
            body = json.dumps(body)
        body = body.encode()
        skip = {"content-length", "transfer-encoding", "connection",
                "content-encoding"}
        extra = [(k, v) for k, v in r["headers"].items()
                 if k.lower() not in skip and k.lower() != "content-type"]
        ctype = next((v for k, v in r["headers"].items()
                      if k.lower() == "content-type"), "application/json")
        conn.head(r["status"], ctype, None, extra)
        step = self.size or len(body) or 1
        for i in range(0, len(body), step):
            conn.chunk(body[i:i + step])
        conn.end()
