import { readdirSync } from 'node:fs';
import { MAX_OPEN_PROCESSES, REFRESH_STRIDE } from '../constants.ts';
import { machineUnits } from './machine-units.ts';
import { closeProc, openProc, procText, readProc, readProcFresh } from './proc-file.ts';
import { numberAt, parseNumbers, parseStat, type ProcessStat } from './proc-parse.ts';

/** Sums over all processes of a job, each with the children it has waited for. */
export interface ProcessTotals {
  userTicks: number;
  systemTicks: number;
  minorFaults: number;
  majorFaults: number;
  readBytes: number;
  writtenBytes: number;
  readCalls: number;
  writeCalls: number;
  contextSwitches: number;
  /** Anonymous resident bytes; only when `memory` was asked for. */
  residentBytes: number;
  processes: number;
}

interface Entry {
  pid: number;
  startTicks: number;
  /** Whether its files stay open between samples. */
  keeps: boolean;
  /** Descriptors, opened at the first read. */
  fds: number[];
  /** Context switches by thread id, gone threads included. */
  switches: Map<number, number>;
}

const FILES = ['stat', 'io', 'schedstat', 'statm'] as const;
const UNKNOWN = -1;
const UNOPENED = -2;
const STAT = 0, IO = 1, SCHEDSTAT = 2, STATM = 3;
const { pageBytes } = machineUnits();

/**
 * Follows the processes of one job through /proc.
 *
 * The kernel adds a child's own and inherited counters to its parent's when the parent waits for it (`wait_task_zombie`),
 * so own + inherited, summed over all that still exist, counts everything once. Parents are read before their children:
 * a child that ends in between is then missed for one sample, and never counted twice.
 */
export class ProcessTable {
  private readonly entries: Entry[] = [];
  private readonly known = new Map<number, Entry>();
  private readonly stat: ProcessStat = {
    ended: false, parent: 0, minorFaults: 0, majorFaults: 0, userTicks: 0, systemTicks: 0, threads: 0, startTicks: 0,
  };
  private readonly memory: boolean;
  private goneSwitches = 0;
  private open = 0;
  private round = -1;
  private whole = false;
  /** Totals of the first process, an init that only waits: they change only when it reaps something that was seen to go. */
  private root: ProcessTotals | undefined;

  constructor(init: { memory: boolean }) {
    this.memory = init.memory;
  }

  /**
   * Reads every process of `pids` and those of earlier rounds that still exist, waited for or not. Context switches, the
   * noisiest channel and for threads the dearest, only now and then. `whole` leaves nothing for the next time.
   *
   * @returns true when no process has gone
   */
  sample(pids: readonly number[], totals: ProcessTotals, whole = false): boolean {
    this.whole = whole;
    this.round++;
    Object.assign(totals, {
      userTicks: 0, systemTicks: 0, minorFaults: 0, majorFaults: 0, readBytes: 0, writtenBytes: 0, readCalls: 0, writeCalls: 0,
      contextSwitches: 0, residentBytes: 0, processes: 0,
    });
    this.admit(pids);
    let kept = 0;
    for (const entry of this.entries) {
      const isRoot = entry === this.entries[0];
      if (isRoot && this.root && !whole && this.round % REFRESH_STRIDE !== 0) Object.assign(totals, this.root);
      else if (!this.read(entry, totals)) {
        this.drop(entry);
        continue;
      }
      if (isRoot) this.root = { ...totals };
      this.entries[kept++] = entry;
    }
    const gone = this.entries.length - kept;
    if (gone > 0) this.root = undefined;
    this.entries.length = kept;
    totals.contextSwitches += this.goneSwitches;
    return gone === 0;
  }

  close(): void {
    for (const entry of this.entries) this.drop(entry);
    this.entries.length = 0;
  }

  private admit(pids: readonly number[]): void {
    const fresh: Entry[] = [];
    for (const pid of pids) {
      if (this.known.has(pid)) continue;
      const keeps = this.open < MAX_OPEN_PROCESSES;
      if (keeps) this.open++;
      const entry: Entry = { pid, startTicks: UNKNOWN, keeps, fds: FILES.map(() => UNOPENED), switches: new Map() };
      this.known.set(pid, entry);
      fresh.push(entry);
    }
    // A child's id is above its parent's, but for the rare time when ids start again from the bottom.
    if (fresh.length > 0) this.entries.push(...fresh.sort((a, b) => a.pid - b.pid));
  }

  private read(entry: Entry, totals: ProcessTotals): boolean {
    const { stat } = this;
    if (!parseStat(procText(), this.load(entry, STAT), stat)) return false;
    if (entry.startTicks === UNKNOWN) entry.startTicks = stat.startTicks;
    else if (entry.startTicks !== stat.startTicks) return false;
    totals.userTicks += stat.userTicks;
    totals.systemTicks += stat.systemTicks;
    totals.minorFaults += stat.minorFaults;
    totals.majorFaults += stat.majorFaults;
    if (!stat.ended) totals.processes++;
    const { threads, ended } = stat;
    const io = this.load(entry, IO);
    if (io > 0) {
      const text = procText();
      totals.readBytes += numberAt(text, io, 0);
      totals.writtenBytes += numberAt(text, io, 1);
      totals.readCalls += numberAt(text, io, 2);
      totals.writeCalls += numberAt(text, io, 3);
    }
    if (this.memory) {
      const length = this.load(entry, STATM);
      if (length > 0) totals.residentBytes += (numberAt(procText(), length, 1) - numberAt(procText(), length, 2)) * pageBytes;
    }
    if (!ended && (this.whole || this.round % REFRESH_STRIDE === 0)) this.readSwitches(entry, threads);
    for (const count of entry.switches.values()) totals.contextSwitches += count;
    return true;
  }

  /** Times put on a CPU (third field of schedstat): each follows one context switch, voluntary or not. */
  private readSwitches(entry: Entry, threads: number): void {
    const length = this.load(entry, SCHEDSTAT);
    if (length > 0) entry.switches.set(entry.pid, numberAt(procText(), length, 2));
    if (threads <= 1) return;
    for (const thread of threadsOf(entry.pid)) {
      const size = readProcFresh(`/proc/${entry.pid}/task/${thread}/schedstat`);
      if (size > 0) entry.switches.set(thread, numberAt(procText(), size, 2));
    }
  }

  private load(entry: Entry, file: number): number {
    const path = () => `/proc/${entry.pid}/${FILES[file]}`;
    if (!entry.keeps) return readProcFresh(path());
    if (entry.fds[file] === UNOPENED) entry.fds[file] = openProc(path());
    return entry.fds[file]! < 0 ? -1 : readProc(entry.fds[file]!);
  }

  private drop(entry: Entry): void {
    for (const count of entry.switches.values()) this.goneSwitches += count;
    if (this.known.get(entry.pid) === entry) this.known.delete(entry.pid);
    this.forget(entry);
  }

  private forget(entry: Entry): void {
    if (entry.keeps) this.open--;
    for (const fd of entry.fds) closeProc(fd);
  }
}

/** A process and all its descendants, zombies included, from /proc/pid/task/tid/children. */
export function processTree(root: number): number[] {
  const pids = [root];
  const seen = new Set(pids);
  for (let i = 0; i < pids.length; i++) {
    for (const thread of threadsOf(pids[i]!)) {
      const children: number[] = [];
      const length = readProcFresh(`/proc/${pids[i]}/task/${thread}/children`);
      if (length > 0) parseNumbers(procText(), length, children);
      for (const child of children) {
        if (seen.has(child)) continue;
        seen.add(child);
        pids.push(child);
      }
    }
  }
  return pids;
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
