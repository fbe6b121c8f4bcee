import { hexToBytes, type Hex } from 'viem';
import { majorityOf } from '../../evidence/index.ts';

/** One shard as it was judged. */
export interface JudgedShard {
  shard: number;
  /** Seats that are not with its majority. */
  told: readonly number[];
  /** No majority: nobody is accused. */
  undecided: boolean;
}

/** What the contract would compare of a seat if a shard were opened. */
export interface OpenableSeat { seat: number; sketches: readonly Hex[]; resultDigest: Hex }

/** Seats of the majority that the contract would find if these opened a shard; none where there is none. */
export function provenIn(seats: readonly OpenableSeat[], shard: number): number[] {
  const opened = seats.map(({ sketches, resultDigest }) => ({ sketch: hexToBytes(sketches[shard]!), resultDigest }));
  return majorityOf(opened, seats[0]?.sketches.length ?? 1).map((member) => seats[member]!.seat);
}

/**
 * Which shard the verdict names: a dispute opens one only, so the rejected are those who are told there, and who is told elsewhere has the
 * benefit. Best is the one in which the contract would tell most seats apart as well, then the one in which most are told; of equals the
 * first. Where nobody is told the first undecided one, for the contract to say the same; else the first.
 */
export function nameShard(judged: readonly JudgedShard[], seats: readonly OpenableSeat[]): JudgedShard {
  let best: { shard: JudgedShard; proven: number } | undefined;
  for (const shard of judged) {
    if (shard.told.length === 0) continue;
    const majority = provenIn(seats, shard.shard);
    const proven = majority.length === 0 ? 0 : shard.told.filter((seat) => !majority.includes(seat)).length;
    if (best === undefined || proven > best.proven || (proven === best.proven && shard.told.length > best.shard.told.length)) best = { shard, proven };
  }
  return best?.shard ?? judged.find(({ undecided }) => undecided) ?? judged[0]!;
}
