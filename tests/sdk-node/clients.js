// SPDX-License-Identifier: Apache-2.0
// Copyright The Penstock Authors
// What each client library of npm puts together of an answer: text, tool
// calls, why it ended, tokens in and out. Every entry asks an address in one
// dialect: ask(url, model, stream).
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';

const messages = [{ role: 'user', content: 'hello' }];
const ends = {
  stop: 'end', end_turn: 'end', stop_sequence: 'end', pause_turn: 'end',
  length: 'length', max_tokens: 'length', 'tool-calls': 'tool',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool', function_call: 'tool', tool_use: 'tool',
  content_filter: 'filter', refusal: 'filter', 'content-filter': 'filter',
};

export function args(text) {
  if (typeof text !== 'string') return text ?? {};
  if (!text.trim()) return {};
  try {
    const got = JSON.parse(text);
    return got && typeof got === 'object' && !Array.isArray(got)
      ? got : { input: got };
  } catch { return { input: text }; }
}

function said(text, calls, end, usage) {
  return {
    text, calls, end: end === 'end' && calls.length ? 'tool' : end, usage,
  };
}

// Some servers count what came from a cache, or thoughts, beside the rest.
function chatUsage(u) {
  const cached = u.prompt_tokens_details?.cached_tokens ?? 0;
  const thoughts = u.completion_tokens_details?.reasoning_tokens ?? 0;
  if (cached > u.prompt_tokens)
    return [u.prompt_tokens + cached, u.completion_tokens];
  if (u.total_tokens === u.prompt_tokens + u.completion_tokens + thoughts)
    return [u.prompt_tokens, u.total_tokens - u.prompt_tokens];
  return [u.prompt_tokens, u.completion_tokens];
}

function chatText(content) {
  return !Array.isArray(content) ? content ?? ''
    : content.filter((p) => p.type === 'text').map((p) => p.text).join('');
}

function ofChat(r) {
  const { message: m, finish_reason: why } = r.choices[0];
  const calls = (m.tool_calls ?? []).map((c) => c.function
    ? [c.function.name, args(c.function.arguments)]
    : [c.custom.name, { input: c.custom.input }]);
  if (m.function_call?.name)
    calls.push([m.function_call.name, args(m.function_call.arguments)]);
  const u = r.usage;
  return said(chatText(m.content) + (m.refusal ?? ''), calls, ends[why],
    u && chatUsage(u));
}

function ofMessage(m) {
  const u = m.usage;
  return said(
    m.content.filter((b) => b.type === 'text').map((b) => b.text).join(''),
    m.content.filter((b) => b.type === 'tool_use')
      .map((b) => [b.name, b.input]),
    ends[m.stop_reason],
    [u.input_tokens + (u.cache_read_input_tokens ?? 0) +
      (u.cache_creation_input_tokens ?? 0), u.output_tokens]);
}

function ofResponse(r) {
  let text = '';
  const calls = [];
  for (const item of r.output) {
    for (const part of item.type === 'message' ? item.content : [])
      text += part.text ?? part.refusal ?? '';
    if (item.type === 'function_call')
      calls.push([item.name, args(item.arguments)]);
    if (item.type === 'custom_tool_call')
      calls.push([item.name, { input: item.input }]);
  }
  const end = r.status !== 'incomplete' ? 'end'
    : r.incomplete_details?.reason === 'content_filter' ? 'filter' : 'length';
  return said(text, calls, end,
    r.usage && [r.usage.input_tokens, r.usage.output_tokens]);
}

const google = {
  STOP: 'end', MAX_TOKENS: 'length', UNEXPECTED_TOOL_CALL: 'end',
};

function ofGoogle(chunks) {
  let text = '', end, u;
  const calls = [];
  for (const chunk of chunks) {
    if (chunk.promptFeedback?.blockReason) end = 'filter';
    u = chunk.usageMetadata ?? u;
    for (const c of chunk.candidates ?? []) {
      if (c.index) continue;
      if (c.finishReason) end = google[c.finishReason] ?? 'filter';
      for (const p of c.content?.parts ?? []) {
        if (p.functionCall)
          calls.push([p.functionCall.name, p.functionCall.args ?? {}]);
        else if (!p.thought) text += p.text ?? '';
      }
    }
  }
  return said(text, calls, end, u && [
    (u.promptTokenCount ?? 0) + (u.toolUsePromptTokenCount ?? 0),
    (u.candidatesTokenCount ?? 0) + (u.thoughtsTokenCount ?? 0)]);
}

export const sdks = {
  async chat(url, model, stream) {
    const c = new OpenAI({ baseURL: url + '/v1', apiKey: 'none',
      maxRetries: 0 });
    if (!stream)
      return ofChat(await c.chat.completions.create({ model, messages }));
    return ofChat(await c.chat.completions.stream({
      model, messages, stream_options: { include_usage: true },
    }).finalChatCompletion());
  },

  async responses(url, model, stream) {
    const c = new OpenAI({ baseURL: url + '/v1', apiKey: 'none',
      maxRetries: 0 });
    if (!stream)
      return ofResponse(await c.responses.create({ model, input: 'hello' }));
    return ofResponse(await c.responses.stream({ model, input: 'hello' })
      .finalResponse());
  },

  async messages(url, model, stream) {
    const c = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
    const ask = { model, messages, max_tokens: 5000 };
    return ofMessage(stream ? await c.messages.stream(ask).finalMessage()
      : await c.messages.create(ask));
  },

  async gemini(url, model, stream) {
    const c = new GoogleGenAI({ apiKey: 'none',
      httpOptions: { baseUrl: url } });
    const ask = { model, contents: 'hello' };
    if (!stream) return ofGoogle([await c.models.generateContent(ask)]);
    const chunks = [];
    for await (const d of await c.models.generateContentStream(ask))
      chunks.push(d);
    return ofGoogle(chunks);
  },
};

// ---- Vercel's AI SDK -------------------------------------------------------

export async function vercelModel(kind, url, model) {
  const set = { baseURL: url + '/v1', apiKey: 'none' };
  if (kind === 'messages') {
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    return createAnthropic(set)(model);
  }
  if (kind === 'gemini') {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google');
    return createGoogleGenerativeAI({ ...set, baseURL: url + '/v1beta' })(
      model);
  }
  const { createOpenAI } = await import('@ai-sdk/openai');
  return kind === 'chat' ? createOpenAI(set).chat(model)
    : createOpenAI(set).responses(model);
}

export async function vercel(kind, url, model, stream) {
  const { generateText, streamText } = await import('ai');
  const ask = {
    model: await vercelModel(kind, url, model), prompt: 'hello',
    maxRetries: 0, onError() { },
  };
  let r;
  if (stream) {
    const s = streamText(ask);
    for await (const p of s.fullStream)
      if (p.type === 'error') throw p.error;
    r = {
      text: await s.text, toolCalls: await s.toolCalls,
      finishReason: await s.finishReason, usage: await s.usage,
    };
  } else r = await generateText(ask);
  return said(r.text,
    r.toolCalls.filter((c) => !c.providerExecuted)
      .map((c) => [c.toolName, args(c.input)]),
    ends[r.finishReason], [r.usage.inputTokens, r.usage.outputTokens]);
}

// ---- LangChain -------------------------------------------------------------

export async function langchainModel(kind, url, model) {
  const set = { model, apiKey: 'none', maxRetries: 0 };
  if (kind === 'messages') {
    const { ChatAnthropic } = await import('@langchain/anthropic');
    return new ChatAnthropic({ ...set, maxTokens: 500,
      anthropicApiUrl: url });
  }
  if (kind === 'gemini') {
    const { ChatGoogleGenerativeAI } =
      await import('@langchain/google-genai');
    return new ChatGoogleGenerativeAI({ ...set, baseUrl: url });
  }
  const { ChatOpenAI } = await import('@langchain/openai');
  return new ChatOpenAI({ ...set, streamUsage: true,
    useResponsesApi: kind === 'responses',
    configuration: { baseURL: url + '/v1' } });
}

export async function langchain(kind, url, model, stream) {
  const m = await langchainModel(kind, url, model);
  let all;
  if (stream) {
    for await (const c of await m.stream('hello'))
      all = all ? all.concat(c) : c;
  } else all = await m.invoke('hello');
  const u = all.usage_metadata;
  return said(all.text,
    [...(all.tool_calls ?? []), ...(all.invalid_tool_calls ?? [])]
      .filter((c) => c.name) // a server tool's comes without
      .map((c) => [c.name, args(c.args)]),
    undefined, u && [u.input_tokens, u.output_tokens]);
}
