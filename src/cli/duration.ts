/** Formats durations like podman's, `3 minutes ago`, but shorter for tables: without `Less than`, `About`. */

const unitMs = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;

/** Formats the duration from a time (ISO 8601) until now. */
export function agoText(time: string, now = Date.now()): string {
  return `${durationText(now - Date.parse(time))} ago`;
}

/** The same in short: `3m ago`. */
export function shortAgoText(time: string, now = Date.now()): string {
  return agoText(time, now).replace(/ ([a-z])[a-z]* ago$/, '$1 ago');
}

function durationText(ms: number): string {
  const count = (unit: keyof typeof unitMs) => Math.max(0, Math.floor(ms / unitMs[unit]));
  if (ms < unitMs.minute) return plural(count('second'), 'second');
  if (ms < unitMs.hour) return plural(count('minute'), 'minute');
  if (ms < 2 * unitMs.day) return plural(count('hour'), 'hour');
  if (ms < 2 * unitMs.week) return plural(count('day'), 'day');
  return plural(count('week'), 'week');
}

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;
