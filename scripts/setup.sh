#!/bin/sh
# Sourced, not run: puts Node 24 and the locked npm packages in place and sets PATH. Quick and quiet when nothing is missing.
NODE_VERSION=24.21.0

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$1"; [ -z "${2:-}" ] || say "  $2"; exit 1; }

# Debian packages: the container runtime, the default image's programs, and what the demonstration zips with; GADUS_SETUP_ALSO: what else, as PROGRAM:PACKAGE.
missing=
for tool in runc:runc busybox:busybox-static zip:zip unzip:unzip mkfs.ext4:e2fsprogs ${GADUS_SETUP_ALSO:-}; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
done
if [ -n "$missing" ]; then
  as_root=; [ "$(id -u)" = 0 ] || as_root=sudo
  if command -v apt-get >/dev/null 2>&1; then
    say "installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq >/dev/null || say "apt-get update failed; trying with the lists at hand"
    # shellcheck disable=SC2086
    $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
      fail "could not install$missing" "install them by hand, then run this again"
  else
    say "no apt-get here; install these yourself to run containers:$missing"
  fi
fi

# Node: js-libp2p and Helia need 22 or newer, and npm must itself run under it or it skips native packages.
os=$(uname -s | tr '[:upper:]' '[:lower:]')
case "$(uname -m)" in x86_64|amd64) cpu=x64 ;; aarch64|arm64) cpu=arm64 ;; *) cpu=$(uname -m) ;; esac
node_package="node-$os-$cpu"
node_home="$PWD/.toolchain/node_modules/$node_package/bin"
if [ "$("$node_home/node" --version 2>/dev/null)" != "v$NODE_VERSION" ]; then
  say "installing Node $NODE_VERSION (npm package $node_package) into .toolchain"
  npm install --prefix .toolchain --no-save --no-package-lock --ignore-scripts --loglevel=error "$node_package@$NODE_VERSION" >/dev/null ||
    fail "could not install $node_package@$NODE_VERSION" "check that the npm registry is reachable"
fi
PATH="$node_home:$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin"
export PATH

# `npm install` and not `npm ci`: the latter refuses a lock file without the optional packages of other platforms.
if ! cmp -s package-lock.json node_modules/.gadus-lock 2>/dev/null; then
  say "installing npm packages (about a minute)"
  npm install --no-save --loglevel=error --no-audit --no-fund >/dev/null || fail "npm install failed" "see the errors above; is the npm registry reachable?"
  cp package-lock.json node_modules/.gadus-lock
fi
