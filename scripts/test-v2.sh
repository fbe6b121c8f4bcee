#!/bin/sh
# The container engine on cgroup v2, whatever this machine mounts: Debian's cloud kernel in an emulated machine (QEMU, no KVM needed) runs the engine suite.
#   sh scripts/test-v2.sh [CASE…]
# Cases: quota:runc, root:runc, root:crun, rootless:runc, rootless:crun (the engine suite); escape-root:runc, escape-rootless:runc (the escapes); or any with a pattern of test names without
# spaces: root:runc:life. Case by case on a machine of its own: GADUS_NIGHTLY_WITH is a command that the machine runs under (such as `flock FILE`) for GADUS_NIGHTLY_SLICE seconds at a time; in
# between it is held, and so is its clock.
# Needs qemu-system-x86, mmdebstrap and e2fsprogs, and root or user namespaces for mmdebstrap. Emulation is 10 to 20 times slower than the machine: a case takes many minutes.
# Console and results go to .nightly/v2.log and .nightly/v2.json, or where GADUS_NIGHTLY says. Exits with the number of cases that failed.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mke2fs:e2fsprogs; do
  command -v "${tool%%:*}" >/dev/null 2>&1 || { echo "${tool%%:*} is missing: apt-get install --no-install-recommends ${tool#*:}" >&2; exit 2; }
done
[ $# -gt 0 ] || set -- quota:runc root:runc root:crun rootless:runc rootless:crun escape-root:runc escape-rootless:runc
out=${GADUS_NIGHTLY:-.nightly}
cache=${GADUS_V2_CACHE:-.toolchain/v2}
mkdir -p "$out" "$cache"
log=$out/v2.log
work=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill "$machine" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The machine's system, made once: Debian's smallest with both runtimes, and the kernel.
if [ ! -e "$cache/system.img" ]; then
  echo 'making the system of the emulated machine (two minutes)'
  mmdebstrap --quiet --variant=minbase --format=tar --include=runc,crun,busybox-static,e2fsprogs,fuse2fs,uidmap,mount,quota,linux-image-cloud-amd64 \
    --customize-hook='printf "#!/bin/sh\nmount -t ext4 /dev/vdb /gadus\nexec /bin/sh /gadus/test/v2/guest-init.sh\n" > "$1/sbin/gadus-init"; chmod 755 "$1/sbin/gadus-init"; mkdir "$1/gadus"' \
    --customize-hook='printf "gadus:x:1000:1000::/home/gadus:/bin/sh\n" >> "$1/etc/passwd"; printf "gadus:x:1000:\n" >> "$1/etc/group"; printf "gadus:100000:65536\n" | tee "$1/etc/subuid" > "$1/etc/subgid"; mkdir -m 700 "$1/home/gadus"; chown 1000:1000 "$1/home/gadus"' \
    bookworm "$work/system.tar"
  mkdir "$work/system"
  tar -xf "$work/system.tar" -C "$work/system"
  cp "$work/system"/boot/vmlinuz-* "$cache/kernel"
  cp "$work/system"/boot/initrd.img-* "$cache/initrd"
  mke2fs -q -t ext4 -d "$work/system" "$cache/system.img.new" 1500M
  mv "$cache/system.img.new" "$cache/system.img"
  rm -rf "$work/system" "$work/system.tar"
fi

# What is tested: this checkout and its Node, without the packages that only contracts and linters need.
mkdir -p "$work/disk/bin"
cp "$(command -v node)" "$work/disk/bin/node"
tar -c --exclude='node_modules/@foundry-rs' --exclude='node_modules/.cache' --exclude='node_modules/typescript' --exclude='node_modules/@typescript' --exclude='node_modules/@oxlint' \
  --exclude='node_modules/solc' --exclude='node_modules/@openzeppelin' --exclude='node_modules/wabt' package.json src test node_modules | tar -x -C "$work/disk"
# Compiled here, where it takes seconds: the machine has it at the same path. No test runs, what the files begin with does.
echo "$work/disk" > "$work/disk/where"
for file in test/conformance/engine/container.test.ts test/conformance/escape/container.test.ts test/v2/quota.test.ts src/executor/sweep-main.ts src/executor/rootless/main.ts; do
  (cd "$work/disk" && NODE_COMPILE_CACHE="$work/disk/compiled" GADUS_TEST_RUNTIME=none bin/node --test-name-pattern='^$' "$file" >/dev/null 2>&1) || true
done
chmod -R a+rX "$work/disk/compiled"
mke2fs -q -t ext4 -O '^has_journal' -d "$work/disk" "$work/disk.img" 2G
rm -rf "$work/disk"

mhz=$(sed -n 's/^cpu MHz[^:]*: *\([0-9]*\).*/\1/p' /proc/cpuinfo | head -1)
qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp "${GADUS_V2_CPUS:-2}" -m 2048 -nodefaults -no-user-config -nographic -no-reboot -snapshot -rtc clock=vm -S -qmp "unix:$work/qmp,server=on,wait=off" \
  -kernel "$cache/kernel" -initrd "$cache/initrd" -serial "file:$log" \
  -append "console=ttyS0 root=/dev/vda rw init=/sbin/gadus-init quiet panic=-1 tsc_early_khz=${mhz:-2000}000 gadus=$(echo "$*" | tr ' ' ',')" \
  -drive "if=virtio,format=raw,file=$cache/system.img" -drive "if=virtio,format=raw,file=$work/disk.img" </dev/null &
machine=$!
: > "$log"
tail -f "$log" --pid="$machine" &
while kill -0 "$machine" 2>/dev/null; do
  # shellcheck disable=SC2086
  [ ! -S "$work/qmp" ] || ${GADUS_NIGHTLY_WITH:-} node test/v2/hold.ts "$work/qmp" "${GADUS_NIGHTLY_SLICE:-86400}" || true
  sleep 1
done
machine=

node test/v2/report.ts "$log" "$out/v2.json"

failed=0
for case in "$@"; do
  grep -q "^CASE $case ok" "$log" || { echo "$case: FAILED" >&2; failed=$((failed + 1)); }
done
exit "$failed"
