# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Recordings in which clients of both providers asked for the same: what the
gateway makes of the one's request must mean what the other's own client sent,
in both directions. Each dialect is read by a reader of its own."""
import json

from test_translate_recordings import Taken, all_of, providers

NO_ARGUMENTS = {"type": "object", "properties": {}}


def texts(content):
    if isinstance(content, str):
        return content
    return "\n\n".join(p["text"] for p in content or [] if "text" in p)


def media(content):
    """URLs and data of pictures and files, in their order."""
    out = []
    for p in content if isinstance(content, list) else []:
        if p.get("type") == "image_url":
            out.append(p["image_url"]["url"])
        elif p.get("type") == "file":
            out.append(p["file"].get("file_data"))
        elif p.get("type") in ("image", "document"):
            s = p["source"]
            out.append(s.get("url") or "data:%s;base64,%s" % (
                s.get("media_type"), s.get("data")))
    return out


def schema_of(schema):
    """What a schema says to a model, without what only one vendor reads."""
    schema = dict(schema or NO_ARGUMENTS)
    for key in ("$schema", "additionalProperties", "strict"):
        schema.pop(key, None)
    return schema


def said(role, content):
    text = texts(content)
    return [(role, text, media(content))] if text or media(content) else []


def of_chat(body):
    out, tools = [], {}
    for m in body["messages"]:
        role = "system" if m["role"] == "developer" else m["role"]
        if role == "tool":
            out.append(("result", texts(m.get("content"))))
            continue
        out += said(role, m.get("content"))
        out += [("call", c["function"]["name"],
                 json.loads(c["function"]["arguments"] or "{}"))
                for c in m.get("tool_calls") or []]
    for t in body.get("tools") or []:
        f = t["function"]
        tools[f["name"]] = (f.get("description") or "",
                            schema_of(f.get("parameters")))
    return {"said": out, "tools": tools,
            "choice": choice_of(body, "required"),
            "format": schema_of((body.get("response_format") or {}).get(
                "json_schema", {}).get("schema"))}


def choice_of(body, forced):
    choice = body.get("tool_choice")
    kind = choice if isinstance(choice, str) else (choice or {}).get("type")
    if not body.get("tools") or kind in (None, "auto"):
        return "auto"
    return "forced" if kind == forced else \
        "named" if kind in ("function", "tool") else kind


def of_messages(body):
    out = said("system", body.get("system"))
    tools = {}
    for m in body["messages"]:
        content, rest = m["content"], []
        for p in content if isinstance(content, list) else []:
            if p["type"] == "tool_result":
                out.append(("result", texts(p.get("content"))))
            elif p["type"] == "tool_use":
                rest.append(("call", p["name"], p["input"]))
        out += said(m["role"], content if isinstance(content, str) else [
            p for p in content if p["type"] in ("text", "image", "document")])
        out += rest
    for t in body.get("tools") or []:
        tools[t["name"]] = (t.get("description") or "",
                            schema_of(t["input_schema"]))
    form = (body.get("output_config") or {}).get("format") or \
        body.get("output_format") or {}
    return {"said": out, "tools": tools, "choice": choice_of(body, "any"),
            "format": schema_of(form.get("schema"))}


def read(of, x):
    """None: it asks for what only one of the dialects has."""
    body = x["request"].get("body")
    try:
        m = of(body)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return m if m["said"] else None


def pairs():
    chats = [(x, read(of_chat, x)) for x in all_of("oa")]
    out = []
    for a in all_of("an"):
        meaning = read(of_messages, a)
        if meaning:
            out += [(a, o) for o, m in chats if m == meaning]
    return out


def sent_for(p, up, x, path, model):
    body = dict(x["request"]["body"], model=model)
    body.pop("anthropic_version", None)
    a = p.post(path, body, timeout=30)
    return (up.requests[-1].json(), a) if a.status == 200 else (None, a)


def test_what_the_other_client_sent(penstock):
    found = pairs()
    assert len(found) >= 10
    wrong = []
    with Taken() as up:
        p = penstock(providers(up))
        for a, o in found:
            for x, other, of, path, to in (
                    (a, o, of_chat, "/v1/messages", "oa/"),
                    (o, a, of_messages, "/v1/chat/completions", "an/")):
                model = other["request"]["body"].get("model") or "m"
                sent, answer = sent_for(p, up, x, path, to + model)
                if sent is None:
                    wrong.append((x["id"], answer.body))
                    continue
                streamed = x["request"]["body"].get("stream")
                assert bool(sent.get("stream")) == bool(streamed), x["id"]
                if of(sent) != of(other["request"]["body"]):
                    wrong.append((x["id"], other["id"], of(sent),
                                  of(other["request"]["body"])))
    assert not wrong, "\n".join(map(repr, wrong))
