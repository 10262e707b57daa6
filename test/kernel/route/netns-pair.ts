import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { RouteSocket } from '#native';
import { becomeHost, type Host } from '../host.ts';
import { endPeers } from '../peers.ts';

export interface Netns {
  path: string;
  socket: RouteSocket;
}

/** Two namespaces, and further ones of the same host. */
export interface NetnsPair {
  here: Netns;
  there: Netns;
  /** makes a third one */
  another(name: string): Netns;
  /** a path at which nothing is pinned */
  nothing: string;
}

/** Gives every test of a file two namespaces of its own, on one host. */
export function netnsPairPerTest(use: (pair: NetnsPair) => void): void {
  let host: Host;
  let count = 0;
  beforeAll(async () => {
    host = await becomeHost();
  });
  afterAll(() => {
    endPeers();
    host.close();
  });
  beforeEach(() => {
    count += 1;
    const another = (name: string) => host.netns(`${name}${count}`);
    use({ here: another('here'), there: another('there'), another, nothing: host.pin('nothing') });
  });
}
