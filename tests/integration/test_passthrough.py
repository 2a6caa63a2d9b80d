# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Endpoints that pass as they are: images, audio, moderations, rerank, files
and what hangs on them. Bodies and answers byte for byte, the model rewritten
where its name upstream differs, usage metered, failing over as elsewhere."""
import hashlib
import json
import os
import random
import re
import threading

import openai
import pytest

from conftest import wait_for
from upstream import Gone, Upstream

CONFIG = """
listen "127.0.0.1:0" {{ detail = "full" }}
defaults {{ retries = {{ attempts = 2, same_target = 0 }} }}
provider "up" {{ vendor = "openai-compatible", base_url = "{url}",
                 keys = {{ env("UNSET", "sk-up") }} }}
model "voice" {{ "up/tts-9" }}
model "ears" {{ "up/whisper-with-a-longer-name" }}
model "m" {{ "up/m" }}
{more}
"""
FILES = 'endpoint "files" { provider = "up" }\n'
BINARY = random.Random(7).randbytes(700_001)


def start(penstock, up, more=""):
    return penstock(CONFIG.format(url=up.url, more=more))


def sdk_of(p):
    return openai.OpenAI(base_url=p.url + "/v1", api_key="none",
                         max_retries=0)


def form(*parts, boundary="b0"):
    """A form's body: (name, value) or (name, file name, bytes)."""
    out = b""
    for part in parts:
        out += f'--{boundary}\r\ncontent-disposition: form-data; '.encode()
        if len(part) == 2:
            out += f'name="{part[0]}"\r\n\r\n{part[1]}'.encode()
        else:
            out += (f'name="{part[0]}"; filename="{part[1]}"\r\n'
                    "content-type: audio/wav\r\n\r\n").encode() + part[2]
        out += b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


def tokens(line):
    return line["tokens"]["input"], line["tokens"].get("output")


FORM = "multipart/form-data; boundary=b0"


def test_json_endpoints_by_the_sdk(penstock):
    def serve(conn, r):
        if r.path == "/v1/moderations":
            conn.answer({"id": "modr-1", "model": "m", "results": []})
        else:
            conn.answer({"created": 1, "data": [{"b64_json": "aGk="}],
                         "usage": {"input_tokens": 11, "output_tokens": 7,
                                   "total_tokens": 18,
                                   "input_tokens_details": {
                                       "text_tokens": 11,
                                       "image_tokens": 0}}})

    with Upstream(serve) as up:
        p = start(penstock, up)
        c = sdk_of(p)
        got = c.images.generate(model="voice", prompt="a cat", size="auto")
        assert got.data[0].b64_json == "aGk=" and got.usage.total_tokens == 18
        assert c.moderations.create(model="m", input="x").id == "modr-1"
        sent = up.requests[0]
        assert (sent.method, sent.path) == ("POST", "/v1/images/generations")
        assert sent.json() == {"model": "tts-9", "prompt": "a cat",
                               "size": "auto"}
        assert sent.header("authorization") == "Bearer sk-up"
        lines = wait_for(lambda: len(p.logs("request")) == 2 and
                         p.logs("request"), why="two access lines")
    assert lines[0]["endpoint"] == "images"
    assert tokens(lines[0]) == (11, 7)
    assert lines[1]["endpoint"] == "moderations"


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_rerank(penstock, path):
    answer = {"id": "r", "results": [{"index": 1, "relevance_score": 0.9}],
              "usage": {"total_tokens": 21}}
    with Upstream(lambda conn, _: conn.answer(answer)) as up:
        p = start(penstock, up)
        r = p.post(path, {"model": "m", "query": "q", "documents": ["a", "b"]})
        assert r.status == 200 and r.json() == answer
        assert up.requests[0].path == "/v1/rerank"
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        assert tokens(line)[0] == 21


def test_speech_is_byte_for_byte(penstock):
    """Binary, with a length and without, larger than what is kept back."""
    def serve(conn, r):
        if r.json()["speed"] == 1:
            conn.answer(BINARY, ctype="audio/mpeg",
                        extra=[("openai-processing-ms", "5"),
                               ("x-secret", "no")])
            return
        conn.head(ctype="audio/ogg")
        for i in range(0, len(BINARY), 50_000):
            conn.chunk(BINARY[i:i + 50_000])
        conn.end()

    with Upstream(serve) as up:
        c = sdk_of(start(penstock, up))
        for speed, kind in ((1, "audio/mpeg"), (2, "audio/ogg")):
            r = c.audio.speech.create(model="voice", voice="alloy",
                                      input="hello", speed=speed)
            assert r.response.headers["content-type"] == kind
            assert "x-secret" not in r.response.headers
            assert r.content == BINARY
        assert up.requests[0].json()["model"] == "tts-9"
        assert not up.errors


def test_audio_comes_before_it_is_whole(penstock):
    """The first bytes reach the client while upstream has more to say."""
    with Upstream(lambda conn, _: (conn.head(ctype="audio/mpeg"),
                                   conn.chunk(b"first"),
                                   conn.wait_gone())) as up:
        c = sdk_of(start(penstock, up))
        with c.audio.speech.with_streaming_response.create(
                model="voice", voice="alloy", input="hi") as r:
            assert next(r.iter_bytes(5)) == b"first"
        wait_for(lambda: up.closed() == 1, why="upstream hears of the client")


def test_transcription_by_the_sdk(penstock):
    """The model of a form is rewritten; nothing else of it is touched."""
    with Upstream(lambda conn, _: conn.answer(
            {"text": "hi", "usage": {"type": "tokens", "input_tokens": 4,
                                     "output_tokens": 2,
                                     "total_tokens": 6}})) as up:
        p = start(penstock, up)
        got = sdk_of(p).audio.transcriptions.create(
            model="ears", file=("a.wav", BINARY), language="en")
        assert got.text == "hi"
        r = up.requests[0]
        assert r.path == "/v1/audio/transcriptions"
        assert b"\r\n\r\nwhisper-with-a-longer-name\r\n" in r.body
        assert b"ears" not in r.body and BINARY in r.body
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        assert tokens(line) == (4, 2)
        assert line["model"] == "ears"


def test_model_behind_the_file(penstock):
    """Also with a type of text, whose answer is no JSON."""
    with Upstream(lambda conn, _: conn.answer("hi\n", ctype="text/plain")) as u:
        p = start(penstock, u)
        sent = form(("response_format", "text"), ("file", "a", BINARY),
                    ("model", "ears"))
        r = p.request("POST", "/v1/audio/translations", sent,
                      {"content-type": FORM})
        assert (r.status, r.body) == (200, b"hi\n")
        assert r.headers["content-type"] == "text/plain"
        assert u.requests[0].body == sent.replace(
            b"\r\n\r\nears\r\n", b"\r\n\r\nwhisper-with-a-longer-name\r\n")
        assert u.requests[0].header("content-type") == FORM


def test_streamed_transcription(penstock):
    events = [{"type": "transcript.text.delta", "delta": "h"},
              {"type": "transcript.text.delta", "delta": "i"},
              {"type": "transcript.text.done", "text": "hi",
               "usage": {"type": "tokens", "input_tokens": 5,
                         "output_tokens": 3, "total_tokens": 8}}]

    def serve(conn, _):
        conn.head(ctype="text/event-stream")
        for e in events:
            conn.chunk(f"data: {json.dumps(e)}\n\n")
        conn.end()

    with Upstream(serve) as up:
        p = start(penstock, up)
        got = list(sdk_of(p).audio.transcriptions.create(
            model="ears", file=("a.wav", b"RIFF"), stream=True))
        assert [e.type for e in got] == [e["type"] for e in events]
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        assert tokens(line) == (5, 3)


BAD_FORMS = {
    "twice": form(("model", "ears"), ("model", "voice")),
    "a file": form(("model", "x", b"ears")),
    "no end": form(("model", "ears"))[:-6],
    "no model": form(("language", "en")),
    "another boundary": form(("model", "ears"), boundary="b1"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_forms_that_are_refused(penstock, name):
    with Upstream(lambda conn, _: conn.answer({})) as up:
        p = start(penstock, up)
        r = p.request("POST", "/v1/audio/transcriptions", BAD_FORMS[name],
                      {"content-type": FORM})
        assert r.status == 400, r.body
        assert r.json()["error"]["type"] == "invalid_request_error"
        assert not up.requests


def test_files_by_the_sdk(penstock):
    """Method, path, query and body are the client's; content is binary."""
    made = {"id": "file-1", "object": "file", "bytes": 3, "created_at": 1,
            "filename": "a.jsonl", "purpose": "batch", "status": "processed"}

    def serve(conn, r):
        path = r.path.split("?")[0]
        if r.method == "DELETE":
            conn.answer({"id": "file-1", "object": "file", "deleted": True})
        elif path.endswith("/content"):
            conn.answer(BINARY, ctype="application/octet-stream", extra=[
                ("content-disposition", 'attachment; filename="a"')])
        elif r.method == "GET" and path == "/v1/files":
            conn.answer({"object": "list", "data": [made], "has_more": False})
        else:
            conn.answer(made)

    with Upstream(serve) as up:
        p = start(penstock, up, FILES)
        c = sdk_of(p)
        assert c.files.create(file=("a.jsonl", BINARY),
                              purpose="batch").id == "file-1"
        assert [f.id for f in c.files.list(purpose="batch", limit=3)] == \
            ["file-1"]
        assert c.files.retrieve("file-1").filename == "a.jsonl"
        content = c.files.content("file-1")
        assert content.content == BINARY
        assert "content-disposition" in content.response.headers
        assert c.files.delete("file-1").deleted
        asked = [(r.method, r.path) for r in up.requests]
        assert asked == [
            ("POST", "/v1/files"), ("GET", "/v1/files?limit=3&purpose=batch"),
            ("GET", "/v1/files/file-1"), ("GET", "/v1/files/file-1/content"),
            ("DELETE", "/v1/files/file-1")]
        assert BINARY in up.requests[0].body
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        assert (line["endpoint"], line["model"]) == ("files", "up/files")


def test_nobody_is_configured(penstock):
    with Upstream(lambda conn, _: conn.answer({})) as up:
        p = start(penstock, up, FILES)
        r = p.get("/v1/batches")
        assert r.status == 404
        assert 'endpoint "batches" { provider' in r.json()["error"]["message"]
        assert not up.requests


def test_videos_and_containers(penstock):
    """By the account that has them; a video comes through small memory."""
    def serve(conn, request):
        if "/content" in request.path:
            conn.answer(BINARY, 200, "video/mp4")
        else:
            conn.answer({"id": "v-1", "object": "video",
                         "status": "queued"})

    with Upstream(serve) as up:
        p = start(penstock, up, "".join(
            f'endpoint "{e}" {{ provider = "up" }}\n'
            for e in ("videos", "containers", "evals")))
        made = p.post("/v1/videos", form(("model", "sora-2"), ("prompt", "x")),
                      headers={"content-type": FORM})
        assert (made.status, made.json()["id"]) == (200, "v-1"), made.body
        got = p.get("/v1/videos/v-1/content?variant=video")
        assert got.body == BINARY
        assert got.headers["content-type"] == "video/mp4"
        assert p.get("/v1/containers/c-1/files").status == 200
        assert p.post("/v1/evals", {"name": "e"}).status == 200
        assert [r.path for r in up.requests] == [
            "/v1/videos", "/v1/videos/v-1/content?variant=video",
            "/v1/containers/c-1/files", "/v1/evals"]
        assert up.requests[0].body == form(("model", "sora-2"),
                                           ("prompt", "x"))
        lines = wait_for(lambda: len(p.logs("request")) == 4 and
                         p.logs("request"), why="four lines")
        assert [(x["endpoint"], x["model"]) for x in lines] == [
            ("videos", "up/videos"), ("videos", "up/videos"),
            ("containers", "up/containers"), ("evals", "up/evals")]


def test_realtime_says_what_to_do(penstock):
    with Upstream(lambda conn, _: conn.answer({})) as up:
        p = start(penstock, up)
        socket = {"Upgrade": "websocket", "Connection": "Upgrade",
                  "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for path, head in (("/v1/realtime?model=m", socket),
                           ("/v1/realtime/client_secrets", {})):
            r = p.get(path, headers=head) if head else p.post(path, {})
            assert r.status == 404
            assert "not served here" in r.json()["error"]["message"]
        r = p.get("/ws/google.ai.generativelanguage.v1beta."
                  "GenerativeService.BidiGenerateContent",
                  headers={**socket, "x-goog-api-key": "k"})
        assert r.json()["error"]["status"] == "NOT_FOUND"
        assert "provider itself" in r.json()["error"]["message"]
        assert not up.requests


CLIMBING = ["/v1/files/../models", "/v1/files/%2e%2e/models", "/v1/files//x",
            "/v1/files/a%2Fb", "/v1/files/.", "/v1/files/a%5cb",
            "/v1/files/a%00", "/v1/files/%252e", "/v1/files/x/"]


def test_paths_that_climb(penstock):
    with Upstream(lambda conn, _: conn.answer({})) as up:
        p = start(penstock, up, FILES)
        for path in CLIMBING:
            r = p.get(path)
            assert r.status in (400, 404), path
        assert not up.requests


def test_a_key_with_models_needs_the_endpoints_name(penstock):
    """What files are for is anything that the account may do: a key that is
    held to models has to name them."""
    keys = """
key "few" {{ models = {{ "m" }}, sha256 = "{few}" }}
key "all" {{ models = {{ "up/*" }}, sha256 = "{all}" }}
key "ep" {{ endpoints = {{ "chat" }}, sha256 = "{ep}" }}
""".format(**{k: hashlib.sha256(k.encode()).hexdigest()
              for k in ("few", "all", "ep")})
    with Upstream(lambda conn, _: conn.answer({"data": []})) as up:
        p = start(penstock, up, FILES + keys)
        for key, status in (("few", 403), ("all", 200), ("ep", 403),
                            ("none", 401)):
            r = p.request("GET", "/v1/files", None,
                          {"authorization": f"Bearer {key}"})
            assert r.status == status, (key, r.body)
        assert len(up.requests) == 1


def test_errors_and_failover(penstock):
    """A body that is held is sent to the next target; a caller's fault is
    told in the provider's words."""
    def broken(conn, _):
        conn.answer({"error": {"message": "no"}}, 503)

    def good(conn, r):
        if r.header("content-type").startswith("multipart"):
            conn.answer({"text": "ok"})
        else:
            conn.answer({"error": {"message": "bad voice",
                                   "type": "invalid_request_error"}}, 400)

    with Upstream(broken) as a, Upstream(good) as b:
        more = (f'provider "b" {{ vendor = "openai-compatible", '
                f'base_url = "{b.url}", keys = {{ env("UNSET", "k") }} }}\n'
                'model "both" { "up/one", fallback = { "b/two" } }\n')
        p = start(penstock, a, more)
        r = p.request("POST", "/v1/audio/transcriptions",
                      form(("model", "both"), ("file", "a", BINARY)),
                      {"content-type": FORM})
        assert (r.status, r.json()) == (200, {"text": "ok"})
        assert b"\r\n\r\none\r\n" in a.requests[0].body
        assert b"\r\n\r\ntwo\r\n" in b.requests[0].body
        r = p.post("/v1/audio/speech", {"model": "both", "input": "x"})
        assert r.status == 400
        assert r.json()["error"]["message"] == "bad voice"


class Counting(Upstream):
    """Takes a body of any size without keeping it: its length and hash."""

    def __init__(self, answer=None, gate=None):
        super().__init__(None)
        self.seen, self.gate = [], gate
        self.reply = answer or (lambda conn: conn.answer({"id": "file-1"}))

    def _serve(self, conn):
        try:
            while b"\r\n\r\n" not in conn.buffer:
                conn._more()
            head, _, rest = conn.buffer.partition(b"\r\n\r\n")
            left = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            total, digest = 0, hashlib.sha256()
            while True:
                total += len(rest)
                digest.update(rest)
                if total >= left:
                    break
                if self.gate:
                    self.gate.wait(20)
                rest = conn.sock.recv(1 << 18)
                if not rest:
                    conn.closed_by_peer = True
                    return
            self.seen.append((total, digest.hexdigest()))
            self.reply(conn)
        except (Gone, OSError):
            pass
        finally:
            conn.sock.close()


def rss_kib(p):
    """The workers' memory at its highest, since they began."""
    return max(int(re.search(r"VmHWM:\s+(\d+)", open(
        f"/proc/{w['pid']}/status").read())[1]) for w in p.workers())


def upload(p, size, step=1 << 18):
    """An open connection with a body of zeros sent as far as it goes."""
    c = p.connect(timeout=60)
    c.putrequest("POST", "/v1/files")
    c.putheader("content-type", FORM)
    c.putheader("content-length", str(size))
    c.endheaders()
    for _ in range(size // step):
        c.send(bytes(step))
    return c


BIG = FILES.replace('"up"', '"up", max_body = "200MiB"')


def test_a_large_upload_is_not_held(penstock):
    """What upstream has got is not kept: megabytes pass through a window."""
    size = (100 if os.environ.get("PENSTOCK_LONG") else 32) << 20
    with Counting() as up:
        p = start(penstock, up, BIG)
        before = rss_kib(p)
        r = upload(p, size).getresponse()
        assert r.status == 200, r.read()
        assert json.loads(r.read()) == {"id": "file-1"}
        assert up.seen == [(size, hashlib.sha256(bytes(size)).hexdigest())]
        assert rss_kib(p) - before < 16 << 10
        line = wait_for(lambda: p.logs("request"), why="a line")[0]
        assert size <= line["bytes_in"] < size + 1000


def test_a_slow_upstream_holds_the_client_back(penstock):
    """The client waits for upstream; when it leaves, upstream hears of it."""
    gate = threading.Event()
    with Counting(gate=gate) as up:
        p = start(penstock, up, BIG)
        before = rss_kib(p)
        c = p.connect()
        c.putrequest("POST", "/v1/files")
        c.putheader("content-length", str(100 << 20))
        c.endheaders()
        c.sock.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 100 << 20:
                sent += c.sock.send(bytes(1 << 18))
        assert sent < 64 << 20
        assert rss_kib(p) - before < 16 << 10
        c.close()
        gate.set()
        wait_for(lambda: up.closed() == 1, why="upstream hears of it")
        assert wait_for(lambda: p.logs("request"),
                        why="a line")[0]["ended"] == "client_gone"


def test_an_upload_fails_over_only_unsent(penstock):
    """One that has begun is told as it ended; one too large is 413."""
    def fail(conn):
        conn.answer({"error": {"message": "no"}}, 503)

    with Counting(fail) as up:
        p = start(penstock, up, BIG)
        r = upload(p, 1 << 20).getresponse()
        assert r.status >= 500 and len(up.seen) == 1
        c = p.connect()
        c.putrequest("POST", "/v1/files")
        c.putheader("content-length", str(300 << 20))
        c.endheaders()
        assert c.getresponse().status == 413
