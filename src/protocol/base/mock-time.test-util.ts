import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

/** Until the end of a test timeouts come when it says so, and at no other moment: those of `setTimeout`, of `sleep` and of signals. @returns lets time pass, ms */
export function mockTime(t: TestContext): (ms: number) => void {
  // The types do not know the last one yet.
  t.mock.timers.enable({ apis: ['setTimeout', 'AbortSignal.timeout' as 'setTimeout'] });
  // What was imported by name is looked up once.
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.timers.reset();
    syncBuiltinESMExports();
  });
  return (ms) => t.mock.timers.tick(ms);
}
