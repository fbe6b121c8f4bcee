/** The kernel's package: the smallest of Debian's, with drivers for virtual hardware alone. A metapackage that names the real one. */
export const KERNEL_METAPACKAGE = 'linux-image-cloud-amd64';
/** What the guest's user space is made of: an interpreter for the agent and the libraries it is linked with. */
export const USERLAND_PACKAGES = ['perl-base', 'libc6', 'libcrypt1'];
/** Files of those packages that go into the initial root file system, found wherever the release keeps them. */
export const USERLAND_FILES = {
  'bin/perl': ['usr/bin/perl'],
  'lib64/ld-linux-x86-64.so.2': ['lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2'],
  'lib/x86_64-linux-gnu/libc.so.6': ['lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/libc.so.6'],
  'lib/x86_64-linux-gnu/libm.so.6': ['lib/x86_64-linux-gnu/libm.so.6', 'usr/lib/x86_64-linux-gnu/libm.so.6'],
  'lib/x86_64-linux-gnu/libcrypt.so.1': ['lib/x86_64-linux-gnu/libcrypt.so.1', 'usr/lib/x86_64-linux-gnu/libcrypt.so.1'],
  'usr/lib/x86_64-linux-gnu/perl-base/strict.pm': ['usr/lib/x86_64-linux-gnu/perl-base/strict.pm'],
} as const;
/** Drivers of the guest; what they depend on comes along. A kernel has some of them built in. */
export const MODULES = ['virtio_mmio', 'virtio_blk', 'virtio_console', 'virtio_balloon', 'vmw_vsock_virtio_transport', 'erofs', 'overlay'];
/** Longest download and unpacking of the packages, 31 MB. */
export const GUEST_TIMEOUT_MS = 10 * 60_000;
