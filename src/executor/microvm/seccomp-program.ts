/** System calls of x86-64 that no job needs and that reach far into a kernel: `EPERM`. The VM is the wall; this keeps the guest's kernel behind one of its own. */
const DENIED = {
  ptrace: 101, pivot_root: 155, chroot: 161, acct: 163, settimeofday: 164, mount: 165, umount2: 166, swapon: 167, swapoff: 168, reboot: 169,
  iopl: 172, ioperm: 173, init_module: 175, delete_module: 176, quotactl: 179, lookup_dcookie: 212, clock_settime: 227, kexec_load: 246, add_key: 248,
  request_key: 249, keyctl: 250, unshare: 272, perf_event_open: 298, name_to_handle_at: 303, open_by_handle_at: 304, setns: 308,
  process_vm_readv: 310, process_vm_writev: 311, finit_module: 313, kexec_file_load: 320, bpf: 321, userfaultfd: 323, io_uring_setup: 425,
  io_uring_enter: 426, io_uring_register: 427, open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433,
  pidfd_getfd: 438, mount_setattr: 442,
};
const CLONE = 56;
const CLONE3 = 435;
/** All CLONE_NEW* flags but CLONE_NEWTIME, which shares its bit with the exit signal. */
const NAMESPACES = 0x7e02_0000;
const X86_64 = 0xc000_003e;
const X32_BIT = 0x4000_0000;

/** Offsets into struct seccomp_data. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;
/** struct sock_filter codes: load a word, jumps, return. */
const LOAD = 0x20;
const EQUAL = 0x15;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const KILL = 0x8000_0000;
const errno = (code: number) => 0x0005_0000 | code;
const EPERM = 1;
const ENOSYS = 38;

/**
 * A classic BPF program for seccomp(2), as an array of `struct sock_filter`. clone3 does not exist (its flags lie behind a pointer;
 * C libraries then use clone), clone may make no name space, other architectures' calls kill.
 */
export function seccompProgram(): Buffer {
  const program: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [LOAD, 0, 0, ARCHITECTURE], [EQUAL, 1, 0, X86_64], [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, NUMBER], [AT_LEAST, 0, 1, X32_BIT], [RETURN, 0, 0, errno(ENOSYS)],
    [EQUAL, 0, 1, CLONE3], [RETURN, 0, 0, errno(ENOSYS)],
    ...Object.values(DENIED).flatMap((number): typeof program => [[EQUAL, 0, 1, number], [RETURN, 0, 0, errno(EPERM)]]),
    [EQUAL, 0, 3, CLONE], [LOAD, 0, 0, FIRST_ARGUMENT], [ANY_BIT, 0, 1, NAMESPACES], [RETURN, 0, 0, errno(EPERM)],
    [RETURN, 0, 0, ALLOW],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, value], i) => {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(ifTrue, i * 8 + 2);
    bytes.writeUInt8(ifFalse, i * 8 + 3);
    bytes.writeUInt32LE(value, i * 8 + 4);
  });
  return bytes;
}
