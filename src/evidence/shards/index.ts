export * from './draw-shards.ts';
export * from './manifest.ts';
export * from './open-manifest.ts';
export * from './shard-interval.ts';
export * from './shard-pieces.ts';
