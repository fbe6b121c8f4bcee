import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METER_VERSION, PLAIN_TERMS, POLICIES, parseJobSpec, type JobRequest, type JobSpecInput } from '../../protocol/index.ts';
import { chooseEngine, refusal, type BidInputs } from './bid-policy.ts';

function inputs(spec: Omit<JobSpecInput, 'command'>, more: Partial<BidInputs> = {}, policy: Partial<BidInputs['policy']> = {}): BidInputs {
  const parsed = parseJobSpec({ command: ['x'], ...spec });
  const { verification, payment } = parsed;
  return {
    spec: parsed,
    request: {
      replicas: verification.replicas, policy: POLICIES.indexOf(verification.policy), minScore: verification.minScoreBps, maxPrice: BigInt(payment.maxPrice), stake: BigInt(payment.stake), commitWindow: 10_000, ...PLAIN_TERMS,
    } as Partial<JobRequest> as JobRequest,
    policy: { price: 1n, minClientScoreBps: 0, maxTimeoutMs: 1e9, localDataOnly: false, minBidBlocks: 0, ...policy },
    offer: { cpus: 8, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 }, engines: ['microvm', 'container', 'wasm'], hardware: { arch: 'amd64' },
    clientScore: 1, ownScore: 1, freeStake: 10n ** 30n, pending: 0, maxPending: 1, ...more,
  };
}

test('a job with a network is bid for only where the operator permits all of it', () => {
  const network = { allow: ['example.org:443', 'example.org:80'] };
  const rules = (allow: string[]) => ({ network: { allow, maxBytes: 1, maxConnections: 1 } });
  assert.match(refusal(inputs({ network, engine: 'container' }))!, /no network/);
  assert.match(refusal(inputs({ network, engine: 'container' }, {}, rules(['*:443'])))!, /example\.org:80/);
  for (const engine of ['container', 'microvm', 'auto'] as const) assert.equal(refusal(inputs({ network, engine }, {}, rules(['example.org']))), undefined);
  assert.equal(refusal(inputs({})), undefined);
});

test('who counts by another meter than the job asks for does not bid', () => {
  assert.equal(refusal(inputs({ engine: 'wasm' })), undefined);
  assert.equal(refusal(inputs({ engine: 'wasm', meter: METER_VERSION })), undefined);
  assert.match(refusal(inputs({ engine: 'wasm', meter: METER_VERSION - 1 }))!, /meter/);
  assert.match(refusal(inputs({ engine: 'wasm', meter: METER_VERSION + 1 }))!, /meter/);
  assert.throws(() => parseJobSpec({ command: ['x'], engine: 'container', meter: METER_VERSION }), { code: 'SPEC_INVALID' });
});

test('an isolation class is never weakened', () => {
  assert.equal(chooseEngine({ engine: 'auto', isolation: 'vm' }, ['container', 'microvm']), 'microvm');
  assert.equal(chooseEngine({ engine: 'auto', isolation: 'vm' }, ['container', 'wasm', 'noop']), undefined);
  assert.equal(chooseEngine({ engine: 'auto', isolation: 'container' }, ['noop', 'wasm', 'container']), 'container');
  assert.equal(chooseEngine({ engine: 'auto', isolation: undefined }, ['noop', 'wasm']), undefined);
  assert.match(refusal(inputs({ isolation: 'vm' }, { engines: ['container'] }))!, /isolation vm/);
  const contradictions: Omit<JobSpecInput, 'command'>[] = [
    { isolation: 'vm', engine: 'container' }, { isolation: 'vm', engine: 'wasm' }, { isolation: 'container', engine: 'noop' },
    { engine: 'wasm', network: { allow: ['a:1'] } }, { network: { allow: ['a:1', 'A.:1'] } }, { network: { allow: ['127.1:80'] } },
  ];
  for (const spec of contradictions) assert.throws(() => parseJobSpec({ command: ['x'], ...spec }), JSON.stringify(spec));
});
