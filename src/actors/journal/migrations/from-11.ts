import { z } from 'zod';
import { type ActorAddress, isOfKind } from '../../../core/actor-address.ts';
import { type Content, mapContexts, type StoredActor } from './content.ts';

const containerContext = z.looseObject({});
const networkContext = z.looseObject({ isTransient: z.boolean(), adopting: z.unknown(), suspected: z.unknown() });

/** State of a network that is defined → the state of its device. */
const deviceStates: Readonly<Record<string, string>> = { defined: 'down', up: 'settled', degraded: 'degraded' };

/**
 * From version 11 to 12: a network that is defined has regions for its file, its device and verifications. A restart verifies
 * everything, so what was suspected is not carried on.
 */
export function from11(content: Content): Content {
  const containers = mapContexts(content, 'container', (context) => ({
    created: null,
    askedAt: null,
    formerPid: null,
    ...containerContext.parse(context),
  }));
  const host = mapContexts(containers, 'host', (context) => ({ damaged: [], deferred: [], ...context }));
  const actors = [...host.actors].map(([address, { value, context }]): [ActorAddress, StoredActor] => {
    if (!isOfKind(address, 'network')) return [address, { value, context }];
    const { isTransient, adopting: _, suspected: __, ...rest } = networkContext.parse(context);
    const device = typeof value === 'string' ? deviceStates[value] : undefined;
    if (device === undefined) throw new Error(`${address} cannot be in ${JSON.stringify(value)}`);
    const present = { definition: isTransient ? 'transient' : 'filed', device, verification: 'none' };
    return [address, { value: { present }, context: rest }];
  });
  return { ...host, actors: new Map(actors) };
}
