import * as native from '#native';
import { type RtnetlinkStep, takesAway } from './requests.ts';

const gone: ReadonlySet<string> = new Set(['ENODEV', 'ENOENT', 'ESRCH', 'EADDRNOTAVAIL']);

/** Returns null for success, which includes already there and already gone. */
export function settle(step: RtnetlinkStep, fault: native.SystemFault | null): native.SystemFault | null {
  if (!fault) return null;
  if (takesAway(step) && gone.has(fault.errno)) return null;
  if ((step.verb === 'address.add' || step.verb === 'route.add') && fault.errno === 'EEXIST') return null;
  return fault;
}

/** Explains EINVAL: a link's MTU cannot exceed its parent's, and a macvlan needs Ethernet. */
export function explainParent(
  host: native.RouteSocket,
  step: RtnetlinkStep,
  fault: native.SystemFault | null,
): native.SystemFault | null {
  if (step.verb !== 'link.macvlan' && step.verb !== 'link.ipvlan') return fault;
  const parent = fault?.errno === 'EINVAL' ? native.linkByName(host, step.parent) : null;
  if (!fault || !parent) return fault;
  if (step.verb === 'link.macvlan' && (parent.macAddress === null || parent.loopback))
    return { ...fault, errno: 'EOPNOTSUPP', detail: `${parent.name} is not an Ethernet interface` };
  if (step.mtuBytes === null || step.mtuBytes <= parent.mtuBytes) return fault;
  return {
    ...fault,
    errno: 'ERANGE',
    detail: `mtu ${step.mtuBytes} exceeds the parent's MTU (${parent.mtuBytes} on ${parent.name})`,
  };
}
