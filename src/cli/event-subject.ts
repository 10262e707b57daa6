import type { NetloomClient } from '../client.ts';
import { resolveContainerId } from '../core/container-reference.ts';
import { NetloomError } from '../core/fault.ts';

export interface About {
  noun: 'container' | 'network';
  id: string;
}

/**
 * Whose events these are. Who is there is known to the daemon by any of its names; who is gone has left its id in the stream,
 * which can be read without the daemon. null: nobody. Throws container.ambiguous, network.ambiguous.
 */
export async function whoIsMeant(client: NetloomClient, about: About): Promise<string | null> {
  return (await whoIsThere(client, about)) ?? (await whoWasThere(client, about));
}

async function whoIsThere(client: NetloomClient, { noun, id }: About): Promise<string | null> {
  try {
    if (noun === 'network') return (await client.network.inspect({ name: id })).network.name;
    return (await client.container.inspect({ id })).container.id;
  } catch (error) {
    if (error instanceof NetloomError && !error.code.endsWith('.ambiguous')) return null;
    throw error;
  }
}

async function whoWasThere(client: NetloomClient, { noun, id }: About): Promise<string | null> {
  const ids = await client.idsInEvents(noun);
  if (noun === 'network') return ids.includes(id) ? id : null;
  const found = resolveContainerId(
    ids.map((gone) => ({ id: gone, name: gone })),
    id,
  );
  if (typeof found === 'string') return found;
  if (found.code === 'container.unknown') return null;
  throw new NetloomError(found);
}
