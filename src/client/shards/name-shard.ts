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

/**
 * Which shard the verdict names: a dispute opens one only, so the rejected are those who are told there, and who is told elsewhere has the
 * benefit. Best is the one in which the contract would tell most seats apart as well, then the one in which most are told; of equals the
 * first. Where nobody is told the first undecided one, for the contract to say the same; else the first.
 */
export function nameShard(judged: readonly JudgedShard[], seats: readonly OpenableSeat[]): JudgedShard {
  let best: { shard: JudgedShard; proven: number } | undefined;
  for (const shard of judged) {
    if (shard.told.length === 0) continue;
    const majority = majorityOf(seats.map(({ sketches, resultDigest }) => ({ sketch: hexToBytes(sketches[shard.shard]!), resultDigest })));
    const proven = majority.length === 0 ? 0 : shard.told.filter((seat) => !majority.some((member) => seats[member]!.seat === seat)).length;
    if (best === undefined || proven > best.proven || (proven === best.proven && shard.told.length > best.shard.told.length)) best = { shard, proven };
  }
  return best?.shard ?? judged.find(({ undecided }) => undecided) ?? judged[0]!;
}
