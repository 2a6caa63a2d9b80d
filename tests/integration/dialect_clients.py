# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every endpoint that a client may ask, and one upstream in the place of all
providers, which says what its path asks for: an error, a good answer, or one
that breaks off; with the limits and ids that such a provider tells."""
import time

from pair_upstream import (DIALECTS, chat_stream, gemini_stream,
                           messages_stream, response_stream, sse,
                           wants_stream)

NO = "said by the provider"
HI = [{"role": "user", "content": "hi"}]
GOOGLE = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
MODELS = "/v1beta/models/"


class Client:
    """An endpoint: whose shape its errors have, how it is asked, and the
    providers that answer it, the native one first."""

    def __init__(self, family, ask, providers, streams=(False,), field=None):
        self.family, self.ask, self.streams = family, ask, streams
        self.providers = providers
        self.field = field      # that a refusal of the body is about


def openai(path, **body):
    return lambda m, s: (path, {"model": m, **body, **(
        {"stream": True} if s else {})})


def google(method, body):
    return lambda m, s: (MODELS + m + method, body)


BOTH = (False, True)
CLIENTS = {
    "chat": Client("openai", openai("/v1/chat/completions", messages=HI),
                   ("chat", "messages"), BOTH, "messages"),
    "responses": Client("openai", openai("/v1/responses", input="hi"),
                        ("responses", "messages"), BOTH, "input"),
    "completions": Client("openai", openai("/v1/completions", prompt="hi"),
                          ("chat", "messages"), BOTH, "prompt"),
    "embeddings": Client("openai", openai("/v1/embeddings", input="hi"),
                         ("chat", "gemini"), field="input"),
    "rerank": Client("openai", openai("/v1/rerank", query="q",
                                      documents=["a"]), ("chat",)),
    "messages": Client("anthropic", openai(
        "/v1/messages", max_tokens=9, messages=HI), ("messages", "chat"),
        BOTH, "messages"),
    "count_tokens": Client("anthropic", openai(
        "/v1/messages/count_tokens", messages=HI), ("messages", "gemini"),
        field="messages"),
    "generate": Client("gemini", google(":generateContent", GOOGLE),
                       ("gemini", "chat"), field="contents"),
    "events": Client("gemini", google(
        ":streamGenerateContent?alt=sse", GOOGLE), ("gemini", "messages"),
        (True,), "contents"),
    "array": Client("gemini", google(":streamGenerateContent", GOOGLE),
                    ("gemini", "chat"), (True,), "contents"),
    "count": Client("gemini", google(":countTokens", GOOGLE),
                    ("gemini", "messages"), field="contents"),
    "embed": Client("gemini", google(":embedContent", {
        "content": {"parts": [{"text": "hi"}]}}), ("gemini", "chat"),
        field="content"),
}

# ---- the providers ---------------------------------------------------------

VENDORS = {"chat": ("openai-compatible", "/v1", "llama"),
           "responses": ("openai", "/v1", "o3-pro"),
           "messages": ("anthropic", "", "claude-sonnet-4-5"),
           "gemini": ("gemini", "", "gemini-2.5-flash")}
FAMILY = {"chat": "openai", "responses": "openai", "messages": "anthropic",
          "gemini": "gemini"}
CAUSES = (400, 401, 429, 500, 529, "good", "down")
WITHIN = ("error", "cut")       # a stream that has begun


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(time.time() + seconds))


def limits(family):
    """60 requests, none left for 90 s; 1000 tokens, 12 left for 6 s."""
    if family == "openai":
        return [("x-request-id", "up-1"), ("openai-version", "2020-10-01"),
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "1m30s"),
                ("x-ratelimit-limit-tokens", "1000"),
                ("x-ratelimit-remaining-tokens", "12"),
                ("x-ratelimit-reset-tokens", "6s")]
    if family == "anthropic":
        name = "anthropic-ratelimit-"
        return [("request-id", "up-1"),
                (name + "requests-limit", "60"),
                (name + "requests-remaining", "0"),
                (name + "requests-reset", rfc3339(90)),
                (name + "tokens-limit", "1000"),
                (name + "tokens-remaining", "12"),
                (name + "tokens-reset", rfc3339(6))]
    return [("x-request-id", "up-1")]


TYPES = {
    "openai": {400: "invalid_request_error", 401: "invalid_request_error",
               429: "requests", 500: "server_error", 529: "server_error"},
    "anthropic": {400: "invalid_request_error", 401: "authentication_error",
                  429: "rate_limit_error", 500: "api_error",
                  529: "overloaded_error"},
    "gemini": {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED",
               429: "RESOURCE_EXHAUSTED", 500: "INTERNAL",
               529: "UNAVAILABLE"},
}
RETRY = "type.googleapis.com/google.rpc.RetryInfo"


def error_of(family, status):
    kind = TYPES[family][status]
    if family == "openai":
        return {"error": {"message": NO, "type": kind, "param": None,
                          "code": "rate_limit_exceeded" if status == 429
                          else None}}
    if family == "anthropic":
        return {"type": "error", "error": {"type": kind, "message": NO},
                "request_id": "up-1"}
    return {"error": {"code": status, "message": NO, "status": kind,
                      "details": [{"@type": RETRY, "retryDelay": "7s"}]
                      if status == 429 else []}}


def completion(text, finish=None):
    return {"id": "c1", "object": "text_completion", "created": 1,
            "model": "m", "choices": [{"index": 0, "text": text,
                                       "logprobs": None,
                                       "finish_reason": finish}]}


WHOLE = {
    "/v1/completions": completion("Let me see.", "stop"),
    "/v1/embeddings": {"object": "list", "model": "m", "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1}},
    "/v1/rerank": {"results": [{"index": 0, "relevance_score": 0.5}]},
    "/v1/messages/count_tokens": {"input_tokens": 5},
    ":countTokens": {"totalTokens": 5},
    "mbedContent": {"embedding": {"values": [0.5]}},
    "mbedContents": {"embeddings": [{"values": [0.5]}]},
}
STREAMS = {"/v1/completions": lambda: sse(completion("Let me see."),
                                          completion("", "stop"), done=True),
           "/chat/completions": chat_stream, "/v1/messages": messages_stream,
           "/responses": response_stream, "enerateContent": gemini_stream}
ERRORS = {  # behind some content
    "chat": sse({"error": {"message": NO, "type": "server_error",
                           "param": None, "code": "overloaded"}})[1],
    "responses": sse({"type": "error", "code": "server_error",
                      "message": NO, "param": None,
                      "sequence_number": 3})[1],
    "messages": sse({"type": "error", "error": {
        "type": "overloaded_error", "message": NO}})[1],
    "gemini": sse({"error": {"code": 503, "message": NO,
                             "status": "UNAVAILABLE"}})[1],
}


def find(table, path):
    return next((v for k, v in table.items() if path.endswith(k)), None) or \
        next(v for k, v in table.items() if k in path)


def upstream(conn, request):
    """/provider/cause/... as its path says."""
    _, provider, cause, path = request.path.partition("?")[0].split("/", 3)
    path, family = "/" + path, FAMILY[provider]
    if cause.isdigit():
        extra = limits(family) + [("retry-after", "7")] * (family != "gemini")
        conn.answer(error_of(family, int(cause)), int(cause), extra=extra)
    elif not wants_stream(request):
        whole = next((v for k, v in WHOLE.items() if path.endswith(k)), None)
        conn.answer(whole or find(DIALECTS, path)[1](), 200,
                    extra=limits(family))
    else:
        kind, body = find(STREAMS, path)()
        if cause in WITHIN:
            body = body[:body.index(b"\n\n", body.index(b"see.")) + 2]
            body += ERRORS[provider] if cause == "error" else b""
        conn.head(200, kind, None, limits(family))
        conn.chunk(body)
        if cause == "cut":
            conn.close()
        conn.end()
