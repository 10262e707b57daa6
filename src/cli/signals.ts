import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

const forwarded: NodeJS.Signals[] = [
  ...(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const),
  ...(['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const),
];
const ending: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT']);
/** A terminal sends these to all of its foreground processes, so the command has already received them. */
const saidByTerminal: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGCONT']);

/** Passes signals to the command, and keeps one that arrives before it starts. */
export class SignalRelay {
  #command: ChildProcess | null = null;
  #early: NodeJS.Signals | null = null;
  readonly #hear = (signal: NodeJS.Signals) => {
    if (this.#command === null) {
      if (ending.has(signal)) this.#early ??= signal;
    } else if (!(process.stdin.isTTY && saidByTerminal.has(signal))) this.#command.kill(signal);
  };

  constructor() {
    for (const signal of forwarded) process.on(signal, this.#hear);
  }

  /** the signal that arrived before a command could handle it */
  get early(): NodeJS.Signals | null {
    return this.#early;
  }

  relayTo(command: ChildProcess): void {
    this.#command = command;
    if (this.#early) command.kill(this.#early);
  }

  close(): void {
    for (const signal of forwarded) process.off(signal, this.#hear);
  }
}

/** Returns the exit code that shells use for a signal. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
