import type { ActorAddress, ActorKind } from '../core/actor-address.ts';
import { actorKind, actorName } from '../core/actor-address.ts';
import { findLeftovers, type Inventory, type Leftovers } from '../core/gc.ts';
import { hostEndName, type OwnerMark, ownerMark } from '../core/object-names.ts';
import type { Step } from '../core/steps/step.ts';
import type { ContainerView } from '../core/view.ts';

/** The actors known at one moment. */
export interface Known {
  addresses: readonly ActorAddress[];
  containers: readonly ContainerView[];
}

interface Owners {
  marks: OwnerMark[];
  vethNames: string[];
}

/** Finds objects with a name of netloom's and without an owner, and the steps that remove them. */
export async function lookForLeftovers(
  known: () => Known,
  inventory: () => Promise<Inventory>,
): Promise<{ steps: Step[]; found: Leftovers }> {
  const before = ownersOf(known());
  const seen = await inventory();
  // an actor known before or after the inventory may own an object in it
  const after = ownersOf(known());
  const { steps, ...found } = findLeftovers(seen, {
    marks: new Set([...before.marks, ...after.marks]),
    vethNames: new Set([...before.vethNames, ...after.vethNames]),
  });
  return { steps, found };
}

function ownersOf({ addresses, containers }: Known): Owners {
  const named = (kind: ActorKind) => addresses.filter((each) => actorKind(each) === kind).map(actorName);
  const networks = named('network');
  const usual = named('container').flatMap((id) => networks.map((network) => hostEndName(id, { network })));
  const asked = containers.flatMap(({ id, attachments }) =>
    attachments.map((attachment) => hostEndName(id, attachment)),
  );
  return { marks: addresses.map(ownerMark), vethNames: [...usual, ...asked] };
}
