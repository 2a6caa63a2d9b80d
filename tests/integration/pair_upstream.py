# SPDX-License-Identifier: Apache-2.0
# Copyright The Penstock Authors
"""Every chat provider at once, for stories: one upstream that knows by the
path in whose dialect it is asked. It asks for the tool `weather` in a stream
until it is given what the tool said; then it answers in words."""
import json

from test_bedrock import delta as converse_delta, frame

SAID = "Let me see."
ARGS = ('{"city": ', '"Par\\u00eds"}')
CITY = {"city": "Par\u00eds"}
REPLY = "It is sunny."
NO = "your ask is odd"
TOKENS = (11, 7)


def sse(*events, done=False):
    out = b": hello\n\n" + b"".join(
        (b"event: %s\n" % e["type"].encode() if "type" in e else b"") +
        b"data: %s\n\n: still here\n\n" % json.dumps(e).encode()
        for e in events)
    return "text/event-stream", out + (b"data: [DONE]\n\n" if done else b"")


def chat_whole():
    return {"id": "c1", "object": "chat.completion", "created": 1,
            "model": "m", "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": REPLY}}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7,
                      "total_tokens": 18}}


def chat_stream():
    def chunk(delta, finish=None, **kw):
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1,
                "model": "m", "choices": [{"index": 0, "delta": delta,
                                           "finish_reason": finish}], **kw}

    def call(**kw):
        return chunk({"tool_calls": [{"index": 0, **kw}]})

    return sse(chunk({"role": "assistant", "content": ""}),
               chunk({"content": SAID[:4]}), chunk({"content": SAID[4:]}),
               call(id="callabc12", type="function",
                    function={"name": "weather", "arguments": ""}),
               *(call(function={"arguments": a}) for a in ARGS),
               chunk({}, "tool_calls", usage=chat_whole()["usage"]),
               done=True)


def messages_whole():
    return {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "content": [{"type": "text", "text": REPLY}],
            "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 11, "output_tokens": 7}}


def messages_stream():
    def at(index, kind, **kw):
        return {"type": f"content_block_{kind}", "index": index, **kw}

    begun = {**messages_whole(), "content": [], "stop_reason": None,
             "usage": {"input_tokens": 11, "output_tokens": 1}}
    use = {"type": "tool_use", "id": "toolu_1", "name": "weather",
           "input": {}}
    return sse({"type": "message_start", "message": begun},
               at(0, "start", content_block={"type": "text", "text": ""}),
               at(0, "delta", delta={"type": "text_delta", "text": SAID}),
               at(0, "stop"), at(1, "start", content_block=use),
               *(at(1, "delta", delta={"type": "input_json_delta",
                                       "partial_json": a}) for a in ARGS),
               at(1, "stop"),
               {"type": "message_delta", "usage": {"output_tokens": 7},
                "delta": {"stop_reason": "tool_use"}},
               {"type": "message_stop"})


def gemini(*parts, finish=None):
    c = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        c["finishReason"] = finish
    return {"candidates": [c], "modelVersion": "m", "responseId": "r",
            "usageMetadata": {"promptTokenCount": 11,
                              "candidatesTokenCount": 7,
                              "totalTokenCount": 18}}


def gemini_stream():
    return sse(gemini({"text": SAID}),
               gemini({"functionCall": {"name": "weather", "args": CITY},
                       "thoughtSignature": "c2ln"}),
               gemini({"text": ""}, finish="STOP"))


def response(status, output, **kw):
    return {"id": "resp_1", "object": "response", "created_at": 1,
            "status": status, "model": "m", "output": output, "error": None,
            "incomplete_details": None, **kw}


def response_text(text):
    return {"id": "msg_1", "type": "message", "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": text,
                         "annotations": []}]}


def response_whole():
    return response("completed", [response_text(REPLY)],
                    usage={"input_tokens": 11, "output_tokens": 7,
                           "total_tokens": 18})


def response_stream():
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1",
            "name": "weather", "arguments": "", "status": "in_progress"}
    full = {**call, "arguments": "".join(ARGS), "status": "completed"}
    at = {"item_id": "fc_1", "output_index": 1}
    return sse({"type": "response.created",
                "response": response("in_progress", [])},
               {"type": "response.output_text.delta", "output_index": 0,
                "content_index": 0, "item_id": "msg_1", "delta": SAID},
               {"type": "response.output_item.done", "output_index": 0,
                "item": response_text(SAID)},
               {"type": "response.output_item.added", "output_index": 1,
                "item": call},
               *({"type": "response.function_call_arguments.delta", **at,
                  "delta": a} for a in ARGS),
               {"type": "response.output_item.done", "output_index": 1,
                "item": full},
               {"type": "response.completed", "response": {
                   **response_whole(),
                   "output": [response_text(SAID), full]}})


USED = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}


def converse_whole():
    return {"output": {"message": {"role": "assistant",
                                   "content": [{"text": REPLY}]}},
            "stopReason": "end_turn", "usage": USED}


def converse_stream():
    frames = [
        frame("messageStart", {"role": "assistant"}),
        converse_delta(0, text=SAID),
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        frame("contentBlockStart", {"contentBlockIndex": 1, "start": {
            "toolUse": {"toolUseId": "t1", "name": "weather"}}}),
        *(converse_delta(1, toolUse={"input": a}) for a in ARGS),
        frame("contentBlockStop", {"contentBlockIndex": 1}),
        frame("messageStop", {"stopReason": "tool_use"}),
        frame("metadata", {"usage": USED})]
    return "application/vnd.amazon.eventstream", b"".join(frames)


COHERE_USED = {"tokens": {"input_tokens": 11, "output_tokens": 7}}


def cohere_whole():
    return {"id": "i", "finish_reason": "COMPLETE", "usage": COHERE_USED,
            "message": {"role": "assistant",
                        "content": [{"type": "text", "text": REPLY}]}}


def cohere_stream():
    def piece(kind, index, **message):
        return {"type": kind, "index": index, "delta": {"message": message}}

    return sse({"type": "message-start", "id": "i",
                "delta": {"message": {"role": "assistant"}}},
               piece("content-start", 0,
                     content={"type": "text", "text": ""}),
               piece("content-delta", 0, content={"text": SAID}),
               {"type": "content-end", "index": 0},
               piece("tool-call-start", 1, tool_calls={
                   "id": "t1", "type": "function",
                   "function": {"name": "weather", "arguments": ""}}),
               *(piece("tool-call-delta", 1, tool_calls={
                   "function": {"arguments": a}}) for a in ARGS),
               {"type": "tool-call-end", "index": 1},
               {"type": "message-end", "delta": {
                   "finish_reason": "TOOL_CALL", "usage": COHERE_USED}})


def ollama(done=False, **message):
    x = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": done,
         "message": {"role": "assistant", "content": "", **message}}
    if done:
        x |= {"done_reason": "stop", "prompt_eval_count": 11,
              "eval_count": 7}
    return x


def ollama_stream():
    call = {"function": {"name": "weather", "arguments": CITY}}
    return "application/x-ndjson", b"".join(
        json.dumps(x).encode() + b"\n" for x in (
            ollama(content=SAID), ollama(tool_calls=[call]),
            ollama(done=True)))


# by the path: the stream, the whole answer, an error
DIALECTS = {
    "/chat/completions": (chat_stream, chat_whole, {
        "error": {"message": NO, "type": "invalid_request_error",
                  "param": None, "code": None}}),
    "/v1/messages": (messages_stream, messages_whole, {
        "type": "error", "error": {"type": "invalid_request_error",
                                   "message": NO}}),
    "enerateContent": (gemini_stream,
                       lambda: gemini({"text": REPLY}, finish="STOP"), {
                           "error": {"code": 400, "message": NO,
                                     "status": "INVALID_ARGUMENT"}}),
    "/responses": (response_stream, response_whole, {
        "error": {"message": NO, "type": "invalid_request_error",
                  "param": None, "code": None}}),
    "/converse": (converse_stream, converse_whole, {"message": NO}),
    "/v2/chat": (cohere_stream, cohere_whole, {"id": "i", "message": NO}),
    "/api/chat": (ollama_stream, lambda: ollama(True, content=REPLY),
                  {"error": NO}),
}


def wants_stream(request):
    return "treamGenerate" in request.path or \
        "converse-stream" in request.path or \
        b'"stream":true' in request.body.replace(b" ", b"")


def answer(conn, request):
    """In pieces of seven bytes, as no reader expects them."""
    stream, whole, error = next(v for k, v in DIALECTS.items()
                                if k in request.path)
    if b"odd" in request.body:
        extra = [("x-amzn-errortype", "ValidationException")] \
            if "/converse" in request.path else ()
        conn.answer(error, 400, extra=extra)
        return
    streams = wants_stream(request) and b"at once" not in request.body
    kind, body = stream() if streams else (
        "application/json", json.dumps(whole()).encode())
    conn.send(b"HTTP/1.1 200 X\r\ncontent-type: %s\r\n"
              b"content-length: %d\r\n\r\n" % (kind.encode(), len(body)))
    if b"cut off" in request.body:
        conn.send(body[:body.index(b"see.") + 190], 7)
        conn.close()
    conn.send(body, 7)
