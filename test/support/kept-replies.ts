import type { Journal } from '../../src/actors/journal.ts';
import { hostAddress } from '../../src/core/actor-address.ts';

/** Keeps the reply to a command without an actor that decides it. */
export function keepReply(journal: Journal, command: string, output: unknown): void {
  journal.drop(hostAddress, null, null, { command, time: Date.now(), output });
}
