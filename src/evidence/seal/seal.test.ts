import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as cborg from 'cborg';
import { hexToBytes, type Hex } from 'viem';
import { isError } from '../../protocol/base/errors.ts';
import { commitmentOf } from '../../protocol/statements/statements.ts';
import { MAX_EVIDENCE_BYTES, SEAL_INFO } from '../constants.ts';
import { encodeEvidence } from '../encode-evidence.ts';
import type { EvidenceErrorCode } from '../errors.ts';
import { openingOf, openSealed } from './open-sealed.ts';
import { createSealKeys, importPublicKey, sealSuite, buffer } from './seal-keys.ts';
import { sealEvidence, unsealEvidence } from './seal.ts';
import { runEvidence, runTrace } from '../test-support/run.ts';

const rejects = (code: EvidenceErrorCode, run: Promise<unknown>) => assert.rejects(run, (error) => isError(error, code) || assert.fail(String(error)));
const court = { chainId: 31337, scheduler: '0x5FbDB2315678afecb367f032d93F642f64180aa3' } as const;
const salt: Hex = `0x${'5a'.repeat(32)}`;
const seed: Hex = `0x${'07'.repeat(32)}`;
const evidence = runEvidence(runTrace({ samples: 100 }));
const { jobId, node } = evidence;
const bytes = encodeEvidence(evidence);
const opening = openingOf(evidence, bytes, salt);
const commitment = commitmentOf(jobId, node, opening);
const keys = await createSealKeys(seed);
const context = { court, jobId, node };
const sealed = await sealEvidence({ ...context, sealKey: keys.publicKey, evidence: bytes, opening });
const open = { ...context, privateKey: keys.privateKey, sealed, commitment };

describe('createSealKeys', () => {
  it('gives 32-byte keys: the same for a seed, others without', async () => {
    assert.deepEqual(await createSealKeys(seed), keys);
    assert.match(keys.publicKey, /^0x[0-9a-f]{64}$/);
    assert.match(keys.privateKey, /^0x[0-9a-f]{64}$/);
    assert.notEqual((await createSealKeys()).publicKey, (await createSealKeys()).publicKey);
  });

  it('refuses what is not a key', async () => {
    await rejects('SEAL_KEY_INVALID', createSealKeys('0x07'));
    await rejects('SEAL_KEY_INVALID', sealEvidence({ ...context, sealKey: '0x1234', evidence: bytes, opening }));
    await rejects('SEAL_KEY_INVALID', unsealEvidence({ ...open, privateKey: '0x1234' }));
  });
});

describe('sealEvidence', () => {
  it('opens again, for the key it was sealed to', async () => {
    assert.deepEqual(await openSealed(open), { evidence, evidenceBytes: bytes, opening });
    await rejects('SEAL_BROKEN', openSealed({ ...open, privateKey: (await createSealKeys()).privateKey }));
  });

  it('opens for no other chain, contract, job or node', async () => {
    const other = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC' as const;
    await rejects('SEAL_BROKEN', openSealed({ ...open, court: { ...court, chainId: 1 } }));
    await rejects('SEAL_BROKEN', openSealed({ ...open, court: { ...court, scheduler: other } }));
    await rejects('SEAL_BROKEN', openSealed({ ...open, jobId: `0x${'22'.repeat(32)}` }));
    await rejects('SEAL_BROKEN', openSealed({ ...open, node: other }));
  });

  it('does not open when a byte is changed, added or missing', async () => {
    for (const at of [0, 31, 32, sealed.length - 1]) {
      const damaged = sealed.slice();
      damaged[at]! ^= 1;
      await rejects('SEAL_BROKEN', openSealed({ ...open, sealed: damaged }));
    }
    await rejects('SEAL_BROKEN', openSealed({ ...open, sealed: sealed.subarray(0, -1) }));
    await rejects('SEAL_BROKEN', openSealed({ ...open, sealed: sealed.subarray(0, 20) }));
  });

  it('bounds what a small message can inflate to, and refuses what is not evidence inside', async () => {
    const hide = async (plain: Uint8Array) => {
      const { enc, ct } = await sealSuite.seal(
        { recipientPublicKey: await importPublicKey(keys.publicKey), info: buffer(new TextEncoder().encode(SEAL_INFO)) }, buffer(plain),
        buffer(Buffer.concat([hexToBytes(`0x${31337 .toString(16).padStart(64, '0')}`), hexToBytes(court.scheduler), hexToBytes(jobId), hexToBytes(node)])),
      );
      return Buffer.concat([new Uint8Array(enc), new Uint8Array(ct)]);
    };
    const bomb = cborg.encode({ evidence: new Uint8Array(MAX_EVIDENCE_BYTES + 4096), salt: hexToBytes(salt) });
    for (const plain of [gzipSync(bomb), new Uint8Array(10), gzipSync(new Uint8Array(10)), gzipSync(cborg.encode({ evidence: bytes }))]) {
      await rejects('EVIDENCE_MALFORMED', openSealed({ ...open, sealed: await hide(plain) }));
    }
  });
});

describe('openSealed', () => {
  const sealAnother = (other: typeof evidence, options = {}) => sealEvidence({ ...context, sealKey: keys.publicKey, evidence: encodeEvidence(other), opening, ...options });

  it('refuses evidence of another job or node', async () => {
    await rejects('EVIDENCE_FOREIGN', openSealed({ ...open, sealed: await sealAnother({ ...evidence, jobId: `0x${'33'.repeat(32)}` }) }));
    await rejects('EVIDENCE_FOREIGN', openSealed({ ...open, sealed: await sealAnother({ ...evidence, node: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC' }) }));
  });

  it('refuses a sketch that the trace does not give', async () => {
    const better = runEvidence(runTrace({ samples: 100, readBytes: 100e6 })).sketch;
    await rejects('SKETCH_MISMATCH', openSealed({ ...open, sealed: await sealAnother({ ...evidence, sketch: better }) }));
    await rejects('SKETCH_MISMATCH', openSealed({ ...open, sealed: await sealAnother({ ...evidence, sketch: '0x' }) }));
  });

  it('refuses evidence or a salt other than committed', async () => {
    await rejects('COMMITMENT_MISMATCH', openSealed({ ...open, commitment: `0x${'00'.repeat(32)}` }));
    await rejects('COMMITMENT_MISMATCH', openSealed({ ...open, sealed: await sealAnother({ ...evidence, exitCode: 1 }) }));
    await rejects('COMMITMENT_MISMATCH', openSealed({ ...open, sealed: await sealAnother(evidence, { opening: { salt: `0x${'01'.repeat(32)}` } }) }));
  });
});
