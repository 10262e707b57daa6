import { domainToASCII } from 'node:url';

/** Names of containers in DNS form. */

/** podman's containers append this to a name, whatever netloom's own search domain is. */
export const podmanDomain = 'dns.podman';

const longestLabelBytes = 63;
const longestNameBytes = 253;

/** Normalizes a name for comparison: lower case, without the dot of the root. */
const comparable = (name: string): string => name.replace(/\.$/, '').toLowerCase();

/** Returns A-labels where a label has more than ASCII; unchanged if IDNA has no form of it. */
const inAscii = (name: string): string => (/^[\0-\x7f]*$/.test(name) ? name : domainToASCII(name) || name);

/** Checks whether a DNS message can carry it. */
export function isCarried(name: string): boolean {
  const labels = name.split('.').map((label) => Buffer.byteLength(label));
  const isWhole = labels.every((bytes) => bytes > 0 && bytes <= longestLabelBytes);
  return isWhole && Buffer.byteLength(name) <= longestNameBytes;
}

/** Returns the name in DNS, all ASCII if IDNA allows it; null: no question can carry it. */
export function dnsName(name: string): string | null {
  const written = inAscii(comparable(name));
  return isCarried(written) ? written : null;
}

/** Returns the forms that a query for the name may have: programs without IDNA send the UTF-8 unchanged. */
export function askedNames(name: string): string[] {
  const plain = comparable(name);
  return [...new Set([plain, inAscii(plain)])].filter(isCarried);
}

/** Returns why a name cannot be an alias; null: it can. */
export function aliasRefusal(alias: string): string | null {
  const written = inAscii(comparable(alias));
  if (written === '') return 'an alias cannot be empty';
  const labels = written.split('.');
  if (labels.includes('')) return `alias ${JSON.stringify(alias)}: empty label`;
  if (!isCarried(written))
    return `alias ${JSON.stringify(alias)}: too long; DNS allows ${longestLabelBytes} bytes per label and ${longestNameBytes} per name`;
  if (labels.every((label) => /^[a-z0-9_-]+$/.test(label))) return null;
  return `alias ${JSON.stringify(alias)}: expected labels of letters, digits, _ and -, joined by dots`;
}
