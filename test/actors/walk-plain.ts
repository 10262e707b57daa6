/** Where the kernel picks ports from. */
const firstPickedPort = 32_768;

/** Answers without what no two hosts have in common: inodes, pids, picked ports, times, the kernel's own words. */
export class Plain {
  constructor(private readonly symbols: () => ReadonlyMap<number, string>) {}

  /** Of what is told at one moment, equal inodes stay equal. */
  of(value: unknown): unknown {
    const seen = new Map<number, string>();
    const symbols = this.symbols();
    const nameOf = (inode: number): string => {
      const name = seen.get(inode) ?? `inode ${seen.size}`;
      seen.set(inode, name);
      return name;
    };
    const plain = (part: unknown, key: string): unknown => {
      if (Array.isArray(part)) return part.map((entry) => plain(entry, key));
      if (typeof part === 'string')
        return part
          .replace(/\b(process|process of container \S+ is|kill) \d+/g, '$1')
          .replace(/\b\d{5}\b/g, (digits) => (isPicked(Number(digits)) ? 'picked' : digits));
      if (typeof part === 'number' && key === 'inode') return nameOf(part);
      if (typeof part === 'number' && key === 'pid') return symbols.get(part) ?? 'pid of nobody';
      if (typeof part === 'number' && isPicked(part)) return 'picked';
      if (typeof part !== 'object' || part === null) return part;
      return Object.fromEntries(
        Object.entries(withoutWords(part as Record<string, unknown>))
          .filter(([inner]) => !isOfTheMoment(inner))
          .map(([inner, entry]) => [plain(inner, ''), plain(entry, inner)]),
      );
    };
    return plain(JSON.parse(JSON.stringify(value ?? null)), '');
  }
}

const isPicked = (number: number): boolean => number >= firstPickedPort && number <= 65_535;
/** The same in one line of text, whichever it was. */
export const withoutPicks = (text: string): string =>
  text.replace(/\b\d{5}\b/g, (digits) => (isPicked(Number(digits)) ? 'picked' : digits));

const isOfTheMoment = (key: string): boolean =>
  key === 'created' || key === 'startTicks' || /^[rt]x[A-Z]/.test(key) || key.endsWith('Ms');

/** Of a fault of the kernel: code, step and errno are ours, the rest are its words, and how much of a batch it had done. */
function withoutWords(part: Record<string, unknown>): Record<string, unknown> {
  if (!('errno' in part)) return part;
  const { message: _, detail: __, undone: ___, ...rest } = part;
  return rest;
}
