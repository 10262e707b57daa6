import { Unobtainable, unpackedDebian } from '../support/unpacked-debian.ts';

/** The tested versions: this machine's is the first. */
export const podmans = ['4.3', '5.4', '5.8', '6.1'] as const;
export type Podman = (typeof podmans)[number];

/** A podman of a later Debian than this one. */
export interface Newer {
  podman: Podman;
  /** Debian's name for its release */
  name: string;
  /** packages that it does not have come from there */
  base?: string;
  /** only when all are requested: PODMAN_NEWER=all */
  seldom?: true;
}

export const newerOnes: Newer[] = [
  { podman: '5.4', name: 'trixie' },
  { podman: '5.8', name: 'sid', seldom: true },
  { podman: '6.1', name: 'experimental', base: 'sid' },
];

/** The podmans tested beside this machine's: with PODMAN_NEWER=all all of them. */
export const triedNewer = newerOnes.filter(({ seldom }) => !seldom || process.env.PODMAN_NEWER === 'all');

const packages = ['podman', 'netavark', 'aardvark-dns', 'golang-github-containers-common', 'crun', 'nftables'];

export async function rootOrReason(
  root: (() => Promise<string>) | null,
): Promise<{ root: string } | { reason: string }> {
  try {
    return { root: root ? await root() : '' };
  } catch (error) {
    if (!(error instanceof Unobtainable)) throw error;
    return { reason: `this podman cannot be had: ${error.message}` };
  }
}

/** Returns the directory; throws Unobtainable where the mirror does not have it, or there is no mirror. */
export function unpacked({ name, base }: Newer): Promise<string> {
  return unpackedDebian({ name: `podman/${name}`, suites: base ? [base, name] : [name], packages });
}
