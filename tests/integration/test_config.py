# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock check` and `penstock config`, as people and scripts call them."""
import hashlib
import json
import os
import re
import subprocess

import pytest

from conftest import PENSTOCK, SRC

SHA = hashlib.sha256(b"secret").hexdigest()


@pytest.fixture
def run(tmp_path):
    """Run a verb; the environment has no key of any vendor."""
    env = {k: v for k, v in os.environ.items()
           if not k.endswith("_API_KEY") and k != "HF_TOKEN"}
    env["PENSTOCK_STATE"] = str(tmp_path / "state")

    def call(*args, **more):
        return subprocess.run([PENSTOCK, *map(str, args)], env={**env, **more},
                              text=True, capture_output=True, timeout=60)
    return call


@pytest.fixture
def conf(tmp_path):
    def write(text, name="penstock.conf"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


@pytest.mark.parametrize("second, said", [
    ('metrics "127.0.0.1:8080"', 'metrics: is an address that listen '
     '"127.0.0.1:8080" has (penstock.conf:2)'),
    ('admin "127.0.0.1:8080" { tokens = { { role = "admin", '
     'token = env "T" } } }',
     'admin "127.0.0.1:8080": is an address that listen "127.0.0.1:8080" has '
     '(penstock.conf:2)'),
    ('listen "0.0.0.0:8080" { anonymous = "public" }',
     'listen "127.0.0.1:8080" has'),
    ('metrics "0.0.0.0:8080"', "is an address that listen"),
    ('listen "unix:/tmp/a"\nmetrics "unix:/tmp/a"',
     "is an address that listen"),
    ('metrics "[::]:8080"', None),
    ('metrics "127.0.0.1:8081"', None),
    ('metrics "127.0.0.2:8080"', None),
])
def test_listeners_have_an_address_each(run, conf, second, said):
    path = conf(f'provider "sim"\nlisten "127.0.0.1:8080"\n{second}\n')
    r = run("check", path, T="a-token-that-is-long-enough-to-be-one")
    if said is None:
        assert r.returncode == 0, r.stderr
        return
    line = 3 + second.count("\n")
    assert r.returncode == 1 and f"penstock.conf:{line}: " in r.stderr, r.stderr
    assert said in r.stderr, r.stderr


def test_what_is_right_passes(run):
    r = run("check", SRC / "contrib" / "penstock.conf")
    assert r.returncode == 0, r.stderr
    assert "ok: listeners 1, providers 1" in r.stdout
    r = run("check", "--static", SRC / "contrib" / "penstock.conf.example")
    assert r.returncode == 0, r.stderr
    r = run("check", SRC / "contrib" / "penstock.conf", "--json")
    assert json.loads(r.stdout)["ok"] is True


def test_what_is_wrong_is_told(run, conf):
    r = run("check", conf('provider "sim"\n\nserver {\n  max_body = 5 }\n'))
    assert r.returncode == 1 and r.stdout == ""
    assert r.stderr == ("penstock: penstock.conf:4: server max_body: a bare "
                        'number has no unit; write "5B"\n')
    r = run("check", "--json", conf('provder "sim"'))
    assert r.returncode == 1
    assert json.loads(r.stdout)["error"] == {
        "at": "penstock.conf:1",
        "message": "unknown directive 'provder'; did you mean 'provider'?"}
    assert run("check", "/nowhere.conf").returncode == 1
    assert run("check", "--fast").returncode == 2
    assert run("config").returncode == 2
    assert run("config", "dump", "--mdoc").returncode == 2


def test_secrets_are_wanted_and_never_printed(run, conf):
    path = conf('provider "groq"')
    r = run("check", path)
    assert r.returncode == 1
    assert "penstock.conf:1: " in r.stderr and "GROQ_API_KEY" in r.stderr
    assert run("check", "--static", path).returncode == 0
    r = run("check", path, GROQ_API_KEY="canary-4711")
    assert r.returncode == 0, r.stderr
    for more in ([], ["--json"], ["--why"], ["--why", "--json"]):
        r = run("config", "dump", "-c", path, *more,
                GROQ_API_KEY="canary-4711")
        assert r.returncode == 0, r.stderr
        assert "GROQ_API_KEY" in r.stdout
        assert "canary-4711" not in r.stdout + r.stderr


def test_check_loads_what_a_start_would(run, conf, tmp_path):
    r = run("check", conf('provider "x" { plugin = "nowhere", keys = {}, '
                          'base_url = "http://127.0.0.1:1" }'))
    assert r.returncode == 1 and "nowhere" in r.stderr
    (tmp_path / "mine.lua").write_text("return {\n  api = = 1 }\n")
    r = run("check", conf(f'provider "sim" policy_path "{tmp_path}" '
                          'policies { "mine" }'))
    assert r.returncode == 1
    assert "mine.lua:2" in r.stderr, r.stderr


def test_a_dump_loads_as_itself(run, conf):
    example = SRC / "contrib" / "penstock.conf.example"
    first = run("config", "dump", "--static", "-c", example)
    assert first.returncode == 0, first.stderr
    again = run("config", "dump", "--static", "-c", conf(first.stdout))
    assert again.stdout == first.stdout
    tree = run("config", "dump", "--static", "--json", "-c", example).stdout
    path = conf(tree, "penstock.json")
    again = run("config", "dump", "--static", "--json", "-c", path)
    assert json.loads(again.stdout) == json.loads(tree)


def test_why_names_each_place(run, conf):
    path = conf('server {\n  workers = 2 }\nprovider "sim"\n'
                f'key "k" {{\n  sha256 = "{SHA}" }}\n')
    r = run("config", "dump", "--why", "-c", path)
    assert "workers = 2, -- penstock.conf:2\n" in r.stdout
    assert 'plugin = "sim", -- vendor sim\n' in r.stdout
    assert 'max_body = "32MiB", -- default\n' in r.stdout
    assert re.search(r'sha256 = "[0-9a-f]+", -- penstock.conf:5\n', r.stdout)
    why = json.loads(run("config", "dump", "--why", "--json", "-c",
                         path).stdout)["why"]
    assert why["/server/workers"] == "penstock.conf:2"


def test_help(run):
    assert "  provider     An account" in run("config", "help").stdout
    r = run("config", "help", "timeouts.connect")
    assert r.stdout.startswith("connect: a duration, 1ms to 10m\ndefault: 5s")
    r = run("config", "help", "provider.tiemouts")
    assert r.returncode == 1 and "did you mean 'timeouts'?" in r.stderr


class Schema:
    """As much of JSON Schema as `config schema` uses; unknown words fail."""

    def __init__(self, root):
        self.root = root

    def fits(self, schema, value):
        return all(getattr(self, "on_" + re.sub(r"\W", "", word))(
            arg, value, schema) for word, arg in schema.items())

    def on_ref(self, arg, value, schema):
        return self.fits(self.root["$defs"][arg.rpartition("/")[2]], value)

    def on_type(self, arg, value, schema):
        kinds = {"object": dict, "array": list, "string": str,
                 "boolean": bool, "integer": int}
        return (isinstance(value, kinds[arg]) and
                (arg != "integer" or not isinstance(value, bool)))

    def on_anyOf(self, arg, value, schema):
        return any(self.fits(s, value) for s in arg)

    def on_oneOf(self, arg, value, schema):
        return sum(self.fits(s, value) for s in arg) == 1

    def on_properties(self, arg, value, schema):
        return all(self.fits(s, value[k]) for k, s in arg.items()
                   if k in value)

    def on_additionalProperties(self, arg, value, schema):
        rest = set(value) - set(schema.get("properties", ()))
        return not rest if arg is False else all(
            self.fits(arg, value[k]) for k in rest)

    def on_required(self, arg, value, schema):
        return set(arg) <= set(value)

    def on_items(self, arg, value, schema):
        return all(self.fits(arg, v) for v in value)

    def on_propertyNames(self, arg, value, schema):
        return all(self.fits(arg, k) for k in value)

    def on_enum(self, arg, value, schema):
        return value in arg

    def on_const(self, arg, value, schema):
        return value == arg

    def on_pattern(self, arg, value, schema):
        return re.search(arg, value) is not None

    def on_minimum(self, arg, value, schema):
        return value >= arg

    def on_maximum(self, arg, value, schema):
        return value <= arg

    def on_minLength(self, arg, value, schema):
        return len(value) >= arg

    def on_description(self, arg, value, schema):
        return True

    on_xdefault = on_xapplies = on_title = on_schema = on_defs = on_description


def test_the_schema_fits_what_is_dumped(run):
    schema = json.loads(run("config", "schema").stdout)
    tree = json.loads(run("config", "dump", "--static", "--json", "-c",
                          SRC / "contrib" / "penstock.conf.example").stdout)
    assert Schema(schema).fits(schema, tree)
    for path, bad in [(("server", "workers"), "many"), (("server", "x"), 1),
                      (("log", "level"), "loud"),
                      (("defaults", "timeouts", "connect"), 5),
                      (("listen", "8080"), {}),
                      (("provider", "groq", "keys", 0, "secret"), "sk-1"),
                      (("model", "smart", "targets", 0), {"weight": 2})]:
        broken = json.loads(json.dumps(tree))
        at = broken
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = bad
        assert not Schema(schema).fits(schema, broken), path
