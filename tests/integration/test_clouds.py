# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Credentials that a cloud hands out: fetched at the start, renewed before
they end, kept while the cloud is away, parked when they are over."""
import base64
import json
import os
import shutil
import subprocess
import threading
import time

import pytest

from clouds import Cloud
from conftest import SRC, wait_for
from plugins import build

pytestmark = pytest.mark.skipif(not shutil.which("openssl"),
                                reason="no openssl")

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
# nothing of the machine that runs the test may be found
NOWHERE = {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
           "GCE_METADATA_HOST": "127.0.0.1:1"}
for name in os.environ:
    if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_")):
        NOWHERE[name] = ""


@pytest.fixture
def cloud():
    c = Cloud()
    yield c
    c.close()


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    path = tmp_path_factory.mktemp("sa") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
                    "rsa_keygen_bits:2048", "-out", str(path)], check=True,
                   capture_output=True)
    return path


@pytest.fixture
def account(cloud, pem, tmp_path):
    path = tmp_path / "sa.json"
    path.write_text(json.dumps({
        "type": "service_account", "client_email": "me@p.iam.example",
        "private_key_id": "k7", "private_key": pem.read_text(),
        "token_uri": cloud.url + "/token"}))
    return path


def provider(cloud, keys, more=""):
    return (f'server {{ workers = 2 }}\n'
            f'provider "up" {{ vendor = "openai-compatible", '
            f'base_url = "{cloud.url}/v1", {keys} }}\n{more}')


def ask(p, model="up/m", **kw):
    return p.post("/v1/chat/completions", {"model": model, **CHAT}, **kw)


def bearers(cloud):
    return [h.get("authorization", "") for h in cloud.seen]


def hides(p, *secrets):
    """Nothing of them may be in what an operator sees."""
    said = p.stderr() + json.dumps(p.status()) + p.cli("status").stdout
    for s in ("canary-token", "canary-secret", "PRIVATE KEY", *secrets):
        assert s not in said, s


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_assertion(jwt, pem, audience, tmp_path):
    head, claims, signature = jwt.split(".")
    (tmp_path / "sig").write_bytes(part(signature))
    (tmp_path / "pub").write_bytes(subprocess.run(
        ["openssl", "pkey", "-in", str(pem), "-pubout"], check=True,
        capture_output=True).stdout)
    subprocess.run(["openssl", "dgst", "-sha256", "-verify",
                    str(tmp_path / "pub"), "-signature",
                    str(tmp_path / "sig")], input=f"{head}.{claims}".encode(),
                   check=True, capture_output=True)
    assert json.loads(part(head)) == {"alg": "RS256", "typ": "JWT",
                                      "kid": "k7"}
    claims = json.loads(part(claims))
    assert claims["aud"] == audience and claims["exp"] - claims["iat"] == 3600
    assert claims["iss"] == "me@p.iam.example"
    assert claims["scope"].endswith("/auth/cloud-platform")


def test_google_account_renewed_under_load(penstock, cloud, account, pem,
                                           tmp_path):
    cloud.life = 2
    p = penstock(provider(
        cloud, f'keys = {{ {{ google = file "{account}" }} }}'), env=NOWHERE)
    answers, stop = [], threading.Event()

    def load():
        while not stop.is_set() and len(answers) < 3000:
            answers.append(ask(p).status)
            time.sleep(0.01)

    crowd = [threading.Thread(target=load) for _ in range(3)]
    for t in crowd:
        t.start()
    wait_for(lambda: len(set(bearers(cloud))) >= 3, 20,
             why="the third token")
    stop.set()
    for t in crowd:
        t.join()
    assert set(answers) == {200}
    assert all(b.startswith("Bearer canary-token-") for b in bearers(cloud))
    form = cloud.asked[0][2]
    assert form["grant_type"].endswith(":jwt-bearer")
    check_assertion(form["assertion"], pem, cloud.url + "/token", tmp_path)
    hides(p)


def test_old_one_kept_then_parked_then_back(penstock, cloud, account):
    cloud.life = 3
    p = penstock(provider(
        cloud, f'keys = {{ {{ google = file "{account}" }} }}'), env=NOWHERE)
    assert ask(p).status == 200
    cloud.broken = (503, {"error": "temporarily_unavailable",
                          "error_description": "not today"})
    wait_for(lambda: p.logs("credential.fetch_failed"), why="a failed fetch")
    if ask(p).status != 200:  # unless the machine was asleep meanwhile
        assert p.logs("credential.ended")
    wait_for(lambda: p.logs("credential.ended"), why="the end")
    wait_for(lambda: ask(p).status == 503, why="its parking")
    refusal = ask(p)
    assert "access token" in refusal.json()["error"]["message"]
    assert "penstock status" in refusal.json()["error"]["message"]
    one = p.status()["credentials"][0]
    assert one["state"] == "parked" and one["token"] == "none"
    assert "503" in one["why"] and "not today" in one["why"]
    assert "not today" in p.cli("status").stdout
    wait_for(lambda: any(a["alert"] == "credential_parked"
                         for a in p.status()["alerts"]), why="the alert")
    hides(p)
    cloud.broken, cloud.life = None, 3600
    wait_for(lambda: ask(p).status == 200, 70, why="another token")
    wait_for(lambda: not p.status()["alerts"], why="the end of the alert")
    assert p.status()["credentials"][0]["state"] == "ok"


def test_refused_token_is_fetched_anew(penstock, cloud, account):
    p = penstock(provider(
        cloud, f'keys = {{ {{ google = file "{account}" }} }}'), env=NOWHERE)
    assert ask(p).status == 200
    first = bearers(cloud)[-1].split()[1]
    cloud.revoked.add(first)
    assert ask(p).status == 502
    wait_for(lambda: ask(p).status == 200, why="the next token")
    assert bearers(cloud)[-1].split()[1] != first
    fetched = cloud.issued
    cloud.revoked.add(bearers(cloud)[-1].split()[1])
    for _ in range(20):
        assert ask(p).status in (502, 503)
    assert cloud.issued == fetched  # not once for each refusal
    hides(p)


def test_refused_with_the_one_before_is_tried_again(penstock, cloud,
                                                    account):
    cloud.life = 2
    p = penstock(provider(
        cloud, f'keys = {{ {{ google = file "{account}" }} }}'), env=NOWHERE)
    cloud.hold["slow"] = go = threading.Event()
    answers = []
    slow = threading.Thread(
        target=lambda: answers.append(ask(p, "up/slow").status))
    slow.start()
    first = wait_for(lambda: cloud.seen, why="the slow call")[0]
    first = first["authorization"].split()[1]
    wait_for(lambda: ask(p).status == 200 and
             first not in bearers(cloud)[-1], why="the next token")
    cloud.revoked.add(first)
    go.set()
    slow.join()
    assert answers == [200]
    assert p.status()["credentials"][0]["state"] == "ok"
    assert not p.logs("credential.parked")


def test_reload_keeps_tokens(penstock, cloud, account):
    one = provider(cloud, f'keys = {{ {{ google = file "{account}" }} }}')
    p = penstock(one, env=NOWHERE)
    assert ask(p).status == 200
    more = (f'provider "two" {{ vendor = "openai-compatible", base_url = '
            f'"{cloud.url}/v1", keys = {{ {{ name = "x", '
            f'google = file "{account}" }} }} }}')
    p.conf.write_text('listen "127.0.0.1:0"\n' + one + more)
    assert p.cli("reload").returncode == 0
    assert ask(p).status == 200
    wait_for(lambda: ask(p, "two/m").status == 200, why="the other's token")
    assert cloud.issued == 2
    assert ask(p).status == 200
    hides(p)


def test_boot_without_the_cloud(penstock, cloud):
    p = penstock(provider(
        cloud, 'keys = { { google = { source = "metadata" } } }',
        'provider "sim"\nmodel "m" { "up/m", fallback = { "sim/echo" } }'
        '\nmodel "alone" { "up/m" }'), env=NOWHERE)
    assert ask(p, "m").status == 200
    refusal = ask(p, "alone")
    assert refusal.status == 503
    assert "retry-after" in refusal.headers
    assert "metadata" in p.status()["credentials"][0]["why"]


def test_aws_sources(penstock, cloud, tmp_path):
    token, shared = tmp_path / "pod", tmp_path / "credentials"
    token.write_text("pod-token\n")
    shared.write_text("[default]\naws_access_key_id = AKIAOTHER\n"
                      "aws_secret_access_key = x\n# work\n[work]\n"
                      "AWS_ACCESS_KEY_ID=AKIAWORK\n"
                      "aws_secret_access_key= canary-secret\n")
    rows = {"machine": 'source = "instance"', "pod": "",
            "role": f'source = "web_identity", role = "arn:r", '
                    f'token_file = "{token}"',
            "file": f'source = "profile", file = "{shared}", '
                    f'profile = "work"'}
    p = penstock("server { workers = 1 }\n" + "".join(
        f'provider "{name}" {{ vendor = "bedrock", base_url = "{cloud.url}", '
        f'settings = {{ region = "eu-west-1" }}, '
        f'keys = {{ {{ aws = {{ {aws} }} }} }} }}\n'
        for name, aws in rows.items()), env={
            **NOWHERE, "AWS_EC2_METADATA_DISABLED": "",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.url + "/",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": cloud.url + "/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
            "AWS_ENDPOINT_URL_STS": cloud.url + "/sts/"})
    for name in rows:
        got = ask(p, f"{name}/m")
        assert got.status == 200, (name, p.status()["credentials"])
        seen = cloud.seen[-1]
        ours = name == "file"
        assert (f"Credential={'AKIAWORK' if ours else 'ASIAFROMCLOUD'}/"
                in seen["authorization"])
        assert seen.get("x-amz-security-token", "").startswith(
            "canary-token-") != ours
    by = {a[1]: a for a in cloud.asked}
    assert by["/latest/api/token"][0] == "PUT"
    assert by["/latest/meta-data/iam/security-credentials/the-role"][3][
        "x-aws-ec2-metadata-token"] == "session"
    assert by["/container"][3]["authorization"] == "pod-token"
    assert by["/sts/"][2]["WebIdentityToken"] == "pod-token"
    hides(p)


def test_entra(penstock, cloud):
    p = penstock(f'''
        server {{ workers = 1 }}
        provider "azure" {{ base_url = "{cloud.url}/v1",
            keys = {{ {{ entra = {{ tenant = "t-1", client_id = "c-1",
                                   secret = env "APP" }} }} }} }}
        provider "own" {{ vendor = "azure", base_url = "{cloud.url}/v1",
            keys = {{ {{ entra = {{ source = "managed" }} }} }} }}''',
                 env={**NOWHERE, "AZURE_AUTHORITY_HOST": cloud.url,
                      "AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url,
                      "APP": "app-secret-1"})
    for name in ("azure", "own"):
        assert ask(p, f"{name}/m").status == 200
        assert bearers(cloud)[-1].startswith("Bearer canary-token-")
        assert "api-key" not in cloud.seen[-1]
    by = {a[1].split("?")[0]: a for a in cloud.asked}
    form = by["/t-1/oauth2/v2.0/token"][2]
    assert form["client_secret"] == "app-secret-1"
    assert form["scope"] == "https://cognitiveservices.azure.com/.default"
    assert by["/metadata/identity/oauth2/token"][3]["metadata"] == "true"
    hides(p, "app-secret-1")


def test_exchange_as_a_plugin_describes_it(penstock, cloud, tmp_path):
    folder = tmp_path / "plugins"
    build(folder, "exchange",
          (SRC / "tests" / "abi" / "exchange.c").read_text())
    conf = f'''
        plugin_path "{folder}"
        server {{ workers = 1 }}
        provider "iam" {{ plugin = "exchange", base_url = "{cloud.url}",
            keys = {{ {{ env "LONG_KEY", exchange = true }} }} }}
        provider "off" {{ plugin = "exchange", base_url = "{cloud.url}/off",
            keys = {{ {{ env "LONG_KEY", exchange = true }} }} }}'''
    p = penstock(conf, env={**NOWHERE, "LONG_KEY": "long-lived-key-1"})
    assert ask(p, "iam/m").status == 200
    by = {a[1]: a for a in cloud.asked}
    assert by["/login"][0] == "POST"
    assert by["/token"][3]["x-session"] == "canary-token-1"
    assert bearers(cloud)[-1] == "Bearer canary-token-2"
    assert ask(p, "off/m").status == 503
    off = [c for c in p.status()["credentials"] if c["name"] == "off#1"][0]
    assert ("the identity service refused (the answer was 403)"
            in off["why"])
    hides(p, "long-lived-key-1")


def test_check_says_what_is_wrong(penstock, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"type":"other"}')
    p = penstock('provider "sim"')
    for keys, words in (
            (f'{{ google = file "{bad}" }}', "service_account"),
            ('{ google = {}, aws = {} }', "more than one"),
            ('{ name = "x" }', "says no key"),
            ('{ entra = {} }, { env("X", "x") }', "two providers"),
            ('{ aws = { source = "sso" } }', "web_identity")):
        conf = tmp_path / "c.conf"
        conf.write_text(f'provider "up" {{ vendor = "openai-compatible", '
                        f'base_url = "http://127.0.0.1:1", keys = {{ {keys} '
                        f'}} }}')
        got = p.cli("check", str(conf))
        assert got.returncode == 1
        assert words in got.stderr + got.stdout, got
