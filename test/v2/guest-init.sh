#!/bin/sh
# Process 1 of the machine of scripts/test-v2.sh: sets up what an init system would, runs the case that the kernel's command line names, powers off.
export PATH=/gadus/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
# Each system call and page fault takes ten times longer in there, on a machine that may be busy.
export GADUS_SLOWNESS=5
mountpoint -q /proc || mount -t proc proc /proc
case=$(sed -n 's/.*gadus=\([^ ]*\).*/\1/p' /proc/cmdline)

# With systemd: it comes first, and runs this again as a service when all is up.
if [ "${case%%:*}" = systemd ] && [ $$ = 1 ]; then
  cat > /etc/systemd/system/gadus-test.service <<END
[Unit]
After=multi-user.target
[Service]
ExecStart=/bin/sh $0
StandardOutput=tty
TTYPath=/dev/console
END
  ln -s ../gadus-test.service /etc/systemd/system/multi-user.target.wants/
  exec /lib/systemd/systemd
fi
mountpoint -q /sys || mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mountpoint -q /dev/pts || mount -t devpts devpts /dev/pts
for place in /dev/shm /tmp; do mountpoint -q $place || mount -t tmpfs -o mode=1777,size=1g tmpfs $place; done
mountpoint -q /run || mount -t tmpfs -o mode=755 tmpfs /run
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
for module in loop overlay fuse; do modprobe $module; done
chmod 666 /dev/fuse
busybox ip link set lo up
hostname v2
cd /gadus || exit

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

# What runs the tests: node as it is, with a part of the control groups, or in a delegated group as a user.
as_root() { "$@"; }
# As in a container that is given a part of the tree and sees it as all of it, with a shell beside.
as_contained() {
  echo '+cpu +memory +pids +io' > /sys/fs/cgroup/cgroup.subtree_control
  mkdir /sys/fs/cgroup/box
  (
    echo 0 > /sys/fs/cgroup/box/cgroup.procs
    exec unshare --cgroup --mount sh -c 'umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && "$@"; exit $?' sh "$@"
  )
}
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
  case $kind in root | quota | escape-root | systemd) who=as_root ;; contained) who=as_contained ;; rootless | escape-rootless) who=as_user ;; *) return 2 ;; esac
  export NODE_COMPILE_CACHE=/tmp/compiled GADUS_TEST_RUNTIME="$runtime" file=test/conformance/engine/container.test.ts
  if [ "$kind" = quota ]; then
    with_quota || return 1
    export TMPDIR=/quota
    file=test/v2/quota.test.ts
  fi
  case $kind in escape-*) file=test/conformance/escape/container.test.ts ;; systemd) file=test/v2/systemd.test.ts ;; esac
  : > /tmp/out
  { $who node ${pattern:+--test-name-pattern="$pattern"} $file || echo 'test file failed'; } >> /tmp/out 2>&1 &
  wait_for=$!
  tail -f /tmp/out --pid=$wait_for
  unset TMPDIR
  # An engine that does not work here is skipped, and must not count.
  ! grep -q 'test file failed' /tmp/out && grep -q '^ℹ pass [1-9]' /tmp/out && grep -q '^ℹ skipped 0' /tmp/out
}

echo "CASE $case begins at $(cut -d' ' -f1 /proc/uptime)"
if run "$case"; then verdict=ok; else verdict=failed; fi
echo "CASE $case $verdict at $(cut -d' ' -f1 /proc/uptime)"
busybox poweroff -f
