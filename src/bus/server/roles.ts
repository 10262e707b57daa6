import type { Role } from '../../contract/command.ts';
import { type CommandName, commandNames, verbs } from '../../contract/commands.ts';
import { nounAndVerb } from '../../contract/name-tables.ts';
import { allEventsOf, allTracesOf, commandSubject, eventStream, inboxPrefix } from '../../contract/subjects.ts';

/** The permissions of a role, in the form of nats-server's configuration; null: everything. */
export interface Permissions {
  publish: string[];
  subscribe: string[];
}

export const roles: Role[] = ['admin', 'operator', 'viewer'];

const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function mayCommand(role: Role, name: CommandName): boolean {
  return rank[role] >= rank[verbs[name].role];
}

/**
 * The templates that the daemon's own server uses, and that docs/security.md gives for others. Each role gets replies
 * below an inbox of its own, so that a viewer cannot read an admin's replies.
 */
export function permissionsOf(role: Role, node: string): Permissions | null {
  if (role === 'admin') return null;
  const allowed = commandNames.filter((name) => mayCommand(role, name));
  return {
    publish: [
      ...allowed.map((name) => commandSubject(node, ...nounAndVerb(name))),
      ...['PING', 'INFO', 'STATS'].flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.>`]),
      ...readingTheStream,
    ],
    subscribe: [allEventsOf(node), allTracesOf(node), `${inboxPrefix(role)}.>`],
  };
}

/** Requests of ordered and durable pull consumers. Nothing that changes the stream or deletes from it. */
const readingTheStream = [
  '$JS.API.INFO',
  `$JS.API.STREAM.INFO.${eventStream}`,
  `$JS.API.STREAM.MSG.GET.${eventStream}`,
  `$JS.API.CONSUMER.CREATE.${eventStream}`,
  `$JS.API.CONSUMER.CREATE.${eventStream}.>`,
  `$JS.API.CONSUMER.INFO.${eventStream}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${eventStream}.*`,
  `$JS.API.CONSUMER.DELETE.${eventStream}.*`,
  `$JS.ACK.${eventStream}.>`,
];
