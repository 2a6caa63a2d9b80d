# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The official packages of PyPI, unchanged, and what each puts together of
an answer: said() of assembled.py, read from the SDK's own objects.

    with Clients(url) as c:           # a gateway's, or a provider's address
        c.ask("gemini", "flash", stream=True)

A dialect whose package is not installed is skipped by who needs it."""
import base64
import contextlib
import json
import socket
import subprocess

import assembled
from assembled import said
from conftest import PENSTOCK, free_port, wait_for

USER = "hello"
KINDS = ("chat", "messages", "responses", "gemini")
PACKAGES = {"chat": "openai", "messages": "anthropic", "responses": "openai",
            "gemini": "google.genai", "converse": "boto3"}
GEMINI_ENDS = {"STOP": "end", "MAX_TOKENS": "length",
               "UNEXPECTED_TOOL_CALL": "end"}
CONVERSE_ENDS = {**assembled.ENDS, "guardrail_intervened": "filter",
                 "content_filtered": "filter"}


# ---- what each one's objects say -------------------------------------------

def of_chat(got):
    return assembled.chat_whole(got.model_dump(warnings=False))


def of_message(got):
    return assembled.message_whole(got.model_dump(warnings=False))


def response_end(got):
    if got["status"] == "incomplete":
        why = (got.get("incomplete_details") or {}).get("reason")
        return "filter" if why == "content_filter" else "length"
    return "end"


def of_response(got):
    """An openai Response; a refusal is text, like everywhere here."""
    got = got.model_dump(warnings=False)
    text, thoughts, calls = "", "", []
    for item in got["output"]:
        for part in item.get("content") or []:
            if item["type"] == "message":
                text += part.get("text") or part.get("refusal") or ""
            elif item["type"] == "reasoning":
                thoughts += part.get("text") or ""
        if item["type"] == "reasoning":
            thoughts += "\n\n".join(s["text"]
                                    for s in item.get("summary") or [])
        elif item["type"] == "function_call":
            calls.append((item["name"],
                          assembled.arguments(item["arguments"])))
        elif item["type"] == "custom_tool_call":
            calls.append((item["name"], {"input": item["input"]}))
    u = got.get("usage")
    return said(text, thoughts, calls, response_end(got), u and (
        u["input_tokens"],
        (u.get("input_tokens_details") or {}).get("cached_tokens") or 0,
        u["output_tokens"]))


def gemini_usage(u):
    """Thoughts belong to the answer, what tools put in to the prompt."""
    def count(name):
        return u.get(name + "TokenCount") or 0
    return (count("prompt") + count("toolUsePrompt"), count("cachedContent"),
            count("candidates") + count("thoughts"))


def of_gemini(chunks):
    """The chunks of a stream, or the one answer in a list."""
    text, thoughts, calls, end, usage = "", "", [], None, None
    for chunk in chunks:
        d = chunk.model_dump(mode="json", by_alias=True, exclude_none=True)
        if (d.get("promptFeedback") or {}).get("blockReason"):
            end = "filter"
        usage = d.get("usageMetadata") or usage
        for c in d.get("candidates") or []:
            if c.get("index"):
                continue
            end = GEMINI_ENDS.get(c.get("finishReason"), "filter") \
                if c.get("finishReason") else end
            for part in (c.get("content") or {}).get("parts") or []:
                if part.get("functionCall"):
                    calls.append((part["functionCall"]["name"],
                                  part["functionCall"].get("args") or {}))
                elif part.get("thought"):
                    thoughts += part.get("text") or ""
                else:
                    text += part.get("text") or ""
    return said(text, thoughts, calls, end, usage and gemini_usage(usage))


def converse_usage(u):
    read = u.get("cacheReadInputTokens") or 0
    return (u["inputTokens"] + read + (u.get("cacheWriteInputTokens") or 0),
            read, u["outputTokens"])


def mine(use):
    """A call that the caller answers, and not the provider itself."""
    return use.get("type") != "server_tool_use"


def of_converse(got):
    text, thoughts, calls = "", "", []
    for b in got["output"]["message"]["content"]:
        if "text" in b:
            text += b["text"]
        elif "citationsContent" in b:
            text += "".join(p.get("text") or ""
                            for p in b["citationsContent"].get("content", []))
        elif "toolUse" in b and mine(b["toolUse"]):
            calls.append((b["toolUse"]["name"], b["toolUse"]["input"]))
        elif "reasoningContent" in b:
            thoughts += b["reasoningContent"].get(
                "reasoningText", {}).get("text", "")
    return said(text, thoughts, calls, CONVERSE_ENDS.get(got["stopReason"]),
                converse_usage(got["usage"]))


def of_converse_stream(events):
    """What botocore's parser of event streams yields, put together."""
    text, thoughts, calls, end, usage = "", "", {}, None, None
    for event in events:
        (kind, e), = event.items()
        use = e.get("start", {}).get("toolUse")
        if kind == "contentBlockStart" and use and mine(use):
            calls[e["contentBlockIndex"]] = [use["name"], ""]
        elif kind == "contentBlockDelta":
            d = e["delta"]
            text += d.get("text", "")
            thoughts += d.get("reasoningContent", {}).get("text", "")
            if "toolUse" in d and e["contentBlockIndex"] in calls:
                calls[e["contentBlockIndex"]][1] += d["toolUse"]["input"]
        elif kind == "messageStop":
            end = CONVERSE_ENDS.get(e["stopReason"])
        elif kind == "metadata":
            usage = converse_usage(e["usage"])
    return said(text, thoughts, [(n, assembled.arguments(a))
                                 for n, a in calls.values()], end, usage)


# ---- asking ----------------------------------------------------------------

class Clients:
    """Every SDK at one address, made when it is first asked."""

    def __init__(self, url, key="none"):
        self.url, self.key = url, key
        self.made, self.stack = {}, contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _client(self, kind, make):
        if kind not in self.made:
            client = make()
            self.made[kind] = client
            self.stack.callback(client.close)
        return self.made[kind]

    @property
    def openai(self):
        import openai
        return self._client("openai", lambda: openai.OpenAI(
            base_url=self.url + "/v1", api_key=self.key, max_retries=0))

    @property
    def anthropic(self):
        import anthropic
        return self._client("anthropic", lambda: anthropic.Anthropic(
            base_url=self.url, api_key=self.key, max_retries=0))

    @property
    def gemini(self):
        from google import genai
        return self._client("gemini", lambda: genai.Client(
            api_key=self.key, http_options={"base_url": self.url}))

    @property
    def bedrock(self):
        """No region's host, no credentials of the machine, no retries."""
        import boto3
        from botocore.config import Config
        return self._client("bedrock", lambda: boto3.client(
            "bedrock-runtime", endpoint_url=self.url,
            region_name="eu-west-1", aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1})))

    def ask(self, kind, model, stream, text=USER):
        """One question in a dialect; said() of the answer."""
        return getattr(self, "_" + kind)(model, stream, text)

    def _chat(self, model, stream, text):
        import openai
        ask = {"model": model, "messages": [{"role": "user",
                                             "content": text}]}
        if not stream:
            return of_chat(self.openai.chat.completions.create(**ask))
        with self.openai.chat.completions.stream(
                stream_options={"include_usage": True}, **ask) as s:
            try:
                return of_chat(s.get_final_completion())
            except (openai.LengthFinishReasonError,
                    openai.ContentFilterFinishReasonError) as e:
                return of_chat(e.completion)

    def _messages(self, model, stream, text):
        ask = {"model": model, "max_tokens": 5000,
               "messages": [{"role": "user", "content": text}]}
        if not stream:
            return of_message(self.anthropic.messages.create(**ask))
        with self.anthropic.messages.stream(**ask) as s:
            return of_message(s.get_final_message())

    def _responses(self, model, stream, text):
        if not stream:
            return of_response(self.openai.responses.create(
                model=model, input=text))
        with self.openai.responses.stream(model=model, input=text) as s:
            for event in s:
                if event.type in ("response.incomplete",
                                  "response.completed"):
                    last = event.response
            return of_response(last)

    def _gemini(self, model, stream, text):
        ask = {"model": model, "contents": text}
        if not stream:
            return of_gemini([self.gemini.models.generate_content(**ask)])
        return of_gemini(list(
            self.gemini.models.generate_content_stream(**ask)))

    def _converse(self, model, stream, text):
        ask = {"modelId": model, "messages": [
            {"role": "user", "content": [{"text": text}]}]}
        if not stream:
            return of_converse(self.bedrock.converse(**ask))
        return of_converse_stream(
            self.bedrock.converse_stream(**ask)["stream"])


def body_bytes(x):
    """A recording's body as it was on the wire."""
    r = x["response"]
    if "body_base64" in r:
        return base64.b64decode(r["body_base64"])
    body = r.get("body") or ""
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@contextlib.contextmanager
def running_mock():
    """The mock upstream as a process of its own: its URL."""
    port = free_port()
    proc = subprocess.Popen([PENSTOCK, "mock", "--listen",
                             f"127.0.0.1:{port}"],
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)

    def up():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait_for(up, why="the mock")
    yield f"http://127.0.0.1:{port}"
    proc.terminate()
    problem = proc.communicate(timeout=10)[1]
    assert b"Sanitizer" not in problem and b"runtime error" not in problem, \
        problem
