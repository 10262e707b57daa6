import { calledAs } from '../../src/core/container/reference.ts';
import type { ContainerEvent } from '../../src/core/event.ts';
import type { ContainerPurpose } from '../../src/core/plan/purpose.ts';
import { deciding, refusing, remembering } from '../effects.ts';
import type { ContainerContext } from './context.ts';

/** What the actions and guards of a container's machine are made of. */

export type Given = { context: ContainerContext; event: ContainerEvent };

export const decide = deciding<ContainerContext, ContainerEvent>();

export const remember = remembering<ContainerContext, ContainerEvent>();

export const nameOf = ({ id, wish }: ContainerContext): string => calledAs(wish ?? { id });

export const refusal = refusing<ContainerContext, ContainerEvent>();

export { commandOf } from '../effects.ts';

/** Results are told apart by their plan: that of a verification may come while the teardown is under way already. */
export function isResultOf(kind: ContainerPurpose['kind'], event: ContainerEvent): boolean {
  return 'purpose' in event && event.purpose.kind === kind;
}

export const isResultOfChange = ({ context: { change }, event }: Given): boolean =>
  'purpose' in event && event.purpose.kind === change?.kind;
