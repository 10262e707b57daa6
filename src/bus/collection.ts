import type { LeftBehind } from '../core/fault.ts';
import { faultOf } from '../core/fault.ts';
import type { Collected, Unstarted } from '../core/gc.ts';
import type { CommandIdentity, Engine } from './engine.ts';
import { part, tellContainer } from './tell.ts';

/** `node.gc`: containers that their engine set up and never started, if asked for; then what has no owner in the kernel. */
export async function collect(
  engine: Engine,
  request: { dryRun?: boolean | null; unstarted?: boolean | null },
  command: CommandIdentity,
): Promise<Collected> {
  const dryRun = request.dryRun ?? false;
  const unstarted = request.unstarted ? await unstartedContainers(engine) : [];
  const kept = dryRun ? [] : await Promise.all(unstarted.map((one) => abandon(engine, one, command)));
  const swept = await engine.collect(part(command, 'sweep'), dryRun);
  return { ...swept, unstarted, failed: [...kept.flatMap((failure) => failure ?? []), ...swept.failed] };
}

/** P18: an engine that still needs one has a process in its namespace, whether or not it said so. */
async function unstartedContainers(engine: Engine): Promise<Unstarted[]> {
  const { containers } = engine.containers();
  const configured = containers.filter(({ state }) => state === 'configured');
  if (configured.length === 0) return [];
  const inhabited = await engine.inhabitedNamespaces();
  return configured
    .filter(({ netns }) => netns?.inode != null && !inhabited.has(netns.inode))
    .map(({ id, name, owner }) => ({ id, name, owner }));
}

/** The container decides: it may have been started meanwhile. */
async function abandon(engine: Engine, { id }: Unstarted, command: CommandIdentity): Promise<LeftBehind | null> {
  const own = part(command, id);
  try {
    await tellContainer(engine, id, own, { type: 'container.abandon', command: own.id });
    return null;
  } catch (error) {
    const { code, message } = faultOf(error);
    return code === 'container.unknown' ? null : { step: `container ${id}`, errno: null, detail: message };
  }
}
