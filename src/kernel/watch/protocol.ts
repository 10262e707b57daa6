import type { OwnerMark } from '../../core/names.ts';
import type { WayOut } from '../../core/way-out.ts';
import type { HostAddress } from './suspects.ts';

export interface WatcherSettings {
  netnsDirectory: string;
}

/** What the watcher says; nothing is asked of it. */
export type FromWatcher =
  /** the way to the outside when it begins to watch */
  | { kind: 'watching'; way: WayOut }
  | ({ kind: 'suspected' } & Suspected)
  /** the way to the outside is another now */
  | { kind: 'uplink'; way: WayOut };

/** Who has reason to look whether all is as it should be. */
export interface Suspected {
  /** notices were lost: everybody */
  all: boolean;
  owners: OwnerMark[];
  /** names of links that came or went, or were set down, without a word about whose they are */
  links: string[];
  /** addresses that came to this host, or went, and whose link they are on */
  addresses: readonly HostAddress[];
}
