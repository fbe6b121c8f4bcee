/** The last so many keys. */
export class RecentKeys {
  readonly #keys = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Whether it was there; it is the last one now. */
  add(key: string): boolean {
    const known = this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > this.#most) for (const oldest of this.#keys) { this.#keys.delete(oldest); break; }
    return known;
  }
}
