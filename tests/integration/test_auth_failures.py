# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Wrong credentials from one address: told to wait, in every worker, in the
caller's dialect; nobody else is."""
import concurrent.futures
import socket

from test_security import bearer, key, raw, status_of

TRUST = 'trusted_proxies = { "127.0.0.0/8" }'


def config(rate="5/min", listen="", more="", workers=1):
    return (f'server {{ workers = {workers}, auth_failures = "{rate}" }}\n'
            f'listen "127.0.0.1:0" {{ {listen} }}\nprovider "sim"\n'
            + key("good") + key("expired", 'expires = "2020-01-01"')
            + key("far", 'cidrs = { "192.0.2.0/24" }') + more)


def ask(p, token, address=None, **more):
    head = {**bearer(token), **more}
    if address:
        head["x-forwarded-for"] = address
    return p.get("/v1/models", headers=head)


def test_too_many_are_told_to_wait(penstock):
    p = penstock(config())
    for i, token in enumerate(["sk-a", "sk-ps-typo", "sk-expired", "sk-b"]):
        assert ask(p, token).status == 401, i
    for _ in range(20):             # neither of these is a failure
        assert ask(p, "sk-good").status == 200
        assert ask(p, None).status == 401
        assert ask(p, "none").status == 401
        assert ask(p, "sk-far").status == 403
    assert p.get("/v1/models", headers={"authorization": "Bearer a",
                                        "x-api-key": "b"}).status == 400
    assert ask(p, "sk-c").status == 401, "the fifth"
    a = ask(p, "sk-d")
    assert (a.status, a.json()["error"]["code"]) == (429, "rate_limited")
    assert a.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(a.headers["retry-after"]) <= 12
    assert a.headers["x-penstock-error"] == "rate_limited; side=client"
    a = p.post("/v1/messages", {}, headers={"x-api-key": "sk-e",
                                            "anthropic-version": "x"})
    assert (a.status, a.json()["type"]) == (429, "error")
    assert a.json()["error"]["type"] == "rate_limit_error"
    assert int(a.headers["retry-after"]) >= 1
    assert ask(p, "sk-good").status == 429, "a guess that is right tells naught"
    assert ask(p, None).status == 401 and p.get("/healthz").status == 200


def test_the_pace(penstock):
    import time
    p = penstock(config("2/s"))
    assert [ask(p, "sk-x").status for _ in range(3)] == [401, 401, 429]
    time.sleep(0.6)
    assert ask(p, "sk-good").status == 200
    assert [ask(p, "sk-x").status for _ in range(2)] == [401, 429]


def test_one_limit_for_all_workers(penstock):
    p = penstock(config("10/h", workers=4))
    got = [ask(p, "sk-x").status for _ in range(30)]
    assert got == [401] * 10 + [429] * 20
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda _: ask(p, "sk-x").status, range(64)))
    assert got == [429] * 64


def test_by_address_behind_proxies(penstock):
    p = penstock(config("2/h", TRUST))
    for address, other in (("192.0.2.1", "192.0.2.2"),
                           ("2001:db8:0:1::1", "2001:db8:0:2::1")):
        assert [ask(p, "sk-x", address).status for _ in range(3)] == \
            [401, 401, 429]
        assert ask(p, "sk-good", address).status == 429
        assert ask(p, "sk-good", other).status == 200
        assert ask(p, "sk-x", other).status == 401
    near = "2001:db8:0:1:ffff:ffff:ffff:ffff"
    assert ask(p, "sk-good", near).status == 429, "one /64"
    assert ask(p, "sk-good").status == 200, "the proxy itself"


def test_what_is_not_trusted_changes_nothing(penstock):
    p = penstock(config("2/h"))
    got = [ask(p, "sk-x", f"192.0.2.{i}").status for i in range(4)]
    assert got == [401, 401, 429, 429]


def test_the_table_is_bounded(penstock):
    """More addresses than there is room for: the service goes on."""
    p = penstock(config("1/h", TRUST, 'limits { memory = "64KiB" }'))
    text = "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n" \
           "X-Forwarded-For: 2001:db8:{:x}::1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", p.port), 30) as s:
        f = s.makefile("rb")
        for i in range(2000):
            s.sendall(text.format(i).encode())
            assert f.readline().split()[1] == b"401", i
            length = 0
            while (line := f.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            f.read(length)
    assert ask(p, "sk-good", "192.0.2.9").status == 200


def test_a_socket_is_no_address(penstock, tmp_path):
    path = str(tmp_path / "s")
    p = penstock(config("1/h", more=f'listen "unix:{path}"'))
    out = []
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: "
                      b"close\r\nAuthorization: Bearer x\r\n\r\n")
            out.append(status_of(s.recv(65536)))
    assert out == [401] * 3
    assert status_of(raw(p, "GET /healthz HTTP/1.1\r\nHost: x\r\n"
                            "Connection: close\r\n\r\n")) == 200
