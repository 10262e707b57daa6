import { execFileSync } from 'node:child_process';
import * as native from '#native';
import { ip, ipWithin } from './fresh-host.ts';

/** Links, addresses and routes of this host and of these namespaces, and the whole ruleset. */
export function everythingBuilt(pins: readonly string[]) {
  const ask = (netns: string | null) =>
    ['link', 'address', 'route', '-6 route'].map((what) =>
      netns === null ? ip(...what.split(' ')) : ipWithin(netns, ...what.split(' ')),
    );
  return {
    host: ask(null),
    namespaces: pins.map((path) => [path, native.netnsIdentity(path), ask(path)]),
    // counters of traffic (left out by --stateless) are not part of it
    ruleset: execFileSync('nft', ['--stateless', 'list', 'ruleset'], { encoding: 'utf8' }),
  };
}
