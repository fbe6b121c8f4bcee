export { CHEATS, type Cheat } from './cheats.ts';
export { startDevnet, type Devnet, type DevnetOptions } from './start-devnet.ts';
export { DevnetError } from './node-child.ts';
