import { z } from 'zod';
import { containerAddress, networkAddress } from '../../../core/actor-address.ts';
import { type Content, mapContexts, namesOf } from './content.ts';

const containerContext = z.looseObject({
  wish: z.looseObject({ netns: z.looseObject({ kind: z.string(), id: z.string().optional() }) }).nullable(),
  share: z.looseObject({}).nullable(),
  inode: z.number().nullable(),
});
const networkContext = z.looseObject({ lost: z.boolean(), given: z.boolean() });
const hostContext = z.looseObject({ networks: z.record(z.string(), z.looseObject({})) });
const placed = z.looseObject({
  definition: z.looseObject({ driver: z.string(), options: z.record(z.string(), z.string()) }).nullable(),
});

/**
 * From version 10 to 11: owners know which members are about to leave, containers know which containers share their namespace, and plans have a purpose.
 * A container whose process may never start (P18), and the times of commands, were not known.
 */
export function from10(content: Content): Content {
  const containers = mapContexts(content, 'container', (context, address) => {
    const { wish, share, ...rest } = containerContext.parse(context);
    const owner = wish?.netns.kind === 'container' ? `container/${wish.netns.id}` : null;
    return {
      ...rest,
      wish,
      share: share && { owner, ...share },
      members: membersOf(content, address),
      guests: [],
      startBy: null,
    };
  });
  const networks = mapContexts(containers, 'network', (context) => {
    const { lost, given, ...rest } = networkContext.parse(context);
    return { ...rest, isTransient: lost || given, held: [], leaving: [], removal: null, waitsUntil: null, node: null };
  });
  return mapContexts(networks, 'host', (context) => {
    const { networks: places, ...rest } = hostContext.parse(context);
    const used = Object.entries(places).map(([name, place]) => [name, { ...place, use: useOf(content, name) }]);
    return {
      ...rest,
      networks: Object.fromEntries(used),
      sweeping: [],
      pruning: [],
      abandoning: [],
      portsLeaving: [],
      portsWaiting: [],
    };
  });
}

/** Returns the containers that share the namespace of this one. */
function membersOf(content: Content, owner: string): string[] {
  return namesOf(content, 'container').filter((name) => {
    const { wish, inode } = containerContext.parse(content.actors.get(containerAddress(name))?.context);
    return inode !== null && wish?.netns.kind === 'container' && `container/${wish.netns.id}` === owner;
  });
}

/** Returns how a network uses its link. */
function useOf({ actors }: Content, network: string): 'upon' | 'port' | 'vlan' | 'alone' {
  const { definition } = placed.parse(actors.get(networkAddress(network))?.context ?? { definition: null });
  if (!definition) return 'alone';
  const { driver, options } = definition;
  if (driver !== 'bridge') return 'upon';
  if (options.mode === 'unmanaged') return 'port';
  return options.vlan === undefined ? 'alone' : 'vlan';
}
