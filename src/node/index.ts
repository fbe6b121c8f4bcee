export { parseNodeConfig, keyOf, type NodeConfig, type NodeConfigInput } from './config.ts';
export { createNode, type CreateNodeOptions, type RunningNode } from './create-node.ts';
export { NodeError, type NodeErrorCode } from './errors.ts';
export { Node } from './node.ts';
export type { Diary, DiaryLine } from './diary.ts';
export type { Log } from './log.ts';
export type { NodeStatus } from './node-status.ts';
export type { ReplicaRecord } from './replica-record.ts';
