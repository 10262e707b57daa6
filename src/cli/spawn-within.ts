import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import * as native from '#native';
import { EndWith } from './failure.ts';
import { signalExitCode } from './signals.ts';

export interface RunningCommand {
  process: ChildProcess;
  pid: number;
  /** exit code, 128 + n when signal n ended it */
  exited: Promise<number>;
}

/**
 * Starts a command inside a network namespace, with our own stdin, stdout and stderr.
 * Equivalent to: nsenter --net=<netnsPath> <command>
 * Throws EndWith 127 when there is no such command, 126 when it cannot be executed.
 */
export async function spawnWithin(netnsPath: string, [file, ...args]: string[]): Promise<RunningCommand> {
  const child = insideOf(netnsPath, () => spawn(file as string, args, { stdio: 'inherit' }));
  const exited = new Promise<number>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signalExitCode(signal as NodeJS.Signals))),
  );
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => reject(notStarted(file as string, error)));
  });
  return { process: child, pid: child.pid as number, exited };
}

/**
 * A child starts in the namespace of the thread that spawns it, so this thread goes there and comes back. No `await`
 * stands between, so nothing else of ours (a connection that is made anew, say) can begin on the wrong side.
 */
function insideOf<Result>(netnsPath: string, act: () => Result): Result {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    native.enterNetns(netnsPath);
    try {
      return act();
    } finally {
      native.enterNetns(`/proc/self/fd/${home}`);
    }
  } finally {
    closeSync(home);
  }
}

/** Shells tell the two apart by these exit codes. */
function notStarted(file: string, { code }: NodeJS.ErrnoException): EndWith {
  return code === 'ENOENT'
    ? new EndWith(127, { code: 'command.missing', message: `${file}: there is no such command` })
    : new EndWith(126, { code: 'command.unusable', message: `${file}: it cannot be executed (${code})` });
}
