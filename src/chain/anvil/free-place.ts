import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { messageOf } from '../../protocol/index.ts';
import { ChainError } from '../errors.ts';

/**
 * Where anvil may listen. A wanted port is one of 127.0.0.1. A free one is chosen by the system and let go before anvil takes it: on Linux, where all of
 * 127/8 is this machine, it is one of an address of this process alone, so that no other can be given it in between.
 *
 * @param wanted 0: a free one
 * @throws ChainError ANVIL_FAILED where somebody uses the wanted one
 */
export async function freePlace(wanted = 0): Promise<{ host: string; port: number }> {
  const host = wanted === 0 && process.platform === 'linux' ? `127.${1 + (process.pid >> 16)}.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}` : '127.0.0.1';
  const server = createServer().listen(wanted, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new ChainError('ANVIL_FAILED', 'anvil cannot have its port', { details: messageOf(cause), cause, hint: 'choose another port, or none' });
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host, port };
}
