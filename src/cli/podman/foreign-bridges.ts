import { z } from 'zod';
import { askProgram } from './ask-program.ts';

const linksSchema = z.array(z.object({ ifname: z.string(), ifalias: z.string().optional() }));

/**
 * Bridges of this host with the names that podman gives (`podman0`, `podman1`, …), without netloom's alias.
 * Asked of `ip`: the native addon is not needed to look at podman.
 */
export function foreignBridges(): string[] {
  return askProgram('ip', ['-j', 'link', 'show', 'type', 'bridge'], linksSchema)
    .filter(({ ifname, ifalias }) => /^podman\d+$/.test(ifname) && !ifalias?.startsWith('netloom '))
    .map(({ ifname }) => ifname);
}
