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

/** `500ms`, `30s`, `10m`, `1.5h`, `2d` in milliseconds; null when it is no duration. */
export function parseDuration(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  return unit === undefined ? null : Number(number) * (unitMs[unit] as number);
}

/** For options that are a duration of at least 1 ms. */
export function durationParser(option: string, mostMs: number): (text: string) => number {
  return (text) => {
    const durationMs = Math.round(parseDuration(text) ?? 0);
    if (durationMs < 1 || durationMs > mostMs)
      throw badInput(
        `${option} ${text}: expected a duration such as 500ms, 30s or 10m, ${mostMs / 86_400_000} days at most`,
      );
    return durationMs;
  };
}

/** `10m` ago, or `2026-01-31T12:00:00Z`; null when it is neither. */
export function parseTime(text: string, now: number): Date | null {
  const duration = parseDuration(text);
  if (duration !== null) return new Date(now - duration);
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : new Date(time);
}
