import { domainToASCII } from 'node:url';

/** Names of containers as DNS has them. */

/** What podman's containers put behind a name, whatever our own search domain is. */
export const podmanDomain = 'dns.podman';

const longestLabelBytes = 63;
const longestNameBytes = 253;

/** As names are compared: in lower case, without the dot of the root. */
const comparable = (name: string): string => name.replace(/\.$/, '').toLowerCase();

/** A-labels where a label has more than ASCII; as it is where IDNA knows none. */
const inAscii = (name: string): string => (/^[\0-\x7f]*$/.test(name) ? name : domainToASCII(name) || name);

/** Whether a message of DNS can carry it. */
export function isCarried(name: string): boolean {
  const labels = name.split('.').map((label) => Buffer.byteLength(label));
  const isWhole = labels.every((bytes) => bytes > 0 && bytes <= longestLabelBytes);
  return isWhole && Buffer.byteLength(name) <= longestNameBytes;
}

/** The name in DNS, all of ASCII where IDNA allows it; null: no question can carry it. */
export function dnsName(name: string): string | null {
  const written = inAscii(comparable(name));
  return isCarried(written) ? written : null;
}

/** What somebody who means that name may ask for: programs that know nothing of IDNA ask for the UTF-8 as it is. */
export function askedNames(name: string): string[] {
  const plain = comparable(name);
  return [...new Set([plain, inAscii(plain)])].filter(isCarried);
}

/** Why that can be no alias; null: it can be one. */
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
