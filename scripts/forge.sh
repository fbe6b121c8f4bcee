#!/bin/sh
# Forge itself: the `forge` that npm links (@foundry-rs/forge 1.7.1) ends with 0 whatever its tests did, and dies without its child.
os=$(uname -s | tr '[:upper:]' '[:lower:]')
case "$(uname -m)" in x86_64 | amd64) cpu=amd64 ;; aarch64 | arm64) cpu=arm64 ;; *) cpu=$(uname -m) ;; esac
exec "$(dirname "$0")/../node_modules/@foundry-rs/forge-$os-$cpu/bin/forge" "$@"
