// SPDX-License-Identifier: Apache-2.0
// Copyright The Penstock Authors
// Client libraries of npm, each on a provider of its own dialect and on one
// that speaks only the other's: they must not see a difference.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const penstock = process.env.PENSTOCK;
const dir = mkdtempSync(join(tmpdir(), 'penstock-node-'));
const old = Number(process.versions.node.split('.')[0]) < 20 &&
  'skipped: LangChain needs node 20';
const messages = [{ role: 'user', content: 'one two three' }];
const schema = {
  type: 'object', properties: { city: { type: 'string' } },
  required: ['city'], additionalProperties: false,
};
const running = [];
let url, openai, anthropic;

function freePort() {
  return new Promise((resolve) => {
    const s = createServer();
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

async function answers(address) {
  for (let i = 0; i < 500; i++) {
    try {
      if ((await fetch(address)).status < 500) return;
    } catch { /* not yet */ }
    await new Promise((r) => setTimeout(r, 20));
  }
  throw new Error(`nothing answers at ${address} after 10 s`);
}

function run(...args) {
  running.push(spawn(penstock, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PENSTOCK_STATE: join(dir, 'state'),
      PENSTOCK_SOCKET: join(dir, 'run', 'control.sock'),
    },
  }));
}

before(async () => {
  const [port, up] = [await freePort(), await freePort()];
  const conf = join(dir, 'penstock.conf');
  const rest = 'keys = { env("UNSET", "k") }, retries = { attempts = 1 } }';
  writeFileSync(conf, `listen "127.0.0.1:${port}"
log { to = "${join(dir, 'log')}" }
provider "oa" { vendor = "openai-compatible",
  base_url = "http://127.0.0.1:${up}/v1", ${rest}
provider "an" { vendor = "anthropic-compatible",
  base_url = "http://127.0.0.1:${up}", ${rest}
`);
  url = `http://127.0.0.1:${port}`;
  run('mock', '--listen', `127.0.0.1:${up}`);
  run('serve', '-c', conf);
  await answers(url + '/readyz');
  await answers(`http://127.0.0.1:${up}/v1/models`);
  openai = new OpenAI({ baseURL: url + '/v1', apiKey: 'none', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});

after(async () => {
  for (const p of running.reverse()) {
    const gone = new Promise((r) => p.on('exit', r));
    p.kill('SIGTERM');
    setTimeout(() => p.kill('SIGTERM'), 200).unref();
    await gone;
  }
  rmSync(dir, { recursive: true, force: true });
});

for (const to of ['oa', 'an']) {
  test(`openai, ${to}`, async () => {
    const r = await openai.chat.completions.create({
      model: to + '/echo', messages,
    });
    assert.equal(r.choices[0].message.content, 'one two three');
    assert.equal(r.choices[0].finish_reason, 'stop');
    assert.equal(r.usage.completion_tokens, 3);
    const s = openai.chat.completions.stream({
      model: to + '/tools', messages, stream_options: { include_usage: true },
      tools: [{
        type: 'function',
        function: { name: 'get_weather', parameters: schema },
      }],
    });
    const got = await s.finalChatCompletion();
    const call = got.choices[0].message.tool_calls[0];
    assert.equal(got.choices[0].finish_reason, 'tool_calls');
    assert.ok('city' in JSON.parse(call.function.arguments));
    assert.ok(got.usage.total_tokens > 0);
    await assert.rejects(
      openai.chat.completions.create({
        model: to + '/echo', messages, temperature: 7,
      }), OpenAI.BadRequestError);
  });

  test(`openai leaves, ${to}`, async () => {
    const s = await openai.chat.completions.create({
      model: to + '/lorem', messages, stream: true, max_tokens: 100000,
    });
    let n = 0;
    for await (const _ of s) if (++n === 3) break;
    assert.equal(n, 3);
  });

  test(`anthropic, ${to}`, async () => {
    const r = await anthropic.messages.create({
      model: to + '/echo', messages, max_tokens: 50,
    });
    assert.equal(r.content[0].text, 'one two three');
    assert.equal(r.stop_reason, 'end_turn');
    assert.equal(r.usage.output_tokens, 3);
    const ask = {
      model: to + '/tools', max_tokens: 500,
      tools: [{ name: 'get_weather', input_schema: schema }],
    };
    const got = await anthropic.messages.stream({ ...ask, messages })
      .finalMessage();
    const use = got.content.find((b) => b.type === 'tool_use');
    assert.equal(got.stop_reason, 'tool_use');
    assert.ok('city' in use.input);
    const last = await anthropic.messages.stream({
      ...ask, messages: [...messages,
        { role: 'assistant', content: got.content },
        {
          role: 'user', content: [{
            type: 'tool_result', tool_use_id: use.id, content: 'rain',
          }],
        }],
    }).finalMessage();
    assert.match(last.content[0].text, /rain/);
    await assert.rejects(
      anthropic.messages.create({
        model: to + '/echo', messages, max_tokens: -1,
      }), Anthropic.BadRequestError);
  });

  for (const from of ['openai', 'anthropic']) {
    test(`Vercel's AI SDK, ${from}, ${to}`, async () => {
      const { generateText, jsonSchema, stepCountIs, streamText, tool } =
        await import('ai');
      const { createOpenAI } = await import('@ai-sdk/openai');
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      const set = { baseURL: url + '/v1', apiKey: 'none' };
      const model = from === 'openai' ? createOpenAI(set).chat
        : createAnthropic(set);
      const r = await generateText({
        model: model(to + '/echo'), prompt: 'one two three', maxRetries: 0,
      });
      assert.equal(r.text, 'one two three');
      assert.equal(r.finishReason, 'stop');
      assert.equal(r.usage.outputTokens, 3);
      const s = streamText({
        model: model(to + '/tools'), prompt: 'weather?', maxRetries: 0,
        stopWhen: stepCountIs(2),
        tools: {
          get_weather: tool({
            inputSchema: jsonSchema(schema), execute: async () => 'rain',
          }),
        },
      });
      let text = '';
      for await (const t of s.textStream) text += t;
      assert.match(text, /rain/);
      const steps = await s.steps;
      assert.equal(steps[0].finishReason, 'tool-calls');
      assert.equal(steps[0].toolCalls[0].toolName, 'get_weather');
    });

    test(`LangChain, ${from}, ${to}`, { skip: old }, async () => {
      const { ChatOpenAI } = await import('@langchain/openai');
      const { ChatAnthropic } = await import('@langchain/anthropic');
      const make = (model) => from === 'openai'
        ? new ChatOpenAI({
          model, apiKey: 'none', maxRetries: 0, streamUsage: true,
          configuration: { baseURL: url + '/v1' },
        })
        : new ChatAnthropic({
          model, apiKey: 'none', maxRetries: 0, maxTokens: 500,
          anthropicApiUrl: url,
        });
      const r = await make(to + '/echo').invoke('one two three');
      assert.equal(r.text, 'one two three');
      assert.equal(r.usage_metadata.output_tokens, 3);
      let all;
      for await (const c of await make(to + '/echo').stream('one two three'))
        all = all ? all.concat(c) : c;
      assert.equal(all.text, 'one two three');
      const tools = [{
        type: 'function',
        function: { name: 'get_weather', description: '', parameters: schema },
      }];
      all = undefined;
      for await (const c of await make(to + '/tools').bindTools(tools)
        .stream('weather?')) all = all ? all.concat(c) : c;
      assert.equal(all.tool_calls[0].name, 'get_weather');
      assert.ok('city' in all.tool_calls[0].args);
    });
  }
}
