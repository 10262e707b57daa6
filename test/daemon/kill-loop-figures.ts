import { appendFileSync } from 'node:fs';
import type { Heard } from './kill-loop-host.ts';

interface Broken {
  kind: string;
  how: string;
}

/** What the kill loop counts. FIGURES: a file for the particulars of everything that broke. */
export class KillFigures {
  readonly #kills: { kind: string; heard: Heard['how'] }[] = [];
  readonly #broken: Broken[] = [];

  killed(kind: string, heard: Heard['how']): void {
    this.#kills.push({ kind, heard });
  }

  broken(kind: string, how: string, particulars: unknown): void {
    this.#broken.push({ kind, how });
    const file = process.env.FIGURES;
    if (file) appendFileSync(file, `${kind}: ${how}: ${JSON.stringify(particulars)}\n`);
  }

  brokenOf(kind: string): string[] {
    return this.#broken.filter((one) => one.kind === kind).map(({ how }) => how);
  }

  allBroken(): string[] {
    return this.#broken.map(({ kind, how }) => `${kind}: ${how}`);
  }

  /** Per kind: how often the daemon was killed, what the callers heard, and what broke. */
  table(): string {
    const names = new Set([...this.#kills, ...this.#broken].map(({ kind }) => kind));
    return [...names]
      .sort()
      .flatMap((kind) => this.#rows(kind))
      .join('\n');
  }

  #rows(kind: string): string[] {
    const kills = this.#kills.filter((one) => one.kind === kind);
    const heard = counts(kills.map((one) => one.heard));
    const broken = [...counts(this.brokenOf(kind))].map(([how, count]) => `    ${count} × ${how}`);
    return [`${kind}: ${kills.length} (${[...heard].map(([how, count]) => `${how} ${count}`).join(', ')})`, ...broken];
  }
}

function counts<Key extends string>(keys: readonly Key[]): Map<Key, number> {
  const found = new Map<Key, number>();
  for (const key of keys.toSorted()) found.set(key, (found.get(key) ?? 0) + 1);
  return found;
}
