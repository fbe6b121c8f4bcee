import { BLOCK_WRITE_CONCURRENCY } from '../constants.ts';

/** IPIP-499's profile: CIDv1, raw leaves, chunks of 1 MiB, 1,024 links a node, directories sharded above 256 KiB. */
export const PROFILE = { profile: 'unixfs-v1-2025', blockWriteConcurrency: BLOCK_WRITE_CONCURRENCY } as const;
