import type { NetloomClient } from '../client.ts';
import { resolveContainerId } from '../core/container/reference.ts';
import { NetloomError } from '../core/fault.ts';

export interface About {
  noun: 'container' | 'network';
  id: string;
}

/**
 * Finds the subject of events. The daemon knows a present subject by any of its names; a removed one has left its ID in the
 * stream, which can be read without the daemon. An ID or a name takes precedence over the beginning of an ID, also of a removed
 * subject. null: not found. Throws container.ambiguous, network.ambiguous, and why the daemon does not answer where the stream does not
 * help either.
 */
export async function whoIsMeant(client: NetloomClient, about: About): Promise<string | null> {
  const there = await whoIsThere(client, about);
  if (there.names.includes(about.id)) return there.id;
  const ids = await client.idsInEvents(about.noun);
  if (ids.includes(about.id)) return about.id;
  if (there.id !== null) return there.id;
  const gone = about.noun === 'container' ? whoWasThere(ids, about.id) : null;
  if (gone === null && there.refused) throw there.refused;
  return gone;
}

interface There {
  id: string | null;
  /** what it is called, whole */
  names: string[];
  /** why that is not known */
  refused: NetloomError | null;
}

async function whoIsThere(client: NetloomClient, { noun, id }: About): Promise<There> {
  try {
    if (noun === 'network') {
      const { name } = (await client.network.inspect({ name: id })).network;
      return { id: name, names: [name], refused: null };
    }
    const { container } = await client.container.inspect({ id });
    return { id: container.id, names: [container.id, container.name], refused: null };
  } catch (error) {
    if (!(error instanceof NetloomError) || error.code.endsWith('.ambiguous')) throw error;
    return { id: null, names: [], refused: error.code.endsWith('.unknown') ? null : error };
  }
}

function whoWasThere(ids: string[], reference: string): string | null {
  const found = resolveContainerId(
    ids.map((id) => ({ id, name: id })),
    reference,
  );
  if (typeof found === 'string') return found;
  if (found.code === 'container.unknown') return null;
  throw new NetloomError(found);
}
