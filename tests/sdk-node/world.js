// SPDX-License-Identifier: Apache-2.0
// Copyright The Penstock Authors
// What the tests here run on: processes of penstock, upstreams that say what
// they are told to, and the end of both.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const old = Number(process.versions.node.split('.')[0]) < 20 &&
  'skipped: needs node 20';

export function freePort() {
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

export class World {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'penstock-node-'));
    this.ends = [];
  }

  #run(...args) {
    const p = spawn(process.env.PENSTOCK, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        PENSTOCK_STATE: join(this.dir, 'state'),
        PENSTOCK_SOCKET: join(this.dir, 'run', 'control.sock'),
      },
    });
    this.ends.push(async () => {
      const gone = new Promise((r) => p.on('exit', r));
      p.kill('SIGTERM');
      setTimeout(() => p.kill('SIGTERM'), 200).unref();
      await gone;
    });
  }

  // `penstock mock`: its URL.
  async mock() {
    const port = await freePort();
    this.#run('mock', '--listen', `127.0.0.1:${port}`);
    await answers(`http://127.0.0.1:${port}/v1/models`);
    return `http://127.0.0.1:${port}`;
  }

  // An upstream whose `handler(request, response, body)` answers: its URL.
  async upstream(handler) {
    const s = createHttp((q, a) => {
      const parts = [];
      q.on('data', (d) => parts.push(d));
      q.on('end', () => handler(q, a, Buffer.concat(parts).toString()));
    });
    await new Promise((r) => s.listen(0, '127.0.0.1', r));
    this.ends.push(() => new Promise((r) => {
      s.close(r);
      s.closeAllConnections();
    }));
    return `http://127.0.0.1:${s.address().port}`;
  }

  // `penstock serve` with this configuration: its URL.
  async serve(conf) {
    const port = await freePort();
    const file = join(this.dir, 'penstock.conf');
    writeFileSync(file, `listen "127.0.0.1:${port}"
log { to = "${join(this.dir, 'log')}" }
${conf}`);
    this.#run('serve', '-c', file);
    await answers(`http://127.0.0.1:${port}/readyz`);
    return `http://127.0.0.1:${port}`;
  }

  async end() {
    for (const end of this.ends.reverse()) await end();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// A provider of the configuration, at `url`; `more` are other keys of it.
export function provider(name, vendor, url, more = '') {
  return `provider "${name}" { vendor = "${vendor}", base_url = "${url}",
  keys = { env("UNSET", "k") }, retries = { attempts = 1 } ${more} }
`;
}
