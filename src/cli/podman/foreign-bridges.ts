import { z } from 'zod';
import { ownerOfAlias } from '../../core/object-names.ts';
import { askProgram } from './ask-program.ts';

const linksSchema = z.array(z.object({ ifname: z.string(), ifalias: z.string().optional() }));

/**
 * Lists bridges of this host with podman's names (`podman0`, `podman1`, …) and without netloom's alias.
 * Uses `ip`, so that this check does not need the native addon.
 */
export function foreignBridges(): string[] {
  return askProgram('ip', ['-j', 'link', 'show', 'type', 'bridge'], linksSchema)
    .filter(({ ifname, ifalias }) => /^podman\d+$/.test(ifname) && ownerOfAlias(ifalias ?? '') === null)
    .map(({ ifname }) => ifname);
}
