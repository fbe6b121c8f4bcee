#!/bin/sh
# Lint (the folder arrows included) and type check.
set -eu
oxlint --deny-warnings src lab bench test contracts
tsc --noEmit
