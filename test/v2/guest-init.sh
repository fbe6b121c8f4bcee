#!/bin/sh
# Process 1 of the emulated machine (scripts/test-v2.sh): sets up what an init system would, runs the cases the kernel's command line names, powers off.
export PATH=/gadus/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
# Emulation, on a machine that may be busy.
export GADUS_SLOWNESS=20
mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
for place in /dev/shm /tmp; do mount -t tmpfs -o mode=1777,size=1g tmpfs $place; done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
for module in loop overlay fuse; do modprobe $module; done
chmod 666 /dev/fuse
busybox ip link set lo up
hostname v2
# Where it was compiled.
home=$(cat /gadus/where)
mkdir -p "$home" && chmod 755 "${home%/*}" && mount --bind /gadus "$home" && cd "$home" || exit
export PATH="$home/bin:$PATH"

# What systemd does for `Delegate=yes`: a group whose files belong to the user; another one each time, for one that was divided takes no processes.
delegate() {
  group=/sys/fs/cgroup/user.slice/gadus-$(cut -d' ' -f1 /proc/uptime).scope
  mkdir -p $group
  for parent in /sys/fs/cgroup /sys/fs/cgroup/user.slice; do echo '+cpu +memory +pids' > $parent/cgroup.subtree_control; done
  for file in '' /cgroup.procs /cgroup.subtree_control /cgroup.threads; do chown gadus:gadus $group$file; done
}

# A file system that keeps quotas of projects.
with_quota() {
  mkdir -p /quota
  truncate -s 200M /tmp/quota.img
  mkfs.ext4 -q -F -O quota,project /tmp/quota.img
  modprobe quota_v2
  mount -o loop,prjquota /tmp/quota.img /quota
}

# What runs the tests: node as it is, or in a delegated group as a user.
as_root() { "$@"; }
as_user() {
  delegate
  (
    echo 0 > $group/cgroup.procs
    export HOME=/home/gadus USER=gadus
    exec setpriv --reuid gadus --regid gadus --init-groups node src/executor/rootless/main.ts "$@"
  )
}

run() {
  kind=${1%%:*} rest=${1#*:}
  runtime=${rest%%:*} pattern=
  [ "$rest" = "$runtime" ] || pattern=${rest#*:}
  case $kind in root | quota | escape-root) who=as_root ;; rootless | escape-rootless) who=as_user ;; *) return 2 ;; esac
  # Each user adds to a copy of its own.
  export NODE_COMPILE_CACHE=/tmp/compiled-$who
  [ -d $NODE_COMPILE_CACHE ] || { cp -r compiled $NODE_COMPILE_CACHE && chmod -R a+rwX $NODE_COMPILE_CACHE; }
  export GADUS_TEST_RUNTIME="$runtime" file=test/conformance/engine/container.test.ts
  if [ "$kind" = quota ]; then
    with_quota || return 1
    export TMPDIR=/quota
    file=test/v2/quota.test.ts
  fi
  case $kind in escape-*) file=test/conformance/escape/container.test.ts ;; esac
  # Not by `node --test`: every start of Node counts here.
  { $who node ${pattern:+--test-name-pattern="$pattern"} $file || echo 'test file failed'; } > /tmp/out 2>&1 &
  wait_for=$!
  tail -f /tmp/out --pid=$wait_for
  unset TMPDIR
  # An engine that does not work here is skipped, and must not count.
  ! grep -q 'test file failed' /tmp/out && grep -q '^ℹ pass [1-9]' /tmp/out && grep -q '^ℹ skipped 0' /tmp/out
}

for case in $(sed -n 's/.*gadus=\([^ ]*\).*/\1/p' /proc/cmdline | tr ',' ' '); do
  echo "CASE $case begins at $(cut -d' ' -f1 /proc/uptime)"
  if run "$case"; then verdict=ok; else verdict=failed; fi
  echo "CASE $case $verdict at $(cut -d' ' -f1 /proc/uptime)"
done
sync
busybox poweroff -f
