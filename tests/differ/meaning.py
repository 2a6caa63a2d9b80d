# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Two requests to one provider, compared by what they mean: in a normal form
in which two ways to write the same are one, place by place."""
import difflib
import json
import re

ABSENT = object()
IDS = ("tool_call_id", "tool_use_id", "toolUseId", "call_id")
# what a provider takes for granted where nobody says it
DEFAULTS = {("stream", False), ("isError", False), ("is_error", False),
            ("parallel_tool_calls", True), ("status", "success"),
            ("store", False), ("type", "custom")}
LISTS = ("content", "system", "output")
EMPTY = LISTS + ("images", "tools", "include", "stop", "generationConfig",
                 "additionalModelRequestFields", "inferenceConfig",
                 "additionalModelResponseFieldPaths", "required")


def camel(name):
    return re.sub(r"_([a-z])", lambda m: m.group(1).upper(), name)


class Normal:
    """normal(provider)(body): ids are counted, texts are parts."""

    def __init__(self, provider):
        self.provider, self.ids = provider, {}
        self.gemini = provider == "gemini"
        self.part = {"text": ""} if provider == "bedrock" else \
            {"type": "text", "text": ""}

    def __call__(self, body):
        body = {k: v for k, v in body.items() if k != "model"}
        return self.value("", body)

    def value(self, name, v, inside=""):
        if isinstance(v, dict):
            return self.members(name, v)
        if isinstance(v, list):
            return [self.value(name, x) for x in v]
        if isinstance(v, str) and name in IDS:
            return self.ids.setdefault(v, f"#{len(self.ids)}")
        if name in ("arguments", "schema") and isinstance(v, str):
            try:                    # JSON in a string
                return json.loads(v or "{}")
            except ValueError:
                return v
        return v

    def members(self, name, d):
        if self.is_schema(name, d):
            return d
        out = {}
        for k, v in d.items():
            if v is None or (k, v if not isinstance(v, (list, dict))
                             else None) in DEFAULTS:
                continue
            if k == "id" and self.is_call(d):
                v = self.ids.setdefault(v, f"#{len(self.ids)}")
            if k in LISTS and isinstance(v, str):
                v = [dict(self.part, text=v)] if v else []
            if v in ([], {}) and k in EMPTY:
                continue
            out[camel(k) if self.gemini else k] = self.value(k, v)
        return out

    def is_schema(self, name, d):
        return name in ("parameters", "input_schema", "schema", "input",
                        "args", "json", "responseSchema",
                        "parametersJsonSchema", "responseJsonSchema")

    def is_call(self, d):
        return d.get("type") in ("function", "tool_use") or "function" in d


def key(x):
    return json.dumps(x, sort_keys=True, ensure_ascii=False)


def kind(x):
    """What two elements must share to be compared with each other."""
    if not isinstance(x, dict):
        return key(x)
    for inner in ("function", "toolSpec", "functionCall", "toolUse"):
        if isinstance(x.get(inner), dict):
            return inner, x[inner].get("name")
    if "functionDeclarations" in x:
        return "functionDeclarations"
    said = x.get("type"), x.get("role"), x.get("name")
    return said if any(said) else tuple(sorted(x))


def lists(a, b, at):
    """Elements of a kind are compared in their order; others are more."""
    if len(a) == len(b):
        for x, y in zip(a, b):
            yield from compare(x, y, at + "/*")
        return
    m = difflib.SequenceMatcher(None, [str(kind(x)) for x in a],
                                [str(kind(y)) for y in b], autojunk=False)
    for op, i, i2, j, j2 in m.get_opcodes():
        if op == "equal":
            for x, y in zip(a[i:i2], b[j:j2]):
                yield from compare(x, y, at + "/*")
            continue
        for x in a[i:i2]:
            yield at + "/*", x, ABSENT
        for y in b[j:j2]:
            yield at + "/*", ABSENT, y


def compare(a, b, at=""):
    """Yield (pointer, one, other) for each place where two values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for k in list(a) + [k for k in b if k not in a]:
            x, y = a.get(k, ABSENT), b.get(k, ABSENT)
            if x is ABSENT or y is ABSENT:
                yield f"{at}/{k}", x, y
            else:
                yield from compare(x, y, f"{at}/{k}")
    elif isinstance(a, list) and isinstance(b, list):
        yield from lists(a, b, at)
    elif type(a) is bool or type(b) is bool:
        if a is not b:
            yield at, a, b
    elif a != b:
        yield at, a, b


def shown(v):
    return "absent" if v is ABSENT else key(v)
