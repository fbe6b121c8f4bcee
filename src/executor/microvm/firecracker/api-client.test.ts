import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isError } from '../../../protocol/index.ts';
import { firecrackerApi } from './api-client.ts';
import { watchMonitor } from './watchdog.ts';

describe('the client of Firecracker\'s API', () => {
  let directory: string;
  let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => { body += String(chunk); });
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body}`);
      answer(request, response, body);
    });
  });
  let socket: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'gadus-api-'));
    socket = path.join(directory, 'api.sock');
    await new Promise<void>((resolve) => { server.listen(socket, resolve); });
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('has a call for everything, in the monitor\'s own words', async () => {
    seen.length = 0;
    answer = (_, response) => response.writeHead(204).end();
    const api = firecrackerApi(socket);
    await api.balloon({ amount_mib: 0, deflate_on_oom: true });
    await api.inflate(64);
    await api.action('FlushMetrics');
    await api.setState('Paused');
    await api.createSnapshot({ snapshot_path: 'snap', mem_file_path: 'mem' });
    await api.loadSnapshot({ snapshot_path: 'snap', mem_backend: { backend_type: 'File', backend_path: 'mem' }, resume_vm: true });
    assert.deepEqual(seen, [
      'PUT /balloon {"amount_mib":0,"deflate_on_oom":true}', 'PATCH /balloon {"amount_mib":64}', 'PUT /actions {"action_type":"FlushMetrics"}', 'PATCH /vm {"state":"Paused"}',
      'PUT /snapshot/create {"snapshot_path":"snap","mem_file_path":"mem"}',
      'PUT /snapshot/load {"snapshot_path":"snap","mem_backend":{"backend_type":"File","backend_path":"mem"},"resume_vm":true}',
    ]);
  });

  test('passes on why the monitor refuses', async () => {
    answer = (_, response) => response.writeHead(400).end('{"fault_message":"The kernel file cannot be opened"}');
    await assert.rejects(firecrackerApi(socket).bootSource({ kernel_image_path: 'k' }), (error) => isError(error, 'VMM_FAILED') && error.details === 'PUT /boot-source: 400 The kernel file cannot be opened');
  });

  test('bears no answer, half an answer, too much of one, and nobody there', async () => {
    const api = firecrackerApi(socket);
    answer = () => undefined;
    await assert.rejects(api.instance({ timeoutMs: 50 }), (error) => isError(error, 'VMM_SILENT'));
    answer = (_, response) => { response.writeHead(200, { 'Content-Length': 100 }); response.write('{'); response.destroy(); };
    await assert.rejects(api.instance(), (error) => isError(error, 'VMM_FAILED'));
    answer = (_, response) => response.writeHead(200).end('x'.repeat(1_000_000));
    await assert.rejects(api.instance(), (error) => isError(error, 'VMM_FAILED'));
    answer = (_, response) => response.writeHead(200).end('[1]');
    await assert.rejects(api.instance(), (error) => isError(error, 'VMM_FAILED'));
    await assert.rejects(firecrackerApi(path.join(directory, 'none')).instance(), (error) => isError(error, 'VMM_FAILED'));
    await assert.rejects(api.instance({ signal: AbortSignal.abort() }), (error) => isError(error, 'ABORTED'));
  });

  test('the watchdog gives up a monitor that misses several questions in a row, and only that', async () => {
    const info = { id: 'a', state: 'Running' as const, vmm_version: '1', app_name: 'Firecracker' };
    const answers = [false, false, true, false, true, false, false, false];
    let asked = 0;
    const silent = Promise.withResolvers<void>();
    watchMonitor({ instance: async () => { if (answers[asked++]) return info; throw new Error('silent'); } }, { intervalMs: 1, misses: 3, onSilent: silent.resolve });
    await silent.promise;
    assert.equal(asked, answers.length);

    const questions = Promise.withResolvers<void>();
    let after = 0;
    const stop = watchMonitor({ instance: async () => { if (++after === 3) questions.resolve(); return info; } }, { intervalMs: 1, misses: 1, onSilent: () => assert.fail('it answers') });
    await questions.promise;
    stop();
  });
});
