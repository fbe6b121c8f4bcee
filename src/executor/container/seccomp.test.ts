import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seccompProfile } from './seccomp.ts';

const DANGEROUS = [
  'mount', 'umount2', 'pivot_root', 'move_mount', 'open_tree', 'fsopen', 'setns', 'unshare', 'chroot', 'ptrace', 'process_vm_readv', 'process_vm_writev', 'bpf',
  'perf_event_open', 'userfaultfd', 'io_uring_setup', 'keyctl', 'add_key', 'request_key', 'init_module', 'finit_module', 'kexec_load', 'reboot', 'swapon',
  'settimeofday', 'clock_settime', 'open_by_handle_at', 'socketcall', 'kcmp', 'quotactl', 'syslog', 'acct', 'iopl', 'ioperm', 'sethostname', 'fanotify_init', 'vhangup',
];

test('allows by name, denies the rest', () => {
  const { defaultAction, syscalls } = seccompProfile('x64');
  assert.equal(defaultAction, 'SCMP_ACT_ERRNO');
  const unconditional = syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined).flatMap(({ names }) => names);
  assert.deepEqual(DANGEROUS.filter((name) => syscalls.some(({ names }) => names.includes(name))), []);
  assert.deepEqual(['clone', 'clone3', 'socket', 'personality'].filter((name) => unconditional.includes(name)), []);
  assert.equal(new Set(unconditional).size, unconditional.length, 'no name twice');
  for (const name of ['read', 'write', 'execve', 'exit_group', 'futex', 'wait4', 'openat', 'mmap', 'rseq', 'set_robust_list']) assert.ok(unconditional.includes(name), name);
});

test('lets clone make threads and processes, but no namespaces', () => {
  const rule = seccompProfile('x64').syscalls.find(({ names }) => names.includes('clone'))!;
  const { value, valueTwo } = rule.args![0]!;
  const allowed = (flags: number) => (BigInt(flags) & BigInt(value)) === BigInt(valueTwo!);
  assert.ok(allowed(0x3d0f00), 'a thread');
  assert.ok(allowed(0x1200011), 'a fork');
  for (const bit of [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) assert.ok(!allowed(bit | 17), bit.toString(16));
});
