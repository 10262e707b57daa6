/**
 * The record's own entry of that name. A plain lookup would also find what every object inherits, for a container of the name
 * `constructor` or `toString`.
 */
export function entryOf<Entry>(record: Readonly<Record<string, Entry>>, name: string): Entry | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
