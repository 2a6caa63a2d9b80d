// SPDX-License-Identifier: Apache-2.0
// Copyright The Penstock Authors
// Recorded answers of every provider, put together by the client libraries of
// npm: the same through the gateway, native or translated, as the provider's
// own SDK gets without it, however the provider's bytes were cut.
// PENSTOCK_LONG=1 takes every recording in every cut.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { langchain, sdks, vercel } from './clients.js';
import { World, old, provider } from './world.js';

const long = process.env.PENSTOCK_LONG === '1';
const wire = join(process.env.PENSTOCK_SHARED ?? '/nowhere', 'wire');
const none = !existsSync(wire) && 'skipped: no recordings';
const world = new World();
const FEW = 2;
// What the provider's own SDK cannot put together, here or in Python: no
// role, no end, content as a list, nothing to merge by.
const beyond = new Set([
  'mistral-chat-s200-8a554c4501', 'openrouter-chat-s200-c1a8d5b80d',
  'perplexity-chat-s200-f50a209c01', 'vllm-chat-s200-afd4afaa72',
  'bedrock-mantle-openai-responses-s200-2c640308fb',
  'gpustack-chat-s200-69144a8eeb', 'groq-chat-s200-b60b2ee014',
  'litellm-proxy-chat-s200-3b832982a8', 'snowflake-chat-s200-73e197fd24',
  'writer-chat-s200-6920d0bc4d',
]);
let url, direct, now, size;

function family(x) {
  const api = x.api;
  if (/\.(streamG|g)enerateContent$/.test(api)) return 'gemini';
  if (api.endsWith('.responses')) return 'responses';
  if (/(\.messages|awPredict)$/.test(api)) return 'messages';
  if (api.endsWith('.chat') &&
    !['cohere.chat', 'ollama.chat', 'watsonx.chat'].includes(api))
    return 'chat';
  return null;
}

const everything = none ? [] : readdirSync(wire, { recursive: true })
  .filter((f) => f.endsWith('.json')).sort()
  .map((f) => JSON.parse(readFileSync(join(wire, f), 'utf8')))
  .filter((x) => family(x) && x.response.status === 200 && x.response.body &&
    !x.features.includes('error_in_200') &&
    !x.features.includes('mid_stream_error') &&
    !(x.request.query ?? '').includes('enum-encoding=int'));

// Those that show most, of one API and way of answering each.
function some(kind) {
  const found = everything.filter((x) => family(x) === kind);
  if (long) return found;
  const most = {};
  for (const x of found) {
    const k = x.api + x.stream;
    if (!(most[k]?.features.length >= x.features.length)) most[k] = x;
  }
  return Object.values(most)
    .sort((a, b) => b.features.length - a.features.length).slice(0, FEW);
}

function body(x) {
  const b = x.response.body;
  const text = typeof b === 'string' ? b : JSON.stringify(b);
  if (x.stream && family(x) === 'gemini' && text.trimStart()[0] === '[')
    return JSON.parse(text).map((e) => `data: ${JSON.stringify(e)}\r\n\r\n`)
      .join('');
  return text;
}

async function play(request, answer) {
  const bytes = Buffer.from(body(now));
  answer.writeHead(200, { 'content-type': now.stream
    ? 'text/event-stream' : 'application/json' });
  const step = size || bytes.length;
  for (let i = 0; i < bytes.length && !answer.destroyed; i += step) {
    if (!answer.write(bytes.subarray(i, i + step)))
      await new Promise((r) => {
        answer.once('drain', r);
        answer.once('close', r);
      });
  }
  answer.end();
}

before(async () => {
  if (none) return;
  direct = await world.upstream(play);
  url = await world.serve(
    provider('chat', 'openai-compatible', direct + '/v1') +
    provider('messages', 'anthropic-compatible', direct) +
    provider('responses', 'openai-compatible', direct + '/v1',
      ', quirks = { responses = "native", responses_only = { "*" } }') +
    provider('gemini', 'gemini', direct) +
    ['chat', 'messages', 'responses', 'gemini']
      .map((k) => `model "to-${k}" { "${k}/m" }\n`).join(''));
});

after(() => world.end());

// A server that left its thoughts in the text, in tags at its start.
function apart(answer) {
  const m = /^\s*<think>[^]*?(<\/think>\s*|$)/.exec(answer.text);
  return m ? { ...answer, text: answer.text.slice(m[0].length) } : answer;
}

// A blocked answer has no text but a refusal's; arguments that a limit cut
// are no object yet where a stream has to tell them.
function differences(got, want, of) {
  return of.filter((k) => {
    if (want[k] === undefined || want[k] === null) return false;
    if (k === 'text' && want.end === 'filter' && !want.text) return false;
    if (k === 'calls' && want.end === 'length') return false;
    return !isDeepStrictEqual(got[k], want[k]);
  }).map((k) => [k, got[k], want[k]]);
}

const openai = new Set(['chat', 'responses']);
const all = ['text', 'calls', 'end', 'usage'];

// The libraries, and which of it they tell of a recording as the SDKs do:
// refusals are no text for LangChain and a filter's end for Vercel's, several
// answers become one, and LangChain streams no custom tools.
const libraries = {
  'the official SDKs': [(kind, ...rest) => sdks[kind](...rest), () => all],
  "Vercel's AI SDK": [vercel, (has) => all.filter((k) =>
    !(k === 'end' && has('refusal')) && !has('multi_choice_out'))],
  LangChain: [langchain, (has) => ['text', 'calls'].filter((k) =>
    !(k === 'text' && has('refusal')) && !has('multi_choice_out') &&
    !(k === 'calls' && has('custom_tool')))],
};

async function attempt(ask, ...rest) {
  try {
    return apart(await ask(...rest));
  } catch (e) {
    return { failed: String(e) };
  }
}

// In the provider's own dialect a library gets what it gets without the
// gateway, be it that it fails; in another what the provider's SDK gets.
async function compare(ask, of, kind, client, stream, want) {
  const got = await attempt(ask, client, url, 'to-' + kind, stream);
  if (client === kind) {
    const own = await attempt(ask, kind, direct, 'm', stream);
    return isDeepStrictEqual(got, own) ? [] : [[got, own]];
  }
  if (client === 'messages' && openai.has(kind) &&
      now.features.includes('refusal'))
    want = { ...want, end: 'filter' };  // OpenAI's says so in the text
  return got.failed ? [[got.failed]] : differences(got, want, of);
}

async function check(kind, ask, tells) {
  const wrong = [];
  for (now of some(kind)) {
    if (beyond.has(now.id)) continue;
    const of = tells((feature) => now.features.includes(feature) ||
      (feature === 'multi_choice_out' && now.request.body?.n > 1));
    const want = apart(await sdks[kind](direct, 'm', now.stream));
    for (const client of Object.keys(sdks)) {
      for (const stream of now.stream ? [true] : [false, true]) {
        if (client === kind && stream !== now.stream) continue;
        for (const d of await compare(ask, of, kind, client, stream, want))
          wrong.push([now.id, client, stream, ...d]);
      }
    }
  }
  assert.ok(!wrong.length,
    wrong.map((w) => JSON.stringify(w).slice(0, 600)).join('\n'));
}

for (const kind of Object.keys(sdks)) {
  for (const [name, [ask, tells]] of Object.entries(libraries)) {
    for (const cut of long ? [0, 7, 1] : [7]) {
      test(`${kind}, ${name}, ${cut}`, { skip: none || old }, () => {
        size = cut;
        return check(kind, ask, tells);
      });
    }
  }
}
