import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ResultPromise } from 'execa';

/** The output of a program, line by line. Waits for a line; fails when the program ends before it. */
export class Lines {
  readonly seen: string[] = [];
  readonly #lines: AsyncIterator<string>;

  constructor(private readonly program: ResultPromise) {
    this.#lines = createInterface({ input: program.stdout as Readable })[Symbol.asyncIterator]();
  }

  async until(expected: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done)
        throw new Error(`no line like ${expected}, but ${this.seen.join('\n')}\n${(await this.program).stderr}`);
      this.seen.push(value);
      if (expected.test(value)) return value;
    }
  }
}
