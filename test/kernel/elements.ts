import fs from 'node:fs';
import type { ListedElement, NftChange, NftElement } from '#native';

export const baseRuleset = fs.readFileSync(new URL('../../native/nft/base.nft', import.meta.url), 'utf8');

// Keys and values as the kernel keeps them: every field padded to four bytes.
export const proto = (name: 'tcp' | 'udp'): number[] => [name === 'tcp' ? 6 : 17, 0, 0, 0];
export const port = (number: number): number[] => [number >> 8, number & 255, 0, 0];
export const ip4 = (text: string): number[] => text.split('.').map(Number);
/** Parses an address in full form only ("fd00:0:0:0:0:0:0:1"). */
export const ip6 = (text: string): number[] =>
  text.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
export const ifname = (name: string): number[] => [...Buffer.concat([Buffer.from(name), Buffer.alloc(16)], 16)];

export const element = (
  set: string,
  key: number[],
  more: { keyEnd?: number[]; data?: number[]; comment?: string; intervalEnd?: boolean } = {},
): NftElement => ({
  set,
  key: Uint8Array.from(key),
  keyEnd: more.keyEnd ? Uint8Array.from(more.keyEnd) : null,
  intervalEnd: more.intervalEnd ?? false,
  data: more.data ? Uint8Array.from(more.data) : null,
  comment: more.comment ?? null,
});

/** Formats an element as a set without counters lists it. */
export const listed = (one: NftElement): ListedElement => ({ ...one, counter: null });

export const add = (one: NftElement): NftChange => ({ verb: 'add', element: one });
export const create = (one: NftElement): NftChange => ({ verb: 'create', element: one });
export const remove = (one: NftElement): NftChange => ({ verb: 'delete', element: one });
