import * as native from '#native';
import type { AddressSteps } from '../../core/steps/address.ts';
import type { Announcements } from '../links/announcements.ts';
import { acts, type Performers, type SingleVerb, unchanged } from './performer.ts';

type AddressVerb = Extract<keyof AddressSteps, SingleVerb>;

/** Performers for address steps that are not a single rtnetlink message. */
export const addressPerformers = (announcements: Announcements): Performers<AddressVerb> => ({
  'address.settle': async ({ netns, addresses }, { sockets }) => {
    await settled(sockets.open(netns), addresses);
    return unchanged();
  },
  'address.announce': acts((step) => announcements.announce(step)),
});

/** Maximum wait for addresses to take effect: far longer than it takes. */
const settlePatienceMs = 500;

/** Waits until addresses have taken effect: the kernel reports them before that, and not when it happens. Usually they have by now. */
async function settled(socket: native.RouteSocket, addresses: readonly string[]): Promise<void> {
  const deadline = performance.now() + settlePatienceMs;
  const isSettled = (address: string) => native.isLocalAddress(socket, address);
  while (!addresses.every(isSettled) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 1));
}
