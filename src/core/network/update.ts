import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import { guardConflict, nameServersRefusal } from './contradictions.ts';
import type { NetworkDefinition } from './definition.ts';
import { changeableOptions, readOptions } from './options.ts';

/** Possible changes of a defined network. */

/** Returns why a network cannot have these options instead of its present ones; null: it can. */
export function optionsRefusal(definition: NetworkDefinition, options: Readonly<Record<string, string>>): Fault | null {
  const lasting = Object.keys(options).find((name) => !changeableOptions.includes(name));
  if (lasting !== undefined)
    return fault(
      'payload.invalid',
      `option ${lasting} of a network cannot be changed; ${changeableOptions.join(' and ')} can`,
    );
  const conflict = guardConflict({ ...definition, options: { ...definition.options, ...options } });
  if (conflict) return conflict;
  const read = readOptions(definition.driver, options);
  return 'code' in read ? read : null;
}

/** Returns why an update of a network is refused; null: it is possible. */
export function updateRefusal(
  definition: NetworkDefinition,
  { nameServers, options }: { nameServers: readonly string[]; options?: Readonly<Record<string, string>> | undefined },
): Fault | null {
  const { driver, dns_enabled: dnsEnabled, ipam_options } = definition;
  const unasked =
    nameServers.length > 0 ? nameServersRefusal({ driver, dnsEnabled, ipamDriver: ipam_options.driver }) : null;
  return unasked ?? (options ? optionsRefusal(definition, options) : null);
}

/** Returns those options that may change while the network is in use. */
export function changeable(options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => changeableOptions.includes(name)));
}
