import type { Random } from '../corpus/inputs/random.ts';

/** What a node does with a replica it was drawn for. */
export type Action = 'work' | 'cheat' | 'collude' | 'vanish';

/** What a strategy sees of itself. */
export interface Self { score: number; jobs: number; milking: boolean }

/** How a node behaves over its life. */
export interface Strategy {
  name: string;
  about: string;
  act(self: Self, random: Random): Action;
  /** Whether to leave the name behind at the end of a day, take the stake out, and come back as somebody new. */
  leaves?(self: Self): boolean;
  /** Names one operator's stake is split into. */
  names?: number;
}

const cheating = (share: number): Strategy => ({
  name: `cheats ${share * 100} %`, about: 'does not do the work in this share of its jobs', act: (_, random) => (random.uniform() < share ? 'cheat' : 'work'),
});

export const HONEST: Strategy = { name: 'honest', about: 'does the work', act: () => 'work' };

/** Nodes against which the rules must hold; the least cunning first. */
export const STRATEGIES: readonly Strategy[] = [
  cheating(1), cheating(0.5), cheating(0.1), cheating(0.02),
  {
    name: 'milks', about: 'works until its score is 0.85, then cheats until it is below 0.4, and again',
    act(self) {
      if (self.score > 0.85) self.milking = true;
      if (self.score < 0.4) self.milking = false;
      return self.milking ? 'cheat' : 'work';
    },
  },
  { name: 'new names', about: 'always cheats, and takes a new name when its score is that of a newcomer or less', act: () => 'cheat', leaves: ({ score, jobs }) => jobs > 0 && score < 0.026 },
  {
    name: 'milks, new names', about: 'works until its score is 0.85, cheats until it is below 0.1, takes a new name',
    act(self) {
      if (self.score > 0.85) self.milking = true;
      return self.milking ? 'cheat' : 'work';
    },
    leaves: ({ score, milking }) => milking && score < 0.1,
  },
  { name: 'split in ten', about: 'honest, its stake under ten names', act: () => 'work', names: 10 },
  { name: 'vanishes', about: 'takes every tenth seat and never commits', act: (_, random) => (random.uniform() < 0.1 ? 'vanish' : 'work') },
];

/** Works alone, and hands in one made-up run wherever two of the ring are drawn together. */
export const COLLUDER: Strategy = { name: 'colludes', about: 'cheats together wherever its ring has two seats or more', act: () => 'collude' };
