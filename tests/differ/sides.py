# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""The two gateways: the same client's request through each, to one upstream
on loopback. A side gives what it sent there, and the client's raw answer."""
import asyncio
import base64
import copy
import dataclasses
import http.client
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..",
                                "integration"))
from conftest import Instance       # noqa: E402
from upstream import Upstream, recordings    # noqa: E402,F401

SHOW = {"capabilities": ["completion", "tools", "thinking", "vision"],
        "model_info": {}, "template": "{{ .Tools }}"}


@dataclasses.dataclass(frozen=True)
class Provider:
    """A provider, as either side's configuration names it. Models: one that
    does not reason, and one for requests that ask for it."""
    penstock: str               # the members of its block
    models: tuple
    litellm: tuple              # the same models by LiteLLM's names
    base: str                   # of LiteLLM's api_base, behind the host
    apis: tuple                 # of recordings: whole, streamed


CHATS = ("openai.chat", "groq.chat", "deepseek.chat", "openrouter.chat",
         "azure.chat", "xai.chat", "together.chat", "vllm.chat",
         "huggingface.chat", "cerebras.chat", "perplexity.chat", "zai.chat",
         "ollama.openai.chat", "llamacpp.chat", "vercel.chat")
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROVIDERS = {
    "chat": Provider(
        'vendor = "openai-compatible", base_url = "{url}/v1"',
        ("gpt-4.1", "gpt-5-mini"), ("openai/gpt-4.1", "openai/gpt-5-mini"),
        "/v1", CHATS),
    "responses": Provider(
        'vendor = "openai", base_url = "{url}/v1",'
        ' quirks = {{ responses_only = {{ "*" }} }}',
        ("gpt-4.1", "gpt-5-mini"),
        ("openai/responses/gpt-4.1", "openai/responses/gpt-5-mini"), "/v1",
        ("openai.responses", "xai.responses", "azure.responses",
         "deepseek.responses")),
    "anthropic": Provider(
        'vendor = "anthropic", base_url = "{url}"',
        ("claude-haiku-4-5", "claude-sonnet-4-5"),
        ("anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-5"), "",
        ("anthropic.messages",)),
    "gemini": Provider(
        'vendor = "gemini", base_url = "{url}"',
        ("gemini-2.5-flash", "gemini-2.5-pro"),
        ("gemini/gemini-2.5-flash", "gemini/gemini-2.5-pro"), "",
        ("gemini.generateContent", "gemini.streamGenerateContent",
         "vertex.generateContent", "vertex.streamGenerateContent")),
    "bedrock": Provider(
        'plugin = "bedrock", base_url = "{url}",'
        ' settings = {{ region = "us-east-1" }}',
        (CLAUDE, CLAUDE), ("bedrock/converse/" + CLAUDE,) * 2, "",
        ("bedrock.converse", "bedrock.converse-stream")),
    "cohere": Provider(
        'vendor = "cohere", base_url = "{url}"',
        ("command-a-03-2025", "command-a-reasoning-08-2025"),
        ("cohere_chat/command-a-03-2025",
         "cohere_chat/command-a-reasoning-08-2025"), "/v2/chat",
        ("cohere.chat_v2",)),
    "mistral": Provider(
        'vendor = "mistral", base_url = "{url}/v1"',
        ("mistral-large-latest", "magistral-medium-latest"),
        ("mistral/mistral-large-latest", "mistral/magistral-medium-latest"),
        "/v1", ("mistral.chat",)),
    "ollama": Provider(
        'vendor = "ollama-native", base_url = "{url}"',
        ("llama3.1", "qwen3"), ("ollama_chat/llama3.1", "ollama_chat/qwen3"),
        "", ("ollama.chat",)),
}
# recordings whose requests are a client dialect's
CLIENTS = {"chat": CHATS, "anthropic": ("anthropic.messages",),
           "responses": ("openai.responses", "xai.responses",
                         "azure.responses", "deepseek.responses"),
           "gemini": ("gemini.generateContent",
                      "gemini.streamGenerateContent",
                      "vertex.generateContent",
                      "vertex.streamGenerateContent")}
# Claude takes Anthropic's own requests on Bedrock, too
NATIVE = {("chat", "chat"), ("anthropic", "anthropic"),
          ("anthropic", "bedrock"), ("responses", "responses"),
          ("gemini", "gemini")}


class Replay(Upstream):
    """Answers each request with the recording at hand; what it was sent is
    kept until taken."""

    def __init__(self):
        super().__init__(self._answer)
        self.x = None

    def _answer(self, conn, request):
        if request.method != "POST" or request.path.endswith("/api/show"):
            self.requests.pop()     # LiteLLM asks what a model can
            conn.answer(SHOW)
            return
        r = self.x["response"]
        body = r.get("body")
        if r.get("body_base64"):
            body = base64.b64decode(r["body_base64"])
        elif not isinstance(body, str):
            body = json.dumps(body)
        ctype = next((v for k, v in r["headers"].items()
                      if k.lower() == "content-type"), "application/json")
        conn.answer(body, r["status"], ctype)

    def take(self):
        """The body that came, and its path; (None, None) if none did."""
        got, self.requests = self.requests, []
        if not got:
            return None, None
        return got[-1].json(), got[-1].path


def result(status, body, sent, path):
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    return {"status": status, "body": body, "sent": sent, "path": path}


class Penstock:
    """A `penstock serve` with all providers; keys and limits are none."""
    PATHS = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages",
             "responses": "/v1/responses"}

    def __init__(self, up):
        self.up = up
        url = up.url.removesuffix("/v1")
        conf = 'server { workers = 1 }\nlisten "127.0.0.1:0"\n'
        for name, p in PROVIDERS.items():
            key = "id:secret" if name == "bedrock" else "k"
            conf += (f'provider "{name}" {{ {p.penstock.format(url=url)},'
                     f' keys = {{ env("UNSET", "{key}") }},'
                     ' retries = { attempts = 1 } }\n')
            for i, model in enumerate(p.models):
                conf += f'model "{name}-{i}" {{ "{name}/{model}" }}\n'
        self.gateway = Instance(conf)
        self.gateway.wait_ready()
        self.connection = self.gateway.connect(30)

    def ask(self, client, provider, job):
        body = copy.deepcopy(job.body)
        model = f"{provider}-{int(job.reasons)}"
        if client == "gemini":
            body.pop("model", None)
            path = f"/v1beta/models/{model}:" + (
                "streamGenerateContent?alt=sse" if job.stream
                else "generateContent")
        else:
            path = self.PATHS[client]
            body["model"] = model
        status, text = self._post(path, json.dumps(body))
        return result(status, text, *self.up.take())

    def _post(self, path, body):
        for _ in range(2):          # once more on a connection that ended
            try:
                self.connection.request("POST", path, body, {
                    "content-type": "application/json",
                    "anthropic-version": "2023-06-01"})
                r = self.connection.getresponse()
                return r.status, r.read()
            except http.client.IncompleteRead as e:
                self.connection.close()
                return r.status, e.partial
            except (http.client.RemoteDisconnected, BrokenPipeError):
                self.connection.close()
        raise RuntimeError("penstock closed the connection twice")

    def close(self):
        self.connection.close()
        said = self.gateway.close()
        if said:
            raise RuntimeError(said)


def jsonable(x):
    """What a client would get of one of LiteLLM's objects."""
    if hasattr(x, "model_dump"):
        return x.model_dump(mode="json", exclude_none=True)
    return x


class LiteLLM:
    """The library, without retries; what it cannot say it may leave out, as
    Penstock does by default."""

    def __init__(self, up):
        import litellm
        litellm.drop_params = True
        litellm.telemetry = False
        litellm.suppress_debug_info = True
        litellm.num_retries = 0
        litellm.use_chat_completions_url_for_anthropic_messages = True
        self.litellm, self.up = litellm, up
        self.url = up.url.removesuffix("/v1")
        self.loop = asyncio.new_event_loop()

    def ask(self, client, provider, job):
        return self.loop.run_until_complete(
            asyncio.wait_for(self._ask(client, provider, job), 30))

    async def _ask(self, client, provider, job):
        p = PROVIDERS[provider]
        where = {"model": p.litellm[job.reasons], "api_key": "k",
                 "api_base": self.url + p.base, "max_retries": 0}
        if provider == "bedrock":
            del where["api_base"], where["api_key"]
            where.update(aws_bedrock_runtime_endpoint=self.url,
                         aws_access_key_id="id", aws_region_name="us-east-1",
                         aws_secret_access_key="secret")
        self.litellm.use_chat_completions_url_for_anthropic_messages = \
            provider != "responses"
        try:
            body = await getattr(self, "_" + client)(
                copy.deepcopy(job.body), where, job.stream)
        except Exception as e:      # each error of the library is an answer
            status = getattr(e, "status_code", 500)
            return result(status, f"{type(e).__name__}: {e}",
                          *self.up.take())
        return result(200, body, *self.up.take())

    async def _chat(self, body, where, stream):
        got = await self.litellm.acompletion(**{**body, **where})
        return await self._text(got, stream)

    async def _anthropic(self, body, where, stream):
        got = await self.litellm.anthropic.messages.acreate(
            **{**body, **where})
        return await self._text(got, stream)

    async def _responses(self, body, where, stream):
        where["model"] = where["model"].replace("/responses/", "/")
        got = await self.litellm.aresponses(
            **{**body, **where}, use_chat_completions_api=True)
        return await self._text(got, stream)

    async def _gemini(self, body, where, stream):
        body.pop("model", None)
        config = body.pop("generationConfig", None)
        call = self.litellm.google_genai.agenerate_content_stream if stream \
            else self.litellm.google_genai.agenerate_content
        got = await call(**{**body, **where},
                         **({"config": config} if config else {}))
        return await self._text(got, stream)

    async def _text(self, got, stream):
        """The bytes that LiteLLM's own proxy would write of it."""
        if not stream:
            return json.dumps(jsonable(got))
        out = ""
        async for x in got:
            if isinstance(x, bytes):
                out += x.decode()
            elif isinstance(x, str):
                out += x
            else:
                out += "data: " + json.dumps(jsonable(x)) + "\n\n"
        return out

    def close(self):
        self.loop.close()
