import { encodeAbiParameters, encodeEventTopics, numberToHex, pad, toHex, type Address, type Hex } from 'viem';
import { schedulerAbi } from './abi.ts';
import { RpcFault } from './rpc/fake-rpc.test-util.ts';

/** A chain in memory that is served the way Filecoin's nodes and public providers do it. */
export class FakeChain {
  readonly scheduler: Address = '0x00000000000000000000000000000000000000A1';
  blocks = new Map<number, { hash: Hex; amounts: number[] }>();
  head = -1;
  /** How far `latest` and what can be read lag behind the head. */
  lag = 1;
  maxRange = Number.POSITIVE_INFINITY;
  maxRows = Number.POSITIVE_INFINITY;
  nullAnswer: 'error' | 'null' = 'error';
  shuffled = false;
  withTimes = false;
  #salt = 0;

  add(...amounts: number[]): this {
    this.head++;
    this.blocks.set(this.head, { hash: pad(toHex(this.head + 1_000_000 * ++this.#salt)), amounts });
    return this;
  }

  nullRound(): this {
    this.head++;
    return this;
  }

  empty(count: number): this {
    for (let i = 0; i < count; i++) this.add();
    return this;
  }

  dropTo(number: number): this {
    for (let n = this.head; n > number; n--) this.blocks.delete(n);
    this.head = number;
    return this;
  }

  /** Every event that can be read now, in order, as `blockHash:logIndex`. */
  places(): string[] {
    const latest = this.#below(this.head - this.lag);
    return [...this.blocks].filter(([number]) => number <= latest).flatMap(([, { hash, amounts }]) => amounts.map((_, index) => `${hash}:${index}`));
  }

  answer(method: string, params: any[]): unknown {
    const latest = this.#below(this.head - this.lag);
    switch (method) {
      case 'eth_chainId': return '0x13a';
      case 'eth_blockNumber': return numberToHex(this.head);
      case 'eth_getBlockByNumber': {
        const number = params[0] === 'latest' ? latest : Number(params[0]);
        if (number > latest) throw new RpcFault('requested a future epoch (beyond \'latest\')', 1);
        if (!this.blocks.has(number)) {
          if (this.nullAnswer === 'null') return null;
          throw new RpcFault('requested epoch was a null round', 12);
        }
        return this.#header(number);
      }
      case 'eth_getBlockByHash': {
        const found = [...this.blocks].find(([, { hash }]) => hash === params[0]);
        return found === undefined ? null : this.#header(found[0]);
      }
      case 'eth_getLogs': return this.#logs(params[0], latest);
      default: throw new RpcFault(`unexpected ${method}`, -32601);
    }
  }

  #below(number: number): number {
    let n = number;
    while (n > 0 && !this.blocks.has(n)) n--;
    return n;
  }

  #header(number: number) {
    const parent = this.#below(number - 1);
    return { number: numberToHex(number), hash: this.blocks.get(number)!.hash, parentHash: this.blocks.get(parent)?.hash ?? pad('0x0'), timestamp: numberToHex(30 * number) };
  }

  #logs({ fromBlock, toBlock, blockHash }: { fromBlock?: Hex; toBlock?: Hex; blockHash?: Hex }, latest: number) {
    const [from, to] = [Number(fromBlock), Number(toBlock)];
    if (blockHash === undefined) {
      if (to > latest) throw new RpcFault('toBlock is beyond the head', 1);
      if (to - from + 1 > this.maxRange) throw new RpcFault(`block range too large: at most ${this.maxRange}`, -32005);
    }
    const logs = [...this.blocks].filter(([number, { hash }]) => (blockHash === undefined ? number >= from && number <= to : hash === blockHash))
      .flatMap(([number, { hash, amounts }]) => amounts.map((amount, logIndex) => ({
        address: this.scheduler.toLowerCase(), blockNumber: numberToHex(number), blockHash: hash, transactionHash: pad(toHex(amount)), logIndex: numberToHex(logIndex),
        topics: encodeEventTopics({ abi: schedulerAbi, eventName: 'Funded', args: { client: this.scheduler } }),
        data: encodeAbiParameters([{ type: 'uint88' }], [BigInt(amount)]), removed: false, ...(this.withTimes ? { blockTimestamp: numberToHex(30 * number) } : {}),
      })));
    if (logs.length > this.maxRows) throw new RpcFault(`query returned more than ${this.maxRows} results`, -32005);
    if (!this.shuffled) return logs;
    return [...logs.toReversed(), ...logs, { ...logs[0], removed: true }, { ...logs[0], address: pad('0x2', { size: 20 }) }].filter((log) => 'data' in log);
  }
}
