import type { Protocol } from './port.ts';
import { isSystemError } from './system-error.ts';

/**
 * The one error model. A fault is plain data: it crosses threads, is journalled, published and sent in replies unchanged;
 * NetloomError is its thrown form. Codes are API (docs/errors.md lists them); messages may improve. At the kernel's edge, where a
 * refusal has no meaning yet, it is a SystemFault, thrown as SystemError; the step that met it turns it into a fault.
 */

/** All codes, with the status of the bus's reply. */
export const faultStatus = {
  'payload.malformed': 400,
  'payload.too-large': 400,
  'payload.invalid': 400,
  'id.invalid': 400,
  'name.invalid': 400,
  'mode.unknown': 400,
  'mode.unsupported': 400,
  'mode.conflict': 400,
  'address.invalid': 400,
  'address.outside-subnet': 400,
  'subnet.invalid': 400,
  'route.unreachable': 400,
  'port.invalid': 400,
  'port.overlap': 400,
  'netns.cycle': 400,
  'container.unknown': 404,
  'network.unknown': 404,
  'worker.unknown': 404,
  'link.unknown': 404,
  'netns.gone': 404,
  'process.gone': 404,
  'address.taken': 409,
  'address.exhausted': 409,
  'subnet.taken': 409,
  'subnet.exhausted': 409,
  'port.taken': 409,
  'port.unavailable': 409,
  'link.exists': 409,
  'mac.taken': 409,
  'mtu.too-large': 409,
  'mtu.too-small': 409,
  'bridge.full': 409,
  'container.exists': 409,
  'container.running': 409,
  'container.connected': 409,
  'container.not-connected': 409,
  'port.unknown': 404,
  'container.state': 409,
  'container.ambiguous': 409,
  'network.ambiguous': 409,
  'network.damaged': 409,
  'network.exists': 409,
  'network.in-use': 409,
  'network.busy': 423,
  'kernel.refused': 500,
  'worker.lost': 500,
  'internal.unexpected': 500,
  'journal.version': 409,
  'journal.newer': 409,
  'journal.damaged': 500,
  'journal.unexamined': 503,
  'upgrade.interrupted': 500,
  'node.running': 409,
  'node.unprivileged': 403,
  'directory.unsafe': 403,
  'directory.lost': 500,
  'node.recovering': 503,
  'node.draining': 503,
  'bus.unreachable': 503,
  'bus.unauthorized': 401,
  'bus.open': 403,
  'storage.full': 507,
  'inotify.exhausted': 507,
  'bus.no-jetstream': 503,
  'command.timeout': 504,
  'command.mismatch': 409,
  'dhcp.timeout': 504,
  'dhcp.refused': 409,
  'dhcp.expired': 504,
} as const;

export type FaultCode = keyof typeof faultStatus;

/** A step that could not be undone, and why. */
export interface LeftBehind {
  step: string;
  errno: string | null;
  detail: string | null;
}

export interface TakenPort {
  protocol: Protocol;
  port: number;
}

export interface Fault {
  code: FaultCode;
  message: string;
  /** the step of a plan that failed, e.g. `link.veth nl4f0a… (eth0 in /run/netns/netloom-web)` */
  step?: string;
  /** symbolic: `EEXIST` */
  errno?: string;
  /** the kernel's own words, or what was found instead */
  detail?: string;
  /** the host port that another program has */
  port?: TakenPort;
  /** steps taken back, newest first */
  undone?: string[];
  leftBehind?: LeftBehind[];
}

export function fault(code: FaultCode, message: string, more: Omit<Fault, 'code' | 'message'> = {}): Fault {
  return { code, message, ...more };
}

/** Returns the fault with more details, after those that it has. */
export function withDetail(why: Fault, text: string): Fault {
  return { ...why, detail: why.detail ? `${why.detail}; ${text}` : text };
}

/** The thrown form of a fault, for callers of the library and for input checks. */
export class NetloomError extends Error {
  override readonly name = 'NetloomError';
  constructor(
    readonly fault: Fault,
    options?: ErrorOptions,
  ) {
    super(fault.message, options);
  }
  get code(): FaultCode {
    return this.fault.code;
  }
}

/** A refusal of the kernel: `op` is netloom's verb ("add veth"), `errno` symbolic ("EEXIST"), `detail` the kernel's words or netloom's. */
export interface SystemFault {
  op: string;
  errno: string;
  detail: string | null;
  /** the host port that another program has */
  port?: number;
}

/** The thrown form of a SystemFault, for code beside the addon; the addon's own errors have the same fields. */
export class SystemError extends Error implements SystemFault {
  override readonly name = 'SystemError';
  constructor(
    readonly op: string,
    readonly errno: string,
    readonly detail: string | null,
  ) {
    super(systemText({ op, errno, detail }));
  }
}

const systemText = ({ op, errno, detail }: SystemFault): string => `${op}: ${errno}${detail ? ` (${detail})` : ''}`;

export const isSystemFault = (error: unknown): error is SystemFault =>
  typeof error === 'object' && error !== null && 'op' in error && 'errno' in error && typeof error.errno === 'string';

/** Turns anything thrown into a fault: faults of netloom unchanged, a kernel refusal by its errno, the rest as `internal.unexpected`. */
export function faultOf(error: unknown): Fault {
  if (error instanceof NetloomError) return error.fault;
  if (isSystemFault(error)) {
    const { op: step, errno, detail } = error;
    return fault('kernel.refused', systemText({ op: step, errno, detail }), { step, errno, ...(detail && { detail }) });
  }
  const message = error instanceof Error ? error.message : String(error);
  return fault('internal.unexpected', message, isSystemError(error) ? { errno: error.code } : {});
}
