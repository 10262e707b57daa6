import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Attachment } from '../../core/container/attachments.ts';
import type { ContainerWish } from '../../core/container/wish.ts';
import { type FaultCode, NetloomError } from '../../core/fault.ts';
import { type Clash, firstClash } from '../../core/network/check.ts';
import type { NetworkDefinition } from '../../core/network/definition.ts';
import { type ContainerView, leavingStates, type NetworkView } from '../../core/view.ts';
import type { CommandIdentity, Engine } from './engine.ts';
import { part } from './tell.ts';

/** What of a wish somebody else may hold. */
export interface Wanted {
  attachments: readonly Pick<Attachment, 'network' | 'staticIps' | 'hostInterfaceName'>[];
}

/** How long the kernel may take with the links of containers that are going. */
const leavingMs = 2_000;

/** What may be refused because of somebody who is leaving. */
const heldCodes: readonly FaultCode[] = ['network.exists', 'network.in-use', 'address.taken', 'link.exists'];

/**
 * A container's leaving is answered before the kernel is done with its links, and until then it holds what it had: its
 * addresses, the name of its link, the definition of a network that an engine makes anew. An engine has heard that
 * these are free. So who is refused one of them waits for those who are leaving and is told again; once per code, for each may be
 * held by another.
 */
export async function onceLeft<Output>(
  engine: Engine,
  wanted: Wanted,
  command: CommandIdentity,
  tell: (own: CommandIdentity) => Promise<Output>,
): Promise<Output> {
  const waitedFor = new Set<FaultCode>();
  for (let own = command; ; ) {
    try {
      return await tell(own);
    } catch (error) {
      const code = error instanceof NetloomError && heldCodes.includes(error.code) ? error.code : null;
      if (!code || waitedFor.has(code) || !mayBeHeld(wanted, code) || !(await areLeft(engine, wanted, code)))
        throw error;
      waitedFor.add(code);
      own = part(command, `after ${code}`);
    }
  }
}

/** Only a user-chosen link name can be held by another container. */
const mayBeHeld = ({ attachments }: Wanted, code: FaultCode): boolean =>
  code !== 'link.exists' || attachments.some(({ hostInterfaceName }) => hostInterfaceName !== undefined);

/** Waits for those who are leaving; false when somebody stays. */
async function areLeft(engine: Engine, wanted: Wanted, code: FaultCode): Promise<boolean> {
  const deadline = Date.now() + leavingMs;
  for (;;) {
    const holders = holdersOf(engine, wanted, code);
    if (holders.length === 0 || Date.now() > deadline) return true;
    if (holders.some(({ stays }) => stays)) return false;
    await delay(1);
  }
}

/** Waits for those who are leaving that network, for as long as the kernel may take; false when somebody stays. */
const isLeft = (engine: Engine, network: string): Promise<boolean> =>
  areLeft(engine, { attachments: [{ network, staticIps: [] }] }, 'network.exists');

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

interface Holder {
  stays: boolean;
}

/** As their owners know them, who may not have heard yet that somebody has gone. */
function holdersOf(engine: Engine, wanted: Wanted, code: FaultCode): Holder[] {
  if (code === 'link.exists') return linkHolders(engine, wanted);
  return wanted.attachments.flatMap(({ network, staticIps }) => {
    const leases = Object.entries(knownNetwork(engine, network)?.leases ?? {});
    const asked = code === 'address.taken' ? leases.filter(([, held]) => meet(held, staticIps)) : leases;
    return asked.map(([id]) => holder(engine, id, (view) => isOn(view, network)));
  });
}

function linkHolders(engine: Engine, wanted: Wanted): Holder[] {
  const asked = new Set(wanted.attachments.flatMap(({ hostInterfaceName }) => hostInterfaceName ?? []));
  const has = ({ attachments }: ContainerView) =>
    attachments.some(({ hostInterfaceName }) => hostInterfaceName !== undefined && asked.has(hostInterfaceName));
  return engine
    .containers()
    .containers.filter((view) => has(view) && view.netns !== null)
    .map(({ state }) => ({ stays: !leavingStates.includes(state) }));
}

function holder(engine: Engine, id: string, wants: (view: ContainerView) => boolean): Holder {
  const view = knownContainer(engine, id);
  return { stays: view !== null && !goneStates.includes(view.state) && wants(view) };
}

/** One that is `created` has given all back: its word is on its way. */
const goneStates = [...leavingStates, 'created'];

const meet = (held: readonly string[], asked: readonly string[]) => held.some((address) => asked.includes(address));

const isOn = ({ attachments }: ContainerView, network: string) => attachments.some((one) => one.network === network);

export function knownContainer(engine: Engine, id: string): ContainerView | null {
  try {
    return engine.container(id).container;
  } catch (error) {
    if (error instanceof NetloomError && error.code === 'container.unknown') return null;
    throw error;
  }
}

/** null: there is none of that name, or not any more. */
export function knownNetwork(engine: Engine, name: string): NetworkView | null {
  try {
    return engine.network(name).network;
  } catch (error) {
    if (error instanceof NetloomError && error.code === 'network.unknown') return null;
    throw error;
  }
}
