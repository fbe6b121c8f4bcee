/** What published escapes try, in one line of shell each: what succeeds has escaped. By the names that docs/threat-model.md has. */
export const ATTACKS: Record<string, string[]> = {
  'kernel settings: core_pattern, modprobe, sysrq, uevent_helper': [
    'echo "|/work/x" > /proc/sys/kernel/core_pattern', 'echo /work/x > /proc/sys/kernel/modprobe',
    // Hidden behind the null device, where the kernel has it.
    '[ ! -c /proc/sysrq-trigger ] && echo b > /proc/sysrq-trigger',
    'echo 1 > /proc/sys/vm/drop_caches', 'echo /work/x > /sys/kernel/uevent_helper', 'echo x > /proc/irq/default_smp_affinity', 'echo 0 > /proc/self/uid_map',
    'find /proc/sys -type f -perm -o+w | grep -q . && for f in $(find /proc/sys -type f -perm -o+w); do cat $f > $f && exit 0; done; false',
  ],
  'what the kernel tells: kcore, keys, kernel log, timers, memory': [
    '[ "$(head -c 1 /proc/kcore | wc -c)" -gt 0 ]', '[ -s /proc/keys ] && [ -n "$(cat /proc/keys)" ]', 'dmesg | grep -q .', '[ -n "$(cat /proc/kmsg)" ]',
    '[ -n "$(cat /proc/timer_list)" ]', '[ -n "$(cat /proc/sched_debug)" ]', 'cat /dev/mem', 'cat /dev/kmsg', 'ls /sys/kernel/debug/* /sys/firmware/*',
  ],
  'device nodes: made, or found': [
    'mknod /work/sda b 8 0', 'mknod /tmp/mem c 1 1', 'mknod /dev/loop c 10 237', 'mknod /outputs/vda b 254 0', 'head -c 1 /dev/sda || head -c 1 /dev/vda', 'ls /dev/loop* /dev/kvm /dev/fuse /dev/net/tun',
  ],
  'mounts: new, bound, moved, remounted, taken away': [
    'mount -t tmpfs x /work', 'mount -t proc x /work', 'mount -t sysfs x /work', 'mount --bind / /work', 'mount -o remount,rw /', 'mount -o remount,rw /proc/sys', 'umount /proc/sys',
    'umount -l /proc', 'mount -t overlay x -o lowerdir=/bin,upperdir=/work,workdir=/tmp /work', 'mkdir /work/p; pivot_root /work /work/p', 'chroot /work /bin/true',
  ],
  'namespaces: a new user namespace, or another\'s': [
    'unshare -U true', 'unshare -r true', 'unshare -m true', 'unshare -n true', 'nsenter -t 1 -m true', 'nsenter --net=/proc/1/ns/net true', 'cat < /proc/1/ns/mnt',
  ],
  'control groups: release_agent and notify_on_release': [
    'mkdir /work/cg; mount -t cgroup -o memory x /work/cg', 'mount -t cgroup2 x /work', 'find / -name release_agent | grep -q .', 'echo 1 > /sys/fs/cgroup/notify_on_release', 'mkdir /sys/fs/cgroup/x', 'mkdir /sys/fs/cgroup/memory/x',
  ],
};
