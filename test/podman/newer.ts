import { Unobtainable, unpackedDebian } from '../support/unpacked-debian.ts';

/** A podman of a later Debian than this one. */
export interface Newer {
  /** Debian's name for where it is from */
  name: string;
  /** what it does not have comes from there */
  base?: string;
  /** only when all are asked for: PODMAN_NEWER=all */
  seldom?: true;
}

export const newerOnes: Newer[] = [
  { name: 'trixie' }, // podman 5.4
  { name: 'sid', seldom: true }, // 5.8
  { name: 'experimental', base: 'sid' }, // 6.1
];

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
