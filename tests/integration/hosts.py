# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""What Claude says on the clouds' hosts, as events and as a whole."""
import json

MESSAGES = {"model": "m", "max_tokens": 50,
            "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SAID = [
    {"type": "message_start", "message": {
        "id": "msg_bdrk_1", "type": "message", "role": "assistant",
        "model": "claude-haiku-4-5-20251001", "content": [],
        "stop_reason": None, "usage": {
            "input_tokens": 9, "cache_read_input_tokens": 3,
            "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0,
     "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0,
     "delta": {"type": "text_delta", "text": "hé"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
     "usage": {"output_tokens": 6}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 9, "outputTokenCount": 6}},
]
WHOLE = {"id": "msg_1", "type": "message", "role": "assistant",
         "model": "claude-haiku-4-5-20251001", "stop_reason": "end_turn",
         "content": [{"type": "text", "text": "hello"}],
         "usage": {"input_tokens": 9, "output_tokens": 6}}


def told(event):
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def sse(events):
    return "".join(f"event: {e['type']}\ndata: {told(e)}\n\n"
                   for e in events).encode()
