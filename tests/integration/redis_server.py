# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""A real redis-server of the test's own: a free port or a socket on loopback,
nothing saved, ended by its pid.

    with Redis(folder) as r:               # r.port
        r.ask("SET", "k", "v")             # as any client would
        r.pause(); r.go_on(); r.kill(); r.start()
"""
import os
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import alive, free_port, wait_for


def program(folder):
    """redis-server; Debian's redis-tools has it, too, by another name (and
    starts no service when it is installed)."""
    found = shutil.which("redis-server")
    other = shutil.which("redis-check-rdb")
    if found or not other:
        return found or pytest.fail("redis-server is missing: install "
                                    "redis-tools or redis-server")
    link = folder / "redis-server"
    if not link.exists():
        link.symlink_to(other)
    return str(link)


class Redis:
    def __init__(self, folder, password=None, user=None, path=None,
                 tls=None, ca=None):
        """tls: (certificate, key); ca: to trust when asking by TLS."""
        self.folder, self.password, self.user = folder, password, user
        self.path, self.tls, self.ca = path, tls, ca
        self.port = free_port()
        self.proc = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        argv = [program(self.folder), "--save", "", "--appendonly", "no",
                "--dir", str(self.folder), "--bind", "127.0.0.1",
                "--port", "0" if self.tls or self.path else str(self.port)]
        if self.tls:
            argv += ["--tls-port", str(self.port), "--tls-cert-file",
                     str(self.tls[0]), "--tls-key-file", str(self.tls[1]),
                     "--tls-auth-clients", "no"]
        if self.path:
            argv += ["--unixsocket", str(self.path), "--unixsocketperm",
                     "777"]
        if self.user:
            argv += ["--user", self.user, "on", ">" + self.password, "~*",
                     "&*", "+@all"]
        elif self.password:
            argv += ["--requirepass", self.password]
        self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        wait_for(self._accepts, why="a redis-server")

    def _accepts(self):
        if self.proc.poll() is not None:
            pytest.fail(f"redis-server ended with {self.proc.returncode}")
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def connect(self):
        if self.path:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            s.connect(str(self.path))
            return s
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def ask(self, *args, db=0):
        """One command on a plain connection; its reply's bytes."""
        with self.connect() as s:
            for words in ([["AUTH", *filter(None, (self.user,
                                                   self.password))]]
                          if self.password else []) + \
                    [["SELECT", str(db)], list(args)]:
                line = b"*%d\r\n" % len(words)
                for w in words:
                    w = str(w).encode()
                    line += b"$%d\r\n%s\r\n" % (len(w), w)
                s.sendall(line)
                got = s.recv(65536)
            return got

    def pause(self):
        os.kill(self.proc.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.proc.pid, signal.SIGCONT)

    def kill(self):
        if self.proc and alive(self.proc.pid):
            self.proc.kill()
        if self.proc:
            self.proc.wait()
