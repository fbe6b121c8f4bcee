import { readSync, statfsSync } from 'node:fs';
import type { ChannelName } from '../../protocol/index.ts';
import { REFRESH_STRIDE } from '../constants.ts';
import { closeProc, openProc, procText, readProc, readProcFresh } from './proc-file.ts';
import { keyedNumber, numberAt, parseNumbers } from './proc-parse.ts';
import { machineUnits } from './machine-units.ts';
import { ProcessTable, processTree, type ProcessTotals } from './process-table.ts';
import { RUNTIME_CHANNELS, RUNTIMES_OWN, RuntimeCounts } from './runtime-counts.ts';

/** What to watch. Plain data: it crosses to the sampler's thread. */
export interface SamplerSource {
  /** First process of the job: the engine's init, which is no part of the job and holds its reaped children's totals. */
  rootPid: number;
  /** The job's control group; without one its processes are found as descendants of `rootPid`. */
  cgroup?: { version: 1 | 2; procs: string; pidsCurrent: string; cpu: string; memoryStat: string };
  /** Mount points of the job's writable file systems. */
  scratchPath?: string | string[];
  /** Open file in which init leaves the exit status: the end of the run, whatever the main thread is busy with. */
  statusFd?: number;
  /** Open file in which a runtime inside the job keeps its counts (RuntimeCounts): RUNTIME_CHANNELS are then those, not the processes'. */
  counterFd?: number;
}

const UNKNOWN = -1;
const PROCESS_CHANNELS: ChannelName[] = [
  'minorFaults', 'majorFaults', 'readBytes', 'writtenBytes', 'readCalls', 'writeCalls', 'contextSwitches', 'processes',
];

/** Channels a source can see. */
export function sourceChannels(source: Pick<SamplerSource, 'cgroup' | 'scratchPath' | 'counterFd'>): ChannelName[] {
  const seen: ChannelName[] = [
    'cpuUserNs', 'cpuSystemNs', 'cpuNs', 'residentBytes',
    ...(source.cgroup ? ['cacheBytes' as const] : []),
    ...PROCESS_CHANNELS,
    ...(source.scratchPath === undefined ? [] : ['outputBytes' as const]),
  ];
  return source.counterFd === undefined ? seen : [...new Set([...seen.filter((name) => !RUNTIMES_OWN.has(name)), ...RUNTIME_CHANNELS])];
}

/** Reads all channels of one job. Not reentrant; belongs to one thread. */
export class JobReader {
  readonly names: ChannelName[];
  readonly values: Float64Array;
  private readonly source: SamplerSource;
  private readonly table: ProcessTable;
  private readonly cpuFd: number;
  private readonly memoryFd: number;
  private readonly at: Map<ChannelName, number>;
  private readonly pids: number[] = [];
  private readonly tasksFd: number;
  private tasks = UNKNOWN;
  private round = -1;
  private writtenBytes = 0;
  private scratchBytes = 0;
  private activity = -1;
  private readonly totals = {} as ProcessTotals;
  private readonly tickNs = machineUnits().tickNs;
  private cpu: { totalNs: number; user: number; system: number; userNs: number; systemNs: number } | undefined;
  private readonly status = Buffer.alloc(1);
  private readonly counts: RuntimeCounts | undefined;

  constructor(source: SamplerSource) {
    this.source = source;
    this.names = sourceChannels(source);
    this.values = new Float64Array(this.names.length);
    this.at = new Map(this.names.map((name, i) => [name, i]));
    this.counts = source.counterFd === undefined ? undefined : new RuntimeCounts(source.counterFd);
    this.table = new ProcessTable({ memory: source.cgroup === undefined });
    this.cpuFd = source.cgroup ? openProc(source.cgroup.cpu) : -1;
    this.tasksFd = source.cgroup ? openProc(source.cgroup.pidsCurrent) : -1;
    this.memoryFd = source.cgroup ? openProc(source.cgroup.memoryStat) : -1;
  }

  /**
   * Reads everything into `values`. `whole` also walks the process tree, which finds children that ended and that nobody
   * waited for: needed once, at the end.
   */
  read(logBytes: number, whole = false): void {
    const { source, totals } = this;
    this.round++;
    const complete = this.table.sample(this.newProcesses(whole), totals, whole);
    if (!complete) this.tasks = UNKNOWN;
    for (const name of PROCESS_CHANNELS) this.set(name, totals[name as keyof ProcessTotals]);
    this.set('processes', Math.max(0, totals.processes - 1));
    if (source.cgroup) this.readCgroup(source.cgroup.version);
    else {
      this.set('cpuUserNs', totals.userTicks * this.tickNs);
      this.set('cpuSystemNs', totals.systemTicks * this.tickNs);
      this.set('cpuNs', (totals.userTicks + totals.systemTicks) * this.tickNs);
      this.set('residentBytes', totals.residentBytes);
    }
    this.readOutput(logBytes, whole);
    // Over what the same channels show of the processes.
    if (this.counts) {
      this.counts.read();
      RUNTIME_CHANNELS.forEach((name, i) => this.set(name, this.counts!.values[i]!));
    }
  }

  /** True once init has written the job's exit status. */
  ended(): boolean {
    const { statusFd } = this.source;
    if (statusFd === undefined) return this.totals.processes === 0;
    if (this.round % REFRESH_STRIDE !== 0) return false;
    try {
      return readSync(statusFd, this.status, 0, 1, 0) > 0;
    } catch {
      return true;
    }
  }

  close(): void {
    this.table.close();
    closeProc(this.cpuFd);
    closeProc(this.memoryFd);
    closeProc(this.tasksFd);
  }

  /**
   * Processes that may be new. Listing a group is the dearest read of all (a v1 list is frozen when it is opened), so it is
   * read only when the number of tasks has changed, when a process has gone, and now and then.
   */
  private newProcesses(whole: boolean): readonly number[] {
    const { cgroup, rootPid } = this.source;
    this.pids.length = 0;
    if (cgroup) {
      const counted = readProc(this.tasksFd);
      const tasks = counted > 0 ? numberAt(procText(), counted, 0) : UNKNOWN;
      if (tasks !== this.tasks || tasks === UNKNOWN || whole || this.round % REFRESH_STRIDE === 0) {
        this.tasks = tasks;
        const length = readProcFresh(cgroup.procs);
        if (length > 0) parseNumbers(procText(), length, this.pids);
      }
    }
    if (whole || !cgroup) this.pids.push(...processTree(rootPid));
    return this.pids;
  }

  /** Asks the file system only when something was written, and now and then, because of mapped files. */
  private readOutput(logBytes: number, whole: boolean): void {
    if (this.source.scratchPath === undefined) return;
    const { writtenBytes } = this.totals;
    if (whole || writtenBytes !== this.writtenBytes || this.round % REFRESH_STRIDE === 0) {
      this.writtenBytes = writtenBytes;
      this.scratchBytes = [this.source.scratchPath].flat().reduce((sum, place) => {
        const { blocks, bfree, bsize } = statfsSync(place);
        return sum + (blocks - bfree) * bsize;
      }, 0);
    }
    this.set('outputBytes', this.scratchBytes + logBytes);
  }

  private readCgroup(version: 1 | 2): void {
    const usage = readProc(this.cpuFd);
    if (version === 2) {
      const text = procText();
      if (usage > 0) {
        this.set('cpuNs', keyedNumber(text, usage, 'usage_usec ') * 1000);
        this.set('cpuUserNs', keyedNumber(text, usage, 'user_usec ') * 1000);
        this.set('cpuSystemNs', keyedNumber(text, usage, 'system_usec ') * 1000);
      }
    } else if (usage > 0) {
      this.splitCpu(numberAt(procText(), usage, 0), this.totals.userTicks, this.totals.systemTicks);
    }
    // Memory neither comes nor goes without faults, I/O or processes.
    const { minorFaults, readBytes, writtenBytes, processes } = this.totals;
    const activity = minorFaults + readBytes + writtenBytes + processes;
    if (activity === this.activity && this.round % REFRESH_STRIDE !== 0) return;
    this.activity = activity;
    const length = readProc(this.memoryFd);
    if (length <= 0) return;
    // Both kernels put the two first: v2 `anon`, `file`; v1 `cache`, `rss`.
    this.set(version === 2 ? 'residentBytes' : 'cacheBytes', numberAt(procText(), length, 0));
    this.set(version === 2 ? 'cacheBytes' : 'residentBytes', numberAt(procText(), length, 1));
  }

  /**
   * v1 has an exact total only; the processes' own times are rounded to ticks. The total is split in their proportion since
   * the first read, and neither part ever falls (the kernel's cputime_adjust does the same).
   */
  private splitCpu(totalNs: number, user: number, system: number): void {
    const cpu = (this.cpu ??= { totalNs, user, system, userNs: 0, systemNs: 0 });
    const spentNs = totalNs - cpu.totalNs;
    const ticked = user - cpu.user + system - cpu.system;
    const wanted = ticked > 0 ? (spentNs * (user - cpu.user)) / ticked : spentNs;
    cpu.userNs = Math.max(cpu.userNs, Math.min(wanted, spentNs - cpu.systemNs));
    cpu.systemNs = spentNs - cpu.userNs;
    this.set('cpuNs', spentNs);
    this.set('cpuUserNs', cpu.userNs);
    this.set('cpuSystemNs', cpu.systemNs);
  }

  private set(name: ChannelName, value: number): void {
    const i = this.at.get(name);
    if (i !== undefined && !Number.isNaN(value)) this.values[i] = value;
  }
}
