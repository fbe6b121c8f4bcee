import type { Socket } from 'node:net';
import { noise } from '@libp2p/noise';
import type { ConnectionEncrypter } from '@libp2p/interface';
import { TOGETHER_BYTES } from '../constants.ts';

/**
 * Noise, over sockets that send what is written in one turn of the event loop at once. Every frame is written in two parts, its length and itself,
 * and an answer comes with a window update: by themselves each is a system call and a packet here, and another two there.
 */
export function noiseTogether(): (components: Parameters<ReturnType<typeof noise>>[0]) => ConnectionEncrypter {
  return (components) => {
    const encrypter = noise()(components);
    const over = <T extends 'secureInbound' | 'secureOutbound'>(name: T): ConnectionEncrypter[T] => ((connection: unknown, options: never) => {
      // A connection of the TCP transport has its socket; of any other this changes nothing.
      const { socket } = connection as { socket?: Socket };
      if (socket !== undefined) sendTogether(socket);
      return encrypter[name](connection as never, options);
    }) as ConnectionEncrypter[T];
    return Object.create(encrypter, { secureInbound: { value: over('secureInbound') }, secureOutbound: { value: over('secureOutbound') } }) as ConnectionEncrypter;
  };
}

/** Holds a socket's writes back until the event loop has come round, or until there is much of them. */
export function sendTogether(socket: Pick<Socket, 'write' | 'cork' | 'uncork' | 'writableLength'>): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked: NodeJS.Immediate | undefined;
  const flush = () => {
    clearImmediate(corked);
    corked = undefined;
    socket.uncork();
  };
  socket.write = ((...args: unknown[]) => {
    if (corked === undefined) {
      corked = setImmediate(flush);
      socket.cork();
    }
    const more = write(...args);
    if (socket.writableLength >= TOGETHER_BYTES) flush();
    return more;
  }) as Socket['write'];
}
