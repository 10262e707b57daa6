import { readFileSync } from 'node:fs';
import { fault, NetloomError } from '../core/fault.ts';

/** Capability bits: for links and rules, for packet sockets of announcements and DHCP, for namespaces. Root in a container may lack them. */
const needed = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21 };

export const neededPrivileges: readonly string[] = Object.keys(needed);

/** Returns the capabilities that this process lacks. */
export function missingPrivileges(status = readFileSync('/proc/self/status', 'utf8')): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(needed).flatMap(([name, bit]) => ((effective >> BigInt(bit)) & 1n ? [] : [name]));
}

/** Formats a list: `CAP_NET_ADMIN, CAP_NET_RAW, and CAP_SYS_ADMIN`. */
export const listOfPrivileges = (names: readonly string[]): string => new Intl.ListFormat('en').format(names);

/** Throws node.unprivileged if the daemon lacks a capability. */
export function requirePrivileges(): void {
  const missing = missingPrivileges();
  if (missing.length === 0) return;
  const message = `the daemon needs root: ${listOfPrivileges(missing)} ${missing.length > 1 ? 'are' : 'is'} missing`;
  throw new NetloomError(fault('node.unprivileged', message));
}
