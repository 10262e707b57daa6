/** Names of networks, containers and interfaces, and ids of containers. Without zod, which takes a CLI 50 ms to load. */

/** podman's own rule. 250 bytes, so that `<name>.json` can be the name of a file. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,249}$/;

/** Of names of networks and containers: what a user is told, whatever older names are still served. */
export const nameRule = 'must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first a letter or a digit';

/**
 * What is served under a name. Ids may begin with `_` or `-`, and networks could until they had podman's rule: what is in a
 * journal or a file goes on under its name.
 */
export const servedNamePattern = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,249}$/;

/** Of ids, which engines choose: the same as servedNamePattern. */
export const idRule = 'must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first not a dot';

/** What a container may be called where it is referred to: engines have given names that begin with a dot, or are longer. */
export const referencePattern = /^[A-Za-z0-9_.-]{1,255}$/;

export const referenceRule = 'must be 1 to 255 characters of A-Z a-z 0-9 _ . -';

/** As the kernel has it: 1 to 15 bytes, no slash, no colon, no white space, no dot name, nor what sysctl calls its own. */
export const interfaceNamePattern = /^(?!(\.{1,2}|lo|all|default)$)[A-Za-z0-9_.@-]{1,15}$/;

export const interfaceNameRule = 'must be 1 to 15 characters of A-Z a-z 0-9 _ . @ -, and not lo, all or default';

/** What `--network` takes for a mode, which then means no network of that name: podman's own list. */
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

/** Why no network can be made under that name; null: one can. */
export function nameRefusal(name: string): string | null {
  if (!namePattern.test(name)) return `${JSON.stringify(name)} ${nameRule}`;
  return modeNames.includes(name)
    ? `${JSON.stringify(name)} is reserved: --network ${name} selects a network mode`
    : null;
}
