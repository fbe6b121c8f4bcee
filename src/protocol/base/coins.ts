import { formatUnits } from 'viem/utils';

/** Coin units as coins, at most four decimals. */
export function coins(units: bigint | string): string {
  const [whole, fraction = ''] = formatUnits(BigInt(units), 18).split('.');
  const short = fraction.slice(0, 4).replace(/0+$/, '');
  return short === '' ? whole! : `${whole}.${short}`;
}
