/** The user ended the command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor() { super('interrupted'); }
}
