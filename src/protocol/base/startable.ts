/** Something with a lifecycle. `start` may be called once; `stop` may be called at any time, twice, and after a failed start. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}
