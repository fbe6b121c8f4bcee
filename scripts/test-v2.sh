#!/bin/sh
# The container engine on cgroup v2, whatever this machine mounts: the engine suite in User-mode Linux, a kernel that is a process, with Debian's smallest system in it.
#   sh scripts/test-v2.sh [CASE…]
# Cases: quota:runc, root:runc, root:crun, rootless:runc, rootless:crun, contained:runc (the engine suite; the last as root with a part of the tree, as in a container);
# escape-root:runc, escape-rootless:runc (the escapes); systemd:runc, systemd:crun (services, sessions and delegation of systemd's); or any with a pattern of test names without spaces:
# root:runc:life. Each has a machine of its own, which boots in seconds, run by the command in GADUS_NIGHTLY_WITH (such as `nice`). All of them take half an hour.
# Needs mmdebstrap, e2fsprogs and gcc, and root or user namespaces for mmdebstrap.
# Console and results go to .nightly/v2.log and .nightly/v2.json, or where GADUS_NIGHTLY says. Exits with the number of cases that failed.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
for tool in mmdebstrap:mmdebstrap mke2fs:e2fsprogs gcc:'gcc libc6-dev'; do
  command -v "${tool%%:*}" >/dev/null 2>&1 || { echo "${tool%%:*} is missing: apt-get install --no-install-recommends ${tool#*:}" >&2; exit 2; }
done
[ "$(uname -m)" = x86_64 ] || { echo 'User-mode Linux is for x86-64 alone' >&2; exit 2; }
[ $# -gt 0 ] || set -- quota:runc root:runc root:crun rootless:runc rootless:crun escape-root:runc escape-rootless:runc contained:runc systemd:runc systemd:crun
out=${GADUS_NIGHTLY:-.nightly}
cache=${GADUS_V2_CACHE:-.toolchain/v2}
mkdir -p "$out" "$cache"
log=$out/v2.log
work=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The machine's system, made once: Debian's smallest with both runtimes, and the kernel.
if [ ! -e "$cache/uml.img" ]; then
  echo 'making the system of the machine (a minute)'
  mmdebstrap --quiet --variant=minbase --format=tar --include=runc,crun,busybox-static,e2fsprogs,fuse2fs,uidmap,mount,quota,kmod,user-mode-linux,systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd \
    --customize-hook='printf "#!/bin/sh\nbusybox mount -t ext4 /dev/ubdb /gadus\nexec /bin/sh /gadus/test/v2/guest-init.sh\n" > "$1/sbin/gadus-init"; chmod 755 "$1/sbin/gadus-init"; mkdir "$1/gadus"' \
    --customize-hook='printf "gadus:x:1000:1000::/home/gadus:/bin/sh\n" >> "$1/etc/passwd"; printf "gadus:x:1000:\n" >> "$1/etc/group"; printf "gadus:*:19000::::::\n" >> "$1/etc/shadow"; printf "gadus:100000:65536\n" | tee "$1/etc/subuid" > "$1/etc/subgid"; mkdir -m 700 "$1/home/gadus"; chown 1000:1000 "$1/home/gadus"' \
    --customize-hook='ln -s uml/modules "$1/usr/lib/modules"' \
    bookworm "$work/system.tar"
  mkdir "$work/system"
  tar -xf "$work/system.tar" -C "$work/system"
  cp "$work/system/usr/bin/linux.uml" "$cache/linux"
  mke2fs -q -t ext4 -d "$work/system" "$work/uml.img" 1500M
  mv "$work/uml.img" "$cache/uml.img"
  rm -rf "$work/system" "$work/system.tar"
fi
gcc -O2 -shared -fPIC -o "$work/xstate.so" test/v2/xstate.c

# What is tested: this checkout and its Node, without the packages that only contracts and linters need.
mkdir -p "$work/disk/bin"
cp "$(command -v node)" "$work/disk/bin/node"
tar -c --exclude='node_modules/@foundry-rs' --exclude='node_modules/.cache' --exclude='node_modules/typescript' --exclude='node_modules/@typescript' --exclude='node_modules/@oxlint' \
  --exclude='node_modules/solc' --exclude='node_modules/@openzeppelin' --exclude='node_modules/wabt' package.json src test node_modules | tar -x -C "$work/disk"
mke2fs -q -t ext4 -O '^has_journal' -d "$work/disk" "$work/disk.img" 2G
rm -rf "$work/disk"

# The machine's memory is a file.
memory=/dev/shm
[ "$(df -k --output=avail /dev/shm | tail -1)" -gt 2500000 ] || memory=$work

: > "$log"
for case in "$@"; do
  # What the machine writes to its disks goes when it ends.
  rm -f "$work"/*.cow
  # shellcheck disable=SC2086
  ${GADUS_NIGHTLY_WITH:-} timeout 3600 env TMPDIR="$memory" LD_PRELOAD="$work/xstate.so" "$cache/linux" mem=2G uml_dir="$work/uml/" "ubda=$work/system.cow,$cache/uml.img" "ubdb=$work/disk.cow,$work/disk.img" \
    root=/dev/ubda rw init=/sbin/gadus-init quiet con=null con0=null,fd:1 "gadus=$case" </dev/null >"$work/console" 2>&1 &
  machine=$!
  tail -n +1 -f "$work/console" --pid="$machine"
  wait "$machine" || true
  machine=
  cat "$work/console" >> "$log"
done

node test/v2/report.ts "$log" "$out/v2.json"

failed=0
for case in "$@"; do
  grep -q "^CASE $case ok" "$log" || { echo "$case: FAILED" >&2; failed=$((failed + 1)); }
done
exit "$failed"
