import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startStorage } from '../storage.test-util.ts';

test('two storages: one fetches by the other\'s gateway, which gives what its operator allows and nothing else', async (t) => {
  const content = randomBytes(3_500_000);
  const probe = await startStorage(t, { offline: true });
  const denied = (await probe.storage.addBytes(randomBytes(100))).cid;
  for (const allow of ['results', 'pinned', 'all'] as const) {
    const { storage } = await startStorage(t, { offline: true, gateway: { listen: '127.0.0.1:0', allow }, denied: [denied] });
    const result = (await storage.addBytes(content, { why: 'result' })).cid;
    const added = (await storage.addBytes(randomBytes(2_500_000))).cid;
    const statusOf = async (cid: { toString(): string }) => {
      const answer = await fetch(`${storage.gatewayUrl}/ipfs/${cid}?format=car`);
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.deepEqual([await statusOf(result), await statusOf(added), await statusOf(denied)], [200, allow === 'results' ? 404 : 200, 410], allow);

    const client = await startStorage(t, { offline: true, remote: { gateways: [storage.gatewayUrl!] } });
    const receipt = await client.storage.fetch(result);
    assert.deepEqual(receipt.sources.filter(({ blocks }) => blocks > 0).map(({ name, blocks }) => [name, blocks]), [['gateways', receipt.blocks]]);
    assert.equal(Buffer.compare(Buffer.concat(await Array.fromAsync(client.storage.cat(result))), content), 0);
  }
});
