import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METER_VERSION, PLAIN_TERMS, POLICIES, parseJobSpec, type JobRequest, type JobSpecInput } from '../../protocol/index.ts';
import { chooseEngine, refusal, type BidInputs, type OfferedEngine } from './bid-policy.ts';

/** Engines as they are: Docker's goes by the name of the other containers, and has no network. */
const ENGINES = { microvm: { name: 'microvm', network: true }, container: { name: 'container', network: true }, docker: { name: 'container' }, wasm: { name: 'wasm' }, noop: { name: 'noop' } } as const satisfies Record<string, OfferedEngine>;
const engines = (...names: (keyof typeof ENGINES)[]) => names.map((name) => ENGINES[name]);

function inputs(spec: Omit<JobSpecInput, 'command'>, more: Partial<BidInputs> = {}, policy: Partial<BidInputs['policy']> = {}): BidInputs {
  const parsed = parseJobSpec({ command: ['x'], ...spec });
  const { verification, payment } = parsed;
  return {
    spec: parsed,
    request: {
      replicas: verification.replicas, policy: POLICIES.indexOf(verification.policy), minScore: verification.minScoreBps, maxPrice: BigInt(payment.maxPrice), stake: BigInt(payment.stake), commitWindow: 10_000, ...PLAIN_TERMS,
    } as Partial<JobRequest> as JobRequest,
    policy: { price: 1n, minClientScoreBps: 0, maxTimeoutMs: 1e9, localDataOnly: false, minBidBlocks: 0, ...policy },
    offer: { cpus: 8, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 }, engines: engines('microvm', 'container', 'wasm'), hardware: { arch: 'amd64' },
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

test('a node bids for no job that its engine would refuse for its network', () => {
  const network = { allow: ['example.org:443'] };
  const rules = { network: { allow: ['*'], maxBytes: 1, maxConnections: 1 } };
  const asked = (engine: 'auto' | 'container' | 'microvm', ...offered: (keyof typeof ENGINES)[]) => refusal(inputs({ network, engine }, { engines: engines(...offered) }, rules));
  for (const engine of ['auto', 'container'] as const) {
    assert.match(asked(engine, 'docker', 'wasm', 'noop')!, /no engine here gives .* a network/);
    assert.equal(asked(engine, 'docker', 'container'), undefined);
    assert.equal(chooseEngine({ engine, isolation: undefined, network }, engines('docker', 'container')), ENGINES.container);
    assert.equal(chooseEngine({ engine, isolation: undefined, network: 'none' }, engines('docker', 'container')), ENGINES.docker);
  }
  assert.equal(asked('auto', 'docker', 'microvm'), undefined);
  assert.match(asked('microvm', 'container')!, /no engine here runs microvm/);
  assert.equal(refusal(inputs({}, { engines: engines('docker') })), undefined, 'without a network Docker will do');
});

test('what an engine needs beside the job counts against what the node offers', () => {
  const mib = 1024 ** 2;
  const asked = (engine: OfferedEngine, memoryMib: number) => refusal(inputs({ engine: engine.name, resources: { memoryBytes: 512 * mib } }, {
    engines: [engine], offer: { cpus: 8, memoryBytes: memoryMib * mib, diskBytes: 2 ** 40 },
  }));
  const hungry: OfferedEngine = { name: 'microvm', takes: (resources) => ({ ...resources, memoryBytes: resources.memoryBytes + 100 * mib }) };
  assert.equal(asked(ENGINES.container, 512), undefined);
  assert.match(asked(hungry, 611)!, /needs 641728512 bytes of memory in engine microvm, this node offers/);
  assert.equal(asked(hungry, 612), undefined);
});

test('who counts by another meter than the job asks for does not bid', () => {
  assert.equal(refusal(inputs({ engine: 'wasm' })), undefined);
  assert.equal(refusal(inputs({ engine: 'wasm', meter: METER_VERSION })), undefined);
  assert.match(refusal(inputs({ engine: 'wasm', meter: METER_VERSION - 1 }))!, /meter/);
  assert.match(refusal(inputs({ engine: 'wasm', meter: METER_VERSION + 1 }))!, /meter/);
  assert.throws(() => parseJobSpec({ command: ['x'], engine: 'container', meter: METER_VERSION }), { code: 'SPEC_INVALID' });
});

test('an isolation class is never weakened', () => {
  const chosen = (isolation: 'vm' | 'container' | undefined, ...names: (keyof typeof ENGINES)[]) => chooseEngine({ engine: 'auto', isolation, network: 'none' }, engines(...names))?.name;
  assert.equal(chosen('vm', 'container', 'microvm'), 'microvm');
  assert.equal(chosen('vm', 'container', 'wasm', 'noop'), undefined);
  assert.equal(chosen('container', 'noop', 'wasm', 'container'), 'container');
  assert.equal(chosen(undefined, 'noop', 'wasm'), undefined);
  assert.match(refusal(inputs({ isolation: 'vm' }, { engines: engines('container') }))!, /isolation vm/);
  const contradictions: Omit<JobSpecInput, 'command'>[] = [
    { isolation: 'vm', engine: 'container' }, { isolation: 'vm', engine: 'wasm' }, { isolation: 'container', engine: 'noop' },
    { engine: 'wasm', network: { allow: ['a:1'] } }, { network: { allow: ['a:1', 'A.:1'] } }, { network: { allow: ['127.1:80'] } },
  ];
  for (const spec of contradictions) assert.throws(() => parseJobSpec({ command: ['x'], ...spec }), JSON.stringify(spec));
});
