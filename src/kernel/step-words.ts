import type { Step } from '../core/steps/step.ts';
import type { StepFailure } from './kernel.ts';

/**
 * What a failed step means to its user, as one sentence; null where only the kernel's own words are known. Step, errno and detail are in
 * the fault beside it.
 */
export function stepWords(step: Step, { errno, detail }: Pick<StepFailure, 'errno' | 'detail'>): string | null {
  switch (step.verb) {
    case 'link.vacant':
      return errno === 'EEXIST' ? `this host already has an interface ${step.name}` : null;
    case 'link.bridge':
      return bridgeWords(errno, detail);
    case 'link.veth':
      return errno === 'EEXIST' ? detail : null;
    case 'link.macvlan':
    case 'link.ipvlan':
      return uponParentWords(step, errno, detail);
    case 'link.set':
      return linkSetWords(step, errno);
    case 'link.find':
      if (errno !== 'ENODEV') return null;
      return step.name === null
        ? 'this host has no default route, so there is no interface that leads to the outside'
        : `this host has no interface ${step.name}`;
    case 'netns.require':
      return requireWords(step.path, errno, detail);
    case 'netns.adopt':
      return errno === 'ESRCH' ? `process ${step.pid} has ended` : foreign(errno, detail);
    case 'process.watch':
      return errno === 'ESRCH' ? `process ${step.pid} has ended` : null;
    case 'port.hold':
      return portWords(step, errno, detail);
    case 'definition.write':
      return errno === 'EUCLEAN' || errno === 'EEXIST' ? detail : null;
    default:
      return null;
  }
}

type Detail = StepFailure['detail'];

function bridgeWords(errno: string, detail: Detail): string | null {
  if (errno === 'EOPNOTSUPP') return 'this kernel has no bridges (module bridge)';
  return errno === 'EEXIST' ? detail : null;
}

type UponParent = Extract<Step, { verb: 'link.macvlan' | 'link.ipvlan' }>;

function uponParentWords(step: UponParent, errno: string, detail: Detail): string | null {
  const kind = step.verb === 'link.macvlan' ? 'macvlan' : 'ipvlan';
  switch (errno) {
    case 'ENODEV':
      return `this host has no interface ${step.parent}`;
    case 'EADDRINUSE':
      return step.mode === 'passthru'
        ? `a macvlan network with mode=passthru takes one container, and another interface has ${step.parent} already`
        : `another interface on ${step.parent} has the MAC address`;
    case 'EOPNOTSUPP':
      return detail ? `${detail}, which a ${kind} network needs` : `this kernel has no ${kind} (module ${kind})`;
    case 'EEXIST':
    case 'ERANGE':
      return detail;
    default:
      return null;
  }
}

function linkSetWords({ name, master }: Extract<Step, { verb: 'link.set' }>, errno: string): string | null {
  switch (errno) {
    case 'ENODEV':
      return master === undefined
        ? `the interface ${name} is gone`
        : `the interface ${name} or its bridge ${master} is gone`;
    case 'EADDRINUSE':
      return 'another interface on the same parent has the MAC address, or has the parent for itself (mode=passthru)';
    case 'EXFULL':
      return `the bridge ${master} has 1,023 ports, which is all that a bridge can have`;
    default:
      return null;
  }
}

/** What is at a path and is no namespace is not one that went away. */
function requireWords(path: string, errno: string, detail: Detail): string | null {
  if (errno === 'EINVAL' && detail) return detail;
  return errno === 'ENOENT' || errno === 'EINVAL' ? `the network namespace ${path} is gone` : foreign(errno, detail);
}

/** The host's own namespace, taken for a container's. */
const foreign = (errno: string, detail: Detail): string | null => (errno === 'ENOTUNIQ' ? detail : null);

function portWords(
  { addresses, port, range, protocol }: Extract<Step, { verb: 'port.hold' }>,
  errno: string,
  detail: Detail,
): string | null {
  const last = range > 1 ? `-${port + range - 1}` : '';
  const asked = port === 0 ? `a free ${protocol} port` : `host port ${port}${last}/${protocol}`;
  switch (errno) {
    case 'EADDRINUSE':
      return port === 0 ? `no ${protocol} port is free` : `${asked} is in use${detail ? `: ${detail}` : ''}`;
    case 'ERANGE':
      return `${range} free ${protocol} ports in a row were not found: publish fewer, or name the first host port`;
    case 'EADDRNOTAVAIL':
      return `${asked}: this host has no address ${addresses.join(' or ')}`;
    case 'EPROTONOSUPPORT':
      return `${asked}: this kernel has no ${protocol.toUpperCase()}`;
    case 'EACCES':
      return `${asked}: the kernel does not let the daemon bind it`;
    default:
      return null;
  }
}
