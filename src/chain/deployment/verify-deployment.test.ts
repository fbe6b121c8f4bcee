import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startFixture, type Fixture } from '../fixture.test-util.ts';
import { startFakeRpc } from '../rpc/fake-rpc.test-util.ts';
import { schedulerRuntime } from '../runtime-code.ts';
import { verifyDeployment } from './verify-deployment.ts';

let f: Fixture;
before(async () => { f = await startFixture(); });
after(() => f.anvil.stop());

/** The anvil seen through an endpoint that answers `eth_getCode` of one address with other code. */
async function verifyWith(address: string, change: (code: string) => string) {
  const rpc = await startFakeRpc(async (method, params) => {
    const answer = await f.rpc(method, ...params);
    return method === 'eth_getCode' && params[0].toLowerCase() === address.toLowerCase() ? change(answer as string) : answer;
  });
  try {
    return (await verifyDeployment(rpc.url, f.deployment)).filter(({ ok }) => !ok);
  } finally {
    await rpc.stop();
  }
}
const flip = (code: string, byte: number) => `${code.slice(0, 2 + 2 * byte)}${(Number.parseInt(code.slice(2 + 2 * byte, 4 + 2 * byte), 16) ^ 1).toString(16).padStart(2, '0')}${code.slice(4 + 2 * byte)}`;

test('what this version deploys is this version\'s, byte for byte, immutables included', async () => {
  const checks = await verifyDeployment(f.anvil.rpcUrl, f.deployment);
  assert.deepEqual(checks.filter(({ ok }) => !ok), []);
  assert.deepEqual(checks.map(({ what }) => what), ['chain', 'scheduler', 'disputes', 'checks', 'randomness', 'coin', 'parameters']);
  assert.match(checks.find(({ what }) => what === 'coin')!.detail, /this version/);
});

test('one changed bit of code or of one use of an immutable is found and named', async () => {
  assert.deepEqual((await verifyWith(f.deployment.scheduler, (code) => flip(code, 100))).map(({ what, detail }) => [what, detail.endsWith('departs at byte 100')]), [['scheduler', true]]);
  const use = schedulerRuntime.immutables.COIN!.at(-1)!;
  assert.match((await verifyWith(f.deployment.scheduler, (code) => flip(code, use + 31)))[0]!.detail, /immutable COIN is 0x/);
  assert.deepEqual((await verifyWith(f.deployment.randomness, (code) => flip(code, 9))).map(({ what }) => what), ['randomness']);
  assert.deepEqual((await verifyWith(f.deployment.scheduler, (code) => `${code}00`)).map(({ what }) => what), ['scheduler']);
});

test('a coin of another kind is let pass with a word; one that is not there is not', async () => {
  assert.deepEqual(await verifyWith(f.deployment.coin, (code) => flip(code, 50)), []);
  assert.deepEqual((await verifyWith(f.deployment.coin, () => '0x')).map(({ what }) => what), ['coin']);
});

test('a record that says otherwise, another chain and an address without a scheduler are found', async () => {
  const wrong = async (changed: object) => (await verifyDeployment(f.anvil.rpcUrl, { ...f.deployment, ...changed })).filter(({ ok }) => !ok);
  assert.match((await wrong({ minWindowSeconds: 2, coin: f.deployment.randomness }))[0]!.detail, /coin is .*minWindowSeconds is 1, recorded as 2/);
  assert.deepEqual((await wrong({ chainId: 1 })).map(({ what }) => what), ['chain']);
  await assert.rejects(wrong({ scheduler: f.deployment.coin }), { code: 'NO_CONTRACT' });
  await assert.rejects(wrong({ scheduler: f.client.signer().address }), { code: 'NO_CONTRACT' });
});
