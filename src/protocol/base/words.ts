import type { Hex } from 'viem';

/** Both are viem's; of its modules `viem/utils`, which lacks them, loads in half the time, and every command loads this folder. */
export const zeroHash: Hex = `0x${'00'.repeat(32)}`;
export const maxUint256 = 2n ** 256n - 1n;
