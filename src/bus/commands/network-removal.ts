import { setTimeout as delay } from 'node:timers/promises';
import type { ActorEvent } from '../../core/event.ts';
import { NetloomError } from '../../core/fault.ts';
import type { NetworkView } from '../../core/view.ts';
import type { CommandIdentity, Engine } from './engine.ts';
import { knownNetwork } from './leaving.ts';
import { part, tellContainer, tellNetwork } from './tell.ts';

/** `force`: those that use it leave it first. The network itself waits for containers that are leaving. */
export async function removeNetwork(
  engine: Engine,
  name: string,
  force: boolean,
  command: CommandIdentity,
): Promise<{ name: string }> {
  const network = force ? knownNetwork(engine, name) : null;
  if (network) await leaveNetwork(engine, network, command);
  const own = part(command, 'removal');
  return tellNetwork(engine, name, own, { type: 'network.remove', command: own.id });
}

/** Every container leaves it, as with podman's --force; each by a command of its own, told apart by its name. */
async function leaveNetwork(engine: Engine, { name, leases }: NetworkView, command: CommandIdentity): Promise<void> {
  const leaving = Object.keys(leases).map((id) => {
    const own = { ...command, id: `${command.id} ${id}` };
    const event: ActorEvent = { type: 'container.disconnect', command: own.id, network: name };
    return tellContainer(engine, id, own, event).catch(unlessGone);
  });
  await Promise.all(leaving);
  await untilLeft(engine, name, Object.keys(leases));
}

/** One that has left by itself meanwhile has left. */
export function unlessGone(error: unknown): null {
  const gone = ['container.not-connected', 'container.unknown'];
  if (error instanceof NetloomError && gone.includes(error.code)) return null;
  throw error;
}

const leavingMs = 5_000;

/** A container answers when it has told the network that it gives its lease back; the network may not have heard it yet. */
async function untilLeft(engine: Engine, name: string, ids: readonly string[]): Promise<void> {
  const deadline = Date.now() + leavingMs;
  const isHeld = () => ids.some((id) => Object.hasOwn(knownNetwork(engine, name)?.leases ?? {}, id));
  while (isHeld() && Date.now() < deadline) await delay(1);
}
