# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What a client's own SDK looks at beside the answer: each endpoint, streamed
and not, natively and translated. The gateway's own refusals and a provider's
errors, before an answer and within a stream: the status, the body in the shape
of the client's dialect, the limits as that dialect tells them, and the id of
the request."""
import calendar
import hashlib
import http.client
import json
import socket
import time

import pytest

from conftest import Instance
from dialect_clients import (CAUSES, CLIENTS, ERRORS, FAMILY, NO, RETRY,
                             VENDORS, WITHIN, error_of, upstream)
from upstream import Upstream

KEYS = {who: f"sk-ps-{who}" for who in ("ok", "narrow", "poor", "nobody")}
CELLS = [(c, s) for c, x in CLIENTS.items() for s in x.streams]
IDS = [c + (" stream" if s else "") for c, s in CELLS]


def named(client, stream, provider, cause):
    return f"{client}-{'s' if stream else 'w'}-{provider}-{cause}"


@pytest.fixture(scope="module")
def gateway():
    """A provider and a model for each cell: what failed rests."""
    conf = ('listen "127.0.0.1:0" { anonymous = "none" }\n'
            "defaults { retries = { attempts = 1 } }\n")
    with Upstream(upstream) as up, socket.socket() as down:
        down.bind(("127.0.0.1", 0))     # and never listens
        for c, s in CELLS:
            for provider in CLIENTS[c].providers:
                vendor, suffix, model = VENDORS[provider]
                for cause in CAUSES + WITHIN * s:
                    n = named(c, s, provider, cause)
                    port = down.getsockname()[1] if cause == "down" \
                        else up.port
                    url = f"http://127.0.0.1:{port}/{provider}/{cause}" \
                        + suffix
                    conf += (f'provider "{n}" {{ vendor = "{vendor}", '
                             f'base_url = "{url}", '
                             'keys = { env("UNSET", "k") } }\n'
                             f'model "{n}" {{ "{n}/{model}" }}\n')
        for who, more in (("ok", ""), ("narrow", 'models = { "none" }'),
                          ("poor", 'limits = { requests = "1/day", '
                                   'tokens = "90k/min" }')):
            sha = hashlib.sha256(KEYS[who].encode()).hexdigest()
            conf += f'key "{who}" {{ sha256 = "{sha}", {more} }}\n'
        p = Instance(conf + 'policies { "auth", "limits", "route" }\n')
        try:
            p.wait_ready(30)
            ask(p, CLIENTS["chat"], "nobody", False, "poor")
            yield p
        finally:
            said = p.close()
        assert said is None and not up.errors


FIELDS = {"openai": "authorization", "anthropic": "x-api-key",
          "gemini": "x-goog-api-key"}
ID = {"openai": "x-request-id", "anthropic": "request-id",
      "gemini": "x-request-id"}


def ask(p, client, model, stream, who="ok", **edit):
    """The answer; .body is what came, .clean whether it ended well."""
    path, body = client.ask(model, stream)
    secret = ("Bearer " if client.family == "openai" else "") + KEYS[who]
    return send(p, client.family, "POST", path, {**body, **edit}, secret)


def send(p, family, method, path, body, secret):
    head = {"content-type": "application/json", FIELDS[family]: secret}
    if family == "anthropic":
        head["anthropic-version"] = "2023-06-01"
    c = p.connect(30)
    try:
        c.request(method, path, body and json.dumps(body), head)
        a = c.getresponse()
        a.fields = {k.lower(): v for k, v in a.getheaders()}
        a.clean = True
        try:
            a.text = a.read().decode()
        except http.client.IncompleteRead as e:
            a.text, a.clean = e.partial.decode(), False
        return a
    finally:
        c.close()


# ---- what must be there ----------------------------------------------------

OWN = {  # status and type for each family, code, side
    "fields": ((400, "invalid_request_error"), (400, "invalid_request_error"),
               (400, "INVALID_ARGUMENT"), "invalid_request", "client"),
    "key": ((401, "invalid_request_error"), (401, "authentication_error"),
            (401, "UNAUTHENTICATED"), "invalid_api_key", "client"),
    "allowed": ((403, "invalid_request_error"), (403, "permission_error"),
                (403, "PERMISSION_DENIED"), "model_not_allowed", "client"),
    "model": ((404, "invalid_request_error"), (404, "not_found_error"),
              (404, "NOT_FOUND"), "model_not_found", "client"),
    "limit": ((429, "rate_limit_error"), (429, "rate_limit_error"),
              (429, "RESOURCE_EXHAUSTED"), "rate_limited", "client"),
}
THEIRS = {  # the same of a provider's, translated
    400: (*OWN["fields"][:3], "invalid_request", "client"),
    401: ((502, "server_error"), (502, "api_error"), (502, "INTERNAL"),
          "provider_auth", "provider"),
    429: (*OWN["limit"][:3], "rate_limited", "provider"),
    500: ((502, "server_error"), (502, "api_error"), (502, "UNAVAILABLE"),
          "upstream_error", "provider"),
    "down": ((502, "server_error"), (502, "api_error"), (502, "UNAVAILABLE"),
             "upstream_error", "provider"),
    529: ((503, "server_error"), (529, "overloaded_error"),
          (503, "UNAVAILABLE"), "no_target", "provider"),
}
ORDER = ("openai", "anthropic", "gemini")


def error_in(family, whole):
    """type, code, message of an error in that family's shape, exactly."""
    e = whole["error"]
    if family == "openai":
        assert set(whole) == {"error"}
        assert set(e) == {"message", "type", "param", "code"}
        return e["type"], e["code"], e["message"]
    if family == "anthropic":
        assert whole["type"] == "error"
        assert set(whole) == {"type", "error", "request_id"}
        assert set(e) == {"type", "message"}
        return e["type"], None, e["message"]
    assert set(whole) == {"error"}
    assert set(e) == {"code", "message", "status", "details"}
    info = e["details"][0]
    assert info["@type"].endswith("ErrorInfo") and info["domain"]
    return e["status"], info["reason"], e["message"]


def check_id(family, a, upstream=None):
    """One id, under the dialect's own name alone."""
    mine = a.fields[ID[family]]
    assert mine.startswith("req_")
    assert not {"x-request-id", "request-id"} - {ID[family]} & set(a.fields)
    assert a.fields.get("x-penstock-upstream-request-id") == upstream
    return mine


def check_refusal(client, a, row, upstream=None):
    family = CLIENTS[client].family
    status, kind = row[ORDER.index(family)]
    assert a.status == status, (a.status, a.text)
    assert a.fields["content-type"].startswith("application/json")
    mine, whole = check_id(family, a, upstream), json.loads(a.text)
    if client == "array":       # what its clients read is a list, always
        assert len(whole) == 1
        whole = whole[0]
    got, code, message = error_in(family, whole)
    assert (got, code) == (kind, None if family == "anthropic" else row[3])
    assert a.fields["x-penstock-error"] == f"{row[3]}; side={row[4]}"
    assert message
    if family == "anthropic":
        assert whole["request_id"] == mine
    if family == "gemini":
        assert whole["error"]["code"] == status
        assert [d["requestId"] for d in whole["error"]["details"]
                if d["@type"].endswith("RequestInfo")] == [mine]
    return whole, message


def reset_s(family, text):
    """Seconds until a reset, in either family's words."""
    if family == "anthropic":
        at = time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
        return calendar.timegm(at) - time.time()
    units = {"h": 3600, "m": 60, "s": 1}
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    total, number = 0, ""
    for c in text:
        if c in units:
            total, number = total + units[c] * float(number), ""
        else:
            number += c
    return total


def limit_name(family, of, what):
    return f"anthropic-ratelimit-{of}-{what}" if family == "anthropic" else \
        f"x-ratelimit-{what}-{of}"


def check_limits(family, a, want):
    """want: {of: (limit, remaining, seconds to the reset)}; no others."""
    names = set()
    for of, (limit, left, seconds) in want.items():
        at = [limit_name(family, of, x) for x in ("limit", "remaining",
                                                  "reset")]
        names |= set(at)
        got = [a.fields.get(n) for n in at]
        assert got[:2] == [str(limit), str(left)], (at, got)
        assert abs(reset_s(family, got[2]) - seconds) < 30, (at, got)
    assert {n for n in a.fields if "ratelimit" in n} == names


def retry_info(whole):
    return [d["retryDelay"] for d in whole["error"]["details"]
            if d["@type"] == RETRY]


# ---- the gateway's own -----------------------------------------------------

@pytest.mark.parametrize("client,stream", CELLS, ids=IDS)
def test_own_refusals(gateway, client, stream):
    c = CLIENTS[client]
    model = named(client, stream, c.providers[0], "good")

    def refused(name, model=model, who="ok", **edit):
        a = ask(gateway, c, model, stream, who, **edit)
        whole = check_refusal(client, a, OWN[name])[0]
        if name != "limit":
            check_limits(c.family, a, {})
        return a, whole

    if c.field:
        _, whole = refused("fields", **{c.field: 7})
        if c.family == "openai":
            assert whole["error"]["param"] == c.field
    refused("key", who="nobody")
    refused("allowed", who="narrow")
    refused("model", "no-such-model")
    ask(gateway, c, model, stream, "poor")
    a, whole = refused("limit", who="poor")
    assert 86000 < int(a.fields["retry-after"]) <= 86400
    assert a.fields["x-should-retry"] == "false"    # nobody waits so long
    want = {"requests": (1, 0, 86400)}
    if not client.startswith("count"):      # which uses no tokens
        want["tokens"] = (90000, 90000, 0)
    check_limits(c.family, a, want)
    if c.family == "gemini":
        assert 86000 < float(retry_info(whole)[0][:-1]) <= 86400


@pytest.mark.parametrize("family,path", [
    ("openai", "/v1/models"), ("openai", "/v1/models/no-such-model"),
    ("anthropic", "/v1/models"), ("anthropic", "/v1/models/no-such-model"),
    ("gemini", "/v1beta/models"), ("gemini", "/v1beta/models/no-such-model")])
def test_models(gateway, family, path):
    bearer = "Bearer " if family == "openai" else ""
    client = {"openai": "chat", "anthropic": "messages",
              "gemini": "generate"}[family]
    a = send(gateway, family, "GET", path, None, bearer + KEYS["nobody"])
    check_refusal(client, a, OWN["key"])
    a = send(gateway, family, "GET", path, None, bearer + KEYS["ok"])
    if path.endswith("models"):
        assert a.status == 200 and check_id(family, a)
        assert set(json.loads(a.text)) >= {
            "models" if family == "gemini" else "data"}
    else:
        check_refusal(client, a, OWN["model"])


# ---- the provider's --------------------------------------------------------

def check_native(client, provider, cause, a):
    """Its own words, byte for byte, and its own fields."""
    family = CLIENTS[client].family
    want = error_of(family, cause)
    assert a.status == cause
    assert json.loads(a.text) == ([want] if client == "array" else want)
    check_id(family, a, "up-1")
    code, side = THEIRS[cause][3:]
    assert a.fields["x-penstock-error"] == f"{code}; side={side}"


@pytest.mark.parametrize("client,stream", CELLS, ids=IDS)
def test_nobody_answers(gateway, client, stream):
    for provider in CLIENTS[client].providers:
        model = named(client, stream, provider, "down")
        a = ask(gateway, CLIENTS[client], model, stream)
        check_refusal(client, a, THEIRS["down"])
        check_limits(CLIENTS[client].family, a, {})


@pytest.mark.parametrize("cause", [x for x in THEIRS if x != "down"])
@pytest.mark.parametrize("client,stream", CELLS, ids=IDS)
def test_providers_refusals(gateway, client, stream, cause):
    c = CLIENTS[client]
    for i, provider in enumerate(c.providers):
        a = ask(gateway, c, named(client, stream, provider, cause), stream)
        tells = FAMILY[provider] != "gemini"    # its limits, in fields
        if i == 0 and cause != 401:
            check_native(client, provider, cause, a)
        else:
            whole, said = check_refusal(client, a, THEIRS[cause], "up-1")
            assert (said == NO) == (cause == 400)
            if c.family == "gemini":
                assert retry_info(whole) == (
                    ["7.000s"] if tells or cause == 429 else [])
        assert a.fields.get("retry-after") == (
            "7" if tells or cause == 429 else None)
        if cause != 401:    # what our credential may do is not the client's
            check_limits(c.family, a, LIMITS if tells else {})


LIMITS = {"requests": (60, 0, 90), "tokens": (1000, 12, 6)}


@pytest.mark.parametrize("client,stream", CELLS, ids=IDS)
def test_good_answers(gateway, client, stream):
    c = CLIENTS[client]
    for i, provider in enumerate(c.providers):
        a = ask(gateway, c, named(client, stream, provider, "good"), stream)
        assert a.status == 200 and a.clean, a.text
        check_id(c.family, a, "up-1")
        assert "x-penstock-error" not in a.fields
        check_limits(c.family, a, LIMITS if FAMILY[provider] != "gemini"
                     else {})
        assert ("openai-version" in a.fields) == (
            i == 0 and c.family == "openai")


# ---- within a stream -------------------------------------------------------

def last_error(client, text):
    """The error that a stream ends with, as its client reads it."""
    if client == "array":
        events = json.loads(text.rstrip().removesuffix("]") + "]")
        return None, events[-1], events[:-1]
    parts = [p for p in text.replace("\r\n", "\n").split("\n\n") if p]
    events = []
    for part in parts:
        lines = dict(x.split(": ", 1) for x in part.split("\n") if x[0] != ":")
        if "data" in lines:
            assert lines["data"] != "[DONE]"
            events.append((lines.get("event"), json.loads(lines["data"])))
    return *events[-1], [e for _, e in events[:-1]]


BROKEN = {"openai": ("server_error",), "error": ("error",),
          "anthropic": ("api_error", "overloaded_error"),
          "gemini": ("UNAVAILABLE",)}


@pytest.mark.parametrize("cause", WITHIN)
@pytest.mark.parametrize("client", [c for c, s in CELLS if s])
def test_within_a_stream(gateway, client, cause):
    c = CLIENTS[client]
    for provider in c.providers:
        a = ask(gateway, c, named(client, True, provider, cause), True)
        assert a.status == 200
        mine = check_id(c.family, a, "up-1")
        name, error, before = last_error(client, a.text)
        assert "see." in json.dumps(before)
        assert not a.clean      # nobody takes that for an end
        assert name == ("error" if client in ("messages", "responses")
                        else None)
        native = provider == c.providers[0] and cause == "error"
        if native:
            assert error == last_error("", ERRORS[provider].decode())[1]
            continue
        if client == "responses":
            assert set(error) == {"type", "code", "message", "param",
                                  "sequence_number"}
            kind, code, said = error["type"], error["code"], error["message"]
        else:
            kind, code, said = error_in(c.family, error)
        assert kind in BROKEN["error" if client == "responses" else c.family]
        assert code in (None, "upstream_error", "no_target")
        assert (NO in said) == (cause == "error") and said
        assert c.family != "anthropic" or error["request_id"] == mine
