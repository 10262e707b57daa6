import { execFileSync } from 'node:child_process';
import type { z } from 'zod';
import { systemErrorText } from '../../core/system-error.ts';
import { isRoot } from '../doctor/finding.ts';
import { refusal } from './drop-in.ts';

/** Runs a program that prints a list as JSON; nothing printed means an empty list. Throws EndWith with the reason that the program gives. */
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

/** Why a program could not be run or failed, on one line: the system's reason, or the first line that it wrote to stderr. */
export function failureReason(error: unknown): string {
  const { code, message, stderr = '', status } = error as RunError;
  if (code !== undefined) return systemErrorText({ code, message });
  const [line = ''] = stderr.trim().split('\n');
  return line === '' ? `ended with ${status ?? 'a signal'}` : (loggedMessage(line) ?? line);
}

/** podman logs as logrus does: `time="…" level=error msg="…"`. null: not such a line */
function loggedMessage(line: string): string | null {
  const [, quoted] = /^time="[^"]*" level=\w+ msg=("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
  return quoted === undefined ? null : quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
}
