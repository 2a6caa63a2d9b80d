// SPDX-License-Identifier: Apache-2.0
// Copyright The Penstock Authors
// Client libraries of npm that speak Google's dialect or OpenAI's Responses:
// on a provider of their own dialect, and on those that speak chat or
// Anthropic's messages alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { langchainModel, vercelModel } from './clients.js';
import { World, old, provider } from './world.js';

const world = new World();
const schema = {
  type: 'object', properties: { city: { type: 'string' } },
  required: ['city'], additionalProperties: false,
};
const said = 'one two three';
const vector = [0.5, -0.25, 0.125];
let url, google, openai;

const whole = (text) => ({
  candidates: [{
    content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP',
    index: 0,
  }],
  usageMetadata: {
    promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8,
  },
  modelVersion: 'm', responseId: 'r1',
});

// Google's API: says what it is asked, and counts its letters.
function gemini(q, a, body) {
  const method = q.url.split(':')[1].split('?')[0];
  const vectors = JSON.parse(body).requests;
  if (vectors) {
    a.writeHead(200, { 'content-type': 'application/json' });
    a.end(JSON.stringify({ embeddings: vectors.map(() => ({ values: vector }))
    }));
    return;
  }
  const text = JSON.parse(body).contents?.at(-1)?.parts[0].text;
  const json = (o, status = 200) => {
    a.writeHead(status, { 'content-type': 'application/json' });
    a.end(JSON.stringify(o));
  };
  if (text === 'quota')
    return json({ error: { code: 429, message: 'Quota.',
      status: 'RESOURCE_EXHAUSTED' } }, 429);
  if (method === 'countTokens') return json({ totalTokens: text.length });
  if (method === 'generateContent') return json(whole(text));
  a.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const w of text.split(/(?= )/)) {
    const e = whole(w);
    if (!text.endsWith(w)) delete e.candidates[0].finishReason;
    a.write(`data: ${JSON.stringify(e)}\r\n\r\n`);
  }
  a.end();
}

before(async () => {
  const mock = await world.mock();
  url = await world.serve(
    provider('oa', 'openai-compatible', mock + '/v1') +
    provider('an', 'anthropic-compatible', mock) +
    provider('g', 'gemini', await world.upstream(gemini)) +
    ['oa', 'an'].map((k) => ['echo', 'tools', 'lorem'].map((m) =>
      `model "${k}-${m}" { "${k}/${m}" }\n`).join('')).join('') +
    'model "g-echo" { "g/gemini-3-flash" }\n' +
    'model "g-vectors" { "g/gemini-embedding-001" }\n' +
    'model "oa-vectors" { "oa/embed" }\n');
  google = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: url } });
  openai = new OpenAI({ baseURL: url + '/v1', apiKey: 'none', maxRetries: 0 });
});

after(() => world.end());

test('@google/genai, vectors', async () => {
  for (const model of ['g-vectors', 'oa-vectors']) {
    const r = await google.models.embedContent({
      model, contents: ['one', 'two'] });
    assert.equal(r.embeddings.length, 2);
    for (const e of r.embeddings) assert.ok(e.values.length > 1);
    if (model === 'g-vectors')
      assert.deepEqual(r.embeddings[1].values, vector);
  }
});

test('@google/genai, set up for Vertex AI', async () => {
  for (const apiVersion of ['v1', 'v1beta1']) {
    const vertex = new GoogleGenAI({ vertexai: true, apiKey: 'none',
      httpOptions: { baseUrl: url, apiVersion } });
    for (const model of ['g-echo', 'oa-echo', 'an-echo']) {
      const ask = { model, contents: said };
      assert.equal((await vertex.models.generateContent(ask)).text, said);
      let text = '';
      for await (const c of await vertex.models.generateContentStream(ask))
        text += c.text ?? '';
      assert.equal(text, said);
    }
  }
});

for (const to of ['g', 'oa', 'an']) {
  test(`@google/genai, ${to}`, async () => {
    const ask = { model: to + '-echo', contents: said };
    const r = await google.models.generateContent(ask);
    assert.equal(r.text, said);
    assert.equal(r.candidates[0].finishReason, 'STOP');
    assert.equal(r.usageMetadata.candidatesTokenCount, 3);
    let text = '';
    for await (const c of await google.models.generateContentStream(ask))
      text += c.text ?? '';
    assert.equal(text, said);
    const chat = google.chats.create({ model: to + '-echo' });
    await chat.sendMessage({ message: 'first' });
    assert.equal((await chat.sendMessage({ message: said })).text, said);
    assert.equal(chat.getHistory(true).length, 4);
  });
}

for (const to of ['oa', 'an']) {
  test(`@google/genai, tools, ${to}`, async () => {
    const config = { tools: [{ functionDeclarations: [{
      name: 'get_weather', parametersJsonSchema: schema,
    }] }] };
    const user = { role: 'user', parts: [{ text: 'weather?' }] };
    const r = await google.models.generateContent({
      model: to + '-tools', contents: [user], config,
    });
    const call = r.functionCalls[0];
    assert.equal(call.name, 'get_weather');
    assert.ok('city' in call.args);
    const last = await google.models.generateContent({
      model: to + '-tools', config,
      contents: [user, r.candidates[0].content, { role: 'user', parts: [{
        functionResponse: {
          id: call.id, name: call.name, response: { output: 'rain' },
        },
      }] }],
    });
    assert.match(last.text, /rain/);
  });

  test(`openai's Responses, ${to}`, async () => {
    const r = await openai.responses.create({
      model: to + '-echo', input: said,
    });
    assert.equal(r.output_text, said);
    assert.equal(r.status, 'completed');
    assert.equal(r.usage.output_tokens, 3);
    const s = openai.responses.stream({
      model: to + '-tools', input: 'weather?',
      tools: [{ type: 'function', name: 'get_weather', parameters: schema,
        strict: true }],
    });
    const got = await s.finalResponse();
    const call = got.output.find((i) => i.type === 'function_call');
    assert.ok('city' in JSON.parse(call.arguments));
    const last = await openai.responses.create({
      model: to + '-tools', store: false,
      tools: [{ type: 'function', name: 'get_weather', parameters: schema,
        strict: true }],
      input: [{ role: 'user', content: 'weather?' }, ...got.output, {
        type: 'function_call_output', call_id: call.call_id, output: 'rain',
      }],
    });
    assert.match(last.output_text, /rain/);
    await assert.rejects(openai.responses.create({
      model: to + '-echo', input: said, previous_response_id: 'resp_1',
    }), OpenAI.BadRequestError);
  });
}

test('@google/genai: counts, names, errors', async () => {
  const model = 'g-echo';
  const n = await google.models.countTokens({ model, contents: said });
  assert.equal(n.totalTokens, said.length);
  const names = [];
  for await (const m of await google.models.list()) names.push(m.name);
  assert.ok(names.includes('models/g-echo'));
  assert.equal((await google.models.get({ model })).name, 'models/g-echo');
  const refused = (ask, status) => assert.rejects(
    google.models.generateContent({ model, contents: 'x', ...ask }),
    (x) => x instanceof ApiError && x.status === status);
  await refused({ contents: 'quota' }, 429);
  await refused({ model: 'nobody' }, 404);
  const other = new GoogleGenAI({ apiKey: 'sk-wrong',
    httpOptions: { baseUrl: url } });
  await assert.rejects(other.models.generateContent({ model, contents: 'x' }),
    (x) => x.status === 401);
});

for (const from of ['gemini', 'responses']) {
  for (const to of ['oa', 'an', ...(from === 'gemini' ? ['g'] : [])]) {
    test(`Vercel's AI SDK, ${from}, ${to}`, async () => {
      const { generateText, jsonSchema, stepCountIs, streamText, tool } =
        await import('ai');
      const r = await generateText({
        model: await vercelModel(from, url, to + '-echo'), prompt: said,
        maxRetries: 0,
      });
      assert.equal(r.text, said);
      assert.equal(r.finishReason, 'stop');
      assert.equal(r.usage.outputTokens, 3);
      if (to === 'g') return;
      const s = streamText({
        model: await vercelModel(from, url, to + '-tools'),
        prompt: 'weather?', maxRetries: 0, stopWhen: stepCountIs(2),
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
      const make = (model) => langchainModel(from, url, `${to}-${model}`);
      const r = await (await make('echo')).invoke(said);
      assert.equal(r.text, said);
      assert.equal(r.usage_metadata.output_tokens, 3);
      let all;
      for await (const c of await (await make('echo')).stream(said))
        all = all ? all.concat(c) : c;
      assert.equal(all.text, said);
      if (to === 'g') return;
      const bound = (await make('tools')).bindTools([{
        type: 'function',
        function: { name: 'get_weather', description: '', parameters: schema },
      }]);
      all = undefined;
      for await (const c of await bound.stream('weather?'))
        all = all ? all.concat(c) : c;
      assert.equal(all.tool_calls[0].name, 'get_weather');
      assert.ok('city' in all.tool_calls[0].args);
    });
  }
}
