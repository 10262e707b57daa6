import { type Fault, NetloomError } from '../src/core/fault.ts';

/** Access to what a state guarantees, but the types of contexts and results leave open. */

/**
 * Returns a value that there is in every state in which it is asked for. Throws without it, because the chart is wrong then: the
 * actor is reported, and keeps its former state.
 */
export function present<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Error(`${what} is missing in this state`);
  return value;
}

export const lastFaultOf = ({ lastFault }: { lastFault: Fault | null }): Fault => present(lastFault, 'the last fault');

/** Returns a result whose refusal a guard has answered before. Throws that refusal otherwise. */
export function accepted<Result extends object>(result: Result | Fault): Result {
  if ('code' in result) throw new NetloomError(result);
  return result;
}
