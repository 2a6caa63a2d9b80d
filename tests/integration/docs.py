# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The blocks of code in the documentation, as data.

Every fence has a label: lua, sh, json, c, python, js; or text, for what is no
code. A comment of one line, right before the fence, may say more:

    <!-- not run: REASON -->                for sh
    <!-- with: provider "x" -->             for a part of a configuration
    <!-- each line in: provider "x" { % } -->   for lines that are pieces of one

A block of Lua that begins with "-- NAME.lua" is a policy, "-- NAME_test.lua"
its tests; any other is a configuration.
"""
import pathlib
import re

from conftest import SRC

LABELS = {"lua", "sh", "json", "c", "python", "js", "text"}
FENCE = re.compile(r"(?:^<!-- (?P<note>.*) -->\n)?"
                   r"^```(?P<label>.*)\n(?P<text>(?:.*\n)*?)^```$", re.M)


class Block:
    def __init__(self, page, number, match):
        self.page = page
        self.id = f"{page}-{number}"
        self.label = match["label"]
        self.text = match["text"]
        note = match["note"] or ""
        self.not_run = re.fullmatch(r"not run: (.+)", note)
        self.with_text = re.fullmatch(r"with: (.+)", note)
        self.each_line = re.fullmatch(r"each line in: (.+)", note)
        name = re.match(r"-- (\w+)\.lua\b", self.text)
        self.name = name.group(1) if self.label == "lua" and name else None

    @property
    def is_test(self):
        return bool(self.name and self.name.endswith("_test"))

    @property
    def is_policy(self):
        return bool(self.name and not self.name.endswith("_test"))

    @property
    def is_configuration(self):
        return self.label == "lua" and not self.name


def pages():
    found = [SRC / "README.md"]
    for folder in ("docs", "sdk", "plugins"):
        found += sorted((SRC / folder).rglob("*.md"))
    return [str(p.relative_to(SRC)) for p in found]


def blocks(page=None, label=None):
    for one in [page] if page else pages():
        text = (SRC / one).read_text()
        for i, match in enumerate(FENCE.finditer(text)):
            block = Block(one, i + 1, match)
            if label in (None, block.label):
                yield block


def outside(page):
    """The page without its fences."""
    return FENCE.sub("", (SRC / page).read_text())


def write_policies(page, folder):
    """The page's policies and tests into a folder; their names."""
    names = []
    for block in blocks(page):
        if block.name:
            path = pathlib.Path(folder) / f"{block.name}.lua"
            assert not path.exists(), f"{block.id}: {block.name} twice"
            path.write_text(block.text)
            if block.is_policy:
                names.append(block.name)
    return names
