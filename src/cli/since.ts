import { badInput } from './options.ts';

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Forms of a point in time, for messages and help. */
const whens = ['a duration (10m)', 'a time (2026-01-31T12:00:00Z)', 'a sequence'];

export const whenHelp = oneOf(whens);

/** Help for options that also accept `all`. */
export const whenOrAllHelp = oneOf([...whens, 'all']);

function oneOf(parts: readonly string[]): string {
  return `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`;
}

/** Parses `10m`, `2026-01-31T12:00:00Z`, a position in the stream as a number, or `all`. */
export function parseSince(text: string, now = Date.now()): Date | number | 'all' {
  return text === 'all' ? 'all' : parsePlace('--since', text, now, whenOrAllHelp);
}

/** Parses `500ms`, `30s`, `10m`, `1h30m`, `2d` to milliseconds; null: not a valid duration. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  return parts.reduce((total, [, count, unit]) => total + Number(count) * (unitMs[unit as string] as number), 0);
}

/** Parses options that are a duration of at least 1 ms. */
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

/** The same without `all`; a time in the future is accepted too. */
export const parseUntil = (text: string, now = Date.now()): Date | number => parsePlace('--until', text, now, whenHelp);

function parsePlace(option: string, text: string, now: number, expected: string): Date | number {
  const place = /^\d+$/.test(text) ? Number(text) : parseTime(text, now);
  if (typeof place === 'number' && !Number.isSafeInteger(place))
    throw badInput(`${option} ${text}: a sequence is at most ${Number.MAX_SAFE_INTEGER}`);
  if (place === null) throw badInput(`${option} ${JSON.stringify(text)}: expected ${expected}`);
  return place;
}

/** Parses `10m` or `1h30m` ago, or `2026-01-31T12:00:00Z`; null: neither. */
export function parseTime(text: string, now: number): Date | null {
  const time = /^\d{4}-/.test(text) ? new Date(text) : new Date(now - (parseDuration(text) ?? Number.NaN));
  return Number.isNaN(time.getTime()) ? null : time;
}
