# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock explain -f`: what would become of a request, offline."""
import hashlib
import json
import os
import socket
import threading

import pytest

BODY = {"model": "smart", "messages": [{"role": "user", "content": "hello"}]}


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


CONF = f"""
listen "0.0.0.0:8443" {{ anonymous = "none" }}
provider "openai"
provider "gpu" {{ vendor = "vllm", base_url = "https://gpu.test/api/v1",
                  keys = {{}}, tags = {{ region = "eu" }} }}
model "smart" {{ "openai/gpt-6-luna", "gpu/llama" }}
key "ci" {{ sha256 = "{sha('sk-ci')}" }}
key "acme" {{ sha256 = "{sha('sk-eu')}", tags = {{ residency = "eu" }},
              cidrs = {{ "203.0.113.0/24" }} }}
"""


@pytest.fixture
def explain(cli, tmp_path):
    """explain(request, conf, policies={name: text}, *args): what came."""
    def run(request, conf=CONF, *args, policies=(), **kw):
        for name, text in dict(policies).items():
            (tmp_path / f"{name}.lua").write_text(text)
        file, config = tmp_path / "request.json", tmp_path / "penstock.conf"
        file.write_text(request if isinstance(request, str)
                        else json.dumps(request))
        config.write_text(f'policy_path "{tmp_path}"\n' + conf)
        env = {"TMPDIR": str(tmp_path), "OPENAI_API_KEY": ""}
        return cli("explain", "-f", str(file), "-c", str(config), *args,
                   env=env, **kw)

    def story(request, conf=CONF, **kw):
        got = run(request, conf, "--json", **kw)
        assert got.returncode == 0, got.stderr
        return json.loads(got.stdout)
    run.story = story
    run.dir = tmp_path
    return run


def asked(key="sk-ci", **more):
    return {"headers": {"authorization": f"Bearer {key}"}, "body": BODY,
            **more}


def names(story):
    return [(p["phase"], p["policy"], p["verdict"])
            for p in story["policies"]]


def test_phases_policies_plan_and_answer(explain):
    story = explain.story(asked("sk-eu", client_ip="203.0.113.7"))
    assert names(story) == [("authenticate", "auth", "principal"),
                            ("validate", "validate", "none"),
                            ("admit", "limits", "none"),
                            ("route", "route", "none")]
    assert story["policies"][0]["what"] == story["principal"] == "acme"
    for policy in story["policies"]:
        assert policy["us"] >= 0 and 0 < policy["instructions"] < 1000
    assert story["notes"] == ["route: residency eu: 1 of 2 dropped"]
    assert story["plan"] == [
        {"target": "gpu/llama"},
        {"target": "openai/gpt-6-luna", "dropped": True,
         "why": "residency eu"}]
    assert story["client"] == "203.0.113.7"
    assert [a["target"] for a in story["attempts"]] == ["gpu/llama"]
    assert story["answer"]["status"] == story["status"] == 200
    answer = json.loads(story["answer"]["body"])
    assert answer["choices"][0]["message"]["content"] == "hello"


def test_for_people(explain):
    text = explain(asked("sk-eu", client_ip="203.0.113.7")).stdout
    assert "\npolicies\n  authenticate   auth             principal acme" \
        in text
    assert " instructions\n" in text
    assert "  1. gpu/llama\n" in text
    assert "dropped: residency eu\n" in text
    assert "\nanswer         200\n{" in text


def test_a_refusal(explain):
    story = explain.story(asked("sk-eu", client_ip="198.51.100.1"))
    assert story["status"] == 403 and "plan" not in story
    assert "attempts" not in story
    story = explain.story({"body": BODY})
    assert story["answer"]["status"] == 401
    assert story["error"]["code"] == "invalid_api_key"
    story = explain.story(asked(body={**BODY, "model": "nope"}))
    assert story["answer"]["status"] == 404


def test_it_says_who_refused(explain):
    story = explain.story(
        asked(), CONF + 'policies { "auth", "strict" }', policies={
            "strict": """return { api = 1, validate = function(req)
              if req.max_tokens then ps.note("it has a limit") else
              return ps.deny("x_limit", "Say max_tokens", { status = 422 })
              end end }"""})
    assert names(story)[-1] == ("validate", "strict", "deny")
    assert story["policies"][-1]["what"] == "x_limit"
    assert story["error"]["policy"] == "strict"
    assert story["answer"]["status"] == 422
    assert "Say max_tokens" in story["answer"]["body"]


def test_every_instruction_is_counted(explain):
    story = explain.story(
        asked(), CONF + 'policies { "auth", "loop" }', policies={
            "loop": """return { api = 1, admit = function()
              for i = 1, 1000 do end end }"""})
    assert 1000 < story["policies"][-1]["instructions"] < 1100


def test_all_phases_run_and_log_comes_last(explain):
    phases = ["request", "authenticate", "validate", "admit", "route", "log"]
    text = "local M = { api = 1 }\n" + "".join(
        f"function M.{p}() ps.note('{p}') end\n" for p in phases)
    story = explain.story(asked(), CONF + 'policies { "all", "auth" }',
                          policies={"all": text + "return M"})
    assert [p["phase"] for p in story["policies"]
            if p["policy"] == "all"] == phases
    assert story["notes"] == [f"all: {p}" for p in phases]
    for i, policy in enumerate(p for p in story["policies"]
                               if p["policy"] == "all"):
        assert policy["notes"] == [i]


def test_another_target_after_a_failure(explain):
    story = explain.story(asked(upstream=[
        {"match": {"nth": 1}, "fault": {"status": 500}}]))
    assert [(a["target"], a["status"]) for a in story["attempts"]] == [
        ("openai/gpt-6-luna", 500), ("gpu/llama", 200)]
    story = explain.story(asked(upstream=[{"fault": {"status": 500}}]))
    assert story["status"] >= 500 and story["side"] == "provider"


def test_streams_and_other_endpoints(explain):
    story = explain.story(asked(body={**BODY, "stream": True}))
    assert story["answer"]["body"].endswith("data: [DONE]\n\n")
    story = explain.story(asked(path="/v1/embeddings", body={
        "model": "smart", "input": "hello"}))
    assert story["status"] == 200 and story["endpoint"] == "embeddings"
    story = explain.story({"path": "/healthz"})
    assert story["answer"]["status"] == 200
    assert explain.story({"path": "/nowhere"})["answer"]["status"] == 404


WAITS = """
local M = { api = 1 }
function M.admit(req)
  local answer, why = ps.http("authz"):get("/check")
  ps.note("http " .. (answer and answer.status or why))
  local v, no = ps.redis("main"):get("k")
  ps.note("redis " .. tostring(v or no))
  ps.sleep(10)
end
return M"""
OUTSIDE = CONF + """
service "authz" { url = "https://authz.test", token = env "NO_SUCH_TOKEN" }
redis "main" { url = "rediss://redis.test:6379/0",
               password = file "/nonexistent/password" }
policies { "auth", "waits" }"""


def test_services_and_redis_are_the_file_s(explain):
    notes = explain.story(asked(), OUTSIDE, policies={"waits": WAITS})["notes"]
    assert notes == ["waits: http offline", "waits: redis offline"]
    story = explain.story(asked(
        http={"authz": {"status": 403, "json": {"allow": False}}},
        redis={"main": {"GET k": "v"}}), OUTSIDE)
    assert story["notes"] == ["waits: http 403", "waits: redis v"]
    waits = story["policies"][-1]
    assert waits["waits"] == 1 and waits["waited_us"] >= 10000
    notes = explain.story(asked(
        http={"authz": [{"error": "timeout"}]},
        redis={"main": {"GET": {"err": "WRONGTYPE no"}}}), OUTSIDE)["notes"]
    assert notes == ["waits: http timeout", "waits: redis WRONGTYPE no"]


JWT = CONF + """
jwt "corp" { issuer = "https://id.test", audience = "llm" }
policies { "jwt", "route" }"""


def test_tokens_are_what_the_file_says(explain):
    def told(**more):
        answer = explain.story(asked(
            headers={"authorization": "Bearer eyJh.eyJp.c2ln"}, **more),
            JWT)["answer"]
        return answer["status"]

    assert told(jwt={"corp": {"sub": "ann"}}) == 200
    assert told(jwt={"corp": "The token has expired."}) == 401
    assert told(jwt={"other": {"sub": "ann"}}) != 200
    assert told() == 503  # the issuer is not asked


def test_nothing_is_sent_and_nothing_left(explain):
    """No connection to the provider's own host, no file, no state."""
    calls = []
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        s.settimeout(0.2)

        def count():
            try:
                while True:
                    calls.append(s.accept())
            except OSError:
                pass
        thread = threading.Thread(target=count)
        thread.start()
        state = explain.dir / "state"
        story = explain.story(asked(), f"""
            state "{state}"
            server {{ user = "nobody-of-that-name",
                      max_connections = env("NO_SUCH_NUMBER", "77") }}
            metrics "127.0.0.1:1"
            listen "127.0.0.1:8080" {{ tls = {{ {{ cert = "/none.pem",
                                        key = file "/none.key" }} }} }}
            provider "here" {{ vendor = "openai-compatible", keys = {{
                env "NO_SUCH_KEY" }}, proxy = "http://127.0.0.1:1",
                base_url = "http://127.0.0.1:{s.getsockname()[1]}/v1" }}
            key "ci" {{ sha256 = "{sha('sk-ci')}" }}
            model "smart" {{ "here/model" }}""")
        assert story["status"] == 200
        thread.join()
    assert calls == [] and not state.exists()
    assert sorted(p.name for p in explain.dir.iterdir()) == [
        "penstock.conf", "request.json"]


def test_who_asks(explain):
    local = 'listen "127.0.0.1:8080"\nprovider "sim"\n'
    sim = {"body": {**BODY, "model": "sim/echo"}}
    assert explain.story(sim, local)["principal"] == "local"
    far = explain.story({**sim, "client_ip": "203.0.113.7"}, local)
    assert far["status"] == 401 and far["client"] == "203.0.113.7"
    behind = explain.story(
        {**sim, "client_ip": "10.0.0.1",
         "headers": {"x-forwarded-for": "198.51.100.9"}},
        'listen "127.0.0.1:8080" { trusted_proxies = { "10.0.0.0/8" } }\n'
        'provider "sim"\n')
    assert behind["client"] == "198.51.100.9"


def test_which_listener(explain):
    two = 'listen "127.0.0.1:1" { anonymous = "none" }\n' \
          'listen "127.0.0.1:2"\nprovider "sim"\n' \
          f'key "ci" {{ sha256 = "{sha("k")}" }}'
    sim = {"body": {**BODY, "model": "sim/echo"}}
    assert explain.story(sim, two)["status"] == 401
    local = two.replace('"127.0.0.1:2"',
                        '"127.0.0.1:2" { anonymous = "local" }')
    assert explain.story({**sim, "listen": "127.0.0.1:2"},
                         local)["status"] == 200
    got = explain({**sim, "listen": "127.0.0.1:3"}, two)
    assert got.returncode == 1 and "no listener 127.0.0.1:3" in got.stderr


def test_without_a_configuration(explain, cli):
    """Where none is installed, the built-in one answers, as it would serve."""
    (explain.dir / "r.json").write_text(json.dumps(
        {"body": {"model": "sim/echo",
                  "messages": [{"role": "user", "content": "hello"}]}}))
    got = cli("explain", "-f", str(explain.dir / "r.json"), "--json")
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["answer"]["status"] == 200
    assert "the built-in configuration answers" in got.stderr


def test_mistakes(explain, cli):
    for request, why in (
            ("{", "line 1"), ("[]", "an object is needed"),
            ({"bodyy": {}}, '"bodyy" is no member of the file'),
            ({"model": "sim/echo"}, 'goes into "body"'),
            ({"body": 7}, '"body" is of the wrong type'),
            ({"headers": {"a": "b\r\nc: d"}}, "one line of text"),
            ({"headers": {"Content-Length": "7"}}, "leave"),
            ({"path": "/v1 x"}, "holds a blank"),
            ({"upstream": [{"fault": {"x": 1}}]}, "x")):
        got = explain(request)
        assert got.returncode == 1 and why in got.stderr, (request,
                                                           got.stderr)
    got = explain(asked(), 'provider "sim"\nprovder "x"')
    assert got.returncode == 1 and "did you mean 'provider'?" in got.stderr
    got = explain(asked(), CONF + 'policies { "bad" }',
                  policies={"bad": "return {"})
    assert got.returncode == 1 and "bad.lua:1" in got.stderr
    assert cli("explain", "-f").returncode == 2
    assert cli("explain", "-f", "x", "-d", "y").returncode == 2
    got = cli("explain", "-f", str(explain.dir / "none.json"))
    assert got.returncode == 1 and got.stderr.count("none.json") == 1
    assert not [p for p in os.listdir(explain.dir)
                if p.startswith("penstock-dry")]


def test_options_stand_in_either_order(cli, tmp_path):
    file, config = tmp_path / "request.json", tmp_path / "penstock.conf"
    file.write_text(json.dumps({"body": BODY}))
    config.write_text('provider "sim"\n')
    for args in (["-f", file, "-c", config], ["-c", config, "-f", file]):
        got = cli("explain", *map(str, args))
        assert got.returncode == 0 and "answer" in got.stdout, got.stderr
    for args in (["-f", file, "-c"], ["-c", config], ["-f", file, "-f", file],
                 ["-f", file, "-x", config]):
        got = cli("explain", *map(str, args))
        assert got.returncode == 2 and "-f " in got.stderr, got.stderr
