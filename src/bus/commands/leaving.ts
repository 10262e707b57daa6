import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerWish } from '../../core/container/wish.ts';
import { NetloomError } from '../../core/fault.ts';
import { type Clash, firstClash } from '../../core/network/check.ts';
import type { NetworkDefinition } from '../../core/network/definition.ts';
import { type ContainerState, type ContainerView, leavingStates, type NetworkView } from '../../core/view.ts';
import type { Engine } from './engine-interface.ts';

/** How long the kernel may take with the links of containers that are going. */
const leavingMs = 2_000;

/**
 * Networks that only their engine knows may not be able to be beside one that is about to go, as its engine knows: that is waited for.
 * Whether they can be beside the others is the host's to say.
 */
export async function onceOthersLeft(engine: Engine, { attachments }: ContainerWish): Promise<void> {
  const brought = attachments
    .flatMap(({ definition }) => definition ?? [])
    .filter(({ name }) => !isKnown(engine, name));
  const deadline = Date.now() + leavingMs;
  for (const definition of brought)
    for (let found = clashOf(engine, definition); found; found = clashOf(engine, definition)) {
      if (!(await isLeft(engine, found.network)) || Date.now() > deadline) return;
      await delay(1);
    }
}

/** With one that is used, or about to go: its engine may have removed it just before. */
function clashOf(engine: Engine, definition: NetworkDefinition): Clash | null {
  const { networks: directory } = engine.info().directories;
  const isThere = ({ name, leases, state }: NetworkView) =>
    Object.keys(leases).length > 0 || state === 'lowering' || !existsSync(`${directory}/${name}.json`);
  return firstClash(definition, engine.networks().networks.filter(isThere));
}

function isKnown(engine: Engine, name: string): boolean {
  try {
    return engine.networkNamed(name) === name;
  } catch (error) {
    if (error instanceof NetloomError) return false;
    throw error;
  }
}

/** Waits for containers that are leaving that network, for as long as the kernel may take; false when one stays. */
async function isLeft(engine: Engine, name: string): Promise<boolean> {
  const deadline = Date.now() + leavingMs;
  for (;;) {
    const members = Object.keys(knownNetwork(engine, name)?.leases ?? {});
    if (members.length === 0 || Date.now() > deadline) return true;
    if (members.some((id) => stays(engine, id, name))) return false;
    await delay(1);
  }
}

/** The network may not have heard yet that a container has gone. */
function stays(engine: Engine, id: string, network: string): boolean {
  const view = knownContainer(engine, id);
  if (!view || goneStates.includes(view.state)) return false;
  return view.attachments.some((one) => one.network === network);
}

/** A container that is `created` has given everything back: its release is on its way. */
const goneStates: readonly ContainerState[] = [...leavingStates, 'created'];

function knownContainer(engine: Engine, id: string): ContainerView | null {
  try {
    return engine.container(id).container;
  } catch (error) {
    if (error instanceof NetloomError && error.code === 'container.unknown') return null;
    throw error;
  }
}

/** Returns the network of that name; null: it does not exist, or has been removed. */
export function knownNetwork(engine: Engine, name: string): NetworkView | null {
  try {
    return engine.network(name).network;
  } catch (error) {
    if (error instanceof NetloomError && error.code === 'network.unknown') return null;
    throw error;
  }
}
