import type { LeftBehind } from '../../core/fault.ts';
import { type FaultCode, faultOf } from '../../core/fault.ts';
import type { Collected, Unstarted } from '../../core/gc.ts';
import type { CommandIdentity, Engine } from './engine.ts';
import { part, tellContainer } from './tell.ts';

/** `node.gc`: containers that their engine set up and never started, if asked for; then what has no owner in the kernel. */
export async function collect(
  engine: Engine,
  request: { dryRun?: boolean | null; unstarted?: boolean | null },
  command: CommandIdentity,
): Promise<Collected> {
  const dryRun = request.dryRun ?? false;
  const found = request.unstarted ? await unstartedContainers(engine) : [];
  const abandoned = dryRun
    ? { unstarted: found, failed: [] }
    : outcome(await Promise.all(found.map((one) => abandon(engine, one, command))));
  const swept = await engine.collect(part(command, 'sweep'), dryRun);
  return { ...swept, unstarted: abandoned.unstarted, failed: [...abandoned.failed, ...swept.failed] };
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

/** null: it is none that was never started any more. */
type Abandoned = { removed: Unstarted } | { failed: LeftBehind } | null;

function outcome(all: readonly Abandoned[]): Pick<Collected, 'unstarted' | 'failed'> {
  return {
    unstarted: all.flatMap((one) => (one && 'removed' in one ? [one.removed] : [])),
    failed: all.flatMap((one) => (one && 'failed' in one ? [one.failed] : [])),
  };
}

/** It was started, taken down, or removed since it was looked for. */
const meanwhile: ReadonlySet<FaultCode> = new Set(['container.running', 'container.state', 'container.unknown']);

/** The container decides. Its id stands behind a word: it may be the name of another part of the command. */
async function abandon(engine: Engine, unstarted: Unstarted, command: CommandIdentity): Promise<Abandoned> {
  const { id } = unstarted;
  const own = part(command, `abandon ${id}`);
  try {
    await tellContainer(engine, id, own, { type: 'container.abandon', command: own.id });
    return { removed: unstarted };
  } catch (error) {
    const { code, message } = faultOf(error);
    return meanwhile.has(code) ? null : { failed: { step: `container ${id}`, errno: null, detail: message } };
  }
}
