/** Writes one line of the node's diary: an event name and its data. */
export type Log = (level: 'info' | 'warn' | 'error', event: string, data?: Record<string, unknown>) => void;
