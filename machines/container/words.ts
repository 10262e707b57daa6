import { calledAs } from '../../src/core/container/reference.ts';
import type { CommandId, ContainerEvent } from '../../src/core/event.ts';
import { type FaultCode, fault } from '../../src/core/fault.ts';
import { deciding, remembering } from '../effects.ts';
import type { ContainerContext } from './context.ts';

/** What the actions and guards of a container's machine are made of. */

export type Given = { context: ContainerContext; event: ContainerEvent };

export const decide = deciding<ContainerContext, ContainerEvent>();

export const remember = remembering<ContainerContext, ContainerEvent>();

export const nameOf = ({ id, wish }: ContainerContext): string => calledAs(wish ?? { id });

export const commandOf = (event: ContainerEvent): CommandId => ('command' in event ? event.command : null);

export const refusal = (code: FaultCode, message: (given: Given) => string) =>
  decide((given) => [{ kind: 'reply', command: commandOf(given.event), fault: fault(code, message(given)) }]);

/** Results are told apart by their plan: that of a verification may come while the teardown is under way already. */
export function isResultOf(plan: string, event: ContainerEvent): boolean {
  return 'plan' in event && event.plan === plan;
}
