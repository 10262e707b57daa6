import { execFileSync } from 'node:child_process';
import { z } from 'zod';

const linksSchema = z.array(z.object({ ifname: z.string(), ifalias: z.string().optional() }));

/**
 * Bridges of this host with the names that podman gives (`podman0`, `podman1`, …), without netloom's alias.
 * Asked of `ip`: the native addon is not needed to look at podman.
 */
export function foreignBridges(): string[] {
  const told = execFileSync('ip', ['-j', 'link', 'show', 'type', 'bridge'], { encoding: 'utf8' });
  return linksSchema
    .parse(told.trim() === '' ? [] : JSON.parse(told))
    .filter(({ ifname, ifalias }) => /^podman\d+$/.test(ifname) && !ifalias?.startsWith('netloom '))
    .map(({ ifname }) => ifname);
}
