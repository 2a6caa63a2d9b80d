# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every block of code in the documentation runs, or says why not."""
import json
import os
import re
import signal
import stat
import subprocess

import pytest

import docs
from conftest import PENSTOCK, SRC, free_port

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


def adapted_port(text, p):
    assert "127.0.0.1:8080" in text
    return text.replace("127.0.0.1:8080", f"127.0.0.1:{p.port}")


# ---- data and C --------------------------------------------------------

@pytest.mark.parametrize("block", each("json"))
def test_json_is_what_its_reader_takes(block, tmp_path):
    json.loads(block.text)
    file = tmp_path / "file.json"
    file.write_text(block.text)
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
