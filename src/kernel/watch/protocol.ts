import type { OwnerMark } from '../../core/object-names.ts';
import type { WayOut } from '../../core/uplink.ts';
import type { HostAddress } from './suspects.ts';

export interface WatcherSettings {
  netnsDirectory: string;
}

/** Notices of the watcher; it receives none. */
export type FromWatcher =
  /** the uplink when it starts watching */
  | { kind: 'watching'; way: WayOut }
  | ({ kind: 'suspected' } & Suspected)
  /** the uplink has changed */
  | { kind: 'uplink'; way: WayOut };

/** Actors that have a reason to check their part of the kernel. */
export interface Suspected {
  /** notices were lost: every actor checks */
  all: boolean;
  owners: OwnerMark[];
  /** names of links without an owner that came, went, or were set down */
  links: string[];
  /** addresses that this host gained or lost, with the owner of their link */
  addresses: readonly HostAddress[];
}
