import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Announcement } from '../../protocol/index.ts';
import { Considerations } from './considerations.ts';

const announcement = (name: string) => ({ addrs: [name] }) as unknown as Announcement;

test('what comes during a look that led to nothing is looked at afterwards, the newest alone', async () => {
  const considerations = new Considerations();
  const seen: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const add = (name: string) => considerations.add('0x01', announcement(name), async ({ addrs }) => { await gates[seen.push(addrs[0]!) - 1]?.promise; }, () => true);
  const first = add('first');
  await add('second');
  await add('third');
  assert.deepEqual(seen, ['first']);
  gates[0]!.resolve();
  gates[1]!.resolve();
  await first;
  assert.deepEqual(seen, ['first', 'third']);
  assert.equal(considerations.has('0x01'), false);
});

test('a look that led to a bid is the last, and one job does not wait for another', async () => {
  const considerations = new Considerations();
  const seen: string[] = [];
  let open = true;
  const gate = Promise.withResolvers<void>();
  const first = considerations.add('0x01', announcement('first'), async () => { seen.push('first'); await gate.promise; open = false; }, () => open);
  await considerations.add('0x01', announcement('again'), async () => { seen.push('again'); }, () => open);
  await considerations.add('0x02', announcement('other'), async () => { seen.push('other'); }, () => true);
  gate.resolve();
  await first;
  assert.deepEqual(seen, ['first', 'other']);
});
