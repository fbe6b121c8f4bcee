import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeErrorResult, type Hex } from 'viem';
import { coinAbi, schedulerAbi } from './abi.ts';
import { ChainError, CONTRACT_ERRORS, contractError, toChainError } from './errors.ts';

const abi = [...schedulerAbi, ...coinAbi].filter((item) => item.type === 'error');
const samples: Record<string, unknown> = { uint8: 1, uint16: 2, uint32: 4, uint256: 3n, address: '0x00000000000000000000000000000000000000AA', bytes32: `0x${'00'.repeat(32)}`, string: 'x' };

test('every custom error of both contracts has a code, and no other has', () => {
  assert.deepEqual(new Set(Object.keys(CONTRACT_ERRORS)), new Set(abi.map(({ name }) => name)));
});

for (const item of abi) {
  test(`${item.name} is decoded with its arguments`, () => {
    const args = item.inputs.map(({ type }) => samples[type]);
    const error = contractError(encodeErrorResult({ abi: [item], errorName: item.name, args } as never));
    assert.equal(error?.code, CONTRACT_ERRORS[item.name]?.code);
    assert.deepEqual(Object.keys(error?.args ?? {}), item.inputs.map(({ name }) => name));
    assert.ok(error?.details && !error.details.includes('undefined'), error?.details);
  });
}

test('a require message and a panic are TX_REVERTED', () => {
  const text = encodeErrorResult({ abi: [{ type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] }], args: ['no'] });
  assert.equal(contractError(text)?.code, 'TX_REVERTED');
  assert.match(contractError(text)!.message, /no/);
  assert.equal(contractError('0x4e487b710000000000000000000000000000000000000000000000000000000000000011')?.code, 'TX_REVERTED');
  assert.equal(contractError('0xdeadbeef'), undefined);
});

test('Filecoin puts the revert data into the message', () => {
  const data: Hex = encodeErrorResult({ abi: schedulerAbi, errorName: 'BadRoster' });
  const cause = new Error(`message execution failed (exit=[33], revert reason=[${data}], vm error=[...])`);
  assert.equal(toChainError(new Error('RPC Request failed', { cause })).code, 'BAD_ROSTER');
});

test('a ChainError passes as it is, anything else gets a code', () => {
  const error = new ChainError('TX_TIMEOUT', 'late');
  assert.equal(toChainError(error), error);
  assert.equal(toChainError('odd').code, 'RPC_ERROR');
  assert.equal(toChainError(Object.assign(new Error('x'), { name: 'TimeoutError' })).code, 'RPC_UNREACHABLE');
});
