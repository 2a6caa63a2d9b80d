# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Profiles of AWS that assume roles, sign on or run a program, and federation
with Google by URL and by program, against servers that renew, refuse, talk
nonsense or say nothing."""
import hashlib
import json
import os
import threading
import time
import urllib.parse

import pytest

from clouds import Cloud, rfc3339
from conftest import wait_for

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
NOWHERE = {"AWS_EC2_METADATA_DISABLED": "true",
           "GCE_METADATA_HOST": "127.0.0.1:1"}
for name in os.environ:
    if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_")):
        NOWHERE[name] = ""


DENIED = ("<ErrorResponse><Error><Code>AccessDenied</Code><Message>canary-"
          "secret</Message></Error></ErrorResponse>")


class Profiles(Cloud):
    """Also a portal of single sign-on, its tokens, and somebody else's
    identity. Some roles are answered by their names: `silent` when `go`
    says so."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.odd = {"denied": (403, DENIED), "garbage": (200, "garbage")}

    def close(self):
        self.go.set()
        super().close()

    def route(self, method, path, body, headers):
        got = super().route(method, path, body, headers)
        role = urllib.parse.unquote(body).split("role/")[-1].split("&")[0]
        if path != "/sts/":
            return got
        if role == "silent":
            self.go.wait(30)
        return self.odd.get(role, got)

    def give(self, method, path):
        path = path.split("?")[0]
        if path == "/sso/federation/credentials":
            a = self.aws()
            return 200, {"roleCredentials": {
                "accessKeyId": a["AccessKeyId"],
                "secretAccessKey": a["SecretAccessKey"],
                "sessionToken": a["Token"],
                "expiration": int((time.time() + self.life) * 1000)}}
        if path == "/oidc/token":
            return 200, {"accessToken": "sign-on-2", "expiresIn": 3600,
                         "refreshToken": "refresh-2", "tokenType": "Bearer"}
        if path == "/idp":
            return 200, {"value": "subject-1"}
        if path == "/iam":
            return 200, {"accessToken": self.next(),
                         "expireTime": rfc3339(time.time() + self.life)}
        return super().give(method, path)


@pytest.fixture
def cloud():
    c = Profiles()
    yield c
    c.close()


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / ".aws" / "sso" / "cache").mkdir(parents=True)
    return tmp_path / "home"


def env(cloud, home, **more):
    return {**NOWHERE, "HOME": str(home),
            "AWS_ENDPOINT_URL_STS": cloud.url + "/sts/",
            "AWS_ENDPOINT_URL_SSO": cloud.url + "/sso/",
            "AWS_ENDPOINT_URL_SSO_OIDC": cloud.url + "/oidc", **more}


def bedrock(cloud, *profiles, more=""):
    return "server { workers = 1 }\n" + "".join(
        f'provider "{name}" {{ vendor = "bedrock", base_url = "{cloud.url}", '
        f'settings = {{ region = "eu-west-1" }}, keys = {{ {{ aws = {{ '
        f'profile = "{name}"{more} }} }} }} }}\n' for name in profiles)


def ask(p, model):
    return p.post("/v1/chat/completions", {"model": model, **CHAT})


def why(p, name):
    return [c for c in p.status()["credentials"]
            if c["name"] == name + "#1"][0].get("why", "")


def hides(p, *secrets):
    said = p.stderr() + json.dumps(p.status()) + p.cli("status").stdout
    for s in ("canary-token", "canary-secret", *secrets):
        assert s not in said, s


CHAIN = """[profile top]
role_arn = arn:aws:iam::1:role/top
source_profile = middle
external_id = an id
[profile middle]
role_arn = arn:aws:iam::1:role/middle
source_profile = keys
duration_seconds = 900
[profile machine]
role_arn = arn:aws:iam::1:role/machine
credential_source = EcsContainer
[profile circle]
role_arn = arn:aws:iam::1:role/x
source_profile = elcric
[profile elcric]
role_arn = arn:aws:iam::1:role/y
source_profile = circle
[profile person]
role_arn = arn:aws:iam::1:role/z
source_profile = keys
mfa_serial = arn:aws:iam::1:mfa/me
""" + "".join(f"""[profile {name}]
role_arn = arn:aws:iam::1:role/{name}
source_profile = keys
""" for name in ("denied", "garbage", "silent"))
KEYS = """[keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = long-lived-secret
"""


def test_roles(penstock, cloud, home):
    (home / ".aws" / "config").write_text(CHAIN)
    (home / ".aws" / "credentials").write_text(KEYS)
    cloud.life = 2
    p = penstock(bedrock(cloud, "top", "machine", "circle", "person",
                         "denied", "garbage"),
                 env=env(cloud, home, AWS_REGION="eu-west-1",
                         AWS_CONTAINER_CREDENTIALS_FULL_URI=cloud.url +
                         "/container"))
    for name in ("top", "machine"):
        wait_for(lambda: ask(p, name + "/m").status == 200, why=name)
        assert "Credential=ASIAFROMCLOUD/" in cloud.seen[-1]["authorization"]
    wait_for(lambda: ask(p, "top/m").status == 200 and len(
        {s["x-amz-security-token"] for s in cloud.seen}) > 2,
        why="the next session")
    by = {a[2]["RoleArn"].split("/")[1]: a for a in cloud.asked if a[2]}
    first, then = by["middle"], by["top"]
    assert (f"Credential=AKIAKEYS/{time.strftime('%Y', time.gmtime())}"
            in first[3]["authorization"])
    assert "/eu-west-1/sts/aws4_request" in first[3]["authorization"]
    assert "x-amz-security-token" not in first[3]
    assert first[2]["DurationSeconds"] == "900"
    assert then[2]["ExternalId"] == "an id"
    assert then[3]["x-amz-security-token"].startswith("canary-token-")
    assert by["machine"][2]["RoleSessionName"] == "penstock"
    assert "circle > elcric > circle" in why(p, "circle")
    assert "mfa_serial" in why(p, "person")
    assert ask(p, "denied/m").status == 503
    assert why(p, "denied").endswith("the answer is 403: AccessDenied")
    assert "no end" in why(p, "garbage")
    del cloud.odd["denied"]
    wait_for(lambda: ask(p, "denied/m").status == 200, 70, why="its role")
    hides(p, "long-lived-secret")


SIGNON = """[profile person]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Reader
[profile late]
sso_session = late
sso_account_id = 123456789012
sso_role_name = Reader
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example/start
[sso-session late]
sso_region = eu-west-1
sso_start_url = https://late.example/start
"""


def cache_of(home, name):
    name = hashlib.sha1(name.encode()).hexdigest()
    return home / ".aws" / "sso" / "cache" / f"{name}.json"


def test_single_sign_on(penstock, cloud, home):
    (home / ".aws" / "config").write_text(SIGNON)
    cache_of(home, "late").write_text(json.dumps({
        "accessToken": "sign-on-1", "expiresAt": "2020-01-01T00:00:00Z",
        "clientId": "c", "clientSecret": "client-secret-1",
        "refreshToken": "refresh-1", "region": "eu-west-1",
        "registrationExpiresAt": rfc3339(time.time() + 3600)}))
    p = penstock(bedrock(cloud, "person", "late"), env=env(cloud, home))
    assert ask(p, "late/m").status == 200, why(p, "late")
    by = {a[1].split("?")[0]: a for a in cloud.asked}
    portal = by["/sso/federation/credentials"]
    assert portal[0] == "GET"
    assert portal[1].endswith("?account_id=123456789012&role_name=Reader")
    assert portal[3]["x-amz-sso_bearer_token"] == "sign-on-2"
    kept = json.loads(cache_of(home, "late").read_text())
    assert kept["accessToken"] == "sign-on-2"
    assert kept["refreshToken"] == "refresh-2"
    assert kept["clientId"] == "c" and kept["region"] == "eu-west-1"
    assert cache_of(home, "late").stat().st_mode & 0o77 == 0
    assert ask(p, "person/m").status == 503
    assert "aws sso login --profile person" in why(p, "person")
    cache_of(home, "corp").write_text(json.dumps({
        "accessToken": "sign-on-3",
        "expiresAt": rfc3339(time.time() + 3600)}))
    wait_for(lambda: ask(p, "person/m").status == 200, 70, why="signing on")
    hides(p, "sign-on-", "refresh-", "client-secret-1")


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def test_programs_and_silence_hold_up_nobody(penstock, cloud, home,
                                             tmp_path):
    key = ('{"Version":1,"AccessKeyId":"AKIAPROGRAM","SecretAccessKey":'
           '"canary-secret","SessionToken":"t","Expiration":"%s"}'
           % rfc3339(time.time() + 3600))
    says = script(tmp_path / "says", f"env > {tmp_path}/env; echo '{key}'\n")
    nonsense = script(tmp_path / "nonsense", "echo secret-nonsense\n")
    fails = script(tmp_path / "fails", "echo secret-stderr >&2; exit 7\n")
    hangs = script(tmp_path / "hangs",
                   f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new "
                   f"{tmp_path}/pid; sleep 600; echo '{key}'\n")
    (home / ".aws" / "credentials").write_text(KEYS)
    (home / ".aws" / "config").write_text(CHAIN + "".join(
        f"[profile {one.name}]\ncredential_process = {one} 'a b'\n"
        for one in (says, nonsense, fails, hangs)))
    p = penstock(bedrock(cloud, "says", "nonsense", "fails", "hangs",
                         "silent",
                         more=", programs = true"),
                 env=env(cloud, home, A_SECRET="x"))
    wait_for(lambda: ask(p, "says/m").status == 200, why="a key")
    assert "Credential=AKIAPROGRAM/" in cloud.seen[-1]["authorization"]
    seen = dict(line.split("=", 1) for line in
                (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert seen["HOME"] == str(home) and seen["PWD"] == "/"
    assert not {"A_SECRET", "AWS_ENDPOINT_URL_STS"} & set(seen)
    wait_for(lambda: "no JSON of Version 1" in why(p, "nonsense"),
             why="nonsense")
    wait_for(lambda: "ended with status 7" in why(p, "fails"), why="a fault")
    assert ask(p, "silent/m").status == 503
    cloud.go.set()
    wait_for(lambda: ask(p, "silent/m").status == 200, 70, why="the answer")
    hides(p, "secret-nonsense", "secret-stderr")

    def running():                  # it is killed after 30 s, and run again
        pid = tmp_path / "pid"
        pid = pid.exists() and pid.read_text().strip()
        return pid and os.path.exists(f"/proc/{pid}") and pid

    pid = wait_for(running, 70, why="its number")
    p.stop()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), why="its end")


def test_programs_are_allowed_first(penstock, cloud, home, tmp_path):
    ran = tmp_path / "ran"
    (home / ".aws" / "config").write_text(
        f"[profile says]\ncredential_process = "
        f"{script(tmp_path / 'says', f'touch {ran}')}\n")
    p = penstock(bedrock(cloud, "says"), env=env(cloud, home))
    assert ask(p, "says/m").status == 503
    assert "programs = true" in why(p, "says")
    assert not ran.exists()


def google(cloud, account):
    return (f'provider "up" {{ vendor = "openai-compatible", base_url = '
            f'"{cloud.url}/v1", keys = {{ {{ google = file "{account}" }} }} '
            f'}}\n')


def federated(cloud, path, source):
    path.write_text(json.dumps({
        "type": "external_account", "audience": "//iam/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": cloud.url + "/token",
        "service_account_impersonation_url": cloud.url + "/iam",
        "credential_source": source}))
    return path


def test_google_by_url(penstock, cloud, home, tmp_path):
    cloud.life = 2
    account = federated(cloud, tmp_path / "a.json", {
        "url": cloud.url + "/idp", "headers": {"x-who": "me"},
        "format": {"type": "json", "subject_token_field_name": "value"}})
    p = penstock("server { workers = 1 }\n" + google(cloud, account),
                 env=env(cloud, home))
    wait_for(lambda: ask(p, "up/m").status == 200, why="the first token")
    assert cloud.asked[0][1] == "/idp"
    assert cloud.asked[0][3]["x-who"] == "me"
    assert cloud.asked[1][2]["subject_token"] == "subject-1"
    assert cloud.asked[2][3]["authorization"] == "Bearer canary-token-1"
    wait_for(lambda: ask(p, "up/m").status == 200 and len(
        {s["authorization"] for s in cloud.seen}) > 1, why="the next token")
    hides(p, "subject-1")


def test_google_by_program(penstock, cloud, home, tmp_path):
    says = script(tmp_path / "idp", (
        'printf \'{"version":1,"success":true,"token_type":"urn:ietf:params:'
        'oauth:token-type:id_token","id_token":"of %s","expiration_time":'
        '4000000000}\' "$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE" | '
        'tee "$GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE"\n'))
    account = federated(cloud, tmp_path / "a.json", {"executable": {
        "command": str(says), "output_file": str(tmp_path / "out")}})
    conf = "server { workers = 1 }\n" + google(cloud, account)
    p = penstock(conf, env=env(cloud, home))
    assert ask(p, "up/m").status == 503
    assert "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES" in why(p, "up")
    p.stop()
    p = penstock(conf, env=env(cloud, home,
                               GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES="1"))
    wait_for(lambda: ask(p, "up/m").status == 200, why="a token")
    assert cloud.asked[0][2]["subject_token"] == "of //iam/pool"
    assert "//iam/pool" in (tmp_path / "out").read_text()
