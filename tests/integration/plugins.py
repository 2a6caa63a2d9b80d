# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Plugins that a story builds for itself, as their authors would."""
import os
import shlex
import subprocess

from conftest import SRC


def build(folder, name, source, *flags):
    """Compile C source to folder/name.so, with the SDK alone."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    file = folder / f"{name}.c"
    file.write_text(source)
    subprocess.run(
        [*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-O2",
         f"-I{SRC}/sdk/include", "-fvisibility=hidden", *flags,
         f"-Wl,--version-script={SRC}/sdk/penstock.map", "-Wl,-z,defs",
         "-o", str(folder / f"{name}.so"), str(file)], check=True)
