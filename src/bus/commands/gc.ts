import { hostAddress } from '../../core/actor-address.ts';
import type { Abandoned, GcResult, Unstarted } from '../../core/gc.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';
import { part } from './tell.ts';

/** `node.gc`: on request, containers that were set up and never started; then objects in the kernel without an owner. */
export async function runGc(
  engine: Engine,
  request: { dryRun?: boolean | null; unstarted?: boolean | null },
  command: CommandIdentity,
): Promise<GcResult> {
  const dryRun = request.dryRun ?? false;
  const found = request.unstarted ? await unstartedContainers(engine) : [];
  const { removed, failed } = await abandon(engine, dryRun ? [] : found, part(command, 'unstarted'));
  const swept = await engine.sweep(part(command, 'sweep'), dryRun);
  const unstarted = dryRun ? found : found.filter(({ id }) => removed.includes(id));
  return { ...swept, unstarted, failed: [...failed, ...swept.failed] };
}

/** P18: an engine that still needs a container has a process in its namespace, also without a report of that. */
async function unstartedContainers(engine: Engine): Promise<Unstarted[]> {
  const { containers } = engine.containers();
  const configured = containers.filter(({ state }) => state === 'configured');
  if (configured.length === 0) return [];
  const inhabited = await engine.inhabitedNamespaces();
  return configured
    .filter(({ netns }) => netns?.inode != null && !inhabited.has(netns.inode))
    .map(({ id, name, owner }) => ({ id, name, owner }));
}

/** The host asks them, and each decides. */
function abandon(engine: Engine, found: readonly Unstarted[], own: CommandIdentity): Promise<Abandoned> {
  if (found.length === 0) return Promise.resolve({ removed: [], failed: [] });
  const event = { type: 'containers.abandon', command: own.id, ids: found.map(({ id }) => id) } as const;
  return engine.send(own, hostAddress, event);
}
