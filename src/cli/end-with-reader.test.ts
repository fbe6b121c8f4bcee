import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const SCRIPT = (more: string) => `
import { endWithReader } from ${JSON.stringify(new URL('end-with-reader.ts', import.meta.url).href)};
endWithReader();
${more}
setInterval(() => process.stdout.write('line\\n'));
`;

/** What is said on stderr and how the process ends once nobody reads its stdout. */
async function unread(more = ''): Promise<{ errors: string; code: number | null; signal: string | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT(more)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = text(child.stderr);
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code, signal] = await closed as [number | null, string | null];
  return { errors: await errors, code, signal };
}

test('a command whose reader is gone ends without a word', async () => {
  assert.deepEqual(await unread(), { errors: '', code: null, signal: 'SIGINT' });
});

test('and puts away what is under way', async () => {
  assert.deepEqual(await unread('process.once(\'SIGINT\', () => { process.stderr.write(\'put away\'); process.exit(130); });'), { errors: 'put away', code: 130, signal: null });
});
