import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJobSpec, type JobSpecInput } from '../../protocol/index.ts';
import { EngineSurvey, lacksEngine, pinEngine, type EngineOffer } from './pin-engine.ts';

const pinned = (spec: Omit<JobSpecInput, 'command'>, ...offers: string[][]) => pinEngine(parseJobSpec({ command: ['x'], verification: { replicas: 2 }, ...spec }), offers.map((engines) => ({ engines, network: engines })));
const both = ['microvm', 'container', 'wasm'];

test('knows when no known node has the engine that a job names', () => {
  const offers = [{ engines: ['container', 'wasm'], network: [] }, { engines: ['container', 'microvm'], network: ['microvm'] }];
  const lacks = (engine: 'microvm' | 'container' | 'noop', network: 'none' | 'some', known = offers) => lacksEngine({ engine, network: network === 'none' ? 'none' : { allow: ['example.org:443'] } }, known);
  assert.deepEqual([lacks('container', 'none'), lacks('microvm', 'none'), lacks('noop', 'none')], [false, false, true]);
  assert.deepEqual([lacks('container', 'some'), lacks('microvm', 'some')], [true, false]);
  assert.equal(lacks('noop', 'none', []), false, 'where none is known there is nothing to say');
});

test('auto is the strongest engine that enough nodes have, and never two engines', () => {
  assert.equal(pinned({}, both, both), 'microvm');
  assert.equal(pinned({}, both, both, ['container']), 'microvm');
  assert.equal(pinned({}, both, ['container']), 'container');
  assert.equal(pinned({}, both), 'container', 'one virtual machine is too few for two replicas');
  assert.equal(pinned({}), 'container', 'nothing known');
  assert.equal(pinned({}, ['noop', 'wasm'], ['noop', 'wasm']), 'container');
  assert.equal(pinned({ verification: { replicas: 1 } }, both), 'microvm');
});

test('what a job demands is not weakened, whatever is on offer', () => {
  assert.equal(pinned({ isolation: 'vm' }, ['container'], ['container']), 'microvm');
  assert.equal(pinned({ isolation: 'container' }, ['container'], ['container']), 'container');
  assert.equal(pinned({ isolation: 'container' }, both, both), 'microvm', 'a stronger one will do');
  for (const engine of ['microvm', 'container', 'wasm', 'noop'] as const) assert.equal(pinned({ engine }, both, both), engine);
  assert.equal(pinned({ network: { allow: ['example.org:443'] } }, both, both), 'microvm', 'both have a network');
});

test('of a job with a network those engines count in which nodes give one', () => {
  const spec = parseJobSpec({ command: ['x'], verification: { replicas: 2 }, network: { allow: ['example.org:443'] } });
  const offer = (...network: string[]): EngineOffer => ({ engines: both, network });
  assert.equal(pinEngine(spec, [offer('microvm', 'container'), offer('microvm')]), 'microvm');
  assert.equal(pinEngine(spec, [offer('container'), offer('container'), offer('microvm')]), 'container', 'one of three gives machines a network');
  assert.equal(pinEngine(spec, [offer(), offer()]), 'container', 'nobody gives any: whoever does is waited for');
});

test('engines are asked once for a row of jobs, and again where nobody answered or some time has passed', async () => {
  let asked = 0;
  let known: EngineOffer[] = [];
  const { signal } = new AbortController();
  const survey = new EngineSurvey(async () => { asked++; return known; });
  assert.deepEqual(await survey.offers(signal), []);
  known = [{ engines: ['container'], network: [] }];
  assert.deepEqual(await Promise.all([survey.offers(signal), survey.offers(signal)]), [known, known]);
  assert.deepEqual(await survey.offers(signal), known);
  assert.equal(asked, 2);
  const hasty = new EngineSurvey(async () => { asked++; return known; }, 0);
  await hasty.offers(signal);
  await hasty.offers(signal);
  assert.equal(asked, 4);
});
