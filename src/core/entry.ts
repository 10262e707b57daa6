/**
 * What a record holds under a name that somebody chose: never what every object inherits, which a container of the name
 * `constructor` or `toString` would find there otherwise.
 */
export function entryOf<Entry>(record: Readonly<Record<string, Entry>>, name: string): Entry | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
