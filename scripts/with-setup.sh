#!/bin/sh
# Runs a command after setting up whatever this checkout still lacks, under the Node version Gadus needs.
#   sh scripts/with-setup.sh COMMAND [ARGS…]
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
exec "$@"
