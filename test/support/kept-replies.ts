import type { Journal } from '../../src/actors/journal.ts';
import type { Answer } from '../../src/contract/answers.ts';
import { hostAddress } from '../../src/core/actor-address.ts';

/** Keeps the reply to a command without an actor that decides it. */
export function keepReply(journal: Journal, command: string, output: Answer): void {
  journal.drop(hostAddress, null, null, { command, time: Date.now(), output });
}
