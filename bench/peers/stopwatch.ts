import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built, isExecutable } from './programs.ts';

const stopwatch = built('bench/stopwatch');

export const missingStopwatch = (): string | null =>
  isExecutable(stopwatch) ? null : `${stopwatch} (npm run bench builds it)`;

export interface Run {
  command: readonly string[];
  /** the input of the program */
  stdin: string;
  /** beside netloom */
  env: Record<string, string>;
}

/**
 * Runs programs and takes the time from spawn to exit, in the namespace of this thread. A small program measures, for
 * Node's own spawning takes longer than some of the measured programs.
 */
export class Stopwatch {
  readonly #directory = mkdtempSync(join(tmpdir(), 'stopwatch-'));

  /** `said`: the program's stdout. Throws with its output when it does not exit with 0. */
  run({ command, stdin, env }: Run): { ms: number; text: string } {
    const [input, output] = ['stdin', 'stdout'].map((name) => join(this.#directory, name)) as [string, string];
    writeFileSync(input, stdin);
    const files = [openSync(input, 'r'), openSync(output, 'w')] as const;
    try {
      const { status, stdout, stderr } = spawnSync(stopwatch, ['1', '--', ...command], {
        env: { ...process.env, ...env },
        stdio: [files[0], 'pipe', 'pipe', files[1]],
        encoding: 'utf8',
      });
      const text = readFileSync(output, 'utf8');
      if (status !== 0) throw new Error(`${command.join(' ')}: ${[stdout, stderr, text].join(' ').trim()}`);
      return { ms: Number(stdout), text };
    } finally {
      for (const file of files) closeSync(file);
    }
  }
}
