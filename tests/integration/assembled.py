# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What an answer says, whatever its dialect and however it came: text,
thoughts, tool calls, why it ended, what it cost. Read from the raw bytes of
each dialect by its own rules, so that a translation can be held to them."""
import json

ENDS = {"stop": "end", "length": "length", "tool_calls": "tool",
        "function_call": "tool", "content_filter": "filter",
        "end_turn": "end", "stop_sequence": "end", "max_tokens": "length",
        "tool_use": "tool", "refusal": "filter", "pause_turn": "end",
        "model_context_window_exceeded": "length"}


def arguments(text):
    """Arguments as an object; what is none stands in "input"."""
    if not (text or "").strip():
        return {}
    try:
        got = json.loads(text)
    except ValueError:
        got = text
    return got if isinstance(got, dict) else {"input": got}


def said(text="", thoughts="", calls=(), end=None, usage=None):
    calls = [(name, args) for name, args in calls]
    if calls and end == "end":
        end = "tool"
    return {"text": text, "thoughts": thoughts, "calls": calls, "end": end,
            "usage": usage}


def events(body):
    """The data of each event, lines cut anywhere a server may cut them."""
    out, data = [], []
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            out.append("\n".join(data))
            data = []
    return out + (["\n".join(data)] if data else [])


def chat_text(content):
    if isinstance(content, list):
        return "".join(p.get("text") or "" for p in content
                       if p.get("type") in ("text", "refusal"))
    return content or ""


def chat_usage(u):
    """(prompt in all, of it from the cache, answer), or None."""
    if not u:
        return None
    details = u.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens")
    if cached is None:
        cached = u.get("prompt_cache_hit_tokens")
    prompt, reply = u.get("prompt_tokens") or 0, u.get("completion_tokens") or 0
    if (cached or 0) > prompt:              # xAI on Azure: beside the prompt
        prompt += cached
    elif u.get("total_tokens") == prompt + reply + (
            (u.get("completion_tokens_details") or {}).get(
                "reasoning_tokens") or 0):
        reply = u["total_tokens"] - prompt  # xAI: thoughts beside the answer
    return prompt, cached or 0, reply


def reasoning(d):
    for name in ("reasoning_content", "reasoning"):
        if isinstance(d.get(name), str) and d[name]:
            return d[name]
    content = d.get("content")
    if isinstance(content, list):           # Mistral's thinking parts
        return "".join(t.get("text") or "" for p in content
                       if p.get("type") == "thinking"
                       for t in p.get("thinking") or [])
    return "".join(p.get("text") or p.get("summary") or ""
                   for p in d.get("reasoning_details") or [])


def chat_whole(d):
    c = d["choices"][0]
    m = c["message"]
    calls = [(k["function"]["name"], arguments(k["function"]["arguments"]))
             if "function" in k else
             (k["custom"]["name"], {"input": k["custom"]["input"]})
             for k in m.get("tool_calls") or []]
    if (m.get("function_call") or {}).get("name"):
        calls.append((m["function_call"]["name"],
                      arguments(m["function_call"]["arguments"])))
    return said(chat_text(m.get("content")) + (m.get("refusal") or ""),
                reasoning(m), calls, ENDS.get(c.get("finish_reason")),
                chat_usage(d.get("usage")))


def chat_stream(body):
    text, thoughts, end, usage, calls = "", "", None, None, {}
    for data in events(body):
        if data.strip() == "[DONE]":
            continue
        d = json.loads(data)
        usage = chat_usage(d.get("usage")) or usage
        for c in d.get("choices") or []:
            if c.get("index"):
                continue
            m = c.get("delta") or {}
            text += chat_text(m.get("content")) + (m.get("refusal") or "")
            thoughts += reasoning(m)
            end = ENDS.get(c.get("finish_reason")) or end
            fragments = list(m.get("tool_calls") or [])
            if m.get("function_call"):
                fragments.append({"index": 0, "function": m["function_call"]})
            for k in fragments:
                call = calls.setdefault(k.get("index", len(calls)), ["", ""])
                f = k.get("function") or {}
                call[0] += f.get("name") or ""
                call[1] += f.get("arguments") or ""
    return said(text, thoughts, [(n, arguments(a)) for n, a in
                                 (calls[i] for i in sorted(calls))],
                end, usage)


def message_usage(u):
    if not u:
        return None
    read = u.get("cache_read_input_tokens") or 0
    return ((u.get("input_tokens") or 0) + read +
            (u.get("cache_creation_input_tokens") or 0), read,
            u.get("output_tokens") or 0)


def message_whole(d):
    text, thoughts, calls = "", "", []
    for b in d["content"]:
        if b["type"] == "text":
            text += b["text"]
        elif b["type"] == "thinking":
            thoughts += b["thinking"]
        elif b["type"] == "tool_use":
            calls.append((b["name"], b["input"]))
    return said(text, thoughts, calls, ENDS.get(d.get("stop_reason")),
                message_usage(d.get("usage")))


def message_of(body):
    """A stream's events put together into the message they make."""
    message, usage, partial = None, {}, {}
    for data in events(body):
        d = json.loads(data)
        kind = d["type"]
        if kind == "message_start":
            message = dict(d["message"], content=[])
            usage.update({k: v for k, v in message["usage"].items()
                          if v is not None})
        elif kind == "content_block_start":
            assert d["index"] == len(message["content"]), "dense and in order"
            message["content"].append(dict(d["content_block"]))
        elif kind == "content_block_delta":
            b, x = message["content"][d["index"]], d["delta"]
            for name in ("text", "thinking", "signature"):
                if x["type"] == name + "_delta":
                    b[name] = (b.get(name) or "") + x[name]
            if x["type"] == "input_json_delta":
                partial.setdefault(d["index"], "")
                partial[d["index"]] += x["partial_json"]
        elif kind == "message_delta":
            message.update({k: v for k, v in d["delta"].items()})
            usage.update({k: v for k, v in (d.get("usage") or {}).items()
                          if v is not None})
    for i, text in partial.items():
        if text.strip():
            message["content"][i]["input"] = json.loads(text)
    return dict(message, usage=usage)


def message_stream(body):
    return message_whole(message_of(body))
