import { readFileSync } from 'node:fs';

/** What the kernel asks of who makes namespaces, links and rules, by bit. Not a user id: root in a container may lack it. */
const needed = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

export const neededPrivileges: readonly string[] = Object.keys(needed);

/** Those that this process lacks. */
export function missingPrivileges(status = readFileSync('/proc/self/status', 'utf8')): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(needed).flatMap(([name, bit]) => ((effective >> BigInt(bit)) & 1n ? [] : [name]));
}
