# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Anthropic's message batches and files: to the account that is its own, as
they are, with errors in its shape."""
import anthropic
import pytest

from test_passthrough import FILES, start
from upstream import Upstream

CLAUDE = """
provider "claude" {{ vendor = "anthropic-compatible", base_url = "{url}",
                     keys = {{ env("UNSET", "sk-claude") }} }}
endpoint "batches" {{ provider = "up", anthropic_provider = "claude" }}
endpoint "files" {{ provider = "up", anthropic_provider = "claude" }}
"""
MADE = {"id": "msgbatch_1", "type": "message_batch", "ended_at": None,
        "processing_status": "in_progress", "results_url": None,
        "created_at": "2026-01-01T00:00:00Z", "archived_at": None,
        "expires_at": "2026-01-02T00:00:00Z", "cancel_initiated_at": None,
        "request_counts": {"canceled": 0, "errored": 0, "expired": 0,
                           "processing": 1, "succeeded": 0}}
LINES = b'{"custom_id":"a","result":{"type":"canceled"}}\n' * 3


def test_anthropics_batches_and_files_by_the_sdk(penstock):
    def serve(conn, r):
        path = r.path.split("?")[0]
        if path.endswith("/gone"):
            conn.answer({"type": "error", "error": {
                "type": "not_found_error", "message": "no such batch"}}, 404)
        elif path.endswith("/results"):
            conn.answer(LINES, ctype="application/x-jsonl")
        elif path.startswith("/v1/files"):
            conn.answer({"data": [], "has_more": False})
        elif r.method == "DELETE":
            conn.answer({"id": "msgbatch_1", "type": "message_batch_deleted"})
        elif r.method == "GET" and path.endswith("/batches"):
            conn.answer({"data": [MADE], "has_more": False,
                         "first_id": "msgbatch_1", "last_id": "msgbatch_1"})
        else:
            conn.answer(MADE)

    with Upstream(serve) as up, \
            Upstream(lambda conn, _: conn.answer({"data": []})) as other:
        p = start(penstock, other,
                  CLAUDE.format(url=up.url.removesuffix("/v1")))
        c = anthropic.Anthropic(base_url=p.url, api_key="none", max_retries=0)
        b = c.messages.batches
        said = {"custom_id": "a", "params": {
            "model": "claude-x", "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}]}}
        assert b.create(requests=[said]).id == "msgbatch_1"
        assert b.retrieve("msgbatch_1").processing_status == "in_progress"
        assert [x.id for x in b.list(limit=3)] == ["msgbatch_1"]
        assert b.cancel("msgbatch_1").id == "msgbatch_1"
        assert b.delete("msgbatch_1").type == "message_batch_deleted"
        assert p.get("/v1/messages/batches/msgbatch_1/results").body == LINES
        with pytest.raises(anthropic.NotFoundError, match="no such batch"):
            b.retrieve("gone")
        assert c.beta.files.list(betas=["x-1"]).data == []
        asked = [(r.method, r.path.split("?")[0]) for r in up.requests]
        at = "/v1/messages/batches"
        assert asked == [
            ("POST", at), ("GET", at + "/msgbatch_1"), ("GET", at),
            ("POST", at + "/msgbatch_1/cancel"),
            ("DELETE", at + "/msgbatch_1"),
            ("GET", at + "/msgbatch_1/results"), ("GET", at + "/gone"),
            ("GET", "/v1/files")]
        assert up.requests[0].json() == {"requests": [said]}
        assert {r.header("x-api-key") for r in up.requests} == {"sk-claude"}
        assert "x-1" in up.requests[-1].header("anthropic-beta")
        assert all(r.header("anthropic-version") for r in up.requests)
        p.get("/v1/files")
        p.get("/v1/batches")
        assert len(other.requests) == 2 and len(up.requests) == 8


def test_anthropics_clients_read_its_errors(penstock):
    """Whether nobody serves a path, or somebody who has no such thing."""
    version = {"anthropic-version": "2023-06-01"}
    with Upstream(lambda conn, _: conn.answer({})) as up:
        p = start(penstock, up, FILES)
        for path in ("/v1/messages/batches", "/v1/files/x"):
            r = p.request("GET", path, None, version)
            assert r.status in (400, 404)
            assert r.json()["type"] == "error" and r.json()["request_id"]
        assert not up.requests
