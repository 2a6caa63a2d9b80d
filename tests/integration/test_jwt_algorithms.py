# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""One token of each kind of signature, signed by openssl, over HTTP; each
also tried against the keys of all other kinds."""
import base64
import json
import shutil
import subprocess
import time

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("openssl"),
                                reason="no openssl")

CHAT = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}
SECRET = b"0123456789abcdef" * 4
ISSUER = "https://id.example.com"


def b64(data):
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*args, stdin=None):
    return subprocess.run(["openssl", *map(str, args)], input=stdin,
                          check=True, capture_output=True).stdout


def raw(der, size):
    """r and s side by side, out of the DER of an ECDSA signature."""
    at, out = 2 + (der[1] & 0x7f if der[1] & 0x80 else 0), b""
    for _ in range(2):
        n = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + n],
                              "big").to_bytes(size, "big")
        at += 2 + n
    return out


class Key:
    """A private key of openssl's, or the secret."""

    def __init__(self, folder, kind, *options):
        self.kind, self.pem = kind, folder / f"{kind}.pem"
        if kind != "secret":
            openssl("genpkey", *options, "-out", self.pem)
            self.der = openssl("pkey", "-in", self.pem, "-pubout",
                               "-outform", "DER")

    def jwk(self):
        if self.kind == "secret":
            return {"kty": "oct", "kid": self.kind, "k": b64(SECRET)}
        if self.kind == "RSA":
            n = openssl("rsa", "-in", self.pem, "-noout", "-modulus")
            n = bytes.fromhex(n.decode().strip().split("=")[1])
            return {"kty": "RSA", "kid": "RSA", "n": b64(n), "e": "AQAB"}
        if self.kind.startswith("Ed"):
            size = 32 if self.kind == "Ed25519" else 57
            return {"kty": "OKP", "kid": self.kind, "crv": self.kind,
                    "x": b64(self.der[-size:])}
        size = SIZES[self.kind]
        return {"kty": "EC", "kid": self.kind, "crv": self.kind,
                "x": b64(self.der[-2 * size:-size]),
                "y": b64(self.der[-size:])}

    def signature(self, alg, text, folder):
        digest = "-sha" + alg[2:]
        if alg[:2] == "HS":
            return openssl("dgst", digest, "-mac", "HMAC", "-macopt",
                           "hexkey:" + SECRET.hex(), "-binary", stdin=text)
        if alg == "EdDSA":
            path = folder / "text"
            path.write_bytes(text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.pem,
                           "-in", path)
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt",
               "rsa_pss_saltlen:digest"] if alg[:2] == "PS" else []
        got = openssl("dgst", digest, *pss, "-sign", self.pem, stdin=text)
        return raw(got, SIZES[self.kind]) if alg[:2] == "ES" else got

    def sign(self, alg, folder, kid=None):
        claims = {"iss": ISSUER, "aud": "llm", "sub": "ann",
                  "exp": int(time.time()) + 600}
        text = f'{b64({"alg": alg, "kid": kid or self.kind})}.{b64(claims)}'
        return f"{text}.{b64(self.signature(alg, text.encode(), folder))}"


SIZES = {"P-256": 32, "P-384": 48, "P-521": 66}
KINDS = {
    "secret": ["HS256", "HS384", "HS512"],
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "P-256": ["ES256"], "P-384": ["ES384"], "P-521": ["ES512"],
    "Ed25519": ["EdDSA"], "Ed448": ["EdDSA"],
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = {"secret": Key(folder, "secret"),
            "RSA": Key(folder, "RSA", "-algorithm", "RSA")}
    for curve in SIZES:
        made[curve] = Key(folder, curve, "-algorithm", "EC", "-pkeyopt",
                          f"ec_paramgen_curve:{curve}")
    for curve in ("Ed25519", "Ed448"):
        made[curve] = Key(folder, curve, "-algorithm", curve)
    return made


def test_each_algorithm(penstock, keys, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [k.jwk() for k in keys.values()]}))
    algs = sorted({a for algs in KINDS.values() for a in algs})
    p = penstock(f"""
        server {{ auth_failures = "1000M/min" }}
        provider "sim"
        jwt "corp" {{ issuer = "{ISSUER}", audience = "llm",
            jwks = file "{path}",
            algs = {{ {", ".join(f'"{a}"' for a in algs)} }} }}
        policies {{ "jwt", "route" }}
    """)

    def ask(token):
        return p.post("/v1/chat/completions", CHAT,
                      headers={"authorization": f"Bearer {token}"}).status

    for kind, its in KINDS.items():
        for alg in its:
            assert ask(keys[kind].sign(alg, tmp_path)) == 200, (kind, alg)
            for other in keys:
                if other != kind:
                    token = keys[kind].sign(alg, tmp_path, kid=other)
                    assert ask(token) == 401, (kind, alg, other)


def test_algorithms_that_are_not_listed(penstock, keys, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [keys["RSA"].jwk()]}))
    p = penstock(f"""
        server {{ auth_failures = "1000M/min" }}
        provider "sim"
        jwt "corp" {{ issuer = "{ISSUER}", audience = "llm",
            jwks = file "{path}" }}
        policies {{ "jwt", "route" }}
    """)
    for alg in KINDS["RSA"]:
        a = p.post("/v1/chat/completions", CHAT, headers={
            "authorization": f"Bearer {keys['RSA'].sign(alg, tmp_path)}"})
        assert a.status == (200 if alg == "RS256" else 401), alg
