// SPDX-License-Identifier: Apache-2.0
// Copyright The Penstock Authors
// The official openai package of npm against the simulator.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';

const penstock = process.env.PENSTOCK;
const dir = mkdtempSync(join(tmpdir(), 'penstock-node-'));
const messages = [{ role: 'user', content: 'one two three' }];
let serve, client;

function freePort() {
  return new Promise((resolve) => {
    const s = createServer();
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

async function ready(url) {
  for (let i = 0; i < 500; i++) {
    try {
      if ((await fetch(url + '/readyz')).status === 200) return;
    } catch { /* not yet */ }
    await new Promise((r) => setTimeout(r, 20));
  }
  throw new Error('serve is not ready after 10 s');
}

before(async () => {
  const port = await freePort();
  const conf = join(dir, 'penstock.conf');
  writeFileSync(conf, `listen "127.0.0.1:${port}"\nprovider "sim"\n`);
  serve = spawn(penstock, ['serve', '-c', conf], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PENSTOCK_STATE: join(dir, 'state'),
      PENSTOCK_SOCKET: join(dir, 'run', 'control.sock'),
    },
  });
  await ready(`http://127.0.0.1:${port}`);
  client = new OpenAI({
    baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'none', maxRetries: 0,
  });
});

after(async () => {
  const gone = new Promise((r) => serve.on('exit', r));
  serve.kill('SIGTERM');
  setTimeout(() => serve.kill('SIGTERM'), 200).unref();
  await gone;
  rmSync(dir, { recursive: true, force: true });
});

test('chat', async () => {
  const r = await client.chat.completions.create({
    model: 'sim/echo', messages,
  });
  assert.equal(r.choices[0].message.content, 'one two three');
  assert.match(r._request_id, /^req_/);
});

test('stream', async () => {
  let text = '';
  const stream = await client.chat.completions.create({
    model: 'sim/echo', messages, stream: true,
  });
  for await (const e of stream) text += e.choices[0]?.delta?.content ?? '';
  assert.equal(text, 'one two three');
});

test('tools', async () => {
  const r = await client.chat.completions.create({
    model: 'sim/tools', messages,
    tools: [{
      type: 'function',
      function: {
        name: 'get_weather',
        parameters: {
          type: 'object', properties: { city: { type: 'string' } },
          required: ['city'],
        },
      },
    }],
  });
  const call = r.choices[0].message.tool_calls[0];
  assert.equal(call.function.name, 'get_weather');
  assert.ok('city' in JSON.parse(call.function.arguments));
});

test('embeddings', async () => {
  const r = await client.embeddings.create({
    model: 'sim/embed', input: ['a'], dimensions: 8,
  });
  assert.equal(r.data[0].embedding.length, 8);
});

test('models', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  assert.ok(ids.includes('sim/echo'));
});

test('typed errors', async () => {
  await assert.rejects(
    client.chat.completions.create({ model: 'nobody/nothing', messages }),
    (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found');
  await assert.rejects(
    client.chat.completions.create({ model: 'sim/echo', messages: 'hi' }),
    (e) => e instanceof OpenAI.BadRequestError && e.param === 'messages');
});

test('abort', async () => {
  const stream = await client.chat.completions.create({
    model: 'sim/lorem', messages, stream: true, max_tokens: 100000,
  });
  let n = 0;
  for await (const _ of stream) if (++n === 3) break;
  assert.equal(n, 3);
  const r = await client.chat.completions.create({
    model: 'sim/echo', messages,
  });
  assert.equal(r.choices.length, 1);
});
