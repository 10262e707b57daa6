import { execFileSync } from 'node:child_process';
import type { z } from 'zod';
import { systemErrorText } from '../../core/system-error.ts';
import { isRoot } from '../doctor/finding.ts';
import { refusal } from './drop-in.ts';

/**
 * Runs a program that prints a list as JSON; no output means an empty list. Throws EndWith with the program's reason.
 */
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
    const advice = isRoot() ? '' : '; run it as root';
    throw refusal(`${program} ${args.join(' ')}: ${failureReason(error)}${advice}`);
  }
}

interface RunError extends NodeJS.ErrnoException {
  stderr?: string;
  status?: number | null;
}

/**
 * Returns why a program could not be run or failed, on one line: the system's error, or the first line of its stderr.
 */
export function failureReason(error: unknown): string {
  const { code, message, stderr = '', status } = error as RunError;
  if (code !== undefined) return systemErrorText({ code, message });
  const [line = ''] = stderr.trim().split('\n');
  return line === '' ? `ended with ${status ?? 'a signal'}` : (loggedMessage(line) ?? line);
}

/** Extracts the message of a line that podman logs: `time="…" level=error msg="…"`. null: another format */
function loggedMessage(line: string): string | null {
  const [, quoted] = /^time="[^"]*" level=\w+ msg=("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
  return quoted === undefined ? null : quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
}
