/** Names of networks, containers and interfaces, and IDs of containers. Without zod, which costs a CLI 50 ms to load. */

/** podman's own rule. 250 bytes, so that `<name>.json` is a valid file name. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,249}$/;

/** Rule for names of networks and containers, as shown to users; older names are served all the same. */
export const nameRule = 'must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first a letter or a digit';

/**
 * Pattern of names that netloom serves. IDs may begin with `_` or `-`, and so could networks before they had podman's rule: names
 * from a journal or a file stay valid.
 */
export const servedNamePattern = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,249}$/;

/** Rule for IDs, which engines choose: the same as servedNamePattern. */
export const idRule = 'must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first not a dot';

/** Pattern of references to a container: engines have given names that begin with a dot, or are longer. */
export const referencePattern = /^[A-Za-z0-9_.-]{1,255}$/;

export const referenceRule = 'must be 1 to 255 characters of A-Z a-z 0-9 _ . -';

/** The kernel's rule: 1 to 15 bytes, no slash, colon or white space, no dot name, and no name that sysctl reserves. */
export const interfaceNamePattern = /^(?!(\.{1,2}|lo|all|default)$)[A-Za-z0-9_.@-]{1,15}$/;

export const interfaceNameRule = 'must be 1 to 15 characters of A-Z a-z 0-9 _ . @ -, and not lo, all or default';

/** Modes of `--network`, which therefore cannot name a network: podman's own list. */
export const modeNames: readonly string[] = [
  'host',
  'none',
  'bridge',
  'pasta',
  'slirp4netns',
  'container',
  'ns',
  'private',
  'default',
];

/** P10: the default network, unless another one is configured. */
export const defaultNetworkName = 'podman';

/** Returns why no network can be made under that name; null: one can. */
export function nameRefusal(name: string): string | null {
  if (!namePattern.test(name)) return `${JSON.stringify(name)} ${nameRule}`;
  return modeNames.includes(name)
    ? `${JSON.stringify(name)} is reserved: --network ${name} selects a network mode`
    : null;
}
