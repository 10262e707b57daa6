import type { Fault } from '../../core/fault.ts';
import type { Answer, StoredReply } from './records.ts';
import type { SealedRows } from './sealed-rows.ts';

/** An accepted command without a reply yet. */
interface Awaited extends Pick<StoredReply, 'time' | 'fingerprint'> {
  awaited: true;
}

export type ReplyRow = StoredReply | Awaited;

/** Accepted commands, and their replies. */
export class ReplyTable {
  constructor(private readonly rows: SealedRows<ReplyRow, string>) {}

  /** Accepts a command once: false when it was accepted before, and its reply exists or will follow. */
  take(command: string, fingerprint?: string): boolean {
    if (this.rows.get(command)) return false;
    this.rows.putSync(command, { time: Date.now(), awaited: true, fingerprint });
    return true;
  }

  answer({ command, ...reply }: Answer): void {
    const { fingerprint } = this.rows.get(command) ?? {};
    this.rows.putSync(command, { fingerprint, ...reply });
  }

  /** null: unknown, or not answered yet */
  replyTo(command: string): StoredReply | null {
    const reply = this.rows.get(command);
    return !reply || 'awaited' in reply ? null : reply;
  }

  /** Answers everything that is awaited with this fault. */
  refuseAwaited(fault: Fault): void {
    const awaited = [...this.rows.getRange({})].filter(({ value }) => 'awaited' in value);
    for (const { key } of awaited) this.answer({ command: key, time: Date.now(), fault });
  }

  fingerprintOf(command: string): string | null {
    return this.rows.get(command)?.fingerprint ?? null;
  }

  takenBefore(time: number): string[] {
    return [...this.rows.getRange({})].filter(({ value }) => value.time < time).map(({ key }) => key);
  }

  forget(commands: readonly string[]): void {
    for (const command of commands) this.rows.removeSync(command);
  }
}
