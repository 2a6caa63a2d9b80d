# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Callers who show a certificate, of a small authority made here: who is let
in and as whom, who is refused and what the log says of it, by TLS 1.2 and 1.3,
required and optional, with and without revocation lists."""
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import urllib.request

import pytest

from conftest import wait_for

pytestmark = pytest.mark.skipif(not shutil.which("openssl"),
                                reason="no openssl")
VERSIONS = ["TLSv1_2", "TLSv1_3"]


def openssl(*argv, cwd=None):
    subprocess.run(["openssl", *map(str, argv)], check=True,
                   capture_output=True, cwd=cwd)


class Authority:
    """A root, with openssl's own list of what it signed and revoked."""

    def __init__(self, folder, name):
        self.dir = folder / name
        (self.dir / "new").mkdir(parents=True)
        (self.dir / "index.txt").write_text("")
        (self.dir / "serial").write_text("01\n")
        (self.dir / "crlnumber").write_text("01\n")
        (self.dir / "ca.cnf").write_text(f"""
[ca]
default_ca = me
[me]
dir = {self.dir}
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir/new
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
organizationName = optional
""")
        self.cert, self.key = self.dir / "ca.pem", self.dir / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9",
                "-keyout", self.key, "-out", self.cert, "-subj", f"/CN={name}")

    def sign(self, cn, extensions, days=("-days", "2")):
        stem = self.dir / cn
        key, cert = f"{stem}.key", f"{stem}.pem"
        openssl("req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                "-out", f"{stem}.csr", "-subj", f"/O=Example/CN={cn}")
        (self.dir / "ext.cnf").write_text(
            "\n".join(f"{k} = {v}" for k, v in extensions.items()))
        openssl("ca", "-batch", "-config", self.dir / "ca.cnf", "-cert",
                self.cert, "-keyfile", self.key, "-in", f"{stem}.csr",
                "-out", cert, "-notext", "-extfile", self.dir / "ext.cnf",
                *days)
        return cert, key

    def revoke(self, cert):
        openssl("ca", "-config", self.dir / "ca.cnf", "-cert", self.cert,
                "-keyfile", self.key, "-revoke", cert)

    def revocations(self, name="crl.pem", *times):
        out = self.dir / name
        openssl("ca", "-config", self.dir / "ca.cnf", "-cert", self.cert,
                "-keyfile", self.key, "-gencrl", "-out", out,
                *(times or ("-crldays", "2")))
        return out


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    ca, other = Authority(folder, "ours"), Authority(folder, "other")
    client = {"extendedKeyUsage": "clientAuth"}
    server = {"extendedKeyUsage": "serverAuth",
              "subjectAltName": "DNS:gateway.example"}
    san = {**client, "subjectAltName": "URI:spiffe://example/search"}
    pki = {
        "ca": ca, "other": other,
        "server": ca.sign("gateway", server),
        "search": ca.sign("search", san),
        "backup": ca.sign("backup", client),
        "plain": ca.sign("plain", {"basicConstraints": "CA:FALSE"}),
        "nobody": ca.sign("nobody", client),
        "revoked": ca.sign("revoked", client),
        "expired": ca.sign("expired", client, (
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")),
        "stranger": other.sign("stranger", san),
    }
    ca.revoke(pki["revoked"][0])
    pki["crl"] = ca.revocations()
    pki["old_crl"] = ca.revocations("old.pem", "-crl_lastupdate",
                                    "20200101000000Z", "-crl_nextupdate",
                                    "20200201000000Z")
    pki["others_crl"] = other.revocations()
    return pki


POLICIES = """
policies { "auth", { "mtls", conf = { callers = {
  ["uri:spiffe://example/search"] = { team = "search" },
  ["cn:backup"] = { id = "the-backup", models = { "sim/lorem" } },
  ["cn:plain"] = { id = "plain" },
  ["cn:revoked"] = { id = "revoked" } } } }, "limits", "route" }
team "search" { models = { "sim/echo" }, limits = { requests = "1000/h" } }
key "ci" { sha256 =
  "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" }
"""                                             # of "foo"


def config(pki, more="", policies=POLICIES):
    cert, key = pki["server"]
    return f"""
server {{ workers = 2 }}
listen "127.0.0.1:0" {{ tls = {{ cert = "{cert}", key = file "{key}" }},
  client_ca = "{pki['ca'].cert}", {more} }}
log {{ format = "json" }}
provider "sim"
{policies}"""


def ask(p, pki, who=None, version="TLSv1_3", model="sim/echo", key=None):
    """(status, answer), or (None, why) where the connection ends."""
    context = ssl.create_default_context(cafile=str(pki["ca"].cert))
    wanted = getattr(ssl.TLSVersion, version)
    context.minimum_version = context.maximum_version = wanted
    if who:
        context.load_cert_chain(*pki[who])
    body = json.dumps({"model": model, "messages": [
        {"role": "user", "content": "who am I"}]})
    auth = f"authorization: Bearer {key}\r\n" if key else ""
    try:
        with context.wrap_socket(
                socket.create_connection(("127.0.0.1", p.port), 10),
                server_hostname="gateway.example") as sock:
            sock.sendall((
                "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example"
                f"\r\n{auth}content-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n{body}").encode())
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            return answer.status, answer.read()
    except (ssl.SSLError, ConnectionError, http.client.BadStatusLine) as e:
        return None, str(e)


def metrics_of(p):
    url = "http://" + p.status()["metrics"] + "/metrics"
    return urllib.request.urlopen(url, timeout=10).read().decode()


def access(p):
    """The access lines."""
    return [line for line in p.logs() if "endpoint" in line]


@pytest.mark.parametrize("version", VERSIONS)
def test_by_an_alternative_name(penstock, pki, version):
    p = penstock(config(pki))
    status, body = ask(p, pki, "search", version)
    assert status == 200 and b"who am I" in body
    wait_for(lambda: access(p), why="the access line")
    assert access(p)[-1]["principal"] == "uri:spiffe://example/search"


def test_its_team_holds_and_its_own_models(penstock, pki):
    p = penstock(config(pki))
    assert ask(p, pki, "search", model="sim/lorem")[0] == 403   # the team's
    assert ask(p, pki, "backup", model="sim/lorem")[0] == 200
    assert ask(p, pki, "backup", model="sim/echo")[0] == 403


@pytest.mark.parametrize("version", VERSIONS)
def test_who_is_refused_and_why(penstock, pki, version):
    p = penstock(config(pki, f'client_crl = "{pki["crl"]}"'))
    cases = [(None, "no certificate was sent", ""),
             ("expired", "certificate has expired", "expired"),
             ("stranger", "unable to get local issuer certificate",
              "stranger"),
             ("server", "unsuitable certificate purpose", "gateway"),
             ("revoked", "certificate revoked", "revoked")]
    for n, (who, why, cn) in enumerate(cases, 1):
        assert ask(p, pki, who, version)[0] is None, who
        lines = wait_for(lambda: len(p.logs("tls.client_refused")) == n and
                         p.logs("tls.client_refused"), why="the line")
        assert why in lines[-1]["why"] and cn in lines[-1]["subject"]
        assert lines[-1]["client"].startswith("127.0.0.1")
        assert lines[-1]["level"] == "warn"
    assert ask(p, pki, "search", version)[0] == 200
    assert ask(p, pki, "plain", version)[0] == 200      # meant for anything


def test_verified_and_unknown(penstock, pki):
    p = penstock(config(pki))
    status, body = ask(p, pki, "nobody")
    assert status == 401
    line = wait_for(lambda: access(p), why="the access line")[-1]
    assert "mtls: no caller has the certificate of O=Example,CN=nobody" in \
        json.dumps(line)


def test_a_key_goes_first(penstock, pki):
    p = penstock(config(pki))
    assert ask(p, pki, "search", key="foo", model="sim/lorem")[0] == 200
    assert ask(p, pki, "search", key="wrong")[0] == 401


def test_optional(penstock, pki):
    p = penstock(config(pki, 'client_auth = "optional"'))
    assert ask(p, pki)[0] == 401
    assert ask(p, pki, key="foo")[0] == 200
    assert ask(p, pki, "search")[0] == 200
    assert ask(p, pki, "stranger")[0] is None


@pytest.mark.parametrize("crl", ["old_crl", "others_crl"])
def test_without_a_current_list_nobody_comes_in(penstock, pki, crl):
    p = penstock(config(pki, f'client_crl = "{pki[crl]}"'))
    assert ask(p, pki, "search")[0] is None
    why = wait_for(lambda: p.logs("tls.client_refused"))[0]["why"]
    assert why in ("CRL has expired", "unable to get certificate CRL")


def test_without_a_list_the_revoked_comes_in(penstock, pki):
    p = penstock(config(pki))
    assert ask(p, pki, "revoked")[0] == 200


def test_many_refusals_are_counted_not_logged(penstock, pki):
    p = penstock(f'metrics "127.0.0.1:0"\n{config(pki)}')
    for _ in range(60):
        ask(p, pki)
    metric = "penstock_client_certificates_refused_total 60"
    wait_for(lambda: metric in metrics_of(p), why="all of them counted")
    # ten a second and worker; the sixty took some time
    assert 10 <= len(p.logs("tls.client_refused")) <= 60
    assert ask(p, pki, "search")[0] == 200


def test_a_reload_reads_the_list_again(penstock, pki, tmp_path):
    crl = tmp_path / "crl.pem"
    shutil.copy(pki["crl"], crl)
    p = penstock(config(pki, f'client_crl = "{crl}"'))
    assert ask(p, pki, "search")[0] == 200
    shutil.copy(pki["old_crl"], crl)
    got = p.cli("reload")
    assert got.returncode == 0, got.stderr
    wait_for(lambda: ask(p, pki, "search")[0] is None,
             why="the new list in force")
    assert "CRL has expired" in p.line("tls.client_refused")["why"]


def test_a_reload_reads_the_authorities_again(penstock, pki, tmp_path):
    authorities = tmp_path / "clients.pem"
    shutil.copy(pki["ca"].cert, authorities)
    p = penstock(config(pki).replace(
        f'client_ca = "{pki["ca"].cert}"', f'client_ca = "{authorities}"'))
    assert ask(p, pki, "search")[0] == 200
    authorities.write_text("no certificate")
    assert p.cli("reload").returncode == 1
    assert [a for a in p.status()["alerts"] if a["alert"] == "reload"]
    assert ask(p, pki, "search")[0] == 200 and \
        ask(p, pki, "stranger")[0] is None
    shutil.copy(pki["other"].cert, authorities)
    got = p.cli("reload")
    assert got.returncode == 0, got.stderr
    wait_for(lambda: ask(p, pki, "search")[0] is None,
             why="the other authority in force")
    assert ask(p, pki, "stranger")[0] == 200
    assert not [a for a in p.status()["alerts"] if a["alert"] == "reload"]


@pytest.mark.parametrize("more, says", [
    ('client_ca = "/nosuch.pem"', "/nosuch.pem"),
    ('client_auth = "optional"', "needs client_ca"),
    ('client_crl = "/x.pem"', "needs client_ca"),
])
def test_what_cannot_be_is_refused(penstock, pki, more, says):
    text = config(pki, more)
    text = text.replace(f'client_ca = "{pki["ca"].cert}", ', "")
    p = penstock(text, ready=False)
    assert p.wait_exit() == 1 and says in p.stderr()


def test_a_file_that_holds_no_authority(penstock, pki):
    text = config(pki).replace(str(pki["ca"].cert), str(pki["crl"]))
    p = penstock(text, ready=False)
    assert p.wait_exit() == 1
    assert "client_ca: " in p.stderr()
    assert "there is no PEM certificate" in p.stderr()


@pytest.mark.parametrize("text", ["", " \n\t\n", "# nobody\n"],
                         ids=["empty", "blank", "a comment"])
@pytest.mark.parametrize("key", ["client_ca", "client_crl"])
def test_an_empty_file_never_means_that_nobody_is_asked(
        penstock, pki, tmp_path, key, text):
    """A file that was cut keeps what serves, and serves nothing at a start;
    the key's line is named, and what to do."""
    files = {"client_ca": tmp_path / "ca.pem",
             "client_crl": tmp_path / "crl.pem"}
    shutil.copy(pki["ca"].cert, files["client_ca"])
    shutil.copy(pki["crl"], files["client_crl"])
    said = config(pki, f'client_crl = "{files["client_crl"]}"').replace(
        f'client_ca = "{pki["ca"].cert}"',
        f'client_ca = "{files["client_ca"]}"')
    p = penstock(said)
    line = next(n for n, row in enumerate(
        p.conf.read_text().splitlines(), 1) if key in row)
    files[key].write_text(text)
    for argv in (["reload"], ["reload", "--plan"], ["check", str(p.conf)]):
        got = p.cli(*argv)
        assert got.returncode == 1, argv
        assert f"{p.conf.name}:{line}: " in got.stderr, got.stderr
        assert f"{key}: {files[key]}: there is no PEM" in got.stderr
        assert f"leave {key} out" in got.stderr
    assert ask(p, pki, key="foo")[0] is None
    assert ask(p, pki, "revoked")[0] is None
    assert ask(p, pki, "search")[0] == 200
    p.stop()
    p = penstock(said, ready=False)
    assert p.wait_exit() == 1 and f"{key}: {files[key]}" in p.stderr()
