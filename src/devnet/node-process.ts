import { join } from 'node:path';
import { serveApi } from '../api/index.ts';
import { createNode, parseNodeConfig, type Log, type Node } from '../node/index.ts';
import { messageOf, replay, seatOf, shardName } from '../protocol/index.ts';
import { createCheatingEngine, type CheatPlan } from './cheats.ts';

/** Parent -> node: from now on, be dishonest when drawn for this seat, or honest again. */
export type NodeCommand = { type: 'cheat'; seat: number; plan: CheatPlan } | { type: 'honest' } | { type: 'stop' };
/** Node -> parent. */
export type NodeReport =
  | { type: 'ready'; address: string; addrs: string[]; api: { url: string; token: string; page: string } }
  | { type: 'failed'; message: string }
  | { type: 'log'; level: string; event: string; data?: unknown };

// A parent that was killed takes its ends of the pipes with it: what cannot be told any more must not keep this process from cleaning up.
const report = (message: NodeReport) => { if (process.connected) process.send!(message, undefined, undefined, () => {}); };
process.stderr.on('error', () => {});
const log: Log = (level, event, data) => report({ type: 'log', level, event, data });

/** One node of a local network: started by its parent with a configuration, talks to it over IPC, ends with it. */
async function main(): Promise<void> {
  const config = parseNodeConfig(JSON.parse(process.argv[2] ?? '{}'));
  let dishonesty: { seat: number; plan: CheatPlan } | undefined;

  const planFor = (node: Node, runId: string): CheatPlan | undefined => {
    const record = [...node.records.values()].find(({ jobId }) => jobId.slice(2, 18) === runId.slice(0, 16));
    const job = record === undefined ? undefined : replay(record.events);
    const seat = job !== undefined && 'roster' in job ? seatOf(job.roster, record!.bid.node) : -1;
    if (dishonesty === undefined || dishonesty.seat !== seat) return undefined;
    const { plan } = dishonesty;
    return plan.shard === undefined || runId.endsWith(`-s${shardName(plan.shard)}`) ? plan : undefined;
  };
  const running = await createNode(config, {
    log,
    engines: (engines, node) => engines.map((engine) => createCheatingEngine(engine, (id) => planFor(node(), id))),
  });
  const api = await serveApi(running, { port: config.apiPort ?? 0, tokenPath: join(config.dir, 'api-token') });

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await api.stop();
    await running.stop();
    process.exit(0);
  };
  process.on('message', (command: NodeCommand) => {
    if (command.type === 'stop') void stop();
    else dishonesty = command.type === 'cheat' ? command : undefined;
  });
  // The parent decides when a Ctrl-C ends the network; a parent that is gone has decided.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => void stop());
  process.on('disconnect', () => void stop());
  report({ type: 'ready', address: running.chain.account!.address, addrs: running.host.getMultiaddrs().map(String), api: { url: api.url, token: api.token, page: api.page } });
}

main().catch((error: unknown) => {
  report({ type: 'failed', message: messageOf(error) });
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 200);
});
