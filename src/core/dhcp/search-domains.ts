/** Domains as servers send them: plain (option 15), or as a list with DNS compression (option 119, RFC 3397). */

const mostDomainBytes = 253;

/** Letters, digits, hyphens and underscores, as resolv.conf allows. */
const label = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

const isDomain = (text: string): boolean =>
  text.length > 0 && text.length <= mostDomainBytes && text.split('.').every((part) => label.test(part));

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Parses option 15. Some servers end it with a NUL, or with a dot. null: malformed. */
export function readDomainName(bytes: Uint8Array): string | null {
  const text = ascii(bytes).replace(/\0+$/, '').replace(/\.$/, '').toLowerCase();
  return isDomain(text) ? text : null;
}

/** Parses option 119. null: malformed. Pointers lead backwards only, so no cycle is possible. */
export function readSearchDomains(bytes: Uint8Array): string[] | null {
  const domains: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const read = readName(bytes, at);
    if (read === null || !isDomain(read.name)) return null;
    domains.push(read.name);
    at = read.next;
  }
  return domains.length > 0 ? [...new Set(domains)] : null;
}

function readName(bytes: Uint8Array, start: number): { name: string; next: number } | null {
  const labels: string[] = [];
  let next: number | null = null;
  /** a pointer must lead to before this */
  let limit = start;
  let total = 0;
  for (let at = start; ; ) {
    const length = bytes[at];
    if (length === undefined) return null;
    if (length === 0) return { name: labels.join('.').toLowerCase(), next: next ?? at + 1 };
    if (length >= 0xc0) {
      const low = bytes[at + 1];
      const target = low === undefined ? limit : ((length & 0x3f) << 8) | low;
      if (target >= limit) return null;
      next ??= at + 2;
      limit = target;
      at = target;
      continue;
    }
    total += length + 1;
    if (length > 63 || at + 1 + length > bytes.length || total > mostDomainBytes + 1) return null;
    labels.push(ascii(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}
