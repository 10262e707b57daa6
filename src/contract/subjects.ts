/**
 * Every subject of netloom, built here and nowhere else. Tokens run wide to narrow and are checked, so that nothing
 * that a user chose can add a level or a wildcard. This file is the client's too: it imports nothing at run time.
 */

export type Noun = 'container' | 'network' | 'node';

/** The same as core's tokenPattern (a test holds them together); core's comes with zod, which takes a CLI 50 ms to load. */
export const subjectToken = /^[A-Za-z0-9_-]{1,64}$/;

export const eventStream = 'NETLOOM_EVENTS';

function token(text: string): string {
  if (!subjectToken.test(text))
    throw new RangeError(`${JSON.stringify(text)} cannot stand in a subject: expected 1 to 64 of A-Z a-z 0-9 _ -`);
  return text;
}

/** A token, or any: `*` */
const tokenOrAny = (text: string | undefined): string => (text === undefined ? '*' : token(text));

/** The same as core's servedNamePattern (a test holds them together). */
export const subjectName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,249}$/;

/** The id of a container, or the name of a network or node, as one token: a dot would make two of it. No name has a `%`. */
export function nameToken(name: string): string {
  if (!subjectName.test(name))
    throw new RangeError(`${JSON.stringify(name)} cannot stand in a subject: expected 1 to 250 of A-Z a-z 0-9 _ . -`);
  return name.replaceAll('.', '%2E');
}

/** The name that a token stands for. */
export const nameOfToken = (token: string): string => token.replaceAll('%2E', '.');

const nameOrAny = (name: string | undefined): string => (name === undefined ? '*' : nameToken(name));

/** netloom.v1.<node>.<noun>.<verb> */
export function commandSubject(node: string, noun: string, verb: string): string {
  return `netloom.v1.${token(node)}.${token(noun)}.${token(verb)}`;
}

/** netloom.v1.<node>.evt.<noun>.<id>.<fact> */
export function eventSubject(node: string, noun: Noun, id: string, fact: string): string {
  return `netloom.v1.${token(node)}.evt.${noun}.${nameToken(id)}.${token(fact)}`;
}

/** netloom.v1.<node>.trace.<noun>.<id> */
export function traceSubject(node: string, noun: Noun, id: string): string {
  return `netloom.v1.${token(node)}.trace.${noun}.${nameToken(id)}`;
}

export interface Follow {
  node?: string;
  noun?: Noun;
  /** as it is, dots included */
  id?: string;
}

/** netloom.v1.<node|*>.evt.<noun|*>.<id|*>.* */
export function eventsOf({ node, noun, id }: Follow = {}): string {
  return `netloom.v1.${tokenOrAny(node)}.evt.${tokenOrAny(noun)}.${nameOrAny(id)}.*`;
}

/** netloom.v1.<node|*>.trace.<noun|*>.<id|*> */
export function tracesOf({ node, noun, id }: Follow = {}): string {
  return `netloom.v1.${tokenOrAny(node)}.trace.${tokenOrAny(noun)}.${nameOrAny(id)}`;
}

/** netloom.v1.<node>.evt.> */
export function allEventsOf(node: string): string {
  return `netloom.v1.${token(node)}.evt.>`;
}

/** netloom.v1.<node>.trace.> */
export function allTracesOf(node: string): string {
  return `netloom.v1.${token(node)}.trace.>`;
}

/** netloom.v1.<node>.> */
export function everythingOf(node: string): string {
  return `netloom.v1.${token(node)}.>`;
}

/** netloom.v1.*.evt.> : what the event stream keeps, of every node that shares a server */
export const eventStreamSubjects = 'netloom.v1.*.evt.>';

/** _INBOX.<user> : replies to one role, which the others may not hear */
export function inboxPrefix(user: string): string {
  return `_INBOX.${token(user)}`;
}
