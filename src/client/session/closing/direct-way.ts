import { messageOf, type SealedSeat } from '../../../protocol/index.ts';
import { collectSet } from './collect-set.ts';
import { fullSet } from './commitments.ts';
import type { SessionContext } from '../context.ts';

/** The way in three messages: all seats sign the set of commitments, and no message closes them. Given up where one does not, for this process. */
export class DirectWay {
  readonly #context: SessionContext;
  #over: boolean;

  /** @param over given up from the start: the caller would have the chain close commitments */
  constructor(context: SessionContext, over: boolean) {
    this.#context = context;
    this.#over = over;
  }

  get over(): boolean {
    return this.#over;
  }

  giveUp(): void {
    this.#over = true;
    this.#context.poke();
  }

  /** Has everybody sign the set of commitments; where somebody does not, the chain closes the job. @throws the session's end */
  async close(roster: readonly SealedSeat[]): Promise<void> {
    const { components, record, signal, progress, save, mark, poke } = this.#context;
    const commitments = fullSet(roster, record.commitments);
    if (commitments === undefined) return;
    try {
      record.set = await collectSet(components, record, roster, commitments, signal);
      progress({ stage: 'committed' });
    } catch (error) {
      signal.throwIfAborted();
      this.#over = true;
      progress({ stage: 'problem', message: messageOf(error) });
    }
    await save();
    mark('closed');
    poke();
  }
}
