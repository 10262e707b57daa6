import type { Logger } from 'pino';
import type { DefinitionStore } from '../networks/definition-store.ts';
import type { ActorEngine } from './engine.ts';
import type { Pool } from './pool.ts';

interface Followed {
  definitions: DefinitionStore;
  engine: Pick<ActorEngine, 'takeDefinitions' | 'isPlaceFree'>;
  pool: Pick<Pool, 'on'>;
  log: Pick<Logger, 'warn' | 'error'>;
}

/** Passes the content of the directory of definitions to the engine, now and after each change. Returns a function that stops it. */
export function followDefinitions({ definitions, engine, pool, log }: Followed): () => void {
  const take = () => {
    const { damaged } = engine.takeDefinitions(definitions.list());
    for (const one of damaged) log.warn(one, 'a network is not taken');
  };
  const takeChanges = () => {
    try {
      take();
    } catch (error) {
      log.error({ error }, 'the definitions of networks cannot be read; networks stay as they are');
    }
  };
  const stop = definitions.watch(takeChanges);
  pool.on('committed', (_, announced) => {
    if (announced && engine.isPlaceFree()) takeChanges();
  });
  try {
    take();
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}
