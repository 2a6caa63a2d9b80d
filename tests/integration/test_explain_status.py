# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock explain --status N --provider P`: what an answer would mean."""
import json
import os
import socket
import tempfile
import threading

import pytest

CONF = """
provider "openai" { keys = { env("A", "k1"), env("B", "k2") },
                    retries = { attempts = 5, same_target = 2 } }
provider "odd" { vendor = "openai-compatible", base_url = "http://x.test/v1",
                 keys = {}, quirks = { errors = { ODD7 = "overloaded" } } }
provider "theirs" { vendor = "anthropic", keys = "client" }
provider "once" { vendor = "vllm", base_url = "http://x.test/v1", keys = {},
                  retries = { attempts = 1 } }
"""


@pytest.fixture
def verdict(cli, tmp_path):
    def run(status, provider, *args, headers=None, body=None, conf=CONF,
            json_out=True):
        more = list(args)
        (tmp_path / "penstock.conf").write_text(conf)
        for name, text in (("headers", headers), ("body", body)):
            if text is not None:
                (tmp_path / name).write_bytes(text.encode())
                more += [f"--{name}", str(tmp_path / name)]
        if json_out:
            more.append("--json")
        got = cli("explain", "--status", str(status), "--provider", provider,
                  "-c", str(tmp_path / "penstock.conf"), *more,
                  env={"TMPDIR": str(tmp_path)})
        left = [x for x in tmp_path.iterdir() if "penstock-" in x.name]
        assert left == []
        if not json_out or got.returncode:
            return got
        return json.loads(got.stdout)
    return run


def test_a_provider_of_the_catalogue(verdict):
    v = verdict(529, "anthropic")
    assert (v["class"], v["scope"]) == ("overloaded", "target")
    assert v["from"] == "catalogue" and v["plugin"] == "anthropic"
    assert v["rests"] == "nothing: no pause is told"
    assert v["next"][0] == "another target, at once"
    assert v["client"]["code"] == "no_target"
    assert v["client"]["openai"]["status"] == 503
    assert v["client"]["anthropic"] == {"status": 529,
                                        "type": "overloaded_error"}


def test_text_for_people(verdict):
    out = verdict(529, "anthropic", json_out=False).stdout
    assert "class          overloaded\nscope          target\n" in out
    assert "tried next     another target, at once\n" in out
    assert "529 overloaded_error to Anthropic's" in out


def test_headers_as_curl_wrote_them(verdict):
    v = verdict(503, "openai", headers="HTTP/1.1 503 Busy\r\n"
                                       "Retry-After: 7\r\n\r\n")
    assert v["from"] == "configuration"
    assert v["retry_after_ms"] == 7000
    assert v["rests"] == "the target, for 7.000 s and up to a tenth more"
    assert v["next"] == ["another target, at once"]  # 7 s are not waited for
    v = verdict(503, "openai", headers="retry-after-ms: 800\n")
    assert v["rests"].startswith("nothing: a pause of up to a second")
    assert v["next"][1] == "the same target, 2 more, after 800 ms"
    v = verdict(503, "openai", headers="x-should-retry: false\n")
    assert len(v["next"]) == 1


def test_one_of_two_keys_rests(verdict):
    v = verdict(429, "openai")
    assert v["scope"] == "credential" and v["tries"] == 5
    assert v["rests"] == "the key, for 5 s, doubled each time up to 5 min"
    assert v["next"][0] == "another key of the target, at once"
    v = verdict(401, "openai")
    assert v["rests"].startswith("the key is parked for 10 s")
    assert v["client"]["code"] == "provider_auth"
    assert v["client"]["passed_through"] is False


def test_the_plugin_reads_the_body(verdict):
    body = {"error": {"code": "insufficient_quota", "message": "no money"}}
    v = verdict(429, "openai", body=json.dumps(body))
    assert v["class"] == "quota" and v["message"] == "no money"
    assert v["client"]["code"] == "provider_billing"


def test_quirks_of_the_configuration_decide(verdict):
    v = verdict(400, "odd", body='{"error": {"code": "ODD7"}}')
    assert (v["class"], v["code"]) == ("overloaded", "ODD7")
    assert verdict(400, "odd", body='{"error": {"code": "X"}}')["class"] \
        == "bad_request"


def test_the_clients_own_key(verdict):
    v = verdict(401, "theirs")
    assert v["rests"] == "nothing" and v["client"]["passed_through"] is True
    assert v["client"]["retry"] == "as its provider says"


def test_a_single_try(verdict):
    assert verdict(500, "once")["next"] == []


@pytest.mark.parametrize("status", ["42", "600", "x", "-1"])
def test_no_status(verdict, status):
    got = verdict(status, "openai")
    assert got.returncode == 2 and "is no HTTP status" in got.stderr


def test_refusals(verdict):
    got = verdict(500, "nobody", json_out=False)
    assert got.returncode == 1 and 'no vendor "nobody"' in got.stderr
    assert verdict(500, "../x").returncode == 2
    got = verdict(500, "openai", headers="no colon\n", json_out=False)
    assert got.returncode == 1 and "line 1" in got.stderr
    got = verdict(500, "openai", "--body", "/does/not/exist",
                  json_out=False)
    assert got.returncode == 1 and "/does/not/exist" in got.stderr
    assert verdict(500, "openai", "--bogus", "x").returncode == 2


# ---- whose configuration ----------------------------------------------------

def test_the_running_instances_file_is_asked(penstock):
    """Without -c: what the instance serves, wherever its file lies; and it
    is said when the file is another by now."""
    p = penstock(CONF)
    told = ("explain", "--status", "429", "--provider", "openai", "--json")
    got = p.cli(*told)
    assert got.returncode == 0 and got.stderr == ""
    v = json.loads(got.stdout)
    assert (v["from"], v["tries"]) == ("configuration", 5)
    assert v["file"] == str(p.conf)
    p.conf.write_text(p.conf.read_text().replace("attempts = 5",
                                                 "attempts = 6"))
    got = p.cli(*told)
    assert json.loads(got.stdout)["tries"] == 6
    assert "not what is served: written since" in got.stderr
    request = p.dir / "r.json"
    request.write_text(json.dumps({"body": {
        "model": "openai/x", "messages": [{"role": "user", "content": "a"}]}}))
    got = p.cli("explain", "-f", str(request), "--json")
    assert json.loads(got.stdout)["attempts"][0]["target"] == "openai/x"


def test_a_file_named_from_where_it_was_started(penstock, tmp_path):
    own = tmp_path / "own.conf"
    own.write_text('listen "127.0.0.1:0"\n' + CONF)
    near = os.path.join("..", os.path.relpath(own, tempfile.gettempdir()))
    p = penstock(None, args=("-c", near))
    assert p.status()["file"] == f"{p.dir}/{near}"
    got = p.cli("explain", "--status", "500", "--provider", "once",
                cwd=str(tmp_path))
    assert f"(configuration {p.dir}/{near})" in got.stdout, got.stderr


def test_who_names_an_instance_gets_that_one(cli, tmp_path):
    nowhere = str(tmp_path / "none.sock")
    got = cli("explain", "--status", "500", "--provider", "openai", "-s",
              nowhere)
    assert got.returncode == 3 and nowhere in got.stderr
    got = cli("explain", "--status", "500", "--provider", "openai",
              env={"PENSTOCK_SOCKET": nowhere})
    assert got.returncode == 0
    assert "No instance runs" in got.stderr and "catalogue" in got.stdout


def test_an_instance_that_refuses_is_heard(cli, tmp_path):
    """What it says is said, and nothing else is taken in its place unsaid."""
    path = str(tmp_path / "control.sock")
    told = ("explain", "--status", "500", "--provider", "openai")

    def refuse():
        conn, _ = listener.accept()
        with conn, conn.makefile("rwb") as f:
            f.readline()
            f.write(b'{"error":{"message":"not for you"}}\n')

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(20)
        for args, code in ((("-s", path), 1), ((), 0)):
            t = threading.Thread(target=refuse)
            t.start()
            got = cli(*told, *args, env={"PENSTOCK_SOCKET": path})
            t.join()
            assert got.returncode == code and "not for you" in got.stderr
