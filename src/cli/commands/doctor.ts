import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { gadusHome, readProfile } from '../../client/profile.ts';
import { formatBytes, messageOf } from '../../protocol/index.ts';
import { bold, dim, green, print, red, yellow } from '../output.ts';
import { interruptSignal, type GlobalOptions } from '../session.ts';

/** One finding about this machine. */
interface Finding { name: string; state: 'ok' | 'limited' | 'missing'; detail: string; remedy?: string }

/** `gadus doctor`: what this machine can run, and what to do about what it cannot. */
export function registerDoctor(command: Command): void {
  command.addHelpText('after', '\nExit code 1 when no engine works.\n\nExample:\n  $ gadus doctor')
    .action(async (_options: GlobalOptions, command: Command) => {
      const { detectEngines, enterUserNamespace } = await import('../../executor/index.ts');
      enterUserNamespace();
      const options = command.optsWithGlobals<GlobalOptions>();
      const signal = interruptSignal();
      const engines = (await detectEngines({ dir: join(gadusHome(), 'doctor') }, { signal })).filter(({ name }) => name !== 'noop');
      const findings: Finding[] = [
        nodeVersion(), await machine(), await cgroups(),
        ...engines.map((probe): Finding => ({
          name: `engine ${probe.runtime === 'docker' ? 'docker' : probe.name}`, state: probe.ok ? (probe.problems.length > 0 ? 'limited' : 'ok') : 'missing',
          detail: probe.ok ? `${probe.runtime} ${probe.version}; ${probe.isolation}` : probe.problems.map(({ what }) => what).join('; '),
          ...(probe.problems.length === 0 ? {} : { remedy: probe.problems.map(({ remedy }) => remedy).join('; ') }),
        })),
        await registries(signal), await kvm(signal), await disk(), await chain(options.profile, signal),
      ];
      const mark = { ok: green('ok     '), limited: yellow('limited'), missing: red('missing') };
      print({ findings, engines }, findings.map(({ name, state, detail, remedy }) => (
        `${mark[state]}  ${bold(name.padEnd(18))} ${detail}${remedy === undefined ? '' : `\n         ${dim('→')} ${remedy}`}`)).join('\n'), options);
      if (!engines.some(({ ok }) => ok)) process.exitCode = 1;
    });
}

function nodeVersion(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return { name: 'Node.js', state: major >= 22 ? 'ok' : 'missing', detail: process.versions.node, ...(major >= 22 ? {} : { remedy: 'Node 22.18 or newer is needed' }) };
}

async function machine(): Promise<Finding> {
  const model = /model name\s*: (.*)/.exec(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''))?.[1] ?? process.arch;
  return { name: 'machine', state: 'ok', detail: `${availableParallelism()} cores (${model}), ${formatBytes(totalmem())} memory (${formatBytes(freemem())} free), kernel ${release()}` };
}

async function cgroups(): Promise<Finding> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  const v2 = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  const controllers = v2 === undefined ? '' : await readFile(`${v2}/cgroup.controllers`, 'utf8').catch(() => '');
  if (/\bmemory\b/.test(controllers)) return { name: 'cgroups', state: 'ok', detail: `v2 with ${controllers.trim()}` };
  const v1 = [...mounts.matchAll(/^\S+ (\S+) cgroup /gm)].map(([, path]) => path!.split('/').pop());
  if (v1.includes('memory')) return { name: 'cgroups', state: 'ok', detail: `v1 with ${v1.join(', ')}` };
  return { name: 'cgroups', state: 'missing', detail: 'no memory controller', remedy: 'boot with cgroups enabled (systemd.unified_cgroup_hierarchy=1)' };
}

/** Images of registries are fetched where a client is; a node needs nothing for them. */
async function registries(signal: AbortSignal): Promise<Finding> {
  const { skopeoVersion } = await import('../../executor/index.ts');
  try {
    return { name: 'registries', state: 'ok', detail: `skopeo ${await skopeoVersion({ signal })} fetches images` };
  } catch (error) {
    const { code, hint } = error as { code?: string; hint?: string };
    signal.throwIfAborted();
    return {
      name: 'registries', state: 'limited', detail: code === 'TOOL_MISSING' ? 'no skopeo: images are CIDs, archives and layouts only' : messageOf(error),
      remedy: hint ?? 'gadus image pull needs a skopeo that works',
    };
  }
}

async function kvm(signal: AbortSignal): Promise<Finding> {
  const { findGuest, guestDir, probeKvm } = await import('../../executor/index.ts');
  const guest = await findGuest({ dir: guestDir() }).catch(() => undefined);
  const { works, detail, remedy } = await probeKvm({ signal, ...(guest === undefined ? {} : { kernel: guest.kernel }) });
  return { name: 'KVM', state: works ? 'ok' : 'limited', detail, ...(remedy === undefined ? {} : { remedy }) };
}

async function disk(): Promise<Finding> {
  const { bavail, bsize } = await statfs(gadusHome()).catch(() => statfs('/'));
  const free = bavail * bsize;
  const enough = free > 5 * 1024 ** 3;
  return { name: 'disk', state: enough ? 'ok' : 'limited', detail: `${formatBytes(free)} free for ${gadusHome()}`, ...(enough ? {} : { remedy: 'jobs and their data need room: set GADUS_HOME to a larger disk' }) };
}

async function chain(path: string | undefined, signal: AbortSignal): Promise<Finding> {
  try {
    const profile = await readProfile(path);
    const { createChain } = await import('../../chain/index.ts');
    const found = createChain({ rpcUrl: profile.rpcUrl, scheduler: profile.scheduler, pollingIntervalMs: profile.pollMs });
    const { chainId } = await found.court({ signal });
    return { name: 'chain', state: 'ok', detail: `chain ${chainId} at ${profile.rpcUrl}, scheduler ${profile.scheduler}; IPFS peers: ${profile.bootstrap.length} in the profile` };
  } catch (error) {
    const { hint } = error as { hint?: string };
    return { name: 'chain', state: 'missing', detail: messageOf(error), ...(hint === undefined ? {} : { remedy: hint }) };
  }
}
