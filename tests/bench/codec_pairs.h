/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A request of 1 KB of each dialect's clients, an answer of each provider. */
#ifndef PENSTOCK_BENCH_CODEC_PAIRS_H
#define PENSTOCK_BENCH_CODEC_PAIRS_H

#include "wire/endpoint.h"

struct pair_client {
    const char *name;
    enum dialect dialect;
    const char *request;
};

struct pair_provider {
    const char *name;
    enum dialect dialect;
    const char *model, *answer;
};

static const struct pair_client pair_clients[] = {
    { "chat", DIALECT_OPENAI_CHAT,
      "{\"model\":\"m\",\"max_tokens\":500,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"The quick brown fox jumps over the la"
      "zy dog, said he. The quick brown fox jumps over the lazy dog"
      ", said he. The quick brown fox jumps over the lazy dog, said"
      " he. The quick brown fox jumps over the lazy dog, said he. T"
      "he quick brown fox jumps over the lazy dog, said he. The qui"
      "ck brown fox jumps over the lazy dog, said he. The quick bro"
      "wn fox jumps over the lazy dog, said he. The quick brown fox"
      " jumps over the lazy dog, said he. The quick brown fox jumps"
      " over the lazy dog, said he. The quick brown fox jumps over "
      "the lazy dog, said he. The quick brown fox jumps over the la"
      "zy dog, said he. The quick brown fox jumps over the lazy dog"
      ", said he. The quick brown fox jumps over the lazy dog, said"
      " he. The quick brown fox jumps over the lazy dog, said he. T"
      "he quick brown fox jumps over the lazy dog, said he. The qui"
      "ck brown fox jumps over the lazy dog, said he. The quick bro"
      "wn fox jumps over the l\"}]}" },
    { "anthropic", DIALECT_ANTHROPIC,
      "{\"model\":\"m\",\"max_tokens\":500,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"The quick brown fox jumps over the la"
      "zy dog, said he. The quick brown fox jumps over the lazy dog"
      ", said he. The quick brown fox jumps over the lazy dog, said"
      " he. The quick brown fox jumps over the lazy dog, said he. T"
      "he quick brown fox jumps over the lazy dog, said he. The qui"
      "ck brown fox jumps over the lazy dog, said he. The quick bro"
      "wn fox jumps over the lazy dog, said he. The quick brown fox"
      " jumps over the lazy dog, said he. The quick brown fox jumps"
      " over the lazy dog, said he. The quick brown fox jumps over "
      "the lazy dog, said he. The quick brown fox jumps over the la"
      "zy dog, said he. The quick brown fox jumps over the lazy dog"
      ", said he. The quick brown fox jumps over the lazy dog, said"
      " he. The quick brown fox jumps over the lazy dog, said he. T"
      "he quick brown fox jumps over the lazy dog, said he. The qui"
      "ck brown fox jumps over the lazy dog, said he. The quick bro"
      "wn fox jumps over the l\"}]}" },
    { "responses", DIALECT_RESPONSES,
      "{\"model\":\"m\",\"max_output_tokens\":500,\"store\":false,"
      "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input"
      "_text\",\"text\":\"The quick brown fox jumps over the lazy d"
      "og, said he. The quick brown fox jumps over the lazy dog, sa"
      "id he. The quick brown fox jumps over the lazy dog, said he."
      " The quick brown fox jumps over the lazy dog, said he. The q"
      "uick brown fox jumps over the lazy dog, said he. The quick b"
      "rown fox jumps over the lazy dog, said he. The quick brown f"
      "ox jumps over the lazy dog, said he. The quick brown fox jum"
      "ps over the lazy dog, said he. The quick brown fox jumps ove"
      "r the lazy dog, said he. The quick brown fox jumps over the "
      "lazy dog, said he. The quick brown fox jumps over the lazy d"
      "og, said he. The quick brown fox jumps over the lazy dog, sa"
      "id he. The quick brown fox jumps over the lazy dog, said he."
      " The quick brown fox jumps over the lazy dog, said he. The q"
      "uick brown fox jumps over the lazy dog, said he. The quick b"
      "rown fox jumps over the lazy dog, said he. The quick brown f"
      "ox jumps over the l\"}]}]}" },
    { "gemini", DIALECT_GEMINI,
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"The"
      " quick brown fox jumps over the lazy dog, said he. The quick"
      " brown fox jumps over the lazy dog, said he. The quick brown"
      " fox jumps over the lazy dog, said he. The quick brown fox j"
      "umps over the lazy dog, said he. The quick brown fox jumps o"
      "ver the lazy dog, said he. The quick brown fox jumps over th"
      "e lazy dog, said he. The quick brown fox jumps over the lazy"
      " dog, said he. The quick brown fox jumps over the lazy dog, "
      "said he. The quick brown fox jumps over the lazy dog, said h"
      "e. The quick brown fox jumps over the lazy dog, said he. The"
      " quick brown fox jumps over the lazy dog, said he. The quick"
      " brown fox jumps over the lazy dog, said he. The quick brown"
      " fox jumps over the lazy dog, said he. The quick brown fox j"
      "umps over the lazy dog, said he. The quick brown fox jumps o"
      "ver the lazy dog, said he. The quick brown fox jumps over th"
      "e lazy dog, said he. The quick brown fox jumps over the l\"}"
      "]}],\"generationConfig\":{\"maxOutputTokens\":500}}" },
};

static const struct pair_provider pair_providers[] = {
    { "chat", DIALECT_OPENAI_CHAT, "llama",
      "{\"id\":\"chatcmpl-abc123\",\"object\":\"chat.completion\","
      "\"created\":1694268190,\"model\":\"gpt-6-luna\",\"choices\":"
      "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content"
      "\":\"Hello there, how can I help you today? Hello there, how"
      " can I help you today? Hello there, how can I help you today"
      "? \",\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
      "\"stop\"}],\"usage\":{\"prompt_tokens\":19,\"completion_toke"
      "ns\":10,\"total_tokens\":29}}" },
    { "anthropic", DIALECT_ANTHROPIC, "claude-sonnet-4-5",
      "{\"id\":\"msg_abc123\",\"type\":\"message\",\"role\":\"assis"
      "tant\",\"model\":\"claude-sonnet-4-5\",\"content\":[{\"type"
      "\":\"text\",\"text\":\"Hello there, how can I help you today"
      "? Hello there, how can I help you today? Hello there, how ca"
      "n I help you today? \"}],\"stop_reason\":\"end_turn\",\"stop"
      "_sequence\":null,\"usage\":{\"input_tokens\":19,\"cache_crea"
      "tion_input_tokens\":0,\"cache_read_input_tokens\":0,\"output"
      "_tokens\":10}}" },
    { "gemini", DIALECT_GEMINI, "gemini-2.5-flash",
      "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello "
      "there, how can I help you today? Hello there, how can I help"
      " you today? Hello there, how can I help you today? \"}],\"ro"
      "le\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"us"
      "ageMetadata\":{\"promptTokenCount\":19,\"candidatesTokenCoun"
      "t\":10,\"totalTokenCount\":29},\"modelVersion\":\"gemini-2.5"
      "-flash\",\"responseId\":\"abc123\"}" },
    { "responses", DIALECT_RESPONSES, "o3-pro",
      "{\"id\":\"resp_abc123\",\"object\":\"response\",\"created_at"
      "\":1694268190,\"status\":\"completed\",\"error\":null,\"inco"
      "mplete_details\":null,\"model\":\"o3-pro\",\"output\":[{\"id"
      "\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"s"
      "tatus\":\"completed\",\"content\":[{\"type\":\"output_text\""
      ",\"text\":\"Hello there, how can I help you today? Hello the"
      "re, how can I help you today? Hello there, how can I help yo"
      "u today? \",\"annotations\":[]}]}],\"usage\":{\"input_tokens"
      "\":19,\"output_tokens\":10,\"total_tokens\":29}}" },
    { "converse", DIALECT_CONVERSE, "amazon.nova-pro",
      "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\""
      ":[{\"text\":\"Hello there, how can I help you today? Hello t"
      "here, how can I help you today? Hello there, how can I help "
      "you today? \"}]}},\"stopReason\":\"end_turn\",\"usage\":{\"i"
      "nputTokens\":19,\"outputTokens\":10,\"totalTokens\":29},\"me"
      "trics\":{\"latencyMs\":100}}" },
    { "cohere", DIALECT_COHERE, "command-a",
      "{\"id\":\"abc123\",\"finish_reason\":\"COMPLETE\",\"message"
      "\":{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
      "\"text\":\"Hello there, how can I help you today? Hello ther"
      "e, how can I help you today? Hello there, how can I help you"
      " today? \"}]},\"usage\":{\"billed_units\":{\"input_tokens\":"
      "19,\"output_tokens\":10},\"tokens\":{\"input_tokens\":19,\"o"
      "utput_tokens\":10}}}" },
    { "mistral", DIALECT_MISTRAL, "mistral-large",
      "{\"id\":\"abc123\",\"object\":\"chat.completion\",\"created"
      "\":1694268190,\"model\":\"mistral-large\",\"choices\":[{\"in"
      "dex\":0,\"message\":{\"role\":\"assistant\",\"content\":\"He"
      "llo there, how can I help you today? Hello there, how can I "
      "help you today? Hello there, how can I help you today? \",\""
      "tool_calls\":null},\"finish_reason\":\"stop\"}],\"usage\":{"
      "\"prompt_tokens\":19,\"completion_tokens\":10,\"total_tokens"
      "\":29}}" },
    { "ollama", DIALECT_OLLAMA, "qwen3",
      "{\"model\":\"qwen3\",\"created_at\":\"2026-01-01T00:00:00Z\""
      ",\"message\":{\"role\":\"assistant\",\"content\":\"Hello the"
      "re, how can I help you today? Hello there, how can I help yo"
      "u today? Hello there, how can I help you today? \"},\"done\""
      ":true,\"done_reason\":\"stop\",\"total_duration\":1000000,\""
      "prompt_eval_count\":19,\"eval_count\":10}" },
};

#define PAIR_CLIENTS (sizeof pair_clients / sizeof pair_clients[0])
#define PAIR_PROVIDERS (sizeof pair_providers / sizeof pair_providers[0])

#endif
