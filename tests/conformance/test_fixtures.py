# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""`penstock plugin`: the shipped plugins over their fixtures and over the
recordings, and plugins that must fail, each for its own reason."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

SRC = pathlib.Path(os.environ.get("PENSTOCK_SRC") or
                   pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("PENSTOCK_BUILD") or os.getcwd())
PENSTOCK = os.environ.get("PENSTOCK") or str(BUILD / "core" / "penstock")
SHARED = pathlib.Path(os.environ.get("PENSTOCK_SHARED") or
                      SRC / ".." / "shared")
# recordings of what a plugin speaks, where it speaks little
FEW = {"bedrock": 40, "cohere": 15, "mistral": 12, "ollama": 20, "vertex": 25}
# without these it opens nothing
SETTINGS = {"vertex": {"project": "p"}}
PLUGINS = sorted(p.parent.name for p in SRC.glob("plugins/*/fixtures"))
CHAT = SRC / "plugins/openai/fixtures/chat-stream.json"
# built under a sanitizer, a crash is an exit
CRASHED = ("crashed with signal 11", "ended with exit code 1")


def penstock(*args, cwd=None):
    return subprocess.run([PENSTOCK, "plugin", *map(str, args)], text=True,
                          capture_output=True, timeout=600, cwd=cwd)


def shared_object(name):
    for folder in ("plugins", "tests/abi"):
        if (BUILD / folder / f"{name}.so").exists():
            return BUILD / folder / f"{name}.so"
    pytest.skip(f"skipped: {name}.so is not built")


@pytest.mark.parametrize("name", PLUGINS)
def test_own_fixtures(name):
    out = penstock("test", shared_object(name),
                   SRC / "plugins" / name / "fixtures")
    assert out.returncode == 0, out.stdout + out.stderr
    assert out.stdout.endswith(" 0 failed, 0 skipped\n")


@pytest.mark.parametrize("name", PLUGINS)
def test_recordings(name, tmp_path):
    if not (SHARED / "wire").exists():
        pytest.skip("skipped: no recordings")
    wire = [SHARED / "wire", SHARED / "vectors/error-shapes"]
    if name in SETTINGS:
        wire = [tmp_path]
        for x in (SHARED / "wire" / name).rglob("*.json"):
            (tmp_path / x.name).write_text(json.dumps({
                **json.loads(x.read_text()), "settings": SETTINGS[name]}))
    out = penstock("test", shared_object(name), *wire)
    assert out.returncode == 0, "\n".join(
        x for x in out.stdout.splitlines() if not x.startswith("skip"))
    passed = int(out.stdout.splitlines()[-1].split()[0])
    assert passed >= FEW.get(name, 50)


def test_a_reader_that_leaves_is_no_crash():
    """As in `plugin test ... | head`: it ends by the signal, as other tools
    do, and blames nobody."""
    p = subprocess.Popen([PENSTOCK, "plugin", "test", shared_object("openai"),
                          CHAT], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    p.stdout.close()
    assert p.stderr.read() == ""
    assert p.wait(60) == -signal.SIGPIPE
    p.stderr.close()


def test_no_two_runs_alike(tmp_path):
    x = json.loads(CHAT.read_text())
    del x["expect"]
    (tmp_path / "x.json").write_text(json.dumps(x))
    out = penstock("test", shared_object("odd_memory"), tmp_path)
    assert out.returncode == 1
    assert "FAIL x.json" in out.stdout
    assert "once more" in out.stdout and "reasoning=" in out.stdout


def test_memory_that_runs_out():
    out = penstock("test", shared_object("odd_null"), CHAT)
    assert out.returncode == 1
    assert any(c in out.stderr for c in CRASHED), out.stderr
    assert "chat-stream.json" in out.stderr
    assert "service 1 fails" in out.stderr


@pytest.mark.parametrize("how,says", [
    ("unchecked", None),
    ("quiet", " fails: line "),
    ("leaks", "the plugin's allocation 2 fails: 1 pieces of memory were not"),
    ("keeps", "once more: "),
    ("open", "allocation 2 of open fails: 1 pieces of memory were not given"),
    ("check", "allocation 2 of check fails: 1 pieces of memory were not given"),
    ("right", ""),
])
def test_the_plugins_own_memory(tmp_path, how, says):
    x = json.loads(CHAT.read_text())
    del x["expect"]
    x["settings"] = {"how": how}
    (tmp_path / "x.json").write_text(json.dumps(x))
    out = penstock("test", shared_object("odd_heap"), tmp_path)
    if says is None:
        assert out.returncode == 1
        assert any(c in out.stderr for c in CRASHED), out.stderr
        assert "the plugin's allocation 1 fails" in out.stderr
        assert "crashed" not in out.stderr or "watch" in out.stderr
    elif says:
        assert out.returncode == 1 and says in out.stdout, out.stdout
    else:
        assert out.returncode == 0, out.stdout + out.stderr
        split = len(x["response"]["body"])
        runs = int(out.stdout.split(": ")[1].split()[0])
        frames = x["response"]["body"].count("\n\n")
        assert runs >= split + 3 * frames  # two of them for memory


@pytest.mark.parametrize("how", ["right", "nothrow", "thrown"])
def test_new_of_cxx(tmp_path, how):
    x = json.loads(CHAT.read_text())
    del x["expect"]
    x["settings"] = {"how": how}
    (tmp_path / "x.json").write_text(json.dumps(x))
    if b"__asan_init" in pathlib.Path(PENSTOCK).read_bytes():
        pytest.skip("skipped: the sanitizer's own `new` takes no malloc")
    out = penstock("test", shared_object("odd_new"), tmp_path)
    if how == "thrown":
        assert out.returncode == 1
        assert "crashed with signal 6" in out.stderr, out.stderr
        assert "the plugin's allocation 1 fails), odd_new watch" in out.stderr
    else:
        assert out.returncode == 0, out.stdout + out.stderr
        runs = int(out.stdout.split(": ")[1].split()[0])
        body = x["response"]["body"]
        assert runs >= len(body) + 3 * body.count("\n\n")


def test_codes_that_are_none():
    out = penstock("test", shared_object("odd_body"), CHAT)
    assert out.returncode == 1
    assert "returned 99, which is no code" in out.stdout


@pytest.mark.parametrize("change,says", [
    ({"end": "cut"}, "end is whole, not cut"),
    ({"usage": {"output": 4}}, "output is 5, not 4"),
    ({"usage": {"outputs": 4}}, "usage is outputs, not a known count"),
    ({"headers": {"authorization": None}}, "not left out"),
    ({"headers": {"x-nothing": "a"}}, "x-nothing is left out, not a"),
    ({"body": {"model": "other"}}, "body is something else"),
    ({"fault": "quota"}, "fault is none, not quota"),
    ({"tokens": 1}, "nothing called tokens"),
])
def test_what_is_expected(tmp_path, change, says):
    x = json.loads(CHAT.read_text())
    x["expect"] = change
    (tmp_path / "x.json").write_text(json.dumps(x))
    out = penstock("test", shared_object("openai"), tmp_path)
    assert out.returncode == 1 and says in out.stdout, out.stdout


def test_what_is_no_fixture(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text('{"api": "chat"}')
    (tmp_path / "c.json").write_text('{"api": "openai.audio"}')
    (tmp_path / "d.txt").write_text("not looked at")
    out = penstock("test", "--json", shared_object("openai"), tmp_path)
    lines = [json.loads(x) for x in out.stdout.splitlines()]
    assert [x["result"] for x in lines[:-1]] == ["FAIL", "FAIL", "skip"]
    assert lines[-1] == {"passed": 0, "failed": 2, "skipped": 1}
    assert out.returncode == 1
    out = penstock("test", shared_object("openai"), tmp_path / "nothing")
    assert out.returncode == 1 and "no fixture" in out.stderr


def test_info_and_list(tmp_path):
    out = penstock("info", "--json", shared_object("anthropic"))
    d = json.loads(out.stdout)
    assert (d["plugin"], d["auth"]) == ("anthropic", "x-api-key")
    assert {a["op"] for a in d["apis"]} == {"chat", "count_tokens", "models",
                                         "passthrough"}
    out = subprocess.run(
        [PENSTOCK, "plugin", "list"], text=True, capture_output=True,
        env={**os.environ, "PENSTOCK_PLUGIN_PATH": str(BUILD / "plugins")})
    assert out.returncode == 0
    for name in PLUGINS:
        assert name + " " in out.stdout


def test_check():
    plugin = shared_object("openai")
    assert penstock("check", plugin).stdout == "openai: ok\n"
    out = penstock("check", plugin, '{"x": 1}')
    assert out.returncode == 1 and "x" in out.stderr
    # named by itself, in its own folder
    assert penstock("check", plugin.name, cwd=plugin.parent).returncode == 0
    assert penstock("check", "/etc/passwd").returncode == 1
    assert penstock("check").returncode == 2
    assert penstock("nonsense").returncode == 2


def test_nothing_is_left_behind():
    before = set(os.listdir("/tmp"))
    penstock("test", shared_object("openai"), CHAT)
    after = set(os.listdir("/tmp")) - before
    assert not [x for x in after if x.startswith("penstock-plugin-")]
