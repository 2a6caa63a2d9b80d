# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What a client makes of an answer, for the two dialects that assembled.py
does not read, and one entry for all four."""
import json

import assembled


def gemini_usage(u):
    if not u:
        return None
    return ((u.get("promptTokenCount") or 0) +
            (u.get("toolUsePromptTokenCount") or 0),
            u.get("cachedContentTokenCount") or 0,
            (u.get("candidatesTokenCount") or 0) +
            (u.get("thoughtsTokenCount") or 0))


GEMINI_ENDS = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "filter",
               "RECITATION": "filter", "PROHIBITED_CONTENT": "filter",
               "BLOCKLIST": "filter", "SPII": "filter"}


def gemini_of(objects):
    text, thoughts, calls, end, usage = "", "", [], None, None
    for d in objects:
        usage = gemini_usage(d.get("usageMetadata")) or usage
        for c in d.get("candidates") or []:
            if c.get("index"):
                continue
            end = GEMINI_ENDS.get(c.get("finishReason")) or end
            for p in (c.get("content") or {}).get("parts") or []:
                if p.get("functionCall"):
                    f = p["functionCall"]
                    calls.append((f["name"], f.get("args") or {}))
                elif p.get("thought"):
                    thoughts += p.get("text") or ""
                else:
                    text += p.get("text") or ""
    return assembled.said(text, thoughts, calls, end, usage)


def responses_usage(u):
    if not u:
        return None
    return (u.get("input_tokens") or 0,
            (u.get("input_tokens_details") or {}).get("cached_tokens") or 0,
            u.get("output_tokens") or 0)


def responses_whole(d):
    text, thoughts, calls = "", "", []
    for item in d.get("output") or []:
        kind = item.get("type")
        if kind == "message":
            text += "".join(p.get("text") or p.get("refusal") or ""
                            for p in item.get("content") or [])
        elif kind == "reasoning":
            thoughts += "".join(p.get("text") or "" for p in
                                (item.get("summary") or []) +
                                (item.get("content") or []))
        elif kind == "function_call":
            calls.append((item["name"],
                          assembled.arguments(item["arguments"])))
    why = (d.get("incomplete_details") or {}).get("reason")
    end = {"completed": "end", "incomplete": "filter"
           if why == "content_filter" else "length"}.get(d.get("status"))
    return assembled.said(text, thoughts, calls, end,
                          responses_usage(d.get("usage")))


def responses_stream(body):
    """The last event says all; the pieces must have said the same."""
    last, text = None, ""
    for data in assembled.events(body):
        if data.strip() == "[DONE]":
            continue
        d = json.loads(data)
        if d["type"] in ("response.output_text.delta",
                         "response.refusal.delta"):
            text += d["delta"]
        elif d["type"] in ("response.completed", "response.incomplete"):
            last = d["response"]
    if last is None:
        return assembled.said(text)
    out = responses_whole(last)
    out["text"] = out["text"] if out["text"] == text else \
        {"pieces": text, "whole": out["text"]}
    return out


def read(client, body, stream):
    """{text, thoughts, calls, end, usage} of a whole answer's text."""
    if client == "gemini":
        return gemini_of([json.loads(x) for x in assembled.events(body)]
                         if stream else [json.loads(body)])
    of = {("chat", False): assembled.chat_whole,
          ("chat", True): assembled.chat_stream,
          ("anthropic", False): assembled.message_whole,
          ("anthropic", True): assembled.message_stream,
          ("responses", False): responses_whole,
          ("responses", True): responses_stream}[client, bool(stream)]
    return of(body if stream else json.loads(body))
