# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""TLS listeners of a real instance: names, versions, resumption by another
worker, and certificates that are refused at the start."""
import http.client
import json
import shutil
import socket
import ssl
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("openssl"),
                                reason="no openssl")


def certificate(folder, name):
    """A self-signed certificate for `name`; its path and the key's."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout",
         str(key), "-out", str(cert), "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certs")
    return {name: certificate(folder, name)
            for name in ("a.example", "b.example")}


def listen(*pairs):
    rows = ", ".join(f'{{ cert = "{c}", key = file "{k}" }}'
                     for c, k in pairs)
    return ('server { workers = 2 }\n'
            f'listen "127.0.0.1:0" {{ tls = {{ {rows} }} }}\n'
            'provider "sim"\n')


@pytest.fixture
def instance(penstock, certs):
    return penstock(listen(*certs.values()))


def connect(p, name, context, session=None):
    raw = socket.create_connection(("127.0.0.1", p.port), 10)
    return context.wrap_socket(raw, server_hostname=name, session=session)


def context_for(*paths):
    context = ssl.create_default_context()
    for path in paths:
        context.load_verify_locations(path)
    return context


def ask(sock):
    body = json.dumps({"model": "sim/echo", "messages": [
        {"role": "user", "content": "over TLS"}]})
    sock.sendall((
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}").encode())
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return answer.status, answer.read()


@pytest.mark.parametrize("name", ["a.example", "b.example"])
def test_the_certificate_of_the_name(instance, certs, name):
    context = context_for(certs[name][0])       # trusts this one only
    with connect(instance, name, context) as sock:
        status, body = ask(sock)
    assert status == 200 and b"over TLS" in body


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions(instance, certs, version):
    context = context_for(certs["a.example"][0])
    wanted = getattr(ssl.TLSVersion, version)
    context.minimum_version = context.maximum_version = wanted
    with connect(instance, "a.example", context) as sock:
        assert sock.version() == version.replace("_", ".")
        assert ask(sock)[0] == 200


def test_old_versions_are_refused(instance, certs):
    context = context_for(certs["a.example"][0])
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        connect(instance, "a.example", context)
    assert instance.status()["ready"]


def test_any_worker_resumes_a_session(instance, certs):
    context = context_for(certs["a.example"][0])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with connect(instance, "a.example", context) as sock:
        ask(sock)
        session = sock.session
    resumed = 0
    for _ in range(12):                         # both workers, all but surely
        with connect(instance, "a.example", context, session) as sock:
            assert ask(sock)[0] == 200
            resumed += sock.session_reused
    assert resumed == 12


def test_plain_http_at_a_tls_port(instance):
    with socket.create_connection(("127.0.0.1", instance.port), 10) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            said = sock.recv(4096)
        except ConnectionResetError:    # bytes that nobody read
            said = b""
        assert not said.startswith(b"HTTP/1.1 200")
    assert instance.status()["ready"]


def test_status_and_banner_say_tls(instance):
    assert instance.status()["listeners"][0]["tls"] is True
    assert "(TLS)" in instance.cli("status").stdout
    assert f"https://127.0.0.1:{instance.port}" in instance.stderr()


def test_a_key_of_another_is_refused(penstock, certs):
    p = penstock(listen((certs["a.example"][0], certs["b.example"][1])),
                 ready=False)
    assert p.wait_exit() == 1
    assert "key" in p.stderr() and "another" in p.stderr()


def test_a_certificate_that_is_none_is_refused(penstock, certs, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("not a certificate\n")
    p = penstock(listen((junk, certs["a.example"][1])), ready=False)
    assert p.wait_exit() == 1
    assert "certificate" in p.stderr()


@pytest.mark.parametrize("part, text, why", [
    ("key", "b.example", "its key belongs to another certificate"),
    ("cert", "", "there is no PEM certificate in it"),
    ("cert", "junk", "there is no PEM certificate in it"),
    ("cert", "cut", "there is no PEM certificate in it"),
    ("chain", "cut", "a certificate of its chain is broken"),
], ids=["another's", "empty", "junk", "cut", "a cut chain"])
def test_a_bad_pair_is_named_by_all_who_load(penstock, certs, tmp_path, part,
                                             text, why):
    """check, --plan, reload and serve say the same: where the key stands in
    the file, which listener, which file, and what is wrong with it."""
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    shutil.copy(certs["a.example"][0], cert)
    shutil.copy(certs["a.example"][1], key)
    said = listen((cert, key)).replace("{ {", "{\n{")
    p = penstock(said)
    good = cert.read_text()
    bad = {"cut": good[:len(good) // 2], "b.example":
           certs["b.example"][1].read_text()}.get(text, text)
    (key if part == "key" else cert).write_text(
        good + bad if part == "chain" else bad)
    line = next(n for n, row in enumerate(
        p.conf.read_text().splitlines(), 1) if "cert =" in row)
    shown = f"file {key}" if part == "key" else cert
    for argv in (["reload"], ["reload", "--plan"], ["check", str(p.conf)]):
        got = p.cli(*argv)
        assert got.returncode == 1, argv
        assert f"{p.conf.name}:{line}: listen \"127.0.0.1:0\" tls/0/" in \
            got.stderr, got.stderr
        assert f"{shown}: {why}; " in got.stderr, got.stderr
    assert p.status()["alerts"][0]["alert"] == "reload"
    with connect(p, "a.example", context_for(certs["a.example"][0])) as s:
        assert ask(s)
    p.stop()
    p = penstock(said, ready=False)
    assert p.wait_exit() == 1 and f"{shown}: {why}" in p.stderr()
