# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""AWS's own parser of event streams, in boto3, as the reference: it reads
frames as Penstock does, and refuses what Penstock refuses."""
import base64
import json

import pytest

import test_bedrock
from sdks import Clients
from upstream import SHARED, Upstream

pytest.importorskip("boto3", reason="skipped: no boto3 package")

VECTORS = SHARED / "vectors" / "aws-eventstream" / "vectors.json"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_same_as_boto3_gets(penstock, stream):
    with Upstream(test_bedrock.answer) as up:
        p = test_bedrock.serve(penstock, up)
        with Clients(f"http://127.0.0.1:{up.port}") as direct, \
                Clients(p.url) as through:
            want = direct.ask("converse", "m", stream)
            assert want["text"] == "hello" and want["usage"]
            for kind in ("chat", "messages", "responses", "gemini"):
                assert through.ask(kind, "m", stream) == want, kind


def test_errors_by_name(penstock):
    """What boto3 raises by its name, each client raises by its own."""
    import anthropic
    import openai

    def throttled(conn, request):
        test_bedrock.refuse(conn, 429, "ThrottlingException", "Slow down.")

    with Upstream(throttled) as up:
        p = test_bedrock.serve(penstock, up)
        with Clients(f"http://127.0.0.1:{up.port}") as direct, \
                Clients(p.url) as through:
            with pytest.raises(
                    direct.bedrock.exceptions.ThrottlingException):
                direct.ask("converse", "m", True)
            for kind, error in (("chat", openai.RateLimitError),
                                ("responses", openai.RateLimitError),
                                ("messages", anthropic.RateLimitError)):
                with pytest.raises(error):
                    through.ask(kind, "m", True)


def test_the_vectors_are_read_alike():
    """The decoder's unit test takes the same vectors."""
    from botocore import eventstream
    if not VECTORS.exists():
        pytest.skip("skipped: no vectors")
    found = json.loads(VECTORS.read_text())
    assert {v["expect"] for v in found} == {"success", "failure"}
    for v in found:
        buffer = eventstream.EventStreamBuffer()
        frame = base64.b64decode(v["frame_b64"])
        for i in range(len(frame)):
            buffer.add_data(frame[i:i + 1])
        if v["expect"] == "success":
            event = next(iter(buffer))
            assert event.payload == base64.b64decode(v["payload_b64"])
            assert sorted(event.headers) == sorted(
                h["name"] for h in v["headers"])
        else:
            with pytest.raises((eventstream.ParserError, StopIteration)):
                next(iter(buffer))
