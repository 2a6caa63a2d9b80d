# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What is printed for a newcomer to copy works as it is printed: by `serve`,
by contrib/setup, in the README. Only the port is another."""
import re
import subprocess
import sys

from conftest import SRC


def run(argv, text):
    done = subprocess.run([*argv, text], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def block(text, start):
    """The indented or fenced block of text that begins with start."""
    at = text.index(start)
    indent = text[text.rindex("\n", 0, at) + 1:at]
    assert not indent.strip()
    lines = []
    for line in text[at - len(indent):].splitlines():
        if line.startswith("```") or line and not line.startswith(indent):
            break
        lines.append(line[len(indent):])
    return "\n".join(lines).strip()


def at_port(text, port):
    assert "127.0.0.1:8080" in text
    return text.replace("127.0.0.1:8080", f"127.0.0.1:{port}")


def test_the_banner_s_curl_line(penstock):
    p = penstock()
    command = block(p.stderr(), "curl ")
    command = re.split(r"\n\n", command)[0]
    assert f"127.0.0.1:{p.port}" in command
    assert "Hello!" in run(["sh", "-c"], command)


def test_setup_s_snippet(penstock):
    p = penstock()
    code = block((SRC / "contrib/setup").read_text(), "from openai import")
    assert run([sys.executable, "-c"],
               at_port(code, p.port)) == "Hello, Penstock!\n"


def test_the_readme(penstock):
    p = penstock()
    readme = (SRC / "README.md").read_text()
    assert '"content":"hello"' in run(["sh", "-c"], at_port(
        block(readme, "curl http"), p.port))
    assert len(run([sys.executable, "-c"], at_port(
        block(readme, "from openai import"), p.port)).split()) > 3
