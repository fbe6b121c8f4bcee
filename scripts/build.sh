#!/bin/sh
# What is published, into DIR (dist): JavaScript with its types, and what is not TypeScript.
set -eu
out=${1:-dist}
rm -rf "$out"
tsc -p tsconfig.build.json --outDir "$out"
cp src/executor/guest/agent.pl "$out/executor/guest/"
