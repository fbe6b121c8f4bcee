import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { SuiteContext } from './suite-context.ts';

/** What a job cannot do. */
export function isolationSuite({ it, sh }: SuiteContext): void {
  describe('isolation', () => {
    it('has no network', async () => {
      const result = await sh('grep -c : /proc/net/dev; ping -c 1 -W 1 1.1.1.1; nc -w 1 1.1.1.1 80 && echo reached');
      assert.equal(result.stdout.split('\n')[0], '1', 'loopback alone');
      assert.doesNotMatch(result.stdout, /reached|bytes from/);
    });
    it('cannot write outside its own directories', async () => {
      const result = await sh('for d in / /bin /etc /usr /proc /sys /dev /.gadus; do touch $d/x 2>/dev/null && echo $d; done; exit 0');
      assert.equal(result.stdout, '');
    });
    it('has no devices but the harmless ones, and cannot make any', async () => {
      const result = await sh('for f in /dev/*; do [ -L $f ] && continue; [ -b $f ] && echo $f; [ -c $f ] && echo $f; done; mknod /work/sda b 8 0 2>/dev/null && echo made');
      assert.equal(result.stdout.trim().split('\n').sort().join(' '), '/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero');
    });
    it('is nobody, without capabilities, and cannot become anybody', async () => {
      const result = await sh('id -u; id -G; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr -s "\\t " " "; su root -c id 2>/dev/null; mount -t tmpfs x /work 2>/dev/null || unshare -U id 2>/dev/null || chroot / id 2>/dev/null || echo none');
      assert.deepEqual(result.stdout.trim().split('\n'), [
        '65534', '65534', 'CapInh: 0000000000000000', 'CapPrm: 0000000000000000', 'CapEff: 0000000000000000', 'CapBnd: 0000000000000000',
        'CapAmb: 0000000000000000', 'NoNewPrivs: 1', 'Seccomp: 2', 'none',
      ]);
    });
    it('sees only its own processes, and cannot touch the engine\'s', async () => {
      const result = await sh('ls -d /proc/[0-9]* | wc -l; ls /proc/1/fd 2>/dev/null; cat /proc/1/environ 2>/dev/null; for s in TERM HUP INT QUIT KILL STOP USR1; do kill -$s 1; done; for f in /proc/self/fd/*; do readlink $f; done | grep -E "status|socket"; echo alive');
      const lines = result.stdout.trim().split('\n');
      assert.ok(Number(lines[0]) <= 5);
      assert.deepEqual([lines.length, lines.at(-1), result.exitCode], [2, 'alive', 0]);
    });
    it('cannot lie about its end', async () => {
      const result = await sh('for n in 1 $$; do for f in 3 4 5; do echo "exit 0" > /proc/$n/fd/$f; echo 0 > /proc/$n/fd/$f; done; done 2>/dev/null; echo "exit 0"; exit 7');
      assert.equal(result.exitCode, 7);
    });
  });
}
