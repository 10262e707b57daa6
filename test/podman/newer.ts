import { Unobtainable, unpackedDebian } from '../support/unpacked-debian.ts';

/** Those that are tried, by their versions: this machine's is the first. */
export const podmans = ['4.3', '5.4', '5.8', '6.1'] as const;
export type Podman = (typeof podmans)[number];

/** A podman of a later Debian than this one. */
export interface Newer {
  podman: Podman;
  /** Debian's name for where it is from */
  name: string;
  /** what it does not have comes from there */
  base?: string;
  /** only when all are asked for: PODMAN_NEWER=all */
  seldom?: true;
}

export const newerOnes: Newer[] = [
  { podman: '5.4', name: 'trixie' },
  { podman: '5.8', name: 'sid', seldom: true },
  { podman: '6.1', name: 'experimental', base: 'sid' },
];

/** Those that are tried beside this machine's: with PODMAN_NEWER=all all of them. */
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

/** The directory; throws Unobtainable where the mirror has none, or there is no mirror. */
export function unpacked({ name, base }: Newer): Promise<string> {
  return unpackedDebian({ name: `podman/${name}`, suites: base ? [base, name] : [name], packages });
}
