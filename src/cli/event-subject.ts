import type { NetloomClient } from '../client.ts';
import { resolveContainerId } from '../core/container/reference.ts';
import { NetloomError } from '../core/fault.ts';

export interface About {
  noun: 'container' | 'network';
  id: string;
}

/**
 * Finds the subject of events. The daemon knows an existing subject by any of its names; the ID of a removed one is in
 * the stream, which can be read without the daemon. An ID or a name takes precedence over the beginning of an ID, even
 * if that subject was removed. null: not found. Throws container.ambiguous, network.ambiguous; if the stream does not
 * help either, the reason why the daemon does not answer.
 */
export async function findSubject(client: NetloomClient, about: About): Promise<string | null> {
  const there = await findExisting(client, about);
  if (there.names.includes(about.id)) return there.id;
  const ids = await client.idsInEvents(about.noun);
  if (ids.includes(about.id)) return about.id;
  if (there.id !== null) return there.id;
  const gone = about.noun === 'container' ? findRemoved(ids, about.id) : null;
  if (gone === null && there.refused) throw there.refused;
  return gone;
}

interface There {
  id: string | null;
  /** its ID and its name, unabbreviated */
  names: string[];
  /** why the daemon could not find it; null: it does not exist */
  refused: NetloomError | null;
}

async function findExisting(client: NetloomClient, { noun, id }: About): Promise<There> {
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

function findRemoved(ids: string[], reference: string): string | null {
  const found = resolveContainerId(
    ids.map((id) => ({ id, name: id })),
    reference,
  );
  if (typeof found === 'string') return found;
  if (found.code === 'container.unknown') return null;
  throw new NetloomError(found);
}
