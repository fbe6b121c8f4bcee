import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { isReachable } from './reachable.ts';

test('addresses of the public Internet are reached', () => {
  for (const address of ['1.1.1.1', '8.8.8.8', '93.184.215.14', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::200e']) {
    assert.equal(isReachable(address), true, address);
  }
});

test('this host, its neighbours, metadata services and what is no host are not, in whatever spelling', () => {
  for (const address of [
    '0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.100.100.200', '100.127.255.255', '127.0.0.1', '127.255.255.254', '168.63.129.16', '169.254.169.254', '169.254.0.1', '172.16.0.1', '172.31.255.255',
    '192.0.0.192', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255',
    '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:db8::1',
    '2002:7f00:1::1', '2002:a9fe:a9fe::', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', '2606:4700::1111%eth0', 'fec0::1', 'ff02::1', '3fff::1', '4000::1',
    '', 'localhost', '127.1', '2130706433', '0x7f.0.0.1', '0177.0.0.1', '1.1.1.1 ', ' 1.1.1.1', '[::1]',
  ]) assert.equal(isReachable(address), false, address);
});

test('this machine\'s own addresses are not, public ones included', () => {
  assert.equal(isReachable('1.1.1.1', ['1.1.1.1']), false);
  assert.equal(isReachable('2606:4700::1111', ['2606:4700:0:0:0:0:0:1111']), false);
  for (const { address } of Object.values(networkInterfaces()).flatMap((found) => found ?? [])) assert.equal(isReachable(address), false, address);
});
