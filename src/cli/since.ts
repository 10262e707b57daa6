import { badInput } from './options.ts';

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m`, `2026-01-31T12:00:00Z`, a place in the stream as a number, or `all`. */
export function parseSince(text: string, now = Date.now()): Date | number | 'all' {
  if (text === 'all') return 'all';
  if (/^\d+$/.test(text)) return Number(text);
  const time = parseTime(text, now);
  if (!time)
    throw badInput(`--since ${text}: expected a duration (10m), a time (2026-01-31T12:00:00Z), a sequence or all`);
  return time;
}

/** `10m` ago, or `2026-01-31T12:00:00Z`; null when it is neither. */
export function parseTime(text: string, now: number): Date | null {
  const duration = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (duration) return new Date(now - Number(duration[1]) * (unitMs[duration[2] as string] as number));
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : new Date(time);
}
