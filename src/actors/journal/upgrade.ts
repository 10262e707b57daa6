import type { ActorEvent } from '../../core/actor-event.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import type { Plan } from '../../core/plan/plan.ts';
import type { ActorTable } from './actor-table.ts';
import type { MetaTable } from './meta-table.ts';
import type { StoredActor } from './migrations/content.ts';
import { isSettled, migrate } from './migrations/migrate.ts';
import { interrupted } from './migrations/unfinished.ts';
import type { ReplyTable } from './reply-table.ts';
import { journalVersion } from './version.ts';
import type { WorkTable } from './work-table.ts';

export interface UpgradedTables {
  meta: MetaTable;
  actors: ActorTable;
  inbox: WorkTable<ActorEvent>;
  plans: WorkTable<Plan>;
  replies: ReplyTable;
}

/**
 * Rewrites the tables of a journal of an earlier version. Call it in one write of the journal: a start that dies meanwhile leaves
 * the earlier version's tables.
 */
export function upgradeTables({ meta, actors, inbox, plans, replies }: UpgradedTables, from: number): void {
  const known = actors
    .all()
    .map(({ address, record }): [typeof address, StoredActor] => [
      address,
      { value: record.value, context: { ...record.context } },
    ]);
  const after = orDamaged(() => migrate({ actors: new Map(known), messages: [] }, from, journalVersion));
  for (const address of actors.addresses()) actors.remove(address);
  for (const [address, record] of after.actors) actors.keep(address, null, record);
  if (isSettled(from)) {
    inbox.clear();
    plans.clear();
    replies.refuseAwaited(interrupted);
  }
  for (const { to, event } of after.messages) inbox.put(to, meta.nextSequence(), event);
  meta.upgrade();
}

/** Rows of earlier versions have no checksums: one that a migration cannot read is damaged. */
function orDamaged<Result>(migrated: () => Result): Result {
  try {
    return migrated();
  } catch (error) {
    throw new NetloomError(fault('journal.damaged', `the journal is damaged: ${(error as Error).message}`), {
      cause: error,
    });
  }
}
