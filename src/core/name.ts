/** Names of networks and ids of containers. Without zod, which takes a CLI 50 ms to load. */

/** podman's own rule. 250 bytes, so that `<name>.json` can be the name of a file. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,249}$/;

export const nameRule = 'must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first a letter or a digit';

/**
 * What is served under a name. Ids may begin with `_` or `-`, and networks could until they had podman's rule: what is in a
 * journal or a file goes on under its name.
 */
export const servedNamePattern = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,249}$/;

export const servedNameRule = 'must be 1 to 250 characters of A-Z a-z 0-9 _ . -, the first not a dot';

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

/** Why no network can be made under that name; null: one can. */
export function nameRefusal(name: string): string | null {
  if (!namePattern.test(name)) return `${JSON.stringify(name)} ${nameRule}`;
  return modeNames.includes(name)
    ? `${JSON.stringify(name)} is reserved: --network ${name} selects a network mode`
    : null;
}
