#!/bin/sh
# What takes too long for every change: hours, all of it. Each part runs alone as well:
#   sh scripts/nightly.sh [PART…]
# parts: fuzz invariants differential smt mutation coverage lint engines v2
# Reports go to .nightly/, or where GADUS_NIGHTLY says. Exits with the number of parts that failed.
set -u
cd "$(dirname "$0")/.."
. scripts/setup.sh
out=${GADUS_NIGHTLY:-.nightly}
mkdir -p "$out"

# Every fuzz test at 100,000 runs, from a seed of the day (FUZZ_SEED is another): about an hour. Those that name a number of their own (`forge-config`: whole lives of jobs) keep to it.
fuzz() {
  FOUNDRY_FUZZ_SEED=${FUZZ_SEED:-0x$(date +%Y%m%d)} FOUNDRY_FUZZ_RUNS=${FUZZ_RUNS:-100000} sh scripts/forge.sh test --no-match-contract '^InvariantsTest$' --match-test '^testFuzz'
}

# Longer lives and more of them than in every run: 500 sequences of 300 steps against CI's 24 of 60.
invariants() {
  FOUNDRY_FUZZ_SEED=${FUZZ_SEED:-0x$(date +%Y%m%d)} FOUNDRY_INVARIANT_RUNS=${INVARIANT_RUNS:-500} FOUNDRY_INVARIANT_DEPTH=${INVARIANT_DEPTH:-300} sh scripts/forge.sh test --match-contract '^InvariantsTest$'
}

# 2,000 sequences of up to 200 steps from a seed of the day; a failure prints it.
differential() {
  GADUS_DIFFERENTIAL_RUNS=${DIFFERENTIAL_RUNS:-2000} GADUS_DIFFERENTIAL_LENGTH=${DIFFERENTIAL_LENGTH:-200} GADUS_DIFFERENTIAL_SEED=${DIFFERENTIAL_SEED:-$(date +%Y%m%d)} \
    node --test test/conformance/differential/differential.test.ts
}

# What is proven for all values (docs/contract-review.md).
smt() {
  command -v z3 >/dev/null 2>&1 || ${SUDO:-} apt-get install -y -qq --no-install-recommends z3 >/dev/null 2>&1 || { echo 'z3 is missing: apt-get install z3'; return 1; }
  node contracts/proofs/smt.ts
}

# About 2,300 changes of the contracts, half a second each and a minute for each that survives, in an order that makes what was tried an even sample; goes on where it was stopped. MUTATION_SECONDS bounds it.
mutation() {
  node contracts/proofs/mutate.ts --report "$out/mutation.json" ${MUTATION_SECONDS:+--seconds "$MUTATION_SECONDS"}
}

# Branches that no test takes (docs/contract-review.md).
coverage() {
  node contracts/proofs/coverage.ts --report "$out/coverage.json"
}

# Every finding of forge's linter that docs/contract-review.md does not argue.
lint() {
  node contracts/proofs/lint.ts
}

# Engine suite, escapes and hostile guests in virtual machines, each test in one or several: half an hour where they are emulated, a few tests at a time; goes on where it was stopped,
# and begins anew with ENGINES_AGAIN=1. GADUS_NIGHTLY_WITH is a command that each slice runs under.
engines() {
  node test/nightly/in-slices.ts --report "$out/engines.json" --with "${GADUS_NIGHTLY_WITH:-}" ${ENGINES_AGAIN:+--again}
}

# The container engine on cgroup v2, as root and without, with runc and crun, and under systemd, in User-mode Linux: half an hour.
v2() {
  sh scripts/test-v2.sh
}

[ $# -gt 0 ] || set -- lint smt differential fuzz invariants coverage mutation engines v2
failed=0
for part in "$@"; do
  case $part in
    fuzz | invariants | differential | smt | mutation | coverage | lint | engines | v2) ;;
    *) echo "no such part: $part" >&2; exit 2 ;;
  esac
  printf '== %s\n' "$part"
  started=$(date +%s)
  if "$part"; then verdict=ok; else verdict=FAILED; failed=$((failed + 1)); fi
  printf '== %s: %s after %d s\n' "$part" "$verdict" "$(($(date +%s) - started))"
done
exit "$failed"
