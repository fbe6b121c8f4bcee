/** Suites whose every test boots virtual machines, which are emulated where there is no KVM: what each run leaves out, and what brings it in. */
export const SUITES: Record<string, { files: string[]; env: Record<string, string> }> = {
  microvm: { files: ['test/conformance/engine/microvm.test.ts'], env: { GADUS_TEST_EMULATED: '1' } },
  'escape-microvm': { files: ['test/conformance/escape/microvm.test.ts'], env: { GADUS_TEST_EMULATED: '1' } },
  'hostile-guest': { files: ['test/conformance/escape/hostile-guest.test.ts'], env: { GADUS_TEST_EMULATED: '1' } },
};
