# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every block of code in the documentation runs, or says why not."""
import hashlib
import json
import os
import pathlib
import re
import signal
import stat
import subprocess

import pytest

import docs
from conftest import BUILD, PENSTOCK, SRC, free_port

ECHO = {"model": "sim/echo", "messages": [{"role": "user", "content": "hi"}]}


def each(label, wanted=lambda b: True):
    return [pytest.param(b, id=b.id) for b in docs.blocks(label=label)
            if wanted(b)]


def variables():
    """One for each vendor of the catalogue, and those that a text names."""
    vendors = (SRC / "plugins/catalogue/vendors.json").read_text()
    return {name: "sk-none" for name in
            re.findall(r'"([A-Z][A-Z0-9_]*_KEY)"', vendors)}


def cli(*args, env=None, **kw):
    return subprocess.run([PENSTOCK, *args], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **variables(),
                                           **(env or {})}, **kw)


def test_every_block_has_a_label_and_a_run():
    count = {label: 0 for label in docs.LABELS}
    for block in docs.blocks():
        assert block.label in docs.LABELS, block.id
        assert not block.not_run or block.label == "sh", block.id
        count[block.label] += 1
    assert min(count.values()) >= 1, count
    for page in docs.pages():
        text = docs.outside(page)
        assert "```" not in text, page
        # four blanks after an empty line are code without a label
        assert not re.search(r"\n\n {4}(?![-*\d ])\S", text), page


# ---- Lua ---------------------------------------------------------------

def whole(text):
    return text if re.search(r"^provider ", text, re.M) \
        else 'provider "sim"\n' + text


@pytest.mark.parametrize("block", each("lua", lambda b: b.is_configuration))
def test_configurations_pass_check(block, tmp_path):
    names = docs.write_policies(block.page, tmp_path)
    texts = [block.text]
    if block.each_line:
        texts = [block.each_line.group(1).replace("%", line.split(" --")[0])
                 for line in block.text.splitlines()]
    for text in texts:
        text = re.sub("([0-9a-f]*)…", lambda m: m[1].ljust(64, "0"), text)
        if block.with_text:
            text = block.with_text.group(1) + "\n" + text
        text = whole(text)
        ours = any(f'"{name}"' in text for name in names)
        if ours and "policy_path" not in text:
            text = f'policy_path "{tmp_path}"\n' + text
        file = tmp_path / "penstock.conf"
        file.write_text(text)
        got = cli("check", *([] if ours else ["--static"]), str(file),
                  env={"PENSTOCK_STATE": str(tmp_path / "state"),
                       **{name: "x" for name in
                          re.findall(r'env "(\w+)"', text)}})
        assert got.returncode == 0, got.stderr + text


@pytest.mark.parametrize("page", sorted({b.page for b in docs.blocks()
                                         if b.name}))
def test_policies_load_and_their_tests_pass(page, tmp_path):
    names = docs.write_policies(page, tmp_path)
    conf = tmp_path / "penstock.conf"
    outside = "\n".join(b.text for b in docs.blocks(page)
                        if b.is_configuration and re.match(
                            r"(service|redis) ", b.text))
    conf.write_text(f'policy_path "{tmp_path}"\nprovider "sim"\n{outside}\n'
                    "policies { %s }" % ", ".join(f'"{n}"' for n in names))
    got = cli("check", str(conf),
              env={"PENSTOCK_STATE": str(tmp_path / "state")})
    assert got.returncode == 0, got.stderr
    if any(b.is_test for b in docs.blocks(page)):
        got = cli("policy", "test", str(tmp_path))
        assert got.returncode == 0, got.stdout + got.stderr


# ---- the stub ----------------------------------------------------------

def stub():
    """Members by class of sdk/lua/penstock.lua; "ps" has its functions."""
    text = (SRC / "sdk/lua/penstock.lua").read_text()
    members, cls = {}, None
    for line in text.splitlines():
        if m := re.match(r"---@class (?:penstock\.)?(\w+)", line):
            cls = members.setdefault(m[1], set())
        elif m := re.match(r"---@field (\w+)", line):
            cls.add(m[1])
        elif m := re.match(r"function (\w+):(\w+)\(", line):
            name = "".join(p.capitalize() for p in m[1].split("_"))
            members[name].add(m[2])
        elif m := re.match(r"(?:function )?ps\.([\w.]+)", line):
            members["ps"].add(m[1])
    return members


# what a policy calls its arguments, and what they are
ARGUMENTS = {"req": "Req", "plan": "Plan", "try": "Try", "resp": "Resp",
             "w": "Window", "principal": "Principal"}


def policies():
    for path in sorted((SRC / "policies").glob("*.lua")):
        yield pytest.param(path.read_text(), id=path.name)
    for block in docs.blocks(label="lua"):
        if block.name:
            yield pytest.param(block.text, id=block.id)


@pytest.mark.parametrize("text", list(policies()))
def test_names_used_by_policies_stand_in_the_stub(text):
    known = stub()
    text = re.sub(r"--[^\n]*", "", text)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    for name in re.findall(r"\bps\.([a-z_0-9.]+)", text):
        assert name.rstrip(".") in known["ps"], f"ps.{name}"
    for argument, cls in ARGUMENTS.items():
        for name in re.findall(rf"(?<![\w.]){argument}[.:](\w+)", text):
            assert name in known[cls], f"{argument}.{name}"


def test_the_stub_has_every_class():
    known = stub()
    assert {"Req", "Plan", "Target", "Principal", "Try", "Resp", "Window",
            "Decision", "Policy", "ps"} <= set(known)
    assert {"deny", "kv", "keys", "keys.get"} <= known["ps"]
    assert {"keep", "empty"} <= known["Plan"]


# ---- the manual --------------------------------------------------------

def test_the_manual_s_example_runs(tmp_path):
    page = (SRC / "docs/man/penstock-policy.7").read_text()
    policy, conf, tests = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$",
                                     page, re.M)
    assert policy.startswith("-- business_hours.lua")
    (tmp_path / "business_hours.lua").write_text(policy)
    (tmp_path / "business_hours_test.lua").write_text(tests)
    got = cli("policy", "test", str(tmp_path))
    assert got.returncode == 0 and "1 passed" in got.stdout, got.stdout
    file = tmp_path / "penstock.conf"
    file.write_text(f'policy_path "{tmp_path}"\nprovider "sim"\n' + conf)
    got = cli("check", str(file),
              env={"PENSTOCK_STATE": str(tmp_path / "state")})
    assert got.returncode == 0, got.stderr


# ---- shell -------------------------------------------------------------

WRAPPER = """#!/bin/sh
# the program as it is, but nothing stays in the foreground
case $1 in
serve) shift; test "$1" = -c && shift; exec "{real}" check "$@" ;;
mock) "{real}" "$@" >"{dir}/mock" 2>"{dir}/mock.err" & echo $! >>"{dir}/pids"
    n=0
    while ! test -s "{dir}/mock" && test $n -lt 100; do
        sleep 0.1; n=$((n + 1))
    done ;;
*) exec "{real}" "$@" ;;
esac
"""
CONF = 'provider "sim"\n'


def prepare(folder):
    (folder / "bin").mkdir()
    program = folder / "bin" / "penstock"
    program.write_text(WRAPPER.format(real=PENSTOCK, dir=folder))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name in ("penstock.conf", "my.conf"):
        (folder / name).write_text(CONF)
    for page in ("docs/guide/policies.md",):
        docs.write_policies(page, folder)


def adapted(text, p):
    """As printed, but for ports, and the id of a request that was made."""
    where = p.status()["metrics"]
    where = where[0] if isinstance(where, list) else where
    asked = p.post("/v1/chat/completions", ECHO)
    for old, new in (
            ("127.0.0.1:8080", f"127.0.0.1:{p.port}"),
            ("127.0.0.1:9091", re.search(r"127\S+:\d+", str(where)).group()),
            ("127.0.0.1:9000", f"127.0.0.1:{free_port()}"),
            ("req_…", asked.headers["x-request-id"])):
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("block", each("sh", lambda b: not b.not_run))
def test_commands_work_as_printed(block, penstock, tmp_path):
    p = penstock(CONF + 'metrics "127.0.0.1:0"')
    prepare(tmp_path)
    env = {**p.env, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    try:
        got = subprocess.run(["sh", "-euc", adapted(block.text, p)], env=env,
                             cwd=tmp_path, capture_output=True, text=True,
                             timeout=60, stdin=subprocess.DEVNULL)
    finally:
        pids = tmp_path / "pids"
        for pid in pids.read_text().split() if pids.exists() else []:
            os.kill(int(pid), signal.SIGTERM)
    assert got.returncode == 0, got.stdout + got.stderr
    assert "curl" not in got.stderr or "error" not in got.stderr


@pytest.mark.parametrize("block", each("python"))
def test_programs_work_as_printed(block, penstock):
    import sys
    p = penstock(CONF)
    got = subprocess.run([sys.executable, "-c", adapted_port(block.text, p)],
                         capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr


NODE = pathlib.Path(os.environ.get("PENSTOCK_NODE_MODULES") or
                    BUILD / "tests/.work/node/node_modules").parent


@pytest.mark.parametrize("block", each("js"))
def test_scripts_work_as_printed(block, penstock):
    if not (NODE / "node_modules").exists():
        pytest.skip("skipped: no node packages")
    p = penstock(CONF)
    got = subprocess.run(["node", "--input-type=module", "-e",
                          adapted_port(block.text, p)], cwd=NODE,
                         capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    assert "Hello" in got.stdout


def adapted_port(text, p):
    assert "127.0.0.1:8080" in text
    return text.replace("127.0.0.1:8080", f"127.0.0.1:{p.port}")


# ---- data and C --------------------------------------------------------

@pytest.mark.parametrize("block", each("json"))
def test_json_is_what_its_reader_takes(block, tmp_path):
    json.loads(block.text)
    file = tmp_path / "file.json"
    file.write_text(block.text)
    if block.page == "docs/guide/policy-tests.md":
        return explained(block, tmp_path, file)
    if block.page != "docs/guide/mock.md":
        return
    mock = subprocess.Popen([PENSTOCK, "mock", "--listen", "127.0.0.1:0",
                             "--faults", str(file)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert mock.stdout.readline().startswith("mock upstream on ")
    finally:
        mock.terminate()
        assert mock.communicate(timeout=20)[1] == ""


def explained(block, folder, request):
    """A request for `explain -f`, by the page's policies and services."""
    names = docs.write_policies(block.page, folder)
    outside = [b.text for b in docs.blocks(block.page)
               if b.is_configuration and b.text.startswith("service ")]
    key = hashlib.sha256(b"sk-one").hexdigest()
    conf = folder / "penstock.conf"
    conf.write_text(f'policy_path "{folder}"\nprovider "sim"\n'
                    f'key "one" {{ sha256 = "{key}" }}\n'
                    + "".join(outside) + 'policies { "auth", "authz" }')
    assert "authz" in names
    got = cli("explain", "-f", str(request), "-c", str(conf), "--json")
    assert got.returncode == 0, got.stderr
    story = json.loads(got.stdout)
    assert story["status"] == 200 and len(story["attempts"]) == 2
    assert {p["policy"] for p in story["policies"]} == {"auth", "authz"}


@pytest.mark.parametrize("block", each("c"))
def test_plugins_are_taken(block, tmp_path):
    name = re.search(r'PS_PLUGIN\(PS_PROVIDER, "(\w+)"', block.text).group(1)
    source = tmp_path / f"{name}.c"
    source.write_text(block.text)
    done = subprocess.run(
        ["cc", "-std=c11", "-fPIC", "-fvisibility=hidden", "-shared", "-Wall",
         "-Werror", f"-I{SRC}/sdk/include", "-Wl,-z,defs",
         f"-Wl,--version-script={SRC}/sdk/penstock.map", "-o",
         str(tmp_path / f"{name}.so"), str(source)],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    os.chmod(tmp_path, 0o755)
    used = [b.text for b in docs.blocks(block.page)
            if b.is_configuration and f'plugin = "{name}"' in b.text]
    assert used
    file = tmp_path / "penstock.conf"
    file.write_text(f'plugin_path "{tmp_path}"\n' + used[0])
    got = cli("check", str(file),
              env={"PENSTOCK_STATE": str(tmp_path / "state"),
                   "ACME_KEY": "x"})
    assert got.returncode == 0, got.stderr
