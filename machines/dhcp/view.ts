import type { FactState } from '../../src/contract/facts.ts';

/** Committed state as events show it. */

type LeaseValue = 'absent' | 'unanswered' | 'ending' | { acquiring: string } | { lost: string } | { leased: Leased };
type Leased = 'bound' | 'renewing' | 'rebinding';

/** Returns the state of a lease: its progress with an address; without one, always the same state. */
export function leaseState(state: unknown): FactState {
  const value = state as LeaseValue;
  if (typeof value === 'string') return value;
  if ('leased' in value) return value.leased;
  return 'lost' in value ? 'lost' : 'acquiring';
}
