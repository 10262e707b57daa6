import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { type Attachment, attachmentsOf } from '../../src/core/container/attachments.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { isDeepEqual } from '../../src/core/deep-equal.ts';
import { mappingKey } from '../../src/core/port.ts';
import { accepted } from '../present.ts';
import type { ContainerContext } from './context.ts';
import { type Given, nameOf, refusal } from './decisions.ts';

/** P09: a repeated set-up while the network is up. */

/** Parts of a wish that may differ, by their names on the command line, and the values to compare. */
const compared: Record<string, (wish: ContainerWish) => unknown> = {
  name: ({ name }) => name,
  pod: ({ networkName }) => networkName,
  'host name': ({ hostName = null }) => hostName,
  mode: ({ mode, netns }) => [mode, netns],
  networks: ({ attachments }) => attachments.map(attachmentOf).sort(byName),
  ports: ({ ports }) => ports.map(mappingKey).sort(),
  'name servers': ({ dnsServers }) => dnsServers,
  'removal on exit': ({ removeOnExit }) => removeOnExit,
  labels: ({ labels = {} }) => Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)),
  owner: ({ owner = null }) => owner,
  'start deadline': ({ startWithinMs = null }) => startWithinMs,
};

/** Returns the compared values of an attachment: interface names and places show the order; whether it is the default network does not matter. */
function attachmentOf({ isDefault: _, staticIps, aliases, ...attachment }: Attachment) {
  return { ...attachment, staticIps: [...staticIps].sort(), aliases: [...aliases].sort() };
}

const byName = (one: { network: string }, other: { network: string }): number => (one.network < other.network ? -1 : 1);

/** Lists what differs between a set-up's wish and the present one. A set-up by the stored wish differs in nothing. */
function differences({ wish: present }: ContainerContext, event: ContainerEvent): string[] {
  if (event.type !== 'container.setup' || !present) return [];
  const wish = event.wish ?? present;
  const asked = event.overrides ? { ...wish, attachments: accepted(attachmentsOf(wish.id, event.overrides)) } : wish;
  return Object.entries(compared).flatMap(([what, of]) => (isDeepEqual(of(asked), of(present)) ? [] : [what]));
}

const list = new Intl.ListFormat('en', { type: 'conjunction' });

export const repeatedActions = {
  refuseDifferent: refusal(
    'container.state',
    ({ context, event }) =>
      `the network of container ${nameOf(context)} is already set up, and this set-up differs in: ${list.format(differences(context, event))}; tear it down first`,
  ),
};

export const repeatedGuards = {
  isRepeated: ({ context, event }: Given): boolean => differences(context, event).length === 0,
};
