/**
 * Returns the record's own entry of that name. A plain lookup would also find inherited properties, for a container named
 * `constructor` or `toString`.
 */
export function entryOf<Entry>(record: Readonly<Record<string, Entry>>, name: string): Entry | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
