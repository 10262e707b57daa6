import { hostAddress } from '../../core/actor-address.ts';
import type { GcResult, Unstarted } from '../../core/gc.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';

/** `node.gc`: objects in the kernel without an owner; then, on request, containers that were set up and never started. */
export async function runGc(
  engine: Engine,
  request: { dryRun?: boolean | null; unstarted?: boolean | null },
  command: CommandIdentity,
): Promise<GcResult> {
  const { steps, found } = await engine.findLeftovers();
  const unstarted = request.unstarted ? await unstartedContainers(engine) : [];
  if (request.dryRun) return { ...found, dryRun: true, failed: [], unstarted };
  return engine.send(command, hostAddress, { type: 'node.gc', command: command.id, steps, found, unstarted });
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
