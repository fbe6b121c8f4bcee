import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { probeKvm, type KvmProbe } from '../detect/probe-kvm.ts';

/**
 * Whether the guest's kernel boots under KVM, asked once for each start of this machine and kernel: a hypervisor under which it
 * hangs takes ten seconds to show it.
 */
export async function rememberedKvm(directory: string, kernel: string, { signal }: { signal?: AbortSignal } = {}): Promise<KvmProbe> {
  const file = path.join(directory, 'kvm.json');
  const key = `${kernel} ${(await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()}`;
  const known = await readFile(file, 'utf8').then((text) => JSON.parse(text) as { key?: string; probe?: KvmProbe }).catch(() => undefined);
  if (known?.key === key && known.probe) return known.probe;
  const probe = await probeKvm({ kernel, ...(signal ? { signal } : {}) });
  // Whoever may not write here asks again.
  await writeFile(file, JSON.stringify({ key, probe })).catch(() => undefined);
  return probe;
}
