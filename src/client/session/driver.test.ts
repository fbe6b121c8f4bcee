import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Driver, type DriverInit } from './driver.ts';

/** Lets every promise that is settled run on. */
const settle = () => new Promise<void>((resolve) => { setImmediate(resolve); });

const driver = (init: Partial<DriverInit>) => new Driver({ step: async () => {}, onFailure: () => 'again', signal: new AbortController().signal, ...init });

describe('Driver', () => {
  it('takes one step at a time, and one more for all that changed meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const step = mock.fn(() => promise);
    const drive = driver({ step });
    for (let i = 0; i < 5; i++) drive.poke();
    await settle();
    assert.equal(step.mock.callCount(), 1);
    resolve();
    await settle();
    assert.equal(step.mock.callCount(), 2);
  });

  it('tries again after a failure, and not where nothing will help', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const step = mock.fn(async () => {
      if (step.mock.callCount() === 0) throw new Error('the chain is away');
      resolve();
    });
    driver({ step }).poke();
    await promise;
    await settle();
    assert.equal(step.mock.callCount(), 2);
    const controller = new AbortController();
    const hopeless = mock.fn(async () => { throw new Error('no funds'); });
    const drive = driver({ step: hopeless, signal: controller.signal, onFailure: (error) => { controller.abort(error); return 'never'; } });
    drive.poke();
    await settle();
    drive.poke();
    await settle();
    assert.equal(hopeless.mock.callCount(), 1);
  });

  it('rests when it is told to, still tells who waits for a change, and ends with its signal', async () => {
    const controller = new AbortController();
    const step = mock.fn(async () => {});
    const drive = driver({ step, signal: controller.signal });
    drive.rest();
    const changed = drive.changed();
    drive.poke();
    await changed;
    assert.equal(step.mock.callCount(), 0);
    drive.wake();
    drive.poke();
    await settle();
    assert.equal(step.mock.callCount(), 1);
    controller.abort();
    drive.poke();
    await settle();
    assert.equal(step.mock.callCount(), 1);
  });
});
