# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Blocks of issuers change with a reload: added, pointed elsewhere, taken
away; never are the keys of one issuer believed for another. And the team of
a token may be one of the store."""
import shutil
import threading

import pytest

from conftest import wait_for
from test_jwt import CHAT, SHA, Issuer, ask, keys, ready  # noqa: F401

pytestmark = pytest.mark.skipif(not shutil.which("openssl"),
                                reason="no openssl")


@pytest.fixture
def two(keys):  # noqa: F811
    both = Issuer(), Issuer()
    both[0].keys, both[1].keys = keys[:1], keys[1:2]
    yield both
    for i in both:
        i.close()


def block(issuer, name="corp", more=""):
    return (f'jwt "{name}" {{ issuer = "{issuer.url}", audience = "llm", '
            f'{more} }}\n')


def config(*blocks, workers=2, rest="", more=""):
    jwt = '"jwt",' if blocks else ""
    return f"""
        listen "127.0.0.1:0"
        server {{ workers = {workers}, auth_failures = "1000M/min" }}
        provider "sim"
        key "one" {{ sha256 = "{SHA}" }}
        policies {{ "auth", {jwt} "limits", "route"{more} }}
        {"".join(blocks)} {rest}
    """


def reload(p, *blocks, **kw):
    text = config(*blocks, **kw)
    p.conf.write_text(text.replace("127.0.0.1:0", p.conf_listen))
    got = p.cli("reload")
    assert got.returncode == 0, got.stderr + got.stdout
    return got.stdout


def start(penstock, *blocks, **kw):
    p = penstock(config(*blocks, **kw))
    p.conf_listen = "127.0.0.1:0"  # as it is written: the socket stays
    return p


def all_workers(p, token, status, times=12):
    return all(ask(p, token).status == status for _ in range(times))


def test_an_issuer_comes_and_goes(penstock, two, keys):  # noqa: F811
    a, b = two
    p = start(penstock, block(a))
    old, new = keys[0].sign(a.claims()), keys[1].sign(b.claims())
    ready(p, old)
    assert ask(p, new).status == 401
    fetches = a.fetches
    assert "in place" in reload(p, block(a), block(b, "other"))
    assert all_workers(p, old, 200)  # its set stayed
    wait_for(lambda: all_workers(p, new, 200), why="the other's keys")
    assert a.fetches >= fetches
    reload(p, block(b, "other"))
    assert all_workers(p, old, 401) and all_workers(p, new, 200)
    reload(p)
    assert all_workers(p, new, 401) and all_workers(p, "sk-one", 200)


def test_keys_belong_to_where_they_came_from(penstock, two,
                                             keys):  # noqa: F811
    a, b = two
    p = start(penstock, block(a))
    ready(p, keys[0].sign(a.claims()))
    b.status = 500
    # the block is another issuer's, whose keys are not there yet
    reload(p, block(b))
    forged = keys[0].sign(b.claims())
    assert all_workers(p, forged, 503)
    assert all_workers(p, keys[0].sign(a.claims()), 401)
    b.status = 200
    wait_for(lambda: ask(p, keys[1].sign(b.claims())).status == 200,
             why="its own keys")
    assert all_workers(p, forged, 401)


def test_what_a_block_believes_changes_at_once(penstock, two,
                                               keys):  # noqa: F811
    a, _ = two
    p = start(penstock, block(a, more="refetch = \"1h\""))
    token = keys[0].sign(a.claims())
    ready(p, token)
    assert all_workers(p, token, 200)  # verdicts are kept
    reload(p, block(a, more="refetch = \"1h\"").replace('"llm"', '"other"'))
    assert all_workers(p, token, 401)
    assert all_workers(p, keys[0].sign(a.claims(aud="other")), 200)
    reload(p, block(a, more="refetch = \"1h\""))
    assert all_workers(p, token, 200)


def test_rollback_takes_it_back(penstock, two, keys):  # noqa: F811
    a, b = two
    p = start(penstock, block(a))
    old = keys[0].sign(a.claims())
    ready(p, old)
    reload(p, block(b))
    assert all_workers(p, old, 401)
    assert p.cli("rollback").returncode == 0
    wait_for(lambda: all_workers(p, old, 200), why="the first keys")


def test_requests_under_way_see_it_through(penstock, two,
                                           keys):  # noqa: F811
    """A call that waits for keys while its block goes is told, not lost."""
    a, _ = two
    p = start(penstock, block(a, more='refetch = "1s"'), workers=1)
    ready(p, keys[0].sign(a.claims()))
    wait_for(lambda: p.logs("jwt.keys"), why="the first keys")
    got = []
    unknown = keys[2].sign(a.claims())

    def many():
        for _ in range(30):
            got.append(ask(p, unknown).status)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for t in threads:
        t.start()
    for _ in range(3):
        reload(p, workers=1)
        reload(p, block(a, more='refetch = "1s"'), workers=1)
    for t in threads:
        t.join(60)
    assert len(got) == 120 and set(got) <= {401, 503}, got
    assert len(p.logs("worker.died")) == 0
    wait_for(lambda: ask(p, keys[0].sign(a.claims())).status == 200)


def test_a_team_of_the_store(penstock, two, keys,
                             tmp_path):  # noqa: F811
    a, _ = two
    (tmp_path / "tags.lua").write_text("""
return { api = 1, response = function(req, conf, resp)
  resp.header["x-tier"] = req.principal.tags.tier
end }
""")
    p = start(penstock, block(a, more='claims = { id = "sub", '
                                      'team = "team?" }'),
              rest=f'keys {{ store = true }} policy_path "{tmp_path}"',
              more=', "tags"')
    who = [keys[0].sign(a.claims(sub=s, team="crew")) for s in ("ann", "bob")]
    ready(p, keys[0].sign(a.claims(sub="eve")))
    got = p.cli("team", "create", "--name", "crew", "--models", "sim/echo",
                "--limit", "requests=30/h", "--tag", "tier=gold")
    assert got.returncode == 0, got.stderr
    wait_for(lambda: ask(p, who[0]).headers.get("x-tier") == "gold",
             why="the team and its tags")
    # models of the team, for whoever is put into it
    other = p.post("/v1/chat/completions", {**CHAT, "model": "sim/lorem"},
                   headers={"authorization": "Bearer " + who[1]})
    assert other.status == 403
    # its limit is one for all of it, however they come
    key = p.cli("key", "create", "--name", "k", "--team", "crew")
    secret = [w for w in key.stdout.split() if w.startswith("sk-ps-")][0]
    said = [ask(p, c).status for c in (who + [secret]) * 12]
    assert 429 in said and said.index(429) <= 30
    assert set(said[said.index(429):]) == {429}
    # who is in no team is not held by it
    eve = ask(p, keys[0].sign(a.claims(sub="eve")))
    assert eve.status == 200 and "x-tier" not in eve.headers
    # what changes in the store holds for tokens at once
    got = p.cli("team", "update", "crew", "--tag", "tier=tin",
                "--limit", "requests=900000/s")
    assert got.returncode == 0, got.stderr
    wait_for(lambda: ask(p, who[0]).headers.get("x-tier") == "tin",
             why="the team's new tag and limit")
