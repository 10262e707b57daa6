import { execFileSync } from 'node:child_process';
import type { z } from 'zod';
import { systemErrorText } from '../../core/system-error.ts';
import { refusal } from './drop-in.ts';

/** Runs a program that prints a list as JSON; nothing printed means an empty list. Throws EndWith with the program's first line on stderr. */
export function askProgram<Schema extends z.ZodType>(
  program: string,
  args: string[],
  schema: Schema,
): z.output<Schema> {
  const printed = outputOf(program, args);
  try {
    return schema.parse(JSON.parse(printed.trim() || '[]'));
  } catch {
    throw refusal(`${program} ${args.join(' ')}: the output is not what netloom expects`);
  }
}

function outputOf(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw refusal(`${program} ${args.join(' ')}: ${reasonOf(error as RunError)}`);
  }
}

interface RunError extends NodeJS.ErrnoException {
  stderr?: string;
  status?: number | null;
}

function reasonOf({ code, message, stderr = '', status }: RunError): string {
  if (code !== undefined) return systemErrorText({ code, message });
  const [line = ''] = stderr.trim().split('\n');
  return line === '' ? `ended with ${status ?? 'a signal'}` : line;
}
