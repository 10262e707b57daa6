import type { ActorAddress } from '../core/actor-address.ts';

export interface WatcherSettings {
  netnsDirectory: string;
}

/** What the watcher says. It is told nothing. */
export type FromWatcher =
  | { kind: 'watching'; hostIp: string | null }
  | ({ kind: 'suspected' } & Suspected)
  /** the source address of the way to the outside is another now (C09) */
  | { kind: 'uplink'; hostIp: string | null };

/** Who has reason to look whether all is as it should be. */
export interface Suspected {
  /** notices were lost: everybody */
  all: boolean;
  owners: ActorAddress[];
  /** names of links that came or went, or were set down, without a word about whose they are */
  links: string[];
}
